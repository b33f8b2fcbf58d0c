"""What a person wants to see of the floor at this moment: queues, seats, calls. A reading of the state, no more."""

from collections.abc import Sequence

from msgspec import Struct

from acd.core import State
from acd.core.commands import SeatLook
from acd.core.model import Seat
from acd.core.transitions import CallState


class QueueStatus(Struct, frozen=True, kw_only=True):
    """One queue."""

    name: str
    waiting: int
    longest_wait_ms: int
    talking: int
    seats_ready: int
    seats_logged_in: int


class SeatStatus(Struct, frozen=True, kw_only=True):
    """One seat: what it does, and apart from that whether its handset can be reached."""

    name: str
    agent: str
    look: SeatLook
    for_ms: int
    reason: str
    """Why it is paused; `locked` after too many wrong PINs."""
    reachable: bool
    busy: bool
    call: str
    queues: tuple[str, ...]


class CallStatus(Struct, frozen=True, kw_only=True):
    """One call, first in line first."""

    call: str
    caller: str
    queue: str
    medium: str
    state: str
    waited_ms: int
    offers: int


class Status(Struct, frozen=True, kw_only=True):
    """The floor."""

    at: int
    connected: bool
    journal_failed: str | None
    queues: list[QueueStatus]
    seats: list[SeatStatus]
    calls: list[CallStatus]
    alarms: tuple[str, ...] = ()
    """What callfloor did wrong and got over: events that it could not decide, entries that the journal lacks."""


def status_of(
    state: State, agents: dict[str, str], at: int, journal_failed: str | None = None, alarms: Sequence[str] = ()
) -> Status:
    """Read the floor; `agents` names who sits where."""
    return Status(
        at=at,
        connected=state.fresh,
        journal_failed=journal_failed,
        queues=[_queue(state, name, at) for name in state.queues],
        seats=_seats(state, agents, at),
        calls=_calls(state, at),
        alarms=tuple(alarms),
    )


def _queue(state: State, name: str, at: int) -> QueueStatus:
    calls = [call for call in state.calls.values() if call.queue == name]
    waiting = [call for call in calls if call.state in {CallState.WAITING, CallState.OFFERED}]
    seats = [seat for seat in state.seats.values() if name in seat.rule.queues and seat.shown != "logged-out"]
    return QueueStatus(
        name=name,
        waiting=len(waiting),
        longest_wait_ms=max((at - call.due for call in waiting), default=0),
        talking=sum(call.state is CallState.TALKING for call in calls),
        seats_ready=sum(seat.listens and not seat.work for seat in seats),
        seats_logged_in=len(seats),
    )


def _seats(state: State, agents: dict[str, str], at: int) -> list[SeatStatus]:
    seats = []
    for seat in state.seats.values():
        held = [state.offers[name] for name in seat.work]
        call = next((state.calls[offer.call] for offer in held if offer.call is not None), None)
        seats.append(
            SeatStatus(
                name=seat.name,
                agent=agents.get(seat.name, ""),
                look=seat.shown,
                for_ms=at - seat.since,
                reason=_reason(seat, at),
                reachable=seat.reachable,
                busy=seat.busy,
                call=call.caller or call.id if call else "",
                queues=seat.rule.queues,
            )
        )
    return seats


def _reason(seat: Seat, at: int) -> str:
    match seat.shown:
        case "paused":
            return seat.pause_reason
        case "logged-out" if seat.locked_until is not None and seat.locked_until > at:
            return "locked"
        case _:
            return ""


def _calls(state: State, at: int) -> list[CallStatus]:
    return [
        CallStatus(
            call=call.id,
            caller=call.caller,
            queue=call.queue,
            medium=call.medium,
            state=call.state,
            waited_ms=(at if call.state in {CallState.WAITING, CallState.OFFERED} else call.since) - call.due,
            offers=call.offers_made,
        )
        for call in sorted(state.calls.values(), key=lambda call: (call.rank, call.due, call.number))
    ]
