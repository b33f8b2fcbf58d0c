"""Looking over extensions.conf: what passes and what Asterisk would skip in silence."""

from pathlib import Path

import pytest

from acd.conf import parse, read
from ivr.dialplan import CONTEXTS, check_dialplan

SAMPLE = Path(__file__).parents[2] / "asterisk-config"
NEEDED = "".join(f"[{name}]\n" for name in CONTEXTS)


def complaints(text: str) -> list[str]:
    """What is wrong with these lines of a context, all needed contexts being there."""
    config = parse(f"[x]\n{text}\n{NEEDED}".encode(), "extensions.conf")
    check_dialplan(config)
    return [str(problem) for problem in config.problems]


def test_the_sample_dialplan_is_right():
    """Nothing in the sample's extensions.conf is complained of, and each context that is called for is there."""
    config = read(SAMPLE / "extensions.conf", supplied="generated")
    check_dialplan(config)
    assert list(config.problems) == []


@pytest.mark.parametrize(
    "line",
    [
        "exten => s,1,Answer()",
        "exten => s,1,Answer",
        "exten = _[1,2]XX.,1,NoOp(a,b)",
        "exten => _X./_49.,1(label),NoOp(())",
        "exten => s,1,NoOp()\nexten => s, n+2 (label) , NoOp()\nexten => s,2,Goto(label)",
        "exten => *5101,hint,Custom:callfloor-101",
        "exten => s,1,A\nsame => n(a),B()",
        "include => from-trunk",
        "include => from-trunk,09:00-17:00,mon-fri,*,*",
        "switch => Realtime/x@y",
        "ignorepat => 9",
        "autohints = yes",
    ],
)
def test_what_asterisk_takes_passes(line):
    """Each form that Asterisk's dialplan loader takes passes."""
    assert complaints(line) == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("extn => s,1,Answer()", "extensions.conf:2: unknown key 'extn' in context [x]; did you mean 'exten'?"),
        ("exten => s,Answer()", "'s,Answer()' cannot be followed: it has no priority or no application"),
        ("exten => s,1", "it has no priority or no application; write exten => EXTENSION,PRIORITY,APPLICATION"),
        ("exten => s,x,Answer()", "it has no priority or no application"),
        ("exten => _[1,2,1,Answer()", "it has no priority or no application"),
        ("exten => s,1," + " " * 7_000 + "x\nsame => n" + " " * 8_000, "write same => PRIORITY,APPLICATION"),
        ("exten => s,1,Answer(", "extensions.conf:2: the last ')' of the application is missing"),
        ("exten => s,1,Goto(a,1) x", "the last ')' of the application is missing"),
        ("same => n,Answer()", "extensions.conf:2: 'same' follows no 'exten' in this context"),
        ("include => acd-hlod", "warning: there is no context 'acd-hlod' to include; did you mean 'acd-hold'?"),
        ("include => parkedcalls", "warning: there is no context 'parkedcalls' to include; unless a module makes it"),
    ],
)
def test_what_asterisk_skips_is_told(line, complaint):
    """A line that Asterisk would skip, so that calls fail later, is told now."""
    (found,) = complaints(line)
    assert complaint in found


def test_needed_contexts():
    """A dialplan without a context that callfloor sends calls to is told which and what for."""
    config = parse(NEEDED.replace("[acd-hold]", "[acd-holt]").encode(), "extensions.conf")
    check_dialplan(config)
    assert [str(problem) for problem in config.problems] == [
        "extensions.conf: there is no context [acd-hold]: callers wait there; did you mean 'acd-holt'?"
    ]


def test_globals_are_no_context():
    """[globals], [general] and templates hold what they like."""
    config = parse(f"[globals]\na = b\n[general]\nc = d\n[t](!)\nx = y\n{NEEDED}".encode(), "extensions.conf")
    check_dialplan(config)
    assert list(config.problems) == []
