"""Messages through SIGKILL and takeover: while they are spoken, while they wait, and while an agent hears one."""

import asyncio

import pytest
import pytest_asyncio

from ivr.mailbox import CLOSED, messages
from tests.live.people import WITHIN_S
from tests.live.program import open_program, waiting

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def up(prompt_cache, tmp_path_factory):
    """Give a running program; it is used through `site`."""
    async with open_program(tmp_path_factory.mktemp("messages"), prompt_cache) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="module")
async def site(up):
    """Give the site, up and with nobody on it; after the test it must be so again."""
    yield up
    await up.clear()


async def speaks(site):
    """Somebody calls and speaks to voicemail; gives the call and his number."""
    call, own = await site.caller("5550108")
    await site.hears(call, "speech")
    while not list(recordings(site).glob(f"voicemail-*-{own}-*.wav")):  # noqa: ASYNC110 - the tone was
        await asyncio.sleep(0.02)
    await site.speaks(call, "caller")
    await site.listen(call, 2_500)
    return call, own


async def leaves_message(site):
    """He hangs up then, and his message waits."""
    call, own = await speaks(site)
    await call.hang_up()
    await site.shows(lambda status: own in waiting(status))
    return own


async def answers(site, number):
    """The agent's handset rings for it, and he hears it."""
    leg = await site.rings("103")
    assert number in leg.remote
    await leg.answer()
    await site.hears(leg, "message-from")
    await site.hears(leg, "caller")
    return leg


async def closes(site, leg):
    """7, and it is gone."""
    await leg.dtmf("7")
    await leg.ended()
    await site.shows(lambda status: not status.calls)


def recordings(site):
    return site.folder / "home/recordings"


def closed(site):
    return [message.number for message in messages(recordings(site) / CLOSED)]


async def test_killed_while_it_waits_and_while_an_agent_hears_it(site):
    """It keeps its place; the agent stays on the line, hears it from the beginning, and closes it: once."""
    first = await leaves_message(site)
    second = await leaves_message(site)
    await site.down()
    await site.up()
    status = await site.shows(lambda status: len(waiting(status)) == 2)
    assert waiting(status) == [first, second]
    await site.logs_in("103")
    leg = await answers(site, first)
    await site.down()
    await site.up()
    await site.hears(leg, "message-from")
    await site.hears(leg, "message-keys")
    assert leg.state == "confirmed"
    await leg.dtmf("7")
    await leg.ended()
    await closes(site, await answers(site, second))
    assert closed(site) == [first, second]


async def test_killed_while_somebody_speaks(site):
    """What he has said is a message when the server is back, though nobody saw the end of it."""
    call, own = await speaks(site)
    await site.down()
    await call.hang_up()
    await site.up()
    await site.shows(lambda status: own in waiting(status))
    await site.logs_in("103")
    await closes(site, await answers(site, own))
    assert closed(site).count(own) == 1


async def test_an_agent_hangs_up_while_it_is_down(site):
    """He was not done with it: it waits again, and is not closed by that."""
    own = await leaves_message(site)
    await site.logs_in("103")
    leg = await answers(site, own)
    await site.down()
    await leg.hang_up()
    await site.up()
    await site.shows(lambda status: not any(seat.look == "talking" for seat in status.seats))
    await closes(site, await answers(site, own))
    assert closed(site).count(own) == 1


async def test_taken_over_in_the_midst_of_both(site):
    """The old server speaks with the caller to his end, the new one makes his message a call and has the agent."""
    heard = await leaves_message(site)
    await site.logs_in("103")
    leg = await answers(site, heard)
    call, own = await speaks(site)
    old, _ = await site.take_over()
    await site.hears(leg, "message-from")
    await site.hears(leg, "message-keys")
    await leg.dtmf("7")
    await leg.ended()
    await call.hang_up()
    await site.shows(lambda status: own in [call.caller for call in status.calls])
    await closes(site, await answers(site, own))
    assert await asyncio.wait_for(old.wait(), WITHIN_S) == 0
    assert closed(site)[-2:] == [heard, own]
