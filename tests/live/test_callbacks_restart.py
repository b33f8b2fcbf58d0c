"""Many callbacks, and SIGKILL in their midst: every place is kept, every customer is called once."""

import asyncio
import os
import re
import time
from collections import Counter

import pytest

from acd.core import commands as cmd
from acd.core import events as ev
from tests.live.program import open_program
from tests.live.provider import write_provider
from tests.live.test_callbacks_live import MORE

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

CALLBACKS = int(os.environ.get("CALLBACKS", "6"))
"""So many customers take one; any number up to 1,000."""
AGENTS = int(os.environ.get("AGENTS", "2"))
"""So many call them; up to 9."""
KILLS = int(os.environ.get("KILLS", "2"))
"""So often the server is killed while they do, besides once before."""
AT_ONCE = 6

SEATS = "".join(f"[{seat}](seat)\nagent = A. Nother\nqueues = sales\n" for seat in range(105, 110))
SALES = """
[sales](+)
callback_first = {first}
callback_tries = 20
[103](+)
queues = sales
[104](+)
queues = sales
"""


def number(who: int) -> str:
    """A customer's number; he answers and hangs up after three seconds."""
    return f"0301234567{who:03}7"


async def takes_one(site, who):
    """Somebody calls, waits, presses 1, confirms by 1, and is let go."""
    call = await site.trunk.dial("5550102", caller_id=number(who))
    await call.confirmed()
    await site.shows(lambda status: number(who) in [one.caller for one in status.calls])
    await call.dtmf("1")
    await site.hears(call, "speech", within_s=60)
    await call.dtmf("1")
    await call.ended()


async def all_take_one(site):
    """Everybody, a few at a time; gives the ids of their callbacks, as they stand in line."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def customer(who):
        async with gate:
            await takes_one(site, who)

    await asyncio.gather(*map(customer, range(CALLBACKS)))
    return await in_line(site)


async def in_line(site):
    """The callbacks, as they stand in line."""
    status = await site.shows(lambda status: len(status.calls) == CALLBACKS)
    return [call.call for call in sorted(status.calls, key=lambda call: call.position)]


async def fewer(site, count):
    """Wait until fewer callbacks are left."""
    while sum(call.medium == "callback" for call in (await site.shows(lambda _: True)).calls) >= count:  # noqa: ASYNC110 - only asking can tell
        await asyncio.sleep(0.5)


async def work(site):
    """Agents log in, call all customers, and the server is killed now and then meanwhile."""
    for seat in range(101, 101 + AGENTS):
        await (await site.handset(str(seat))).on_call(answer_after_ms=0)
        await site.logs_in(str(seat))
    for kill in range(KILLS):
        await fewer(site, max(CALLBACKS * (KILLS - kill) // (KILLS + 1), 2))
        await site.down()
        await site.up()
    await fewer(site, 1)
    await site.shows(lambda status: not status.calls and not any(seat.look == "talking" for seat in status.seats))


def rang_at(provider):
    """How often each customer's telephone rang, as his provider counted it."""
    said = provider.cli("dialplan show globals")
    return {name: int(times) for name, times in re.findall(r"TIMES_(\d+)=(\d+)", said)}


@pytest.mark.parametrize("first", ["agent", "customer"])
async def test_each_is_called_once_in_order(first, make_instance, tmp_path_factory, prompt_cache):
    """Oldest first; the server is killed before, while they are called, and while customers talk."""
    theirs = write_provider(tmp_path_factory.mktemp("many") / "site")
    provider = await asyncio.to_thread(make_instance, f"many-{first}", site_folder=theirs)
    switch, seats = provider.site.switch, provider.site.seats
    more = MORE.format(port=switch.sip_port, password=seats["801"].secret).replace("carrier*3", "carrier*10")
    more += SEATS + SALES.format(first=first)
    async with open_program(tmp_path_factory.mktemp("callbacks"), prompt_cache, acd=more) as site:
        began = time.monotonic()
        names = await all_take_one(site)
        taken = time.monotonic()
        await site.down()
        await site.up()
        assert await in_line(site) == names
        await work(site)
        done = time.monotonic()
        entries = [entry for entry in site.journal.entries() if hasattr(entry, "commands")]
    told = [command for entry in entries for command in entry.commands]
    turns = [one.call for one in told if isinstance(one, cmd.Reach if first == "customer" else cmd.Offer)]
    turns = [name for name in dict.fromkeys(turns) if name.startswith("callback-")]
    over = Counter((one.call, one.reason) for one in told if isinstance(one, cmd.CallOver))
    legs = {one.leg for one in told if isinstance(one, cmd.Dial | cmd.Reach)}
    unseen = {leg for one in entries if isinstance(one.event, ev.Snapshot) for leg in one.event.answered}
    rang = await asyncio.to_thread(rang_at, provider)
    took = f"taken in {taken - began:.0f} s, done in {done - taken:.0f} s"
    print(f"{CALLBACKS} callbacks, {first} first, {AGENTS} agents, {1 + KILLS} times killed: {took};")
    print(f"{len(legs)} legs, {sum(rang.values())} rings at {len(rang)} customers, {len(unseen)} answers nobody saw")
    assert turns == names
    assert over == {(name, "called-back"): 1 for name in names}
    assert sorted(rang) == sorted("49" + number(who)[1:] for who in range(CALLBACKS))
    assert set(rang.values()) == {1}
