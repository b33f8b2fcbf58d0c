"""Shows a comparison to a person, with all that it takes for granted."""

from collections.abc import Callable, Iterator

from acd.reports.metrics import SERVICE_LEVELS
from acd.reports.report import Figures
from acd.reports.table import ALL
from acd.reports.words import clock, count, per_cent, safe, seconds, stamp, table_of, time_of_day
from acd.whatif.compare import Comparison, Starved, Unserved

FORMULA = next(iter(SERVICE_LEVELS))

_HOW = {"answered": "answered", "abandoned": "gave up", "key-exit": "left by a key", "lost": "lost", "": "waits still"}

_ROWS: tuple[tuple[str, Callable[[Figures], float | None], Callable[[float | None], str]], ...] = (
    ("offered", lambda one: one.offered, count),
    ("answered", lambda one: one.answered, count),
    ("gave up", lambda one: one.abandoned, count),
    ("  of these before they meant to wait", lambda one: one.short_abandons, count),
    ("left otherwise", lambda one: sum(one.left.values()), count),
    (f"service level {FORMULA}", lambda one: one.service_level, per_cent),
    ("average speed of answer", lambda one: one.asa_ms, clock),
    ("wait, 50 % within", lambda one: one.waits_ms["p50"], clock),
    ("wait, 90 % within", lambda one: one.waits_ms["p90"], clock),
    ("wait, 99 % within", lambda one: one.waits_ms["p99"], clock),
    ("longest wait", lambda one: one.longest_wait_ms, clock),
    ("handle time", lambda one: one.aht_ms, clock),
)


def lines_of(found: Comparison) -> Iterator[str]:
    """Tell a comparison in lines of text, safe for a terminal."""
    yield f"{stamp(found.begin)} to {stamp(found.end)}, within {seconds(found.target_ms)} is in time"
    yield ""
    yield from table_of(("all queues", "that day", "old rules", "new rules", "new - old"), list(_all(found)), left=(0,))
    yield ""
    yield from _queues(found)
    yield ""
    yield from _off(found)
    yield from _nobody(found)
    yield ""
    yield from _longest(found)
    yield ""
    yield from _assumed(found)


def _all(found: Comparison) -> Iterator[tuple[str, ...]]:
    sides = [side.queues[ALL] for side in (found.actual, found.old, found.new)]
    for name, read, show in _ROWS:
        values = [read(side) for side in sides]
        yield name, *map(show, values), _change(values[1], values[2], show)
    occupancies = [side.occupancy for side in (found.actual, found.old, found.new)]
    yield "occupancy", *map(per_cent, occupancies), _change(occupancies[1], occupancies[2], per_cent)
    used = [side.utilisation for side in (found.actual, found.old, found.new)]
    yield "utilisation", *map(per_cent, used), _change(used[1], used[2], per_cent)


def _change(old: float | None, new: float | None, show: Callable[[float | None], str]) -> str:
    if old is None or new is None:
        return "-"
    text = show(abs(new - old))
    if text == show(0):
        return "="
    return ("+" if new > old else "-") + text.replace(" %", " points")


def _queues(found: Comparison) -> Iterator[str]:
    names = sorted({*found.actual.queues, *found.old.queues, *found.new.queues} - {ALL})
    heads = ("queue", "offered", "answered", "", "", "gave up", "", "", "service level", "", "", "90 % within", "", "")
    under = ("", "", *("that day", "old", "new") * 4)
    rows: list[tuple[str, ...]] = [under]
    for name in names:
        sides = [side.queues.get(name) for side in (found.actual, found.old, found.new)]
        rows.append(
            (
                safe(name),
                next(count(side.offered) for side in sides if side is not None),
                *(count(side.answered) if side else "-" for side in sides),
                *(count(side.abandoned) if side else "-" for side in sides),
                *(per_cent(side.service_level) if side else "-" for side in sides),
                *(clock(side.waits_ms["p90"]) if side else "-" for side in sides),
            )
        )
    yield from table_of(heads, rows, left=(0,))


def _off(found: Comparison) -> Iterator[str]:
    actual, old = found.actual.queues[ALL], found.old.queues[ALL]
    level = _change(actual.service_level, old.service_level, per_cent)
    speed = _change(actual.asa_ms, old.asa_ms, clock)
    gave_up = _change(actual.abandoned, old.abandoned, count)
    yield "Read new rules against old rules: both are simulated, with the same callers, patience and talks."
    yield (
        "How far the model is off, old rules against that day: "
        f"service level {level}, average speed of answer {speed}, gave up {gave_up}."
    )


def _nobody(found: Comparison) -> Iterator[str]:
    old = dict(found.old.unserved)
    new = dict(found.new.unserved)
    for kind in sorted({*old, *new}):
        yield (
            f"! nobody logged in could serve {_kind(kind)}: {count(new.get(kind, 0))} callers left for it"
            f" under the new rules, {count(old.get(kind, 0))} under the old"
        )
    for queue, callers in sorted(found.no_queue.items()):
        yield f"! {count(callers)} callers asked for queue {safe(queue)}, which the new rules do not have"
    if found.left_out:
        yield f"! these seats worked that day and are not in the new rules: {', '.join(map(safe, found.left_out))}"
    if found.joined:
        yield f"new seats, taken to be there as long as anybody of their queues: {', '.join(map(safe, found.joined))}"


def _kind(kind: Unserved) -> str:
    asks = f" asking for {safe(kind.needs)}" if kind.needs else ""
    return f"{safe(kind.queue)}{asks}" + ("" if kind.medium == "voice" else f" ({safe(kind.medium)})")


def _longest(found: Comparison) -> Iterator[str]:
    yield "Who waited longest under the new rules"
    rows = [_waiter(one) for one in found.starved]
    yield from table_of(("came", "caller", "queue", "waited", "", "under the old rules"), rows, left=(0, 1, 2, 4, 5))


def _waiter(one: Starved) -> tuple[str, ...]:
    old = "-" if one.old_wait_ms is None else f"{clock(one.old_wait_ms)} {_how(one.old_how)}"
    return time_of_day(one.came), safe(one.caller), safe(one.queue), clock(one.wait_ms), _how(one.how), old


def _how(how: str) -> str:
    return _HOW.get(how) or f"sent away: {safe(how)}"


def _assumed(found: Comparison) -> Iterator[str]:
    queues = ", ".join(f"{safe(queue)} ({count(known)})" for queue, known in sorted(found.patience.items()))
    own = f"of its own for {queues}; one of all queues for the others" if queues else "one curve for all queues"
    yield "What this takes for granted"
    yield "- the same people call at the same time for the same reason, and nobody calls again"
    yield "- who gave up that day has the patience he showed; who was answered has more than he needed, how much is"
    yield f"  drawn from the Kaplan-Meier curve: {own}"
    yield "- who was answered talks as long as he did; the others as long as some caller of that queue did"
    yield "- agents log in and out, pause and plug phones as they did, whatever the load; each picks up, lets ring and"
    yield "  ends wrap-up as measured for him that day"
    yield "- server, switch and lines are there all day; who is sent away or leaves by a key does not come back"
    yield f"- chance: seed {found.seed}; another seed (--seed) shows how much is chance"
    for start, end, why in found.gaps:
        yield f"! not all is known from {stamp(start)} to {stamp(end)} ({seconds(end - start)}): {safe(why)}"
