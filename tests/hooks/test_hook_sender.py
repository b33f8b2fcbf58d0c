"""Webhooks as the other side sees them: signed, in order, again until taken, whatever it answers meanwhile."""

import asyncio
from itertools import count

import pytest
from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook

from acd.core import events as ev
from acd.hooks import office, sender
from acd.site import load_site
from acd.store import deliveries
from tests.channels.mail_house import until
from tests.hooks.endpoint import OK, Endpoint, answer
from tests.hooks.hook_house import SECRET, HookHouse, hook

OTHER = "whsec_" + "QUJD" * 10


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """What failed is tried again soon."""
    monkeypatch.setattr(sender, "AGAIN_S", 0.05)
    monkeypatch.setattr(sender, "AGAIN_MOST_S", 0.4)
    monkeypatch.setattr(sender, "REST_S", 0.2)
    monkeypatch.setattr(office, "LOOK_S", 0.2)


def verify(asked, secret=SECRET):
    """The specification's own receiver takes it."""
    Webhook(secret).verify(asked.body, asked.headers)


async def standing(house, name="shop"):
    found = await house.store.read(deliveries.standings)
    return next(one for one in found if one.name == name)


async def fails(house, said, name="shop"):
    """Wait until an endpoint fails so."""

    async def so():
        return said in (await standing(house, name)).said

    await until(so)


async def is_idle(house, name="shop"):
    async def none_waits():
        return not (await standing(house, name)).waits

    await until(none_waits)


async def test_a_contact_is_told_from_its_arrival_to_its_end(tmp_path):
    """Each step is one request, signed, in order, with an id of its own; who it is stands in it."""
    async with Endpoint() as endpoint, HookHouse(tmp_path, hook(endpoint)) as house:
        house.arrive("1.1")
        house.leave("1.1")
        await until(lambda: endpoint.of("contact-over"))
        assert [one.type for one in endpoint.got] == ["contact-waits", "contact-over"]
        for one in endpoint.got:
            assert one.line == "POST /hooks HTTP/1.1"
            assert one.headers["content-type"] == "application/json"
            verify(one)
        waits, over = endpoint.got
        assert waits.id != over.id
        assert waits.data["caller"] == "+48601602603"
        assert (waits.data["call"], waits.data["queue"], waits.data["medium"]) == ("1.1", "sales", "voice")
        assert waits.data["customer"] == over.data["customer"]
        assert over.data["outcome"] == "abandoned"
        assert waits.said["timestamp"].endswith("Z")
        await is_idle(house)
        stands = await standing(house)
        assert (stands.sent, stands.given_up, stands.failing_since) == (2, 0, None)
        await asyncio.sleep(0)
        assert len(endpoint.got) == 2


async def test_both_secrets_sign_while_one_is_replaced(tmp_path):
    """Whoever has the old secret and whoever has the new one take it; nobody with a third."""
    async with Endpoint() as endpoint, HookHouse(tmp_path, hook(endpoint, f"old_secret = {OTHER}")) as house:
        house.arrive("1.1")
        (one,) = await until(lambda: endpoint.got)
        verify(one)
        verify(one, OTHER)
        with pytest.raises(Exception, match="No matching signature"):
            verify(one, "whsec_" + "REVG" * 10)


async def test_only_what_is_wanted_is_told(tmp_path):
    """Of the events and queues that acd.conf names; what is of no queue is told anyway."""
    more = "events = contact-waits, seat\nqueues = support"
    async with Endpoint() as endpoint, HookHouse(tmp_path, hook(endpoint, more)) as house:
        house.arrive("1.1", "sales")
        house.arrive("1.2", "support")
        house.leave("1.2")
        house.dispatcher.submit(ev.LogInAsked(seat="101", pin_matches=True))
        await until(lambda: endpoint.of("seat"))
        assert [(one.type, one.data.get("call")) for one in endpoint.got] == [("contact-waits", "1.2"), ("seat", None)]


