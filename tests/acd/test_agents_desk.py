"""The agents' desk over a real dispatcher: PINs, locks, and what an agent may see."""

import asyncio
import hmac

import pytest

from acd.core import Core
from acd.core import events as ev
from acd.core.rules import QueueRule, SeatRule
from acd.desk.agents import AgentDesk, Figures, NextCall
from acd.dispatcher import Dispatcher
from acd.settings import GeneralSettings, SeatSettings, Site, SwitchSettings

START = 1_800_000_000_000
PIN = "4711"


class Quiet:
    """A journal that keeps all and a switch that does nothing."""

    def __init__(self):
        self.stored = []

    def append(self, event, _commands):
        self.stored.append(event)
        return len(self.stored)

    def commit(self):
        return len(self.stored)

    def __getattr__(self, _command):
        return lambda *_args: None


def seat(name, pin):
    rule = SeatRule(name=name, queues=("sales",), pin_tries=3, lock_ms=60_000)
    handset, supervisor = f"PJSIP/{name}", name == "102"
    return SeatSettings(
        rule=rule, agent=f"Agent {name}", pin=pin, handset=handset, language="en", supervisor=supervisor
    )


class Office:
    """Seats 101 and 102 (whose PIN the site does not know yet) at one queue, and a clock to set."""

    def __init__(self):
        self.now = START
        self.outside = Quiet()
        self.dispatcher = Dispatcher(Core(), self.outside, self.outside, clock=lambda: self.now)
        queues = {"sales": QueueRule(name="sales")}
        seats = {"101": seat("101", PIN), "102": seat("102", "")}
        site = Site(general=GeneralSettings(), switch=SwitchSettings(fallback="101"), queues=queues, seats=seats)
        self.desk = AgentDesk(self.dispatcher, site)
        rules = tuple(one.rule for one in seats.values())
        handsets = tuple(ev.HandsetState(seat=name, reachable=True, busy=False) for name in seats)
        self.dispatcher.submit(
            ev.Started(run="t"),
            ev.Configured(queues=tuple(queues.values()), seats=rules),
            ev.Snapshot(asked=START, calls=(), legs=(), handsets=handsets),
        )


@pytest.fixture
async def office():
    """Give an office."""
    office = Office()
    yield office
    office.dispatcher.close()


@pytest.mark.parametrize(
    "wrong", ["", "471", "47110", "0000", "\uff14\uff17\uff11\uff11", "47\x00", "4" * 10_000, "zażółć"]
)
async def test_only_the_pin_lets_in(office, wrong):
    """Any other text is a wrong PIN, whatever characters it has; the right one lets in."""
    assert await office.desk.log_in("101", wrong) == "wrong-pin"
    assert office.desk.look("101") == "logged-out"
    assert await office.desk.log_in("101", PIN) == "ok"
    assert office.desk.look("101") == "ready"


async def test_an_unknown_seat_sounds_like_a_wrong_pin(office):
    """Nobody learns by trying which seats there are."""
    for pin in ("", PIN):
        assert await office.desk.log_in("999", pin) == "wrong-pin"
    assert await office.desk.log_in("102", "") == "wrong-pin", "a seat without a PIN lets nobody in"


async def test_the_pin_is_compared_in_constant_time(office, monkeypatch):
    """Known and unknown seats go through the same comparison."""
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: compared.append((one, other)) or real(one, other))
    await office.desk.log_in("101", "1")
    await office.desk.log_in("999", "2")
    assert compared == [(PIN.encode(), b"1"), (b"", b"2")]


async def test_parallel_attempts_are_counted_one_by_one(office):
    """Of a hundred guesses at once two are called wrong, the third one locks, and no other is even looked at."""
    guesses = [f"{n:04}" for n in range(99)] + [PIN]
    answers = await asyncio.gather(*(office.desk.log_in("101", guess) for guess in guesses))
    assert answers == ["wrong-pin"] * 2 + ["locked"] * 98
    assert office.desk.look("101") == "logged-out"


async def test_a_lock_ends_after_its_time_and_not_before(office):
    """The right PIN does not open a locked seat; after the lock it does, and the tries begin anew."""
    for _ in range(3):
        await office.desk.log_in("101", "0000")
    office.now += 59_999
    assert await office.desk.log_in("101", PIN) == "locked"
    office.now += 1
    assert await office.desk.log_in("101", "0000") == "wrong-pin"
    assert await office.desk.log_in("101", PIN) == "ok"


async def test_a_right_pin_forgets_the_wrong_ones(office):
    """Two slips, a success, two slips: no lock."""
    pins = ["0", "0", PIN, "0", "0"]
    assert [await office.desk.log_in("101", pin) for pin in pins] == ["wrong-pin"] * 2 + ["ok"] + ["wrong-pin"] * 2


