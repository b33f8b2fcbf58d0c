"""Which of several free seats gets the call."""

from collections import Counter

import pytest

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import QueueRule, SeatRule
from tests.core.house import House, offers


def house_of(strategy, *seats, **rule):
    """One queue, wrap-up 0, these seats logged in, a second apart."""
    seats = seats or tuple(SeatRule(name=name, queues=("sales",), order=int(name)) for name in ("101", "102", "103"))
    house = House(queues=[QueueRule(name="sales", strategy=strategy, wrap_up_ms=0, **rule)], seats=seats)
    house.log_in(*(seat.name for seat in seats))
    return house


def served(house, calls, *, talk_ms=1_000):
    """Serve calls one after another. Answers the seats that got them."""
    seats = []
    for number in range(calls):
        house.arrive(f"c{number}")
        seats.append(house.state.offers[house.offer_of(f"c{number}")].seat)
        house.serve(f"c{number}", after_ms=talk_ms)
        house.give(ev.CallEnded(call=f"c{number}"))
    return seats


def test_longest_idle_takes_turns():
    """Who has just talked goes last."""
    assert served(house_of("longest-idle"), 4) == ["101", "102", "103", "101"]


def test_ordered_takes_the_first_in_the_file():
    """The order of the file, whoever logged in first."""
    house = house_of("ordered")
    house.ask(ev.LogOutAsked, "101")
    assert served(house, 2) == ["102", "102"]
    house.log_in("101")
    house.arrive("x")
    assert house.state.offers[house.offer_of("x")].seat == "101"


def test_round_robin_counts_offers_not_talks():
    """A seat that let a call ring has had its turn."""
    house = house_of("round-robin", refusal_ms=0)
    house.arrive("a")
    commands = house.give(ev.OfferEnded(offer=house.offer_of("a"), outcome="no-answer"))
    assert offers(commands) == [("a", "102")]
    house.serve("a")
    house.arrive("b")
    assert house.state.offers[house.offer_of("b")].seat == "103"


def test_fewest_calls_evens_out_and_floods_nobody():
    """The seat with fewest calls goes first; who logs in later begins with the fewest of the others."""
    house = house_of("fewest-calls")
    house.ask(ev.LogOutAsked, "103")
    assert served(house, 4) == ["101", "102", "101", "102"]
    house.log_in("103")
    assert house.state.seats["103"].taken == 2
    assert Counter(served(house, 3)) == {"101": 1, "102": 1, "103": 1}


def test_least_occupied_goes_by_time_and_not_by_number():
    """One long talk weighs more than two short ones."""
    house = house_of("least-occupied")
    house.ask(ev.LogOutAsked, "103")
    house.arrive("long")
    first = house.state.offers[house.offer_of("long")].seat
    house.serve("long", after_ms=60_000)
    other = {"101": "102", "102": "101"}[first]
    assert served(house, 3, talk_ms=2_000) == [other] * 3


def test_best_fit_takes_the_ablest_then_the_specialist():
    """Levels in the asked skills add up; of equals, who can do little besides goes first."""
    seats = [
        SeatRule(name="101", queues=("sales",), skills=(("french", 5),)),
        SeatRule(name="102", queues=("sales",), skills=(("french", 8), ("german", 9))),
        SeatRule(name="103", queues=("sales",), skills=(("french", 8),)),
    ]
    house = house_of("best-fit", *seats)
    order = []
    for name in "abc":
        house.arrive(name, needs=((("french", 3),),))
        order.append(house.state.offers[house.offer_of(name)].seat)
    assert order == ["103", "102", "101"]


def test_a_lower_tier_goes_first_whatever_the_strategy():
    """Tiers come before the strategy's order, the floor lifts low ones, the window keeps others out."""
    seats = [
        SeatRule(name="101", queues=("sales",), tiers=(2,)),
        SeatRule(name="102", queues=("sales",), tiers=(1,)),
        SeatRule(name="103", queues=("sales",), tiers=(9,)),
    ]
    house = house_of("longest-idle", *seats, tiers=(0, 5, 0))
    assert served(house, 1) == ["102"]
    house = house_of("longest-idle", *seats, tiers=(0, 5, 2))
    assert served(house, 1) == ["101"], "102 counts as tier 2, and 101 is idle longer"
    for call in "ab":
        house.arrive(call)
    assert offers(house.arrive("c")) == [], "103 is outside the window"


