"""Agents who log in at whatever phone is free: at one of nobody, and at a colleague's."""

import pytest

from acd.core import events as ev
from acd.core import pins
from tests.live.testsite import PIN

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

ENTRY = f"{PIN}#"


async def test_a_shift_at_a_phone_of_nobody(floor):
    """Seat 101 logs in in the lobby: there it rings, its lamp shows it, its codes are dialled; not at its own phone."""
    own = await floor.handset("101")
    watcher = await floor.handset("103")
    lamp = await watcher.watch("*5101")
    assert await floor.dials("lobby", "*13") == ["handset-not-logged-in"]
    heard = await floor.dials("lobby", "*11", ("handset-seat-number", "101#"), ("handset-pin", ENTRY))
    assert heard[-2:] == ["speech", "handset-ready"]
    await lamp.shows("Ready")
    assert (floor.seat("101").state, floor.seat("101").phone) == ("ready", "lobby")
    await floor.until(lambda: floor.seat("101").reachable and not floor.seat("101").busy, "reachable in the lobby")
    caller, number = await floor.waiter()
    leg = await floor.rings("lobby")
    assert floor.offers() == [(number, "101")]
    assert own.calls == []
    await leg.answer()
    await floor.sees(ev.Connected)
    await floor.talk(caller, leg)
    await lamp.shows("On the phone")
    await leg.hang_up()
    await floor.sees(ev.OfferEnded)
    assert await floor.dials("101", "*12") == ["handset-not-logged-in"]
    assert await floor.dials("lobby", "*142") == ["speech"]
    assert (floor.seat("101").state, floor.seat("101").pause_reason) == ("paused", "lunch")
    assert await floor.dials("lobby", "*12") == ["handset-logged-out"]
    assert (floor.seat("101").state, floor.seat("101").phone) == ("logged-out", "")


async def test_at_a_colleagues_phone(floor):
    """A star and the seat's number instead of the PIN; the colleague finds her phone taken until it is free again."""
    await floor.handset("101")
    heard = await floor.dials("101", "*11", ("handset-pin", "*102#"), ("handset-pin", ENTRY))
    assert heard[-2:] == ["speech", "handset-ready"]
    assert floor.seat("102").phone == "101"
    assert await floor.dials("101", "*11") == ["handset-taken"]
    assert await floor.server.desk.log_in("101", PIN) == "taken"
    await floor.until(lambda: not floor.seat("102").busy, "102 at rest")
    _, number = await floor.waiter()
    leg = await floor.rings("101")
    assert floor.offers() == [(number, "102")]
    await leg.hang_up()
    await floor.server.desk.pause("102", "lunch")
    await floor.hang_up()
    assert await floor.server.desk.log_out("102") == "ok"
    assert await floor.server.desk.log_in("101", PIN) == "ok"


async def test_a_shift_moves_to_another_phone(floor):
    """Who is logged in and sits down elsewhere takes the seat along; a phone that is unplugged is not rung."""
    own = await floor.agent("101")
    lobby = await floor.phone("lobby")
    heard = await floor.dials("lobby", "*11", ("handset-seat-number", "101#"), ("handset-pin", ENTRY))
    assert heard[-1] == "handset-ready"
    await floor.until(lambda: floor.seat("101").reachable, "reachable in the lobby")
    await lobby.unregister()
    await floor.until(lambda: not floor.seat("101").reachable, "unreachable")
    _, number = await floor.waiter()
    assert floor.offers() == []
    await lobby.register()
    await floor.rings("lobby")
    assert floor.offers() == [(number, "101")]
    assert own.calls == []


async def test_wrong_pins_lock_that_phone(floor):
    """A seat that there is not and a wrong PIN sound alike; ten tries lock the lobby, and no seat at its own phone."""
    for seat, pin in (("999", ENTRY), ("103", "12345#")):
        again = [("handset-pin", pin), ("handset-wrong-pin", "")] * 2
        await floor.dials("lobby", "*11", ("handset-seat-number", f"{seat}#"), *again, ("handset-pin", pin))
        assert len(floor.seen(ev.LogInAsked, seat=seat, phone="lobby")) == 3
    desk = floor.server.desk
    said = [await desk.log_in(seat, "12345", "lobby") for seat in ("103", "999") * pins.AWAY_MOST]
    assert said[-1] == "locked"
    assert await desk.log_in("103", PIN, "lobby") == "locked"
    assert await desk.log_in("103", PIN) == "ok"
    clock, until = floor.server.dispatcher.clock, floor.state.away["lobby"].locked_until
    await floor.until(lambda: clock() > until, "unlocked")
