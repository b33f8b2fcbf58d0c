"""A shift on a plain telephone: feature codes, PIN by DTMF, spoken answers, lamps."""

import asyncio
from datetime import datetime

import pytest

from acd.core import events as ev
from acd.store import people, pop
from ivr import phrases_desk
from ivr.codes import CODES
from ivr.speaker import Voice
from tests.live.people import TICK_S
from tests.live.testsite import PIN

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

LOGGED_OUT = {"my-state": "handset-logged-out", "figures": "speech"}
"""What is heard while logged out, where it is not that this comes first."""

ENTRY = f"{PIN}#"


async def test_a_shift(floor):
    """Log in, pause, ready, log out, all by keys; each is answered by the words for how the seat stands."""
    assert (await floor.dials("101", "*11", ("handset-pin", ENTRY)))[-2:] == ["speech", "handset-ready"]
    assert floor.seat("101").state == "ready"
    assert await floor.dials("101", "*142") == ["speech"]
    assert (floor.seat("101").state, floor.seat("101").pause_reason) == ("paused", "lunch")
    assert await floor.dials("101", "*13") == ["handset-ready"]
    assert floor.seat("101").state == "ready"
    assert await floor.dials("101", "*12") == ["handset-logged-out"]
    assert floor.seat("101").state == "logged-out"


async def test_a_pause_asks_for_its_reason(floor):
    """*14 alone reads out the reasons; the key pressed is the reason."""
    await floor.agent("101")
    await floor.dials("101", "*14", ("speech", "3"))
    assert floor.seat("101").pause_reason == "training"


async def test_a_supervisor_closes_a_queue_with_words_of_his_own(floor):
    """*20: he records what callers hear, hears it, and closes the queue; they do; then he opens it again."""
    await floor.agent("104")
    desk = await floor.handsets["104"].dial("*20")
    await desk.confirmed()
    await floor.hears(desk, "speech")  # which queue
    await desk.dtmf("1")
    await floor.hears(desk, "handset-queue-choice")
    await desk.dtmf("3")
    await floor.hears(desk, "handset-record-closing")
    await floor.speaks(desk, "agent")
    await floor.listen(desk, 2_000)  # the tone, then his own words
    await desk.dtmf("#")
    await floor.hears(desk, "handset-callers-hear")
    await floor.hears(desk, "agent")
    await floor.hears(desk, "handset-queue-choice")
    await desk.dtmf("1")
    await desk.ended()
    assert floor.state.closed == {"sales": True}
    call, _ = await floor.caller("5550102")
    await floor.hears(call, "agent")
    await floor.hears(call, "sorry-try-later")
    await call.ended()
    assert not floor.offers()
    await floor.dials("104", "*20", ("speech", "1"), ("handset-queue-choice", "2"))
    assert floor.state.closed == {"sales": False}
    await floor.waiter()
    (floor.server.home / "recordings/closing-sales.wav").unlink()


async def test_the_whole_site_is_closed(floor):
    """*20 and 0, as when the roof is on fire: whoever calls, whatever number, hears his words and nothing else."""
    await floor.agent("104")
    _, waits = await floor.waiter("5550103")
    desk = await floor.handsets["104"].dial("*20")
    await desk.confirmed()
    await floor.hears(desk, "speech")
    await desk.dtmf("0")
    await floor.hears(desk, "handset-queue-choice")
    await desk.dtmf("3")
    await floor.hears(desk, "handset-record-closing")
    await floor.speaks(desk, "agent")
    await floor.listen(desk, 2_000)
    await desk.dtmf("#")
    await floor.hears(desk, "handset-queue-choice")
    await desk.dtmf("1")
    await desk.ended()
    for number in ("5550100", "5550102", "5550106", "5550199"):
        call, own = await floor.caller(number)
        await floor.hears(call, "agent")
        await call.ended()
        assert not floor.seen(ev.CallArrived, caller=own)
    assert floor.call(waits).state in {"waiting", "offered"}  # who was there before is not sent away
    await floor.dials("104", "*20", ("speech", "0"), ("handset-queue-choice", "2"))
    await floor.waiter()
    (floor.server.home / "recordings/closing.wav").unlink()


