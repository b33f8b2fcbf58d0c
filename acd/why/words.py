"""Plain sentences for a supervisor. Names and numbers from outside are shown as text, never obeyed."""

from collections.abc import Iterator, Mapping

from acd.core.explain import Considered, Explanation
from acd.core.rules import FRONT, Step
from acd.reports.words import safe, seconds, stamp, time_of_day
from acd.why.lines import line_words
from acd.why.story import Happening, Story, Told

NAMED = 5
"""So many of those who were kept out by the same rule are named."""
REASON_SHOWN = 300
"""So many characters of a rule, which may quote a long list of skills."""
_TIME_BITS = 41
"""Where `lanes` packs a number and a time into one key, the time has so many bits."""
_DULL = ("is logged out", "does not serve queue")
"""What keeps most seats from most calls: told last."""

_OUTCOMES = {
    "answered": "who answered after {}",
    "no-answer": "who let it ring for {}",
    "refused": "who refused it after {}",
    "busy": "whose handset was busy",
    "unreachable": "whose handset could not be reached",
    "withdrawn": "taken back after {}",
    "hung-up": "who picked up and was gone, after {}",
    "failed": "which failed after {}",
    "": "which rings",
}
_ENDS = {
    "hung-up": "the caller hung up",
    "key-exit": "the caller left by a key",
    "lost": "it ended unseen",
    "done": "closed",
    "called-back": "the customer was called back",
    "not-reached": "the customer was called so often as he is, and did not answer",
    "called-again": "the customer called by himself",
    "expired": "it was too old",
}
_REASONS = {
    "full": "the queue was full",
    "empty": "nobody was there",
    "closed": "the queue was closed",
    "too-long": "the expected wait was too long",
    "wait": "it had waited too long",
    "withdrawn": "it was taken out by hand",
    "step": "an escalation step said so",
    "key": "the caller pressed a key",
    "unknown-queue": "there is no such queue",
    "moved": "a supervisor moved it",
}
_ORDERS = {
    "tier": "the lower tier goes first",
    "misfit": "the best fit goes first",
    "longest-idle": "longest idle goes first",
    "fewest-calls": "fewest calls goes first",
    "least-occupied": "least occupied goes first",
    "round-robin": "whose last offer is longest ago goes first",
    "ordered": "first in the file goes first",
    "random": "drawn by lot",
    "weighted-random": "drawn by lot, by weight",
    "seat": "of equals, who was set up first",
}


class Names:
    """How seats are called."""

    def __init__(self, agents: Mapping[str, str]) -> None:
        self._agents = agents

    def full(self, seat: str) -> str:
        """Ben Carter (102)."""
        agent = self._agents.get(seat)
        return f"{safe(agent)} ({safe(seat)})" if agent else f"seat {safe(seat)}"

    def short(self, seat: str) -> str:
        """Ben."""
        agent = self._agents.get(seat)
        return safe(agent.split()[0]) if agent and agent.split() else safe(seat)


def listed(words: list[str]) -> str:
    """Return words as a list in a sentence."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 11th."""
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


# why


def story_lines(story: Story, names: Names) -> Iterator[str]:
    """Tell a call's story."""
    caller = safe(story.caller) or "a caller without a number"
    yield f"Call {safe(story.call)} from {caller}, {stamp(story.arrived)}"
    yield from _differs(story)
    happenings: list[Told | Happening] = sorted([*story.happenings, *story.offers], key=lambda one: one.seq)
    for one in happenings:
        yield f"{time_of_day(one.at)}  {_offer(one, names) if isinstance(one, Told) else happening(one, names)}"
        if isinstance(one, Told):
            if one.line is not None:
                yield f"            {line_words(one.line)}"
            yield from (f"            {line}" for line in reasons(one.why, names))
    if story.now is not None:
        state, place = "rings" if story.state == "offered" else "waits", ordinal(story.now.position)
        yield f"{time_of_day(story.at)}  it {state}, {place} in line of queue {safe(story.now.queue)}"
        yield from (f"            {line}" for line in reasons(story.now, names))


def _offer(told: Told, names: Names) -> str:
    rang = seconds((told.ended_at or told.at) - told.at)
    return f"offered to {names.full(told.seat)}, {_OUTCOMES.get(told.outcome, safe(told.outcome)).format(rang)}"


