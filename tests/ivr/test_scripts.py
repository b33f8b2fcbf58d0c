"""AGI scripts: real child processes, a real FastAGI server, and a switch that the test plays."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from pathlib import Path

import pytest
import uvloop
from agi_peer import until
from script_house import house

from ivr.agi import COMMAND_BYTES_MAX
from ivr.scripts import ScriptLimits

SAMPLE = Path(__file__).parents[2] / "asterisk-config/agi-bin"
PYST2 = "from asterisk.agi import *\nagi = AGI()\n"
TO_FALLBACK = ['SET CONTEXT "acd-fallback"', 'SET EXTENSION "s"', 'SET PRIORITY "1"']
SORRY = ["ANSWER", 'STREAM FILE "/sounds/en/sorry" ""']


BYE = ['STREAM FILE "/sounds/en/bye" ""', "HANGUP"]


async def test_a_script_for_pyst2(tmp_path: Path) -> None:
    """Commands of pyst2 reach the switch as it writes them, and the answers reach the script."""
    script = PYST2 + (
        'agi.answer()\nagi.stream_file("hello", "12")\npin = agi.get_data("pin", 2000, 4)\n'
        'agi.set_variable("PIN", pin)\nagi.verbose(agi.env["agi_callerid"] + agi.get_variable("WHO"))\n'
    )
    async with house(tmp_path, script) as server, server.call() as peer:
        assert await peer.answer() == "ANSWER"
        assert await peer.answer("200 result=0 endpos=8000") == 'STREAM FILE hello "12" 0'
        assert await peer.answer("200 result=4711") == "GET DATA pin 2000 4"
        assert await peer.answer("200 result=1") == 'SET VARIABLE "PIN" "4711"'
        assert await peer.answer("200 result=1 (Zoë (a))") == 'GET VARIABLE "WHO"'
        assert await peer.answer("200 result=1") == 'VERBOSE "5550123Zoë (a)" 1'
        assert await peer.rest() == BYE
        assert server.said("script ended") == [
            {"event": "script ended", "log_level": "info", "script": "x.py", "call": "1700000000.1", "commands": 6}
            | {"how": "exit status 0"}
        ]


def test_on_the_loop_of_the_server(tmp_path: Path) -> None:
    """Scripts run on uvloop as on asyncio's own loop: to their end, and to a hang-up."""
    uvloop.run(test_a_script_for_pyst2(tmp_path))
    uvloop.run(test_hang_up(tmp_path))


WRITES_ALL = """
import os, sys
line = True
while (line := sys.stdin.readline()) != "\\n":
    print("HEADER", line.rstrip(), file=sys.stderr)
print("NOOP", *sys.argv[1:], flush=True)
sys.stdin.readline()
"""


async def test_headers_as_for_a_script_of_asterisk(tmp_path: Path) -> None:
    """A script gets the call's headers, `agi_request` first, its arguments, the language of now, nothing of FastAGI."""
    async with house(tmp_path, WRITES_ALL, "gold", "a b", language="pl") as server:
        async with server.call(arg_1="of the dialplan", calleridname="Zoë") as peer:
            assert await peer.answer() == 'SET VARIABLE "CHANNEL(language)" "pl"'
            assert await peer.answer() == "NOOP gold a b"
            assert await peer.rest() == ['STREAM FILE "/sounds/pl/bye" ""', "HANGUP"]
        lines = [entry["line"].removeprefix("HEADER ") for entry in server.said("script wrote")]
    assert lines[:3] == ["agi_request: x.py", "agi_channel: PJSIP/trunk-00000001", "agi_language: pl"]
    assert lines[-2:] == ["agi_arg_1: gold", "agi_arg_2: a b"]
    assert "agi_calleridname: Zoë" in lines
    assert not [line for line in lines if "network" in line or "of the dialplan" in line]


async def test_a_caller_forges_no_header_and_no_answer(tmp_path: Path) -> None:
    """A carriage return, which Python takes for the end of a line, reaches no script."""
    script = PYST2 + 'assert agi.env["agi_context"] == "from-trunk"\nagi.verbose(agi.get_variable("X"))\nagi.noop()\n'
    name = "x\r\ragi_context: internal"
    async with house(tmp_path, script) as server, server.call(calleridname=name) as peer:
        await peer.answer("200 result=1 (a\r200 result=1 (b)")
        assert await peer.answer("200 result=1") == 'VERBOSE "a 200 result=1 (b" 1'
        assert await peer.rest() == ["NOOP", *BYE]


