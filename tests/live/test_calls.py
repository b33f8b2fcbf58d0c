"""Whole calls: crowds, order, priority, transfer, overflow, and callers whose name is an attack."""

import asyncio

import pytest

from acd.core import events as ev
from acd.core.commands import Offer
from tests.live.phones import Row, Sipp, caller

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

CROWD = 60


async def test_sixty_at_once(floor, tmp_path):
    """Sixty who call in the same second all get into the queue, and all are served, in the order they came."""
    for seat in ("101", "102"):
        await floor.agent(seat, answer_after_ms=0, talk_ms=100)
    rows = [Row("5550102", f"55560{number:02}") for number in range(CROWD)]
    scenario = caller(stay_ms=60_000)
    async with await Sipp.start(scenario, tmp_path, floor.address, rows=rows, calls=CROWD, rate=CROWD) as crowd:
        tally = await crowd.finished()
    assert (tally.successful, tally.failed) == (CROWD, 0), crowd.errors()
    assert sorted(event.caller for event in floor.seen(ev.CallArrived)) == [row.name for row in rows]
    assert len(floor.offers()) == len(floor.seen(ev.Connected)) == CROWD
    waiting: dict[str, int] = {}
    for event, commands in floor.history:
        if isinstance(event, ev.CallArrived):
            waiting[event.call] = event.at
        for offer in commands:
            if isinstance(offer, Offer):
                came = waiting.pop(offer.call)
                assert came <= min(waiting.values(), default=came), "somebody who came earlier was known, and waited"


async def test_reception_goes_first(floor):
    """A call of a better priority class is served before one that has waited longer, by a seat that serves both."""
    _, sales = await floor.waiter("5550102")
    _, reception = await floor.waiter("5550104")
    await floor.agent("101", answer_after_ms=0, talk_ms=50)
    await floor.sees(ev.Connected)
    assert floor.offers()[0] == (reception, "101")
    assert floor.call(sales).state == "waiting"


async def test_nobody_waits_behind_what_cannot_be_served(floor):
    """A call for which nobody is there does not hold up one behind it for which somebody is."""
    await floor.waiter("5550103")
    _, sales = await floor.waiter("5550102")
    await floor.agent("101", answer_after_ms=0)
    await floor.sees(ev.Connected)
    assert floor.offers() == [(sales, "101")]


async def test_patience_ends_in_the_overflow(floor):
    """A caller who waited as long as his queue allows hears the overflow's prompt and is hung up on."""
    call, number = await floor.waiter("5550105")
    name = floor.call(number).id
    await floor.hears(call, "sorry-try-later")
    assert (await call.ended()).code == 200
    ended = await floor.sees(ev.CallEnded, call=name)
    [arrived] = floor.seen(ev.CallArrived, call=name)
    assert ended.at - arrived.at >= 10_000


async def test_a_transfer_rings_the_handset(floor):
    """`transfer 101` rings that handset, and the two hear each other; no queue has part in it."""
    phone = await floor.handset("101")
    call, _ = await floor.caller("5550106")
    leg = await floor.rings("101")
    await leg.answer()
    await floor.speaks(call, "caller")
    await floor.hears(leg, "caller")
    assert floor.seen(ev.CallArrived) == []
    assert phone.calls == [leg]


HOSTILE = (
    '"; DROP TABLE event; --',
    "${SHELL(touch {file})}",
    "$[1/0] ${CHANNEL(hangup)}",
    "`touch {file}` $(touch {file}) |touch {file}",
    "<script>alert(1)</script>",
    "x\\",
    "%s%n%0d%0aAction: Hangup%0d%0a",
    "ł" * 60,
)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_hostile_name_is_a_name(floor, tmp_path, name):
    """A caller whose name is code for the dialplan, a shell, SQL or HTML waits and is served like anybody."""
    file = tmp_path / "touched"
    leg_phone = await floor.agent("101", answer_after_ms=0)
    call, number = await floor.caller("5550102", name=name.replace("{file}", str(file)))
    await floor.sees(ev.Connected)
    assert floor.call(number).state == "talking"
    assert not file.exists()
    await floor.rings("101")  # it may learn of its call later than the core does
    assert len(leg_phone.calls) == 1
    assert call.state == "confirmed"


async def test_a_hostile_number_is_a_number(floor):
    """A number with a line break in it (%0d%0a in SIP) brings no line of its own into what callfloor reads."""
    own = "5551234%0d%0a%0d%0aEvent: Hangup%0d%0aUniqueid: 1"
    call = await floor.trunk.dial("5550102", caller_id=own)
    await call.confirmed()
    arrived = await floor.sees(ev.CallArrived)
    assert "\n" not in arrived.caller
    assert "\r" not in arrived.caller
    await floor.agent("101", answer_after_ms=0)
    await floor.sees(ev.Connected)


async def test_who_calls_again_is_a_new_call(floor):
    """Two calls of one number are two calls, each with its place."""
    calls = [await floor.trunk.dial("5550102", caller_id="5558888") for _ in range(2)]
    await asyncio.gather(*(call.confirmed() for call in calls))
    await floor.until(lambda: len(floor.seen(ev.CallArrived, caller="5558888")) == 2, "both there")
    await floor.agent("101", answer_after_ms=0, talk_ms=50)
    await floor.agent("102", answer_after_ms=0, talk_ms=50)
    await floor.until(lambda: len(floor.seen(ev.Connected)) == 2, "both served")
