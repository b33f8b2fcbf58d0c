"""A visitor's page and an agent's desk at one web server: each by its own rules, and both in one talk."""

import httpx
import pytest

from tests.channels.chat_house import ORIGIN, Page
from tests.channels.mail_house import until
from tests.desk.web_house import WebHouse

SHOP = f"""
[shop]
type = chat
queue = sales
origins = {ORIGIN}
sockets_most = 30
address_most = 30
"""


class ChatDesk(WebHouse):
    """A web desk with a chat."""

    def __init__(self, folder):
        super().__init__(folder)
        with (self.folder / "acd.conf").open("a") as conf:
            conf.write(SHOP)

    def visitor(self, **more):
        return Page(f"127.0.0.1:{self.port}/chat/shop", **more)


@pytest.fixture
async def house(tmp_path):
    async with ChatDesk(tmp_path) as made:
        yield made


async def test_an_agent_talks_with_a_visitor(house):
    """Offered at the desk, accepted, both see each other type and write, answered twice, then closed."""
    async with house.browser() as agent, house.page(agent, desk=1) as page, house.visitor() as visitor:
        await page.hears("hello")
        await visitor.say("Where is my parcel?")
        call = (await page.hears("offer", medium="chat"))["call"]
        assert (await agent.post(f"/api/v1/contacts/{call}/accept")).status_code == 200
        await visitor.hear("standing", stage="talking", agent="Anna Nowak")
        assert (await agent.get(f"/api/v1/contacts/{call}/card")).json()["text"] == "Where is my parcel?"
        await visitor.hear("seen", seq=1)
        await visitor.send(t="typing")
        await page.hears("contact-news", call=call, what="typing")
        assert (await agent.post(f"/api/v1/contacts/{call}/typing")).status_code == 200
        await visitor.hear("typing", on=True)
        for text in ("Let me see.", "It comes tomorrow."):
            asked = {"text": text, "close": False}
            assert (await agent.post(f"/api/v1/contacts/{call}/reply", json=asked)).status_code == 200
            await visitor.hear("line", text=text, by="Anna Nowak")
        await visitor.say("Thank you!")
        await page.hears("contact-news", call=call, what="line")
        card = (await agent.get(f"/api/v1/contacts/{call}/card")).json()
        assert card["text"] == "Thank you!"
        assert "It comes tomorrow." in card["quoted"]
        assert (await agent.post(f"/api/v1/contacts/{call}/close", json={})).status_code == 200
        await visitor.hear("standing", stage="closed")
        await until(lambda: not house.calls)
        assert house.handset.rung == []


async def test_the_page_of_a_talk_stays_open(house):
    """An answer does not close it by itself, as it does a mail; what was said before stands below what is new."""
    async with house.browser() as agent, house.page(agent, desk=1) as page, house.visitor() as visitor:
        await page.hears("hello")
        await visitor.say("</pre><script>alert(1)</script>")
        call = (await page.hears("offer"))["call"]
        await agent.post(f"/api/v1/contacts/{call}/accept")
        shown = (await agent.get(f"/contacts/{call}")).text
        assert 'data-talk="1"' in shown
        assert '<input id="close" name="close" type="checkbox">' in shown
        assert "&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in shown
        assert 'id="before"' in shown


async def test_a_stranger_gets_no_further_than_the_chat(house):
    """Neither by its paths nor by its token; and a page of another origin gets the script and nothing else."""
    async with house.visitor() as visitor, httpx.AsyncClient(base_url=house.url) as stranger:
        await visitor.say("hello")
        headers = {"Authorization": f"Bearer {visitor.token}", "Origin": ORIGIN}
        for path in ("/api/v1/contacts", "/chat/../api/v1/contacts", "/chat/shop/../../api/v1/contacts", "/api/v1/me"):
            assert (await stranger.get(path, headers=headers)).status_code in {401, 403, 404}
        for path in ("/chat", "/chat/", "/chat/shop", "/chat/shop/", "/chat/shop/ws", "/chat/none/widget.js"):
            assert (await stranger.get(path)).status_code in {404, 405}
        script = await stranger.get("/chat/shop/widget.js")
        assert (script.status_code, script.headers["cross-origin-resource-policy"]) == (200, "cross-origin")
        assert (await stranger.get("/")).headers["cross-origin-resource-policy"] == "same-origin"


async def test_an_agent_does_not_type_in_the_contact_of_another(house):
    """Nor answer it, nor read it: it is not his."""
    async with house.browser() as agent, house.page(agent, desk=1) as page, house.visitor() as visitor:
        await page.hears("hello")
        await visitor.say("hello")
        call = (await page.hears("offer"))["call"]
        await agent.post(f"/api/v1/contacts/{call}/accept")
        async with house.browser("102", "9753") as other:
            for what, body in (("typing", None), ("reply", {"text": "x"}), ("close", {})):
                answer = await other.post(f"/api/v1/contacts/{call}/{what}", json=body)
                assert answer.status_code == 409, answer.text
        assert [one["t"] for one in visitor.heard].count("typing") == 0
        assert visitor.lines == [(1, "hello")]
