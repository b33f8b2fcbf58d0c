"""Many callbacks, and SIGKILL in their midst: every place is kept, every customer is called once."""

import asyncio
import os
from collections import Counter

import pytest

from acd.core import commands as cmd
from acd.core import events as ev
from tests.live.program import open_program
from tests.live.test_callbacks_live import MORE
from tests.live.test_calls_out_live import write_provider

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

CALLBACKS = int(os.environ.get("CALLBACKS", "8"))
"""So many customers take one; any number up to 1,000."""
AT_ONCE = 6


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


async def fewer(site, count):
    """Wait until fewer are left."""
    while len((await site.shows(lambda status: True)).calls) >= count:  # noqa: ASYNC110 - only asking can tell
        await asyncio.sleep(0.5)


async def test_each_is_called_once_in_order(make_instance, tmp_path_factory, prompt_cache):
    """Two agents call them back, oldest first; the server is killed while they do, and while customers talk."""
    theirs = write_provider(tmp_path_factory.mktemp("many") / "site")
    provider = await asyncio.to_thread(make_instance, "many", site_folder=theirs)
    switch, seats = provider.site.switch, provider.site.seats
    more = MORE.format(port=switch.sip_port, password=seats["801"].secret)
    async with open_program(tmp_path_factory.mktemp("callbacks"), prompt_cache, acd=more) as site:
        gate = asyncio.Semaphore(AT_ONCE)

        async def customer(who):
            async with gate:
                await takes_one(site, who)

        await asyncio.gather(*map(customer, range(CALLBACKS)))
        status = await site.shows(lambda status: len(status.calls) == CALLBACKS)
        line = [call.caller for call in sorted(status.calls, key=lambda call: call.position)]
        names = [call.call for call in sorted(status.calls, key=lambda call: call.position)]
        await site.down()
        await site.up()
        status = await site.shows(lambda status: len(status.calls) == CALLBACKS)
        assert [call.caller for call in sorted(status.calls, key=lambda call: call.position)] == line
        for seat in ("101", "102"):
            await (await site.handset(seat)).on_call(answer_after_ms=0)
            await site.logs_in(seat)
        await fewer(site, CALLBACKS * 2 // 3)
        await site.down()
        await site.up()
        await fewer(site, 1)
        await site.shows(lambda status: not any(seat.look == "talking" for seat in status.seats))
    entries = [entry for entry in site.journal.entries() if hasattr(entry, "commands")]
    dialled = {c.leg: c.number for entry in entries for c in entry.commands if isinstance(c, cmd.Dial)}
    offered = [c.call for entry in entries for c in entry.commands if isinstance(c, cmd.Offer)]
    over = Counter(c.call for entry in entries for c in entry.commands if isinstance(c, cmd.CallOver))
    answered = Counter()
    for entry in entries:
        if isinstance(entry.event, ev.LegAnswered):
            answered[dialled[entry.event.leg]] += 1
    print(f"{CALLBACKS} callbacks: {len(dialled)} calls, {answered.total()} answers told, {over.total()} over")
    assert list(dict.fromkeys(offered)) == names
    assert set(over.values()) == {1}
    assert over.total() == CALLBACKS
    assert len(dialled) == CALLBACKS
