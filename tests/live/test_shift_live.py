"""A whole shift, played by keys alone on two softphones: what each pressed and heard is printed as its protocol.

The agent sits down at the telephone `lobby`, the supervisor at his own. What they hear is measured: each recorded
prompt is a tone of its own, each voice of a person too, and what is spoken is told by the text that was spoken.
"""

import asyncio
import time
from itertools import groupby

import pytest
import pytest_asyncio

from acd.core import events as ev
from ivr.mailbox import CLOSED, RECORDINGS, messages
from tests.live.floor import Floor
from tests.live.provider import open_with_customer
from tests.live.test_callbacks_live import MORE, at_home, number
from tests.live.testsite import PIN, heard

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

DAY = """
[support](+)
wrap_up = 30s
key = 1, callback
[codes]
1 = sold
2 = complaint
"""
AGENT, BOSS = "lobby", "104"


class Shift:
    """The protocol of a shift, and the hands that make it."""

    def __init__(self, floor, said):
        self.floor, self.said, self.rows = floor, said, []
        self._told = 0
        self._began = time.monotonic()

    def note(self, who, did, sounds):
        """Write down what somebody did, and what he heard of it: sounds by name, speech by its text."""
        texts, self._told = self.said[self._told :], len(self.said)
        spoken = [text for text in texts if " " in text or len(text) < 3]
        sounds = [name for name, _ in groupby(sounds)]
        self.rows.append((time.monotonic() - self._began, who, did, sounds, spoken))
        return sounds

    async def dials(self, who, code, *steps):
        """Somebody dials a code, and presses keys when he has heard a word; gives all that he heard."""
        phone = await (self.floor.phone(who) if who == AGENT else self.floor.handset(who))
        call = await phone.dial(code)
        await call.confirmed()
        sounds = []
        for word, keys in steps:
            sounds += await self.until(call, word)
            await call.dtmf(keys)
        await call.record(self.floor._recording())
        await call.ended()
        sounds += heard(await call.recorded())
        pressed = " ".join([code, *(keys.replace(PIN, "PIN") for _, keys in steps)])
        return self.note(who, pressed, sounds)

    async def until(self, call, word):
        """Listen until a word comes; gives all that was heard."""
        sounds = []
        async with asyncio.timeout(30):
            while word not in sounds:
                assert call.state != "ended", f"ended without {word}, after {sounds}"
                sounds += heard(await self.floor.listen(call, 300))
        return list(dict.fromkeys(sounds))

    async def talks(self, who, call, other):
        """Two talk: each hears the other's voice and nothing else; the voices stop then."""
        await self.floor.talk(other, call)
        self.note(who, "talks", ["caller", "agent"])

    def told(self, *words):
        """Whether these words were in what was spoken last."""
        return all(any(word in text for text in self.rows[-1][4]) for word in words)

    def protocol(self):
        """All of it, a line each."""
        for at, who, did, sounds, spoken in self.rows:
            text = f' "{" ".join(spoken)}"' if spoken else ""
            yield f"{at:6.1f} s  {who:8} {did:28} {', '.join(sounds)}{text}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(make_instance, tmp_path_factory, prompt_cache):
    """Give a floor with a provider, where the telephone 803 is a customer's."""
    async with open_with_customer(make_instance, tmp_path_factory, prompt_cache, MORE + DAY) as floor:
        yield floor


@pytest.fixture
def shift(house: Floor, monkeypatch):
    """Give the protocol; it is printed however the shift ends."""
    house.begin()
    shift = Shift(house, house.spoken(monkeypatch))
    yield shift
    print("\n" + "\n".join(shift.protocol()))


async def rings(floor, who):
    """A telephone rings; gives the call."""
    return await floor.rings(who)


