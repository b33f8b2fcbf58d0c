"""Upgrades and sudden deaths amid the day's work: nobody is dropped, nobody loses his place.

A crowd of callers comes and goes all the while, so that a server is replaced, or killed, in the midst of its work.
"""

import asyncio
import random
import secrets
import signal
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from acd.core import events as ev
from acd.journal import compare
from tests.live.people import WITHIN_S
from tests.live.phones import Row, Sipp, caller
from tests.live.program import looks, open_program

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

CROWD, RATE = 60, 5
GAP_MS_MAX = 1_000
SUPPORT, SALES, LONG_MENU = "5550103", "5550102", "5550101"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def up(prompt_cache, tmp_path_factory):
    """Give a running program; it is used through `site`."""
    async with open_program(tmp_path_factory.mktemp("takeover"), prompt_cache) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="module")
async def site(up):
    """Give the site, up and with nobody on it; after the test it must be so again."""
    yield up
    await up.clear()


@asynccontextmanager
async def crowd(site, tmp_path):
    """Have callers come and go at another queue; at the end not one of them was dropped."""
    rows = [Row(SUPPORT, f"55530{number:02}") for number in range(CROWD)]
    comers = caller(stay_ms=(500, 3_000))
    async with await Sipp.start(comers, tmp_path, site.address, rows=rows, calls=CROWD, rate=RATE) as sipp:
        yield
        tally = await sipp.finished()
    assert tally == (CROWD, CROWD, 0), sipp.errors()


async def scene(site):
    """A talk, and three who wait; gives the talk's two ends and the numbers of those who wait, first in line first."""
    await site.logs_in("101")
    talker, _ = await site.caller(SALES)
    leg = await site.rings("101")
    await leg.answer()
    await site.shows(lambda status: looks(status)["101"] == "talking")
    calls = [await site.waiter(SALES) for _ in range(3)]
    return talker, leg, [call for call, _ in calls], [number for _, number in calls]


def in_sales(status):
    """The numbers of those who wait for sales."""
    return [call.caller for call in status.calls if call.queue == "sales" and call.state in {"waiting", "offered"}]


async def serve_all(site, leg, numbers):
    """The agent hangs up, and answers each who waits, in the order that is given."""
    await leg.hang_up()
    for number in numbers:
        leg = await site.rings("101")
        assert number in leg.remote, f"{leg.remote} came before {number}"
        await leg.answer()
        await site.shows(lambda status, served=number: served not in in_sales(status))  # or it would be a refusal
        await leg.hang_up()
    await site.shows(lambda status: not in_sales(status))


async def test_a_takeover_amid_the_work(site, tmp_path):
    """Twice in a row: a talk, who waits, who comes, and a caller in a menu notice nothing; gaps are short."""
    talker, leg, waiters, numbers = await scene(site)
    menu, menu_number = await site.caller(LONG_MENU)
    await site.hears(menu, "long-menu")
    async with crowd(site, tmp_path):
        first, gap = await site.take_over()
        gaps = [gap]
        await site.hears(menu, "long-menu")
        assert first.returncode is None, "it left a caller in its menu"
        second, gap = await site.take_over()
        gaps.append(gap)
        assert await asyncio.wait_for(second.wait(), WITHIN_S) == 0, "a server without menus ends at once"
        await menu.dtmf("1")
        await site.shows(lambda status: menu_number in in_sales(status))
        assert await asyncio.wait_for(first.wait(), WITHIN_S) == 0
        print(f"gaps of the takeovers: {gaps} ms")
        assert max(gaps) <= GAP_MS_MAX
        assert all(call.state == "confirmed" for call in (talker, leg, menu, *waiters))
        assert in_sales(await site.status()) == [*numbers, menu_number]
        await site.talk(talker, leg)
        await serve_all(site, leg, [*numbers, menu_number])
    assert compare(site.journal).difference == ""


async def test_killed_at_any_moment(site, tmp_path):
    """SIGKILL at random moments, and up again: talk and places are what they were, and the journal is whole."""
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    talker, leg, waiters, numbers = await scene(site)
    async with crowd(site, tmp_path):
        for _ in range(3):
            await asyncio.sleep(draw.uniform(0, 1.5))
            await site.down(signal.SIGKILL)
            await site.up()
            status = await site.shows(lambda status: len(in_sales(status)) == len(numbers))
            assert in_sales(status) == numbers
            assert looks(status)["101"] == "talking"
            assert all(call.state == "confirmed" for call in (talker, leg, *waiters))
        await site.talk(talker, leg)
        await serve_all(site, leg, numbers)
    starts = sum(isinstance(event, ev.Started) for event in site.journal.events())
    assert starts >= 4
    assert compare(site.journal).difference == ""
