"""With whom a caller talked who was given away: the fold, and what the report says of it."""

from acd.core import events as ev
from acd.reports.facts import ANSWERED
from acd.reports.report import lines_of, report_of
from acd.reports.table import Table
from tests.acd.test_reports_ledger import kept
from tests.core.house import House


def a_call_given_to(house, to="103"):
    """A call of 20 s with seat 102, who gives it away. Answers when it began to talk."""
    house.log_in("102")
    house.arrive("a", caller="5550201")
    offer = house.talk("a")
    house.give(ev.CallTransferred(call="a", seat="102", to=to), after_ms=20_000)
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    return house.now


def test_a_call_given_to_a_seat_has_two_legs():
    """Each leg is as long as the two heard each other; the wait until the second answered is in none."""
    house = House(wrap_up_ms=0)
    ledger = kept(house)
    a_call_given_to(house)
    house.give(ev.LegJoined(call="a", leg="7.1", who="103"), after_ms=4_000)
    house.give(ev.LegLeft(call="a", leg="7.1"), after_ms=30_000)
    house.give(ev.CallEnded(call="a"), after_ms=5_000)
    [path] = ledger.legs.given
    assert [(leg.who, leg.talk_ms) for leg in path.legs] == [("102", 20_000), ("103", 30_000)]
    [stay] = ledger.stays
    assert (stay.how, stay.talk_ms) == (ANSWERED, 20_000)


def test_a_call_given_to_a_queue_waits_there_anew():
    """Its wait in the second queue begins with the transfer: what it talked was no wait, whatever its place is."""
    house = House(wrap_up_ms=0)
    ledger = kept(house)
    a_call_given_to(house, "302")
    house.give(ev.CallArrived(call="a", queue="support", since=house.state.calls["a"].arrived))
    house.pass_time(3_000)
    house.log_in("101")
    offer = house.talk("a")
    house.pass_time(10_000)
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    house.give(ev.CallEnded(call="a"))
    assert [(stay.queue, stay.wait_ms, stay.talk_ms) for stay in ledger.stays] == [
        ("sales", 0, 20_000),
        ("support", 4_000, 10_000),
    ]
    [path] = ledger.legs.given
    assert [(leg.who, leg.talk_ms) for leg in path.legs] == [("102", 20_000), ("101", 10_000)]


def test_calls_that_nobody_gave_away_are_not_kept():
    """The fold holds what is open, and tells of those alone that were given to somebody."""
    house = House(wrap_up_ms=0)
    ledger = kept(house)
    house.log_in("102")
    house.arrive("a")
    house.serve("a")
    house.give(ev.CallEnded(call="a"))
    assert (ledger.legs.given, ledger.legs.open) == ([], [])


def test_a_look_at_the_switch_ends_what_it_does_not_hold():
    """A caller whose end was missed is told of when the snapshot lacks him."""
    house = House(wrap_up_ms=0)
    ledger = kept(house)
    a_call_given_to(house)
    house.give(ev.LegJoined(call="a", leg="7.1", who="103"))
    house.pass_time(5_000)
    house.look()
    [path] = ledger.legs.given
    assert path.legs[-1].talk_ms == 5_000


def test_the_report_tells_the_way_of_each():
    """A line for each caller who was given away: whom he talked to, how long, and what was dialled."""
    house = House(wrap_up_ms=0)
    ledger = kept(house)
    a_call_given_to(house)
    house.give(ev.LegJoined(call="a", leg="7.1", who="103"))
    house.give(ev.CallEnded(call="a"), after_ms=61_000)
    table = Table(zone=lambda _: 0)
    table.finish(ledger)
    report = report_of(table, {"sales": {"102"}})
    assert [(one.caller, one.to, [leg.talk_ms for leg in one.legs]) for one in report.given] == [
        ("5550201", ["103"], [20_000, 61_000])
    ]
    assert "102 0:20, 103 1:01" in "\n".join(lines_of(report, {}))


def test_a_talk_that_is_taken_over_is_the_callers_from_then_on():
    """The seat that was asked talked to the agent before; the caller's leg with it begins when he comes."""
    house = House(wrap_up_ms=0)
    ledger = kept(house)
    house.log_in("102")
    house.arrive("a")
    first = house.talk("a")
    house.log_in("101")
    house.arrive("own", "support")
    second = house.talk("own")
    house.give(ev.CallTransferred(call="a", seat="102", takes="own"), after_ms=30_000)
    house.give(ev.CallEnded(call="own"))
    house.give(ev.OfferEnded(offer=first, outcome="hung-up"))
    house.give(ev.OfferEnded(offer=second, outcome="hung-up"), after_ms=12_000)
    house.give(ev.CallEnded(call="a"))
    [path] = ledger.legs.given
    assert [(leg.who, leg.talk_ms) for leg in path.legs] == [("102", 31_001), ("101", 12_000)]


