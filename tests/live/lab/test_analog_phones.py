"""Agents with analog telephones and the real drivers: dial tone, codes as tones, ringing with caller ID, hook flash."""

import re

import pytest

from acd.core import events as ev
from acd.reports.legs import Leg, Legs
from tests.live.lab.far import AWAY, End
from tests.live.lab.site import CHANNEL, PHONES, LabFloor
from tests.live.testsite import PIN

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def lifts_and_dials(lab: LabFloor, seat: str, code: str) -> End:
    """Take a telephone off its hook and dial a code."""
    return await lab.world.call(PHONES[seat], code)


async def is_on_hook(lab: LabFloor, seat: str, phone: End) -> None:
    """Wait until the switch has put a telephone back, and seen it."""
    await phone.over()
    await lab.until(lambda: not lab.seat(seat).busy, f"the telephone of {seat} back on its hook")


async def logs_in(lab: LabFloor, seat: str) -> None:
    """Log in by *11 and PIN, all of it tones."""
    phone = await lifts_and_dials(lab, seat, "*11")
    await phone.hears("handset-pin")
    await phone.press(f"{PIN}#")
    await phone.hears("handset-ready")
    await is_on_hook(lab, seat, phone)


async def rings(lab: LabFloor, seat: str) -> End:
    """Wait until a telephone rings, and has been told who calls."""
    return await lab.world.rings(f"DAHDI/{PHONES[seat] + AWAY}-")


def legs_of(lab: LabFloor, call: str) -> list[Leg]:
    """With whom a caller talked who is gone, as reports have it."""
    legs = Legs()
    for event, commands in lab.history:
        legs.note(event, commands)
    return next(path.legs for path in legs.given if path.call == call)


async def test_a_caller_who_gives_up_stops_the_ringing(lab: LabFloor):
    """It shows who calls and for what; it is rung in the moment after the log-in, while its line settles."""
    await logs_in(lab, "101")
    caller = await lab.world.call(CHANNEL, "5550102", caller="5557201", name="Maria")
    await lab.sees(ev.CallArrived, queue="sales", caller="5557201")
    phone = await rings(lab, "101")
    assert phone.number == "5557201"
    assert {"Maria", "sales"} <= set(re.findall(r"\w+", phone.name))
    await lab.sees(ev.OfferRinging)
    await caller.hang_up()
    await lab.sees(ev.OfferEnded, outcome="withdrawn")
    await phone.over()


async def test_a_telephone_is_lifted_at_once(lab: LabFloor):
    """In the moment after the log-in the next call is there, and is answered; either side may end it."""
    await logs_in(lab, "101")
    for agent_ends in (True, False):
        caller = await lab.world.call(CHANNEL, "5550102", caller="5557202")
        phone = await rings(lab, "101")
        await phone.answer()
        await lab.talk(caller, phone)
        if agent_ends:
            await phone.hang_up()
            await caller.hears("goodbye")
            await caller.over()
        else:
            await caller.hang_up()
            await phone.over()
    await lab.until(lambda: len(lab.seen(ev.OfferEnded, outcome="hung-up")) == 2, "the end of both talks")


async def test_a_new_server_finds_who_talks(lab: LabFloor):
    """Whose leg a lifted telephone is stands in the switch: it is no call of the seat's own, and its end is told."""
    assert await lab.server.desk.log_in("101", PIN) == "ok"
    caller = await lab.world.call(CHANNEL, "5550102", caller="5557204")
    phone = await rings(lab, "101")
    await phone.answer()
    await lab.sees(ev.Connected)
    channels = lab.server.switch.channels
    channels.legs.clear()  # as a new process begins
    channels.wires.forget()
    before = len(lab.seen(ev.Snapshot))
    lab.server.switch.take_snapshot()
    await lab.until(lambda: len(lab.seen(ev.Snapshot)) > before, "a look at the switch")
    [leg] = lab.seen(ev.Snapshot)[before].legs
    assert (leg.seat, leg.joined) == ("101", True)
    assert not lab.seat("101").busy
    await lab.talk(caller, phone)
    await phone.hang_up()
    await lab.sees(ev.OfferEnded, outcome="hung-up")
    await caller.hears("goodbye")