async def test_no_pin_reaches_the_journal(office):
    """What is stored of a log-in is whether the PIN matched, not what was keyed in."""
    await office.desk.log_in("101", "90210")
    await office.desk.log_in("101", PIN)
    wishes = [event for event in office.outside.stored if isinstance(event, ev.LogInAsked)]
    assert [wish.pin_matches for wish in wishes] == [False, True]
    assert "90210" not in repr(office.outside.stored)
    assert PIN not in repr(office.outside.stored)


async def test_a_shift(office):
    """Each wish changes what the desk shows, and a wish that makes no sense is told so."""
    desk = office.desk
    assert await desk.ready("101") == "not-logged-in"
    assert await desk.log_in("101", PIN) == "ok"
    assert await desk.log_in("101", PIN) == "already"
    assert await desk.pause("101", "lunch") == "ok"
    assert (desk.look("101"), desk.pause_reason("101")) == ("paused", "lunch")
    assert await desk.end_wrap_up("101") == "already"
    assert await desk.ready("101") == "ok"
    assert (desk.look("101"), desk.pause_reason("101")) == ("ready", "")
    assert await desk.log_out("101") == "ok"
    assert desk.look("101") == "logged-out"


async def test_what_waits_is_counted_for_the_seats_own_queues(office):
    """An agent hears how many wait for him and how long the first of them has; others are not his."""
    desk = office.desk
    assert desk.waiting("101") == (0, 0)
    office.dispatcher.submit(ev.CallArrived(call="1", queue="sales"))
    office.now += 4_000
    office.dispatcher.submit(ev.CallArrived(call="2", queue="sales"))
    office.now += 1_000
    assert desk.waiting("101") == (2, 5_000)
    assert desk.waiting("999") == (0, 0)
    assert (desk.look("999"), desk.pause_reason("999")) == ("logged-out", "")


async def test_own_figures(office):
    """Calls, talk, average and wrap-up of today; occupancy counts what is still going on."""
    desk, submit = office.desk, office.dispatcher.submit
    submit(ev.DayBegan(day="2026-11-29"))
    assert desk.figures("999") == Figures(calls=0, talk_ms=0, average_ms=0, wrap_up_ms=0, occupancy=None)
    await desk.log_in("101", PIN)
    for call, talk_ms in (("1", 20_000), ("2", 40_000)):
        submit(ev.CallArrived(call=call, queue="sales"))
        offer = office.dispatcher.core.state.calls[call].offer
        submit(ev.Connected(offer=offer))
        office.now += talk_ms
        submit(ev.OfferEnded(offer=offer, outcome="hung-up"))
        office.now += 5_000
        assert desk.figures("101").wrap_up_ms == 5_000 * int(call)
        await desk.end_wrap_up("101")
    office.now += 30_000
    assert desk.figures("101") == Figures(calls=2, talk_ms=60_000, average_ms=30_000, wrap_up_ms=10_000, occupancy=70)
    await desk.log_out("101")
    assert desk.figures("101").occupancy is None


async def test_the_next_call_is_the_one_that_would_be_offered(office):
    """First in line of those that the seat may serve; of a number, what can be said of it."""
    desk, submit = office.desk, office.dispatcher.submit
    assert desk.next_call("999") is desk.next_call("101") is None
    submit(ev.CallArrived(call="1", queue="sales", caller="+48 22\n(5)" + "7" * 90, priority=20))
    office.now += 3_000
    submit(ev.CallArrived(call="2", queue="sales", needs=((("french", 3),),), priority=0))
    number = "+48225" + "7" * 10
    assert desk.next_call("101") == NextCall(call="1", queue="sales", medium="voice", waited_ms=3_000, number=number)
    submit(ev.CallArrived(call="3", queue="sales", caller="jan2026@example.org", priority=1, medium="voicemail"))
    assert desk.next_call("101").number == ""  # an address is no number


async def test_only_supervisors_pull(office):
    """Whatever asks, the desk looks who it is."""
    office.dispatcher.submit(ev.CallArrived(call="1", queue="sales"))
    assert await office.desk.pull("101", "") == "unknown-seat"
    assert await office.desk.pull("999", "") == "unknown-seat"
    assert await office.desk.pull("102", "") == "not-logged-in"
    await office.dispatcher.ask(ev.LogInAsked(seat="102", pin_matches=True))
    assert await office.desk.pull("102", "") == "nobody-waits", "his phone rings already"
    assert [type(event) for event in office.outside.stored].count(ev.PullAsked) == 2
