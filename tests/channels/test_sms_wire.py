"""Texts on the wire: brought by a message centre, in a queue, answered, and what becomes of the answer."""

import asyncio

import pytest

from acd.channels.contact import Reply, ReplyError
from acd.core.events import CallEnded
from acd.site import load_site
from acd.store import people, texts, texts_out, timeline
from acd.store.handles import number
from tests.channels.mail_house import until
from tests.channels.sms_house import SmsHouse, says
from tests.channels.smsc_raw import Centre, body, part, tlv

JAN = "+48601602603"


@pytest.fixture
async def centre():
    async with Centre() as made:
        yield made


@pytest.fixture
async def house(tmp_path, centre):
    async with SmsHouse(tmp_path, centre.port) as made:
        await asyncio.wait_for(centre.bound.wait(), 20)
        yield made


async def test_a_text_waits_in_the_queue_of_the_number_that_it_came_to(house, centre):
    """It is answered when it is in the customer file and in the journal; the agent's card says who and what."""
    assert await centre.brings("Where is my order?") == 0
    call = house.calls[house.call]
    assert (call.queue, call.caller, call.medium) == ("sales", JAN, "sms")
    card = await house.card()
    assert (card.text, card.sender, card.address, card.language) == ("Where is my order?", JAN, JAN, "")
    assert card.person == await house.store.read(people.find, number(JAN))
    assert card.case is not None
    assert centre.binds == [("transceiver", b"acme", b"geheim")]
    assert await centre.brings("Hi", source="48511512513", to="7171") == 0
    assert {one.queue for one in house.calls.values()} == {"sales", "support"}
    lines = await house.store.read(timeline.contacts, card.person)
    assert [(one.medium, one.queue, one.key) for one in lines] == [("sms", "sales", card.call)]


async def test_a_second_text_belongs_to_the_contact_that_waits(house, centre):
    """One call, both texts on the card; of another customer it is another."""
    await centre.brings("Where is my order?")
    first = house.call
    await centre.brings("Number 17, żółty")
    assert house.call == first
    assert (await house.card()).text == "Where is my order?\nNumber 17, żółty"
    await centre.brings("Me too", source="48511512513")
    assert len(house.calls) == 2


async def test_what_its_agent_was_not_shown_is_a_contact_when_he_closes(house, centre, monkeypatch):
    """Whoever writes while his contact is being closed is heard."""
    await centre.brings("First")
    first = house.call
    await house.store.write(texts.show, first, (await house.store.read(texts.find, first)).messages[-1].id)
    await centre.brings("Second")
    await house.sms.closed(first, "101", "order")
    house.dispatcher.submit(CallEnded(call=first, reason="done"))
    await until(lambda: first not in house.calls and len(house.calls) == 1)
    card = await house.card()
    assert (card.text, card.quoted) == ("Second", "First")
    await house.sms.closed(card.call, "101", "")
    await house.sms.closed(card.call, "101", "")
    assert await house.store.read(texts.still_open) == []


async def test_an_answer_goes_out_by_the_number_that_was_written_to(house, centre):
    """A text and a template; quotes are made plain; what becomes of it is known by its receipt."""
    await centre.brings("Hello")
    await house.sms.reply(house.call, "101", Reply(text="Tomorrow — “surely”"))
    await until(lambda: len(centre.submitted) == 1)
    out = centre.submitted[0]
    assert (out.source, out.to, out.text, out.registered) == ("48221234567", "48601602603", 'Tomorrow - "surely"', 1)
    await house.sms.reply(house.call, "101", Reply(choice="opening-hours"))
    await until(lambda: len(centre.submitted) == 2)
    assert centre.submitted[1].text == "We open at nine. Anna Nowak"
    assert [one.name for one in house.sms.choices("sales", "en")] == ["opening-hours"]
    await said(house, 1, "sent")
    assert await centre.bring(centre.receipt("id-1", "DELIVRD")) == 0
    await said(house, 1, "delivered")
    assert (await house.card()).text == "Hello"


