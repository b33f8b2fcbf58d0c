"""`why-waiting` in plain sentences."""

from collections.abc import Iterator

from acd.reports.words import safe, seconds, stamp, time_of_day
from acd.why.waiting import AtSeat, Before, Next, Waiting
from acd.why.words import NAMED, REASON_SHOWN, Names, condition, effect, listed, ordinal, rank_words

SEATS_SHOWN = 12
"""So many seats that could have the call are named."""
_BEFORE = {
    "front": "was passed too often, goes before all",
    "class": "is of a class that goes first",
    "earlier": "came earlier",
    "head-start": "came later, but has a head start",
}


_ELSEWHERE = {"talking": "in a talk", "calling": "a callback, and its customer is called now"}


def waiting_lines(found: Waiting, names: Names) -> Iterator[str]:
    """Tell why a call waits and what comes next."""
    when = "now" if found.live else f"as the journal left it on {stamp(found.at)}"
    asks = f", asking for {safe(found.needs)}" if found.needs else ""
    yield f"Call {safe(found.call)} from {safe(found.caller) or 'a caller without a number'}, {when}"
    if found.state in {"waiting", "offered"}:
        place = f"{ordinal(found.position)} in line, {rank_words(found.rank)}"
        yield f"waits in queue {safe(found.queue)} for {seconds(found.waited_ms)}{asks}: {place}"
    else:
        yield f"does not wait: it is {_ELSEWHERE.get(found.state, 'on its way out')}"
        return
    if found.rings_at:
        yield f"rings at {listed([names.full(seat) for seat in found.rings_at])}"
    if found.kept_back is not None:
        yield f"offered to nobody: {safe(found.kept_back, REASON_SHOWN)}"
    yield from _before(found)
    yield from _seats(found, names)
    yield from _next(found, names)


def _before(found: Waiting) -> Iterator[str]:
    yield ""
    if not found.before:
        yield "Nobody is before it."
        return
    yield f"Before it: {found.before_count}"
    for one in found.before:
        yield f"  {_who(one, found.queue)}: waits for {seconds(one.waited_ms)}, {_BEFORE[one.why]}"
    if found.before_count > len(found.before):
        yield f"  and {found.before_count - len(found.before)} more"


def _who(one: Before, queue: str) -> str:
    other = "" if one.queue == queue else f" of queue {safe(one.queue)}"
    return f"{safe(one.caller or one.call)}{other}"


def _seats(found: Waiting, names: Names) -> Iterator[str]:
    suited = [one for one in found.seats if one.suited]
    yield ""
    yield f"Seats that could have it: {len(suited) or 'none that is logged in'}"
    for one in suited[:SEATS_SHOWN]:
        yield f"  {names.full(one.seat)} {_keeps(one)}"
    if len(suited) > SEATS_SHOWN:
        yield f"  and {len(suited) - SEATS_SHOWN} more"
    others: dict[str, list[str]] = {}
    for one in found.seats:
        if not one.suited:
            others.setdefault(one.keeps or "is logged out", []).append(one.seat)
    if others:
        yield "Others"
    for reason, seats in sorted(others.items(), key=lambda one: len(one[1])):
        who = [names.full(seat) for seat in seats[:NAMED]]
        who += [f"{len(seats) - NAMED} more"] if len(seats) > NAMED else []
        yield f"  {listed(who)}: {safe(reason, REASON_SHOWN)}"


def _keeps(one: AtSeat) -> str:
    if one.keeps is None:
        return "is free"
    since = (
        f", {one.doing} for {seconds(one.for_ms)}" if one.doing in {"talking", "wrap-up", "ringing", "paused"} else ""
    )
    return f"{safe(one.keeps)}{since}"


def _next(found: Waiting, names: Names) -> Iterator[str]:
    yield ""
    yield "What comes next, if nobody takes it before"
    for one in found.next:
        at = "        " if one.at is None else time_of_day(one.at)
        yield f"  {at}  {_words(one, names)}"
    if found.expected_ms is not None:
        least, most = found.expected_ms
        yield f"  Nine in ten from this place are answered within {seconds(least)} to {seconds(most)} from now."


def _words(one: Next, names: Names) -> str:
    match one.kind:
        case "serve":
            return "may be offered from then on"
        case "step" if one.step is not None:
            when = f"{condition(one.step)}: " if one.at is None else ""
            return f"escalation, {when}{effect(one.step)}"
        case "circle":
            return "more seats ring"
        case "tell":
            return "the caller is told how he stands"
        case "any-seat":
            return f"is kept for {names.full(one.seat)} no longer"
        case "unbar":
            return f"may be offered to {names.full(one.seat)} again"
        case "wrap-up":
            return f"{names.full(one.seat)} ends wrap-up, at the latest"
        case _:
            return f"leaves for {safe(one.to)}" if one.to else "has waited too long, and leaves"