async def test_its_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script inherits no secrets, finds its neighbours, and works in an empty folder that is gone afterwards."""
    monkeypatch.setenv("CALLFLOOR_SECRET", "x")
    (tmp_path / "neighbour.py").write_text("WORD = 'found'\n")
    script = """
        import neighbour, os
        open("scratch", "w").close()
        print("NOOP", neighbour.WORD, *os.listdir(), os.getcwd(), *sorted(os.environ), flush=True)
    """
    async with house(tmp_path, script) as server, server.call() as peer:
        _, word, listed, folder, *names = (await peer.answer()).split()
        assert await peer.rest() == BYE
    assert (word, listed) == ("found", "scratch")
    assert "CALLFLOOR_SECRET" not in names
    assert set(names) <= {"PATH", "TZ", "LD_LIBRARY_PATH", "HOME", "TMPDIR", "LANG", "AST_AGI_DIR", "LC_CTYPE"}
    assert not os.path.exists(folder)  # noqa: ASYNC240, PTH110 - the loop has nothing else to do


async def test_usage_and_other_answers_come_as_they_are(tmp_path: Path) -> None:
    """A usage text of several lines is pyst2's AGIUsageError; an answer that callfloor has no use for passes too."""
    script = PYST2 + (
        'try:\n    agi.execute("SAY")\nexcept AGIUsageError as error:\n    agi.verbose(str(error).count("\\n"))\n'
        'print(agi.execute("SPEECH RECOGNIZE")["text0"], file=sys.stderr)\n'
    )
    async with house(tmp_path, "import sys\n" + script) as server:
        async with server.call() as peer:
            usage = "520-Invalid command syntax.  Proper usage follows:\nUsage: SAY\n  more\n520 End of proper usage."
            assert await peer.answer(usage) == "SAY"
            assert await peer.answer("200 result=1") == 'VERBOSE "4" 1'
            await peer.answer('200 result=1 (speech) endpos=1 results=1 score0=9 text0="yes"')
            assert await peer.rest() == BYE
        assert "('\"yes\"', '')" in [entry["line"] for entry in server.said("script wrote")]


async def test_it_says_where_the_call_goes_on(tmp_path: Path) -> None:
    """After pyst2's goto_on_exit the script has the last word: no further step, and no HANGUP."""
    script = PYST2 + 'agi.goto_on_exit("acd-hold", "s", "1")\n'
    async with house(tmp_path, script) as server, server.call() as peer:
        assert await peer.rest() == ["SET CONTEXT acd-hold", "SET EXTENSION s", "set priority 1"]


# Hang-up


HANGS_UP = """
import os, sys
from asterisk.agi import *
agi = AGI()
try:
    agi.stream_file("long")
except AGIAppError as error:
    print("first", type(error).__name__, file=sys.stderr)
try:
    agi.verbose("more")
except AGISIGHUPHangup:
    print("then SIGHUP", file=sys.stderr)
agi._got_sighup = False
try:
    agi.verbose("still more")
except AGIUnknownError as error:
    print("then", *error.args, file=sys.stderr)
"""


async def test_hang_up(tmp_path: Path) -> None:
    """At a hang-up a script has what Asterisk gives it: result -1, SIGHUP, then 511; and time to end by itself."""
    async with house(tmp_path, HANGS_UP, limits=ScriptLimits(grace_ms=1_500)) as server:
        async with server.call() as peer:
            assert await peer.command() == 'STREAM FILE long "" 0'
            peer.send(b"HANGUP\n")
            await until(lambda: server.server.sessions == 0)
        lines = [entry["line"] for entry in server.said("script wrote")]
        assert [line for line in lines if line.startswith(("first", "then"))] == [
            "first AGIAppError",
            "then SIGHUP",
            "then 511 Unhandled code or undefined response",
        ]
        assert server.said("script ended")[0]["how"] == "exit status 0"
        assert not server.said("script failed")


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits for its exit status to be read does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


DEAF = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGHUP, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("NOOP", os.getpid(), child.pid, flush=True)
while True:
    time.sleep(1)
