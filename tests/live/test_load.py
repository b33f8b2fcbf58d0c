"""Five hundred callers through menu and queue to twenty agents, one in ten of whom hangs up at some random moment."""

import asyncio

import pytest
import pytest_asyncio

from acd.core import events as ev
from acd.core import invariants
from ivr.asterisk import free_port
from tests.live.floor import open_floor
from tests.live.phones import Row, Sipp, agent, caller, handset, registration
from tests.live.testsite import PIN, write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

CALLS, SEATS = 500, 20
IMPATIENT = CALLS // 10
RATE = 12
TALK_MS = 1000
STAY_MS = 120_000
"""Longer than any caller has to wait: who is patient leaves when his agent hangs up."""

NAMES = [str(number) for number in range(201, 201 + SEATS)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(prompt_cache, tmp_path_factory):
    """Give a floor with twenty seats more."""
    folder = tmp_path_factory.mktemp("load")
    seats = "".join(f"[{name}](seat)\nagent = Agent {name}\nqueues = sales, support, reception\n" for name in NAMES)
    site = write_site(folder / "site", acd=f"[reception](+)\nwrap_up = 0\n{seats}")
    async with open_floor(site, folder / "home", prompt_cache) as floor:
        yield floor


async def test_five_hundred_calls(floor, tmp_path):
    """Each call is in the journal from its arrival to its end, and nothing is left of any when they are over.

    What is left, and what the journal tells, is looked at by the fixture too, after every test.
    """
    faults = []
    floor.server.dispatcher.watchers.append(lambda *_: faults.extend(invariants.broken(floor.state)))
    port = free_port("127.0.0.1")
    rows = [handset(name, floor.site.seats[name].secret) for name in NAMES]
    # One more, for the last one's first OPTIONS would find nobody; sipp answers it while another registers.
    async with await Sipp.start(registration(), tmp_path, floor.address, rows=rows, calls=SEATS + 1, port=port) as sipp:
        assert (await sipp.finished()).failed == 0, sipp.errors()
    async with await Sipp.start(agent(ring_ms=50, talk_ms=TALK_MS), tmp_path, port=port) as agents:
        await floor.until(lambda: all(floor.seat(name).reachable for name in NAMES), "all reachable")
        for name in NAMES:
            assert await floor.server.desk.log_in(name, PIN) == "ok"
        # On a busy machine a key may come before its menu listens; reception takes that caller, as any without keys.
        patient = caller("1", digit_after_ms=300, stay_ms=STAY_MS)
        impatient = caller("2", digit_after_ms=300, stay_ms=(0, 2500))
        staying = [Row("5550100", f"55510{number:03}") for number in range(CALLS - IMPATIENT)]
        leaving = [Row("5550100", f"55520{number:03}") for number in range(IMPATIENT)]
        async with (
            await Sipp.start(
                patient, tmp_path, floor.address, rows=staying, calls=len(staying), rate=RATE * 0.9
            ) as crowd,
            await Sipp.start(
                impatient, tmp_path, floor.address, rows=leaving, calls=len(leaving), rate=RATE * 0.1
            ) as leavers,
        ):
            tallies = await asyncio.gather(crowd.finished(STAY_MS), leavers.finished(STAY_MS))
        assert tallies == [(len(staying), len(staying), 0), (len(leaving), len(leaving), 0)], crowd.errors()
        await floor.peace()
        await agents.stopped()
    assert faults == []
    arrived = floor.seen(ev.CallArrived)
    names = {event.caller for event in arrived}
    assert {row.name for row in staying} <= names <= {row.name for row in staying + leaving}
    assert len(names) == len(arrived)
    assert sorted(event.call for event in floor.seen(ev.CallEnded)) == sorted(event.call for event in arrived)
    assert {row.name for row in staying} <= {number for number, _ in floor.offers()}
    assert len(floor.seen(ev.Connected)) >= len(staying)
    assert all(floor.seat(name).state == "ready" for name in NAMES)
