"""An agent dials *8 and a seat's number, and what rings there rings at his own telephone."""

import pytest

from acd.core import events as ev

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]


async def test_what_rings_at_a_seat_rings_at_who_asks(floor):
    """It stops there, rings here as soon as the phone is down, and the two talk; nobody else was rung between."""
    await floor.agent("101")
    caller, number = await floor.waiter()
    first = await floor.rings("101")
    await floor.agent("102")
    assert await floor.dials("102", "*8101") == ["handset-pulled"]
    await first.ended()
    second = await floor.rings("102")
    await second.answer()
    await floor.talk(caller, second)
    assert floor.offers() == [(number, "101"), (number, "102")]
    assert [event.outcome for event in floor.seen(ev.OfferEnded)] == ["withdrawn"]
    assert (floor.seat("101").state, floor.seat("101").unanswered) == ("ready", 0)


async def test_why_it_cannot_be_is_said(floor):
    """Nothing rings there; it is of a queue that he does not serve; he is not logged in: it rings on where it did."""
    await floor.agent("101")
    await floor.agent("103")
    assert await floor.dials("103", "*8101") == ["handset-not-ringing"]
    await floor.waiter()
    first = await floor.rings("101")
    assert await floor.dials("103", "*8101") == ["handset-not-served"]
    assert await floor.dials("102", "*8101") == ["handset-not-logged-in"]
    assert first.state == "ringing"
