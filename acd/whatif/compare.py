"""What happened, the rules of that day simulated, and other rules simulated: three columns of the same figures."""

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from acd.core import events as ev
from acd.core.commands import AnyCommand, SendAway
from acd.core.explain import needs_text, unsuited
from acd.core.model import Call, State
from acd.history import History
from acd.reports.facts import Stay
from acd.reports.ledger import Ledger
from acd.reports.metrics import Thresholds, occupancy, utilisation
from acd.reports.report import Figures, figures_of
from acd.reports.table import ALL, Table, Window
from acd.whatif.day import LOOK_NEVER_MS, Day, read_day
from acd.whatif.draws import Draws
from acd.whatif.loop import Simulation, World

RUN = "what-if"
LONGEST_SHOWN = 5


class Unserved(Struct, frozen=True, kw_only=True, order=True):
    """A kind of call that left without an agent because no seat that was logged in could have had it."""

    queue: str
    needs: str
    """What it asked for, as written in the files; empty for nothing."""
    medium: str


class Side(Struct, kw_only=True):
    """How a day went under some rules."""

    table: Table
    ends: dict[str, Stay] = field(default_factory=dict)
    """Caller -> how his wait ended."""
    unserved: Counter[Unserved] = field(default_factory=Counter)


class Starved(Struct, frozen=True, kw_only=True):
    """A caller who waited long, and what he had under the old rules."""

    caller: str
    queue: str
    came: int
    wait_ms: int
    how: str
    old_wait_ms: int | None
    old_how: str


class Column(Struct, frozen=True, kw_only=True):
    """The figures of one side."""

    queues: dict[str, Figures]
    """Queue -> its figures; the empty name stands for all."""
    occupancy: float | None
    utilisation: float | None
    unserved: list[tuple[Unserved, int]]


class Comparison(Struct, frozen=True, kw_only=True):
    """All of it. Times in ms since the epoch or in ms."""

    begin: int
    end: int
    seed: int
    target_ms: int
    short_ms: int
    actual: Column
    old: Column
    new: Column
    starved: list[Starved]
    """Those who waited longest under the new rules."""
    left_out: list[str]
    """Seats that worked that day and are not in the new rules."""
    joined: list[str]
    """Seats that are new in the new rules."""
    no_queue: dict[str, int]
    """Queues that callers asked for and that the new rules do not have."""
    gaps: list[tuple[int, int, str]]
    patience: dict[str, int]
    """Queue -> how many gave up in it, where that is enough to know its callers' patience; the others share one."""


def compare(
    history: History,
    rules: ev.Configured,
    window: Window | None = None,
    *,
    seed: int = 1,
    limits: Thresholds | None = None,
) -> Comparison:
    """Replay a day under other rules."""
    limits = limits or Thresholds()
    day = read_day(history, window or Window())
    draws = Draws(day, seed)
    old, new = simulate(day, draws, None), simulate(day, draws, rules)
    served = {rule.name for rule in rules.queues}
    no_queue = Counter(caller.arrival.queue for caller in day.callers.values() if caller.arrival.queue not in served)
    old_seats, new_seats = _seats_of(day), {rule.name for rule in rules.seats or ()}
    worked = {event.seat for event in day.doings if isinstance(event, ev.LogInAsked)} | _logged_in(day.opening)
    return Comparison(
        begin=day.begin,
        end=day.end,
        seed=seed,
        target_ms=limits.target_ms,
        short_ms=limits.short_ms,
        actual=_column(Side(table=day.actual), limits),
        old=_column(old, limits),
        new=_column(new, limits),
        starved=list(_starved(old, new)),
        left_out=sorted(worked & old_seats - new_seats),
        joined=sorted(new_seats - old_seats),
        no_queue=dict(no_queue),
        gaps=[(gap.start, gap.end, gap.why) for gap in day.actual.gaps],
        patience={queue: curve.abandons for queue, curve in draws.patience.items() if queue},
    )


def _column(side: Side, limits: Thresholds) -> Column:
    queues = sorted(side.table.queues)
    time = side.table.seat_total()
    return Column(
        queues={queue: figures_of(side.table.total(queue), limits) for queue in (*queues, ALL)},
        occupancy=occupancy(time),
        utilisation=utilisation(time),
        unserved=side.unserved.most_common(),
    )


def _starved(old: Side, new: Side) -> Iterator[Starved]:
    for key, stay in sorted(new.ends.items(), key=lambda one: (-one[1].wait_ms, one[0]))[:LONGEST_SHOWN]:
        before = old.ends.get(key)
        yield Starved(
            caller=stay.caller or key,
            queue=stay.queue,
            came=stay.came,
            wait_ms=stay.wait_ms,
            how=stay.how,
            old_wait_ms=None if before is None else before.wait_ms,
            old_how="" if before is None else before.how,
        )


# Simulating a side


