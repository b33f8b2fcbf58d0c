"""The floor as figures: every number from the state, every time from one clock."""

import msgspec

from acd.core import events as ev
from acd.core.rules import LineGroupRule, LineRule, QueueRule, SeatRule, Step
from acd.status import Status, status_of
from tests.core.house import House

AGENTS = {"101": "Anna Nowak", "102": "Ben Carter"}


def look_at(house, **details):
    """The status of a house now, by name."""
    status = status_of(house.state, AGENTS, house.now, **details)
    return status, {queue.name: queue for queue in status.queues}, {seat.name: seat for seat in status.seats}


def test_an_empty_floor():
    """Before anybody logs in all queues are empty and all seats are logged out."""
    status, queues, seats = look_at(House())
    assert status.connected
    assert status.journal_failed is None
    assert status.calls == []
    assert [(q.waiting, q.longest_wait_ms, q.talking, q.seats_ready, q.seats_logged_in) for q in status.queues] == [
        (0, 0, 0, 0, 0)
    ] * 2
    assert list(queues) == ["sales", "support"]
    assert [(seat.agent, seat.look) for seat in seats.values()] == [
        ("Anna Nowak", "logged-out"),
        ("Ben Carter", "logged-out"),
    ]


def test_waiting_talking_and_free():
    """Waiting, longest wait, talks, free seats and logged-in seats are counted per queue."""
    house = House()
    house.arrive("a", caller="111")
    house.pass_time(7_000)
    house.log_in("102")
    house.talk("a")
    house.arrive("b")
    house.arrive("c", "support")
    house.arrive("d")
    house.pass_time(5_000)
    _, queues, _ = look_at(house)
    sales, support = queues["sales"], queues["support"]
    assert (sales.waiting, sales.talking, sales.seats_ready, sales.seats_logged_in) == (2, 1, 0, 1)
    assert sales.longest_wait_ms == 5_002
    assert (support.waiting, support.talking, support.seats_logged_in) == (1, 0, 0)
    assert support.longest_wait_ms == 5_001
    house.log_in("101")
    _, queues, _ = look_at(house)
    assert queues["sales"].waiting == 2, "an offered call waits until somebody answers"
    assert (queues["sales"].seats_ready, queues["sales"].seats_logged_in) == (0, 2)


def test_what_a_seat_does_and_since_when():
    """State, its age, the caller it is with, and whether its handset can be reached."""
    house = House()
    house.log_in("102")
    house.arrive("a", caller="5550201")
    house.pass_time(3_000)
    seat = look_at(house)[2]["102"]
    assert (seat.look, seat.for_ms, seat.call, seat.reachable, seat.busy) == ("ringing", 3_000, "5550201", True, False)
    house.talk("a")
    house.pass_time(2_000)
    assert (look_at(house)[2]["102"].look, look_at(house)[2]["102"].for_ms) == ("talking", 2_000)
    house.give(ev.OfferEnded(offer=house.offer_of("a"), outcome="hung-up"))
    assert (look_at(house)[2]["102"].look, look_at(house)[2]["102"].call) == ("wrap-up", "")


def test_a_caller_without_a_number_is_named_by_his_call():
    """A seat that rings for a withheld number shows the call's id, not nothing."""
    house = House()
    house.log_in("102")
    house.arrive("1.77", caller="")
    assert look_at(house)[2]["102"].call == "1.77"


