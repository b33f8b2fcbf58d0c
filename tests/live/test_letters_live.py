"""E-mails on a plain telephone, from the medium to the answer: rung for, read, answered by keys and voice, closed."""

import asyncio
import wave

import pytest
import pytest_asyncio

from acd.core.events import CallArrived, CallEnded, CloseAsked, Connected, OfferEnded
from ivr.audio import from_pcm16
from tests.ivr.brought import bring
from tests.ivr.letter_house import Mailroom, card
from tests.live.floor import open_floor
from tests.live.testsite import HERTZ, heard, record, write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

SOUNDS = {
    "email-from": "polish-menu",
    "subject": "closed",
    "long": "long-menu",
    "keys": "main-menu",
    "record": "handset-pin",
    "recorded": "handset-ready",
    "record-choice": "handset-paused",
    "choices": "handset-ringing",
    "send-choice": "handset-locked",
    "sent": "handset-talking",
    "closed": "message-closed",
    "put-off": "message-put-off",
    "moved": "handset-queue-choice",
}
"""Prompt -> whose tone it has here: the last words are long, for a hang-up cuts what a phone has not played yet."""
LAST_MS = 1_500
KEYS, ANSWER_MS = SOUNDS["keys"], 2_500
GRAMMAR = """#JSGF V1.0;
grammar answers;
public <answer> = nobody is available to take your call at the moment | thank you for your patience | goodbye
  | please leave your message after the tone | your call has been forwarded to an automatic voice message system;
"""
"""What the recogniser of these tests can hear."""
SPOKEN = "vm-nobodyavail"
"""One of it, which somebody recorded for Asterisk."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(prompt_cache, tmp_path_factory):
    """Give a floor with a medium that stores in a folder, and calls that have codes."""
    (grammar := tmp_path_factory.mktemp("grammar") / "answers.gram").write_text(GRAMMAR)
    acd = f"\n[codes]\n1 = sold\n2 = complaint\n[general](+)\nrecogniser = sphinx {grammar}\n"
    folder = write_site(tmp_path_factory.mktemp("letters") / "site", acd=acd)
    for name, sound in SOUNDS.items():
        record(folder / f"sounds/en/letter-{name}.wav", HERTZ[sound], LAST_MS)
    room = Mailroom(tmp_path_factory.mktemp("room"))

    def prepare(server):
        server.channels["email"] = room

    with pytest.MonkeyPatch.context() as patch:
        bring(tmp_path_factory.mktemp("packages"), patch)
        async with open_floor(folder, tmp_path_factory.mktemp("home"), prompt_cache, prepare=prepare) as floor:
            floor.room = room
            yield floor


async def writes(floor, name, queue="sales", **told):
    """A customer's letter comes in; it is there, and looked up, before any agent is."""
    letter = card(call=name, arrived=floor.server.dispatcher.clock(), **told)
    floor.room.receive(letter)
    floor.server.dispatcher.submit(CallArrived(call=name, queue=queue, caller=letter.address, medium="email"))
    known = floor.server.customers.known
    await floor.until(lambda: known.name(name) == "Jan Kowalski", "looked up")


async def answers(floor, seat):
    """The seat's phone rings, shows who wrote, and is answered."""
    leg = await floor.rings(seat)
    assert "e-mail from Jan Kowalski" in leg.remote
    await leg.answer()
    await floor.hears(leg, SOUNDS["email-from"])
    return leg


async def last_word(floor, leg, key):
    """What the agent hears last after a key."""
    await leg.record(floor._recording())
    await leg.dtmf(key)
    await leg.ended()
    return heard(await leg.recorded())[-1]


async def closes(floor, leg):
    """After what it was about, the letter is closed, and with it the call."""
    await floor.hears(leg, "speech")  # the codes
    assert await last_word(floor, leg, "2") == SOUNDS["closed"]
    assert floor.state.calls == {}


async def test_read_and_answered_by_voice(floor):
    """Who, subject, text; then 3, a spoken answer that is heard again and sent with 1, its code, and it is closed."""
    await writes(floor, "voice-1")
    await floor.agent("101")
    leg = await answers(floor, "101")
    said = await floor.hears(leg, KEYS)
    at = said.index(SOUNDS["subject"])
    assert "speech" in said[:at]  # who wrote, and when
    assert "speech" in said[at:]  # the text
    await leg.dtmf("3")
    await floor.hears(leg, SOUNDS["record"])
    await floor.listen(leg, LAST_MS + 500)
    await floor.speaks(leg, "agent")
    await floor.listen(leg, ANSWER_MS)
    await leg.dtmf("#")
    assert "agent" in await floor.hears(leg, SOUNDS["record-choice"])
    await leg.dtmf("1")
    await floor.hears(leg, SOUNDS["sent"])
    await closes(floor, leg)
    reply = floor.room.told("replies")[-1]
    assert (reply["call"], reply["seat"]) == ("voice-1", "101")
    assert reply["text"] == "Nasza odpowiedź jest w załączonym nagraniu."
    with wave.open(str(floor.room.folder / reply["files"][0])) as clip:
        sound = from_pcm16(clip.readframes(clip.getnframes()), clip.getframerate())
    assert "agent" in heard(sound)
    assert abs(sound.duration_ms - ANSWER_MS) < 1_500
    assert list((floor.server.home / "recordings").glob("reply-*")) == []
    assert floor.room.told("closed")[-1] == ["voice-1", "101", "complaint"]
    assert len(floor.seen(CloseAsked)) == 1
    assert list((floor.server.home / "spoken").iterdir()) == []


