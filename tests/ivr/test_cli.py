"""The command as a person or a script runs it: what it prints, how it ends, and that it never shows a traceback."""

import asyncio
import os
import shutil
import signal
import sys
from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest
from cli_house import ROOT, callfloor
from msgspec import json

from acd.control import Control
from acd.problems import ConfigError, Problem
from acd.status import CallStatus, Status
from ivr.cli_options import home_of

SAMPLE = ROOT / "asterisk-config"
STATUS = Status(
    at=0,
    connected=True,
    journal_failed=None,
    queues=[],
    seats=[],
    calls=[
        CallStatus(
            call="1.1",
            caller="\x1b]0;owned\x07[red]555\u202e\r\n",
            queue="sales",
            medium="voice",
            state="waiting",
            waited_ms=65_000,
            offers=0,
        )
    ],
)


@pytest.fixture
def site(tmp_path):
    """Give a copy of the sample site."""
    return shutil.copytree(SAMPLE, tmp_path / "site", ignore=shutil.ignore_patterns("generated"))


@pytest.fixture
async def home_at():
    """Give a way to have servers answer, `reload` with an error in a file; all are closed at the end."""
    servers = []

    def refuse():
        raise ConfigError([Problem("acd.conf", 7, "unknown option 'rinng'", "did you mean 'ring'?")])

    async def serve(folder, status=lambda: msgspec.to_builtins(STATUS)):
        folder.mkdir(exist_ok=True)
        servers.append(Control(folder, {"status": status, "reload": refuse}))
        await servers[-1].start()
        return servers[-1]

    yield serve
    for server in servers:
        await server.close()


@pytest.fixture
async def home(tmp_path, home_at):
    """Give a home whose server answers."""
    await home_at(tmp_path / "home")
    return tmp_path / "home"


async def test_check_finds_nothing_wrong_with_the_sample(site):
    """Warnings (the published PINs) are shown and are no failure."""
    ended = await callfloor("check", "--site", site)
    assert ended.code == 0
    assert "warning: the PIN of seat '101'" in ended.out
    assert ended.out.splitlines()[-1].endswith("0 errors, 4 warnings")


async def test_check_names_every_mistake_and_fails(site):
    """Two mistakes in two files are two lines with file and line, and exit code 1."""
    for name, old, new in (("acd.conf", "ring = 15", "rinng = 15"), ("ivr.conf", "queue sales", "queue sails")):
        text = (site / name).read_text()
        (site / name).write_text(text.replace(old, new, 1))
    ended = await callfloor("check", "--site", site)
    assert ended.code == 1
    lines = ended.out.splitlines()
    assert any(line.startswith("acd.conf:") and "rinng" in line for line in lines)
    assert any(line.startswith("ivr.conf:") and "sails" in line for line in lines)


async def test_check_of_a_folder_that_is_none(tmp_path):
    """No such folder is a mistake like another: one line, exit code 1."""
    ended = await callfloor("check", "--site", tmp_path / "nowhere")
    assert ended.code == 1
    assert ended.out.startswith("acd.conf: ")


async def test_import_makes_an_acd_conf_for_its_owner_alone(tmp_path):
    """The file is not overwritten and nobody else reads its PINs; notes and PINs are told apart from it."""
    (tmp_path / "queues.conf").write_text("[sales]\nmemberdelay = 2\nmember => PJSIP/101,0,Anna\n")
    made = tmp_path / "acd.conf"
    ended = await callfloor("import", tmp_path / "queues.conf", "-o", made)
    assert ended.code == 0
    note, pin, count = ended.err.splitlines()
    assert note == "queues.conf:2: no counterpart: memberdelay = 2: caller and agent are joined at once"
    assert pin.removeprefix("seat 101: PIN ") in made.read_text()
    assert count == "1 thing is not as it was"
    assert made.stat().st_mode & 0o777 == 0o600
    again = await callfloor("import", tmp_path / "queues.conf", "-o", made)
    assert (again.code, again.err.splitlines()[-1]) == (
        1,
        f"callfloor: {made} exists; move it away, or give another name",
    )
    printed = await callfloor("import", tmp_path / "queues.conf")
    assert "[101](seat)" in printed.out


async def test_import_of_a_file_that_is_none(tmp_path):
    """One line, exit code 1."""
    ended = await callfloor("import", tmp_path / "queues.conf")
    assert ended.code == 1
    assert ended.err.startswith("queues.conf: there is no such file")


async def test_up_with_a_mistake_in_a_file(site, tmp_path):
    """The server does not start, the mistake is said with its line, and nothing was made."""
    text = (site / "acd.conf").read_text()
    (site / "acd.conf").write_text(text.replace("ring = 15", "ring = soon"))
    ended = await callfloor("up", "--site", site, "--home", tmp_path / "new")
    assert ended.code == 1
    assert ended.err.startswith("acd.conf:")
    assert "soon" in ended.err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("words", [("status",), ("status", "--json"), ("status", "--once"), ("reload",)])
async def test_without_a_server_a_command_says_how_to_start_one(tmp_path, words):
    """One line on standard error, nothing on standard output, exit code 1."""
    ended = await callfloor(*words, "--home", tmp_path)
    assert (ended.code, ended.out) == (1, "")
    [line] = ended.err.splitlines()
    assert line.startswith(f"callfloor: no callfloor server runs in {tmp_path};")
    assert line.endswith("start one with: callfloor up, or callfloor demo --stay")