async def said(house, nth, words):
    """Wait until this is known of the nth answer."""
    async with asyncio.timeout(10):
        while True:
            found = await house.store.read(texts.find, house.call)
            out = [one.id for one in found.messages if one.direction == "out"]
            if len(out) >= nth and words in await house.store.read(texts_out.words_of, out[nth - 1]):
                return
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("first", ["deliver", "answer"])
async def test_an_answer_that_does_not_arrive_comes_back(house, centre, first):
    """Once, whether the receipt is twice there, or there before the centre's own answer."""
    await centre.brings("Hello")
    call = house.call
    name = "255"

    def early(_one):
        if first == "deliver":
            centre.send(0x05, centre.receipt("FF", "UNDELIV"))
        return 0, name

    centre.on_submit = early
    await house.sms.reply(call, "101", Reply(text="Tomorrow"))
    await house.sms.closed(call, "101", "")
    house.dispatcher.submit(CallEnded(call=call, reason="done"))
    await until(lambda: centre.submitted)
    if first == "answer":
        await asyncio.sleep(0.2)
        await centre.bring(centre.receipt("ff", "UNDELIV"))
    await until(lambda: list(house.calls) not in ([], [call]))
    card = await house.card()
    assert "Not delivered to +48601602603: not delivered: UNDELIV err 042" in card.text
    assert "Tomorrow" in card.text
    assert "undelivered" in card.marks
    await centre.bring(centre.receipt("255", "UNDELIV"))
    assert len(house.calls) == 1


async def test_a_long_answer_goes_in_parts_and_a_refused_one_comes_back(house, centre):
    """With headers that the other side joins; a refusal for good is told in the same contact."""
    await centre.brings("Hello")
    await house.sms.reply(house.call, "101", Reply(text="a" * 200))
    await until(lambda: len(centre.submitted) == 2)
    assert "".join(one.text for one in centre.submitted) == "a" * 200
    assert [tuple(one.octets[4:6]) for one in centre.submitted] == [(2, 1), (2, 2)]
    centre.on_submit = lambda _: (0x0B, "")
    await house.sms.reply(house.call, "101", Reply(text="żółw"))
    await until(lambda: len(centre.submitted) == 3)
    assert centre.submitted[2].text == "żółw"
    await until(lambda: says(house, "ESME_RINVDSTADR"))
    with pytest.raises(ReplyError, match="too long"):
        await house.sms.reply(house.call, "101", Reply(text="ż" * 2_000))
    with pytest.raises(ReplyError, match="nothing in it"):
        await house.sms.reply(house.call, "101", Reply())


async def test_who_opts_out_is_told_once_and_sent_nothing_more(house, centre):
    """In any case and script; what waits to be sent is dropped; consent stands in the customer file."""
    await centre.brings("Hello")
    call = house.call
    assert await centre.brings("\uff33\uff34\uff2f\uff30!") == 0
    await until(lambda: len(centre.submitted) == 1)
    assert centre.submitted[0].text == "No more texts from Acme."
    await centre.brings("stop")
    with pytest.raises(ReplyError, match="opted out"):
        await house.sms.reply(call, "101", Reply(text="But why?"))
    person = await house.store.read(people.find, number(JAN))
    (agreed,) = (await house.store.read(people.profile, person)).consents
    assert (agreed.medium, agreed.given, agreed.how) == ("sms", False, "stop")
    await asyncio.sleep(0.2)
    assert len(centre.submitted) == 1
    await centre.brings("start")
    await house.sms.reply(call, "101", Reply(text="Welcome back"))
    await until(lambda: len(centre.submitted) == 2)


async def test_who_only_opts_out_is_no_call(house, centre):
    """Nobody has to do anything; the timeline has it."""
    await centre.brings("Arrêt")
    await until(lambda: len(centre.submitted) == 1)
    assert house.calls == {}
    person = await house.store.read(people.find, number(JAN))
    (line,) = await house.store.read(timeline.contacts, person)
    assert (line.outcome, line.ended_at is not None) == ("opted-out", True)


