"""What Asterisk's own test suite tries with FastAGI, in real calls: by scripts for pyst2 and by flows of ours.

The table is in tests/test_situations.py. The last test runs a script that is none of ours: `asterisk/agi.py` of pyst2
0.5.1 is a library and, run as a program, its author's own example of one. It is taken as it lies in the installed
package: it plays `demo-congrats`, takes keys, and hangs up.
"""

import asyncio
import shutil
import textwrap
from ast import literal_eval
from importlib.metadata import files, version
from pathlib import Path

import pytest

from acd.core.events import CallArrived
from ivr.tones import read_wav
from tests.live.testsite import heard, write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

VERB = """
    from asterisk.agi import *
    prompts, verb, result = sys.argv[1:]
    agi = AGI()
    agi.answer()
    long, short = prompts + "/long-menu", prompts + "/closed"
    recording = result + "-said"
    VERBS = {
        "channel status": lambda: agi.channel_status(),
        "channel status of nobody": lambda: agi.channel_status("PJSIP/nobody-1"),
        "stream file": lambda: agi.stream_file(short),
        "stream file a key": lambda: agi.stream_file(long, "12"),
        "stream file that is not there": lambda: agi.stream_file(prompts + "/nothing"),
        "control stream file a key": lambda: agi.control_stream_file(long, "5"),
        "get data": lambda: agi.get_data(long, 3000, 3),
        "wait for digit": lambda: agi.wait_for_digit(10000),
        "wait for digit none": lambda: agi.wait_for_digit(100),
        "record file": lambda: agi.record_file(recording, "wav", "#", 20000),
        "say alpha": lambda: agi.say_alpha("ab1"),
        "say date": lambda: agi.say_date(0),
        "say datetime": lambda: agi.say_datetime(0, "", "ABdY", "UTC"),
        "say digits": lambda: agi.say_digits("12"),
        "say digits a key": lambda: agi.say_digits("12" * 20, "#"),
        "say number": lambda: agi.say_number("321"),
        "say phonetic": lambda: agi.say_phonetic("ab"),
        "say time": lambda: agi.say_time(0),
        "execute": lambda: agi.appexec("Set", "X=1") + agi.get_variable("X"),
        "execute what is not there": lambda: agi.appexec("NoSuchApplication"),
        "database": lambda: (agi.database_put("f", "k", "v"), agi.database_get("f", "k"), agi.database_del("f", "k")),
        "database nothing there": lambda: agi.database_get("f", "none"),
        "hangup": lambda: agi.hangup(),
    }
    try:
        value = VERBS[verb.replace("_", " ")]()
    except AGIException as error:
        value = type(error).__name__
    with open(result + ".part", "w") as file:
        file.write(repr(value))
    os.rename(result + ".part", result)
"""
DEAD = """
    import signal, time
    gone = []
    signal.signal(signal.SIGHUP, lambda *_: gone.append(1))
    while sys.stdin.readline().strip():
        pass
    print("ANSWER", flush=True)
    sys.stdin.readline()
    open(sys.argv[1] + ".ready", "w").close()
    while not gone:
        time.sleep(0.01)
    print("CHANNEL STATUS", flush=True)
    answer = sys.stdin.readline()
    with open(sys.argv[1] + ".part", "w") as file:
        file.write(answer)
    os.rename(sys.argv[1] + ".part", sys.argv[1])
"""

SPOKEN = ["alpha", "date", "datetime", "digits", "number", "phonetic", "time"]
PLAIN = {
    "channel status": "6",
    "channel status of nobody": "-1",
    "stream file": "''",
    "stream file that is not there": "'AGIAppError'",
    "wait for digit none": "''",
    "execute": "'01'",
    "execute what is not there": "'AGIAppError'",
    "database": "(None, 'v', None)",
    "database nothing there": "'AGIDBError'",
}
"""Verbs that ask nothing of the caller, and what pyst2 makes of the answers."""
KEYS = {
    "stream file a key": ("long-menu", "2", "'2'"),
    "control stream file a key": ("long-menu", "5", "'5'"),
    "get data": ("long-menu", "12#", "'12'"),
    "say digits a key": ("speech", "#", "'#'"),
}
"""Verbs that take keys: what is heard first, what is pressed, what comes of it."""
VERBS = [*PLAIN, *KEYS, *(f"say {what}" for what in SPOKEN), "wait for digit", "record file", "hangup"]

