"""Why a call out went over which line, or not at all."""

import msgspec
import pytest

from acd.core import events as ev
from acd.history import Tape
from acd.why.calling import CallOutStory, call_out_lines, find_call_out, follow_call_out
from acd.why.search import NotFoundError
from acd.why.words import Names
from tests.core.test_outgoing import NUMBER, ask, fail, house_of

NAMES = Names({"101": "Anna Nowak"})


class Taped:
    """A house whose day is on a tape from its first event on."""

    def __init__(self, **rule):
        self.house = house_of(**rule)
        self.tape = Tape()
        history, self.house.core = self.house.history, type(self.house.core)()
        decide = self.house.core.decide

        def noted(event):
            commands = decide(event)
            self.tape.note(event, commands)
            return commands

        self.house.core.decide = noted
        for event in history:
            self.house.core.decide(event)

    def story(self, name):
        return follow_call_out(self.tape, find_call_out(self.tape, name, self.house.now))

    def why(self, name=NUMBER):
        return "\n".join(call_out_lines(self.story(name), NAMES))


def test_one_line_after_the_other():
    """Each with its group, the rule that chose it, how those before it stood, and what became of it."""
    day = Taped(slots=1)
    _, dial = ask(day.house)
    day.house.pass_time(2_000)
    fail(day.house, dial.leg)
    day.house.give(ev.LegAnswered(leg=dial.leg), after_ms=3_000)
    day.house.give(ev.LegEnded(leg=dial.leg, outcome="hung-up"), after_ms=60_000)
    told = day.why()
    assert told.startswith(f"Call to {NUMBER} by Anna Nowak (101)")
    assert "over line one:1 of first, the first free one in the file" in told
    assert "the line, or the network behind it, did not carry it" in told
    assert "over line two:1 of second" in told
    assert "before it first has 1 in use" in told
    assert "answered after 3 s" in told
    assert "over, after 1 min of talk" in told or "over, after 60 s of talk" in told
    assert day.why(dial.leg) == told


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"barred": "premium"}, "it is a premium number"),
        ({"number": "", "barred": "no-number"}, "what was dialled is no number"),
        ({"seat": "109"}, "the handset belongs to no seat"),
    ],
)
def test_what_was_not_let_out(wish, says):
    """And by which rule."""
    day = Taped()
    number = wish.pop("number", NUMBER)
    day.house.give(ev.CallOutAsked(request=1, channel="chan", **{"seat": "101", "number": number, **wish}))
    assert f"not let out: {says}" in day.why("chan")


def test_no_line_was_free():
    """How the lines stood is told."""
    day = Taped(slots=1, number_day_most=0)
    for _ in range(3):
        ask(day.house)
    told = day.why()
    assert "not let out: no line was free" in told
    assert "first: 1 in use; second: 1 in use" in told


def test_a_cap():
    """It is named by its option."""
    day = Taped(number_day_most=1)
    ask(day.house)
    ask(day.house)
    assert "(number_day_most)" in day.why()


def test_the_latest_one_counts_and_others_are_not_found():
    """As with callers."""
    day = Taped()
    _, first = ask(day.house)
    day.house.pass_time(5)
    _, second = ask(day.house)
    assert day.story(NUMBER).call == second.leg
    assert day.story(first.leg).call == first.leg
    with pytest.raises(NotFoundError):
        day.story("+490")


def test_the_story_as_data():
    """It is written and read again."""
    day = Taped()
    ask(day.house)
    story = day.story(NUMBER)
    assert msgspec.json.decode(msgspec.json.encode(story), type=CallOutStory) == story


def test_nothing_of_outside_reaches_the_terminal():
    """A number that could not be read is not shown, and control characters never."""
    day = Taped()
    day.house.give(ev.CallOutAsked(seat="101", request=1, channel="c\x1b[2J", number="", barred="no-number"))
    assert "\x1b" not in day.why("c\x1b[2J")