async def test_parts_are_joined_in_any_order_and_some_come_twice(house, centre):
    """By a header of 8 bits, of 16, and by TLVs; each is acknowledged; two senders may have one reference."""
    for octets in (part(b"three", 9, 3, 3), part(b"one ", 9, 3, 1), part(b"one ", 9, 3, 1)):
        assert await centre.bring(octets) == 0
    await centre.bring(part(b"else ", 9, 3, 1, source="48511512513"))
    assert house.calls == {}
    await centre.bring(part(b"two ", 9, 3, 2))
    assert (await house.card()).text == "one two three"
    wide = bytes([6, 8, 4, 1, 9, 2])
    await centre.bring(body(wide + b"\2B", esm=0x40))
    await centre.bring(body(wide + b"\1A", esm=0x40))

    def sar(number):
        return tlv(0x20C, b"\x07\x07") + tlv(0x20E, b"\2") + tlv(0x20F, bytes([number]))

    await centre.bring(body(b"D", tlvs=sar(2)))
    await centre.bring(body(b"C", tlvs=sar(1)))
    assert (await house.card()).text == "one two three\nAB\nCD"


async def test_an_alphanumeric_sender_is_kept_and_cannot_be_answered(house, centre):
    """It is a contact of nobody, with a case of its own."""
    await centre.brings("Your code is 1234", source="ACME Bank", ton=5)
    card = await house.card()
    assert (card.sender, card.person, card.case is not None) == ("ACME Bank", None, True)
    with pytest.raises(ReplyError, match="no number"):
        await house.sms.reply(house.call, "101", Reply(text="Hello"))


async def test_a_throttled_text_waits_and_goes(house, centre):
    """And nothing else of it is lost."""
    await centre.brings("Hello")
    answers = iter([(0x58, ""), (0x14, ""), (0, "a")])
    centre.on_submit = lambda _: next(answers)
    await house.sms.reply(house.call, "101", Reply(text="Hi"))
    await until(lambda: len(centre.submitted) == 3, 15)
    await said(house, 1, "sent")
    assert (await house.card()).text == "Hello"


async def test_a_text_in_doubt_is_sent_once_more_and_never_a_third_time(house, centre):
    """The session breaks after it was sent: twice so, and somebody is told."""
    await centre.brings("Hello")

    def breaks(_one):
        centre.drop()

    centre.on_submit = breaks
    await house.sms.reply(house.call, "101", Reply(text="Hi"))
    await until(lambda: len(centre.submitted) == 2, 25)
    await until(lambda: says(house, "nobody knows"))
    await asyncio.wait_for(centre.bound.wait(), 10)
    await asyncio.sleep(0.3)
    assert len(centre.submitted) == 2


async def test_one_centre_brings_and_another_sends(tmp_path):
    """Bound as receiver and transmitter; a receipt by the receiver is of what the transmitter sent."""
    more = "bind = receiver\nanswers_by = out\n[out](centre)\nhost = 127.0.0.1:{port}\nbind = transmitter\n"
    async with (
        Centre() as first,
        Centre() as second,
        SmsHouse(tmp_path, first.port, more.format(port=second.port)) as house,
    ):
        await asyncio.gather(*(asyncio.wait_for(one.bound.wait(), 20) for one in (first, second)))
        assert (first.binds[0][0], second.binds[0][0]) == ("receiver", "transmitter")
        await first.brings("Hello")
        await house.sms.reply(house.call, "101", Reply(text="Hi"))
        await until(lambda: second.submitted)
        await said(house, 1, "sent")
        await first.bring(first.receipt("id-1", "DELIVRD"))
        await said(house, 1, "delivered")
        assert first.submitted == []


async def test_new_settings_are_put_in_force(house, centre):
    """A centre that has changed is bound anew; one that is gone is left, and what was to go over it waits."""
    await centre.brings("Hello")
    call, conf = house.call, house.folder / "acd.conf"
    old = conf.read_text()
    conf.write_text(old.replace("user = acme", "user = other"))
    house.site = load_site(house.folder)
    house.written.use(house.folder)
    await until(lambda: len(centre.binds) == 2)
    assert centre.binds[1][1] == b"other"
    assert (0x06, 0) in centre.others  # it was told good-bye
    conf.write_text(old.replace("[operator](centre)", "[operator](centre,!)"))
    house.site = load_site(house.folder)
    house.written.use(house.folder)
    await until(lambda: not house.texting.senders)
    with pytest.raises(ReplyError, match="no section 'operator' any more"):
        await house.sms.reply(call, "101", Reply(text="Hi"))
