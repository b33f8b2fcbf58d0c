"""Hostile input of a message centre, or of who sends over it, through the real session (hostile-input 2.5)."""

import asyncio
import struct

import pytest

from acd.channels.contact import Reply
from acd.channels.sms import smsc
from acd.store import StoreError, texts
from tests.channels.mail_house import until
from tests.channels.sms_house import SmsHouse, says
from tests.channels.smsc_raw import Centre, body, part, tlv

LATE = "parts = 1s"


@pytest.fixture
async def centre():
    async with Centre() as made:
        yield made


@pytest.fixture
async def house(tmp_path, centre):
    async with SmsHouse(tmp_path, centre.port, LATE) as made:
        await asyncio.wait_for(centre.bound.wait(), 20)
        yield made


@pytest.mark.parametrize("length", [0, 4, 15, 2**31, 0x414D5150, 0x48545450])
async def test_a_length_that_cannot_be(house, centre, length):
    """The session is over, none of it is kept in memory, and the next one works."""
    centre.raw(length.to_bytes(4, "big") + b"GET / HTTP/1.1\r\n\r\n" * 10)
    await until(lambda: not centre.bound.is_set())
    assert await centre.brings("Hello") == 0
    assert (await house.card()).text == "Hello"


@pytest.mark.parametrize(
    ("octets", "status", "text"),
    [
        (body(b"Hello", length=255), 1, None),
        (b"\0" * 7, 1, None),
        (b"no end", 1, None),
        (b"", 1, None),
        (body(b"\x00", coding=8), 0, "\ufffd"),  # odd UCS-2
        (body("🙂".encode("utf-16-be")[:2], coding=8), 0, "\ufffd"),  # half a pair
        (body(b"Hi", tlvs=b"\x04\x24\xff\xffx"), 0, "Hi"),  # a TLV longer than its PDU
        (body(b"Hi ", tlvs=tlv(0x424, b"there")), 0, "Hi there"),  # two places for one text
        (body(b"\xff\x00\x03", esm=0x40), 0, "\ufffd@¥"),  # a header longer than the message
        (body(b"Hi\x1b"), 0, "Hi "),  # an escape at the end
        (body(b"Hi", coding=0xF5), 0, "Hi"),  # a coding that nobody knows
        (body(b"", esm=0x40), 0, ""),
    ],
)
async def test_a_message_that_is_not_well_formed(house, centre, octets, status, text):
    """It is refused for good, or brought with what can be read of it; the session goes on."""
    assert await centre.bring(octets) == status
    assert len(house.calls) == (text is not None)
    if text is not None:
        assert (await house.card()).text == text
    assert await centre.brings("Next", source="48511512513") == 0
    assert len(centre.binds) == 1


async def test_signs_that_hide_or_turn_text(house, centre):
    """Control signs and marks of direction do not reach a card; SQL and HTML are words."""
    await centre.brings("a\u202eb\u2066c\x00\x07\r\nd'; DROP TABLE people; -- <img src=x onerror=alert(1)>")
    assert (await house.card()).text == "abc\nd'; DROP TABLE people; -- <img src=x onerror=alert(1)>"
    await centre.brings("Hi", source="x\r\nAction: Command", ton=5)
    assert {one.caller for one in house.calls.values()} == {"+48601602603", "x Action: Command"}


async def test_255_parts_without_the_seventh(house, centre):
    """What came is brought after a while, and says what is missing."""
    for number in range(1, 256):
        if number != 7:
            assert await centre.bring(part(b"x", 1, 255, number)) == 0
    await until(lambda: len(house.calls) == 1, 20)
    card = await house.card()
    assert card.text == "x" * 6 + "[… 7/255 …]" + "x" * 248
    assert "not-parsed" in card.marks


async def test_parts_that_never_end_are_bounded(house, centre):
    """One who sends first parts only has so many on our disk; the oldest are brought as they are."""
    for ref in range(200):
        assert await centre.bring(part(b"x" * 134, ref, 3, 1)) == 0
        assert await centre.bring(part(b"x" * 134, ref, 3, 2)) == 0
    waiting = await house.store.read(lambda session: session.query(texts.TextPart).count())
    assert waiting <= texts.PARTS_MOST
    assert len(house.calls) == 1


async def test_more_at_once_than_can_be_stored(house, centre):
    """It is told to bring the rest later, and keeps it; what was taken is here."""
    for one in range(1_000):
        centre.send(0x05, body(b"Hello", source=f"48601602{one:03}"))
    await until(lambda: len(centre.answers) == 1_000, 30)
    assert set(centre.answers.values()) == {0, 0x14}
    assert len(house.calls) == list(centre.answers.values()).count(0)


async def test_a_reference_that_is_used_again(house, centre):
    """Other words under the same number are another message: the first one is brought as it is."""
    await centre.bring(part(b"old 1", 5, 2, 1))
    await centre.bring(part(b"new 1, ", 5, 2, 1))
    await centre.bring(part(b"new 2", 5, 2, 2))
    assert (await house.card()).text == "old 1[… 2/2 …]\nnew 1, new 2"


