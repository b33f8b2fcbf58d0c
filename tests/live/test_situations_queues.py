"""What Asterisk's own test suite tries with app_queue, tried with our queues. The table is in tests/test_situations.py.

Where app_queue had a bug in it, the situation is built so that the bug would show. That nobody is left over, and that
the journal accounts for each caller, the fixture `floor` sees to after each test.
"""

import asyncio
from collections import Counter

import pytest

from acd.core import events as ev
from acd.core.commands import Offer
from acd.core.floor import NOT_ANSWERING
from tests.live.floor import channels
from tests.live.manager import Manager, add_account
from tests.live.phones import Row, Sipp, caller
from tests.live.testsite import write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

ADMIN = "admin"
WRAP_UP_MS = 700
"""Of the queue support; sales has none."""

MORE_QUEUES = """
[full](queue)
waiting_most = 1
"""
MORE_NUMBERS = """
[full-number]
type = number
number = 5550120
go = queue full
[urgent-number]
type = number
number = 5550121
go = queue sales priority 1
[ahead-number]
type = number
number = 5550122
go = queue sales ahead 1h
"""


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory):
    """Give the test site with a small queue, more numbers, and an administrator at the manager interface."""
    folder = write_site(tmp_path_factory.mktemp("queues") / "site", acd=MORE_QUEUES)
    with (folder / "ivr.conf").open("a") as file:
        file.write(MORE_NUMBERS)
    add_account(folder, ADMIN, "all")
    return folder


def admin(floor):
    """Log the administrator in."""
    return Manager.at(floor.server.site.switch.ami_port, ADMIN)


def channel_of(floor, own):
    """Name a waiting caller's channel."""
    return floor.server.switch.channels.calls[floor.call(own).id].channel


def looks(floor):
    """Tell of each seat how `callfloor status` shows it, and why."""
    return {seat.name: (seat.look, seat.reason) for seat in floor.server.status().seats}


async def sent(floor, phone):
    """Wait for the call that an administrator sent to a phone."""
    await floor.until(lambda: bool(phone.calls), f"{phone} has a call")
    return phone.calls[0]


async def redirect(floor, own, to):
    """Have an administrator send a caller to an extension."""
    async with admin(floor) as manager:
        said = await manager.ask(
            "Redirect", f"Channel: {channel_of(floor, own)}", "Context: seats", f"Exten: {to}", "Priority: 1"
        )
    assert b"Response: Success" in said


async def served(floor, count):
    """Wait until so many were served; gives who, in their order."""
    await floor.until(lambda: len(floor.seen(ev.OfferEnded, outcome="hung-up")) == count, f"{count} served")
    return [number for number, _ in floor.offers()]


async def test_order_by_class_head_start_and_arrival(floor):
    """An urgent call goes first, then one with a head start, then the others as they came."""
    plain, late = (await floor.waiter())[1], (await floor.waiter())[1]
    ahead, urgent = (await floor.waiter("5550122"))[1], (await floor.waiter("5550121"))[1]
    await floor.agent("101", answer_after_ms=0, talk_ms=50)
    assert await served(floor, 4) == [urgent, ahead, plain, late]


async def test_a_full_queue_takes_nobody(floor):
    """Who finds a queue full hears so and is hung up on; who waits in it keeps his place."""
    first, own = await floor.waiter("5550120")
    second, _ = await floor.caller("5550120")
    await floor.hears(second, "sorry-try-later")
    await second.ended()
    assert floor.call(own).state == "waiting"
    await floor.hears(first, "music")


async def test_wrap_up_counts_for_all_queues_of_a_seat(floor):
    """After a talk of a queue with wrap-up, calls of its other queue wait for the end of it too."""
    phone = await floor.agent("102", answer_after_ms=0)
    await floor.waiter("5550103")
    await floor.sees(ev.Connected)
    await floor.waiter("5550102")
    await phone.calls[0].hang_up()
    ended = await floor.sees(ev.OfferEnded)
    await floor.until(lambda: len(floor.seen(ev.Connected)) == 2, "the other queue's call served")
    [_, again] = [event.at for event, commands in floor.history if any(isinstance(c, Offer) for c in commands)]
    assert again >= ended.at + WRAP_UP_MS


