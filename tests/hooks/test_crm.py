"""A CRM is asked who it is: beside the call, within limits; its word is its own; what is learnt here is told to it."""

import asyncio
import json

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from acd.core import events as ev
from acd.store import people, pop, timeline
from acd.store.handles import Named
from tests.channels.mail_house import until
from tests.hooks.endpoint import Endpoint, answer
from tests.hooks.hook_house import SECRET, HookHouse, hook
from tests.hooks.test_hook_sender import verify

JAN = Named("number", "+48601602603")
KNOWN = {
    "external_id": "C-1017",
    "name": "Jan Kowalski",
    "language": "pl",
    "link": "https://crm.example.com/c/1017",
    "attributes": {"tier": "gold", "open orders": 2, "vip": True, "nothing": None},
}


def says(told, status=200):
    return answer(status, json.dumps(told).encode(), "Content-Type: application/json")


def crm(endpoint, more=""):
    return f"[crm]\ntype = crm\nurl = {endpoint.url}\nsecret = {SECRET}\n{more}\n"


async def popped(house, named=JAN):
    return await house.store.read(pop.screen_pop, named, house.dispatcher.clock())


async def has(house, **wanted):
    """Wait until the pop says so; gives it."""

    async def so():
        found = await popped(house)
        return found is not None and all(getattr(found, name) == value for name, value in wanted.items()) and found

    return await until(so)


async def test_a_stranger_is_asked_about_and_known_from_then_on(tmp_path):
    """The question is signed; the pop is completed, pages hear of it, and the phone that rings later shows the name."""
    async with Endpoint(lambda _: says(KNOWN)) as endpoint, HookHouse(tmp_path, crm(endpoint)) as house:
        heard = []
        house.store.listeners.append(lambda news: heard.extend(one.what for one in news.live))
        house.arrive("1.1", caller="601 602 603")
        found = await has(house, name="Jan Kowalski")
        (asked,) = endpoint.got
        verify(asked)
        assert asked.type == "customer-lookup"
        place = {"call": "1.1", "medium": "voice", "queue": "sales"}
        assert asked.data.items() >= {**place, "kind": "number", "value": "+48601602603", "external_id": ""}.items()
        assert (found.language, found.tier) == ("pl", "gold")
        assert found.attributes == {"tier": "gold", "open orders": "2", "vip": "yes"}
        [elsewhere] = found.elsewhere
        assert (elsewhere.source, elsewhere.external_id, elsewhere.link) == ("crm", "C-1017", KNOWN["link"])
        await until(lambda: house.customers.known.name("1.1") == "Jan Kowalski")
        [event] = [one for one in heard if one["type"] == "customer-changed"]
        assert (event["call"], event["source"], event["customer"]) == ("1.1", "crm", found.person)
        assert event["changed"] == ["attributes", "elsewhere", "language", "name"]


async def test_who_is_known_is_not_asked_about_until_that_is_old(tmp_path):
    """Then he is asked about again, by his id there; what it says no more is forgotten."""
    answers = [KNOWN, {"external_id": "C-1017", "name": "Jan Nowak", "attributes": {"tier": "silver"}}]
    async with Endpoint(lambda _: says(answers[0])) as endpoint, HookHouse(tmp_path, crm(endpoint)) as house:
        house.arrive("1.1")
        await has(house, name="Jan Kowalski")
        house.arrive("1.2")
        house.arrive("1.3", caller="+48601000000")
        await until(lambda: len(endpoint.got) == 2)  # of the stranger alone
        assert endpoint.got[1].data["value"] == "+48601000000"
        house.site = replace(house.site, crms={"crm": replace(house.site.crms["crm"], fresh_ms=0)})
        answers.pop(0)
        house.arrive("1.4")
        found = await has(house, name="Jan Nowak")
        assert endpoint.got[2].data["external_id"] == "C-1017"
        assert endpoint.got[2].data["customer"] == found.person
        assert found.attributes == {"tier": "silver"}
        assert found.language == "pl"


