"""One call out, followed through the journal: who asked for it, by which lines it went and why, and how it ended."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.model import State
from acd.core.out import Leg
from acd.history import Entry, History, Restated
from acd.reports.words import safe, seconds, stamp, time_of_day
from acd.why.lines import LineTaken, counted, line_taken, line_words, standing
from acd.why.search import NEAR_MS, NotFoundError
from acd.why.words import Names


class Attempt(Struct, kw_only=True):
    """One line that it was tried on."""

    at: int
    line: LineTaken
    passed: list[tuple[str, str]]
    """Groups of lines that go before, and how they stood, each as text."""
    outcome: str = ""
    """An `events.LegOutcome`; empty while it is on its way or talks."""
    cause: int = 0
    """Of ITU-T Q.850."""
    answered_at: int | None = None
    ended_at: int | None = None


class CallOutStory(Struct, kw_only=True):
    """All that is known of it."""

    call: str
    """The leg's id; the channel's, where it was not let out."""
    seat: str
    number: str
    emergency: bool
    at: int
    answer: str
    """A `commands.Answer`: ok, or why not."""
    barred: str
    """See `acd.numbers.Barred`."""
    standing: str = ""
    """How the lines stood, where none was free."""
    attempts: list[Attempt]


def find_call_out(history: History, name: str, now: int) -> int:
    """Find the latest call out by its leg's id, the id of the channel that called, or the number that was called.

    Returns:
        The entry in which it was asked for.

    Raises:
        NotFoundError: the journal knows none.

    """
    begin = history.before(now - NEAR_MS)
    for first in (begin, 0) if begin else (0,):
        found = [entry.seq for entry in _entries(history.entries(first)) if _is_it(entry, name)]
        if found:
            return found[-1]
    raise NotFoundError(f"the journal knows no call to '{name}'")


def _entries(entries: Iterable[Entry | Restated]) -> Iterator[Entry]:
    return (entry for entry in entries if not isinstance(entry, Restated))


def _is_it(entry: Entry, name: str) -> bool:
    event = entry.event
    if not isinstance(event, ev.CallOutAsked):
        return False
    legs = [command.leg for command in entry.commands if isinstance(command, cmd.Dial)]
    return name in {event.channel, event.number, *legs} - {""}


def follow_call_out(history: History, seq: int) -> CallOutStory:
    """Tell the story of a call out that was asked for in an entry."""
    core = history.core_at(seq)
    story: CallOutStory | None = None
    for entry in _entries(history.entries(seq - 1)):
        before = _groups(core.state)
        core.decide(entry.event)
        if story is None:
            assert isinstance(entry.event, ev.CallOutAsked), f"entry {seq} asks for no call out"
            story = _begin(entry, core.state, before)
        else:
            _go_on(story, entry)
        leg = core.state.legs.get(story.call)
        if leg is None:
            break
        if not story.attempts or len(leg.tried) > len(story.attempts):
            story.attempts.append(_attempt(core.state, leg, before))
    assert story is not None, f"there is no entry {seq}"
    return story


def _groups(state: State) -> dict[str, str]:
    """Say of each group that calls go over how it stands."""
    return {group: counted(standing(state, group)) for group in state.calling_out.groups}


def _begin(entry: Entry, state: State, before: dict[str, str]) -> CallOutStory:
    event = entry.event
    assert isinstance(event, ev.CallOutAsked)
    answer = next(command.answer for command in entry.commands if isinstance(command, cmd.Reply))
    leg = next((leg for leg in state.legs.values() if leg.channel == event.channel), None) if answer == "ok" else None
    stood = "; ".join(f"{group}: {text or 'no lines'}" for group, text in before.items())
    return CallOutStory(
        call=leg.id if leg is not None else event.channel,
        seat=event.seat,
        number=event.number,
        emergency=event.emergency,
        at=event.at,
        answer=answer,
        barred=event.barred,
        standing=stood if answer == "no-line" else "",
        attempts=[],
    )


def _attempt(state: State, leg: Leg, before: dict[str, str]) -> Attempt:
    line = line_taken(state, leg.line)
    assert line is not None, f"{leg.id} goes over {leg.line}, which does not exist"
    groups = list(before)
    passed = groups[: groups.index(line.group)] if line.group in groups else []
    return Attempt(at=leg.dialled_at, line=line, passed=[(group, before[group]) for group in passed])


def _go_on(story: CallOutStory, entry: Entry) -> None:
    last = story.attempts[-1]
    match entry.event:
        case ev.LegAnswered(leg=story.call) if last.answered_at is None:
            last.answered_at = entry.event.at
        case ev.LegFailed(leg=story.call):
            last.outcome, last.cause, last.ended_at = entry.event.outcome, entry.event.cause, entry.event.at
        case ev.LegEnded(leg=story.call):
            last.outcome, last.ended_at = entry.event.outcome, entry.event.at
        case ev.Snapshot(outgoing=live):
            seen = {one.leg: one.answered for one in live}
            if seen.get(story.call) and last.answered_at is None:
                last.answered_at = entry.event.at
            elif story.call not in seen:  # if it is gone by that, this is what became of it
                last.ended_at = entry.event.at


_NOT_LET = {
    "not-logged-in": "the agent was not logged in",
    "unknown-seat": "the handset belongs to no seat",
    "no-line": "no line was free",
    "cap-site": "as many calls went out in the last hour as may (hour_most)",
    "cap-seat": "the seat has called as often in the last hour as it may (seat_hour_most)",
    "cap-number": "the number was called as often in 24 hours as it may be (number_day_most)",
    "cap-spend": "what may be spent in 24 hours is spent (spend_day_most)",
}
_BARRED = {
    "no-number": "what was dialled is no number",
    "denied": "`deny` in [calling-out] names it",
    "not-allowed": "`allow` in [calling-out] does not name it",
    "premium": "it is a premium number, and `premium` is no",
    "unknown": "no country has such a number",
}
_ENDS = {
    "busy": "busy",
    "no-answer": "nobody answered",
    "rejected": "the other side rejected it",
    "no-such-number": "there is no such number",
    "forbidden": "the trunk does not let it through",
    "silent": "nothing was heard of it, not so much as that it rings",
    "congestion": "the line, or the network behind it, did not carry it",
    "cancelled": "the agent hung up first",
    "hung-up": "over",
    "lost": "ended unseen",
}


def call_out_lines(story: CallOutStory, names: Names) -> Iterator[str]:
    """Tell it."""
    who = names.full(story.seat) if story.seat else "a handset of no seat"
    what = "call for help to" if story.emergency else "call to"
    yield f"{what.capitalize()} {safe(story.number) or 'no number'} by {who}, {stamp(story.at)} ({safe(story.call)})"
    if story.answer != "ok":
        why = _BARRED.get(story.barred) or _NOT_LET.get(story.answer, safe(story.answer))
        yield f"{time_of_day(story.at)}  not let out: {why}"
        if story.standing:
            yield f"            {story.standing}"
    for attempt in story.attempts:
        yield f"{time_of_day(attempt.at)}  {line_words(attempt.line)}"
        yield from (f"            before it {safe(group)} has {stood or 'no lines'}" for group, stood in attempt.passed)
        yield from _end(attempt)


def _end(attempt: Attempt) -> Iterator[str]:
    if attempt.answered_at is not None:
        yield f"{time_of_day(attempt.answered_at)}  answered after {seconds(attempt.answered_at - attempt.at)}"
    if attempt.ended_at is not None:
        if attempt.answered_at is not None:
            talk = seconds(attempt.ended_at - attempt.answered_at)
            yield f"{time_of_day(attempt.ended_at)}  over, after {talk} of talk"
        else:
            cause = f" (cause {attempt.cause})" if attempt.cause else ""
            yield f"{time_of_day(attempt.ended_at)}  {_ENDS.get(attempt.outcome, 'ended unseen')}{cause}"
    elif attempt.answered_at is None:
        yield "          it is on its way"