def test_a_third_one_in_the_talk_is_told_of():
    """Nobody gave the caller away, but somebody joined: his leg is told beside the agent's."""
    house = House(wrap_up_ms=0)
    ledger = kept(house)
    house.log_in("102")
    house.arrive("a")
    offer = house.talk("a")
    house.give(ev.LegJoined(call="a", leg="7.1", who="103"), after_ms=5_000)
    house.give(ev.LegLeft(call="a", leg="7.1"), after_ms=3_000)
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"), after_ms=2_000)
    house.give(ev.CallEnded(call="a"))
    [path] = ledger.legs.given
    assert [(leg.who, leg.talk_ms) for leg in path.legs] == [("102", 10_000), ("103", 3_000)]
    assert path.at == path.legs[1].start


def test_hold_is_summed_for_leg_and_seat():
    """Twice on hold, the second time until the end; a word that comes twice counts once. The seat has both together."""
    house = House(wrap_up_ms=0)
    ledger = kept(house)
    house.log_in("102")
    house.arrive("a")
    offer = house.talk("a")
    for held, after_ms in ((True, 5_000), (True, 1_000), (False, 3_000), (False, 1_000), (True, 10_000)):
        house.give(ev.LegHeld(call="a", leg=offer, held=held), after_ms=after_ms)
    house.give(ev.CallTransferred(call="a", seat="102", to="103"), after_ms=2_000)
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    house.give(ev.CallEnded(call="a"))
    [path] = ledger.legs.given
    assert [(leg.talk_ms, leg.hold_ms) for leg in path.legs] == [(16_000, 6_000)]
    ledger.served = {"102": ("sales",)}
    table = Table(zone=lambda _: 0)
    table.finish(ledger)
    assert table.seat_total(["102"]).hold_ms == 6_000
    report = report_of(table, {"sales": {"102"}})
    assert "102 0:16 + 0:06 on hold" in "\n".join(lines_of(report, {}))


def test_a_seam_is_no_second_leg():
    """Two bridges became one: who is back in the same instant was never away, and his hold counts once."""
    house = House(wrap_up_ms=0)
    ledger = kept(house)
    a_call_given_to(house)
    house.give(ev.LegJoined(call="a", leg="7.1", who="103"))
    house.give(ev.LegHeld(call="a", leg="7.1", held=True), after_ms=5_000)
    house.give(ev.LegHeld(call="a", leg="7.1", held=False), after_ms=2_000)
    house.give(ev.LegLeft(call="a", leg="7.1"), after_ms=3_000)
    house.give(ev.LegJoined(call="a", leg="7.1", who="103"), after_ms=5)
    house.give(ev.LegLeft(call="a", leg="7.1"), after_ms=4_000)
    house.give(ev.CallEnded(call="a"))
    [path] = ledger.legs.given
    assert [(leg.who, leg.talk_ms, leg.hold_ms) for leg in path.legs] == [("102", 20_000, 0), ("103", 12_005, 2_000)]
    assert [hold[2] for hold in ledger.legs.holds] == [2_000]


def test_a_look_after_a_gap_mends_the_legs():
    """Whose leg is gone has ended, who came meanwhile has begun, and an agent who asks has his caller on hold."""
    house = House(wrap_up_ms=0)
    ledger = kept(house)
    offer, call = talking_to_102(house)
    house.give(ev.LegJoined(call="a", leg="7.1", who="103"), after_ms=1_000)
    house.pass_time(9_000)
    leg = ev.LiveLeg(offer=offer, call="a", seat="102", joined=True)
    talks = (ev.LiveTalk(call="a", leg="8.1", who="101"), ev.LiveTalk(call="a", leg=offer, held=True))
    house.look(calls=[call], legs=[leg], talks=talks)
    house.give(ev.LegHeld(call="a", leg=offer, held=False), after_ms=3_000)
    house.pass_time(2_000)
    house.look(calls=[call], legs=[leg])
    house.look(calls=[call], talks=(ev.LiveTalk(call="a", leg="8.1"),))
    house.give(ev.CallEnded(call="a"), after_ms=4_000)
    [path] = ledger.legs.given
    assert [(one.who, one.talk_ms, one.hold_ms) for one in path.legs] == [
        ("102", 12_000, 3_000),
        ("103", 9_000, 0),
        ("101", 9_000, 0),
    ]


def talking_to_102(house):
    """A call that talks to 102: the offer, and how a look at the switch shows the call."""
    house.log_in("102")
    house.arrive("a", caller="5550201")
    offer = house.talk("a")
    return offer, ev.HeldCall(call="a", queue="sales", since=house.now, caller="5550201", waiting=False)


def test_a_talk_that_a_look_shows_has_begun():
    """Nobody told that they were joined; from the look on it counts, and once."""
    house = House(wrap_up_ms=0)
    ledger = kept(house)
    house.log_in("102")
    house.arrive("a")
    offer = house.offer_of("a")
    call = ev.HeldCall(call="a", queue="sales", since=house.now, waiting=False)
    leg = ev.LiveLeg(offer=offer, call="a", seat="102", joined=True)
    house.pass_time(1_000)
    for _ in range(2):
        house.look(calls=[call], legs=[leg])
        house.pass_time(5_000)
    house.give(ev.CallTransferred(call="a", seat="102", to="103"))
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    house.give(ev.CallEnded(call="a"))
    [path] = ledger.legs.given
    assert [(one.who, one.talk_ms) for one in path.legs] == [("102", 10_000)]
