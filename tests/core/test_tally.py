"""What a seat has done today: counted in the core, so that it outlives a restart."""

from acd.core import events as ev
from tests.core.house import House, same


def test_a_day_is_counted():
    """Calls, their length, and wrap-up, ended by time or by hand."""
    house = House()
    house.give(ev.DayBegan(day="2026-11-29"))
    house.log_in("101")
    house.arrive("c1")
    house.serve("c1", after_ms=30_000)
    house.pass_time(10_000)
    house.arrive("c2")
    house.serve("c2", after_ms=50_000)
    house.pass_time(4_000)
    house.ask(ev.WrapUpEndAsked, "101")
    tally = house.state.seats["101"].tally
    assert (tally.day, tally.calls, tally.talk_ms, tally.wrap_up_ms) == ("2026-11-29", 2, 80_000, 14_000)


def test_another_day_begins_with_nothing():
    """A talk counts for the day on which it ends; log-out and log-in change nothing."""
    house = House(wrap_up_ms=0)
    house.give(ev.DayBegan(day="2026-11-29"))
    house.log_in("101")
    house.arrive("c1")
    house.serve("c1")
    house.ask(ev.LogOutAsked, "101")
    house.log_in("101")
    assert house.state.seats["101"].tally_of(house.state.day).calls == 1
    house.arrive("c2")
    offer = house.talk("c2")
    house.give(ev.DayBegan(day="2026-11-30"), after_ms=1_000)
    assert house.state.seats["101"].tally_of(house.state.day).calls == 0
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"), after_ms=1_000)
    tally = house.state.seats["101"].tally
    assert (tally.day, tally.calls, tally.talk_ms) == ("2026-11-30", 1, 2_000)


def test_a_ring_that_is_not_taken_counts_for_nothing():
    """Nor does one that a snapshot takes back."""
    house = House()
    house.log_in("101")
    house.arrive("c1")
    house.give(ev.OfferEnded(offer=house.offer_of("c1"), outcome="no-answer"), after_ms=15_000)
    assert house.state.seats["101"].tally.calls == 0


def test_a_replay_counts_alike():
    """The day is an event like any other."""
    house = House()
    house.give(ev.DayBegan(day="2026-11-29"))
    house.log_in("101", "102")
    for name in ("c1", "c2", "c3"):
        house.arrive(name)
        house.serve(name, after_ms=7_000)
    assert same(house.replayed(), house.state)
