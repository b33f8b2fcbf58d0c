"""Agents with analog telephones call numbers outside, over ISDN and over copper, with the real drivers."""

import pytest

from acd.core import events as ev
from acd.core.commands import Dial
from ivr.cli_lines import LINE_WORDS
from tests.live.lab.far import AWAY, End
from tests.live.lab.site import LINE, PHONES, PRI_PHONE, LabFloor
from tests.live.testsite import PIN

pytestmark = pytest.mark.asyncio(loop_scope="module")

OUTSIDE = "03012345671"
ISDN_LINES, COPPER_LINES = 30, 2


async def calls_out(lab: LabFloor, seat: str, number: str) -> End:
    """Lift the receiver of an agent who is logged in, dial 0, the number, and # for its end."""
    assert await lab.server.desk.log_in(seat, PIN) == "ok"
    return await lab.world.call(PHONES[seat], f"0{number}#")


def lines_dialled(lab: LabFloor) -> list[str]:
    """Name the lines that calls went out over, in order."""
    return [command.line for _, commands in lab.history for command in commands if isinstance(command, Dial)]


async def test_over_isdn(lab: LabFloor):
    """The exchange sees number and caller ID; they talk; the line is free when either hangs up."""
    agent = await calls_out(lab, "101", OUTSIDE)
    callee = await lab.world.rings(PRI_PHONE)
    assert (callee.dialled, callee.number) == (OUTSIDE, "+4930111")
    await callee.answer()
    await lab.sees(ev.LegAnswered)
    await lab.talk(callee, agent)
    assert lines_dialled(lab) == ["DAHDI/31"]
    await callee.hang_up()
    assert (await lab.sees(ev.LegEnded)).outcome == "hung-up"
    await agent.hang_up()


async def test_a_span_that_is_pulled(lab: LabFloor):
    """Its lines show the alarm, and the next call goes over copper at once, its number as tones."""
    await lab.pull_the_isdn()
    await lab.until(lambda: lab.state.lines["DAHDI/31"].look == "alarm", "alarm of the ISDN lines")
    shown = await lab.callfloor("lines")
    assert len([line for line in shown if LINE_WORDS["alarm"] in line]) == ISDN_LINES
    assert len([line for line in shown if LINE_WORDS["free"] in line]) == COPPER_LINES
    agent = await calls_out(lab, "101", OUTSIDE)
    callee = await lab.world.rings(f"DAHDI/{LINE + AWAY}-")
    assert callee.dialled == OUTSIDE
    await callee.answer()
    await lab.talk(callee, agent)
    assert lines_dialled(lab) == [f"DAHDI/{LINE}"]
    await callee.hang_up()
    await lab.sees(ev.LegEnded, outcome="hung-up")
    await agent.hang_up()
