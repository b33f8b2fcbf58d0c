"""Who it is, on the page of a contact and for programs: at once what the file has, more once the CRM has answered."""

import asyncio

import pytest

from acd.core import events as ev
from tests.channels.mail_house import until
from tests.desk.test_web_contacts import problem
from tests.desk.test_web_pages import checked
from tests.desk.web_house import MAIL, WebHouse
from tests.hooks.endpoint import Endpoint
from tests.hooks.test_crm import KNOWN, crm, says

WILD = {**KNOWN, "name": "Jan <b>Kowalski</b>", "attributes": {"tier": '"><script>alert(4)</script>'}}


@pytest.fixture
async def asked():
    """A CRM that says what it knows when it is let."""
    endpoint = Endpoint()
    endpoint.speaks = asyncio.Event()

    async def late(writer):
        await endpoint.speaks.wait()
        writer.write(says(WILD))
        await writer.drain()

    endpoint.says = lambda _: late
    async with endpoint:
        yield endpoint


@pytest.fixture
async def house(tmp_path, asked):
    async with WebHouse(tmp_path, more=crm(asked, "timeout = 30s")) as house:
        yield house


async def test_the_page_is_completed_when_the_crm_has_answered(house, asked):
    """It stands there without its word, hears that there is more, and shows that: as text, with a link of http(s)."""
    async with house.browser() as client, house.page(client, desk=1) as page:
        call = await house.bring(MAIL)
        await page.hears("offer")
        await client.post(f"/api/v1/contacts/{call}/accept")
        before = checked(await client.get(f"/contacts/{call}"))
        assert "C-1017" not in before.text
        await until(lambda: asked.got)
        asked.speaks.set()
        changed = await page.hears("customer-changed", 10)
        assert (changed["call"], changed["source"]) == (call, "crm")
        assert "attributes" in changed["changed"]
        assert "alert" not in str(changed), "who hears it need not see the customer file"
        after = checked(await client.get(f"/contacts/{call}"))
        assert "&lt;script&gt;alert(4)&lt;/script&gt;" in after.text
        (link,) = [one for one in after.all("a") if one["href"] == KNOWN["link"]]
        assert link["rel"] == "noopener noreferrer"
        told = (await client.get(f"/api/v1/contacts/{call}/customer")).json()
        assert told["attributes"] == WILD["attributes"]
        assert told["elsewhere"] == [{"source": "crm", "external_id": "C-1017", "link": KNOWN["link"]}]


async def test_a_call_has_one_too(house, asked):
    """For programs of its seat; nobody is told who somebody else's caller is, nor of one who withholds his number."""
    asked.speaks.set()
    mine, others = house.token("agent", seat="101"), house.token("agent", seat="102")
    house.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales", caller="+48601602603"))
    house.dispatcher.submit(ev.CallArrived(call="1.2", queue="sales", caller="anonymous"))

    async def is_known():
        answer = await mine.ask("GET", "/contacts/1.1/customer")
        return answer.status_code == 200 and answer.json()["name"] == "Jan <b>Kowalski</b>"

    await until(is_known)
    problem(await others.ask("GET", "/contacts/1.1/customer"), 404)
    assert problem(await mine.ask("GET", "/contacts/1.2/customer"), 404) == "nobody knows who it is"
