"""Agents give their callers away: to a seat, a queue, a number outside; by the telephone's key and by ## in the talk.

That nothing is left over the fixture `floor` sees to after each test.
"""

import time

import pytest
import pytest_asyncio

from acd.core import events as ev
from acd.reports.legs import Legs
from ivr.asterisk import free_port
from tests.live.floor import open_floor
from tests.live.testsite import write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

OUTSIDE = "0895550155"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(prompt_cache, tmp_path_factory):
    """A site whose admin lets one number outside be called; somebody sits at its telephone."""
    port = free_port("127.0.0.1")
    includes = "include => seats\ninclude => line-echo\n"
    lets_out = f"{includes}exten => {OUTSIDE},1,Dial(PJSIP/trunk/sip:{OUTSIDE}@127.0.0.1:{port},5)\n"
    site = write_site(
        tmp_path_factory.mktemp("transfer") / "site",
        changes={includes: lets_out, "participant,S(30)": "participant,S(3)"},
    )
    async with open_floor(site, tmp_path_factory.mktemp("house"), prompt_cache) as floor:
        floor.handsets["outside"] = await floor._phones.phone(OUTSIDE, port=port)
        yield floor


async def in_talk(floor, seat="101"):
    """A caller who talks to an agent: his call, his number, the agent's end."""
    phone = await floor.agent(seat, answer_after_ms=0)
    caller, number = await floor.waiter()
    await floor.sees(ev.Connected)
    await floor.until(lambda: bool(phone.calls), "told by the telephone itself")
    return caller, number, phone.calls[0]


def path_of(floor, call):
    """What the report says of a call that is gone."""
    legs = Legs()
    for event, commands in floor.history:
        legs.note(event, commands)
    [path] = [path for path in legs.given if path.call == call]
    return path


def legs_of(floor, call):
    """With whom a call talked that is gone, and for how many seconds each, on hold or not, as the report says."""
    path = path_of(floor, call)
    return [leg.who for leg in path.legs], [(leg.talk_ms + leg.hold_ms) / 1000 for leg in path.legs]


def measured(*legs):
    """For how many seconds each of these telephones was in its call, by its own clock."""
    return [(leg.at_ns["ended"] - leg.at_ns["confirmed"]) / 1e9 for leg in legs]


async def keys(_floor, leg, to):
    """Give a caller away by ## and the number."""
    await leg.dtmf(f"##{to}")


async def refer(_floor, leg, to):
    """Give a caller away by the transfer key of the telephone."""
    assert (await leg.transfer(to)).code == 200


BY = pytest.mark.parametrize("give", [refer, keys], ids=["refer", "keys"])


@BY
async def test_to_another_seat(floor, give):
    """The seat rings and has the caller; who gave him is free, the other one busy until he hangs up."""
    await floor.handset("103")
    caller, number, leg = await in_talk(floor)
    await give(floor, leg, "103")
    await leg.ended()
    given = await floor.sees(ev.CallTransferred)
    assert (given.call, given.seat, given.to) == (floor.call(number).id, "101", "103")
    await floor.until(lambda: floor.seat("101").state == "ready", "free")
    second = await floor.rings("103")
    await second.answer()
    await floor.talk(caller, second)
    assert floor.seat("103").busy
    joined = await floor.sees(ev.LegJoined)
    assert (joined.call, joined.who) == (given.call, "103")
    await second.hang_up()
    await floor.hears(caller, "goodbye")
    assert [event.leg for event in floor.seen(ev.LegLeft)] == [joined.leg]
    await caller.hang_up()
    await floor.sees(ev.CallEnded)
    who, talked = legs_of(floor, given.call)
    assert who == ["101", "103"]
    assert talked == pytest.approx(measured(leg, second), abs=1.0)


@BY
async def test_to_a_queue(floor, give):
    """He waits in the other queue at the place of his first arrival, before one who came there later than that."""
    caller, number, leg = await in_talk(floor)
    first = floor.seen(ev.CallArrived, caller=number)[0].at
    other, later = await floor.waiter("5550103")
    await give(floor, leg, "302")
    await leg.ended()
    await floor.until(lambda: floor.call(number).queue == "support", "in the other queue")
    call = floor.call(number)
    assert abs(call.arrived - first) < 500
    assert call.key < floor.call(later).key
    assert call.give_up_at - call.given_at == 3_600_000
    await floor.until(lambda: floor.seat("101").state == "ready", "free")
    await floor.agent("103")
    ringing = await floor.rings("103")
    assert floor.offers()[-1] == (number, "103")
    await ringing.answer()
    await floor.talk(caller, ringing)
    assert other.state == "confirmed"


