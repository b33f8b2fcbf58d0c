"""New rules: what they mean for calls and seats that are there.

A seat that is gone from the rules during a call leaves when the call is over. A large change of seats comes in slices
(`SeatsConfigured`): each touches its own seats only, so that decisions in between need not wait for it.
"""

from acd.core import closing, lanes, offering, queueing
from acd.core.events import Configured, SeatsConfigured
from acd.core.floor import Floor
from acd.core.model import Call, Seat
from acd.core.rules import SeatRule


def configure(floor: Floor, event: Configured) -> None:
    """Put the rules of the whole site in place. All that is derived from them is built anew."""
    state = floor.state
    state.look_ms, state.ticket_ms = event.look_ms, event.ticket_ms
    state.media = {rule.name: rule for rule in event.media}
    old, state.queues = state.queues, {rule.name: rule for rule in event.queues}
    state.closed = {name: closed for name, closed in state.closed.items() if name in state.queues or not name}
    state.waits = {name: memory for name, memory in state.waits.items() if name in state.queues}
    state.calling_out = event.calling_out
    floor.lines.configure(event.line_groups)
    if event.seats is not None:
        _set_seats(floor, event.seats)
    changed = {name for name, rule in state.queues.items() if old.get(name) != rule}
    for call in state.calls.values():
        _forget_seats(floor, call)
        if call.queue in changed:
            queueing.learn_rules(floor, call, state.queues[call.queue])
    lucky = floor.lucky
    floor.derive()
    for seat in state.seats.values():
        if floor.lucky and not lucky:
            lanes.wind_clocks(state, seat)
        offering.go_on_with_others(floor, seat)
    closing.set_all(floor)
    queueing.ease_crowds(floor)
    for call in list(state.calls.values()):
        if call.queue in state.queues:
            queueing.take_up(floor, call, call.queue)
        elif call.state == "waiting":
            queueing.overflow(floor, call, "unknown-queue")
    floor.unsettled.update(state.queues)
    for seat in state.seats.values():
        floor.show(seat)


def _set_seats(floor: Floor, rules: tuple[SeatRule, ...]) -> None:
    state = floor.state
    old, state.seats = state.seats, {}
    for rule in rules:
        seat = old.pop(rule.name, None) or _new_seat(floor, rule)
        seat.rule = rule
        state.seats[rule.name] = seat
    for seat in old.values():
        if seat.work:
            seat.rule, seat.next_word = _rule_of_gone(seat), "log_out"
            state.seats[seat.name] = seat


def _new_seat(floor: Floor, rule: SeatRule) -> Seat:
    floor.state.seats_counted += 1
    number = floor.state.seats_counted
    return Seat(name=rule.name, number=number, rule=rule, since=floor.at, idle_since=floor.at)


def _rule_of_gone(seat: Seat) -> SeatRule:
    return SeatRule(name=seat.name, order=seat.rule.order)


def _forget_seats(floor: Floor, call: Call) -> None:
    seats = floor.state.seats
    if call.barred is not None:
        call.barred = {name: until for name, until in call.barred.items() if name in seats}
    if call.pulled_from is not None and call.pulled_from[0] not in seats:
        call.pulled_from = "", None
    if call.wants and call.wants not in seats:
        call.want_no_more()


def configure_seats(floor: Floor, event: SeatsConfigured) -> None:
    """Put the rules of some seats in place."""
    seats = floor.state.seats
    for rule in event.seats:
        floor.change_seat(seats.get(rule.name) or _new_seat(floor, rule), rule)
    gone = {name for name in event.gone if name in seats}
    for name in sorted(gone):
        seat = seats[name]
        if seat.work:
            seat.next_word = "log_out"
            floor.change_seat(seat, _rule_of_gone(seat))
    idle = {name for name in gone if not seats[name].work}
    for call in list(floor.state.calls.values()) if idle else ():
        for name in idle.intersection(call.barred or ()):
            offering.unbar(floor, call, name)
        if call.pulled_from is not None and call.pulled_from[0] in idle:
            call.pulled_from = "", None
        if call.wants in idle:
            queueing.want_no_more(floor, call)
    for name in sorted(idle):
        floor.remove_seat(seats[name])
