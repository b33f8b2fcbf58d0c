"""One place and one case over media: who hung up and writes, whose chat broke and who calls. No place for others."""

import pytest
from msgspec.structs import replace

from acd.core.events import (
    CallArrived,
    CallEnded,
    Connected,
    HandsetState,
    LogInAsked,
    OfferAnswered,
    OfferEnded,
    Snapshot,
    Started,
)
from acd.store import people, timeline
from acd.store.handles import email, number
from tests.channels.chat_house import ChatHouse
from tests.channels.mail_house import listens, until
from tests.channels.sms_house import SmsHouse
from tests.channels.test_sms_gateway import GATEWAY, post, text
from tests.ports import free_port

HIS, MAIL = "601 602 603", "jan@example.org"
"""As his line gives it; the text comes from the same number, as a provider writes it."""
WAITED_MS, SLACK_MS = 600_000, 20_000


@pytest.fixture
async def house(tmp_path):
    port = free_port()
    async with SmsHouse(tmp_path, 9, GATEWAY.format(listen=port, provider=9)) as made:
        made.port = port
        await until(lambda: listens(port))
        yield made


def waits(house, call, caller, *, queue="sales", medium="voice", for_ms=WAITED_MS):
    """Somebody has waited for so long."""
    since = house.dispatcher.clock() - for_ms
    house.dispatcher.submit(CallArrived(call=call, queue=queue, caller=caller, medium=medium, since=since))


def leaves(house, call):
    """And gives it up."""
    house.dispatcher.submit(CallEnded(call=call))


def comes(house, call, caller, *, queue="sales", medium="email"):
    """Somebody comes, now; gives his head start."""
    house.dispatcher.submit(CallArrived(call=call, queue=queue, caller=caller, medium=medium))
    return house.calls[call].ahead_ms


def is_given_up(ahead_ms):
    """Whether it is the wait that was given up."""
    return WAITED_MS <= ahead_ms < WAITED_MS + SLACK_MS