async def test_what_was_said_here_counts_more(tmp_path):
    """A name and an attribute that somebody here has given stay; the rest is filled in."""

    def known_here(session):
        person = people.find_or_make(session, JAN, 1, name="Janek")
        people.set_attribute(session, person, "tier", "bronze", 1)

    async with Endpoint(lambda _: says(KNOWN)) as endpoint, HookHouse(tmp_path, crm(endpoint)) as house:
        await house.store.write(known_here)
        house.arrive("1.1")
        found = await has(house, language="pl")
        assert (found.name, found.tier, found.attributes["vip"]) == ("Janek", "bronze", "yes")
        # And once somebody here has changed what the CRM said, that is his word.
        await house.store.write(people.set_attribute, found.person, "vip", "no", 2)
        house.site = replace(house.site, crms={"crm": replace(house.site.crms["crm"], fresh_ms=0)})
        house.arrive("1.2")
        await until(lambda: len(endpoint.got) == 2)
        await until(lambda: not house.customers._lookup._tasks)
        assert (await popped(house)).attributes["vip"] == "no"


async def test_a_call_does_not_wait_for_it(tmp_path):
    """It is offered and taken while the CRM has not said a word; when it does, it is not too late."""
    speaks = asyncio.Event()

    async def late(writer):
        await speaks.wait()
        writer.write(says(KNOWN))
        await writer.drain()

    async with Endpoint(lambda _: late) as endpoint, HookHouse(tmp_path, crm(endpoint, "timeout = 30s")) as house:
        now = house.dispatcher.clock()
        handset = ev.HandsetState(seat="101", reachable=True, busy=False)
        house.dispatcher.submit(ev.Started(run="t"))
        house.dispatcher.submit(ev.Snapshot(asked=now, calls=(), legs=(), handsets=(handset,)))
        house.dispatcher.submit(ev.LogInAsked(seat="101", pin_matches=True))
        house.arrive("1.1")
        house.dispatcher.drain()
        assert house.calls["1.1"].state == "offered"
        await until(lambda: endpoint.got)
        house.dispatcher.submit(ev.OfferAnswered(offer=house.calls["1.1"].offer))
        house.dispatcher.submit(ev.Connected(offer=house.calls["1.1"].offer))
        house.dispatcher.drain()
        assert house.calls["1.1"].state == "talking"
        speaks.set()
        await has(house, name="Jan Kowalski")


LONG = {**KNOWN, "attributes": {"a": "x" * 70_000}}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (answer(200, b"<html>"), "it is no JSON"),
        (answer(200, b"\xff\xfe"), "it is no JSON"),
        (answer(200, b'{"x":' + b"[" * 60_000), "it is no JSON"),
        (answer(200, b"[]"), "Expected `object`"),
        (says({"name": {"first": "Jan"}}), "$.name"),
        (says({"name": "x" * 201}), "$.name"),
        (says({"language": "<b>"}), "$.language"),
        (says({"link": "javascript:alert(1)"}), "`link` is no http(s) URL"),
        (says({"link": "https://x\r\nSet-Cookie: a"}), "`link` is no http(s) URL"),
        (says({"attributes": {"a": ["b"]}}), "$.attributes"),
        (says({"attributes": {str(one): "x" for one in range(51)}}), "$.attributes"),
        (says(LONG), "too long"),
        (says(KNOWN, 500), "HTTP 500"),
        (says(KNOWN, 302), "HTTP 302"),
        (answer(200, b"\x1f\x8b", "Content-Encoding: gzip"), "or packed"),
    ],
    ids=range(15),
)
async def test_an_answer_that_is_none_changes_nothing(tmp_path, said, why):
    """The log says why, without a word of it; the CRM is left alone for a while; the call goes on."""
    async with Endpoint(lambda _: said) as endpoint, HookHouse(tmp_path, crm(endpoint)) as house:
        with capture_logs() as logs:
            house.arrive("1.1")
            notes = await until(lambda: [one for one in logs if one["event"] == "CRM does not say who it is"])
        assert why in notes[0]["reason"]
        house.arrive("1.2", caller="+48601000000")
        await until(lambda: not house.customers._lookup._tasks)
        assert len(endpoint.got) == 1
        found = await has(house, name="")  # the journal has made him, without a word of the CRM
        assert (found.attributes, found.elsewhere, found.language) == ({}, (), "")
        assert set(house.calls) == {"1.1", "1.2"}


