"""The ledger folds events and commands alone, and yet knows what the core knows."""

from hypothesis import given, settings
from msgspec.structs import replace

from acd.core import events as ev
from acd.core.rules import Step
from acd.reports import Ledger
from acd.reports.facts import ABANDONED, ANSWERED, KEY_EXIT, LOST
from tests.core.house import House
from tests.core.test_properties import SEATS, days, happen


def kept(house):
    """Have a ledger kept of a house, from now on."""
    ledger = Ledger(house.state) if house.state.now else Ledger()
    decide = house.core.decide

    def watched(event):
        commands = decide(event)
        ledger.note(event, commands)
        return commands

    house.core.decide = watched
    return ledger


def agrees(ledger, house, *, gaps_before=0):
    """The ledger and the state tell the same of calls, talks and seats."""
    state = house.state
    kept = {call.id for call in state.calls.values() if call.virtual and call.state == "after"}  # its queue is gone
    waiting = {
        call.id: call.queue for call in state.calls.values() if call.state in {"waiting", "offered"} or call.id in kept
    }
    assert ledger.waiting() == waiting
    talks = {offer.id: offer.seat for offer in state.offers.values() if offer.state in {"connected", "suspended"}}
    assert ledger.talking() == talks
    looks = {seat.name: seat.shown for seat in state.seats.values() if seat.shown != "logged-out"}
    doing = {span.seat: span.doing for span in ledger.open_spans() if span.doing != "logged-out"}
    assert {seat: "ready" if what == "unreachable" else what for seat, what in doing.items()} == looks
    assert ledger.gaps == state.gaps[gaps_before:]


@settings(max_examples=300, deadline=None)
@given(days)
def test_the_ledger_knows_what_the_core_knows(day):
    """Whatever the switch says, in whatever order: who waits where, who talks, what seats do is as in the core."""
    house = House(seats=SEATS, wrap_up_ms=2_000, overflow={"wait": "queue support"}, max_wait_ms=60_000)
    ledger = kept(house)
    for pause_ms, what in day:
        house.pass_time(pause_ms)
        happen(house, what)
        agrees(ledger, house)


@settings(max_examples=100, deadline=None)
@given(days, days)
def test_a_ledger_opened_in_the_midst_goes_on_like_one_from_the_start(morning, afternoon):
    """A state holds all that a ledger needs to go on from there."""
    house = House(seats=SEATS, wrap_up_ms=2_000)
    for pause_ms, what in morning:
        house.pass_time(pause_ms)
        happen(house, what)
    ledger, before = kept(house), len(house.state.gaps)
    for pause_ms, what in afternoon:
        house.pass_time(pause_ms)
        happen(house, what)
        agrees(ledger, house, gaps_before=before)


def test_a_call_that_is_answered():
    """Its wait, talk and wrap-up are one stay and one attempt, finished when wrap-up is over."""
    house = House(wrap_up_ms=10_000)
    ledger = kept(house)
    house.arrive("a", caller="5550201")
    house.pass_time(7_000)
    house.log_in("102")
    offer = house.talk("a")
    house.pass_time(60_000)
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    house.give(ev.CallEnded(call="a"))
    assert ledger.stays == []
    house.pass_time(10_000)
    [stay] = ledger.stays
    assert (stay.how, stay.seat, stay.wait_ms, stay.talk_ms, stay.wrap_up_ms) == (
        ANSWERED,
        "102",
        8_000,
        60_000,
        10_000,
    )
    [attempt] = ledger.attempts
    assert (attempt.outcome, attempt.wrapped - attempt.ended) == (ANSWERED, 10_000)
    assert [(span.doing, span.end - span.start) for span in ledger.spans if span.seat == "102"] == [
        ("logged-out", 8_001),
        ("talking", 60_000),
        ("wrap-up", 10_000),
    ]


def test_how_a_wait_ends_without_an_agent():
    """Hung up, left by a key, lost in a gap and sent away are four different ends."""
    house = House(max_wait_ms=60_000)
    ledger = kept(house)
    for call in "abcd":
        house.arrive(call)
    house.give(ev.CallEnded(call="a"))
    house.give(ev.CallEnded(call="b", reason="key-exit"))
    house.give(ev.CallEnded(call="c", reason="lost"))
    house.pass_time(60_000)
    assert [(stay.call, stay.how) for stay in ledger.stays] == [
        ("a", ABANDONED),
        ("b", KEY_EXIT),
        ("c", LOST),
        ("d", "wait"),
    ]


def test_a_call_that_moves_on_is_one_caller():
    """In the second queue he has a stay of his own, whose wait began in the first."""
    house = House()
    sales, support = house.state.queues.values()
    sales = replace(sales, steps=(Step(after_ms=30_000, go="queue support"),))
    house.give(ev.Configured(queues=(sales, support), seats=None))
    ledger = kept(house)
    house.arrive("a", "sales")
    house.pass_time(40_000)
    house.give(ev.CallEnded(call="a"))
    first, second = ledger.stays
    assert (first.queue, first.how, first.to, first.moved_on) == ("sales", "step", "queue support", True)
    assert (second.queue, second.how, second.wait_ms, second.came) == ("support", ABANDONED, 40_000, first.joined)


def test_gaps_are_told():
    """A lost link, a dead server and a switch that died each leave a gap with its reason."""
    house = House()
    ledger = kept(house)
    house.arrive("a")
    house.give(ev.SwitchLost(), after_ms=1_000)
    house.pass_time(2_000)
    house.look()
    house.pass_time(5_000)
    house.give(ev.Started(run="u"), after_ms=9_000)
    house.look()
    house.give(ev.Snapshot(asked=house.now, calls=(), legs=(), handsets=(), switch_run="one"), after_ms=1)
    house.give(ev.Snapshot(asked=house.now, calls=(), legs=(), handsets=(), switch_run="two"), after_ms=60)
    assert [(gap.why, gap.end - gap.start) for gap in ledger.gaps] == [
        ("the link to the switch was lost", 2_000),
        ("the server was down", 14_000),
        ("the switch died", 60),
    ]
    assert ledger.gaps[:2] == house.state.gaps
    assert [(stay.call, stay.how) for stay in ledger.stays] == [("a", LOST)]


def test_entries_that_are_missing():
    """Where a journal goes on from a state, what was open is lost, and what the state holds is open."""
    house = House()
    ledger = kept(house)
    house.arrive("a")
    other = House()
    other.arrive("b", "support")
    other.pass_time(60_000)
    ledger.restate(other.state, "the disk was full", lost=7)
    assert [(stay.call, stay.how) for stay in ledger.stays] == [("a", LOST)]
    assert ledger.waiting() == {"b": "support"}
    assert [gap.why for gap in ledger.gaps] == ["the disk was full"]


@settings(max_examples=50, deadline=None)
@given(days, days)
def test_another_callfloor_takes_over(morning, afternoon):
    """A state in the journal with nothing missing changes nothing: what was open stays open, and the ledger goes on."""
    house = House(seats=SEATS, wrap_up_ms=2_000)
    ledger = kept(house)
    for pause_ms, what in morning:
        house.pass_time(pause_ms)
        happen(house, what)
    before = ledger.open_stays, ledger.open_spans(), len(ledger.stays), len(ledger.attempts)
    ledger.restate(house.state, "another callfloor took over", lost=0)
    assert (ledger.open_stays, ledger.open_spans(), len(ledger.stays), len(ledger.attempts)) == before
    for pause_ms, what in afternoon:
        house.pass_time(pause_ms)
        happen(house, what)
        agrees(ledger, house)
