"""Analog lines and E&M with the real drivers: loop start, ringing, caller ID as a modem's tones between the rings."""

import pytest

from acd.core.events import CallArrived, CallEnded
from tests.live.lab.site import LINE, TIE_LINE, LabFloor

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