async def test_without_wrap_up_the_other_queue_is_next_at_once(floor):
    """After a talk of a queue without wrap-up the seat is offered its other queue's call in the same moment."""
    phone = await floor.agent("102", answer_after_ms=0)
    await floor.waiter("5550102")
    await floor.sees(ev.Connected)
    await floor.waiter("5550103")
    await phone.calls[0].hang_up()
    ended = await floor.sees(ev.OfferEnded)
    [follows] = [commands for event, commands in floor.history if event is ended]
    assert any(isinstance(command, Offer) for command in follows)


async def test_all_are_paused_then_one_is_not(floor):
    """While all seats pause nobody rings; the first who is ready does. Why they pause is there to see."""
    for seat, reason in (("101", "lunch"), ("102", "training")):
        await floor.agent(seat)
        await floor.server.desk.pause(seat, reason)
    call, own = await floor.waiter()
    await floor.hears(call, "music")
    assert floor.offers() == []
    assert {seat: looks(floor)[seat] for seat in ("101", "102")} == {
        "101": ("paused", "lunch"),
        "102": ("paused", "training"),
    }
    await floor.server.desk.ready("102")
    await floor.rings("102")
    assert floor.offers() == [(own, "102")]


async def test_set_aside_beside_a_phone_in_use(floor):
    """Of two seats one telephones and one declines: the first is not rung, the second is set aside, the call waits."""
    busy, other = await floor.agent("101"), await floor.handset("103")
    await other.on_call(answer_after_ms=0)
    private = await busy.dial("103")
    await private.confirmed()
    await floor.until(lambda: floor.seat("101").busy, "busy")
    await floor.agent("102", answer_after_ms=0, code=603)
    _, own = await floor.waiter()
    await floor.until(lambda: floor.seat("102").state == "paused", "set aside")
    assert looks(floor)["102"] == ("paused", NOT_ANSWERING)
    assert floor.offers() == [(own, "102")] * 3
    await private.hang_up()
    await floor.rings("101")


async def test_two_queues_do_not_ring_one_phone_at_once(floor):
    """Calls of two queues that come in the same instant to their only seat: one rings it, the other waits for it."""
    phone = await floor.agent("102", answer_after_ms=0, talk_ms=50)
    numbers = ["5550102", "5550103"] * 3
    calls = await asyncio.gather(*(floor.trunk.dial(number, caller_id=f"77{i}") for i, number in enumerate(numbers)))
    await asyncio.gather(*(call.confirmed() for call in calls))
    await served(floor, len(numbers))
    ringing, most = set(), 0
    for event, commands in floor.history:
        if isinstance(event, ev.OfferEnded):
            ringing.discard(event.offer)
        ringing |= {command.offer for command in commands if isinstance(command, Offer)}
        most = max(most, len(ringing))
    assert most == 1
    assert set(Counter(floor.offers()).values()) == {1}
    assert not phone.calls


async def test_a_caller_is_redirected_away(floor):
    """An administrator sends a waiting caller to a phone: no seat is rung for him any more, and nobody takes him."""
    call, own = await floor.waiter()
    desk, phone = await floor.handset("103"), await floor.agent("101")
    ring = await floor.rings("101")
    await desk.on_call(answer_after_ms=0)
    await redirect(floor, own, "103")
    await floor.sees(ev.CallEnded, reason="key-exit")
    await ring.ended()
    await floor.talk(call, await sent(floor, desk))
    _, other = await floor.waiter()
    await (await floor.rings("101")).answer()
    await floor.until(lambda: floor.call(other).state == "talking", "the next caller served")
    await floor.talk(call, desk.calls[0])
    assert len(phone.calls) == 1
    assert Counter(floor.offers()) == {(own, "101"): 1, (other, "101"): 1}