def happening(one: Happening, names: Names) -> str:
    """Tell one thing that happened to a call."""
    match one.kind:
        case "arrived":
            place = f", {ordinal(one.position)} in line" if one.position else ""
            return f"came to queue {safe(one.queue)}{place}{_head_start(one)}"
        case "moved":
            return f"moved to queue {safe(one.queue)}, because {_REASONS.get(one.reason, safe(one.reason))}"
        case "sent-away":
            to = f" to {safe(one.to)}" if one.to else ""
            return f"sent away{to}, because {_REASONS.get(one.reason, safe(one.reason))}"
        case "given":
            return f"given to {safe(one.to)}" + (f" by {names.full(one.by)}" if one.by else "")
        case "joined":
            return f"talks to {safe(one.by)}"
        case "announced":
            return f"the caller was told: {_announced(one)}"
        case "given-back":
            return "not closed, waits again" + (f", put off for {seconds(one.number)}" if one.number else "")
        case "ended":
            return f"gone: {_ENDS.get(one.reason, safe(one.reason))}" + (" in the talk" if one.to == "talking" else "")
        case _:
            return _eased(one, names)


def _eased(one: Happening, names: Names) -> str:
    match one.kind:
        case "step" if one.step is not None:
            return f"escalation step {one.number}, {condition(one.step)}: {effect(one.step)}"
        case "front":
            return f"moved before all others: {one.number} that came later had gone before it"
        case "priority":
            return f"is of class {one.number} from now on"
        case "pulled":
            return f"pulled by {names.full(one.to)}, to be the next call of that seat"
        case "called":
            return f"its customer is called over {safe(one.to)}, for {names.full(one.by)} is free"
        case "picked-up":
            return f"picked up by {names.full(one.to)}, while it rang at {names.full(one.by)}"
        case "any-seat":
            return f"is kept for {names.full(one.to)} no longer, any seat will do"
        case "gap":
            return f"{one.number} entries of the journal are missing here: {safe(one.reason)}"
        case _:
            return "the talk was over"


def _head_start(one: Happening) -> str:
    if one.number <= 0:
        return ""
    whose = "" if one.reason == "resumed" else "its menu says so, or "
    return f", served as if {seconds(one.number)} earlier: {whose}its customer had given up such a wait before"


def _announced(one: Happening) -> str:
    parts = [f"prompt '{safe(one.to)}'"] if one.to else []
    if one.position:
        parts.append(f"{ordinal(one.position)} in line")
    if one.wait_ms is not None:
        parts.append(f"about {seconds(one.wait_ms[0])} to {seconds(one.wait_ms[1])} more")
    return ", ".join(parts)


def condition(step: Step) -> str:
    """Say when a step is taken."""
    if step.after_ms is not None:
        return f"after {seconds(step.after_ms)}"
    if step.when_waiting is not None:
        return f"when {step.when_waiting} wait"
    return "when nobody is logged in"


def effect(step: Step) -> str:
    """Say what a step does."""
    parts = []
    if step.drop:
        parts.append(f"{', '.join(map(safe, step.drop))} is asked for no more")
    if step.lower:
        parts.append(f"{', '.join(f'{safe(skill)} {level}' for skill, level in step.lower)} is enough")
    if step.tiers is not None:
        parts.append(f"seats of tiers {step.tiers[0]} to {step.tiers[1]}")
    if step.priority is not None:
        parts.append(f"class {step.priority}")
    if step.ahead_ms:
        parts.append(f"served as if it had come {seconds(step.ahead_ms)} earlier")
    if step.announce:
        parts.append(f"hears '{safe(step.announce)}'")
    if step.go is not None:
        parts.append(f"goes to {safe(step.go)}")
    return "; ".join(parts) or "nothing"


# The decision


def reasons(why: Explanation, names: Names) -> Iterator[str]:
    """Tell why an offer went to its seat, or why none is made."""
    if why.kept_back is not None:
        yield safe(why.kept_back, REASON_SHOWN)
    able = [one for one in why.considered if one.excluded is None]
    if why.chosen is not None and why.position > 1:
        yield f"it was {ordinal(why.position)} in line; none of those before it could have this seat"
    if able and (why.chosen is None or len(able) > 1):
        yield compared(able, why, names)
    elif able:
        yield f"{names.full(able[0].seat)} was the only one free who may have it"
    yield from passed_over(why, names)


