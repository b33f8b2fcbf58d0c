"""What an agent's phone can do to an offer, and what an agent can do to his seat while calls come in."""

import os
import signal

import pytest

from acd.core import events as ev
from acd.core.commands import Offer
from acd.core.floor import NOT_ANSWERING
from tests.live.testsite import PIN

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

WRAP_UP_MS = 700
"""Of the queue support."""


async def test_the_longest_idle_seat_is_rung(floor):
    """Of two free seats the one that has been idle longer gets the call; after its talk it is the other's turn."""
    first = await floor.agent("102", answer_after_ms=0)
    await floor.agent("101", answer_after_ms=0)
    _, one = await floor.waiter()
    await floor.sees(ev.Connected)
    await first.calls[0].hang_up()
    await floor.until(lambda: floor.seat("102").state == "ready", "ready")
    _, two = await floor.waiter()
    assert floor.offers() == [(one, "102"), (two, "101")]


async def test_a_refusal_goes_to_the_next(floor):
    """An agent who declines (603) is passed over; the caller waits on and talks to the next one."""
    await floor.agent("102", answer_after_ms=0, code=603)
    await floor.agent("101", answer_after_ms=0)
    _, caller = await floor.waiter()
    connected = await floor.sees(ev.Connected)
    refused, taken = [command for _, commands in floor.history for command in commands if isinstance(command, Offer)]
    assert (await floor.sees(ev.OfferEnded, offer=refused.offer)).outcome == "refused"
    assert connected.offer == taken.offer
    assert floor.offers() == [(caller, "102"), (caller, "101")]


async def test_a_busy_phone_rests(floor):
    """A handset that answers 486 without ringing is left alone for a moment; that is not held against its agent."""
    await floor.agent("103", answer_after_ms=0, code=486)
    _, caller = await floor.waiter("5550103")
    assert (await floor.sees(ev.OfferEnded)).outcome in {"busy", "refused"}
    await floor.until(lambda: floor.call(caller).state == "waiting", "waiting again")
    await floor.agent("102", answer_after_ms=0)
    await floor.sees(ev.Connected)
    assert floor.offers() == [(caller, "103"), (caller, "102")]


async def test_no_answer_keeps_the_place(floor):
    """A phone that rings out sends the caller back to the head of his queue: the next free agent gets him first."""
    await floor.agent("101")
    _, first = await floor.waiter()
    _, second = await floor.waiter()
    assert (await floor.sees(ev.OfferEnded)).outcome == "no-answer"
    await floor.agent("102", answer_after_ms=0)
    await floor.sees(ev.Connected)
    assert floor.offers()[0] == (first, "101")
    assert (first, "102") in floor.offers()
    assert (second, "102") not in floor.offers()
    assert floor.call(first).state == "talking"


async def test_who_never_answers_is_set_aside(floor):
    """After three offers in a row that were not taken a seat is paused, with the reason, until its agent is ready."""
    phone = await floor.agent("101", answer_after_ms=0, code=603)
    _, caller = await floor.waiter()
    await floor.until(lambda: floor.seat("101").state == "paused", "set aside")
    assert floor.seat("101").pause_reason == NOT_ANSWERING
    assert floor.offers() == [(caller, "101")] * 3
    await phone.on_call(answer_after_ms=0)
    assert await floor.server.desk.ready("101") == "ok"
    await floor.sees(ev.Connected)


async def test_a_dead_phone_is_no_ones_fault(floor):
    """A phone that lost power while registered: the call goes on to another agent, its own agent is not set aside."""
    phone = await floor.agent("102")
    os.kill(phone.pid, signal.SIGKILL)
    del floor.handsets["102"]
    await floor.agent("101", answer_after_ms=0)
    _, caller = await floor.waiter()
    assert (await floor.sees(ev.OfferEnded)).outcome == "unreachable"
    await floor.sees(ev.Connected)
    assert floor.offers() == [(caller, "102"), (caller, "101")]
    assert floor.seat("102").unanswered == 0


