"""Wires that are pulled, with the real drivers: spans in red alarm, and the calls that were on them."""

import pytest

from acd.core.events import CallArrived, CallEnded
from tests.live.lab.site import CHANNEL, LINE, LabFloor

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_callers_whose_span_is_pulled_are_gone(lab: LabFloor):
    """An exchange dies, its spans go red: who waited, on PRI or an analog line, is gone, and nothing is left over."""
    callers = {"5557301": (CHANNEL, "5550102"), "5557302": (LINE, "")}
    for number, (wire, dialled) in callers.items():
        caller = await lab.world.call(wire, dialled, caller=number)
        if not dialled:
            await caller.hears("main-menu")
            await caller.press("2")
        await lab.sees(CallArrived, caller=number)
    arrived = lab.seen(CallArrived)
    await lab.pull_the_plugs()
    for event in arrived:
        await lab.sees(CallEnded, call=event.call)
    assert (await lab.cli("dahdi show status")).count(" RED ") == 2