async def test_a_shift_by_hook_flash_and_keys(lab: LabFloor):
    """Log in, take a call, flash, ask a colleague while the caller hears music, hang up: they talk; end the wrap-up."""
    await logs_in(lab, "101")
    caller = await lab.world.call(CHANNEL, "5550104", caller="5557203", name="Maria")
    phone = await rings(lab, "101")
    await phone.answer()
    await lab.talk(caller, phone)
    call = lab.call("5557203").id

    await phone.flash()
    await caller.hears("music")
    await phone.press("102")
    colleague = await rings(lab, "102")
    await colleague.answer()
    await colleague.speak("third")
    await phone.hears("third")
    held = await lab.sees(ev.LegHeld, call=call)
    assert held.held

    await phone.hang_up()
    given = await lab.sees(ev.CallTransferred, call=call)
    assert (given.seat, given.to, given.asked_first) == ("101", "102", True)
    await lab.talk(caller, colleague)
    assert (await lab.sees(ev.LegJoined, call=call)).who == "102"
    await lab.until(lambda: lab.seat("101").state == "wrap-up", "wrap-up of 101")

    wraps_up = await lab.world.dial(PHONES["101"], "*15")
    await lab.until(lambda: lab.seat("101").state == "ready", "wrap-up of 101 ended by *15")
    await is_on_hook(lab, "101", wraps_up)
    await colleague.hang_up()
    await caller.hears("goodbye")
    await caller.over()
    await lab.sees(ev.CallEnded, call=call)
    first, second = legs_of(lab, call)
    assert (first.who, second.who) == ("101", "102")
    assert first.end is not None
    assert min(first.hold_ms, first.talk_ms) > 0
    assert first.hold_ms + first.talk_ms == first.end - first.start
    assert second.start == pytest.approx(first.end, abs=2_000)
    assert second.talk_ms > 0


async def test_a_caller_is_given_to_a_queue_by_hook_flash(lab: LabFloor):
    """The agent asks there, hears its music and hangs up: his caller waits in that queue, as long as since he came."""
    assert await lab.server.desk.log_in("101", PIN) == "ok"
    caller = await lab.world.call(CHANNEL, "5550102", caller="5557205")
    phone = await rings(lab, "101")
    await phone.answer()
    await lab.talk(caller, phone)
    await phone.flash()
    await caller.hears("music")
    await phone.press("302")
    await phone.hears("music")
    await phone.hang_up()
    given = await lab.sees(ev.CallTransferred)
    assert (given.seat, given.to, given.asked_first) == ("101", "support", True)
    await lab.until(lambda: lab.call("5557205").state == "waiting", "the caller waiting again")
    call = lab.call("5557205")
    assert call.queue == "support"
    assert call.given_at is not None
    assert call.arrived < call.given_at
    await lab.until(lambda: (lab.seat("101").state, lab.seat("101").busy) == ("ready", False), "101 free")


async def test_a_caller_is_given_away_by_keys(lab: LabFloor):
    """By ## and a colleague's number, as from any telephone; the agent is out of it at once."""
    assert await lab.server.desk.log_in("101", PIN) == "ok"
    caller = await lab.world.call(CHANNEL, "5550102", caller="5557206")
    phone = await rings(lab, "101")
    await phone.answer()
    await lab.talk(caller, phone)
    await phone.press("##103")
    colleague = await rings(lab, "103")
    await colleague.answer()
    await lab.talk(caller, colleague)
    given = await lab.sees(ev.CallTransferred)
    assert (given.seat, given.to, given.asked_first) == ("101", "103", False)
    await phone.over()
