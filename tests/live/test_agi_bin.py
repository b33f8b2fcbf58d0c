"""AGI scripts in real calls: keys, hang-ups, scripts that misbehave, and the same script run by Asterisk itself."""

import sys
import textwrap
from pathlib import Path

import pytest

from acd.core.events import CallArrived
from tests.live.testsite import write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

SCRIPTS = {
    "chooser.py": """
        from asterisk.agi import AGI
        agi = AGI()
        agi.answer()
        keys = agi.get_data(sys.argv[1] + "/main-menu", 5000, 2)
        agi.set_variable("ACD_QUEUE", {"42": "sales", "17": "support"}[keys])
        agi.goto_on_exit("acd-hold", "s", "1")
    """,
    "listener.py": """
        import time
        from asterisk.agi import *
        agi = AGI()
        agi.answer()
        try:
            agi.stream_file(sys.argv[1] + "/long-menu")
        except AGIAppError as error:
            first = type(error).__name__
        try:
            while True:
                agi.test_hangup()
                time.sleep(0.01)
        except AGISIGHUPHangup as error:
            open(sys.argv[2], "w").write(first + ", then " + type(error).__name__)
    """,
    "endless.py": """
        import time
        print("ANSWER", flush=True)
        while True:
            time.sleep(60)
    """,
    "garbage.py": """
        print("ANSWER", flush=True)
        while True:
            sys.stdout.buffer.write(bytes(range(256)) + b"\\nEXEC\\n")
    """,
    "dying.py": """
        from asterisk.agi import AGI
        agi = AGI()
        agi.answer()
        raise RuntimeError("no database")
    """,
    "recorder.py": """
        heard = iter(sys.stdin.readline, "")
        def command(line):
            print(line, flush=True)
            for answer in heard:
                out.write("< " + answer)
                if not answer.startswith("520-") and answer[:3].isdigit():
                    break
        with open(sys.argv[1] + ".part", "w") as out:
            for header in heard:
                out.write(header)
                if header == "\\n":
                    break
            for line in LINES:
                command(line)
        os.rename(sys.argv[1] + ".part", sys.argv[1])
    """,
}

LINES = [
    *("ANSWER", "GET VARIABLE NOTHING", 'SET VARIABLE "X" "a \\"b\\" (c)"', "GET VARIABLE X", "CHANNEL STATUS"),
    *("GET FULL VARIABLE ${CALLERID(name)}", "EXEC NoOp x", "EXEC NoSuchApplication", 'DATABASE PUT "f" "k" "v"'),
    *("database get f k", "DATABASE GET f none", "hello", "", "STREAM FILE", "SAY DIGITS", "STREAM FILE nothing 1"),
    *("WAIT FOR DIGIT 10", "NOOP " + "x" * 8185, "SET PRIORITY nowhere"),
]
"""Right and wrong commands, one as long as can be, for Asterisk to answer to `recorder.py`."""

IVR = """
[script-number](!)
type = number
[chooser-number](script-number)
number = 5550110
go = script chooser.py {prompts}, play goodbye, hangup
[listener-number](script-number)
number = 5550111
go = script listener.py {prompts} {folder}/listener
[endless-number](script-number)
number = 5550112
go = script endless.py, play goodbye, hangup
[garbage-number](script-number)
number = 5550113
go = script garbage.py, play goodbye, hangup
[dying-number](script-number)
number = 5550114
go = script dying.py
[recorder-number](script-number)
number = 5550115
go = script recorder.py {folder}/callfloor, hangup
"""

BY_ASTERISK = """[from-trunk]
exten => 5550116,1,AGI({script},{folder}/asterisk)
 same => n,Hangup()
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that scripts write to."""
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory: pytest.TempPathFactory, results: Path) -> Path:
    """Give the test site with scripts, one of which Asterisk runs too."""
    folder = tmp_path_factory.mktemp("scripts") / "site"
    agi_bin = folder / "agi-bin"
    dialplan = BY_ASTERISK.format(script=agi_bin / "recorder.py", folder=results)
    write_site(folder, changes={"[from-trunk]\n": dialplan})
    agi_bin.mkdir(exist_ok=True)
    for name, text in SCRIPTS.items():
        head = f"#!{sys.executable}\nimport os, sys\nLINES = {LINES!r}\n"
        (agi_bin / name).write_text(head + textwrap.dedent(text))
        (agi_bin / name).chmod(0o755)
    ivr = folder / "ivr.conf"
    words = IVR.format(prompts=folder / "sounds/en", folder=results)
    ivr.write_text(ivr.read_text().replace("[general]\n", "[general]\nscript_time = 5s\n") + words)
    return folder


@pytest.mark.parametrize(("keys", "queue"), [("42", "sales"), ("17", "support")])
async def test_keys_reach_a_script(floor, keys, queue):
    """pyst2's get_data has the keys that a caller presses, and its goto_on_exit brings him where he wants to be."""
    call, caller = await floor.caller("5550110")
    await floor.hears(call, "main-menu")
    await call.dtmf(keys)
    assert (await floor.sees(CallArrived, caller=caller)).queue == queue
    await floor.hears(call, "music")


async def test_hang_up_in_a_script(floor, results):
    """A script whose caller hangs up sees the switch's own signs of it, and ends by itself."""
    call, _ = await floor.caller("5550111")
    await floor.hears(call, "long-menu")
    await call.hang_up()
    await floor.until((results / "listener").exists, "script told")
    await floor.peace()
    assert (results / "listener").read_text() == "AGIAppError, then AGISIGHUPHangup"


async def test_hang_up_in_a_script_that_never_ends(floor):
    """A caller's hang-up ends the script that had forgotten him."""
    call, _ = await floor.caller("5550112")
    await call.hang_up()
    await floor.peace()
    assert floor.server._scripts._running == 0


@pytest.mark.parametrize("number", ["5550112", "5550113"], ids=["endless", "garbage"])
async def test_a_bad_script_gives_way(floor, number):
    """The caller of a script that never ends, or writes garbage, goes on with the next action."""
    call, _ = await floor.caller(number)
    await floor.hears(call, "goodbye")
    await call.ended()


async def test_a_script_that_dies(floor):
    """With no next action the caller hears an apology and is kept by the fall-back."""
    call, _ = await floor.caller("5550114")
    assert "sorry" in await floor.hears(call, "please-hold")
    assert call.state == "confirmed"


NOT_THE_SAME = {
    *("agi_request", "agi_channel", "agi_uniqueid", "agi_callerid", "agi_threadid"),
    *("agi_dnid", "agi_context", "agi_extension", "agi_priority", "agi_arg_1"),
}
"""Headers that tell one call from another, or the dialplan's way to the script."""


async def test_the_same_as_under_asterisk(floor, results):
    """A script run by callfloor reads what it reads when Asterisk runs it: every header, every answer."""
    told = []
    for number, name in (("5550115", "callfloor"), ("5550116", "asterisk")):
        call, _ = await floor.caller(number, name='Eve ${SHELL(id)} "x" Zoë')
        await floor.until((results / name).exists, "script done")
        await call.ended()
        headers, _, answers = (results / name).read_text().partition("\n\n")
        pairs = [header.split(": ", 1) for header in headers.splitlines()]
        told.append(
            (
                [name for name, *_ in pairs],
                [pair for pair in pairs if pair[0] not in NOT_THE_SAME],
                answers.splitlines(),
            )
        )
    assert told[0] == told[1]
    assert sum(answer.startswith("< 200") for answer in told[0][2]) > 10
    assert sum(answer.startswith("< 520 ") for answer in told[0][2]) > 1