async def test_a_caller_is_bridged_elsewhere_and_comes_back(floor):
    """Joined to somebody by an administrator's Bridge he is no seat's; after it he waits again, at his old place."""
    call, own = await floor.waiter()
    _, second = await floor.waiter()
    desk, other = await floor.handset("103"), await floor.handset("104")
    await desk.on_call(answer_after_ms=0)
    private = await other.dial("103")
    await private.confirmed()
    [theirs] = [name for name in channels(floor.server.instance) if name.startswith("PJSIP/103-")]
    async with admin(floor) as manager:
        await manager.ask("Bridge", f"Channel1: {channel_of(floor, own)}", f"Channel2: {theirs}")
    await floor.sees(ev.CallEnded, reason="key-exit")
    await floor.talk(call, desk.calls[0])
    await desk.calls[0].hang_up()
    await floor.until(lambda: any(c.caller == own for c in floor.state.calls.values()), "back")
    await floor.agent("101", answer_after_ms=0, talk_ms=50)
    assert (await served(floor, 2)) == [own, second]


async def test_a_caller_is_redirected_out_of_a_talk(floor):
    """An administrator takes a caller out of his talk: the agent is free at once, the caller is where he was sent."""
    phone = await floor.agent("101", answer_after_ms=0)
    call, own = await floor.waiter()
    await floor.sees(ev.Connected)
    desk = await floor.handset("103")
    await desk.on_call(answer_after_ms=0)
    await redirect(floor, own, "103")
    await floor.sees(ev.OfferEnded, outcome="hung-up")
    await floor.until(lambda: floor.seat("101").state == "ready", "the agent is free")
    await floor.talk(call, await sent(floor, desk))
    _, other = await floor.waiter()
    await floor.until(lambda: floor.call(other).state == "talking", "the next caller served")
    assert len(phone.calls) == 1


async def test_both_are_redirected_out_of_a_talk(floor):
    """The caller is thrown back into the hold and his agent sent to a colleague: then the agent gets him once more."""
    phone = await floor.agent("101", answer_after_ms=0)
    _, own = await floor.waiter()
    joined = await floor.sees(ev.Connected)
    desk = await floor.handset("103")
    await desk.on_call(answer_after_ms=0)
    [leg] = [name for name in channels(floor.server.instance) if name.startswith("PJSIP/101-")]
    async with admin(floor) as manager:
        await manager.ask(
            "Redirect",
            f"Channel: {channel_of(floor, own)}\r\nContext: acd-hold\r\nExten: s\r\nPriority: 1",
            f"ExtraChannel: {leg}\r\nExtraContext: seats\r\nExtraExten: 103\r\nExtraPriority: 1",
        )
    await floor.until(lambda: len(floor.seen(ev.CallArrived, caller=own)) == 2, "in the hold again")
    await floor.talk(await sent(floor, desk), phone.calls[0])
    assert floor.offers() == [(own, "101")]
    await phone.calls[0].hang_up()
    await floor.sees(ev.OfferEnded, offer=joined.offer)
    await floor.until(lambda: len(floor.seen(ev.Connected)) == 2, "served again")
    assert floor.offers() == [(own, "101")] * 2


async def test_seats_are_reloaded_under_traffic(floor, tmp_path):
    """Forty callers in four seconds, and seats come and go by reload all the while: each is served, once, in order."""
    for seat in ("101", "102"):
        await floor.agent(seat, answer_after_ms=0, talk_ms=50)
    file = floor.server.folder / "acd.conf"
    before = file.read_text()
    more = before + "[105](seat)\nagent = Eve Lang\nqueues = sales\n"
    less = more.replace("queues = support\n[104]", "queues = sales\n[104]")
    rows = [Row("5550102", f"55561{number:02}") for number in range(40)]
    try:
        async with await Sipp.start(
            caller(stay_ms=60_000), tmp_path, floor.address, rows=rows, calls=40, rate=10
        ) as crowd:
            for number in range(6):
                file.write_text((more, less, before)[number % 3])
                seats = len(floor.seen(ev.SeatsConfigured))
                floor.server.reload_soon()
                await floor.until(lambda seats=seats: len(floor.seen(ev.SeatsConfigured)) > seats, "reloaded")
            tally = await crowd.finished()
    finally:
        file.write_text(before)
    assert (tally.successful, tally.failed) == (40, 0), crowd.errors()
    assert [number for number, _ in floor.offers()] == [event.caller for event in floor.seen(ev.CallArrived)]
    assert len(floor.seen(ev.Connected)) == 40
