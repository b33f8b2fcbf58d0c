"""A report: the figures of a table's intervals, as a program reads them (`--json`) and as a person does."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from acd.reports import metrics
from acd.reports.legs import Path
from acd.reports.metrics import Counts, SeatTime, Thresholds
from acd.reports.table import ALL, Table, Virtual
from acd.reports.words import clock, per_cent, safe, seconds, stamp, table_of

PERCENTILES = (50, 90, 95, 99)


class Figures(Struct, frozen=True, kw_only=True):
    """All figures of some calls. Times in ms, shares from 0 to 1, None where there is nothing to divide by."""

    offered: int
    answered: int
    abandoned: int
    short_abandons: int
    left: dict[str, int]
    """Why calls left otherwise -> how many: `rules.Reason`, `moved`, `key-exit`, `lost`."""
    waiting: int
    service_levels: dict[str, float | None]
    """Formula -> figure, the default first."""
    asa_ms: float | None
    waits_ms: dict[str, int | None]
    """Percentile -> wait of answered calls."""
    longest_wait_ms: int
    abandon_rate: float | None
    abandon_time_ms: float | None
    talk_ms: float | None
    wrap_up_ms: float | None
    aht_ms: float | None
    promises: int
    promise_hit_rate: float | None

    @property
    def service_level(self) -> float | None:
        """By the default formula."""
        return next(iter(self.service_levels.values()))


class QueueLine(Struct, frozen=True, kw_only=True):
    """A queue in an interval."""

    queue: str
    """Empty for all together."""
    start: int
    end: int
    gap: str
    """Why the journal does not tell all of it; empty if it does."""
    figures: Figures
    occupancy: float | None
    """Of the seats that serve it; all their contacts count, whatever queue they are of."""
    calls_per_seat: float | None
    """Answered calls / seats that were logged in."""


class VirtualLine(Struct, frozen=True, kw_only=True):
    """The virtual calls of a queue and a medium over the whole time. Times in ms."""

    queue: str
    medium: str
    came: int
    taken: int
    """How often an agent took one; one that is given back is taken again."""
    waiting: int
    wait_ms: float | None
    """Mean wait until it was taken."""
    talk_ms: float | None


class SeatLine(Struct, frozen=True, kw_only=True):
    """A seat over the whole time. Times in ms."""

    seat: str
    logged_in_ms: int
    ready_ms: int
    ringing_ms: int
    talking_ms: int
    wrap_up_ms: int
    paused_ms: int
    unreachable_ms: int
    hold_ms: int
    answered: int
    unanswered: int
    occupancy: float | None
    utilisation: float | None


class LegLine(Struct, frozen=True, kw_only=True):
    """One who talked to a caller who was given away."""

    who: str
    """A seat, or what the switch calls the channel."""
    start: int
    talk_ms: int
    hold_ms: int
    """So long he had him on hold besides."""


class GivenLine(Struct, frozen=True, kw_only=True):
    """A caller who was given away, and his way."""

    call: str
    caller: str
    at: int
    """When he was given away first."""
    legs: list[LegLine]
    to: list[str]
    """What was dialled for each transfer, or who was asked first."""


class Report(Struct, frozen=True, kw_only=True):
    """What happened."""

    interval_ms: int
    target_ms: int
    short_ms: int
    lines: list[QueueLine]
    totals: list[QueueLine]
    seats: list[SeatLine]
    given: list[GivenLine]
    """Callers whom an agent gave to somebody else, all queues together."""
    gaps: list[tuple[int, int, str]]
    """From, to, why: what the journal does not tell."""
    virtual: list[VirtualLine] = []
    """Messages and the like, which are counted nowhere else but in the seats' time."""


def figures_of(counts: Counts, limits: Thresholds) -> Figures:
    """Work out every figure of some counts."""
    return Figures(
        offered=counts.offered,
        answered=len(counts.answered_ms),
        abandoned=len(counts.abandoned_ms),
        short_abandons=metrics.short_abandons(counts, limits),
        left=dict(sorted(counts.left.items())),
        waiting=len(counts.open_ms),
        service_levels={formula: level(counts, limits) for formula, level in metrics.SERVICE_LEVELS.items()},
        asa_ms=metrics.asa_ms(counts),
        waits_ms={f"p{rank}": metrics.percentile_ms(counts.answered_ms, rank) for rank in PERCENTILES},
        longest_wait_ms=metrics.longest_wait_ms(counts),
        abandon_rate=metrics.abandon_rate(counts, limits),
        abandon_time_ms=metrics.abandon_time_ms(counts),
        talk_ms=metrics.talk_ms(counts),
        wrap_up_ms=metrics.wrap_up_ms(counts),
        aht_ms=metrics.aht_ms(counts),
        promises=counts.promises,
        promise_hit_rate=metrics.promise_hit_rate(counts),
    )