"""


async def test_a_deaf_script_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """Who does not go at a hang-up is killed after the grace, its children too."""
    async with house(tmp_path, DEAF) as server, server.call() as peer:
        pids = [int(word) for word in (await peer.answer()).split()[1:]]
        assert all(map(alive, pids))
        peer.send(b"HANGUP\n")
        await until(lambda: server.server.sessions == 0)
        await until(lambda: not any(map(alive, pids)))
        assert server.said("script ended")[0]["how"].startswith("ended by signal 9")


async def test_the_time_is_over(tmp_path: Path) -> None:
    """A script that never ends is ended at its time limit, and its caller goes on."""
    async with (
        house(tmp_path, DEAF, limits=ScriptLimits(lasts_ms=1_500, grace_ms=100)) as server,
        server.call() as peer,
    ):
        pids = [int(word) for word in (await peer.answer()).split()[1:]]
        assert await peer.rest() == BYE
        assert server.failure == "it ran for more than 1.5 s (script_time)"
        await until(lambda: not any(map(alive, pids)))


async def test_the_time_is_over_in_a_command(tmp_path: Path) -> None:
    """What the switch still does for such a script is waited for; its answer is not taken for the next step's."""
    limits = ScriptLimits(lasts_ms=1_500, grace_ms=100)
    async with house(tmp_path, PYST2 + "agi.stream_file('long')", limits=limits) as server, server.call() as peer:
        assert await peer.command() == 'STREAM FILE long "" 0'
        await until(lambda: server.said("script failed"))
        peer.send(b"200 result=0 endpos=1\n")
        assert await peer.rest() == BYE


async def test_a_server_that_stops_takes_scripts_along(tmp_path: Path) -> None:
    """Closing the server ends the scripts of its calls, SIGHUP first."""
    async with house(tmp_path, PYST2 + "import time\nagi.noop()\ntime.sleep(600)") as server, server.call() as peer:
        await peer.answer()
        await server.server.close()
        assert server.scripts._running == 0
        assert server.said("script ended")


async def test_a_killed_server_takes_scripts_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script does not outlive a callfloor that is killed, even if it waits for nothing."""
    (tmp_path / "x.py").write_text(DEAF)
    program = f"""
import asyncio, pathlib
from ivr.scripts import Scripts
async def relay(line, *, lasts_ms):
    print(line.decode(), flush=True)
    return "200 result=0"
asyncio.run(Scripts(pathlib.Path({str(tmp_path)!r})).run("x.py", (), {{}}, relay))
"""
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # it cannot remove the script's folder any more
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    script, its_child = (int(word) for word in (await process.stdout.readline()).split()[1:])
    assert alive(script)
    process.kill()
    await process.wait()
    await until(lambda: not alive(script))
    os.kill(its_child, signal.SIGKILL)  # a script's own children are beyond a killed server's reach


# Scripts that misbehave


BROKEN = [
    ("1 / 0", r"exit status 1: ZeroDivisionError: division by zero"),
    ("import sys; sys.exit('no database')", r"exit status 1: no database"),
    ("import os; os.kill(os.getpid(), 11)", r"ended by signal 11, Segmentation fault"),
    ("def f(:", r"exit status 1: SyntaxError: invalid syntax"),
    ("import nothing_here", r"exit status 1: ModuleNotFoundError: No module named 'nothing_here'"),
    ("print('Failure to connect')", r"it said 'Failure to connect'"),
    (f"print('x' * {COMMAND_BYTES_MAX})", r"it wrote a line of more than 8191 bytes"),
    ("print('x' * 10_000_000)", r"it wrote a line of more than 8191 bytes"),
    ("import os\nwhile True: os.write(2, b'x' * 100_000)", r"it wrote more than 4194304 bytes to stderr"),
    (
        "import os\nwhile True: os.write(1, b'\\0\\x1b]0;\\r\\n')",
        r"it wrote 20 lines that are no AGI command, the last.*",
    ),
]


@pytest.mark.parametrize(("script", "reason"), BROKEN, ids=[script[:24] for script, _ in BROKEN])
async def test_a_broken_script(tmp_path: Path, script: str, reason: str) -> None:
    """Whatever is wrong with a script is logged, and its caller goes on with the next step."""
    async with house(tmp_path, script) as server, server.call() as peer:
        assert await peer.rest() == BYE
        assert re.fullmatch(reason, server.failure)


async def test_garbage_is_answered_as_by_asterisk(tmp_path: Path) -> None:
    """The switch itself judges lines; a few wrong ones are no reason to end a script."""
    script = """
        import sys
        while sys.stdin.readline() != "\\n": pass
        for line in ("hello", "", "a\\0b", "NOOP"):
            print(line, flush=True)
            print(sys.stdin.readline().strip(), file=sys.stderr)
    """
    async with house(tmp_path, script) as server, server.call() as peer:
        assert await peer.answer("510 Invalid or unknown command") == "hello"
        assert await peer.answer("200 result=0") == "NOOP"
        assert await peer.rest() == BYE
        assert [entry["line"] for entry in server.said("script wrote")] == [
            *["510 Invalid or unknown command"] * 3,
            "200 result=0",
        ]


async def test_a_flood_that_nobody_answers(tmp_path: Path) -> None:
    """Twenty wrong lines, of which the switch itself refuses each, end a script that never reads."""
    async with house(tmp_path, "while True: print('hello')") as server, server.call() as peer:
        for _ in range(20):
            assert await peer.answer("510 Invalid or unknown command") == "hello"
        assert await peer.rest() == BYE
    assert server.failure.endswith("the last one 'hello'")


async def test_what_it_wrote_last_is_shown_without_keys(tmp_path: Path) -> None:
    """A failure's log holds the script's own last words, and no trace of pyst2, which has the caller's keys in it."""
    script = PYST2 + 'agi.get_data("pin", 2000, 4)\nraise RuntimeError("\\x1b[31mno such account")'
    async with house(tmp_path, script) as server, server.call() as peer:
        await peer.answer("200 result=4711")
        assert await peer.rest() == BYE
        [failed] = server.said("script failed")
    assert failed["said"][-1] == "RuntimeError: \N{REPLACEMENT CHARACTER}[31mno such account"
    assert "4711" not in str(failed)
    assert "4711" in str(server.said("script wrote"))