async def test_who_is_not_known_there_is_not_asked_about_again(tmp_path):
    """404 is an answer, as good as any until it is old."""
    async with Endpoint(lambda _: answer(404)) as endpoint, HookHouse(tmp_path, crm(endpoint)) as house:
        person = await house.store.write(people.find_or_make, JAN, 1)
        house.arrive("1.1")
        await until(lambda: endpoint.got)
        await until(lambda: not house.customers._lookup._tasks)
        house.arrive("1.2")
        house.arrive("1.3", caller="+48601000000")
        await until(lambda: len(endpoint.got) == 2)
        assert [one.data["value"] for one in endpoint.got] == [JAN.value, "+48601000000"]
        assert (await popped(house)).person == person


async def test_whom_it_is_asked_about(tmp_path):
    """Contacts of its queues, by number or address; nobody who withholds his."""
    made = Endpoint(lambda _: says(KNOWN))
    async with made as endpoint, HookHouse(tmp_path, crm(endpoint, "queues = support")) as house:
        house.arrive("1.1", "sales")
        house.arrive("1.2", "support", caller="")
        house.arrive("1.3", "support", caller="anonymous")
        house.dispatcher.submit(ev.CallArrived(call="m", queue="support", medium="email", caller="Jan@Example.org"))
        (asked,) = await until(lambda: endpoint.got)
        assert (asked.data["kind"], asked.data["value"]) == ("email", "jan@example.org")
        await has_address(house)


async def has_address(house):
    async def so():
        return (await popped(house, Named("email", "jan@example.org"))) is not None

    await until(so)


async def test_what_it_says_is_hostile(tmp_path):
    """Controls and marks of direction are gone, the rest is text."""
    wild = {"name": "Jan\u202e\x00\r\n<script>", "external_id": 17, "attributes": {"Tier\n": "a\x1b[31m"}}
    async with Endpoint(lambda _: says(wild)) as endpoint, HookHouse(tmp_path, crm(endpoint)) as house:
        house.arrive("1.1")
        found = await has(house, name="Jan <script>")
        assert found.attributes == {"tier": "a [31m"}
        assert found.elsewhere[0].external_id == "17"


async def test_what_is_learnt_here_is_told_there(tmp_path):
    """A note of an agent's, with the customer's id there; what the CRM itself said says that it did."""
    async with Endpoint(lambda _: says(KNOWN)) as asked, Endpoint() as told:
        more = crm(asked) + hook(told, "events = customer-changed, contact-over")
        async with HookHouse(tmp_path, more) as house:
            house.arrive("1.1")
            found = await has(house, name="Jan Kowalski")
            await house.store.write(timeline.note, found.person, "Likes tea", 5, by="Anna Nowak")
            await until(lambda: len(told.got) == 2)
            house.leave("1.1")
            await until(lambda: told.of("contact-over"))
            assert told.of("contact-over")[0].data["external"] == {"crm": "C-1017"}
            first, second = (one.data for one in told.of("customer-changed"))
            assert (first["source"], first["call"], first["name"]) == ("crm", "1.1", "Jan Kowalski")
            assert "source" not in second
            assert (second["external"], second["notes"][0]["text"]) == ({"crm": "C-1017"}, "Likes tea")


async def test_many_who_come_at_once_are_asked_about_a_few_at_a_time(tmp_path):
    """A flood neither drowns the CRM nor piles up here."""
    hangs = asyncio.Event()

    async def slow(writer):
        await hangs.wait()
        writer.write(says(KNOWN))

    async with Endpoint(lambda _: slow) as endpoint:
        async with HookHouse(tmp_path, crm(endpoint, "timeout = 30s")) as house:
            for number in range(300):
                house.arrive(f"1.{number}", caller=f"+4860100{number:04}")
            await until(lambda: len(endpoint.got) == 4)
            await house.store.caught_up.wait()
            assert (len(endpoint.got), len(house.customers._lookup._tasks)) == (4, 100)
            assert len(house.calls) == 300
        hangs.set()
