"""Analog lines and E&M with the real drivers: loop start, ringing, caller ID as a modem's tones between the rings."""

import pytest

from acd.core.events import CallArrived, CallEnded, Connected, OfferEnded
from tests.live.lab.far import AWAY
from tests.live.lab.site import CHANNEL, COPPER_NUMBER, LINE, TIE_LINE, LabFloor
from tests.live.testsite import PIN

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_analog_line_tells_who_calls(lab: LabFloor):
    """The exchange rings a line; number and name come between two rings, keys and menus go through as sound."""
    caller = await lab.world.call(LINE, caller="5557102", name="Jan Wilk")
    await caller.hears("main-menu")
    await caller.press("1")
    arrived = await lab.sees(CallArrived, queue="sales", caller="5557102")
    assert lab.server.switch.channels.calls[arrived.call].name == "Jan Wilk"
    await caller.hears("music")
    await caller.hang_up()
    await lab.sees(CallEnded, call=arrived.call)


async def test_a_tie_line_takes_the_number_digit_by_digit(lab: LabFloor):
    """After the wink of E&M the number comes as tones, ends after its last digit, and later keys are the menu's."""
    caller = await lab.world.call(TIE_LINE, "5550100", caller="5557103")
    await caller.hears("main-menu")
    await caller.press("2")
    await lab.sees(CallArrived, queue="support")
    await caller.hears("music")


async def test_an_agent_outside_is_reached_over_copper(lab: LabFloor):
    """His number goes as tones; the line is his as long as he talks, and free when his caller has gone."""
    assert await lab.server.desk.log_in("106", PIN) == "ok"
    caller = await lab.world.call(CHANNEL + 6, "5550103", caller="5557104")
    agent = await lab.world.rings(f"DAHDI/{LINE + AWAY}-")
    assert agent.dialled == COPPER_NUMBER
    await agent.answer()
    await lab.sees(Connected)
    await lab.talk(caller, agent)
    assert lab.state.lines[f"DAHDI/{LINE}"].look == "ours"
    await caller.hang_up()
    await lab.sees(OfferEnded, outcome="hung-up")
    await agent.over()
    await lab.until(lambda: lab.state.lines[f"DAHDI/{LINE}"].look == "free", "the line free")