@pytest.mark.parametrize("status", [500, 503, 302])
async def test_what_fails_is_told_again_in_its_order(tmp_path, status):
    """The same id and words, a time and a signature of each attempt; what is behind it waits."""
    numbers = count()
    says = lambda _: answer(status, b"", "Location: http://127.0.0.1:9/") if next(numbers) < 3 else OK  # noqa: E731 - short
    async with Endpoint(says) as endpoint, HookHouse(tmp_path, hook(endpoint)) as house:
        house.arrive("1.1")
        house.leave("1.1")
        await until(lambda: len(endpoint.got) == 5)
        assert [one.type for one in endpoint.got] == ["contact-waits"] * 4 + ["contact-over"]
        assert len({(one.id, one.body) for one in endpoint.got}) == 2
        for one in endpoint.got:
            verify(one)


async def test_what_is_refused_for_itself_holds_up_nothing(tmp_path):
    """A 4xx steps aside, others go on; when the endpoint thinks better of it, it is told after all."""
    refuses = [True]
    says = lambda asked: answer(422) if refuses and asked.data.get("call") == "1.1" else OK  # noqa: E731 - short
    async with Endpoint(says) as endpoint, HookHouse(tmp_path, hook(endpoint, "events = contact-waits")) as house:
        for number in (1, 2, 3):
            house.arrive(f"1.{number}")
        await until(lambda: {"1.2", "1.3"} <= {one.data["call"] for one in endpoint.got})
        await fails(house, "HTTP 422")
        refuses.clear()
        await is_idle(house)
        first = [one for one in endpoint.got if one.data["call"] == "1.1"]
        assert len(first) > 1
        assert len({one.id for one in first}) == 1
        assert (await standing(house)).sent == 3


async def test_a_server_error_over_and_over_steps_aside(tmp_path):
    """One that the endpoint stumbles over is tried in its place so many times; then the others are told."""
    says = lambda asked: answer(500) if asked.data.get("call") == "1.1" else OK  # noqa: E731 - short
    async with Endpoint(says) as endpoint, HookHouse(tmp_path, hook(endpoint, "events = contact-waits")) as house:
        house.arrive("1.1")
        house.arrive("1.2")
        await until(lambda: any(one.data["call"] == "1.2" for one in endpoint.got))
        before = [one.data["call"] for one in endpoint.got]
        assert before[: sender.ASIDE_TRIES] == ["1.1"] * sender.ASIDE_TRIES


async def test_who_refuses_everything_is_not_pestered(tmp_path, monkeypatch):
    """A wrong path: after some refusals it has a rest; healed, it is told all, and what waited in its order."""
    monkeypatch.setattr(sender, "AGAIN_S", 60.0)
    monkeypatch.setattr(sender, "AGAIN_MOST_S", 60.0)
    wrong = [True]
    made = Endpoint(lambda _: answer(404) if wrong else OK)
    async with made as endpoint, HookHouse(tmp_path, hook(endpoint, "events = contact-waits")) as house:
        for number in range(40):
            house.arrive(f"1.{number}")
        await until(lambda: len(endpoint.got) > sender.REFUSED_MOST)

        async def all_wait():
            return (await standing(house)).waits == 40

        await until(all_wait)
        await asyncio.sleep(2 * sender.REST_S)  # in which more would come
        assert len(endpoint.got) == sender.REFUSED_MOST + 1
        wrong.clear()
        await house.store.write(deliveries.again, "shop", house.dispatcher.clock())
        await is_idle(house)
        healed = [one.data["call"] for one in endpoint.got[sender.REFUSED_MOST + 1 :]]
        assert sorted(healed) == sorted(f"1.{number}" for number in range(40))
        late = [call for call in healed if int(call[2:]) > sender.REFUSED_MOST]
        assert late == [f"1.{number}" for number in range(sender.REFUSED_MOST + 1, 40)]


