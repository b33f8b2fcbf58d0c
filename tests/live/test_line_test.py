"""`callfloor line test` over a trunk to a second Asterisk that echoes, on ways that are good, slow, lossy, or dead."""

import asyncio
import re
from contextlib import asynccontextmanager

import msgspec
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from acd.core.events import LineChanged
from ivr.cli import app
from ivr.linetest.call import KEYS, UntestedError
from ivr.linetest.history import read_tests
from ivr.linetest.report import LineTest
from ivr.softphone import Softphones
from ivr.tones import cut, tone_level_db
from tests.live.bad_way import bad_way
from tests.live.floor import Floor, channels, no_channels, open_floor
from tests.live.testsite import HERTZ, write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

MORE = """
[carrier]
type = trunk
host = 127.0.0.1
port = {port}
user = 801
password = {password}
qualify = 2s
[outside]
type = lines
lines = carrier*4
keep_inbound = 2
test_number = 600
"""
FAR = """
exten => 600,1,Ringing()
 same => n,Wait(0.5)
 same => n,Answer()
 same => n,Echo()
exten => 601,1,Hangup(17)
exten => 602,1,Answer()
 same => n,Wait(60)
exten => 603,1,Answer()
 same => n,Wait(4)
 same => n,Hangup()
"""
ECHO_NUMBER = """
[echo-number]
type = number
number = 5550197
go = flow line-echo
"""
OWN_MS = 20
"""What both switches and a busy machine may add to a way's delay."""


class House:
    """Our floor, and the way to the provider."""

    def __init__(self, floor: Floor, way, provider) -> None:
        self.floor, self.way, self.provider = floor, way, provider

    @property
    def tester(self):
        return self.floor.server.tester

    @property
    def lines(self):
        return self.floor.server.tester._lines

    async def run(self, *words: str):
        """Run a command beside the server."""
        home, site = str(self.floor.server.home), str(self.floor.server.folder)
        return await asyncio.to_thread(CliRunner().invoke, app, [*words, "--home", home, "--site", site])


def last_json(output):
    """Give what the command printed, among what the server in this process logs."""
    return [line for line in output.splitlines() if line.startswith("{")][-1]


@asynccontextmanager
async def opened(make_instance, tmp_path_factory, prompt_cache):
    theirs = write_site(
        tmp_path_factory.mktemp("provider") / "site", changes={"[seats]\n": f"[far]{FAR}\n[seats]\ninclude => far\n"}
    )
    acd = theirs / "acd.conf"
    acd.write_text(re.sub(r"\b10([1-4])\b", r"80\1", acd.read_text()))
    provider = await asyncio.to_thread(make_instance, "provider", site_folder=theirs)
    switch, seats = provider.site.switch, provider.site.seats
    async with bad_way(switch.sip_port) as way:
        more = MORE.format(port=way.port, password=seats["801"].secret)
        folder = write_site(tmp_path_factory.mktemp("house") / "site", acd=more)
        (folder / "ivr.conf").write_text((folder / "ivr.conf").read_text() + ECHO_NUMBER)
        async with open_floor(folder, tmp_path_factory.mktemp("home"), prompt_cache) as floor, Softphones():
            yield House(floor, way, provider)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(make_instance, tmp_path_factory, prompt_cache):
    """Give a floor whose provider is a second Asterisk, behind a way that can be made a bad one."""
    async with opened(make_instance, tmp_path_factory, prompt_cache) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def house(both):
    """Give both, with lines that can be used and a good way; afterwards no channel is left on either side."""
    both.floor.begin()
    both.way.there.clear()
    both.way.back.clear()
    lines = both.floor.state.lines.values()
    await both.floor.until(lambda: bool(lines) and {line.look for line in lines} == {"free"}, "lines that can be used")
    yield both
    await both.floor.clear()
    await no_channels(both.provider)


async def test_a_good_line(house):
    """The command says ok and ends with 0; level, delay and keys are what they are, and the test is remembered."""
    result = await house.run("line", "test", "--json")
    assert result.exit_code == 0, result.output
    found = msgspec.json.decode(last_json(result.output), type=LineTest)
    assert (found.verdict, found.reasons, found.line, found.number) == ("ok", (), "carrier:1", "600")
    assert 450 < found.answer_ms < 3_000
    assert found.post_dial_ms < found.answer_ms - 300
    assert found.round_trip_ms < OWN_MS
    assert found.heard_db == pytest.approx(found.sent_db, abs=0.5)
    assert found.noise_db < -60
    assert (found.keys_sent, found.keys_heard) == (KEYS, KEYS)
    assert found.codec == "alaw"
    assert found.mos > 4.3
    assert read_tests(house.floor.server.home)[-1] == found