async def test_an_agent_closes_nothing(floor):
    """Who is no supervisor hears so."""
    await floor.agent("101")
    assert await floor.dials("101", "*20") == ["handset-no-supervisor"]


async def test_three_wrong_pins_lock(floor):
    """Three wrong PINs lock the seat: even the right one is refused, until the time is over."""
    wrong = "12345#"
    heard = await floor.dials(
        "103",
        "*11",
        ("handset-pin", wrong),
        ("handset-wrong-pin", ""),
        ("handset-pin", wrong),
        ("handset-wrong-pin", ""),
        ("handset-pin", wrong),
    )
    assert heard[-1] == "handset-locked"
    assert await floor.server.desk.log_in("103", PIN) == "locked"
    clock, until = floor.server.dispatcher.clock, floor.seat("103").locked_until
    await floor.until(lambda: clock() > until, "unlocked")
    assert (await floor.dials("103", "*11", ("handset-pin", ENTRY)))[-1] == "handset-ready"


async def test_a_pin_is_written_nowhere(floor):
    """After a log-in neither the journal nor any file of Asterisk holds the PIN or the keys of it."""
    await floor.dials("101", "*11", ("handset-pin", ENTRY))
    home = floor.server.home
    files = [file for file in (*home.glob("journal/*"), *(home / "log").glob("*")) if file.is_file()]
    assert len(files) >= 3
    assert [file.name for file in files if PIN.encode() in file.read_bytes()] == []


async def test_hanging_up_at_the_pin(floor):
    """An agent who hangs up instead of keying a PIN leaves everything as it was."""
    phone = await floor.handset("101")
    call = await phone.dial("*11")
    await call.confirmed()
    await floor.hears(call, "handset-pin")
    await call.hang_up()
    await floor.peace()
    assert floor.seat("101").state == "logged-out"
    assert floor.seen(ev.LogInAsked) == []


async def test_wrap_up_is_ended_by_hand(floor):
    """*15 ends a wrap-up long before its time, and says so; a second one has nothing to end."""
    phone = await floor.agent("101", answer_after_ms=0)
    await floor.waiter("5550104")
    await floor.sees(ev.Connected)
    await phone.calls[0].hang_up()
    await floor.until(lambda: floor.seat("101").state == "wrap-up", "in wrap-up")
    assert await floor.dials("101", "*15") == ["handset-ready"]
    assert floor.seat("101").state == "ready"
    assert await floor.dials("101", "*15") == ["handset-no-wrap-up"]


async def test_my_state_is_told(floor):
    """*16 tells who is logged in, how the seat stands and that nobody waits."""
    assert await floor.dials("101", "*16") == ["handset-logged-out"]
    await floor.agent("101")
    assert await floor.dials("101", "*16") == ["speech", "handset-ready", "handset-none-waiting"]


@pytest.mark.parametrize(
    "code", [code for code in CODES.values() if code.action != "log-in"], ids=lambda code: code.dial
)
async def test_every_code_of_the_table_is_answered(floor, code):
    """A handset that dials any of them reaches its flow: while logged out it hears that this comes first."""
    heard = await floor.dials("104", f"{code.dial}101" if code.seat else code.dial)
    assert heard == [LOGGED_OUT.get(code.action, "handset-not-logged-in")]


async def test_own_figures_are_told(floor, monkeypatch):
    """*19 after a call: that it was one, in the seat's language; it is counted for today."""
    said = floor.spoken(monkeypatch)
    phone = await floor.agent("101", answer_after_ms=0)
    taken = floor.server.desk.figures("101").calls
    await floor.waiter()
    await floor.sees(ev.Connected)
    await phone.calls[0].hang_up()
    await floor.sees(ev.OfferEnded)
    await phone.on_call(answer_after_ms=None)
    assert floor.state.day == datetime.now().astimezone().date().isoformat()
    assert await floor.dials("101", "*19") == ["speech"]
    said = said[said.index(f"Calls of today: {taken + 1}.") :]
    assert said[1].startswith("You talked for ")
    assert said[-1].startswith("Since you logged in you have been busy for ")