async def test_a_failure_with_nothing_after_it(tmp_path: Path) -> None:
    """A flow that does not expect the failure fails with it: an apology, and the site's fall-back."""
    async with house(tmp_path, "1 / 0", goes_on=False) as server, server.call() as peer:
        assert await peer.rest() == SORRY + TO_FALLBACK


async def test_a_daemon_keeps_no_call(tmp_path: Path) -> None:
    """What has a session of its own may live on, even with the script's pipes in its hands; the call goes on."""
    script = """
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        print("NOOP", child.pid, flush=True)
    """
    async with house(tmp_path, script) as server, server.call() as peer:
        pid = int((await peer.answer()).split()[1])
        assert await peer.rest() == BYE
        assert not server.said("script failed")
    assert alive(pid)
    os.kill(pid, 9)


async def test_so_many_at_once(tmp_path: Path) -> None:
    """One script more than allowed is not run, and its caller goes on at once; the next one can be again."""
    limits = ScriptLimits(at_once=1)
    async with house(tmp_path, PYST2 + "agi.noop()", limits=limits) as server, server.call() as first:
        assert await first.command() == "NOOP"
        async with server.call() as second:
            assert await second.rest() == BYE
        assert server.failure == "1 scripts run already, the most that scripts_at_once allows"
        first.send(b"200 result=0\n")
        assert await first.rest() == BYE
        async with server.call() as third:
            assert await third.rest() == ["NOOP", *BYE]


async def test_the_sample(tmp_path: Path) -> None:
    """The script that comes with the sample site reads the number back as often as 5 is pressed."""
    script = (SAMPLE / "callers_number.py").read_text()
    once = ['STREAM FILE telephone-number "" 0', 'SAY DIGITS "5550123" ""']
    async with house(tmp_path, script) as server, server.call(callerid="+5550123") as peer:
        commands = [await peer.answer(reply) for reply in ["200 result=0"] * 3 + ["200 result=5"]]
        assert commands == ["ANSWER", *once, "GET DATA vm-repeat 4000 1"]
        assert await peer.rest("200 result=0") == [*once, "GET DATA vm-repeat 4000 1", *BYE]
        async with server.call(callerid="unknown") as anonymous:
            assert await anonymous.rest() == ["ANSWER", 'STREAM FILE vm-unknown-caller "" 0', *BYE]
        assert not server.said("script failed")