async def test_an_unregistered_phone_is_not_rung(floor):
    """An agent without a registered handset is offered nothing; as soon as it registers, it rings."""
    phone = await floor.agent("101")
    await phone.unregister()
    await floor.until(lambda: not floor.seat("101").reachable, "unreachable")
    _, caller = await floor.waiter()
    assert floor.offers() == []
    await phone.register()
    await floor.rings("101")
    assert floor.offers() == [(caller, "101")]


async def test_a_phone_in_use_is_not_rung(floor):
    """An agent who telephones by himself is offered no call until he has hung up."""
    phone = await floor.agent("101")
    other = await floor.handset("103")
    await other.on_call(answer_after_ms=0)
    private = await phone.dial("103")
    await private.confirmed()
    await floor.until(lambda: floor.seat("101").busy, "busy")
    _, caller = await floor.waiter()
    assert floor.offers() == []
    await private.hang_up()
    await floor.rings("101")
    assert floor.offers() == [(caller, "101")]


async def test_wrap_up_lasts_as_long_as_its_queue_says(floor):
    """A seat rests after a talk for its queue's time, to the millisecond of the journal; then it gets the next call."""
    phone = await floor.agent("103", answer_after_ms=0)
    await floor.waiter("5550103")
    await floor.sees(ev.Connected)
    await floor.waiter("5550103")
    await phone.calls[0].hang_up()
    ended = await floor.sees(ev.OfferEnded)
    [offer] = floor.seat("103").work
    assert floor.state.offers[offer].deadline == ended.at + WRAP_UP_MS
    await floor.until(lambda: len(floor.offers()) == 2, "offered the next")
    [cause] = [event for event, commands in floor.history[1:] if any(isinstance(c, Offer) for c in commands)][1:]
    assert isinstance(cause, ev.DeadlineReached)
    assert cause.at >= ended.at + WRAP_UP_MS


async def test_wishes_wait_for_the_end_of_a_talk(floor):
    """A pause that is asked for during a talk does not cut it: it begins when the talk is over."""
    phone = await floor.agent("101", answer_after_ms=0)
    await floor.waiter()
    await floor.sees(ev.Connected)
    assert await floor.server.desk.pause("101", "lunch") == "later"
    assert floor.seat("101").state == "talking"
    await phone.calls[0].hang_up()
    await floor.until(lambda: floor.seat("101").state == "paused", "paused")
    assert floor.seat("101").pause_reason == "lunch"


async def test_logging_out_while_ringing(floor):
    """An agent who logs out while his phone rings leaves at once; the caller goes to the next."""
    await floor.agent("101")
    _, caller = await floor.waiter()
    ringing = await floor.rings("101")
    assert await floor.server.desk.log_out("101") == "later"
    await ringing.ended()
    await floor.agent("102", answer_after_ms=0)
    await floor.sees(ev.Connected)
    assert floor.seat("101").state == "logged-out"
    assert floor.offers() == [(caller, "101"), (caller, "102")]


async def test_a_seat_takes_one_call_at_a_time(floor):
    """However many wait, a seat has one call; the rest keep their music and their order."""
    phone = await floor.agent("101", answer_after_ms=0, talk_ms=50)
    callers = [(await floor.waiter())[1] for _ in range(4)]
    await floor.until(lambda: len(floor.seen(ev.OfferEnded, outcome="hung-up")) == 4, "all served")
    assert floor.offers() == [(caller, "101") for caller in callers]
    assert not phone.calls


async def test_a_wrong_pin_is_refused(floor):
    """Whoever has not the PIN is not let in, and nobody is told whether the seat exists."""
    await floor.handset("101")
    assert await floor.server.desk.log_in("101", PIN + "1") == "wrong-pin"
    assert await floor.server.desk.log_in("999", PIN) == "wrong-pin"
    assert await floor.server.desk.log_in("101", PIN) == "ok"
