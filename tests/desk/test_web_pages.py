"""The page of a seat: what it shows, that nothing of a customer's runs in it, and state and customers beside it."""

import re
from html.parser import HTMLParser

import httpx
import pytest

from tests.channels.mail_house import MailServer, until
from tests.desk.test_web_contacts import problem
from tests.desk.web_house import MAIL, PIN, WebHouse

SCRIPTS = [{"src": "/static/desk.js", "defer": None}]


@pytest.fixture
async def house(tmp_path):
    async with MailServer() as relay, WebHouse(tmp_path, relay.port) as house:
        yield house


class Page(HTMLParser):
    """What a browser would make of a page: its elements, and which have a name that a screen reader says."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.labelled, self.text = [], set(), text
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def all(self, *tags):
        return [attrs for tag, attrs in self.elements if tag in tags]


def checked(answer):
    """See that a page runs nothing but its own script, and that each field has a label."""
    assert answer.status_code == 200, answer.text
    csp = answer.headers["content-security-policy"]
    assert "default-src 'none'" in csp
    assert "unsafe" not in csp
    page = Page(answer.text)
    assert page.all("script") == SCRIPTS
    assert page.all("img", "iframe", "object", "style") == []
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on") or name == "style"]
    labels = {one["for"] for one in page.all("label")}
    fields = {one["id"] for one in page.all("input", "select", "textarea")}
    assert fields <= labels
    assert len(page.all("h1")) == 1
    assert page.all("html") == [{"lang": "en"}]
    return page


async def test_the_page_where_one_logs_in(house):
    """It is shown to who has no session, or one that is over; its script and style are its own."""
    async with httpx.AsyncClient(base_url=house.url) as client:
        page = checked(await client.get("/"))
        assert [one["name"] for one in page.all("input")] == ["seat", "pin"]
        for one in ("/static/desk.js", "/static/desk.css"):
            assert (await client.get(one)).status_code == 200
        assert (await client.get("/contacts/x")).status_code == 303


async def test_a_hostile_mail_is_text(house):
    """Name, subject, text and file names of a mail with HTML in them stand there escaped, and nothing else."""
    async with house.browser() as client, house.page(client, desk=1) as events:
        call = await house.bring(MAIL)
        await events.hears("offer")
        offered = checked(await client.get("/"))
        (body,) = offered.all("body")
        async with house.page(client, after=body["data-live"]) as again:
            assert (await again.hears("hello"))["resumed"] is True, "what happens after the page was made is heard"
        at = f"/api/v1/contacts/{call}"
        assert {"data-method": "POST", "data-to": f"{at}/accept", "data-then": f"/contacts/{call}"} in offered.all(
            "form"
        )
        await client.post(f"{at}/accept")
        page = checked(await client.get(f"/contacts/{call}"))
        assert "&lt;script&gt;alert(2)&lt;/script&gt;" in page.text
        assert "&lt;img src=x onerror=alert(1)&gt;" in page.text
        targets = [one["data-to"] for one in page.all("form")]
        for what in ("reply", "close", "transfer", "defer", "notes"):
            assert f"{at}/{what}" in targets
        assert [one["href"] for one in page.all("a") if "download" in one] == [f"{at}/files/0"]


async def test_a_note_from_the_page_is_on_the_timeline(house):
    """What is noted about a customer with a contact stands beside it from then on, escaped; programs see it too."""
    keeper = house.token("customers")
    async with house.browser() as client, house.page(client, desk=1) as events:
        call = await house.bring(MAIL)
        await events.hears("offer")
        await client.post(f"/api/v1/contacts/{call}/accept")
        noted = await client.post(f"/api/v1/contacts/{call}/notes", json={"text": "likes <b>tea</b>"})
        assert noted.status_code == 201
        page = checked(await client.get(f"/contacts/{call}"))
        assert "Note by Anna Nowak: likes &lt;b&gt;tea&lt;/b&gt;" in page.text
        person = (await client.get(f"/api/v1/contacts/{call}/card")).json()["person"]
    told = (await keeper.ask("GET", f"/customers/{person}/timeline")).json()
    assert [one["text"] for one in told["notes"]] == ["likes <b>tea</b>"]
    assert [one["medium"] for one in told["contacts"]] == ["email"]


async def test_state_from_the_page(house):
    """Pause with a reason of the site, ready, more: what the core says is what is answered."""
    async with house.browser() as client:
        problem(await client.post("/api/v1/seat/pause", json={"reason": "cinema"}), 409)
        assert (await client.post("/api/v1/seat/pause", json={"reason": "break"})).status_code == 200
        own = (await client.get("/api/v1/seat")).json()
        assert (own["seat"]["look"], own["seat"]["reason"]) == ("paused", "break")
        assert (own["pause_reasons"], own["codes"]) == (["break"], ["sold"])
        assert "paused (break)" in re.sub(r"<[^>]*>", "", (await client.get("/")).text)
        assert (await client.post("/api/v1/seat/ready")).status_code == 200
        problem(await client.post("/api/v1/seat/wrap-up/end"), 409)
        problem(await client.post("/api/v1/seat/code", json={"code": "lost"}), 409)
        assert (await client.post("/api/v1/seat/log-out")).status_code == 200
        assert house.desk.look("101") == "logged-out"
        problem(await client.post("/api/v1/seat/ready"), 409)
        assert (await client.post("/api/v1/seat/log-in", json={"pin": PIN})).status_code == 200


async def test_customers_by_programs(house):
    """Found by address and name, changed, agreed, exported, merged and parted again; who is not there is a 404."""
    await house.bring(MAIL)
    await house.bring(MAIL.replace(b"one@", b"two@").replace(b"jan@", b"j.kowalski@"), sender="j.kowalski@example.org")
    keeper = house.token("customers")
    await until(house.store.caught_up.is_set)
    (jan,) = (await keeper.ask("GET", "/customers", params={"q": "jan@example.org"})).json()
    (other,) = (await keeper.ask("GET", "/customers", params={"q": "j.kowalski@example.org"})).json()
    at = f"/customers/{jan['id']}"
    changed = await keeper.ask("PATCH", at, json={"name": "Jan Kowalski", "attributes": {"tier": "gold"}})
    assert (changed.json()["name"], changed.json()["attributes"]) == ("Jan Kowalski", {"tier": "gold"})
    agreed = {"medium": "email", "purpose": "news", "given": True}
    assert (await keeper.ask("POST", f"{at}/consents", json=agreed)).status_code == 201
    assert (await keeper.ask("POST", f"/customers/{other['id']}/merge", json={"into": jan["id"]})).status_code == 200
    problem(await keeper.ask("POST", f"/customers/{other['id']}/merge", json={"into": jan["id"]}), 409)
    one = (await keeper.ask("GET", at)).json()
    assert one["merged"] == [other["id"]]
    assert {handle["value"] for handle in one["handles"]} == {"jan@example.org", "j.kowalski@example.org"}
    assert [(two["purpose"], two["given"]) for two in one["consents"]] == [("news", True)]
    exported = await keeper.ask("GET", f"{at}/export")
    assert exported.headers["content-disposition"].startswith("attachment")
    assert len(exported.json()["messages"]) == 2
    assert (await keeper.ask("POST", f"/customers/{other['id']}/unmerge")).status_code == 200
    assert (await keeper.ask("GET", at)).json()["merged"] == []
    problem(await keeper.ask("GET", "/customers/99999"), 404)
    problem(await keeper.ask("GET", "/customers/99999999999999999999"), 422)


async def test_ready_replies_of_a_queue(house):
    """Those of the site's templates that an agent of the queue may pick; other queues are not his to see."""
    async with house.browser() as client:
        listed = (await client.get("/api/v1/templates", params={"queue": "sales", "language": "en"})).json()
        assert listed == [{"name": "opening-hours", "title": "opening hours"}]
        problem(await client.get("/api/v1/templates", params={"queue": "support"}), 404)