def report_of(
    table: Table, serving: Mapping[str, set[str]], *, queue: str | None = None, limits: Thresholds | None = None
) -> Report:
    """Make a report of a table.

    `serving`: queue -> the seats that serve it. `queue`: of this one alone.
    """
    limits = limits or Thresholds()
    queues = sorted(table.queues | set(serving)) if queue is None else [queue]
    totals = queues if queue is not None or len(queues) == 1 else [*queues, ALL]

    def line(name: str, start: int | None) -> QueueLine:
        seats = None if name == ALL else serving.get(name, set())
        counts = table.total(name) if start is None else table.calls.get((name, start), Counts())
        time = table.seat_total(seats, start)
        there = {seat for (seat, at), spent in table.seats.items() if spent.logged_in_ms and start in {None, at}}
        there = there if seats is None else there & seats
        begins = min(starts, default=0) if start is None else start
        end = (max(starts, default=0) if start is None else start) + table.interval_ms
        gaps = dict.fromkeys(gap.why for gap in table.gaps) if start is None else [table.touched_by_gap(start)]
        return QueueLine(
            queue=name,
            start=begins,
            end=end,
            gap="; ".join(why for why in gaps if why),
            figures=figures_of(counts, limits),
            occupancy=metrics.occupancy(time),
            calls_per_seat=len(counts.answered_ms) / len(there) if there else None,
        )

    starts = sorted({start for (_, start) in (*table.calls, *table.seats)})
    wanted = set(queues)
    lines = [line(name, start) for start in starts for name in sorted(wanted) if (name, start) in table.calls]
    return Report(
        interval_ms=table.interval_ms,
        target_ms=limits.target_ms,
        short_ms=limits.short_ms,
        lines=lines,
        totals=[line(name, None) for name in totals],
        seats=list(_seat_lines(table, None if queue is None else serving.get(queue, set()))),
        given=[_given_line(path) for path in table.given],
        gaps=[(gap.start, gap.end, gap.why) for gap in table.gaps],
        virtual=[_virtual_line(*key, counts) for key, counts in sorted(table.virtual.items()) if key[0] in wanted],
    )


def _virtual_line(queue: str, medium: str, counts: Virtual) -> VirtualLine:
    return VirtualLine(
        queue=queue,
        medium=medium,
        came=counts.came,
        taken=len(counts.taken_ms),
        waiting=counts.waiting,
        wait_ms=metrics.mean(counts.taken_ms),
        talk_ms=metrics.mean(counts.talks_ms),
    )


def _given_line(path: Path) -> GivenLine:
    return GivenLine(
        call=path.call,
        caller=path.caller,
        at=path.at,
        legs=[LegLine(who=leg.who, start=leg.start, talk_ms=leg.talk_ms, hold_ms=leg.hold_ms) for leg in path.legs],
        to=[gift.to for gift in path.gifts],
    )


def _seat_lines(table: Table, wanted: set[str] | None) -> Iterator[SeatLine]:
    for seat in sorted({seat for seat, _ in table.seats}):
        if wanted is not None and seat not in wanted:
            continue
        time = table.seat_total([seat])
        values = {name: getattr(time, name) for name in SeatTime.__struct_fields__}
        yield SeatLine(
            seat=seat,
            logged_in_ms=time.logged_in_ms,
            occupancy=metrics.occupancy(time),
            utilisation=metrics.utilisation(time),
            **values,
        )


# For people

_HEADS = ("from", "queue", "offered", "answered", "abandoned", "short", "left", "SL", "ASA", "p90", "longest", "AHT")
_MORE = ("occupancy", "calls/seat", "")


def lines_of(report: Report, agents: Mapping[str, str]) -> Iterator[str]:
    """Tell a report in lines of text, safe for a terminal; `agents`: seat -> who sits there."""
    rows = [_row(stamp(line.start), line) for line in report.lines]
    rows += [_row("total", line) for line in report.totals]
    yield from table_of((*_HEADS, *_MORE), rows, left=(0, 1, len(_HEADS) + 2))
    yield ""
    yield from _levels(report)
    yield from _exits(report)
    yield from _virtual(report)
    yield from _seat_table(report, agents)
    yield from _given_table(report)
    for start, end, why in report.gaps:
        yield f"! not all is known from {stamp(start)} to {stamp(end)} ({seconds(end - start)}): {safe(why)}"


