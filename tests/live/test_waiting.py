"""What a caller hears while he waits: music of his queue, and words that whoever takes him cuts short."""

import asyncio

import pytest
import pytest_asyncio

from acd.core import commands as cmd
from acd.core.events import CallArrived, CallEnded, Connected, HeldCall, Snapshot
from ivr.audio import to_wav
from ivr.tones import read_wav, tone
from tests.live.floor import channels, open_floor
from tests.live.testsite import HERTZ, heard, write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]


MORE_IVR = """
[wishes-number]
type = number
number = 5550110
go = language pl, queue sales priority 3 needs french 3 + sales|support 5 ahead 60s seat 102
"""
SENT = """
from ivr.flow import Answer, Enqueue, GetVariable, Play, flow


@flow("sent")
async def sent(caller):
    if await GetVariable("ACD_REASON") == "too-long":
        await Play("closed")
        await Enqueue("support")
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory, prompt_cache):
    """Give a floor whose support callers hear a music of their own: the voice called `third`."""
    folder = write_site(tmp_path_factory.mktemp("waiting") / "site", acd="[support](+)\nmusic = other\n")
    with (folder / "ivr.conf").open("a") as file:
        file.write(MORE_IVR)
    (folder / "flows").mkdir()
    (folder / "flows/sent.py").write_text(SENT)
    (folder / "sounds/en/voicemail-begin.wav").write_bytes(to_wav(tone(HERTZ["unknown-number"], duration_ms=600)))
    (folder / "other").mkdir()
    (folder / "other/music.wav").write_bytes(to_wav(tone(HERTZ["third"], duration_ms=60_000)))
    with (folder / "musiconhold.conf").open("a") as file:
        file.write(f"[other]\nmode = files\ndirectory = {folder / 'other'}\n")
    async with open_floor(folder, tmp_path_factory.mktemp("house"), prompt_cache) as floor:
        yield floor


def announce(floor, caller, **words):
    """Have a waiting caller told something."""
    floor.server.switch.announce(cmd.Announce(call=floor.call(caller).id, **words))


async def test_words_replace_the_music_and_it_comes_back(floor):
    """A caller hears music, then words and nothing else, then music again; the voice leaves no channel."""
    call, own = await floor.waiter()
    assert heard(await floor.listen(call, 500)) == ["music"]
    announce(floor, own, prompt="goodbye")
    sound = await floor.listen(call, 5000)
    assert heard(sound) == ["music", "goodbye", "music"]
    await floor.until(lambda: len(channels(floor.server.instance)) == 1, "the voice gone")


async def test_an_offer_takes_him_in_mid_word(floor):
    """A 20 s announcement has begun, the agent answers: they hear each other, nothing of it, and the voice is gone."""
    call, own = await floor.waiter()
    announce(floor, own, prompt="long-menu")
    await floor.hears(call, "long-menu")
    await floor.agent("101")
    agent = await floor.rings("101")
    assert heard(await floor.listen(call, 500)) == ["long-menu"]
    await agent.answer()
    await floor.sees(Connected)
    await floor.talk(call, agent)
    assert heard(await floor.listen(call, 1000)) == ["agent"]
    await floor.until(lambda: len(channels(floor.server.instance)) == 2, "the voice gone")


async def test_two_announcements_do_not_get_into_each_others_way(floor):
    """The second waits for the end of the first; a holding bridge would turn its voice away."""
    call, own = await floor.waiter()
    announce(floor, own, prompt="closed")
    announce(floor, own, prompt="unknown-number")
    sound = await floor.listen(call, 4000)
    assert [word for word in heard(sound) if word != "music"] == ["closed", "unknown-number"]
    assert heard(sound)[-1] == "music"


async def test_figures_are_spoken_in_the_callers_language(floor):
    """Place and range are speech, one after the other, Polish to him who chose Polish; the music comes back."""
    call, own = await floor.waiter("5550110")
    announce(floor, own, position=3, wait_least_ms=120_000, wait_most_ms=240_000)
    await floor.hears(call, "speech")
    await floor.hears(call, "music")
    said = {name.resolve().stem for name in (floor.server.home / "sounds/said").glob("*.wav")}
    for text in ("Państwa numer w kolejce: 3.", "Przewidywany czas oczekiwania: od dwóch do czterech minut."):
        stem = await floor.server._prompts.find(text, "pl")
        assert stem.rpartition("/")[2] in said


async def test_a_caller_who_leaves_in_mid_word_takes_the_voice_along(floor):
    """He hangs up while he is told something: no channel speaks on to nobody."""
    call, own = await floor.waiter()
    announce(floor, own, prompt="long-menu")
    await floor.hears(call, "long-menu")
    await call.hang_up()
    await floor.sees(CallEnded)
    await floor.until(lambda: channels(floor.server.instance) == [], "the voice gone")


async def test_a_snapshot_in_mid_word_knows_that_he_waits(floor):
    """Somebody who speaks to him is in his bridge, and yet a look at the switch finds that he waits."""
    call, own = await floor.waiter()
    announce(floor, own, prompt="long-menu")
    await floor.hears(call, "long-menu")
    before = len(floor.seen(Snapshot))
    floor.server.switch.take_snapshot()
    await floor.until(lambda: len(floor.seen(Snapshot)) > before, "a snapshot")
    [held] = floor.seen(Snapshot)[-1].calls
    assert held.waiting
    assert held.caller == own


async def test_no_word_stays_behind_when_many_are_taken_in_mid_word(floor):
    """Ten callers one after the other are taken while they are told something, each at another moment of it."""
    phone = await floor.agent("101", answer_after_ms=0)
    for number in range(10):
        await floor.server.desk.pause("101", "break")
        call, own = await floor.waiter()
        announce(floor, own, prompt="long-menu")
        await asyncio.sleep(number * 0.03)
        await floor.server.desk.ready("101")
        await floor.sees(Connected, offer=(await offer_of(floor, own)))
        await (phone.calls[0] if number % 2 else call).hang_up()
        if number % 2:
            await call.hang_up()
        await floor.until(lambda: not floor.state.calls, "he is gone")
    await floor.until(lambda: channels(floor.server.instance) == [], "all channels gone")
    assert "Bridge-ID" in (said := floor.server.instance.cli("bridge show all"))
    assert len(said.strip().splitlines()) == 1


async def offer_of(floor, own):
    await floor.until(lambda: floor.call(own).offer is not None, "an offer")
    return floor.call(own).offer


async def test_each_queue_has_its_music(floor):
    """Who waits in support hears its own class, who waits in sales the default, also after a change of queue."""
    support, _ = await floor.waiter("5550103")
    sales, own = await floor.waiter("5550102")
    assert heard(await floor.listen(support, 600)) == ["third"]
    assert heard(await floor.listen(sales, 600)) == ["music"]
    floor.server.switch.send_away(cmd.SendAway(call=floor.call(own).id, to="flow sent", reason="too-long"))
    await floor.hears(sales, "closed")  # the flow has read the reason, and queues him in support
    await floor.hears(sales, "third")
    assert [event.queue for event in floor.seen(CallArrived, caller=own)] == ["sales", "support"]


async def test_voicemail_records_who_is_sent_there(floor):
    """He hears a prompt and a tone, speaks and hangs up: his voice is in the folder, under queue, time and number."""
    call, own = await floor.waiter()
    floor.server.switch.send_away(cmd.SendAway(call=floor.call(own).id, to="voicemail", reason="full"))
    await floor.hears(call, "unknown-number")  # here: what asks for a message
    await floor.speaks(call, "caller")
    await floor.listen(call, 2500)
    await call.hang_up()
    folder = floor.server.home / "recordings"
    [file] = folder.glob(f"voicemail-sales-*-{own}-*.wav")
    await floor.until(lambda: "caller" in heard(read_wav(file)), "his voice in the file")
    message = await floor.sees(CallArrived, medium="voicemail")
    floor.server.dispatcher.submit(CallEnded(call=message.call, reason="done"))


async def test_a_call_keeps_what_it_asks_for(floor):
    """Skills, head start and seat of ivr.conf arrive with the call, and a look at the switch finds them again."""
    _, own = await floor.waiter("5550110")
    wishes = {
        "needs": ((("french", 3),), (("sales", 1), ("support", 5))),
        "head_start_ms": 60_000,
        "seat": "102",
        "priority": 3,
    }
    [arrived] = floor.seen(CallArrived, caller=own)
    assert {name: getattr(arrived, name) for name in wishes} == wishes
    floor.server.switch.take_snapshot()
    await floor.until(lambda: any(call.caller == own for call in last_held(floor)), "a snapshot with him")
    [held] = last_held(floor)
    assert isinstance(held, HeldCall)
    assert {name: getattr(held, name) for name in wishes} == wishes


def last_held(floor):
    return floor.seen(Snapshot)[-1].calls if floor.seen(Snapshot) else ()