def compared(able: list[Considered], why: Explanation, names: Names) -> str:
    """Tell what put one seat before the others."""
    free = listed([names.full(one.seat) for one in able[: NAMED + 1]])
    more = f" and {len(able) - NAMED - 1} more" if len(able) > NAMED + 1 else ""
    if len(able) == 1:
        return f"{free} is free"
    key = deciding(able[0], able[1])
    values = [f"{names.short(one.seat)} {value(one, key, why.at)}".rstrip() for one in able[:NAMED]]
    shown = f": {', '.join(values)}" if value(able[0], key, why.at) else ""
    return f"{free}{more} were free; {_ORDERS.get(key, key)}{shown}"


def deciding(first: Considered, second: Considered) -> str:
    """Name the key in which two seats differ first."""
    for (name, one), (_, other) in zip(first.keys, second.keys, strict=True):
        if one != other:
            return name
    return "seat"


def value(one: Considered, key: str, at: int) -> str:
    """Say how a seat stands in an order; empty where there is nothing to say."""
    number = dict(one.keys)[key]
    match key:
        case "tier":
            return f"tier {number}"
        case "misfit":
            return f"fits {999 - number // 1000}, {number % 1000} skills besides"
        case "longest-idle":
            return f"idle {seconds(at - number)}"
        case "fewest-calls":
            return f"{number >> _TIME_BITS} calls"
        case "least-occupied":
            return f"{(number >> _TIME_BITS) / 10:.1f} % busy"
        case "ordered":
            return f"place {number}"
        case _:
            return ""


def passed_over(why: Explanation, names: Names) -> Iterator[str]:
    """Name those who were kept out, each rule once."""
    kept: dict[str, list[str]] = {}
    for one in why.considered:
        if one.excluded is not None:
            kept.setdefault(one.excluded, []).append(one.seat)
    for reason, seats in sorted(kept.items(), key=lambda one: one[0].startswith(_DULL)):
        reason = safe(reason, REASON_SHOWN)  # noqa: PLW2901 - from here on as it is shown
        if len(seats) == 1:
            yield f"{names.full(seats[0])} was passed over: {reason}"
        else:
            more = [f"{len(seats) - NAMED} more"] if len(seats) > NAMED else []
            yield f"passed over ({reason}): {listed([*(names.full(seat) for seat in seats[:NAMED]), *more])}"


def _differs(story: Story) -> Iterator[str]:
    if story.differs_at:
        yield f"! another callfloor wrote entry {story.differs_at} and decided otherwise than this one would;"
        yield "  from there on this is what this one would have done"


# why-not


def why_not_lines(story: Story, seat: str, names: Names) -> Iterator[str]:
    """Tell for each offer of a call, and for now, what kept a seat out or where it stood."""
    yield f"{names.full(seat)} and call {safe(story.call)} from {safe(story.caller) or 'a caller without a number'}"
    yield from _differs(story)
    for told in story.offers:
        if told.seat == seat:
            yield f"{time_of_day(told.at)}  {_offer(told, names)}"
        else:
            yield f"{time_of_day(told.at)}  {names.full(told.seat)} was rung; {verdict(told.why, seat, names)}"
    if story.now is not None:
        yield f"{time_of_day(story.at)}  it waits; {verdict(story.now, seat, names)}"
    elif not story.offers:
        yield "it was offered to nobody"


def verdict(why: Explanation, seat: str, names: Names) -> str:
    """Say what kept a seat out, or its place among the able."""
    one = next((one for one in why.considered if one.seat == seat), None)
    if one is None:
        return f"there was no seat {safe(seat)} then"
    if one.excluded is not None:
        return f"{names.short(seat)}: {safe(one.excluded, REASON_SHOWN)}"
    able = [other for other in why.considered if other.excluded is None]
    place = able.index(one)
    if why.chosen is None:
        return f"{names.short(seat)} is free for it" + (f", but {why.kept_back}" if why.kept_back else "")
    first = next((other for other in able if other.seat == why.chosen), able[0])
    key = deciding(first, one)
    values = [value(other, key, why.at) for other in (first, one)]
    compare = f": {names.short(first.seat)} {values[0]}, {names.short(seat)} {values[1]}" if all(values) else ""
    return f"{names.short(seat)} stood {ordinal(place + 1)} of {len(able)}; {_ORDERS.get(key, key)}{compare}"


def rank_words(rank: int) -> str:
    """Say a priority class."""
    return "before all" if rank == FRONT else f"class {rank}"