@pytest.mark.parametrize(("times", "about_s"), [(0, 5), (1, 10), (4, 80), (8, 1_280), (9, 1_800), (1_000, 1_800)])
async def test_each_time_it_is_waited_longer(tmp_path, monkeypatch, times, about_s):
    """Twice as long, up to half an hour, a fifth more or less so that many do not come together."""
    monkeypatch.undo()
    async with Endpoint() as endpoint, HookHouse(tmp_path, hook(endpoint)) as house:
        await until(lambda: house.customers._hooks._senders)
        one, _ = house.customers._hooks._senders["shop"]
        drawn = {one._again_s(times) for _ in range(200)}
    assert about_s * 0.8 <= min(drawn) < about_s < max(drawn) <= about_s * 1.2


async def test_an_endpoint_that_is_away_slows_no_other(tmp_path):
    """One hangs, one is dead, one is told all at once."""
    hangs = asyncio.Event()

    async def hang(_writer):
        await hangs.wait()

    async with Endpoint(lambda _: hang) as slow, Endpoint() as well:
        dead = Endpoint()
        dead.port = 9
        more = hook(slow, name="slow") + hook(dead, name="dead") + hook(well)
        async with HookHouse(tmp_path, more) as house:
            for number in range(20):
                house.arrive(f"1.{number}")
            await until(lambda: len(well.of("contact-waits")) == 20)
            assert len(slow.got) == 1
            await fails(house, "ConnectError", "dead")
            assert (await standing(house, "dead")).waits == 20
        hangs.set()


async def test_410_ends_it_until_somebody_says_otherwise(tmp_path):
    """Nothing more is sent, what waits is kept, the alarm says so; `again` goes on with what waits."""
    gone = [True]
    made = Endpoint(lambda _: answer(410) if gone else OK)
    async with made as endpoint, HookHouse(tmp_path, hook(endpoint)) as house:
        house.arrive("1.1")
        await fails(house, "HTTP 410")
        await until(lambda: any("told nothing any more" in alarm for alarm in house.customers.alarms))
        house.arrive("1.2")  # after it said so: not for it
        await house.store.caught_up.wait()
        assert len(endpoint.got) == 1
        gone.clear()
        await house.store.write(deliveries.again, "shop", house.dispatcher.clock())
        await is_idle(house)
        assert [one.data["call"] for one in endpoint.got] == ["1.1", "1.1"]
        await until(lambda: not house.customers.alarms)


async def test_what_is_not_taken_for_too_long_is_given_up_and_can_be_sent_again(tmp_path):
    """An alarm tells of it until somebody has it sent again: then it is told, under its old id."""
    fails_still = [True]
    made = Endpoint(lambda _: answer(503) if fails_still else OK)
    async with made as endpoint, HookHouse(tmp_path, hook(endpoint)) as house:
        short = replace(house.site.webhooks["shop"], give_up_ms=500)
        house.site = replace(house.site, webhooks={"shop": short})
        house.arrive("1.1")
        await until(lambda: any("1 given up" in alarm for alarm in house.customers.alarms))
        tried = len(endpoint.got)
        fails_still.clear()
        house.arrive("1.2")
        await until(lambda: len(endpoint.got) > tried)
        assert endpoint.got[-1].data["call"] == "1.2"
        assert await house.store.write(deliveries.again, "shop", house.dispatcher.clock()) == 1
        await until(lambda: endpoint.got[-1].data["call"] == "1.1")
        assert endpoint.got[-1].id == endpoint.got[0].id
        await until(lambda: not house.customers.alarms)


async def test_the_backlog_is_bounded_and_the_oldest_go(tmp_path, monkeypatch):
    """Of more than may wait the oldest are dropped, and an alarm says how many; the rest is told when it can be."""
    monkeypatch.setattr(office, "SWEEP_EVERY", 1)
    fails_still = [True]
    made = Endpoint(lambda _: answer(503) if fails_still else OK)
    async with made as endpoint, HookHouse(tmp_path, hook(endpoint, "events = contact-waits\nbacklog = 100")) as house:
        for number in range(130):
            house.arrive(f"1.{number}")
        await until(lambda: any("30 dropped" in alarm for alarm in house.customers.alarms))
        fails_still.clear()
        await is_idle(house)
        told = [one.data["call"] for one in endpoint.got if one.data["call"] != "1.0"]
        assert told[-100:] == [f"1.{number}" for number in range(30, 130)]


