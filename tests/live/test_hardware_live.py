"""A site with phone hardware on an Asterisk that has no drivers for it, and its doors for digits that come one by one.

What a channel of DAHDI does while digits come, WaitExten does too: it goes on as soon as no further digit could still
match (ast_matchmore_extension; analog_ss_thread in channels/sig_analog.c, collect_digits in main/pbx.c).
"""

import asyncio

import pytest
import pytest_asyncio

from acd.core.events import CallArrived, Connected, Snapshot
from ivr.cli_lines import LINE_WORDS
from tests.live.conftest import MakeInstance
from tests.live.floor import Floor, open_floor
from tests.live.testsite import write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

HARDWARE = """
[old-pbx]
type = span
span = 1
kind = t1
signalling = em_w
digits = 4
[copper]
type = analog
fxo = 25-26
number = 5550102
[outside]
type = lines
lines = old-pbx, copper
[201](seat)
agent = Eva Lang
queues = sales
handset = DAHDI/30
"""

PROBE = """
[probe]
include => from-trunk-4-digits
exten => start,1,Answer()
 same => n,Set(TIMEOUT(digit)=${PATIENCE})
 same => n,WaitExten(60)
"""
"""A line that takes digits one by one."""

DIDS = """
[exact]
type = number
number = 0102
go = queue sales
[short]
type = number
number = 01
go = queue support
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory, prompt_cache):
    """Give a floor whose numbers 7001 and 7002 are lines with digits one by one, patient and impatient."""
    entry = "exten => s,1,Goto(entry,1)\n"
    probes = (
        "exten => 7001,1,Set(PATIENCE=60)\n same => n,Goto(probe,start,1)\n"
        "exten => 7002,1,Set(PATIENCE=1)\n same => n,Goto(probe,start,1)\n"
        "exten => 7003,1,Goto(from-line-copper,s,1)\n"
    )
    folder = write_site(tmp_path_factory.mktemp("hardware") / "site", acd=HARDWARE, changes={entry: entry + probes})
    for file, text in (("extensions.conf", PROBE), ("ivr.conf", DIDS)):
        (folder / file).write_text((folder / file).read_text() + text)
    async with open_floor(folder, tmp_path_factory.mktemp("house"), prompt_cache) as floor:
        yield floor


@pytest_asyncio.fixture(loop_scope="module")
async def floor(house: Floor):
    """Give the floor, with nobody on it; after the test it must be so again."""
    house.begin()
    yield house
    await house.clear()


async def test_hardware_that_asterisk_does_not_have_is_told(floor: Floor):
    """It serves all the rest; each line says that Asterisk does not know it, and the log says what is missing."""
    if "chan_dahdi" in await asyncio.to_thread(floor.server.instance.cli, "module show like chan_dahdi.so"):
        pytest.skip("this Asterisk has chan_dahdi")
    floor.server.switch.take_snapshot()
    await floor.sees(Snapshot)
    [group] = floor.server.status().lines
    assert (group.free, group.in_trouble) == (0, 26)
    assert {LINE_WORDS[line.state] for line in group.lines} == {"unknown to Asterisk"}
    await floor.waiter()
    await floor.agent("102", answer_after_ms=0)
    await floor.sees(Connected)


async def test_what_is_missing_is_named(make_instance: MakeInstance, tmp_path, capsys):
    """The module, the program that has it not, and what would have it."""
    folder = write_site(tmp_path / "site", acd=HARDWARE)
    instance = make_instance("bare", site_folder=folder, start=False)
    if (instance.asterisk.modules / "chan_dahdi.so").exists():
        pytest.skip("this Asterisk has chan_dahdi")
    await asyncio.to_thread(instance.write)
    said = capsys.readouterr().out
    assert "chan_dahdi.so, which Asterisk 22" in said
    assert "apt install asterisk asterisk-dahdi dahdi" in said


@pytest.mark.parametrize(
    ("number", "keys", "queue"),
    [
        ("7001", "0102", "sales"),  # the line would wait a minute for more; it does not
        ("7001", "010299", "sales"),  # the caller's own keys are not of the number
        ("7002", "01", "support"),  # too few: what came counts when no more comes
    ],
)
async def test_digits_that_come_one_by_one(floor: Floor, number: str, keys: str, queue: str):
    """The number is whole with its last digit."""
    call, _ = await floor.caller(number)
    await call.dtmf(keys)
    assert (await floor.sees(CallArrived)).queue == queue


async def test_a_line_that_sends_no_digits_has_a_number(floor: Floor):
    """Who calls in over it is served as if he had dialled what acd.conf says."""
    await floor.caller("7003")
    assert (await floor.sees(CallArrived)).queue == "sales"
