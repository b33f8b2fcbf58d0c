"""The link to Asterisk is cut or goes silent, or Asterisk itself ends: callfloor finds out what happened meanwhile.

Between the server and Asterisk's manager interface stands a `Proxy` that can be cut.
"""

import asyncio
import os
import signal

import pytest
import pytest_asyncio
from msgspec.structs import replace

from acd.core import events as ev
from ivr import ami, switch
from tests.live.floor import open_floor
from tests.live.proxy import Proxy

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wire():
    """Give the wire between server and Asterisk."""
    async with Proxy() as proxy:
        yield proxy


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(wire, site_folder, prompt_cache, tmp_path_factory):
    """Give a floor whose server reaches Asterisk by the wire only."""

    def by_wire(server):
        wire.target = server.site.switch.ami_port
        server.switch._settings = replace(server.switch._settings, port=wire.port)

    async with open_floor(site_folder, tmp_path_factory.mktemp("link"), prompt_cache, prepare=by_wire) as floor:
        yield floor


async def lose(floor, wire):
    """Cut the wire, until callfloor knows."""
    wire.cut()
    await floor.until(lambda: not floor.state.fresh, "without a link")


async def restore(floor, wire):
    """Mend it, until callfloor knows what Asterisk holds."""
    wire.mend()
    await floor.until(lambda: floor.state.fresh, "linked again")


async def test_who_waits_keeps_his_place(floor, wire):
    """Callers wait on through a cut: who left meanwhile is gone, who came is behind, the rest are served in order."""
    _, first = await floor.waiter()
    leaver, _ = await floor.waiter()
    _, third = await floor.waiter()
    await lose(floor, wire)
    await leaver.hang_up()
    await leaver.ended()
    late, number = await floor.caller("5550102")
    await floor.hears(late, "music")
    await restore(floor, wire)
    await floor.agent("101", answer_after_ms=0, talk_ms=50)
    await floor.until(lambda: len(floor.seen(ev.OfferEnded, outcome="hung-up")) == 3, "all served")
    assert floor.offers() == [(first, "101"), (third, "101"), (number, "101")]


async def test_a_talk_goes_on(floor, wire):
    """Two who talk do not notice the cut; an agent who hangs up during it is free as soon as it is mended."""
    await floor.agent("101")
    call, _ = await floor.waiter()
    leg = await floor.rings("101")
    await leg.answer()
    await floor.sees(ev.Connected)
    await lose(floor, wire)
    await floor.talk(call, leg)
    await leg.hang_up()
    await leg.ended()
    await restore(floor, wire)
    assert floor.seat("101").state == "ready"
    _, second = await floor.waiter()
    await floor.rings("101")
    assert floor.offers()[-1] == (second, "101")


async def test_an_answer_during_the_cut(floor, wire):
    """An agent whose phone rang when the link was cut answers it, gets his caller, and both are known to talk after."""
    await floor.agent("101")
    call, number = await floor.waiter()
    leg = await floor.rings("101")
    await lose(floor, wire)
    await leg.answer()
    await floor.talk(call, leg)
    await restore(floor, wire)
    assert floor.call(number).state == "talking"
    assert floor.seat("101").state == "talking"
    assert floor.offers() == [(number, "101")]


async def test_a_caller_who_leaves_while_ringing(floor, wire):
    """A caller gives up during the cut while a phone rings: it stops, at the latest when the link is there again."""
    await floor.agent("101")
    call, _ = await floor.waiter()
    leg = await floor.rings("101")
    await lose(floor, wire)
    await call.hang_up()
    await restore(floor, wire)
    await leg.ended()
    await floor.until(lambda: floor.seat("101").state == "ready", "ready again")


async def test_a_silent_link_is_a_lost_one(floor, wire, monkeypatch):
    """A connection on which nothing is answered any more is given up, though TCP takes it for healthy."""
    monkeypatch.setattr(switch, "KEEP_ALIVE_S", 0.2)
    monkeypatch.setattr(ami, "ANSWER_S", 0.5)
    await lose(floor, wire)
    await restore(floor, wire)
    floor.begin()
    wire.freeze()
    await floor.sees(ev.SwitchLost)
    await restore(floor, wire)


async def test_asterisk_restarts(floor):
    """Asterisk is restarted: no ghost of a call or of a busy seat remains, and the next call is served."""
    await floor.agent("101", answer_after_ms=0)
    await floor.waiter()
    await floor.sees(ev.Connected)
    waiting, _ = await floor.waiter()
    instance = floor.server.instance
    await asyncio.to_thread(instance.stop)
    await waiting.ended()
    await floor.sees(ev.SwitchLost)
    await asyncio.to_thread(instance.start)
    await floor.until(lambda: floor.state.fresh, "linked again")
    assert not floor.state.calls
    assert floor.seat("101").state == "ready"
    await floor.handsets["101"].register()
    _, number = await floor.waiter()
    await floor.until(lambda: floor.call(number).state == "talking", "served")


async def test_asterisk_crashes(floor):
    """Asterisk is killed: the same, though nobody was told that his call is over."""
    await floor.agent("101", answer_after_ms=0)
    await floor.waiter()
    await floor.sees(ev.Connected)
    await floor.waiter()
    instance = floor.server.instance
    os.kill(instance.pid, signal.SIGKILL)
    await floor.sees(ev.SwitchLost)
    while instance.running:  # noqa: ASYNC110 - nothing tells when a killed process is gone
        await asyncio.sleep(0.01)
    await asyncio.to_thread(instance.start)
    await floor.until(lambda: floor.state.fresh, "linked again")
    assert not floor.state.calls
    assert floor.seat("101").state == "ready"
    await floor.hang_up()
    await floor.handsets["101"].register()
    await floor.handsets["101"].on_call(answer_after_ms=0)
    _, number = await floor.waiter()
    await floor.until(lambda: floor.call(number).state == "talking", "served")
