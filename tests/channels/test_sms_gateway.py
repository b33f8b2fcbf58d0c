"""Texts by HTTP: signed requests in, templated ones out, on real sockets, against a provider of the tests."""

import asyncio
import json
import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from acd.channels.contact import Reply
from acd.channels.sms import webhook
from acd.mailboxes import Place
from acd.smscs import GatewaySettings, OwnNumber
from acd.store.schema import TextOut
from tests.channels.mail_house import listens, until
from tests.channels.sms_house import SmsHouse, says
from tests.ports import free_port

SECRET = "sixteen-letters-and-more"
SETTINGS = GatewaySettings(
    section="cloud",
    numbers=(OwnNumber("+48221234567", "sales"),),
    listen=Place("127.0.0.1", 1),
    secret=SECRET,
    url="https://api.example.com/${to}/send?text=${text}",
    body='{"from": "${from}", "more": ["${text}", 1, {"${to}": "x${id}x"}]}',
)
GATEWAY = """
[cloud]
type = sms-gateway
listen = 127.0.0.1:{listen}
secret = sixteen-letters-and-more
number = +48221234567 sales
url = http://127.0.0.1:{provider}/send?to=${{to}}
header = Authorization: Bearer key-of-ours
answer_id = data.id
timeout = 1s
"""


class Provider:
    """Takes our requests, on a bare socket, and answers what the test says."""

    def __init__(self):
        self.requests, self._writers = [], []
        self.answer = lambda _: (200, '{"data": {"id": "p1"}}')

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader, writer):
        self._writers.append(writer)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append((head[0], headers, json.loads(body)))
        answer = self.answer(len(self.requests))
        if answer is not None:
            status, said = answer
            writer.write(
                f"HTTP/1.1 {status} x\r\nContent-Length: {len(said)}\r\nConnection: close\r\n\r\n{said}".encode()
            )
            await writer.drain()
            writer.close()


@pytest.fixture
async def provider():
    async with Provider() as made:
        yield made


@pytest.fixture
async def house(tmp_path, provider):
    port = free_port()
    async with SmsHouse(tmp_path, 9, GATEWAY.format(listen=port, provider=provider.port)) as made:
        made.port = port
        await until(lambda: listens(port))
        yield made


async def post(house, said, *, name="cloud", stamp=None, signed=None, headers=None, raw=None):
    body = raw if raw is not None else json.dumps(said).encode()
    stamp = str(int(time.time())) if stamp is None else stamp
    signed = webhook.signature(SECRET, stamp, body) if signed is None else signed
    told = {"X-Signature": signed, "X-Timestamp": stamp, "Content-Type": "application/json", **(headers or {})}
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.post(f"http://127.0.0.1:{house.port}/sms/{name}", content=body, headers=told)).status_code


def text(name="m1", words="Hello", **more):
    return {"id": name, "from": "+48601602603", "to": "48221234567", "text": words, **more}


async def test_a_text_comes_in_and_an_answer_goes_out(house, provider):
    """The same id is the same text, an hour and a restart later too; the answer has its values in their places."""
    assert await post(house, text()) == 200
    assert await post(house, text(words="Hello again")) == 200
    card = await house.card()
    assert (card.text, card.sender, house.calls[house.call].queue) == ("Hello", "+48601602603", "sales")
    assert await post(house, text("m2", "Second")) == 200
    assert (await house.card()).text == "Hello\nSecond"
    await house.sms.reply(house.call, "101", Reply(text='Say "yes" & no\n{} ${text} żółw'))
    await until(lambda: provider.requests)
    line, headers, body = provider.requests[0]
    assert line == "POST /send?to=%2B48601602603 HTTP/1.1"
    assert headers["authorization"] == "bearer key-of-ours"
    assert (body["from"], body["to"]) == ("+48221234567", "+48601602603")
    assert body["text"] == 'Say "yes" & no\n{} ${text} żółw'
    assert body["id"].startswith("callfloor-")


async def test_a_form_is_read(house):
    """Of a field that stands there twice the first one counts."""
    raw = b"id=f1&from=%2B48601602603&to=48221234567&text=Hi+there&text=other"
    assert await post(house, None, raw=raw, headers={"Content-Type": "application/x-www-form-urlencoded"}) == 200
    assert (await house.card()).text == "Hi there"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"signed": ""}, 401),
        ({"signed": "0" * 64}, 401),
        ({"signed": b"\xc3\xa9"}, 401),
        ({"stamp": "1000000000"}, 401),
        ({"stamp": ""}, 401),
        ({"stamp": "nan"}, 401),
        ({"name": "operator"}, 404),
        ({"name": "nobody"}, 404),
        ({"raw": b"{" * 60_000}, 400),
        ({"raw": b"[" * 60_000}, 400),
        ({"raw": b"\xff"}, 400),
        ({"raw": b"[]"}, 400),
        ({"raw": b'{"id": {"id": 1}}'}, 400),
        ({"raw": b"x" * 70_000}, 413),
    ],
)
async def test_a_forged_or_foreign_request_is_refused(house, more, status):
    """No signature, another's, an old one, one replayed after five minutes; no such section; no text."""
    assert await post(house, text(), **more) == status
    assert house.calls == {}


async def test_another_body_or_time_under_a_true_signature(house):
    """Each octet is signed, and so is the time."""
    stamp = str(int(time.time()))
    signed = webhook.signature(SECRET, stamp, json.dumps(text()).encode())
    assert await post(house, text(words="Other"), stamp=stamp, signed=signed) == 401
    assert await post(house, text(), stamp=str(int(stamp) + 1), signed=signed) == 401
    assert await post(house, text(), stamp=stamp, signed=f"sha256={signed.upper()}") == 200