async def begins(shift):
    """Both log in; the agent has a pause, comes back, and hears how he stands and what he has done."""
    await shift.dials(BOSS, "*11", ("handset-pin", f"{PIN}#"))
    assert shift.rows[-1][3][-1] == "handset-ready"
    await shift.dials(BOSS, "*144")  # he takes no calls but those that he pulls
    await shift.dials(AGENT, "*11", ("handset-seat-number", "102#"), ("handset-pin", f"{PIN}#"))
    assert shift.floor.seat("102").at_phone == AGENT
    await shift.dials(AGENT, "*14", ("speech", "2"))
    assert shift.floor.seat("102").pause_reason == "lunch"
    await shift.dials(AGENT, "*16")
    assert shift.told("Ben Carter")
    await shift.dials(AGENT, "*19")
    assert shift.told("You have had no calls today.")


async def first_call(shift):
    """Who waits, and the next call before it is taken; then it rings, and they talk while the supervisor listens."""
    floor = shift.floor
    caller, own = await floor.waiter("5550103")
    await shift.dials(AGENT, "*16")
    assert shift.told("1 call is waiting.")
    await shift.dials(AGENT, "*21")
    assert shift.told("Next: queue support.", "Its number:")
    await shift.dials(AGENT, "*13")
    leg = await rings(floor, AGENT)
    assert own in leg.remote
    assert "(support)" in leg.remote
    shift.note(AGENT, f"rings: {leg.remote}", [])
    await leg.answer()
    await floor.sees(ev.Connected)
    await shift.talks(AGENT, leg, caller)
    await listens(shift, leg, caller)
    return caller, leg


async def listens(shift, leg, caller):
    """The supervisor hears both, speaks to the agent alone, then to both."""
    floor = shift.floor
    spy = await floor.handsets[BOSS].dial("*23")
    await spy.confirmed()
    sounds = await shift.until(spy, "handset-listen-seat")
    await spy.dtmf("102#")
    sounds += await shift.until(spy, "handset-listen-keys")
    await floor.sees(ev.Listening, mode="listen")
    sounds += await shift.until(spy, "speech")  # both voices at once
    shift.note(BOSS, "*23 102#", sounds)
    await floor.speaks(spy, "third")
    await spy.dtmf("2")
    await floor.sees(ev.Listening, mode="whisper")
    shift.note(AGENT, "(the supervisor presses 2)", await shift.until(leg, "speech"))
    await spy.dtmf("3")
    await floor.sees(ev.Listening, mode="barge")
    shift.note("caller", "(the supervisor presses 3)", await shift.until(caller, "speech"))
    await spy.hang_up()
    await floor.sees(ev.Listening, mode="over")


async def gives_away(shift, caller, leg):
    """The agent gives the caller to the supervisor by ##, gives the call its code, and ends wrap-up."""
    floor = shift.floor
    await leg.dtmf("##")
    sounds = await shift.until(leg, "speech")
    await leg.dtmf("104")
    taken = await rings(floor, BOSS)
    await leg.ended()
    shift.note(AGENT, "## 104", sounds)
    await taken.answer()
    await shift.talks(BOSS, taken, caller)
    await floor.until(lambda: floor.seat("102").state == "wrap-up", "in wrap-up")
    await shift.dials(AGENT, "*17")
    await shift.dials(AGENT, "*18", ("speech", "1"))
    assert floor.seen(ev.CodeAsked)[-1].code == "sold"
    await shift.dials(AGENT, "*15")
    assert floor.seat("102").state == "ready"
    await caller.hang_up()
    await taken.ended()


async def the_supervisor_works(shift):
    """He pulls who waits longest, closes a queue with words of his own, hears that callers hear them, and opens it."""
    floor = shift.floor
    await shift.dials(AGENT, "*141")
    first, own = await floor.waiter()
    second, _ = await floor.waiter()
    await shift.dials(BOSS, "*13")
    await shift.dials(BOSS, "*22", ("speech", "1"))
    leg = await rings(floor, BOSS)
    assert own in leg.remote
    await leg.answer()
    await shift.talks(BOSS, leg, first)
    await leg.hang_up()
    await second.hang_up()
    await shift.dials(BOSS, "*144")
    desk = await floor.handsets[BOSS].dial("*20")
    await desk.confirmed()
    sounds = await shift.until(desk, "speech")
    await desk.dtmf("1")
    sounds += await shift.until(desk, "handset-queue-choice")
    await desk.dtmf("3")
    sounds += await shift.until(desk, "handset-record-closing")
    await floor.speaks(desk, "agent")
    await floor.listen(desk, 2_000)
    await desk.dtmf("#")
    sounds += await shift.until(desk, "handset-callers-hear")
    sounds += await shift.until(desk, "agent")
    sounds += await shift.until(desk, "handset-queue-choice")
    await desk.dtmf("1")
    await desk.ended()
    shift.note(BOSS, "*20 1 3 (speaks) # 1", sounds)
    late, _ = await floor.caller("5550102")
    shift.note("caller", "calls the closed queue", await shift.until(late, "agent"))
    await late.ended()
    await shift.dials(BOSS, "*20", ("speech", "1"), ("handset-queue-choice", "2"))
    assert floor.state.closed == {"sales": False}