async def test_status_for_programs(home):
    """`--json` prints the status as one line of JSON, the hostile caller as data."""
    ended = await callfloor("status", "--json", "--home", home)
    assert ended.code == 0
    assert ended.out.count("\n") == 1
    assert json.decode(ended.out, type=Status) == STATUS
    assert "\x1b" not in ended.out


@pytest.mark.parametrize("words", [("--once",), ()])
async def test_status_for_people(home, words):
    """Printed once, with `--once` or where there is no terminal; what a caller sent steers nothing."""
    ended = await callfloor("status", *words, "--home", home)
    assert ended.code == 0
    [line] = [line for line in ended.out.splitlines() if "555" in line]
    assert "[red]555" in line
    assert "1:05" in line
    assert all(char.isprintable() or char == "\n" for char in ended.out)
    assert not [line for line in ended.out.splitlines() if line.endswith(" ")]


async def test_a_wallboard_lives_through_a_restart_of_the_server(tmp_path, home_at):
    """On a terminal the last picture stays with a line that nobody answers, until a server does; Ctrl-C ends it."""
    control = await home_at(tmp_path)
    ours, theirs = os.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from ivr.cli import main; main()", "status", "--home", str(tmp_path)),
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", "LINES": "24", "TERM": "xterm"},
        **dict.fromkeys(("stdin", "stdout", "stderr"), theirs),
    )
    os.close(theirs)
    async with asyncio.timeout(60):
        assert "]555" in await _read_until(ours, "]555")
        await control.close()
        assert "trying again" in await _read_until(ours, "trying again")
        assert "]555" in await _read_until(ours, "]555")
        await home_at(tmp_path)
        while "trying again" in await _read_until(ours, "]555"):
            pass
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
    os.close(ours)


async def _read_until(terminal, word):
    """Return what a program has written to its terminal up to a word."""
    said = ""
    while word not in said:
        said += (await asyncio.to_thread(os.read, terminal, 1)).decode(errors="replace")
    return said


async def test_a_server_of_another_version_is_told_apart(tmp_path, home_at):
    """An answer of another shape is an error in a line."""
    await home_at(tmp_path, lambda: {"floor": "open plan"})
    ended = await callfloor("status", "--home", tmp_path)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == f"callfloor: the callfloor server in {tmp_path} is of another version than this command\n"


async def test_the_version_is_told():
    """`--version` says what is installed."""
    ended = await callfloor("--version")
    assert (ended.code, ended.out) == (0, f"callfloor {version('callfloor')}\n")


async def test_asterisks_console_without_an_asterisk(site, tmp_path):
    """A site that never ran has no console: a line, and how to start it."""
    ended = await callfloor("asterisk", "cli", "--site", site, "--home", tmp_path / "new", "core stop now")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.endswith("its Asterisk does not run; start it with: callfloor asterisk start\n")


async def test_the_environment_names_site_and_home(home):
    """$CALLFLOOR_HOME does what --home does."""
    ended = await callfloor("status", "--json", CALLFLOOR_HOME=str(home))
    assert ended.code == 0


async def test_reload_passes_on_what_is_wrong(home):
    """The server's answer, with file and line, is the command's error."""
    ended = await callfloor("reload", "--home", home)
    assert ended.code == 1
    assert ended.err == "callfloor: acd.conf:7: unknown option 'rinng'; did you mean 'ring'?\n"


@pytest.mark.parametrize("words", [("stat",), ("status", "--onse"), ("asterisk", "cli")])
async def test_a_slip_of_the_hand_is_told_how_to_go_on(words):
    """An unknown command, an unknown option and a missing word end with 2 and a line of usage."""
    ended = await callfloor(*words)
    assert ended.code == 2
    assert "Usage" in ended.err


async def test_help_names_every_command():
    """`--help` lists what there is."""
    ended = await callfloor("--help")
    assert ended.code == 0
    for command in ("check", "import", "up", "status", "reload", "demo", "asterisk"):
        assert command in ended.out


def test_the_home_of_a_site_is_named_after_it(tmp_path):
    """Without --home it lies in .callfloor under the current folder."""
    assert home_of(tmp_path / "berlin", None) == Path(".callfloor/berlin")
    assert home_of(tmp_path / "berlin", Path("x")) == Path("x")


FAILING = """
import structlog
from ivr.cli import configure_logs
configure_logs("info")
log = structlog.get_logger()
log.debug("quiet")
log.warning("said", caller="a\\nb\\x1b[31m")
pin = "86420"
def work(secret):
    raise RuntimeError("broken")
try:
    work(pin + "x")
except RuntimeError:
    log.exception("failed")
"""


async def test_logs_are_one_json_object_a_line_and_hold_no_local_variables():
    """Away from a terminal each entry is a line, hostile text is escaped, and a traceback shows no values."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FAILING, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    entries = [json.decode(line) for line in err.splitlines()]
    assert out == b""
    assert [entry["event"] for entry in entries] == ["said", "failed"]
    assert entries[0]["caller"] == "a\nb\x1b[31m"
    assert "RuntimeError: broken" in entries[1]["exception"]
    assert b"86420x" not in err
    assert b"\x1b" not in err
