"""The one door: an event in, commands out.

`Core.decide` is a function of the state and the event alone. It first lets the event change the state, then gives away
every call that can now be served, and returns what is to be done, in order. `Core.next_deadline` says when it wants
to be asked again though nothing happened; the caller then sends `DeadlineReached`.
"""

from acd.core import events as ev
from acd.core.commands import AnyCommand, Reply, TakeSnapshot
from acd.core.floor import Floor
from acd.core.model import Seat, State
from acd.core.reconcile import admit, come_back, reconcile, set_handset
from acd.core.rules import SeatRule
from acd.core.transitions import CallState
from acd.core.wishes import answer


class Core:
    """The distributor's mind over one state."""

    def __init__(self, state: State | None = None) -> None:
        self.state = State() if state is None else state
        self._floor = Floor(self.state)

    def decide(self, event: ev.AnyEvent) -> list[AnyCommand]:
        """Take an event into the state and say what follows."""
        assert event.at >= self.state.now, f"time runs backwards: {event.at} after {self.state.now}"
        self.state.now = event.at
        self._take(event)
        self._floor.assign()
        commands, self._floor.commands = self._floor.commands, []
        return commands

    def next_deadline(self) -> int | None:
        """When something is due though nothing happens, ms since the epoch; None for never."""
        return self._floor.deadlines.next()

    def _take(self, event: ev.AnyEvent) -> None:  # noqa: C901, PLR0912 - one line a kind of event, nothing nested
        floor = self._floor
        match event:
            case ev.CallArrived():
                self._arrived(event)
            case ev.CallEnded(call=name):
                if (call := self.state.calls.get(name)) is not None:
                    floor.forget(call)
            case ev.OfferRinging():
                pass  # for reports only: the seat was reserved when the offer was made
            case ev.OfferAnswered(offer=name):
                if (offer := self.state.offers.get(name)) is not None:
                    floor.answered(offer)
            case ev.Connected(offer=name):
                if (offer := self.state.offers.get(name)) is not None:
                    floor.connected(offer)
            case ev.OfferEnded(offer=name, outcome=outcome):
                if (offer := self.state.offers.get(name)) is not None:
                    floor.end(offer, outcome)
            case ev.HandsetChanged():
                set_handset(floor, ev.HandsetState(seat=event.seat, reachable=event.reachable, busy=event.busy))
            case ev.Snapshot():
                reconcile(floor, event)
            case ev.SwitchLost():
                self._lose_sight()
            case ev.Started():
                self.state.run = event.run
                self._lose_sight()
            case ev.Configured():
                self._configure(event)
            case ev.DeadlineReached():
                self._deadlines()
            case _:
                floor.commands.append(Reply(request=event.request, answer=answer(floor, event)))

    def _arrived(self, event: ev.CallArrived) -> None:
        held = ev.HeldCall(
            call=event.call,
            queue=event.queue,
            since=event.at if event.since is None else event.since,
            caller=event.caller,
            medium=event.medium,
            priority=event.priority,
        )
        call = self.state.calls.get(event.call)
        if call is None:
            admit(self._floor, held)
        elif call.state in {CallState.TALKING, CallState.AFTER}:
            come_back(self._floor, call, held)

    def _lose_sight(self) -> None:
        self.state.fresh = False
        self.state.look_at = None

    def _deadlines(self) -> None:
        floor, state = self._floor, self.state
        for _, kind, name, seat_name in floor.deadlines.due(state.now):
            match kind:
                case "offer":
                    floor.overdue(state.offers[name])
                case "wrap-up":
                    floor.go_on(state.seats[name])
                case "rest":
                    state.seats[name].resting_until = None
                    floor.show(state.seats[name])
                case "give-up":
                    floor.send_away(state.calls[name])
                case "bar":
                    floor.unbar(state.calls[name], seat_name)
                case "look":
                    floor.commands.append(TakeSnapshot())
                    floor.plan_look()

    def _configure(self, event: ev.Configured) -> None:
        """Put the new rules in place. A seat that vanished during a call leaves when the call is over."""
        floor, state = self._floor, self.state
        state.look_ms = event.look_ms
        state.queues = {rule.name: rule for rule in event.queues}
        old, state.seats = state.seats, {}
        for number, rule in enumerate(event.seats):
            seat = old.pop(rule.name, None)
            if seat is None:
                seat = Seat(name=rule.name, number=number, rule=rule, since=event.at, idle_since=event.at)
            seat.number, seat.rule = number, rule
            state.seats[rule.name] = seat
        for seat in old.values():
            if seat.offer is not None:
                seat.number, seat.next_word = len(state.seats), "log_out"
                seat.rule = SeatRule(name=seat.name)
                state.seats[seat.name] = seat
        for call in state.calls.values():
            call.barred = {name: until for name, until in call.barred.items() if name in state.seats}
            if call.state is CallState.WAITING and call.queue not in state.queues:
                floor.send_away(call)
        floor.routing.rebuild()