async def test_what_is_answered_by_voice_is_written_down(floor, tmp_path):
    """A human voice on the agent's telephone, a recogniser that another package brought: sound and words go out."""
    voice = human(floor.server.instance, tmp_path)
    await writes(floor, "words-1", text="Why do you not answer the telephone? I wait since Monday.", language="en")
    await floor.agent("101")
    leg = await answers(floor, "101")
    await floor.hears(leg, KEYS)
    await leg.dtmf("3")
    await floor.hears(leg, SOUNDS["record"])
    await floor.listen(leg, LAST_MS + 500)
    await leg.play(voice)
    await leg.played()
    await floor.listen(leg, 500)
    await leg.dtmf("#")
    await floor.hears(leg, SOUNDS["record-choice"])
    await leg.dtmf("1")
    await floor.hears(leg, SOUNDS["sent"])
    await closes(floor, leg)
    reply = floor.room.told("replies")[-1]
    assert len(reply["files"]) == 1
    assert reply["text"].split("\n") == [
        "Please find our answer in the attached recording.",
        "",
        "Written down by a machine; where it differs, the recording counts:",
        "nobody is available to take your call at the moment",
    ]


def human(instance, folder):
    """Give a recording of a human voice as a softphone plays it; Asterisk turns its own into that."""
    [recording] = instance.asterisk.data.glob(f"sounds/en*/{SPOKEN}.gsm")
    instance.cli("module load res_convert.so")  # no server needs it
    said = instance.cli(f"file convert {recording} {folder / 'human.wav'}")
    assert (folder / "human.wav").exists(), said
    return folder / "human.wav"


async def test_answered_by_a_ready_reply(floor):
    """4, its number, 1: by keys alone, each pressed before the words are over."""
    await writes(floor, "ready-1")
    await floor.agent("101")
    leg = await answers(floor, "101")
    await leg.dtmf("4")
    await floor.hears(leg, SOUNDS["choices"])
    await leg.dtmf("1")
    await floor.hears(leg, SOUNDS["send-choice"])
    await leg.dtmf("1")
    await floor.hears(leg, SOUNDS["sent"])
    await closes(floor, leg)
    reply = floor.room.told("replies")[-1]
    assert (reply["call"], reply["choice"]) == ("ready-1", "in-time")


async def test_left_in_the_midst_of_it_and_put_off(floor):
    """Who hangs up has it back in the queue; a colleague wants the next one; it is put off at last."""
    await writes(floor, "left-1")
    await floor.agent("101")
    leg = await answers(floor, "101")
    await floor.hears(leg, "speech")
    await leg.hang_up()
    await floor.until(lambda: floor.state.calls["left-1"].state == "waiting", "waits again")
    await floor.agent("102")
    leg = await answers(floor, "102")
    await leg.dtmf("0")
    await leg.ended()
    leg = await answers(floor, "101")
    assert await last_word(floor, leg, "9") == SOUNDS["put-off"]
    assert floor.state.calls["left-1"].hold_until is not None
    assert [event.outcome for event in floor.seen(OfferEnded)] == ["hung-up"] * 3
    assert [line for line in floor.room.told("closed") if line[0] == "left-1"] == []
    floor.server.dispatcher.submit(CallEnded(call="left-1", reason="done"))


async def test_given_to_another_queue(floor):
    """8, and a queue: those who serve that one have it, at once and from its old place."""
    await writes(floor, "moved-1")
    arrived = floor.state.calls["moved-1"].arrived
    await floor.agent("101")
    leg = await answers(floor, "101")
    await floor.agent("103")
    await leg.dtmf("8")
    await floor.hears(leg, "speech")  # the queues
    assert await last_word(floor, leg, "1") == SOUNDS["moved"]
    leg = await answers(floor, "103")
    call = floor.state.calls["moved-1"]
    assert (call.queue, call.arrived) == ("support", arrived)
    await leg.dtmf("7")
    await closes(floor, leg)


async def test_five_megabytes(floor):
    """It is said that it is long, and reading begins at once; a key is heard in the midst of it."""
    await writes(floor, "long-1", text="Wszystko jest źle, jak zawsze. " * 170_000)
    await floor.agent("101")
    leg = await answers(floor, "101")
    await floor.hears(leg, SOUNDS["long"])
    began = asyncio.get_running_loop().time()
    await floor.hears(leg, "speech")
    assert asyncio.get_running_loop().time() - began < LAST_MS / 1_000 + 3
    assert "speech" in heard(await floor.listen(leg, 3_000))
    await leg.dtmf("7")
    await closes(floor, leg)
    assert len(floor.seen(Connected)) == 1
