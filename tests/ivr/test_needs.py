"""What a call asks for: written, kept on the switch, read back, and refused where it is nonsense."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ivr.actions import Reference, read_actions
from ivr.flow import Enqueue
from ivr.needs import asked_for, read_needs, write_needs

SKILLS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,10}", fullmatch=True)
PARTS = st.lists(st.tuples(SKILLS, st.integers(1, 10)), min_size=1, max_size=8, unique_by=lambda one: one[0]).map(tuple)


@given(st.lists(PARTS, max_size=5).map(tuple))
def test_what_is_written_is_read(needs):
    """The text on the channel means what was asked for, whatever it was."""
    text = write_needs(needs)
    assert "," not in text
    assert len(text) > 512 or read_needs(text) == needs


def test_as_an_admin_writes_it():
    """`+` means all, `|` means any, a number is the lowest level that will do, and 1 where none stands."""
    wanted = ((("french", 3),), (("billing", 1), ("sales", 5)))
    assert read_needs("french 3 + billing|sales 5") == read_needs("french:3+billing:1|sales:5") == wanted
    assert read_needs("") == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("french 0", "level of 'french': 0 is out of range"),
        ("french 11", "levels are 1 to 10"),
        ("french +", "'' is no skill"),
        ("|", "'' is no skill"),
        ("French", "'French' is no skill"),
        ("french 3 4", "'french 3 4' is no skill"),
        ("${SHELL(id)}", "is no skill"),
        ("a+" * 8 + "a", "9 things are asked for; 8 are the most"),
        ("a|" * 8 + "a", "9 alternatives; 8 are the most"),
        ("a" * 513, "513 characters"),
    ],
)
def test_nonsense_is_named(text, reason):
    """Each fault is told in words that say what to write."""
    with pytest.raises(ValueError, match=re.escape(reason)):
        read_needs(text)


def told(**headers):
    with capture_logs() as logs:
        found = asked_for("1.1", lambda name: headers.get(name, ""))
    return found, [(entry["event"], entry["said"]) for entry in logs]


def test_a_call_arrives_with_what_is_right_of_it():
    """A part of the needs that cannot be is left out and logged; head start, seat and the other parts hold."""
    found, logs = told(Needs="french:3+BILLING+sales:2", Ahead="60000", Seat="101")
    assert found == {"needs": ((("french", 3),), (("sales", 2),)), "head_start_ms": 60_000, "seat": "101"}
    assert logs == [("a call asks for what cannot be", "french:3+BILLING+sales:2")]


@pytest.mark.parametrize(
    ("headers", "bad"),
    [
        ({"Ahead": "-5"}, "-5"),
        ({"Ahead": "86400001"}, "86400001"),
        ({"Seat": "1;drop"}, "1;drop"),
        ({"Needs": "?"}, "?"),
    ],
)
def test_a_call_asks_for_nothing_that_cannot_be(headers, bad):
    """Nonsense alone leaves a plain call, and one line of the log that shows it."""
    assert told(**headers) == ({}, [("a call asks for what cannot be", bad)])


def test_a_plain_call_asks_for_nothing_and_says_nothing():
    """Empty headers, as nearly every call has them, are no fault."""
    assert told(Needs="", Ahead="", Seat="") == ({}, [])
    assert told(Ahead="0") == ({}, [])


@given(st.text(max_size=700))
def test_no_text_of_the_switch_is_fatal(text):
    """Whatever somebody put into the variables, the call arrives, within the limits."""
    found, _ = told(Needs=text, Ahead=text, Seat=text)
    assert len(found.get("needs", ())) <= 8
    assert 0 <= found.get("head_start_ms", 0) <= 86_400_000


def test_a_line_of_ivr_conf_says_it_all():
    """Priority, needs, head start and seat stand in any order after the queue; the seat must exist, like the queue."""
    line = "queue sales ahead 60s needs french 3 + billing|sales 5 seat 101 priority 2"
    actions = read_actions(line)
    needs = ((("french", 3),), (("billing", 1), ("sales", 5)))
    assert actions.steps == (Enqueue("sales", 2, needs=needs, head_start_ms=60_000, seat="101"),)
    assert actions.references == (Reference("queue", "sales"), Reference("seat", "101"))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("queue sales priority 100", "priority: '100' is no priority class"),
        ("queue sales priority", "'priority' has nothing after it"),
        ("queue sales needs", "'needs' has nothing after it"),
        ("queue sales needs french 3 needs sales", "'needs' stands twice"),
        ("queue sales ahead soon", "ahead: 'soon' is not a length of time"),
        ("queue sales ahead 25h", "ahead: 25h is out of range"),
        ("queue sales seat Anna", "seat: 'Anna' is no seat"),
        ("queue sales need french", "has too much; write 'queue NAME'"),
    ],
)
def test_a_line_that_says_it_wrongly(line, reason):
    """The admin is told which word is wrong, and how it is written."""
    with pytest.raises(ValueError, match=re.escape(reason)):
        read_actions(line)