async def test_the_next_call_is_told(floor, monkeypatch):
    """*21: how many wait, and of the next one queue, wait and number, digit by digit, before it is taken."""
    said = floor.spoken(monkeypatch)
    await floor.agent("104")
    assert await floor.server.desk.pause("104", "lunch") == "ok"
    _, number = await floor.waiter("5550103")
    assert await floor.dials("104", "*21") == ["speech"]
    said = said[said.index("1 call is waiting.") :]
    assert said[1] == "Next: queue support."
    assert said[2].startswith("It has waited for ")
    assert said[3:] == ["Its number:", *(phrases_desk.digit(sign, "en") for sign in number)]
    assert floor.offers() == []


async def test_the_next_call_is_told_by_name(floor, monkeypatch):
    """*21: who it is, when the customer file knows his number."""
    store, known, said = floor.server.customers.store, floor.server.customers.known, []
    say = Voice.say

    async def noted(voice, text, language):
        said.append((text, language))
        return await say(voice, text, language)

    monkeypatch.setattr(Voice, "say", noted)
    await floor.until(lambda: store.failed is None, "the customer file open")
    await floor.agent("104")
    assert await floor.server.desk.pause("104", "lunch") == "ok"
    _, number = await floor.waiter("5550103")
    named, now = people.Named("number", number), floor.server.dispatcher.clock
    await store.write(people.rename, await store.write(people.find_or_make, named, now()), "Jan Kowalski")
    while (await store.read(pop.screen_pop, named, now())).today < 1:  # noqa: ASYNC110 - the journal's word takes time
        await asyncio.sleep(TICK_S)
    await floor.hang_up()
    await floor.until(lambda: not floor.state.calls, "gone")
    await floor.trunk.dial("5550103", caller_id=number)
    await floor.until(lambda: any(known.name(call) for call in floor.state.calls), "known")
    assert await floor.dials("104", "*21") == ["speech"]
    assert said == [("Jan Kowalski, second contact today.", "en")]


async def test_a_supervisor_pulls_a_call(floor, monkeypatch):
    """*22: of a queue that he does not serve he takes who waited longest; his phone rings when it is down."""
    await floor.agent("104")
    said = floor.spoken(monkeypatch)
    await floor.dials("104", "*22", ("speech", "1"))
    assert said[-1] == "handset-none-waiting"
    first, number = await floor.waiter()
    await floor.waiter()
    await floor.dials("104", "*22", ("speech", "1"))
    assert said[-1] == "handset-pulled"
    leg = await floor.rings("104")
    assert floor.offers() == [(number, "104")]
    await leg.answer()
    await floor.sees(ev.Connected)
    await floor.talk(first, leg)
    assert await floor.server.desk.pull("104", "sales") == "unable"
    assert await floor.server.desk.pull("101", "") == "unknown-seat"


async def test_codes_of_somebody_logged_out(floor):
    """Whoever is not logged in hears that, and nothing changes."""
    for code in ("*13", "*141", "*15", "*12"):
        assert await floor.dials("101", code) == ["handset-not-logged-in"]
    assert floor.seat("101").state == "logged-out"


async def test_no_offer_during_a_code(floor):
    """While an agent listens to a feature code no call rings him; right after it one does."""
    phone = await floor.agent("101")
    code = await phone.dial("*16")
    await code.confirmed()
    await floor.until(lambda: floor.seat("101").busy, "busy")
    _, caller = await floor.waiter()
    assert floor.offers() == []
    await code.hang_up()
    await floor.rings("101")
    assert floor.offers() == [(caller, "101")]


async def test_a_lamp_follows_its_seat(floor):
    """A colleague's lamp shows each state of a seat, from log-in through ringing, talk and wrap-up to pause."""
    watcher = await floor.handset("103")
    lamp = await watcher.watch("*5101")
    await lamp.shows("Unavailable")
    await floor.agent("101")
    await lamp.shows("Ready")
    await floor.waiter("5550104")
    leg = await floor.rings("101")
    await lamp.shows("Ringing")
    await leg.answer()
    await lamp.shows("On the phone")
    await leg.hang_up()
    await floor.until(lambda: floor.seat("101").state == "wrap-up", "in wrap-up")
    assert await floor.server.desk.pause("101", "lunch") == "later"
    assert await floor.server.desk.end_wrap_up("101") == "ok"
    await lamp.shows("On hold")
    await floor.server.desk.log_out("101")
    await lamp.shows("Unavailable")
