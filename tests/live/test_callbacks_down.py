"""What happens to callbacks while no server runs: customers answer, talk and hang up, and none is called again."""

import asyncio

import pytest
import pytest_asyncio

from acd.core import commands as cmd
from acd.core import events as ev
from tests.live.program import open_program
from tests.live.provider import write_provider
from tests.live.test_callbacks_live import MORE
from tests.live.test_callbacks_live import at_home as home

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

FIRST = """
[support](+)
key = 1, callback
callback_retry = 10s
[sales](+)
callback_first = customer
wrap_up = 500ms
"""
QUIET_S = 13
"""Longer than a customer would be left alone who has not answered."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(make_instance, tmp_path_factory, prompt_cache):
    """Give a site whose provider's telephone 803 is a customer's; who calls `sales` back is called customer first."""
    theirs = write_provider(tmp_path_factory.mktemp("towns") / "site")
    provider = await asyncio.to_thread(make_instance, "town", site_folder=theirs)
    switch, seats = provider.site.switch, provider.site.seats
    more = MORE.format(port=switch.sip_port, password=seats["801"].secret) + FIRST
    async with open_program(tmp_path_factory.mktemp("down"), prompt_cache, acd=more) as site:
        site.customer = await site._phones.phone("803", seats["803"].secret, server=f"127.0.0.1:{switch.sip_port}")
        await site.customer.register()
        yield site


async def takes_one(site, own, queue="5550102"):
    """Somebody calls, waits, presses 1, confirms by 1, and is let go."""
    call = await site.trunk.dial(queue, caller_id=own)
    await call.confirmed()
    await site.shows(lambda status: own in [one.caller for one in status.calls])
    await call.dtmf("1")
    await site.hears(call, "speech", within_s=60)
    await call.dtmf("1")
    await call.ended()
    await site.shows(lambda status: any(one.medium == "callback" for one in status.calls))


async def at_home(site):
    """The customer's telephone rings."""
    while True:
        call = await site.customer.incoming(20_000)
        if call.state != "ended":
            return call


def called(site, own):
    """The calls to a customer that the journal tells of."""
    entries = [entry for entry in site.journal.entries() if hasattr(entry, "commands")]
    told = [c for entry in entries for c in entry.commands if isinstance(c, cmd.Dial | cmd.Reach)]
    over = [c.reason for entry in entries for c in entry.commands if isinstance(c, cmd.CallOver)]
    answered = [entry.event.answered for entry in entries if isinstance(entry.event, ev.Snapshot)]
    return [c.leg for c in told if c.number == "+49" + own[1:]], over, [leg for legs in answered for leg in legs]


async def agent(site, seat, ms=0):
    """Log an agent in whose telephone answers by itself, or rings."""
    await (await site.handset(seat)).on_call(answer_after_ms=ms)
    await site.logs_in(seat)


async def test_a_customer_who_answers_while_no_server_runs_waits_where_he_stood(site):
    """He hears music as everybody does, and the next server gives him to the agent before those who came later."""
    own = home(40)
    await takes_one(site, own)
    await agent(site, "101", None)
    phone = await at_home(site)
    await site.down()
    await phone.answer()
    await site.hears(phone, "music")
    _, later = await site.caller("5550102")
    await asyncio.sleep(1)
    await site.up()
    leg = await site.rings("101")
    await leg.answer()
    await site.shows(lambda status: "+49" + own[1:] in [c.caller for c in status.calls if c.state == "talking"])
    await site.shows(lambda status: later in [call.caller for call in status.calls if call.state == "waiting"])
    await site.talk(phone, leg)
    legs, over, _ = called(site, own)
    assert len(legs) == 1
    assert over == ["called-back"]
    await phone.hang_up()
    await site.clear()


async def test_a_customer_who_has_come_and_gone_is_not_called_again(site):
    """He answered while no server ran, and hung up before the next one: the dialplan has noted it."""
    own = home(41)
    await takes_one(site, own)
    await agent(site, "101", None)
    phone = await at_home(site)
    await site.down()
    await phone.answer()
    await site.hears(phone, "music")
    await phone.hang_up()
    await asyncio.sleep(1)
    await site.up()
    await site.shows(lambda status: not status.calls)
    await asyncio.sleep(QUIET_S)
    legs, over, answered = called(site, own)
    assert len(legs) == 1
    assert answered == legs
    assert over == ["called-back"] * 2
    await site.clear()


async def test_a_talk_that_begins_and_ends_while_no_server_runs_counts(site):
    """Agent first: he is with the customer, and hangs up, before anybody can see it."""
    own = home(42)
    await takes_one(site, own, "5550103")
    await agent(site, "103")
    phone = await at_home(site)
    await site.down()
    await phone.answer()
    leg = await site.rings("103")
    await site.talk(phone, leg)
    await leg.hang_up()
    await phone.ended()
    await asyncio.sleep(1)
    await site.up()
    await site.shows(lambda status: not status.calls)
    await asyncio.sleep(QUIET_S)
    legs, over, answered = called(site, own)
    assert len(legs) == 1
    assert answered[-1:] == legs
    assert over == ["called-back"] * 3
    await site.clear()


async def test_who_did_not_answer_then_is_called_again(site):
    """The server is killed while it rings, and nobody picks up: his callback is not lost."""
    own = home(43)
    await takes_one(site, own)
    await agent(site, "101", 0)
    phone = await at_home(site)
    await site.down()
    await phone.ended()
    await asyncio.sleep(1)
    await site.up()
    phone = await at_home(site)
    await phone.answer()
    await site.hears(phone, "callback-reached")
    legs, _, _ = called(site, own)
    assert len(legs) == 2
    await phone.hang_up()
    await site.clear()
