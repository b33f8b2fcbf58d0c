"""An agent with an analog telephone and the real drivers: dial tone, feature codes as tones, ringing with caller ID."""

import re

import pytest

from acd.core.events import CallArrived, OfferEnded, OfferRinging
from tests.live.lab.far import AWAY
from tests.live.lab.site import CHANNEL, PHONES, LabFloor
from tests.live.testsite import PIN

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEAT, PORT = "101", PHONES["101"]


async def test_an_analog_telephone_is_a_seat(lab: LabFloor):
    """Its agent logs in by *11 and PIN, all of it tones; it rings for a caller, shows who he is, and stops."""
    phone = await lab.world.call(PORT, "*11")
    await phone.hears("handset-pin")
    await phone.press(f"{PIN}#")
    await phone.hears("handset-ready")
    await phone.over()
    await lab.until(lambda: not lab.seat(SEAT).busy, "the telephone back on its hook")

    caller = await lab.world.call(CHANNEL, "5550102", caller="5557201", name="Maria")
    await lab.sees(CallArrived, queue="sales", caller="5557201")
    phone = await lab.world.rings(f"DAHDI/{PORT + AWAY}-")
    assert phone.number == "5557201"
    assert {"Maria", "sales"} <= set(re.findall(r"\w+", phone.name))
    await lab.sees(OfferRinging)
    await caller.hang_up()
    await lab.sees(OfferEnded, outcome="withdrawn")
