"""What a person wants to see of the floor at this moment: queues, seats, calls, lines, and what was lost today.

A reading of the state, no more. All times are integer milliseconds; points in time are counted from the Unix epoch.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, get_args

from msgspec import Struct, field

from acd.core import State, waits
from acd.core.commands import SeatLook
from acd.core.explain import needs_text
from acd.core.line import Line, LineLook, TroubleKind
from acd.core.model import Seat, Ticket
from acd.core.out import Leg


class QueueStatus(Struct, frozen=True, kw_only=True):
    """One queue."""

    name: str
    waiting: int
    longest_wait_ms: int
    talking: int
    seats_ready: int
    seats_logged_in: int
    closed: bool = False
    """Calls do not join, by its rule or by hand."""
    wait_least_ms: int | None = None
    wait_most_ms: int | None = None
    """Of callers who join now, nine in ten who are served wait between these; None while too few were."""
    hit_rate: int | None = None
    """Share of the waits told to callers that came true, per mille; None before there were any."""


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
    position: int = 0
    """Its place in its queue, 1 for the next; 0 for a call that is not in line."""
    needs: str = ""
    """The skills it asks for at present, as acd.conf writes them; empty once it is served."""


class TicketStatus(Struct, frozen=True, kw_only=True):
    """A place kept for a caller who was cut off."""

    number: int
    caller: str
    queue: str
    place: int
    """Where he would stand if he called now, 1 for the next."""
    made_at: int
    expires_at: int
    why: str


class GapStatus(Struct, frozen=True, kw_only=True):
    """A time in which nobody saw what the switch did."""

    start: int
    end: int
    why: str


class LineStatus(Struct, frozen=True, kw_only=True):
    """One trunk line."""

    name: str
    state: LineLook
    since: int = 0
    """Since when; 0 if that is not known."""
    seat: str = ""
    """Whose leg it carries."""
    number: str = ""
    """Whom that seat calls; empty where it is rung for a call."""
    trouble: TroubleKind | None = None
    """Why it cannot be used, whatever else it does."""
    said: str = ""
    """What the switch says of that."""
    out_since: int | None = None
    """Since when it is out of service by hand."""
    out_why: str = ""
    faults: int = 0
    """Failures in a row."""
    until: int = 0
    """When it is tried again, if it is left alone."""
    tested: bool = False
    """What it is in use for is a test of it."""


class LinesStatus(Struct, frozen=True, kw_only=True):
    """One group of trunk lines."""

    name: str
    free: int
    in_use: int
    left_alone: int
    """They failed, and are not tried for a while."""
    out: int = 0
    """Out of service by hand, and without a call."""
    in_trouble: int = 0
    """They cannot be used, and carry no call."""
    all_busy: int = 0
    """How often a call out found none free, since the journal began."""
    lines: tuple[LineStatus, ...] = ()


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
    lines: list[LinesStatus] = field(default_factory=list)
    line_alarms: tuple[str, ...] = ()
    """What the last test of each line found wrong enough to say it here."""
    hook_alarms: tuple[str, ...] = ()
    """Webhooks that somebody should look after."""
    tickets: list[TicketStatus] = field(default_factory=list)
    gaps: list[GapStatus] = field(default_factory=list)
    """Those of the last 24 hours."""


class LineTests(Protocol):
    """What tests of trunk lines have to tell."""

    @property
    def running(self) -> str:
        """The line that is tested now; empty for none."""

    @property
    def alarms(self) -> Sequence[str]:
        """A sentence for each line whose last test was bad."""


DAY_MS = 86_400_000


def status_of(
    state: State,
    agents: dict[str, str],
    at: int,
    journal_failed: str | None = None,
    alarms: Sequence[str] = (),
    *,
    tests: LineTests | None = None,
    hooks: Sequence[str] = (),
) -> Status:
    """Read the floor; `agents` names who sits where."""
    tested = tests.running if tests is not None else ""
    return Status(
        at=at,
        connected=state.fresh,
        journal_failed=journal_failed,
        queues=[_queue(state, name, at) for name in state.queues],
        seats=_seats(state, agents, at),
        calls=_calls(state, at),
        alarms=tuple(alarms),
        lines=[_lines(state, name, tested) for name in state.groups],
        line_alarms=tuple(tests.alarms) if tests is not None else (),
        hook_alarms=tuple(hooks),
        tickets=[_ticket(state, ticket) for ticket in state.tickets if ticket.expires_at > at],
        gaps=[GapStatus(start=gap.start, end=gap.end, why=gap.why) for gap in state.gaps if gap.end > at - DAY_MS],
    )


def _queue(state: State, name: str, at: int) -> QueueStatus:
    calls = [call for call in state.calls.values() if call.queue == name]
    waiting = [call for call in calls if call.state in {"waiting", "offered"}]
    seats = [seat for seat in state.seats.values() if name in seat.rule.queues and seat.shown != "logged-out"]
    in_line = sum(call.state == "waiting" for call in calls)
    memory = state.waits.get(name)
    wait_least_ms, wait_most_ms = waits.range_ms(memory, in_line) or (None, None)
    return QueueStatus(
        name=name,
        waiting=len(waiting),
        longest_wait_ms=max((at - call.arrived for call in waiting), default=0),
        talking=sum(call.state == "talking" for call in calls),
        seats_ready=sum(seat.listens and not seat.work for seat in seats),
        seats_logged_in=len(seats),
        closed=state.is_closed(state.queues[name]),
        wait_least_ms=wait_least_ms,
        wait_most_ms=wait_most_ms,
        hit_rate=waits.hit_rate(memory) if memory is not None else None,
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
    places: Counter[str] = Counter()
    calls = []
    for call in sorted(state.calls.values(), key=lambda call: call.key):
        waits_on = call.state in {"waiting", "offered"}
        places[call.queue] += call.state == "waiting"
        calls.append(
            CallStatus(
                call=call.id,
                caller=call.caller,
                queue=call.queue,
                medium=call.medium,
                state=call.state,
                waited_ms=(at if waits_on else call.since) - call.arrived,
                offers=call.offers_made,
                position=places[call.queue] if call.state == "waiting" else 0,
                needs=needs_text(call) if waits_on else "",
            )
        )
    return calls


def _lines(state: State, group: str, tested: str) -> LinesStatus:
    lines = tuple(_line(state, line, tested) for line in state.lines.values() if line.group == group)
    count = Counter(line.state for line in lines)
    return LinesStatus(
        name=group,
        free=count["free"],
        in_use=count["ours"] + count["in-use"],
        left_alone=count["left-alone"],
        out=count["out"],
        in_trouble=sum(count[kind] for kind in get_args(TroubleKind)),
        all_busy=state.all_busy.get(group, 0),
        lines=lines,
    )


def _line(state: State, line: Line, tested: str) -> LineStatus:
    leg = state.offers.get(line.offer) or state.legs.get(line.offer)
    return LineStatus(
        name=line.rule.name,
        state=line.look,
        since=line.since,
        seat=leg.seat if leg else "",
        number=leg.number if isinstance(leg, Leg) else "",
        trouble=line.trouble.kind if line.trouble is not None else None,
        said=line.trouble.said if line.trouble is not None else "",
        out_since=line.out_since,
        out_why=line.out_why,
        faults=line.faults,
        until=line.fault_until or 0,
        tested=line.rule.name == tested,
    )


def _ticket(state: State, ticket: Ticket) -> TicketStatus:
    rule = state.queues.get(ticket.queue)
    ahead_ms = ticket.ahead_ms + (rule.ahead_ms if rule is not None else 0)
    rank = ticket.priority if ticket.priority is not None else rule.priority if rule is not None else 0
    due = ticket.arrived - ahead_ms
    before = (
        call
        for call in state.calls.values()
        if call.queue == ticket.queue and call.state == "waiting" and (call.rank, call.due) <= (rank, due)
    )
    return TicketStatus(
        number=ticket.number,
        caller=ticket.caller,
        queue=ticket.queue,
        place=1 + sum(1 for _ in before),
        made_at=ticket.made_at,
        expires_at=ticket.expires_at,
        why=ticket.why,
    )