NASTY = [
    "",
    " ",
    '"',
    "\\",
    '\\"',
    "${SHELL(touch canary)}",
    "$[1+1]",
    "a,b|c;d",
    "'`$(touch canary)`",
    "-",
]
FLOW = """
from pathlib import Path
from ivr.flow import Answer, GetVariable, Play, RunScript, SetVariable, StepError, flow

@flow("nasty")
async def nasty(caller):
    await Answer()
    said = []
    for text in {nasty!r}:
        try:
            await SetVariable("HOSTILE", text)
            said.append((text, await GetVariable("HOSTILE")))
        except (StepError, ValueError) as error:
            said.append((text, type(error).__name__))
        try:
            await Play(text or "none")
        except (StepError, ValueError):
            pass
    try:
        await RunScript("arguments.py", (*{nasty!r}, ))
    except (StepError, ValueError) as error:
        said.append(("script", str(error)))
    Path({result!r}).write_text(repr(said))
"""
ARGUMENTS = """
    with open({result!r} + ".part", "w") as file:
        file.write(repr(sys.argv[1:]))
    os.rename({result!r} + ".part", {result!r})
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Give the folder that scripts and flows write to."""
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory, results):
    """Give the test site with a number for each verb, and pyst2's own file among its scripts."""
    folder = write_site(tmp_path_factory.mktemp("agi") / "site")
    bin_folder, prompts = folder / "agi-bin", folder / "sounds/en"
    bin_folder.mkdir(exist_ok=True)
    arguments = ARGUMENTS.format(result=str(results / "arguments"))
    for name, text in (("verb.py", VERB), ("dead.py", DEAD), ("arguments.py", arguments)):
        (bin_folder / name).write_text("import os, sys\n" + textwrap.dedent(text))
    shutil.copyfile(published(), bin_folder / "agi.py")
    (folder / "flows").mkdir(exist_ok=True)
    (folder / "flows/nasty.py").write_text(FLOW.format(nasty=NASTY, result=str(results / "nasty")))
    actions = [f"script verb.py {prompts} {verb.replace(' ', '_')} {result_of(results, verb)}" for verb in VERBS]
    actions += [f"script dead.py {results / 'dead'}", "play closed, script agi.py", "flow nasty"]
    with (folder / "ivr.conf").open("a") as file:
        for number, action in enumerate(actions):
            file.write(
                f"[verb-{number}]\ntype = number\nnumber = 55502{number:02}\ngo = {action}, play goodbye, hangup\n"
            )
    return folder


def published():
    """Find the script that pyst2 publishes, in the installed package."""
    [file] = [file for file in files("pyst2") or () if str(file) == "asterisk/agi.py"]
    return Path(file.locate())


def result_of(results, verb):
    """Name the file of a verb's result."""
    return results / verb.replace(" ", "_")


def number_of(place):
    """Give the number that leads to a verb, or to what comes after them."""
    return f"55502{VERBS.index(place) if isinstance(place, str) else len(VERBS) + place:02}"


async def told(floor, file):
    """Wait for what a script tells."""
    await floor.until(file.exists, f"{file.name} told")
    return file.read_text()


@pytest.mark.parametrize("verb", PLAIN)
async def test_verbs(floor, results, verb):
    """The verb does what it says, its failure is pyst2's error at once, and the call goes on with the next action."""
    call, _ = await floor.caller(number_of(verb))
    assert await told(floor, result_of(results, verb)) == PLAIN[verb]
    await floor.hears(call, "goodbye")


@pytest.mark.parametrize("verb", KEYS)
async def test_keys(floor, results, verb):
    """A key ends what is said, and the script has it."""
    before, keys, result = KEYS[verb]
    call, _ = await floor.caller(number_of(verb))
    await floor.hears(call, before)
    await call.dtmf(keys)
    assert await told(floor, result_of(results, verb)) == result
    await floor.hears(call, "goodbye")


async def test_wait_for_digit(floor, results):
    """Nothing is said, and the key is heard."""
    call, _ = await floor.caller(number_of("wait for digit"))
    file = result_of(results, "wait for digit")
    async with asyncio.timeout(10):
        while not file.exists():
            await call.dtmf("7", method="info")
            await asyncio.sleep(0.2)  # it may have come before the script asked
    assert file.read_text() == "'7'"


@pytest.mark.parametrize("what", SPOKEN)
async def test_say(floor, results, what):
    """The caller hears somebody speak, then what follows."""
    call, _ = await floor.caller(number_of(f"say {what}"))
    await floor.hears(call, "speech")
    assert await told(floor, result_of(results, f"say {what}")) == "''"
    await floor.hears(call, "goodbye")


async def test_record_file(floor, results):
    """What the caller says until # is in the file."""
    call, _ = await floor.caller(number_of("record file"))
    await floor.speaks(call, "caller")
    await floor.listen(call, 1_500)
    await call.dtmf("#")
    assert await told(floor, result_of(results, "record file")) == "'#'"
    [file] = results.glob("record_file-said.*")
    assert "caller" in heard(read_wav(file))


async def test_hangup(floor, results):
    """The script hangs up, and no next action keeps the caller."""
    call, _ = await floor.caller(number_of("hangup"))
    await call.ended()
    assert await told(floor, result_of(results, "hangup")) == "None"


async def test_channel_status_of_a_dead_channel(floor, results):
    """A script that asks after its caller has hung up is told so, and does not hang."""
    call, _ = await floor.caller(number_of(0))
    await told(floor, results / "dead.ready")
    await call.hang_up()
    assert (await told(floor, results / "dead")).startswith("511 ")


async def test_texts_of_any_kind_go_out_as_they_are(floor, results):
    """Quotes, backslashes, expressions and commas reach Asterisk and a script as text, and nothing runs."""
    call, _ = await floor.caller(number_of(2))
    await floor.hears(call, "goodbye")
    assert dict(literal_eval(await told(floor, results / "nasty"))) == {text: text for text in NASTY}
    assert literal_eval(await told(floor, results / "arguments")) == NASTY
    assert not list(floor.server.home.rglob("canary"))


async def test_a_published_script_runs_unchanged(floor):
    """pyst2's own example, as installed: the caller hears its greeting, cuts it short by keys, and is hung up on."""
    script = floor.server.folder / "agi-bin/agi.py"
    assert version("pyst2") >= "0.5.1"
    assert script.read_bytes() == published().read_bytes()
    call, _ = await floor.caller(number_of(1))
    await floor.hears(call, "closed")
    await floor.hears(call, "speech")
    await call.dtmf("42#")
    loop = asyncio.get_running_loop()
    pressed = loop.time()
    await call.ended()
    assert loop.time() - pressed < 5  # the greeting lasts half a minute
    assert not floor.seen(CallArrived)