async def test_a_slow_and_lossy_way(house):
    """Delay is found to 20 ms, loss to a quarter and one percent, of what the way really did; the opinion shows it."""
    house.way.there.delay_ms, house.way.back.delay_ms = 90, 60
    house.way.there.loss = house.way.back.loss = 0.05
    found = await house.tester.test("carrier")
    assert 150 <= found.round_trip_ms < 150 + OWN_MS
    there, back = (way.dropped / (way.dropped + way.carried) for way in (house.way.there, house.way.back))
    assert found.lost == pytest.approx(1 - (1 - there) * (1 - back), rel=0.25, abs=0.01)
    assert found.lost_there == pytest.approx(there, rel=0.4, abs=0.015)
    assert found.verdict == "degraded"
    assert found.mos < 3.5
    assert any("of the sound was lost" in reason for reason in found.reasons)


async def test_jitter(house):
    """Packets that come late are told as jitter and lateness; they are not lost, and the delay is their middle one."""
    house.way.back.delay_ms, house.way.back.jitter_ms = 50, 40
    found = await house.tester.test("carrier")
    assert 60 <= found.round_trip_ms <= 100
    assert 4 < found.jitter_ms < 40
    assert 5 < found.late_ms < 50
    assert found.lost < 0.03


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("601", "not answered"),
        ("602", "nothing of the sound came back"),
        ("603", "hung up"),
        ("699", "not answered"),
    ],
)
async def test_a_far_end_that_does_not_echo(house, number, reason):
    """Busy, deaf, gone too early, unknown: failed, with the reason, an alarm, and the exit status 4."""
    result = await house.run("line", "test", "carrier:2", "--number", number)
    assert result.exit_code == 4, result.output
    assert reason in result.output
    assert [alarm for alarm in house.floor.server.status().line_alarms if reason in alarm]
    shown = await house.run("lines")
    assert reason in shown.output.replace("\n", " ")
    assert reason in (await house.run("line", "history", "carrier", "--last", "1", "--json")).output


async def test_the_line_is_in_use_meanwhile(house):
    """The line that was named is taken before the call is, shown as tested, and given back."""
    test = asyncio.create_task(house.tester.test("carrier:3"))
    await house.floor.sees(LineChanged, line="carrier:3", in_use=True)
    [group] = house.floor.server.status().lines
    assert [(line.name, line.state, line.tested) for line in group.lines] == [
        ("carrier:1", "free", False),
        ("carrier:2", "free", False),
        ("carrier:3", "in-use", True),
        ("carrier:4", "free", False),
    ]
    with pytest.raises(UntestedError, match="is going on"):
        await house.tester.test("carrier")
    house.floor.server.switch.take_snapshot()
    assert (await test).line == "carrier:3"
    await house.floor.sees(LineChanged, line="carrier:3", in_use=False)
    assert not [event for event in house.floor.seen(LineChanged) if event.line != "carrier:3"]


async def test_lines_that_are_kept_are_left(house):
    """With only those lines free that are kept for callers nobody is called, and the command says so."""
    house.lines.hold("one", "carrier:1")
    house.lines.hold("two", "carrier:2")
    try:
        result = await house.run("line", "test", "carrier:3")
    finally:
        for unique in ("one", "two"):
            house.lines.let_go(unique)
    assert result.exit_code == 1
    assert "kept for others" in str(result.exception)
    assert await asyncio.to_thread(channels, house.floor.server.instance) == []


async def test_a_test_comes_by_itself(house):
    """With test_every a line is tested when its time has come; nobody asks for it, and the history says so."""
    conf, home = house.floor.server.folder / "acd.conf", house.floor.server.home
    before = conf.read_text()
    conf.write_text(before.replace("test_number = 600", "test_number = 600\ntest_every = 10s"))
    house.floor.server.reload_soon()
    try:
        await house.floor.until(
            lambda: any(test.by_itself for test in read_tests(home)), "a line tested by itself", within_s=90
        )
    finally:
        conf.write_text(before)
        house.floor.server.reload_soon()
    [test] = [test for test in read_tests(home) if test.by_itself]
    assert (test.verdict, test.way, test.number) == ("ok", "carrier", "600")


async def test_the_far_end_that_callfloor_is(house):
    """A caller of the flow `line-echo` hears himself, and has his keys back."""
    call, _ = await house.floor.caller("5550197")
    await call.confirmed()
    await house.floor.speaks(call, "caller")
    await house.floor.hears(call, "caller")
    sound = await house.floor.listen(call, 1_000)
    assert tone_level_db(cut(sound, 500, 1_000), HERTZ["caller"]) == pytest.approx(-12, abs=1)
    await call.dtmf("15")
    assert await call.pressed(2) == "15"
    await call.hang_up()
