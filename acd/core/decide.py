"""The one door: an event in, commands out.

`Core.decide` is a function of the state and the event alone. It first lets the event change the state, then gives away
every call that can now be served, and returns what is to be done, in order. `Core.next_deadline` says when it wants
to be asked again though nothing happened; the caller then sends `DeadlineReached`.
"""

from collections.abc import Callable
from typing import Any

from acd.core import callbacks, closing, configure, giving, offering, outgoing, queueing, reconcile, telling, wishes
from acd.core import events as ev
from acd.core.commands import AnyCommand, Reply, TakeSnapshot, UsePhone
from acd.core.floor import Floor
from acd.core.model import Call, Seat, State


class Core:
    """The distributor's mind over one state."""

    def __init__(self, state: State | None = None) -> None:
        self.state = State() if state is None else state
        self._floor = Floor(self.state)

    def decide(self, event: ev.AnyEvent) -> list[AnyCommand]:
        """Take an event into the state and say what follows."""
        state, floor = self.state, self._floor
        assert event.at >= state.now, f"time runs backwards: {event.at} after {state.now}"
        floor.before, state.now = state.now, event.at
        _HANDLERS[type(event)](floor, event)
        if floor.unsettled or floor.unwanted:
            queueing.settle(floor)
        callbacks.assign(floor)
        while floor.unsettled or floor.unwanted:
            queueing.settle(floor)
            callbacks.assign(floor)
        commands, floor.commands = floor.commands, []
        return commands

    def next_deadline(self) -> int | None:
        """When something is due though nothing happens, ms since the epoch; None for never."""
        return self._floor.deadlines.next()

    def watch_offers(self, watcher: Callable[[Call, Seat], None] | None) -> None:
        """Have someone told of each pair just before its offer is made, the state as it is then: for `explain`."""
        self._floor.on_offer = watcher


def _arrived(floor: Floor, event: ev.CallArrived) -> None:
    call = floor.state.calls.get(event.call)
    if call is None:
        reconcile.admit(floor, event)
    elif call.virtual:
        return
    elif giving.talks_unheard(floor, call):
        floor.commands.append(TakeSnapshot())
    elif call.state in {"talking", "after"}:
        reconcile.come_back(floor, call, event)


def _call_ended(floor: Floor, event: ev.CallEnded) -> None:
    call = floor.state.calls.get(event.call)
    if call is not None:
        reconcile.leave(floor, call, hung_up=event.reason in {"hung-up", "lost"})


def _key_pressed(floor: Floor, event: ev.KeyPressed) -> None:
    call = floor.state.calls.get(event.call)
    rule = floor.state.queues.get(call.queue) if call is not None else None
    to = dict(rule.keys).get(event.key) if rule is not None else None
    if call is None or to is None:
        return
    if call.state == "offered":  # he may be about to be answered; should he not be, he goes then
        call.leaves_for = to
    queueing.overflow(floor, call, "key", to)


def _transferred(floor: Floor, event: ev.CallTransferred) -> None:
    call = floor.state.calls.get(event.call)
    if call is not None and not giving.talks_unheard(floor, call, with_another_than=event.seat):
        giving.have_talked(floor, call)
        giving.give_away(floor, call)
        other = floor.state.calls.get(event.takes)
        if other is not None and other is not call:
            giving.have_talked(floor, other)
            giving.take_over(floor, call, other)


def _call_set(floor: Floor, event: ev.CallSet) -> None:
    call = floor.state.calls.get(event.call)
    if call is None:
        return
    if event.priority is not None:
        queueing.set_priority(floor, call, event.priority)
    if event.queue in floor.state.queues:
        if call.state == "waiting":
            queueing.move_queue(floor, call, event.queue, "moved")
        else:
            queueing.take_up(floor, call, event.queue)
    if event.withdraw is not None:
        queueing.overflow(floor, call, "withdrawn", event.withdraw)


def _of_offer(act: Callable[..., None]) -> Callable[[Floor, Any], None]:
    """An event of an offer; one that has ended hears nothing any more."""

    def handle(floor: Floor, event: Any) -> None:
        offer = floor.state.offers.get(event.offer)
        if offer is not None:
            act(floor, offer)

    return handle


def _offer_ended(floor: Floor, event: ev.OfferEnded) -> None:
    offer = floor.state.offers.get(event.offer)
    if offer is not None:
        offering.end(floor, offer, event.outcome)


def _noted(_floor: Floor, _event: ev.AnyEvent) -> None:
    """For the record only: the seat was reserved when the offer was made, and who listens or talks changes nothing."""


def _handset(floor: Floor, event: ev.HandsetChanged) -> None:
    reconcile.set_handset(floor, ev.HandsetState(seat=event.seat, reachable=event.reachable, busy=event.busy))


def _desk(floor: Floor, event: ev.DeskChanged) -> None:
    seat = floor.state.seats.get(event.seat)
    if seat is not None:
        seat.desk_open = event.open
        floor.show(seat)


def _line(floor: Floor, event: ev.LineChanged) -> None:
    floor.lines.seen(event.line, in_use=event.in_use, trouble=event.trouble)
    floor.lines_changed()


def _lines_set(floor: Floor, event: ev.LinesSet) -> None:
    floor.lines.set_by_hand(event)
    floor.lines_changed()


def _switch_lost(floor: Floor, event: ev.SwitchLost) -> None:
    reconcile.lose_sight(floor, event.at, "the link to the switch was lost")


