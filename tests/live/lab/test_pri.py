"""ISDN PRI with the real drivers: libpri on both ends of a span, keys and prompts as sound."""

import pytest

from acd.core.events import CallArrived, CallEnded, Connected
from tests.live.lab.site import AWAY_NUMBER, CHANNEL, PRI_PHONE, LabFloor
from tests.live.testsite import PIN

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_caller_on_pri_chooses_by_key(lab: LabFloor):
    """A call comes in with number and name of its caller, hears the menu, presses a key and waits with music."""
    caller = await lab.world.call(CHANNEL, "5550100", caller="5557001", name="Maria")
    await caller.hears("main-menu")
    await caller.press("2")
    arrived = await lab.sees(CallArrived, queue="support", caller="5557001")
    await caller.hears("music")
    await caller.hang_up()
    await lab.sees(CallEnded, call=arrived.call)


async def test_several_call_at_once_each_with_keys_of_his_own(lab: LabFloor):
    """Four who call at one time, and press different keys, come where each wants to be."""
    wishes = {"5557011": ("1", "sales"), "5557012": ("2", "support"), "5557013": ("0", "reception")}
    callers = {
        number: await lab.world.call(CHANNEL + place, "5550100", caller=number) for place, number in enumerate(wishes)
    }
    for number, (key, _) in wishes.items():
        await callers[number].hears("main-menu")
        await callers[number].press(key)
    for number, (_, queue) in wishes.items():
        await lab.sees(CallArrived, queue=queue, caller=number)


async def test_an_agent_outside_is_reached_over_a_line(lab: LabFloor):
    """A seat whose handset is a number outside is rung over a PRI channel of ours, talks, and hangs up first."""
    assert await lab.server.desk.log_in("105", PIN) == "ok"
    caller = await lab.world.call(CHANNEL + 4, "5550103", caller="5557021")
    agent = await lab.world.rings(PRI_PHONE)
    assert (agent.dialled, agent.number) == (AWAY_NUMBER, "5557021")
    await agent.answer()
    await lab.sees(Connected)
    await lab.talk(caller, agent)
    await agent.hang_up()
    await caller.hears("goodbye")
    await caller.over()
