"""Seats behind a trunk: each leg takes one of its lines, callers from outside take theirs, none goes over the limit."""

import asyncio
import os
import signal

import msgspec
import pytest
import pytest_asyncio

from acd.control import ask
from acd.core.commands import Offer
from acd.core.events import Connected, LineChanged, LinesSet, OfferEnded, Snapshot
from acd.core.line import Trouble
from acd.desk.supervisor import LineOrder
from ivr.asterisk import free_port
from tests.live.floor import Floor, open_floor
from tests.live.testsite import PIN, write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

LINES = 4
MORE = f"""
[general](+)
snapshot_interval = 1h
[outside]
type = lines
lines = trunk*{LINES}
pick = round-robin
fault = 1s
[away](seat,!)
queues = sales
lines = outside
[201](away)
agent = Eva Lang
handset = PJSIP/5550201@LINE
[202](away)
agent = Filip Mazur
handset = PJSIP/5550202@LINE
[203](away)
agent = Gosia Lis
handset = PJSIP/5550203@LINE
"""
AWAY = ("201", "202", "203")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory, prompt_cache):
    """Give a floor whose trunk leads to a telephone that answers everything."""
    folder = write_site(tmp_path_factory.mktemp("lines") / "site", acd=MORE)
    port = free_port("127.0.0.1")
    pjsip = folder / "pjsip.conf"
    place = "; contact = sip:provider.example     ; where outgoing calls go\n; qualify_frequency = 60\n"
    assert place in pjsip.read_text()
    pjsip.write_text(pjsip.read_text().replace(place, f"contact = sip:127.0.0.1:{port}\nqualify_frequency = 1\n"))
    async with open_floor(folder, tmp_path_factory.mktemp("house"), prompt_cache) as floor:
        floor.outside = await floor._phones.phone("outside", server=floor.address, port=port)
        await floor.outside.on_call(answer_after_ms=0)
        yield floor


@pytest_asyncio.fixture(loop_scope="module")
async def floor(house: Floor):
    """Give the floor with all lines free, and leave it so."""
    house.begin()
    await house.until(lambda: all_free(house), "all lines free")
    yield house
    await house.clear()
    await house.until(lambda: all_free(house), "all lines free again")


def all_free(floor: Floor) -> bool:
    lines = floor.state.lines.values()
    return len(lines) == LINES and {line.look for line in lines} == {"free"}


def used(floor: Floor) -> tuple[set[str], set[str]]:
    """The lines of our legs, and those that others have."""
    lines = floor.state.lines.items()
    return {name for name, line in lines if line.offer}, {name for name, line in lines if line.in_use}


async def log_in(floor: Floor, *seats: str) -> None:
    for seat in seats:
        assert await floor.server.desk.log_in(seat, PIN) == "ok"


async def test_callers_take_lines_and_legs_take_others(floor):
    """Two callers and their agents fill four lines; the third one's agent is rung when a line is free, not before."""
    first, _ = await floor.waiter()
    _, second = await floor.waiter()
    await floor.until(lambda: used(floor) == (set(), {"trunk:3", "trunk:4"}), "two lines of callers")
    await log_in(floor, *AWAY)
    await floor.until(lambda: len(floor.seen(Connected)) == 2, "two talks")
    assert used(floor) == ({"trunk:1", "trunk:2"}, {"trunk:3", "trunk:4"})
    _, third = await floor.waiter()
    await asyncio.sleep(0.5)
    assert [caller for caller, _ in floor.offers()].count(third) == 0
    [group] = floor.server.status().lines
    assert (group.name, group.free, group.in_use) == ("outside", 0, LINES)
    await first.hang_up()
    await floor.until(lambda: len(floor.seen(Connected)) == 3, "the third talk")
    assert [caller for caller, _ in floor.offers()][2:] == [third]
    assert len(floor.seen(Connected)) == len(floor.offers())
    assert floor.call(second).state == "talking"


async def test_a_snapshot_finds_the_lines_again(floor):
    """Asterisk is looked at anew: whose leg is on which line, and which lines others have, is as it was."""
    await floor.waiter()
    await log_in(floor, "201")
    await floor.sees(Connected)
    before = used(floor)
    floor.server.switch.channels.legs.clear()  # as a new process begins
    floor.server.switch.take_snapshot()
    await floor.until(lambda: len(floor.server.switch.channels.legs) == 1, "the leg")
    [leg] = floor.server.switch.channels.legs.values()
    assert {leg.line} == before[0]
    assert used(floor) == before


async def test_a_line_that_fails_is_left_alone(floor):
    """The other side refuses with 503: the next attempt goes over another line, and the first comes back in time."""
    await floor.outside.on_call(answer_after_ms=0, code=503)
    await floor.waiter()
    await log_in(floor, "202")
    await floor.sees(OfferEnded, outcome="failed")
    await floor.until(lambda: any(line.faults for line in floor.state.lines.values()), "a fault")
    await floor.outside.on_call(answer_after_ms=0)
    await floor.sees(Connected)
    lines = [command.line for _, commands in floor.history for command in commands if isinstance(command, Offer)]
    assert lines[0] != lines[-1]


async def test_a_trunk_that_is_away_has_no_lines(floor):
    """Its other side does not answer any more: no seat behind it is rung; it is, when that is back."""
    pid = floor.outside.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        lines = floor.state.lines.values()
        await floor.until(lambda: {line.look for line in lines} == {"not-reachable"}, "all lines out of order")
        assert len(floor.seen(LineChanged, trouble=Trouble(kind="not-reachable"))) == LINES
        await log_in(floor, "203")
    finally:
        os.kill(pid, signal.SIGCONT)
    await floor.until(lambda: all_free(floor), "lines that can be used again")
    await floor.waiter()
    await floor.sees(Connected)


async def test_lines_that_are_out_of_service(floor):
    """A talk over one goes on; the next caller gets none while they are out, and one as soon as they are back."""

    async def set_lines(*, out: bool) -> str:
        order = msgspec.json.encode(LineOrder(name="outside", out=out, why="the cable is being moved")).decode()
        return await asyncio.to_thread(ask, floor.server.home, "set-lines", order)

    first, _ = await floor.waiter()
    await log_in(floor, *AWAY)
    await floor.sees(Connected)
    said = await set_lines(out=True)
    assert said == f"all {LINES} lines of outside are out of service; 2 with a call, which goes on to its end"
    await floor.sees(LinesSet, out=True)
    _, second = await floor.waiter()
    assert sorted({line.look for line in floor.state.lines.values()}) == ["in-use", "ours", "out"]
    assert [caller for caller, _ in floor.offers()].count(second) == 0
    await first.hang_up()
    await floor.until(lambda: len(floor.seen(OfferEnded)) == 1, "the end of the first talk")
    floor.server.switch.take_snapshot()
    await floor.until(lambda: len(floor.seen(Snapshot)) > 0, "a snapshot")
    assert [caller for caller, _ in floor.offers()].count(second) == 0
    assert await set_lines(out=False) == f"all {LINES} lines of outside are in service"
    await floor.until(lambda: len(floor.seen(Connected)) == 2, "the second talk")