async def test_a_webhook_that_comes_later_hears_nothing_of_before(tmp_path):
    """What happened before acd.conf named it is not told; what happens afterwards is, once the files are read anew."""
    async with Endpoint() as first, Endpoint() as second:
        async with HookHouse(tmp_path, hook(first)) as house:
            house.arrive("1.1")
            await until(lambda: first.got)
        async with HookHouse(tmp_path, hook(first) + hook(second, name="later")) as house:
            house.arrive("1.2")
            await until(lambda: any(one.data.get("call") == "1.2" for one in second.got))
            assert "1.1" not in [one.data.get("call") for one in second.got]


async def test_a_server_that_has_handed_over_tells_nothing_more(tmp_path):
    """The one that has taken over does; what was put down before is there for it."""
    is_over = []
    async with Endpoint() as endpoint, HookHouse(tmp_path, hook(endpoint, "events = contact-waits")) as house:
        house.arrive("1.1")
        await until(lambda: endpoint.got)
        await is_idle(house)
        house.customers._is_over = lambda: bool(is_over)
        is_over.append(True)
        house.arrive("1.2")

        async def waits():
            return (await standing(house)).waits == 1

        await until(waits)
        await asyncio.sleep(3 * sender.REST_S)  # so long that it would have been told
        assert len(endpoint.got) == 1
        is_over.clear()
        await until(lambda: len(endpoint.got) == 2)


async def test_files_that_are_read_anew_are_in_force_at_once(tmp_path):
    """Another URL, other events: from then on; what waits for the old URL goes to the new one."""
    old = Endpoint(lambda _: answer(503))
    wanted = "events = contact-waits"
    async with old as first, Endpoint() as second, HookHouse(tmp_path, hook(first, wanted)) as house:
        house.arrive("1.1")
        await until(lambda: first.got)
        house.write(hook(second, "events = contact-waits, contact-over"))
        house.site = load_site(house.folder)
        house.arrive("1.2")
        house.leave("1.2")
        await until(lambda: second.of("contact-over"))
        calls = [one.data["call"] for one in second.got]
        assert calls == ["1.1", "1.2", "1.2"]
        house.site = replace(house.site, webhooks={})
        house.arrive("1.3")
        await house.store.caught_up.wait()
        await until(lambda: not house.customers._hooks._senders)
        assert len(second.got) == 3


async def test_messages_appointments_and_customers_are_told(tmp_path):
    """What is changed in the customer file is told once it is, in full; what was rolled back is not."""
    from acd.store import people, timeline  # noqa: PLC0415 - as the server loads it
    from acd.store.handles import Named  # noqa: PLC0415 - as above

    async with Endpoint() as endpoint, HookHouse(tmp_path, hook(endpoint, "events = customer-changed")) as house:

        def change(session, *, fails):
            person = people.find_or_make(session, Named("number", "+48601602603"), 1)
            people.rename(session, person, "Jan Kowalski")
            people.set_attribute(session, person, "tier", "gold", 2)
            people.agree(session, person, people.Agreed(medium="sms", purpose="texts", given=True, at=3))
            timeline.note(session, person, "Likes <tea>", 4, by="Anna")
            if fails:
                raise KeyError

        with pytest.raises(KeyError):
            await house.store.write(change, fails=True)
        await house.store.write(change, fails=False)
        (one,) = await until(lambda: endpoint.got)
        assert one.data["changed"] == ["attributes", "consents", "name", "notes"]
        assert (one.data["name"], one.data["attributes"]) == ("Jan Kowalski", {"tier": "gold"})
        assert one.data["notes"][0]["text"] == "Likes <tea>"
        assert one.data["consents"][0]["given"] is True
