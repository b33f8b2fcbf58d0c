"""Written contacts at the web desk, over real HTTP: offered, read, answered, given away, put off, left."""

import asyncio

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from acd.core import events as ev
from acd.desk import offers
from acd.store.schema import Interaction
from tests.channels.mail_house import MailServer, until
from tests.desk.web_house import MAIL, WebHouse


@pytest.fixture
async def relay():
    async with MailServer() as relay:
        yield relay


@pytest.fixture
async def house(tmp_path, relay):
    async with WebHouse(tmp_path, relay.port) as house:
        yield house


def problem(answer, status):
    """What a problem says."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    return answer.json()["title"]


async def test_offered_read_answered_and_closed_without_a_telephone(house, relay):
    """The page hears of the offer and accepts; text and file go out by mail, once; the handset is never rung."""
    async with house.browser() as client, house.page(client, desk=1) as page:
        assert (await page.hears("hello"))["resumed"] is False
        call = await house.bring(MAIL)
        offer = await page.hears("offer")
        assert (offer["call"], offer["seat"], offer["medium"]) == (call, "101", "email")
        at = f"/api/v1/contacts/{call}"
        assert problem(await client.post(f"{at}/reply", json={"text": "too soon"}), 409) == "it is not accepted yet"
        assert (await client.post(f"{at}/accept")).json() == {"done": "ok"}
        await page.hears("contact-taken")
        problem(await client.post(f"{at}/accept"), 409)
        listed = (await client.get("/api/v1/contacts")).json()
        assert [(one["call"], one["state"], one["mine"], one["at_desk"]) for one in listed] == [
            (call, "talking", True, True)
        ]
        card = (await client.get(f"{at}/card")).json()
        assert "<script>alert(2)</script>" in card["text"]
        brought = await client.post(
            "/api/v1/uploads?name=../../price%20list.txt",
            content=b"ten",
            headers={"Content-Type": "application/octet-stream"},
        )
        assert brought.json()["name"].endswith("price list.txt")
        assert "/" not in brought.json()["name"]
        answer = {"text": "It comes tomorrow.", "template": "opening-hours", "files": [brought.json()["id"]]}
        answered = await client.post(f"{at}/reply", json={**answer, "close": True, "code": "sold"})
        assert answered.json() == {"done": "ok"}
        problem(await client.post(f"{at}/reply", json=answer), 404)
        await until(lambda: relay.got)
        sent = relay.got[0][2].decode()
        assert "It comes tomorrow." in sent
        assert "We open at nine" in sent
        assert "price list.txt" in sent
        assert house.calls == {}
        assert len(relay.got) == 1
        assert house.handset.rung == []
        assert not list((house.home / "desk/uploads").iterdir())
        assert not list((house.home / "desk/offers").iterdir())


async def test_without_a_desk_the_handset_is_rung(house):
    """Who only has a token, or has left his page for a while, has his handset rung, and cannot accept here."""
    program = house.token("agent", seat="101")
    assert (await program.ask("POST", "/seat/log-in", json={"pin": "8642"})).json() == {"done": "ok"}
    call = await house.bring(MAIL)
    await until(lambda: house.handset.rung)
    refused = await program.ask("POST", f"/contacts/{call}/accept")
    assert problem(refused, 409) == "it is at the telephone of this seat"


async def test_a_seat_without_any_telephone(house, relay):
    """Its telephone unplugged, a seat has its e-mails at the desk, and answers them."""
    house.is_plugged = False
    house.look()
    call = await house.bring(MAIL)
    async with house.browser() as client:
        assert house.calls[call].state == "waiting"
        async with house.page(client, desk=1) as page:
            await page.hears("offer")
            at = f"/api/v1/contacts/{call}"
            assert (await client.post(f"{at}/accept")).status_code == 200
            assert (await client.post(f"{at}/reply", json={"text": "Yes.", "close": True})).status_code == 200
        await until(lambda: relay.got)
    assert house.handset.rung == []


async def test_refused_and_rung_out(house):
    """Refused it waits for others; not accepted in time it ends as a telephone that nobody answers."""
    ended = []
    house.dispatcher.watchers.append(
        lambda event, _: ended.append(event.outcome) if isinstance(event, ev.OfferEnded) else None
    )
    queue = replace(house.dispatcher.core.state.queues["sales"], ring_ms=300, refusal_ms=400)
    seats = tuple(one.rule for one in house.site.seats.values())
    support = house.dispatcher.core.state.queues["support"]
    house.dispatcher.submit(ev.Configured(queues=(queue, support), seats=seats))
    async with house.browser() as client, house.page(client, desk=1) as page:
        call = await house.bring(MAIL)
        await page.hears("offer")
        assert (await client.post(f"/api/v1/contacts/{call}/refuse")).status_code == 200
        assert (await page.hears("offer-over"))["outcome"] == "refused"
        await page.hears("offer")
        assert (await page.hears("offer-over"))["outcome"] == "no-answer"
    assert ended == ["refused", "no-answer"]
    assert house.handset.rung == []


async def test_given_to_another_queue_and_put_off(house):
    """Given away it is offered there at once, at its old place; put off, to nobody."""
    async with (
        house.browser() as anna,
        house.page(anna, desk=1) as page,
        house.browser("102", "9753") as ben,
        house.page(ben, desk=1) as other,
    ):
        call = await house.bring(MAIL)
        await page.hears("offer")
        at = f"/api/v1/contacts/{call}"
        await anna.post(f"{at}/accept")
        arrived = house.calls[call].arrived
        assert problem(await anna.post(f"{at}/transfer", json={"queue": "nowhere"}), 409) == "there is no such queue"
        assert (await anna.post(f"{at}/transfer", json={"queue": "support"})).status_code == 200
        await other.hears("offer", seat="102")
        assert house.calls[call].arrived == arrived
        problem(await anna.get(f"{at}/card"), 404)
        await ben.post(f"{at}/accept")
        assert (await ben.post(f"{at}/defer", json={"for_ms": 60_000})).status_code == 200
        assert house.calls[call].state == "waiting"
        assert house.calls[call].hold_until is not None


async def test_a_snapshot_of_the_switch_leaves_it_alone(house):
    """The switch holds no leg of it, and it stays; a server that comes next knows it as this one did."""
    async with house.browser() as client, house.page(client, desk=1) as page:
        call = await house.bring(MAIL)
        await page.hears("offer")
        house.look()
        assert house.calls[call].state == "offered"
        await client.post(f"/api/v1/contacts/{call}/accept")
        house.look()
        assert house.calls[call].state == "talking"


async def test_it_outlives_a_restart(tmp_path, relay):
    """What was accepted lies before the same agent when the server is there again, and can be answered."""
    async with (
        WebHouse(tmp_path, relay.port) as house,
        house.browser() as client,
        house.page(client, desk=1) as page,
    ):
        call = await house.bring(MAIL)
        await page.hears("offer")
        await client.post(f"/api/v1/contacts/{call}/accept")
    async with WebHouse(tmp_path, relay.port) as house:
        assert house.calls[call].state == "talking"
        async with house.browser(cookies=client.cookies) as client:
            answer = await client.post(f"/api/v1/contacts/{call}/reply", json={"text": "Yes.", "close": True})
            assert answer.status_code == 200, answer.text
        await until(lambda: relay.got)
        assert house.calls == {}


async def test_no_handset_rings_while_a_page_comes_back_after_a_restart(tmp_path, relay, monkeypatch):
    """What comes before the page is back is offered at the desk all the same; a page that stays away closes it."""
    async with WebHouse(tmp_path, relay.port) as house, house.browser() as before, house.page(before, desk=1):
        await until(lambda: house.dispatcher.core.state.seats["101"].desk_open)
    async with WebHouse(tmp_path, relay.port) as house:
        call = await house.bring(MAIL)
        await until(lambda: house.calls[call].state == "offered")
        async with house.browser(cookies=before.cookies) as client:
            [found] = [one for one in (await client.get("/api/v1/contacts")).json() if one["call"] == call]
            assert (found["mine"], found["at_desk"]) == (True, True)
            assert (await client.post(f"/api/v1/contacts/{call}/accept")).status_code == 200
        assert house.handset.rung == []
    monkeypatch.setattr(offers, "GRACE_S", 0.1)
    async with WebHouse(tmp_path, relay.port) as house:
        await until(lambda: not house.dispatcher.core.state.seats["101"].desk_open)


async def test_a_mail_that_still_rings_makes_way_for_a_call(house):
    """Who talks cannot accept it; it waits at its place, and is offered again when the call is over."""
    async with house.browser() as client, house.page(client, desk=1) as page:
        mail = await house.bring(MAIL)
        await page.hears("offer")
        house.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales", caller="5550100"))
        offer = await until(lambda: house.calls["1.1"].offer)
        house.dispatcher.submit(ev.OfferAnswered(offer=offer), ev.Connected(offer=offer))
        assert house.calls[mail].state == "waiting"
        problem(await client.post(f"/api/v1/contacts/{mail}/accept"), 409)
        house.dispatcher.submit(ev.OfferEnded(offer=offer, outcome="hung-up"), ev.CallEnded(call="1.1"))
        house.dispatcher.submit(ev.WrapUpEndAsked(seat="101"))
        await until(lambda: house.calls[mail].state == "offered")
        assert (await client.post(f"/api/v1/contacts/{mail}/accept")).status_code == 200


@pytest.mark.parametrize("wrap_up", ["10s", "0"])
async def test_a_code_is_of_the_contact_that_is_closed_with_it(tmp_path, wrap_up):
    """Not of the call that he had meanwhile, nor lost where no wrap-up follows."""
    async with (
        WebHouse(tmp_path, more=f"[sales](+)\nwrap_up = {wrap_up}\n") as house,
        house.browser() as client,
        house.page(client, desk=1) as page,
    ):
        mail = await house.bring(MAIL)
        await page.hears("offer")
        await client.post(f"/api/v1/contacts/{mail}/accept")
        house.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales", caller="5550100"))
        offer = await until(lambda: house.calls["1.1"].offer)
        house.dispatcher.submit(ev.OfferAnswered(offer=offer), ev.Connected(offer=offer))
        house.dispatcher.submit(ev.OfferEnded(offer=offer, outcome="hung-up"), ev.CallEnded(call="1.1"))
        answer = await client.post(f"/api/v1/contacts/{mail}/close", json={"code": "sold"})
        assert answer.status_code == 200, answer.text

        def codes(session):
            return {row.call: row.code for row in session.scalars(select(Interaction)) if row.ended_at is not None}

        async def are_told():
            return await house.store.read(codes) == {mail: "sold", "1.1": ""}

        await until(are_told)


async def test_an_agent_who_is_away_has_it_no_more(house, monkeypatch):
    """When no page of his is open for as long as `absent` says, what he accepted waits again, for others."""
    house.site = replace(house.site, web=replace(house.site.web, absent_ms=200))
    async with house.browser() as client:
        async with house.page(client, desk=1) as page:
            call = await house.bring(MAIL)
            await page.hears("offer")
            await client.post(f"/api/v1/contacts/{call}/accept")
        await until(lambda: house.calls[call].state == "waiting")


async def test_a_server_that_leaves_touches_nothing_any_more(house):
    """The next one has its contacts by then: pages that end after the hand-over give nothing back."""
    house.site = replace(house.site, web=replace(house.site.web, absent_ms=100))
    async with house.browser() as client, house.page(client, desk=1) as page:
        call = await house.bring(MAIL)
        await page.hears("offer")
        await client.post(f"/api/v1/contacts/{call}/accept")
        kept = list((house.home / "desk/offers").iterdir())
        await house.web.stop()
        await page.socket.wait_closed()
    await asyncio.sleep(0.5)
    assert house.calls[call].state == "talking"
    assert list((house.home / "desk/offers").iterdir()) == kept
    assert len(kept) == 1


async def test_files_are_saved_and_never_shown(house):
    """A file of a customer comes as an attachment under a harmless type, whatever it says it is."""
    async with house.browser() as client, house.page(client, desk=1) as page:
        call = await house.bring(MAIL)
        await page.hears("offer")
        got = await client.get(f"/api/v1/contacts/{call}/files/0")
        assert got.content.strip() == b"<script>alert(3)</script>"
        assert got.headers["content-type"] == "application/octet-stream"
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-security-policy"].startswith("sandbox")
        assert got.headers["content-disposition"].startswith("attachment;")
        problem(await client.get(f"/api/v1/contacts/{call}/files/7"), 404)
        problem(await client.get(f"/api/v1/contacts/{call}/files/..%2f..%2fsecrets.conf"), 404)


async def test_who_may_see_and_do_what(house):
    """Another queue's agent sees nothing of it; one who may only read does nothing; a supervisor moves what waits."""
    call = await house.bring(MAIL)
    agent, reader = house.token("agent", seat="102"), house.token("read")
    boss, keeper = house.token("supervisor"), house.token("customers")
    assert (await agent.ask("GET", "/contacts")).json() == []
    problem(await agent.ask("GET", f"/contacts/{call}/card"), 404)
    assert [one["call"] for one in (await reader.ask("GET", "/contacts")).json()] == [call]
    problem(await reader.ask("POST", f"/contacts/{call}/accept"), 403)
    problem(await reader.ask("POST", f"/contacts/{call}/transfer", json={"queue": "support"}), 403)
    problem(await keeper.ask("GET", "/contacts"), 403)
    problem(await reader.ask("GET", "/customers?q=jan"), 403)
    assert (await boss.ask("POST", f"/contacts/{call}/transfer", json={"queue": "support"})).status_code == 200
    assert house.calls[call].queue == "support"