@BY
async def test_to_a_number_outside(floor, give):
    """A number that the admin lets be called rings, and the two talk."""
    caller, _, leg = await in_talk(floor)
    await give(floor, leg, OUTSIDE)
    await leg.ended()
    outside = await floor.rings("outside")
    await outside.answer()
    await floor.talk(caller, outside)
    assert (await floor.sees(ev.CallTransferred)).to == OUTSIDE
    await outside.hang_up()
    await floor.hears(caller, "goodbye")


@pytest.mark.parametrize("to", ["0900123456", "104", "102"], ids=["not let out", "not registered", "declines"])
async def test_nobody_takes_him(floor, to):
    """A number that must not be called, a telephone that is off, one who declines: he waits again, at his old place."""
    caller, number, leg = await in_talk(floor)
    phone = await floor.handset("102")
    await phone.on_call(answer_after_ms=0, code=603)
    first = floor.seen(ev.CallArrived, caller=number)[0].at
    await floor.handsets["101"].on_call(answer_after_ms=None)
    await refer(floor, leg, to)
    again = await floor.rings("101")
    await again.answer()
    call = floor.call(number)
    assert (call.queue, abs(call.arrived - first) < 500) == ("sales", True)
    await floor.talk(caller, again)


async def test_he_lets_it_ring(floor):
    """The caller gives up while the seat that he was given to rings: it stops."""
    await floor.handset("103")
    caller, number, leg = await in_talk(floor)
    call = floor.call(number).id
    await refer(floor, leg, "103")
    ringing = await floor.rings("103")
    await caller.hang_up()
    await ringing.ended()
    await floor.sees(ev.CallEnded, call=call)


async def test_given_on_and_on(floor):
    """Whoever has got a caller can give him on: to a seat, from there to a queue."""
    await floor.handset("103")
    _, number, leg = await in_talk(floor)
    await refer(floor, leg, "103")
    second = await floor.rings("103")
    await second.answer()
    await floor.sees(ev.LegJoined)
    await refer(floor, second, "302")
    await second.ended()
    await floor.until(lambda: floor.call(number).queue == "support", "in the queue")
    assert [(event.seat, event.to) for event in floor.seen(ev.CallTransferred)] == [("101", "103"), ("103", "302")]
    assert floor.call(number).given_at is not None


async def test_on_hold(floor):
    """The caller hears the music of his queue, then his agent again; the time is told as the telephone measured it."""
    caller, number, leg = await in_talk(floor)
    call = floor.call(number).id
    began = time.monotonic()
    await leg.hold()
    await floor.hears(caller, "music")
    await leg.unhold()
    held = time.monotonic() - began
    await floor.talk(caller, leg)
    told = floor.seen(ev.LegHeld, call=call)
    assert [event.held for event in told] == [True, False]
    assert (told[1].at - told[0].at) / 1000 == pytest.approx(held, abs=0.5)
    await floor.handset("103")
    await refer(floor, leg, "103")
    await (await floor.rings("103")).answer()
    await floor.sees(ev.LegJoined, call=call)
    await caller.hang_up()
    await floor.sees(ev.CallEnded, call=call)
    assert path_of(floor, call).legs[0].hold_ms / 1000 == pytest.approx(held, abs=0.5)


async def test_he_waits_on_in_the_other_queue(floor):
    """When Asterisk looks after him, every so often, he waits on: it remembers where talks lead, and he comes back."""
    caller, number, leg = await in_talk(floor)
    await refer(floor, leg, "302")
    await floor.until(lambda: len(floor.seen(ev.CallArrived, caller=number)) == 3, "led back once")
    await floor.agent("103")
    ringing = await floor.rings("103")
    await ringing.answer()
    await floor.talk(caller, ringing)
    await floor.server.desk.log_out("103")
