"""Which line a test takes, when it takes none, and when its time has come."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.core.line import Line
from acd.core.lines import Lines
from acd.core.model import State
from acd.core.rules import LineGroupRule, LineRule
from acd.settings import LineTestSettings
from ivr.linetest.call import UntestedError
from ivr.linetest.choice import choose, lines_named
from ivr.linetest.tester import is_due

TESTS = {"outside": LineTestSettings(number="600"), "analog": LineTestSettings()}
NAMES = ("carrier:1", "carrier:2", "carrier:3")


def state(*, used=(), offered=(), faulty=(), **kept) -> State:
    made = State()
    made.fresh = True
    for rule in (
        LineGroupRule(name="outside", lines=tuple(LineRule(name=name) for name in NAMES), **kept),
        LineGroupRule(name="analog", lines=(LineRule(name="DAHDI/1"),)),
    ):
        made.groups[rule.name] = rule
        for line in rule.lines:
            made.lines[line.name] = Line(
                rule=line,
                group=rule.name,
                in_use=line.name in used,
                offer="offer-1" if line.name in offered else "",
                fault_until=99 if line.name in faulty else None,
            )
    return made


def chosen(made: State, target: str, tests=TESTS) -> Line:
    return choose(made, lines_named(made, tests, target), target)


@pytest.mark.parametrize(
    ("target", "taken"),
    [
        ("carrier:2", "carrier:2"),
        ("carrier", "carrier:1"),
        ("outside", "carrier:1"),
        ("", "carrier:1"),
        ("DAHDI/1", "DAHDI/1"),
        ("analog", "DAHDI/1"),
    ],
)
def test_what_is_named_is_taken(target, taken):
    """A line is itself; a trunk and a group are their first free line; nothing is the one group with a test number."""
    assert chosen(state(), target).rule.name == taken


@pytest.mark.parametrize(
    ("made", "target", "told"),
    [
        ({"used": NAMES}, "carrier", "all lines of carrier are in use, left alone or out of order"),
        ({"offered": ["carrier:2"]}, "carrier:2", "line carrier:2 is in use"),
        ({"used": ["carrier:2"], "faulty": ["carrier:2"]}, "carrier:2", "line carrier:2 is in use"),
        ({"keep_inbound": 1, "keep_emergency": 1, "keep_callback": 1}, "carrier:1", "are kept for others"),
        ({"keep_emergency": 1, "used": ["carrier:1"], "faulty": ["carrier:2"]}, "outside", "are kept for others"),
        ({}, "carier", "did you mean"),
        ({}, "carrier:4", "no line, trunk or group"),
    ],
)
def test_what_cannot_be_is_said(made, target, told):
    """A line that carries something, one that is kept, and one that is not there are not called over."""
    with pytest.raises(UntestedError, match=told):
        chosen(state(**made), target)


def test_nothing_is_named_and_there_are_two():
    """Which of two groups is meant is for the admin to say."""
    both = {name: LineTestSettings(number="600") for name in TESTS}
    with pytest.raises(UntestedError, match="outside, analog"):
        chosen(state(), "", both)


def test_a_line_that_is_left_alone_can_be_named():
    """It is none that anybody else would get, so what is kept does not matter; a trunk goes round it."""
    made = state(faulty=["carrier:1"], keep_inbound=3)
    assert chosen(made, "carrier:1").rule.name == "carrier:1"
    assert chosen(state(faulty=["carrier:1"]), "carrier").rule.name == "carrier:2"


def test_the_switch_is_out_of_sight():
    """What the lines did last is no basis for a call."""
    made = state()
    made.fresh = False
    with pytest.raises(UntestedError, match="out of sight"):
        chosen(made, "carrier")


@given(
    used=st.sets(st.sampled_from(NAMES)),
    offered=st.sets(st.sampled_from(NAMES)),
    faulty=st.sets(st.sampled_from(NAMES)),
    kept=st.tuples(*[st.integers(0, 2)] * 3),
)
def test_a_test_has_no_more_right_than_a_seat(used, offered, faulty, kept):
    """Over a group, a line is taken exactly when the core would have one for a seat's leg, and the same one."""
    keep = dict(zip(("keep_inbound", "keep_emergency", "keep_callback"), kept, strict=True))
    made = state(used=used, offered=offered, faulty=faulty, **keep)
    core = Lines(made, deadlines=None).pick("outside", "seat")
    try:
        found = chosen(made, "outside")
    except UntestedError:
        found = None
    assert found is core


DAILY = LineTestSettings(number="1", every_ms=86_400_000, minute=180)
THREE = datetime(2026, 11, 29, 3, 0)  # noqa: DTZ001 - the wall clock of the machine


@pytest.mark.parametrize(
    ("now", "last", "due"),
    [
        (THREE, THREE - timedelta(days=1), True),
        (THREE - timedelta(minutes=1), THREE - timedelta(days=1), False),
        (THREE + timedelta(hours=9), THREE - timedelta(days=1), True),
        (THREE + timedelta(hours=9), THREE + timedelta(seconds=20), False),
        (THREE + timedelta(hours=9), None, False),
        (THREE + timedelta(minutes=5), None, True),
    ],
)
def test_once_a_day_at_three(now, last, due):
    """At the hour, later if it could not be then, once; a new site waits for its first hour."""
    assert is_due(DAILY, now, last) is due


def test_without_an_hour():
    """So long after the last one, at once if there was none, never if not asked for."""
    hourly = LineTestSettings(number="1", every_ms=3_600_000)
    assert is_due(hourly, THREE, None)
    assert is_due(hourly, THREE, THREE - timedelta(hours=1))
    assert not is_due(hourly, THREE, THREE - timedelta(minutes=59))
    assert not is_due(LineTestSettings(number="1"), THREE, None)