def simulate(day: Day, world: World, rules: ev.Configured | None) -> Side:
    """Decide a day again, under these rules, or under those of the day itself."""
    side = Side(table=Table(day.actual.interval_ms, day.actual.window))
    ledger = Ledger()

    def watch(event: ev.AnyEvent, commands: Sequence[AnyCommand]) -> None:
        ledger.note(event, commands)
        for command in commands:
            if isinstance(command, SendAway):
                _judge(side, run.core.state, command.call)
        if len(ledger.stays) > 1_000:
            _drain(side, ledger)

    run = Simulation(world, watch)
    run.before_leaving = lambda call: _judge(side, run.core.state, call)
    run.run([*_opening(day, rules), *_happenings(day, rules)], day.end)
    _drain(side, ledger)
    ledger.now = day.end
    side.table.finish(ledger)
    return side


def _drain(side: Side, ledger: Ledger) -> None:
    side.ends.update({stay.call: stay for stay in ledger.stays if not stay.moved_on})
    side.table.take(ledger)


def _judge(side: Side, state: State, name: str) -> None:
    """A call leaves without an agent: note it if nobody who was there could have had it."""
    call = state.calls.get(name)
    if call is None:
        return
    there = (seat for seat in state.seats.values() if seat.presence != "logged-out")
    if all(unsuited(state, call, seat) is not None for seat in there):
        side.unserved[_kind(call)] += 1


def _kind(call: Call) -> Unserved:
    return Unserved(queue=call.queue, needs=needs_text(call), medium=call.medium)


def _opening(day: Day, rules: ev.Configured | None) -> Iterator[ev.AnyEvent]:
    """Bring a new core to where things stood when the day began."""
    state, at = day.opening, day.begin
    yield ev.Started(at=at, run=RUN)
    if rules is not None:
        yield replace(rules, at=at, look_ms=LOOK_NEVER_MS)
    elif state.now:
        yield ev.Configured(
            at=at,
            queues=tuple(state.queues.values()),
            seats=tuple(seat.rule for seat in state.seats.values()),
            media=tuple(state.media.values()),
            line_groups=tuple(state.groups.values()),
            look_ms=LOOK_NEVER_MS,
            ticket_ms=state.ticket_ms,
        )
    handsets = [ev.HandsetState(seat=one.name, reachable=one.reachable, busy=one.busy) for one in state.seats.values()]
    newcomers = _newcomers(day, rules)
    handsets += [ev.HandsetState(seat=seat, reachable=True, busy=False) for seat in newcomers]
    yield ev.Snapshot(at=at, asked=at, calls=(), legs=(), handsets=tuple(handsets))
    for queue, closed in state.closed.items():
        yield ev.QueueSet(at=at, queue=queue, closed=closed)
    for seat in state.seats.values():
        if seat.presence != "logged-out":
            yield ev.LogInAsked(at=at, seat=seat.name, pin_matches=True)
        if seat.presence == "paused":
            yield ev.PauseAsked(at=at, seat=seat.name, reason=seat.pause_reason)
    for name, (begin, end) in newcomers.items():
        yield ev.LogInAsked(at=begin, seat=name, pin_matches=True)
        yield ev.LogOutAsked(at=end, seat=name)


def _happenings(day: Day, rules: ev.Configured | None) -> Iterator[ev.AnyEvent]:
    for event in day.rules if rules is None else ():
        yield replace(event, look_ms=LOOK_NEVER_MS) if isinstance(event, ev.Configured) else event
    yield from day.doings
    for caller in day.callers.values():
        yield caller.arrival


def _seats_of(day: Day) -> set[str]:
    seats = set(day.opening.seats)
    for event in day.rules:
        seats.update(rule.name for rule in event.seats or ())
    return seats


def _logged_in(state: State) -> set[str]:
    return {seat.name for seat in state.seats.values() if seat.presence != "logged-out"}


def _newcomers(day: Day, rules: ev.Configured | None) -> dict[str, tuple[int, int]]:
    """Give seats that are new the hours of those that serve one of their queues: nobody knows when they would come."""
    if rules is None or rules.seats is None:
        return {}
    old = _seats_of(day)
    shifts = _shifts(day)
    queues = {rule.name: set(rule.queues) for rule in rules.seats}
    found = {}
    for rule in rules.seats:
        if rule.name in old:
            continue
        near = [shift for seat, shift in shifts.items() if queues.get(seat, set()) & queues[rule.name]]
        near = near or list(shifts.values())
        if near:
            found[rule.name] = min(begin for begin, _ in near), max(end for _, end in near)
    return found


def _shifts(day: Day) -> dict[str, tuple[int, int]]:
    """Seat -> first log-in and last log-out."""
    shifts = dict.fromkeys(_logged_in(day.opening), (day.begin, day.end))
    for event in day.doings:
        if isinstance(event, ev.LogInAsked) and event.pin_matches:
            shifts[event.seat] = shifts.get(event.seat, (event.at, 0))[0], day.end
        elif isinstance(event, ev.LogOutAsked) and event.seat in shifts:
            shifts[event.seat] = shifts[event.seat][0], event.at
    return shifts