def _started(floor: Floor, event: ev.Started) -> None:
    floor.state.run = event.run
    reconcile.lose_sight(floor, floor.before or event.at, "the server was down" if floor.before else "")
    for seat in floor.state.seats.values():
        seat.desk_open = False  # its pages come again by themselves
        if seat.phone:  # the edge is new, and knows nothing of it
            floor.commands.append(UsePhone(seat=seat.name, phone=seat.phone))


def _day(floor: Floor, event: ev.DayBegan) -> None:
    floor.state.day = event.day


def _hours(floor: Floor, event: ev.HoursChanged) -> None:
    changed = {*floor.state.quiet} ^ {*event.quiet}
    floor.state.quiet = event.quiet
    for queue in sorted(changed & floor.state.queues.keys()):
        closing.set_queue(floor, queue)


def _queue_set(floor: Floor, event: ev.QueueSet) -> None:
    if event.queue in floor.state.queues or not event.queue:
        floor.state.closed[event.queue] = event.closed
        closing.set_queue(floor, event.queue)


def _wish(floor: Floor, event: wishes.AnyWish) -> None:
    floor.commands.append(Reply(request=event.request, answer=wishes.answer(floor, event)))


def _call_out(floor: Floor, event: ev.CallOutAsked) -> None:
    floor.commands.append(Reply(request=event.request, answer=outgoing.call_out(floor, event)))


def _leg_failed(floor: Floor, event: ev.LegFailed) -> None:
    floor.commands.append(Reply(request=event.request, answer=outgoing.failed(floor, event)))


def _leg_answered(floor: Floor, event: ev.LegAnswered) -> None:
    leg = floor.state.legs.get(event.leg)
    if leg is not None:
        outgoing.answered(floor, leg)


def _leg_ended(floor: Floor, event: ev.LegEnded) -> None:
    leg = floor.state.legs.get(event.leg)
    if leg is not None:
        if event.outcome == "hung-up":
            outgoing.answered(floor, leg)  # the word of it may have been lost
        outgoing.end(floor, leg)


def _deadlines(floor: Floor, _event: ev.DeadlineReached) -> None:
    while (entry := floor.deadlines.take(floor.state.now)) is not None:
        at, kind, name, extra = entry
        if kind in _CALL_DEADLINES:
            _CALL_DEADLINES[kind](floor, floor.state.calls[name])
        elif kind == "bar":
            offering.unbar(floor, floor.state.calls[name], extra)
        elif kind == "ticket":
            floor.state.tickets = [ticket for ticket in floor.state.tickets if ticket.expires_at > at]
        else:
            _DEADLINES[kind](floor, name)


def _rested(floor: Floor, name: str) -> None:
    seat = floor.state.seats[name]
    seat.resting_until = None
    floor.show(seat)


def _recovered(floor: Floor, name: str) -> None:
    floor.lines.recovered(name)
    floor.lines_changed()


def _forgotten(floor: Floor, caller: str) -> None:
    del floor.state.last_seats[caller]


def _look_due(floor: Floor, _name: str) -> None:
    floor.commands.append(TakeSnapshot())
    floor.plan_look()


_DEADLINES: dict[str, Callable[[Floor, str], None]] = {
    "offer": lambda floor, name: offering.overdue(floor, floor.state.offers[name]),
    "leg": lambda floor, name: outgoing.overdue(floor, floor.state.legs[name]),
    "rest": _rested,
    "line": _recovered,
    "last": _forgotten,
    "look": _look_due,
}
_CALL_DEADLINES: dict[str, Callable[[Floor, Call], None]] = {
    "hold": queueing.hold_over,
    "step": queueing.step_due,
    "circle": queueing.widen_circle,
    "tell": telling.tell,
    "wants": queueing.want_no_more,
    "expire": callbacks.expired,
    "give-up": lambda floor, call: queueing.overflow(floor, call, "wait"),
}

_HANDLERS: dict[type[ev.Event], Callable[[Floor, Any], None]] = {
    ev.CallArrived: _arrived,
    ev.CallEnded: _call_ended,
    ev.KeyPressed: _key_pressed,
    ev.CallSet: _call_set,
    ev.CallTransferred: _transferred,
    ev.LegJoined: _noted,
    ev.LegLeft: _noted,
    ev.LegHeld: _noted,
    ev.OfferRinging: _noted,
    ev.OfferAnswered: _of_offer(offering.answered),
    ev.Connected: _of_offer(offering.connected),
    ev.OfferEnded: _offer_ended,
    ev.HandsetChanged: _handset,
    ev.DeskChanged: _desk,
    ev.LineChanged: _line,
    ev.CallOutAsked: _call_out,
    ev.LegFailed: _leg_failed,
    ev.LegAnswered: _leg_answered,
    ev.LegEnded: _leg_ended,
    ev.Listening: _noted,
    ev.LinesSet: _lines_set,
    ev.Snapshot: reconcile.reconcile,
    ev.SwitchLost: _switch_lost,
    ev.Started: _started,
    ev.Configured: configure.configure,
    ev.SeatsConfigured: configure.configure_seats,
    ev.DayBegan: _day,
    ev.HoursChanged: _hours,
    ev.QueueSet: _queue_set,
    ev.DeadlineReached: _deadlines,
    **dict.fromkeys(wishes.WISHES, _wish),
}
"""What each kind of event does."""
