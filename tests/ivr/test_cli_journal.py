"""`callfloor journal` and `callfloor replay` as a person or a script runs them."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import json

from acd.core import events as ev
from acd.journal import Folder
from acd.journal.folder import LOG
from tests.acd.scribe import HOSTILE, Scribe

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-c", "from ivr.cli import main; main()")


def callfloor(*words, **options):
    """Run a command to its end."""
    done = subprocess.run(
        [*COMMAND, *map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, **options
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def scribe(tmp_path):
    """Give a house whose journal is that of a home."""
    (tmp_path / "home").mkdir()
    scribe = Scribe(tmp_path / "home/journal").live()
    yield scribe
    scribe.journal.close()


def test_verify_reads_all_while_the_journal_is_written(scribe, tmp_path):
    """A line says how much there is and that all is whole; by home or by folder, beside the writer."""
    done = callfloor("journal", "verify", "--home", tmp_path / "home")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{scribe.journal.seq} entries, number 1 to {scribe.journal.seq}, 0 states, 1 files,")
    assert done.stdout.endswith("MB: all whole\n")
    assert callfloor("journal", "verify", tmp_path / "home/journal").stdout == done.stdout


def test_verify_names_damage_and_fails(scribe, tmp_path):
    """A flipped bit is one line on standard error with file, byte and mend, and exit code 1."""
    file = Folder(scribe.journal.path).numbered(LOG)[0][1]
    data = bytearray(file.read_bytes())
    data[600] ^= 1
    file.write_bytes(data)
    for command in (("journal", "verify"), ("replay",)):
        done = callfloor(*command, "--home", tmp_path / "home")
        assert done.returncode == 1
        assert done.stderr.startswith(f"callfloor: {file}: damaged at byte ")
        assert "truncate -s" in done.stderr


def test_export_is_a_line_of_json_an_entry(scribe, tmp_path):
    """Events with their commands, numbers and hostile text as data; `--after` leaves out what was read before."""
    done = callfloor("journal", "export", "--home", tmp_path / "home")
    lines = [json.decode(line) for line in done.stdout.splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, scribe.journal.seq + 1))
    [arrival] = [line for line in lines if line["event"].get("caller") == HOSTILE]
    assert arrival["commands"][0]["type"] == "Offer"
    assert "\x1b" not in done.stdout
    after = callfloor("journal", "export", "--home", tmp_path / "home", "--after", scribe.journal.seq - 1)
    assert [json.decode(line) for line in after.stdout.splitlines()] == lines[-1:]


def test_who_reads_no_further_is_let_go(scribe, tmp_path):
    """`export | head` ends without a word of complaint."""
    scribe.crowd(2_000)
    with subprocess.Popen(
        [*COMMAND, "journal", "export", "--home", str(tmp_path / "home")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(30) == 0


def test_tail_is_for_people(scribe, tmp_path):
    """The last entries, one line each, and nothing that a caller sent steers the terminal."""
    done = callfloor("journal", "tail", "-n", 4, "--home", tmp_path / "home")
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert f"#{scribe.journal.seq}  PauseAsked seat='101' request=1 reason='lunch'" in lines[-1]
    assert all(line.isprintable() for line in lines)


async def test_tail_follows(scribe, tmp_path):
    """With --follow each new entry is printed as it comes, until Ctrl-C, which is no error."""
    process = await asyncio.create_subprocess_exec(
        *(*COMMAND, "journal", "tail", "-n", "1", "-f", "--home", str(tmp_path / "home")),
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        assert b"PauseAsked" in await process.stdout.readline()
        scribe.give(ev.CallEnded(call="b"))
        assert b"CallEnded call='b'" in await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


def test_replay_says_equal_or_where_not(scribe, tmp_path):
    """Equal to the last byte is a line and status 0; a command that would not follow is shown, and status 1."""
    done = callfloor("replay", "--home", tmp_path / "home")
    assert done.returncode == 0
    assert done.stdout.startswith(f"{scribe.journal.seq} entries, ")
    assert "commands, equal to the last byte" in done.stdout
    scribe.journal.append(ev.CallArrived(at=scribe.now, call="x", queue="nowhere"), [])
    scribe.journal.commit()
    done = callfloor("replay", scribe.journal.path)
    assert done.returncode == 1
    assert f"entry {scribe.journal.seq}: CallArrived(" in done.stdout
    assert "  expected []\n  got      [{'type': 'SendAway'" in done.stdout


@pytest.mark.parametrize("words", [("journal", "verify"), ("journal", "export"), ("journal", "tail"), ("replay",)])
def test_without_a_journal_a_command_says_so(tmp_path, words):
    """One line; an SQLite journal of an earlier callfloor is told to be that."""
    done = callfloor(*words, "--home", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"callfloor: {tmp_path}/journal: there is no journal; callfloor up begins one\n"
    (tmp_path / "journal.sqlite3").touch()
    assert "of an earlier callfloor and cannot be read" in callfloor(*words, "--home", tmp_path).stderr
