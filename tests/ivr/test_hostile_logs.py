"""What hostile peers said, in logs and on screens: text, on one line, that does nothing to a terminal."""

import json
import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from acd.status import CallStatus, Status
from ivr.screen import screen

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
BARE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e]")
SAID = "\x1b[2J\x1b]0;x\x07\r\nforged\u2028\u202e\x9b"
PROGRAM = """
import structlog
from ivr.cli import configure_logs

def log_in(pin):
    raise ValueError("it failed")

configure_logs("info")
log = structlog.get_logger()
log.warning("agi session refused", received={said!r}, bare={said!r}.replace("\\r\\n", ""))
try:
    log_in("80617"[::-1])
except ValueError:
    log.exception("flow failed")
"""


def logged(*, terminal):
    """Run a program that logs, to a terminal or to a pipe; gives what it wrote to standard error."""
    ours, theirs = os.openpty() if terminal else os.pipe()
    program = PROGRAM.format(said=SAID)
    try:
        subprocess.run([sys.executable, "-c", program], stderr=theirs, check=True, env={**os.environ, "COLUMNS": "200"})
    finally:
        os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as reader:
        said = b""
        while chunk := _read(reader):
            said += chunk
    return said.decode().replace("\r\n", "\n")  # a terminal's way to end a line


def _read(reader):
    try:
        return reader.read(65_536)
    except OSError:  # a terminal whose program has gone
        return b""


@pytest.mark.parametrize("terminal", [True, False])
def test_logs(terminal):
    """An entry with hostile text is one line without control characters, and a traceback does not tell a PIN."""
    text = COLOURS.sub("", logged(terminal=terminal))
    refused, *rest = text.splitlines()
    assert not BARE.search(text)
    assert refused.count("forged") == 2
    assert not [line for line in rest if line.startswith("forged")]
    assert "it failed" in text
    assert "71608" not in text
    if not terminal:
        assert json.loads(refused)["received"] == SAID


@given(st.text(max_size=64))
def test_screen(caller):
    """Whatever a caller's number holds, nothing of it moves the cursor or turns the writing."""
    console = Console(width=200, force_terminal=False)
    call = CallStatus(call="1.1", caller=caller, queue="q", medium="voice", state="waiting", waited_ms=0, offers=0)
    status = Status(at=0, connected=True, journal_failed=None, queues=[], seats=[], calls=[call])
    with console.capture() as captured:
        console.print(screen(status))
    assert not BARE.search(captured.get())


def test_markup_is_shown():
    """A number that looks like the screen's markup is shown as it is."""
    console = Console(width=200, force_terminal=True)
    call = CallStatus(call="1", caller="[red]7[/]", queue="q", medium="voice", state="waiting", waited_ms=0, offers=0)
    status = Status(at=0, connected=True, journal_failed=None, queues=[], seats=[], calls=[call])
    with console.capture() as captured:
        console.print(screen(status))
    assert "[red]7[/]" in captured.get()