async def test_answers_to_nothing_and_a_storm_of_nacks(house, centre):
    """None of them is anybody's answer."""
    for sequence in (0, 1, 77, 2**31, 2**32 - 1):
        centre.send(0x80000004, b"name\0", 0, sequence)
        centre.send(0x80000000, b"", 3, sequence)
        centre.send(0x80000015, b"", 0, sequence)
    for _ in range(1_000):
        centre.send(0x80000000, b"", 3, 0)
    assert await centre.brings("Hello") == 0
    await house.sms.reply(house.call, "101", Reply(text="Hi"))
    await until(lambda: centre.submitted)
    assert len(centre.binds) == 1


async def test_commands_that_are_not_for_us(house, centre):
    """They are refused by name; a bind, a submit_sm and one that does not exist among them; data_sm brings a text."""
    for command in (0x01, 0x04, 0x07, 0x0B, 0x102, 0x7777):
        centre.send(command, b"\0" * 20)
    await until(lambda: len(centre.others) == 4)
    assert set(centre.others) == {(0x80000000, 3)}
    told = b"\0\1\x0148601602603\0\1\x0148221234567\0\0\0\0" + tlv(0x424, b"by data")
    centre.send(0x103, told)
    await until(lambda: house.calls)
    assert (await house.card()).text == "by data"


async def test_a_status_of_the_vendors_own(house, centre):
    """It is a refusal like any other: told, and the session goes on."""
    await centre.brings("Hello")
    centre.on_submit = lambda _: (0x4FF, "")
    await house.sms.reply(house.call, "101", Reply(text="Hi"))
    await until(lambda: says(house, "status 0x4ff"))
    assert len(centre.binds) == 1


async def test_a_receipt_for_nothing_and_one_that_lies(house, centre):
    """They are acknowledged and make no call; words of a message do not pass for a name."""
    for stat in ("UNDELIV", "DELIVRD", "'; DROP", ""):
        assert await centre.bring(centre.receipt("unknown", stat)) == 0
    assert await centre.bring(body(b"no receipt at all", esm=4)) == 0
    assert await centre.bring(body(b"", esm=4, tlvs=tlv(0x1E, b"") + tlv(0x427, b"\xff"))) == 0
    assert house.calls == {}


async def test_a_centre_that_never_answers(house, centre, monkeypatch):
    """Neither to enquire_link nor to a text: the session is made anew, and the text is sent once more."""
    monkeypatch.setattr(smsc, "TIMEOUT_S", 0.5)
    centre.answers_enquiries = False
    await until(lambda: len(centre.binds) == 2, 15)
    centre.answers_enquiries = True
    assert centre.enquiries
    await centre.brings("Hello")
    centre.on_submit = lambda _: None if len(centre.submitted) == 1 else (0, "name")
    await house.sms.reply(house.call, "101", Reply(text="Hi"))
    await until(lambda: len(centre.submitted) == 2, 15)


async def test_a_full_disk_has_the_centre_keep_it(house, centre, monkeypatch):
    """It is told that it is our system, not its message; brought again, it is taken."""
    write = house.store.write

    async def fails(*_args, **_more):
        raise StoreError("the disk is full")

    monkeypatch.setattr(house.store, "write", fails)
    assert await centre.brings("Hello") == 8
    monkeypatch.setattr(house.store, "write", write)
    assert await centre.brings("Hello") == 0
    assert (await house.card()).text == "Hello"


async def test_a_centre_that_does_not_let_us_in_and_one_that_unbinds(house, centre):
    """Tried again, later each time, and no flood of binds."""
    centre.status_of_bind = 0x0E
    centre.send(0x06)
    await until(lambda: len(centre.binds) >= 3, 15)
    await asyncio.sleep(1)
    assert len(centre.binds) <= 4
    centre.status_of_bind = 0
    assert await asyncio.wait_for(centre.brings("Hello"), 15) == 0


async def test_the_sequence_numbers_wrap(house, centre):
    """After 2^31 - 1 comes 1."""
    await centre.brings("Hello")
    house.texting.senders["operator"]._sequence = 0x7FFFFFFE
    for text in ("one", "two", "three"):
        await house.sms.reply(house.call, "101", Reply(text=text))
        await until(lambda: len(centre.submitted) and centre.submitted[-1].text == text)  # noqa: B023 - at once
    assert struct.unpack(">I", b"\x7f\xff\xff\xff")[0] >= house.texting.senders["operator"]._sequence < 100


async def test_no_more_are_on_their_way_than_the_window_holds(tmp_path):
    """And no more in a second than the rate allows."""
    async with Centre() as centre, SmsHouse(tmp_path, centre.port, "window = 2") as house:
        await asyncio.wait_for(centre.bound.wait(), 20)
        await centre.brings("Hello")
        centre.on_submit = lambda _: None
        for one in range(5):
            await centre.brings("Hello", source=f"4860160261{one}")
        for call in list(house.calls):
            await house.sms.reply(call, "101", Reply(text="Hi"))
        await until(lambda: len(centre.submitted) == 2)
        await asyncio.sleep(0.5)
        assert len(centre.submitted) == 2


async def test_a_text_without_answer_holds_up_no_other(house, centre):
    """Each customer's texts go in their order; those of others go meanwhile."""
    await centre.brings("Hello")
    await centre.brings("Hello", source="48511512513")
    centre.on_submit = lambda one: (0, "name") if one.to == "48511512513" else None
    for call in list(house.calls):
        await house.sms.reply(call, "101", Reply(text="one"))
        await house.sms.reply(call, "101", Reply(text="two"))
    await until(lambda: len(centre.submitted) == 3)
    assert [one.text for one in centre.submitted if one.to == "48511512513"] == ["one", "two"]