async def test_a_full_disk_has_the_provider_come_again(house, monkeypatch):
    """By 503, which providers try again."""
    monkeypatch.setattr(house.customers.store, "failed", "no")
    database, house.store._database = house.store._database, None
    assert await post(house, text()) == 503
    house.store._database = database
    assert await post(house, text()) == 200


async def test_what_a_provider_says(house, provider):
    """Not now is tried again; no answer is sent once more, and then comes back; a refusal comes back at once."""
    await post(house, text())
    provider.answer = lambda nth: (429, "") if nth == 1 else (200, "nonsense")
    await house.sms.reply(house.call, "101", Reply(text="one"))
    await until(lambda: len(provider.requests) == 2)
    provider.answer = lambda _: (400, "no")
    await house.sms.reply(house.call, "101", Reply(text="two"))
    await until(lambda: says(house, "HTTP 400"))
    provider.answer = lambda _: None
    await house.sms.reply(house.call, "101", Reply(text="three"))
    await until(lambda: says(house, "nobody knows"))
    assert [body["text"] for _, _, body in provider.requests] == ["one", "one", "two", "three", "three"]
    assert provider.requests[0][2]["id"] == provider.requests[1][2]["id"]


async def became(house, words):
    """Give what is noted of an answer."""
    return await house.store.read(lambda session: session.scalar(select(TextOut.said).where(TextOut.body == words)))


async def sent(house, provider, words, **answer):
    """Answer somebody, and give our id of the text."""
    provider.answer = lambda _: (200, json.dumps({"data": answer}))
    before = len(provider.requests)
    await house.sms.reply(house.call, "101", Reply(text=words))
    await until(lambda: len(provider.requests) > before)
    await until(lambda: became(house, words))
    return provider.requests[-1][2]["id"]


async def test_what_became_of_a_text_is_noted(house, provider):
    """By the provider's id, in whatever words; what failed comes back once, and what came is no news any more."""
    await post(house, text())
    await sent(house, provider, "one", id="p1")
    await sent(house, provider, "two", id="p2")
    for word in ("queued", "sent", "Delivered", "failed"):
        assert await post(house, {"id": "p1", "status": word}, name="cloud/receipt") == 200
    assert await became(house, "one") == "delivered"
    for _ in range(2):
        assert await post(house, {"id": "p2", "status": "delivery_failed"}, name="cloud/receipt") == 200
    await until(lambda: says(house, "DELIVERY_FAILED"))
    assert await became(house, "two") == "not delivered: DELIVERY_FAILED"
    assert (await house.card()).text.count("Not delivered") == 1


async def test_a_receipt_by_our_own_id_and_one_that_comes_first(house, provider):
    """Where the provider names no id; and where it says what became of a text before it says that it has it."""
    await post(house, text())
    ours = await sent(house, provider, "one")
    raw = f"id={ours}&status=READ".encode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert await post(house, None, raw=raw, headers=form, name="cloud/receipt") == 200
    assert await became(house, "one") == "delivered"
    assert await post(house, {"id": "p9", "status": "undelivered"}, name="cloud/receipt") == 200
    await sent(house, provider, "early", id="p9")
    await until(lambda: says(house, "Not delivered to +48601602603: not delivered: UNDELIVERED"))


@pytest.mark.parametrize(
    ("said", "more", "status"),
    [
        ({"id": "p1", "status": "failed"}, {"signed": "0" * 64}, 401),
        ({"id": "p1", "status": "failed"}, {"stamp": "1000000000"}, 401),
        ({"id": "p1", "status": "failed"}, {"name": "nobody/receipt"}, 404),
        ({"id": "p1"}, {}, 400),
        ({"id": ["p1"], "status": {"a": 1}}, {}, 400),
        ({"id": "p1", "status": ""}, {}, 400),
        ({"id": "p2", "status": "failed"}, {}, 200),
        ({"id": "p1" * 50_000, "status": "failed"}, {}, 413),
        ({"id": "p1\x00" * 99, "status": "\u202efailed\r\n" * 99}, {}, 200),
        ({"id": "%", "status": "failed"}, {}, 200),
    ],
)
async def test_a_receipt_that_is_none_of_ours(house, provider, said, more, status):
    """Forged, old, foreign, without a word, of a text that we never sent: it changes nothing."""
    await post(house, text())
    await sent(house, provider, "one", id="p1")
    assert await post(house, said, **{"name": "cloud/receipt", **more}) == status
    assert await became(house, "one") == "sent"
    assert "Not delivered" not in (await house.card()).text


@given(st.text(max_size=50), st.text(max_size=50), st.text(max_size=20))
def test_no_value_becomes_more_than_a_value(words, to, own):
    """In a URL, in JSON and in a form: the same fields come out that the template has."""
    values = {"text": words, "to": to, "from": own, "id": "callfloor-1"}
    made = webhook.request(SETTINGS, values)
    url = httpx.URL(made.url)
    assert (url.host, url.query.count(b"&"), url.fragment) == ("api.example.com", 0, "")
    assert made.url.count("/") == 4
    assert json.loads(made.body) == {"from": own, "more": [words, 1, {"${to}": "xcallfloor-1x"}]}
    form = GatewaySettings(
        section="f", numbers=(), listen=Place("h", 1), secret=SECRET, url="http://h/", form="form", body="a=${text}&b=1"
    )
    made = webhook.request(form, values)
    assert httpx.QueryParams(made.body.decode()).multi_items() == [("a", words), ("b", "1")]