def _row(head: str, line: QueueLine) -> tuple[str, ...]:
    one = line.figures
    return (
        head,
        safe(line.queue) or "all",
        str(one.offered),
        str(one.answered),
        str(one.abandoned),
        str(one.short_abandons),
        str(sum(one.left.values())),
        per_cent(one.service_level),
        clock(one.asa_ms),
        clock(one.waits_ms["p90"]),
        clock(one.longest_wait_ms),
        clock(one.aht_ms),
        per_cent(line.occupancy),
        "-" if line.calls_per_seat is None else f"{line.calls_per_seat:.1f}",
        f"! {safe(line.gap)}" if line.gap else "",
    )


def _levels(report: Report) -> Iterator[str]:
    target, short = seconds(report.target_ms), seconds(report.short_ms)
    yield f"SL, ASA and waits count from the first queue on. T = {target}, short (B_s) = hung up before {short}."
    formulas = list(report.totals[0].figures.service_levels) if report.totals else []
    rows = [
        (safe(line.queue) or "all", *(per_cent(line.figures.service_levels[formula]) for formula in formulas))
        for line in report.totals
    ]
    yield from table_of(("service level", *formulas), rows, left=(0,))
    rows = []
    for line in report.totals:
        one = line.figures
        waits = [clock(one.waits_ms[f"p{rank}"]) for rank in PERCENTILES]
        hits = f"{per_cent(one.promise_hit_rate)} of {one.promises}" if one.promises else "-"
        rows.append(
            (
                safe(line.queue) or "all",
                *waits,
                per_cent(one.abandon_rate),
                clock(one.abandon_time_ms),
                clock(one.talk_ms),
                clock(one.wrap_up_ms),
                hits,
            )
        )
    heads = ("waits", *(f"p{rank}" for rank in PERCENTILES), "gave up", "after", "talk", "wrap-up", "promise kept")
    yield ""
    yield from table_of(heads, rows, left=(0,))


def _exits(report: Report) -> Iterator[str]:
    for line in report.totals:
        if line.figures.left:
            why = ", ".join(f"{safe(reason)} {count}" for reason, count in line.figures.left.items())
            yield f"left {safe(line.queue) or 'all queues'} otherwise: {why}"


def _virtual(report: Report) -> Iterator[str]:
    rows = [
        (
            safe(one.queue),
            safe(one.medium),
            str(one.came),
            str(one.taken),
            str(one.waiting),
            clock(one.wait_ms),
            clock(one.talk_ms),
        )
        for one in report.virtual
    ]
    if rows:
        yield ""
        yield from table_of(("queue", "no caller", "came", "taken", "waiting", "wait", "talk"), rows, left=(0, 1))


def _on_hold(leg: LegLine) -> str:
    return f" + {clock(leg.hold_ms)} on hold" if leg.hold_ms else ""


def _given_table(report: Report) -> Iterator[str]:
    rows = [
        (
            stamp(one.at),
            safe(one.caller),
            ", ".join(f"{safe(leg.who)} {clock(leg.talk_ms)}{_on_hold(leg)}" for leg in one.legs),
            ", ".join(map(safe, one.to)),
        )
        for one in report.given
    ]
    if rows:
        yield ""
        yield from table_of(("given away", "caller", "talked to", "given to"), rows, left=(0, 1, 2, 3))


def _seat_table(report: Report, agents: Mapping[str, str]) -> Iterator[str]:
    heads = (
        "seat",
        "agent",
        "logged in",
        "calls",
        "not taken",
        "talk",
        "on hold",
        "wrap-up",
        "ready",
        "ringing",
        "paused",
    )
    rows = [
        (
            safe(one.seat),
            safe(agents.get(one.seat, "")),
            clock(one.logged_in_ms),
            str(one.answered),
            str(one.unanswered),
            clock(one.talking_ms),
            clock(one.hold_ms),
            clock(one.wrap_up_ms),
            clock(one.ready_ms),
            clock(one.ringing_ms),
            clock(one.paused_ms),
            per_cent(one.occupancy),
            per_cent(one.utilisation),
        )
        for one in report.seats
    ]
    if rows:
        yield ""
        yield from table_of((*heads, "occupancy", "utilisation"), rows, left=(0, 1))
