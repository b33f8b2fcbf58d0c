"""A caller's music ends when his talk begins, by a sound of its own that he is played as he comes into it.

Asterisk's Bridge stops the music, too, but now and then it does not (acd-seat in extensions.conf tells why). So it is
that sound which is waited for here; in this site it can be heard.
"""

import pytest
import pytest_asyncio

from acd.core import events as ev
from tests.live.floor import open_floor
from tests.live.testsite import HERTZ, record, write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

MORE = """
[sales](+)
strategy = ring-all
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(prompt_cache, tmp_path_factory):
    """A site that plays callers a tone as they come into a talk; all phones of one of its queues ring at once."""
    site = write_site(tmp_path_factory.mktemp("music") / "site", acd=MORE)
    record(site / "sounds/en/music-stops.wav", HERTZ["third"], 1_500)
    async with open_floor(site, tmp_path_factory.mktemp("house"), prompt_cache) as floor:
        yield floor


@pytest.mark.parametrize(
    ("number", "seats"), [("5550103", ["103"]), ("5550102", ["101", "102"])], ids=["one phone", "all phones"]
)
async def test_who_is_answered(floor, number, seats):
    """He hears it, and then the agent."""
    for seat in seats:
        await floor.agent(seat, answer_after_ms=None)
    caller, _ = await floor.waiter(number)
    await floor.hears(caller, "music")
    leg, *_ = [await floor.rings(seat) for seat in seats]
    await leg.answer()
    await floor.hears(caller, "third")
    await floor.talk(caller, leg)


async def test_who_is_fetched_from_where_he_was_parked(floor):
    """He hears it, and then whoever fetched him."""
    phone = await floor.handset("103")
    await floor.agent("101", answer_after_ms=0)
    caller, _ = await floor.waiter()
    await floor.sees(ev.Connected)
    await floor.handsets["101"].calls[0].transfer("*71")
    await floor.sees(ev.CallTransferred, to="*71")
    await floor.hears(caller, "music")
    leg = await phone.dial("*71")
    await floor.hears(caller, "third")
    await floor.talk(caller, leg)
