"""A real call as programs outside hear of it: the CRM names a stranger on the phone that rings, a webhook tells all."""

import json

import pytest
import pytest_asyncio

from tests.hooks.endpoint import OK, Endpoint, answer
from tests.hooks.hook_house import hook
from tests.hooks.test_crm import crm
from tests.hooks.test_hook_sender import verify
from tests.live.floor import open_floor
from tests.live.testsite import write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

KNOWN = {"external_id": "C-1017", "name": "Maria Nowak"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(prompt_cache, tmp_path_factory):
    """Give a floor, its CRM and a webhook in one."""

    def says(asked):
        return answer(200, json.dumps(KNOWN).encode()) if asked.type == "customer-lookup" else OK

    async with Endpoint(says) as endpoint:
        folder = write_site(tmp_path_factory.mktemp("hooks") / "site", acd=f"\n{hook(endpoint)}{crm(endpoint)}")
        async with open_floor(folder, tmp_path_factory.mktemp("home"), prompt_cache) as floor:
            floor.endpoint = endpoint
            yield floor


async def test_a_stranger_who_calls(floor):
    """He waits and is asked about meanwhile; the phone shows his name; each step is told once, signed, in its order."""
    caller, own = await floor.waiter()
    await floor.until(lambda: any(floor.server.customers.known.name(call) for call in floor.state.calls), "known")
    await floor.agent("101")
    leg = await floor.rings("101")
    assert "Maria Nowak (sales)" in leg.remote
    await leg.answer()
    endpoint = floor.endpoint
    await floor.until(lambda: endpoint.of("contact-taken"), "taken is told")
    await caller.hang_up()
    await floor.until(lambda: endpoint.of("contact-over"), "over is told")
    (waits,) = endpoint.of("contact-waits")
    assert waits.data["caller"] == own
    call = waits.data["call"]
    told = [one for one in endpoint.got if one.data.get("call") == call and one.type != "customer-lookup"]
    steps = [one.type for one in told if one.type not in {"customer-changed", "offer-over"}]
    assert steps == ["contact-waits", "offer", "contact-answered", "contact-taken", "contact-over"]
    assert told[-1].data["external"] == {"crm": "C-1017"}
    (changed,) = endpoint.of("customer-changed")
    assert (changed.data["source"], changed.data["name"]) == ("crm", "Maria Nowak")
    (asked,) = endpoint.of("customer-lookup")
    assert asked.data["call"] == call
    for one in endpoint.got:
        verify(one)
