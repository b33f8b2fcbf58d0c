"""Callbacks: a caller who waits takes one by a key, keeps his place, and is called over a trunk when it is his turn."""

import asyncio

import pytest
import pytest_asyncio

from acd.core.events import CallArrived, CallEnded, Connected, KeyPressed, LegAnswered, LegEnded, LegFailed
from ivr.mailbox import CLOSED, RECORDINGS, messages
from tests.live.floor import Floor, open_floor
from tests.live.provider import registered, write_provider
from tests.live.testsite import write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

MORE = """
[general](+)
snapshot_interval = 1h
[carrier]
type = trunk
host = 127.0.0.1
port = {port}
user = 801
password = {password}
match = 127.0.0.2
qualify = 2s
[main-lines]
type = lines
lines = carrier*3
keep_callback = 1
[calling-out]
country = DE
lines = main-lines
ring = 5s
number_day_most = 0
seat_hour_most = 0
[sales](+)
key = 1, callback
key = 2, voicemail
callback_tries = 2
callback_retry = 10s
[patience](+)
overflow_wait = callback
overflow_closed = callback
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(make_instance, tmp_path_factory, prompt_cache):
    """Give a floor that calls out over a trunk to another Asterisk, and is called by the demo's callers."""
    theirs = write_provider(tmp_path_factory.mktemp("carrier") / "site")
    provider = await asyncio.to_thread(make_instance, "customers", site_folder=theirs)
    switch, seats = provider.site.switch, provider.site.seats
    folder = write_site(
        tmp_path_factory.mktemp("back") / "site",
        acd=MORE.format(port=switch.sip_port, password=seats["801"].secret),
    )
    async with open_floor(folder, tmp_path_factory.mktemp("house"), prompt_cache) as floor:
        await registered(floor)
        yield floor


@pytest_asyncio.fixture(loop_scope="module")
async def floor(both: Floor):
    """Give the floor with nobody on it; leave it so."""
    both.begin()
    await both.until(lambda: not any(line.in_use for line in both.state.lines.values()), "lines that can be used")
    yield both
    await both.clear()


def number(digit: str, who: int = 0) -> str:
    """A customer's number, on which happens what the digit says."""
    return f"0301234567{who:02}{digit}"


def at_home(who: int) -> str:
    """The number of a customer whose telephone is the provider's 803."""
    return f"0301234569{who:02}"


async def waits(floor: Floor, own: str, queue: str = "5550102"):
    """A customer calls in and waits."""
    call = await floor.trunk.dial(queue, caller_id=own)
    await call.confirmed()
    await floor.sees(CallArrived, caller=own, medium="voice")
    return call


async def test_a_key_keeps_the_place_and_the_customer_is_called(floor):
    """He presses 1, hears his number, presses 1, and is gone; before those who came later an agent calls him."""
    own = number("6")
    call = await waits(floor, own)
    _, later = await floor.waiter()
    arrived = floor.call(own).arrived
    await call.dtmf("1")
    await floor.sees(KeyPressed, key="1")
    await floor.hears(call, "speech")
    await call.dtmf("1")
    await floor.hears(call, "callback-promised")
    await call.ended()
    [back] = [one for one in floor.state.calls.values() if one.medium == "callback"]
    assert (back.caller, back.queue, back.arrived, back.state) == ("+49" + own[1:], "sales", arrived, "waiting")
    agent = await floor.agent("101", answer_after_ms=0)
    await floor.sees(LegAnswered)
    assert back.id not in floor.state.calls
    assert floor.state.calls[floor.call(later).id].state == "waiting"
    assert next(caller for caller, _ in floor.offers()) == back.caller
    leg = await floor.rings("101")
    await leg.hang_up()
    await floor.sees(LegEnded, outcome="hung-up")
    await floor.until(lambda: floor.call(later).state in {"offered", "talking"}, "the next one")
    assert agent.registered


async def promised(floor: Floor, own: str, queue: str = "5550102"):
    """A customer takes a callback; gives it as the core has it."""
    call = await waits(floor, own, queue)
    await call.dtmf("1")
    await floor.hears(call, "speech")
    await call.dtmf("1")
    await floor.hears(call, "callback-promised")
    await call.ended()
    return next(one for one in floor.state.calls.values() if one.caller == "+49" + own[1:])


