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
from msgspec import json

from acd.control import Control
from acd.problems import ConfigError, Problem
from acd.status import CallStatus, LinesStatus, LineStatus, Status
from ivr.cli_options import home_of

ROOT = Path(__file__).parents[2]
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


class Ended:
    """How a command ended, and what it wrote."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out.decode(), err.decode()
        assert "Traceback" not in self.err


async def run(program, *words, **environment):
    known = {name: value for name, value in os.environ.items() if not name.startswith("CALLFLOOR")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, *map(str, words)),
        cwd=ROOT,
        env={**known, **environment, "COLUMNS": "120"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return Ended(process.returncode, out, err)


def callfloor(*words, **environment):
    return run("from ivr.cli import main; main()", *words, **environment)


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


async def test_reload_tells_what_is_in_force_and_cannot_be_proved(home_at, site, tmp_path):
    """The server takes menus in which a caller can get lost, for the calls that go well; the command says so."""
    control = await home_at(tmp_path / "other")
    control._answers = {"reload": lambda: "in force"}
    menus = site / "ivr.conf"
    menus.write_text(menus.read_text().replace("failure = queue reception", "failure = menu main"))
    ended = await callfloor("reload", "--site", site, "--home", tmp_path / "other")
    assert ended.code == 0
    first, *rest = ended.out.splitlines()
    assert first == "in force"
    assert all(line.startswith("but ivr.conf:") for line in rest)
    assert "presses nothing never leaves: main -> main" in rest[0]


async def test_any_dialplan_can_be_looked_at(site, tmp_path):
    """The site's own is right; another file's faults are told with line and mend, and by the exit status."""
    ended = await callfloor("dialplan", "lint", "--site", site)
    assert (ended.code, ended.out) == (0, f"{site}/extensions.conf: 0 errors, 0 warnings\n")
    other = tmp_path / "old.conf"
    other.write_text("[out]\nexten => _9.,1,Dial(PJSIP/${EXTEN:1}@carrier)\n same => n,Goto(done)\n")
    ended = await callfloor("dialplan", "lint", other)
    assert ended.code == 1
    harm = "${EXTEN} is whatever a caller sends, and in Dial an & in it rings a second number"
    assert ended.out.splitlines() == [
        f"old.conf:2: {harm}; write ${{FILTER(0-9,${{EXTEN}})}}, with the characters that may be in it",
        "old.conf:3: there is no label 'done' in extension '_9.' of [out]; labels there are none",
        f"{other}: 2 errors, 0 warnings",
    ]
    ended = await callfloor("dialplan", "lint", tmp_path / "none.conf")
    assert ended.code == 1
    assert "there is no such file" in ended.out


async def test_menus_are_drawn_and_walked_through(site, tmp_path):
    """A tree in the terminal, a picture in a file; and a call without a telephone, whose keys come from a pipe."""
    ended = await callfloor("flow", "show", "--site", site)
    assert ended.code == 0
    assert "dials 5550100" in ended.out
    ended = await callfloor("flow", "show", "--site", site, "--svg", tmp_path / "menus.svg")
    assert ended.out == f"{tmp_path}/menus.svg is written; any browser shows it\n"
    assert (tmp_path / "menus.svg").read_text().startswith("<svg")
    ended = await callfloor("flow", "call", "5550100", "--site", site, "--at", "2026-12-25 03:00")
    assert ended.code == 0
    assert ended.out.splitlines()[-1].endswith("you hung up")
    ended = await callfloor("flow", "call", "5550100", "--site", site, "--at", "Christmas")
    assert ended.code == 2
    assert "'Christmas' is no moment" in ended.err


LINES = LinesStatus(
    name="outside",
    free=1,
    in_use=2,
    left_alone=1,
    lines=(
        LineStatus(name="carrier:1", state="ours", seat="201"),
        LineStatus(name="carrier:2", state="free", faults=1),
        LineStatus(name="carrier:3", state="left alone", faults=3, until=95_000),
        LineStatus(name="DAHDI/7", state="in use"),
    ),
)


async def test_lines_are_shown_one_by_one(home_at, tmp_path):
    """Whose leg a line carries, how long it is left alone and why; for programs as JSON."""
    status = msgspec.structs.replace(STATUS, at=30_000, lines=[LINES])
    await home_at(tmp_path / "home", lambda: msgspec.to_builtins(status))
    ended = await callfloor("lines", "--home", tmp_path / "home")
    assert ended.code == 0
    shown = [" ".join(line.replace("│", " ").split()) for line in ended.out.splitlines()]
    for line in (
        "outside carrier:1 ours seat 201",
        "outside carrier:2 free it failed",
        "outside carrier:3 left alone 1:05 more: 3 failures in a row",
        "outside DAHDI/7 in use a call of others, or its trunk does not answer",
    ):
        assert line in shown
    ended = await callfloor("lines", "--home", tmp_path / "home", "--json")
    assert json.decode(ended.out, type=list[LinesStatus]) == [LINES]


async def test_a_site_without_lines_says_so(home):
    """And how there would be some."""
    ended = await callfloor("lines", "--home", home)
    assert ended.out.startswith("this site has no lines; a section with type = lines")


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