async def a_message(shift):
    """A caller leaves one; the agent's telephone rings, he hears it twice, and closes it with its code."""
    floor = shift.floor
    call = await floor.trunk.dial("5550108", caller_id=number("0", 61))
    await call.confirmed()
    recordings = floor.server.home / RECORDINGS
    await floor.until(lambda: any(path.stem != "closing-sales" for path in recordings.glob("*.wav")), "the tone")
    await floor.speaks(call, "caller")
    await floor.listen(call, 2_500)
    await call.hang_up()
    await shift.dials(AGENT, "*13")
    leg = await rings(floor, AGENT)
    shift.note(AGENT, f"rings: {leg.remote}", [])
    await leg.answer()
    sounds = await shift.until(leg, "caller")
    await leg.dtmf("1")
    sounds += await shift.until(leg, "caller")
    await leg.dtmf("7")
    sounds += await shift.until(leg, "speech")
    await leg.dtmf("2")
    await leg.ended()
    shift.note(AGENT, "1 7 2", sounds)
    await floor.until(lambda: messages(recordings / CLOSED), "closed")
    assert [one.code for one in messages(recordings / CLOSED)] == ["complaint"]


async def a_callback(shift):
    """A caller takes one; the agent's telephone rings, he hears whom he calls, and they talk."""
    floor = shift.floor
    await floor.until(lambda: floor.seat("102").state in {"ready", "wrap-up"}, "the agent")
    await shift.dials(AGENT, "*141")
    own = at_home(62)
    call = await floor.trunk.dial("5550103", caller_id=own)
    await call.confirmed()
    await floor.sees(ev.CallArrived, caller=own)
    await call.dtmf("1")
    sounds = await shift.until(call, "speech")
    await call.dtmf("1")
    sounds += await shift.until(call, "callback-promised")
    await call.ended()
    shift.note("caller", "1 1", sounds)
    await shift.dials(AGENT, "*13")
    leg = await rings(floor, AGENT)
    shift.note(AGENT, f"rings: {leg.remote}", [])
    await leg.answer()
    sounds = await shift.until(leg, "callback-agent-choice")
    phone = await floor.customer.incoming(20_000)
    await phone.answer()
    await floor.sees(ev.LegAnswered)
    shift.note(AGENT, "answers, waits", sounds)
    await shift.talks(AGENT, leg, phone)
    await leg.hang_up()
    await phone.ended()
    await shift.dials(AGENT, "*15")


async def a_call_outside(shift):
    """He dials 0 and a number, and talks to who answers."""
    floor = shift.floor
    call = await floor.handsets[AGENT].dial("0" + at_home(63))
    phone = await floor.customer.incoming(20_000)
    await phone.answer()
    await call.confirmed()
    await shift.talks(AGENT, call, phone)
    await call.hang_up()
    await phone.ended()
    shift.note(AGENT, "0" + at_home(63), [])


async def test_a_day(shift):
    """From log-in to log-out, by keys alone."""
    floor = shift.floor
    await begins(shift)
    await gives_away(shift, *await first_call(shift))
    await the_supervisor_works(shift)
    await a_message(shift)
    await a_callback(shift)
    await a_call_outside(shift)
    await shift.dials(AGENT, "*19")
    await shift.dials(AGENT, "*12")
    await shift.dials(BOSS, "*12")
    assert shift.rows[-1][3] == ["handset-logged-out"]
    assert floor.server.faults() == []