async def test_who_hangs_up_and_texts_keeps_place_and_case(house):
    """By a real request of a provider: before whoever came after him, and his agent finds one case."""
    waits(house, "1.1", HIS)
    waits(house, "1.2", "222 333 444", for_ms=WAITED_MS // 2)
    await until(lambda: told(house, "1.1"))  # as it is long before he hangs up
    leaves(house, "1.1")
    assert await post(house, text()) == 200
    (came,) = (call for call in house.calls.values() if call.medium == "sms")
    assert is_given_up(came.ahead_ms)
    assert came.key < house.calls["1.2"].key
    assert house.dispatcher.clock() - came.arrived < SLACK_MS, "how long he waits for this answer is told as it is"
    card = await house.card(came.id)
    contacts = await until(lambda: both(house, card.person))
    assert {one.case_id for one in contacts} == {card.case}


async def both(house, person):
    """His contacts, when both are in the file."""
    found = await house.store.read(timeline.contacts, person)
    return found if len(found) == 2 else None


async def test_it_is_good_for_one_contact(house):
    """Whatever he sends afterwards stands at the end of the line."""
    waits(house, "1.1", HIS)
    leaves(house, "1.1")
    assert is_given_up(comes(house, "m1", HIS))
    house.dispatcher.submit(CallEnded(call="m1", reason="done"))
    assert comes(house, "m2", HIS) == 0
    assert comes(house, "m3", "+48601602603", medium="sms") == 0


async def test_only_what_he_really_waited_counts(house):
    """Not the time between, not the head start of a wait before, no more than a caller of the queue may wait."""
    waits(house, "1.1", HIS)
    leaves(house, "1.1")
    house.dispatcher.clock = later(house, 300_000)
    assert is_given_up(comes(house, "m1", HIS))
    leaves(house, "m1")
    assert comes(house, "1.2", HIS, medium="voice") < SLACK_MS
    waits(house, "c1", "222 333 444", medium="chat", for_ms=86_400_000)
    leaves(house, "c1")
    assert comes(house, "m2", "222 333 444") == house.site.queues["sales"].max_wait_ms


def later(house, by_ms):
    """A clock that is ahead."""
    clock = house.dispatcher.clock
    return lambda: clock() + by_ms


async def test_in_time_by_another_medium_to_the_same_queue(house):
    """Else he comes anew; that costs him nothing of what he has."""
    waits(house, "1.1", HIS)
    leaves(house, "1.1")
    assert comes(house, "1.2", HIS, medium="voice") == 0
    house.dispatcher.submit(CallEnded(call="1.2", reason="key-exit"))
    assert comes(house, "m1", HIS, queue="support") == 0
    assert comes(house, "m2", "222 333 444") == 0
    assert comes(house, "m3", "") == 0
    house.dispatcher.clock = later(house, house.site.general.resume_ms + 1_000)
    assert comes(house, "m4", HIS) == 0


async def test_a_chat_claims_nothing(house):
    """Anybody can say in it that he is somebody else: whose wait it was keeps it."""
    waits(house, "1.1", HIS)
    leaves(house, "1.1")
    assert comes(house, "c1", "+48601602603", medium="chat") == 0
    house.dispatcher.submit(CallEnded(call="c1", reason="done"))
    assert is_given_up(comes(house, "m1", HIS))


async def test_a_caller_id_is_no_address(house):
    """A line that gives what reads as somebody's address is not his."""
    waits(house, "c1", MAIL, medium="chat")
    leaves(house, "c1")
    assert comes(house, "1.1", MAIL, medium="voice") == 0
    assert comes(house, "1.2", f"email:{MAIL}", medium="voice") == 0
    for call in ("1.1", "1.2"):
        house.dispatcher.submit(CallEnded(call=call, reason="key-exit"))
    assert is_given_up(comes(house, "m1", MAIL))


async def test_none_while_he_waits_there_already(house):
    """Two contacts at once have one place."""
    waits(house, "1.1", HIS)
    waits(house, "1.2", HIS, for_ms=1_000)
    leaves(house, "1.1")
    assert comes(house, "m1", HIS) == 0


async def test_who_was_served_has_given_up_nothing(house):
    """A caller after his talk; a chat that waits again after an agent had it; who left by a key."""
    handsets = (HandsetState(seat="101", reachable=True, busy=False),)
    seen = Snapshot(asked=house.dispatcher.clock(), calls=(), legs=(), handsets=handsets)
    house.dispatcher.submit(Started(run="r"), seen)
    house.dispatcher.media["chat"] = house.dispatcher.media["voice"] = Desk(house)
    assert await house.dispatcher.ask(LogInAsked(seat="101", pin_matches=True)) == "ok"
    waits(house, "c1", HIS, medium="chat")
    (offer,) = house.dispatcher.core.state.offers
    house.dispatcher.submit(
        OfferAnswered(offer=offer), Connected(offer=offer), OfferEnded(offer=offer, outcome="hung-up")
    )
    assert house.calls["c1"].state in {"waiting", "offered"}
    leaves(house, "c1")
    assert comes(house, "1.1", HIS, medium="voice") == 0
    house.dispatcher.submit(CallEnded(call="1.1", reason="key-exit"))
    assert comes(house, "m1", HIS) == 0


class Desk:
    """Takes offers, and does nothing about them."""

    def __init__(self, house):
        self.house = house

    def offer(self, command):
        """Ring on."""

    def withdraw(self, command):
        """Ring no more."""
        self.house.dispatcher.submit(OfferEnded(offer=command.offer, outcome="withdrawn"))


async def test_who_is_called_back_has_his_place_there(house):
    """A queue that calls back whoever hangs up keeps the place itself."""
    rule = house.dispatcher.core.state.queues["sales"]
    house.dispatcher.core.state.queues["sales"] = replace(rule, callback_abandoned_ms=1)
    since = house.dispatcher.clock() - WAITED_MS
    house.dispatcher.submit(CallArrived(call="1.1", queue="sales", caller=HIS, dial="+48601602603", since=since))
    leaves(house, "1.1")
    assert [call.medium for call in house.calls.values()] == ["callback"]
    assert comes(house, "m1", HIS) == 0


async def test_he_is_known_by_all_his_addresses(house):
    """He who has called is the one who writes from the address that the customer file has for the number."""
    person = await house.store.write(people.find_or_make, number(HIS, "PL"), 1, name="Jan")
    await house.store.write(people.give, person, email(MAIL), 1)
    waits(house, "1.1", HIS)
    leaves(house, "1.1")
    await until(lambda: ("sales", email(MAIL)) in house.customers.returning._left)
    assert is_given_up(comes(house, "m1", "Jan@Example.org"))
    assert comes(house, "m2", HIS) == 0


async def test_a_restart_forgets_nothing(tmp_path):
    """What was given up before it counts after it; what was taken up before it, or is too old, does not."""
    other, old = "+48222333444", "+48555666777"
    async with SmsHouse(tmp_path, 9) as house:
        for call, caller in (("1.1", HIS), ("1.2", other), ("1.3", old)):
            waits(house, call, caller)
        for call in ("1.1", "1.2"):
            leaves(house, call)
        assert is_given_up(comes(house, "m1", other, medium="sms"))
        house.dispatcher.submit(CallEnded(call="m1", reason="done"))
        await until(house.store.caught_up.is_set)
        await until(lambda: has_ended(house, "1.1"))
    async with SmsHouse(tmp_path, 9) as house:
        await until(lambda: house.customers.returning._left)
        assert comes(house, "m2", other, medium="sms") == 0
        assert comes(house, "m3", old) == 0
        assert is_given_up(comes(house, "m4", "+48601602603", medium="sms"))


async def told(house, call):
    """What the file has of a call of his, if it has anything."""
    person = await house.store.read(people.find, number(HIS, "PL"))
    found = await house.store.read(timeline.contacts, person) if person is not None else []
    return next((one for one in found if one.call == call), None)


async def has_ended(house, call):
    """Whether the file has the end of a call of his."""
    found = await told(house, call)
    return found is not None and found.ended_at is not None


async def test_whose_chat_breaks_and_who_calls_keeps_his_place(tmp_path):
    """By a real socket: his page is gone, after the grace time his contact is too, and he calls."""
    async with ChatHouse(tmp_path) as house:
        async with house.page() as page:
            await page.hear("welcome")
            await page.send(t="who", id="who-00001", name="Jan", number=HIS)
            await page.hear("done", id="who-00001")
            await page.say("Is anybody there?")
            (chat,) = house.calls.values()
        await until(lambda: house.calls == {})
        ahead_ms = comes(house, "1.1", HIS, medium="voice")
        assert 0 < ahead_ms <= house.dispatcher.clock() - chat.arrived


async def test_a_fault_costs_no_event(house, monkeypatch):
    """A caller arrives whatever goes wrong while it is looked whether he has been here."""
    waits(house, "1.1", HIS)
    leaves(house, "1.1")
    monkeypatch.setattr(house.customers.returning, "_comes", None)
    assert comes(house, "m1", HIS) == 0
    assert "could not be amended" in house.dispatcher.alarms[-1]