def test_with_few_logged_in_tiers_are_ignored():
    """app_queue's penaltymemberslimit: with so few there, everybody counts alike."""
    seats = [SeatRule(name=name, queues=("sales",), tiers=(tier,)) for name, tier in (("101", 9), ("102", 0))]
    house = house_of("longest-idle", *seats, tiers=(0, 5, 0), tier_seats=2)
    assert served(house, 1) == ["101"]


@pytest.mark.parametrize(("strategy", "weights"), [("random", (1, 1, 1)), ("weighted-random", (1, 2, 5))])
def test_chance_is_fair(strategy, weights):
    """Over many calls each seat's share is as its weight says."""
    seats = [
        SeatRule(name=str(101 + place), queues=("sales",), weight=weight if strategy != "random" else 7 - weight)
        for place, weight in enumerate(weights)
    ]
    house = house_of(strategy, *seats)
    counts = Counter(served(house, 3_000, talk_ms=10))
    for place, weight in enumerate(weights):
        expected = 3_000 * weight / sum(weights)
        assert abs(counts[str(101 + place)] - expected) < 4 * expected**0.5, counts


def test_ring_all_rings_everybody_and_the_first_who_joins_has_it():
    """The others are taken back, their caller's token is left alone, and they are free when that is confirmed."""
    house = house_of("ring-all")
    assert offers(house.arrive("a")) == [("a", "101"), ("a", "102"), ("a", "103")]
    one, two, three = house.state.calls["a"].offers
    house.give(ev.OfferAnswered(offer=two))
    house.give(ev.OfferAnswered(offer=three))
    commands = house.give(ev.Connected(offer=three))
    assert [c for c in commands if isinstance(c, cmd.Withdraw)] == [
        cmd.Withdraw(offer=one, call=""),
        cmd.Withdraw(offer=two, call=""),
    ]
    house.give(ev.OfferEnded(offer=two, outcome="hung-up"))
    assert offers(house.arrive("b")) == [("b", "102")]
    assert offers(house.give(ev.OfferEnded(offer=one, outcome="withdrawn"))) == [("b", "101")]
    assert house.state.seats["102"].unanswered == 0


def test_ring_all_a_quicker_colleague_is_no_refusal():
    """A leg that answered and found the caller taken ends before the winner is reported; it counts against nobody."""
    house = house_of("ring-all")
    house.arrive("a")
    one, two, _ = house.state.calls["a"].offers
    house.give(ev.OfferAnswered(offer=one))
    house.give(ev.OfferEnded(offer=one, outcome="hung-up"))
    assert house.state.seats["101"].unanswered == 0
    house.give(ev.Connected(offer=two))
    assert house.state.calls["a"].offer == two


def test_ring_all_goes_on_when_one_declines():
    """Who declines is out for this call; a colleague who comes free joins the ring."""
    house = house_of("ring-all")
    house.ask(ev.PauseAsked, "103", reason="break")
    house.arrive("a")
    one, two = house.state.calls["a"].offers
    house.give(ev.OfferEnded(offer=one, outcome="refused"))
    assert house.state.calls["a"].offers == (two,)
    assert offers(house.give(ev.ReadyAsked(seat="103", request=1))) == [("a", "103")]
    commands = house.give(ev.CallEnded(call="a"))
    assert len([c for c in commands if isinstance(c, cmd.Withdraw)]) == 2


def test_circles_grow():
    """One rings, after a while one more, and one more; those who ring go on."""
    house = house_of("ring-circles", circle_seats=1, circle_ms=5_000)
    assert offers(house.arrive("a")) == [("a", "101")]
    assert offers(house.pass_time(4_999)) == []
    assert offers(house.pass_time(1)) == [("a", "102")]
    assert offers(house.pass_time(5_000)) == [("a", "103")]
    assert len(house.state.calls["a"].offers) == 3


def test_ring_all_a_leg_that_lost_at_the_switch_is_no_refusal():
    """The switch may tell of a loser's end as withdrawn before we have withdrawn it."""
    house = house_of("ring-all")
    house.arrive("a")
    one, *_ = house.state.calls["a"].offers
    assert offers(house.give(ev.OfferEnded(offer=one, outcome="withdrawn"))) == []
    assert house.state.seats["101"].unanswered == 0
    assert offers(house.pass_time(4_999)) == []
    assert offers(house.pass_time(1)) == [("a", "101")], "nobody has it after all"
