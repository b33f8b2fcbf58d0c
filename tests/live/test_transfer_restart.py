"""callfloor is killed while an agent asks somebody, has his caller on hold, or gives him away: the ledger stays right.

What the caller's telephone received is held against it, as in `test_transfer_table`.
"""

import asyncio

import pytest

from acd.core import events as ev
from acd.reports.legs import Legs
from tests.live.capture import Capture
from tests.live.program import looks, talking

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

TALK_S = 1.5
TOLERANCE_S = 0.5
"""So far the ledger may be from what was heard."""


async def in_talk(site):
    """A caller who talks to seat 101, recorded: his call, his number, the capture, the agent's leg."""
    await site.logs_in("101")
    await site.handset("103")
    caller, number = await site.caller("5550102")
    capture = await Capture.start(caller, site._recording())
    leg = await site.rings("101")
    await leg.answer()
    await leg.confirmed()
    await site.speaks(leg, "agent")
    await site.shows(lambda status: number in talking(status))
    return caller, number, capture, leg


async def asks(site, leg):
    """The agent asks seat 103 by *2, which answers and speaks."""
    await leg.dtmf("*2103")
    other = await site.rings("103")
    await other.answer()
    await other.confirmed()
    await site.speaks(other, "third")
    return other


async def path_of(site, caller, number):
    """The caller hangs up; what the ledger says then of the last call from a number."""
    await caller.hang_up()
    await site.shows(lambda status: not status.calls)
    legs, path = Legs(), None
    for entry in site.journal.entries():
        legs.note(entry.event, entry.commands)
        path = next((one for one in legs._paths.values() if one.caller == number), path)
    return path


def told_s(path, seat):
    """For how many seconds the caller heard a seat, by the ledger."""
    return sum(leg.talk_ms for leg in path.legs if leg.who == seat) / 1000


async def test_killed_while_he_asks(site):
    """The caller has music all the while, is offered to nobody, and has his agent again; the hold is no talk."""
    caller, number, capture, leg = await in_talk(site)
    await site.logs_in("102")
    await asks(site, leg)
    await site.down()
    assert caller.state == "confirmed"
    await site.up()
    status = await site.status()
    assert talking(status) == [number]
    await leg.dtmf("*1")
    await asyncio.sleep(TALK_S)
    path = await path_of(site, caller, number)
    heard = await capture.heard_s()
    assert [one.who for one in path.legs] == ["101"]
    assert told_s(path, "101") == pytest.approx(heard["agent"], abs=TOLERANCE_S)
    assert path.legs[0].hold_ms / 1000 == pytest.approx(heard["music"], abs=TOLERANCE_S)


async def test_killed_while_he_has_him_on_hold(site):
    """The next server hears that he takes him back."""
    caller, number, capture, leg = await in_talk(site)
    await asyncio.sleep(TALK_S)
    await leg.hold()
    await asyncio.sleep(TALK_S)
    await site.down()
    await site.up()
    await leg.unhold()
    await asyncio.sleep(TALK_S)
    path = await path_of(site, caller, number)
    heard = await capture.heard_s()
    assert told_s(path, "101") == pytest.approx(heard["agent"], abs=TOLERANCE_S)


async def test_given_away_while_it_is_down(site):
    """Whom he asked has the caller when it is up again: his leg is known from then on, and the agent's is over."""
    caller, number, capture, leg = await in_talk(site)
    await asks(site, leg)
    await site.down()
    await leg.hang_up()
    await asyncio.sleep(TALK_S)
    await site.up()
    status = await site.shows(lambda status: looks(status)["101"] == "ready")
    assert talking(status) == []
    await asyncio.sleep(TALK_S)
    path = await path_of(site, caller, number)
    heard = await capture.heard_s()
    assert [one.who for one in path.legs] == ["101", "103"]
    seen = [entry.event for entry in site.journal.entries() if isinstance(entry.event, ev.Snapshot)]
    assert any(talk.who == "103" for snapshot in seen for talk in snapshot.talks or ())
    assert 0 < told_s(path, "103") < heard["third"] + TOLERANCE_S