async def test_another_number_is_typed(floor):
    """One that may not be called is refused, the next one is taken; who asks twice has one callback."""
    call = await waits(floor, "12")  # no number that could be called
    await call.dtmf("1")
    await floor.hears(call, "callback-type")
    await call.dtmf("0900123456#")
    await floor.hears(call, "callback-not-this")
    await floor.hears(call, "callback-type")
    await call.dtmf(number("0", 7) + "#")
    await floor.hears(call, "callback-promised")
    await call.ended()
    await promised(floor, number("0", 7))
    backs = [one for one in floor.state.calls.values() if one.medium == "callback"]
    assert [one.caller for one in backs] == ["+49" + number("0", 7)[1:]]
    await floor.agent("102", answer_after_ms=0)
    await floor.sees(LegEnded, outcome="hung-up")


async def test_who_wants_none_keeps_waiting(floor):
    """He pressed a key by mistake, says nothing, and stands where he stood."""
    call = await waits(floor, number("0", 8))
    was = floor.call(number("0", 8))
    _, later = await floor.waiter()
    await call.dtmf("1")
    await floor.hears(call, "callback-waits-on", within_s=60)
    await floor.until(lambda: floor.call(number("0", 8)).state == "waiting", "waiting again")
    assert floor.call(number("0", 8)).arrived == pytest.approx(was.arrived, abs=20)  # by the switch's own clock
    await floor.agent("101", answer_after_ms=0)
    await floor.sees(Connected)
    assert floor.call(later).state == "waiting"


async def test_a_closed_queue_offers_one(floor):
    """Who calls when it is closed is called back when somebody is there."""
    floor.server.supervisor.close_queue("patience")
    call = await floor.trunk.dial("5550105", caller_id=number("0", 9))
    await call.confirmed()
    await floor.hears(call, "speech")
    await call.dtmf("1")
    await floor.hears(call, "callback-promised")
    await call.ended()
    floor.server.supervisor.open_queue("patience")
    [back] = [one for one in floor.state.calls.values() if one.medium == "callback"]
    assert (back.queue, back.state) == ("patience", "waiting")
    floor.server.dispatcher.submit(CallEnded(call=back.id))


async def test_a_customer_who_does_not_answer_is_tried_again_and_then_no_more(floor):
    """After the queue's time, so often as it says."""
    back = await promised(floor, number("1", 10))
    await floor.agent("101", answer_after_ms=0)
    await floor.sees(LegFailed, outcome="busy")
    await floor.until(lambda: back.state == "waiting", "put off")
    assert (back.attempts, back.id in floor.state.calls) == (1, True)
    await floor.until(lambda: len(floor.seen(LegFailed)) == 2, "the second time", within_s=40)
    await floor.until(lambda: back.id not in floor.state.calls, "no more")
    first, second = floor.seen(LegFailed)
    assert second.at - first.at >= 10_000


async def test_who_left_a_message_is_called_back_from_it(floor):
    """The agent presses 3 while he hears it; when the customer answers the message is closed, and put away so."""
    own = number("6", 11)
    call = await floor.trunk.dial("5550108", caller_id=own)
    await call.confirmed()
    recordings = floor.server.home / RECORDINGS
    await floor.until(lambda: any(recordings.glob("*.wav")), "the tone")
    await floor.speaks(call, "caller")
    await floor.listen(call, 2_500)
    await call.hang_up()
    message = await floor.sees(CallArrived, caller=own, medium="voicemail")
    await floor.agent("103")
    leg = await floor.rings("103")
    await leg.answer()
    await floor.hears(leg, "caller")
    await leg.dtmf("3")
    await floor.sees(LegAnswered)
    assert message.call not in floor.state.calls
    await leg.hang_up()
    await floor.sees(LegEnded, outcome="hung-up")
    [closed] = messages(recordings / CLOSED)
    assert (closed.id, closed.code) == (message.call, "called-back")
