"""Hostile keys: floods of them from callers, and PINs guessed by the hundred."""

import asyncio
import contextlib

import pytest

from acd.core.commands import Reply
from acd.core.events import CallArrived, CallEnded, Connected, LogInAsked
from tests.live.testsite import PIN, write_site
from tests.live.wire import Wire

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

SEAT, WRONG_PIN = "105", "918273"
STRONG_SEAT = f"[{SEAT}](seat)\nagent = Eve Green\nqueues = sales\nlock = 10m\n"
GUESSERS = 100

FLOOD_S, PER_S = 20, 50


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory):
    """Give the test site, with a seat more that stays locked for the test."""
    return write_site(tmp_path_factory.mktemp("keys") / "site", acd=STRONG_SEAT)


def port(floor):
    """Give the SIP port of the floor's Asterisk."""
    return floor.server.site.switch.sip_port


async def test_both_kinds_of_keys_are_heard(floor):
    """One key by SIP INFO, or by RFC 4733, chooses in the menu: what the flood below is made of is real."""
    for way, queue in (("info", "sales"), ("rtp", "support")):
        async with await Wire.open(port(floor), f"<sip:{way}@x>".encode()) as caller:
            assert await caller.dial(b"5550100") == 200
            async with asyncio.timeout(10):
                while not floor.seen(CallArrived, caller=way):
                    if way == "info":
                        await caller.press("1")
                    else:
                        caller.strike("2")
                    await asyncio.sleep(0.1)
            assert floor.seen(CallArrived, caller=way)[0].queue == queue


async def test_flood_of_keys(floor):
    """Fifty keys a second for twenty seconds, by SIP INFO and RFC 4733, in menu and queue, cost no caller his place."""
    async with (
        await Wire.open(port(floor), b"<sip:5551@x>") as info,
        await Wire.open(port(floor), b"<sip:5552@x>") as rtp,
    ):
        for caller in (info, rtp):
            assert await caller.dial(b"5550100") == 200
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(FLOOD_S * PER_S):
            digit = "3456780*#"[number % 9] if floor.state.calls else "7"
            rtp.strike(digit)
            await info.press(digit)
            await asyncio.sleep(began + number / PER_S - loop.time())
        arrived = {event.caller: event for event in floor.seen(CallArrived)}
        assert set(arrived) == {"5551", "5552"}
        assert {event.queue for event in arrived.values()} == {"reception"}
        assert not floor.seen(CallEnded)
        await floor.agent("101", answer_after_ms=0)
        joined = await floor.sees(Connected)
        assert floor.state.calls[floor.state.offers[joined.offer].call].state == "talking"


async def test_guessed_pins(floor, capfd):
    """A hundred guessers at once get three tries; then the right PIN is refused too; no PIN is in journal or log."""

    async def guess():
        async with await Wire.open(port(floor), f"<sip:{SEAT}@127.0.0.1>".encode(), secret) as wire:
            assert await wire.dial(b"*11") == 200
            while not wire.over.is_set():
                await wire.press(WRONG_PIN + "#")
                with contextlib.suppress(TimeoutError):  # a key got lost between two prompts: again
                    await asyncio.wait_for(wire.over.wait(), 2)

    secret = floor.server.site.seats[SEAT].secret
    await asyncio.gather(*(guess() for _ in range(GUESSERS)))
    answers = [
        command.answer
        for event, commands in floor.history
        if isinstance(event, LogInAsked)
        for command in commands
        if isinstance(command, Reply)
    ]
    assert answers == ["wrong-pin", "wrong-pin"] + ["locked"] * (len(answers) - 2)
    assert len(answers) >= GUESSERS
    assert await floor.server.desk.log_in(SEAT, PIN) == "locked"
    said = capfd.readouterr()
    journal = b"".join(file.read_bytes() for file in floor.server.home.glob("journal/*"))
    for pin in (WRONG_PIN, PIN):
        assert pin not in said.out + said.err
        assert pin.encode() not in journal
    assert SEAT.encode() in journal


async def test_a_call_that_callfloor_refuses(floor, monkeypatch):
    """A caller whose AGI session is refused is not hung up: he is kept with music, and tried again."""
    monkeypatch.setattr(floor.server.agi, "routes", {})
    call, _ = await floor.caller("5550100")
    await floor.hears(call, "please-hold", 60)  # he is tried again each ten seconds
    await floor.hears(call, "music")
    assert call.state == "confirmed"