def test_the_reason_of_a_pause_is_shown_while_it_lasts():
    """Asked for during a talk it is not shown yet; in the pause it is; afterwards it is gone."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    house.talk("a")
    house.give(ev.PauseAsked(seat="102", request=1, reason="lunch"))
    assert look_at(house)[2]["102"].reason == ""
    house.give(ev.OfferEnded(offer=house.offer_of("a"), outcome="hung-up"))
    house.pass_time(10_000)
    assert (look_at(house)[2]["102"].look, look_at(house)[2]["102"].reason) == ("paused", "lunch")
    house.give(ev.ReadyAsked(seat="102", request=1))
    assert (look_at(house)[2]["102"].look, look_at(house)[2]["102"].reason) == ("ready", "")


def test_a_locked_seat_says_why_nobody_can_log_in():
    """After three wrong PINs the seat is logged out and locked, until the lock is over."""
    house = House()
    for request in range(3):
        house.give(ev.LogInAsked(seat="102", request=request, pin_matches=False))
    assert (look_at(house)[2]["102"].look, look_at(house)[2]["102"].reason) == ("logged-out", "locked")
    assert look_at(house)[2]["101"].reason == ""
    house.pass_time(house.state.seats["102"].rule.lock_ms)
    assert look_at(house)[2]["102"].reason == ""


def test_calls_stand_in_the_order_of_their_turn():
    """First by class, then by age; the wait of a talking call ended with the answer."""
    house = House()
    house.arrive("old")
    house.arrive("young")
    house.arrive("urgent", priority=0, caller="112")
    house.pass_time(1_000)
    house.log_in("102")
    house.talk("urgent")
    house.pass_time(30_000)
    calls = look_at(house)[0].calls
    assert [(call.call, call.state, call.offers) for call in calls] == [
        ("urgent", "talking", 1),
        ("old", "waiting", 0),
        ("young", "waiting", 0),
    ]
    assert calls[0].waited_ms == 2_000
    assert [call.waited_ms for call in calls[1:]] == [32_002, 32_001]


def test_a_switch_out_of_sight_and_a_journal_that_fails_are_shown():
    """Whoever looks sees that nothing is decided, or that nothing is recorded."""
    house = House()
    house.give(ev.SwitchLost())
    status, _, _ = look_at(house, journal_failed="No space left on device", alarms=["entry 7 could not be decided"])
    assert not status.connected
    assert status.journal_failed == "No space left on device"
    assert status.alarms == ("entry 7 could not be decided",)


def test_the_figures_travel_as_json():
    """What the server says of itself is read back as the same status by the command line."""
    house = House()
    house.log_in("102")
    house.arrive("a", caller='\x1b[2J"\u202e<b>')
    status = look_at(house)[0]
    assert msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(status)), type=Status) == status


def site(house, **details):
    """Give a house other rules; its seats stay."""
    known = {"queues": (QueueRule(name="sales"), QueueRule(name="support")), "seats": None}
    house.give(ev.Configured(**{**known, **details}))


def test_a_place_in_line_is_told_and_a_wait_is_a_wait():
    """Calls in line have their place in their queue; a head start moves the place and makes no wait longer."""
    house = House()
    house.arrive("a", needs=((("french", 3),), (("billing", 1), ("sales", 5))))
    house.arrive("b", "support")
    house.arrive("c", head_start_ms=60_000)
    house.pass_time(4_000)
    status, queues, _ = look_at(house)
    assert [(call.call, call.position, call.waited_ms) for call in status.calls] == [
        ("c", 1, 4_000),
        ("a", 2, 4_002),
        ("b", 1, 4_001),
    ]
    assert [call.needs for call in status.calls] == ["", "french 3 + billing 1|sales 5", ""]
    assert queues["sales"].longest_wait_ms == 4_002


def test_who_is_served_stands_in_no_line():
    """A call that rings or is talked to has no place; what it asked for is shown until it is served."""
    house = House(seats={"101": ("sales",)})
    site(house, seats=(SeatRule(name="101", queues=("sales",), skills=(("french", 5),)),))
    house.log_in("101")
    house.arrive("a", needs=((("french", 1),),))
    (call,) = look_at(house)[0].calls
    assert (call.state, call.position, call.needs) == ("offered", 0, "french 1")
    house.talk("a")
    (call,) = look_at(house)[0].calls
    assert (call.state, call.position, call.needs) == ("talking", 0, "")


def test_a_step_that_eases_a_need_shows():
    """What is shown is what the call asks for now, not what it came with."""
    house = House()
    easing = Step(after_ms=10_000, lower=(("french", 2),))
    site(house, queues=(QueueRule(name="sales", needs=((("french", 5),),), steps=(easing,)),))
    house.arrive("a")
    assert look_at(house)[0].calls[0].needs == "french 5"
    house.pass_time(10_000)
    assert look_at(house)[0].calls[0].needs == "french 2"


def test_a_queue_is_closed_by_its_rule_or_by_hand():
    """The hand goes before the rule, both ways."""
    house = House()
    site(house, queues=(QueueRule(name="sales", closed=True), QueueRule(name="support")))
    assert [queue.closed for queue in look_at(house)[0].queues] == [True, False]
    house.give(ev.QueueSet(queue="sales", closed=False))
    house.give(ev.QueueSet(queue="support", closed=True))
    assert [queue.closed for queue in look_at(house)[0].queues] == [False, True]


def test_an_expected_wait_is_for_the_next_who_joins():
    """Nothing is expected before a few had to wait; then the range grows with those in line, and hits are counted."""
    house = House(seats={"101": ("sales",)}, wrap_up_ms=0, tell_first_ms=1_000)
    house.log_in("101")
    assert look_at(house)[1]["sales"].wait_most_ms is None
    house.arrive("busy")
    house.talk("busy")
    for number in range(8):
        talking = "busy" if number == 0 else f"c{number - 1}"
        house.arrive(f"c{number}")
        house.pass_time(10_000)
        offer = house.offer_of(talking)
        house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
        house.give(ev.CallEnded(call=talking))
        house.talk(f"c{number}")
    sales = look_at(house)[1]["sales"]
    assert (sales.wait_least_ms, sales.wait_most_ms) == (10_000, 10_000)
    assert sales.hit_rate == 1_000
    house.arrive("one")
    house.arrive("two")
    assert look_at(house)[1]["sales"].wait_most_ms == 30_000, "two are before who comes now"


def test_lines_are_free_in_use_or_left_alone():
    """A line that carries a call of anybody is in use; one that failed is left alone; no line is counted twice."""
    house = House(seats={"101": ("sales",)})
    group = LineGroupRule(name="trunk", lines=tuple(LineRule(name=name) for name in ("t1", "t2", "t3", "t4")))
    site(house, seats=(SeatRule(name="101", queues=("sales",), line_group="trunk"),), line_groups=(group,))
    house.log_in("101")
    house.give(ev.LineChanged(line="t2", in_use=True))
    (lines,) = look_at(house)[0].lines
    assert (lines.name, lines.free, lines.in_use, lines.left_alone) == ("trunk", 3, 1, 0)
    assert [line.state for line in lines.lines].count("free") == 3
    house.arrive("a")
    (lines,) = look_at(house)[0].lines
    assert (lines.free, lines.in_use, lines.left_alone) == (2, 2, 0)
    house.give(ev.OfferEnded(offer=house.offer_of("a"), outcome="failed"))
    (lines,) = look_at(house)[0].lines
    assert (lines.free, lines.in_use, lines.left_alone) == (2, 1, 1)
    (failed,) = (line for line in lines.lines if line.state == "left-alone")
    assert failed.faults == 1
    assert failed.until > 0


def test_tickets_and_gaps_are_shown_while_they_count():
    """When the switch died with its callers, each has a ticket with his place, and the time nobody saw is a gap."""
    house = House()
    house.give(
        ev.Snapshot(asked=house.now, calls=(), legs=(), handsets=(), switch_run="one"),
    )
    house.arrive("a", caller="111")
    house.arrive("b", caller="222")
    house.pass_time(5_000)
    house.give(ev.SwitchLost())
    lost = house.now
    house.pass_time(3_000)
    house.give(ev.Snapshot(asked=house.now, calls=(), legs=(), handsets=(), switch_run="two"))
    back = house.now
    house.arrive("c", caller="333")
    status = look_at(house)[0]
    assert [(ticket.number, ticket.caller, ticket.queue, ticket.place) for ticket in status.tickets] == [
        (1, "111", "sales", 1),
        (2, "222", "sales", 1),
    ]
    assert {(ticket.made_at, ticket.expires_at - ticket.made_at) for ticket in status.tickets} == {(back, 14_400_000)}
    assert [(gap.start, gap.end) for gap in status.gaps] == [(lost, back)]
    house.arrive("d", caller="111")
    tickets = look_at(house)[0].tickets
    assert [(ticket.caller, ticket.place) for ticket in tickets] == [("222", 2)], "who called again stands before him"
    house.pass_time(86_400_000)
    status = look_at(house)[0]
    assert (status.tickets, status.gaps) == ([], [])
