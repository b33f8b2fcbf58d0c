"""Short messages in the customer file, on both databases: one contact, sent once, gone with their person."""

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from acd.channels.sms.notices import Notices
from acd.channels.sms.parts import Place
from acd.channels.sms.wishes import wish_of
from acd.store import people, privacy, schema, texts, texts_out
from acd.store.handles import number

NOON = 1_800_000_000_000
JAN = "+48601602603"
NOTICES = Notices(
    acknowledgement=lambda case, _: f"case {case}",
    confirmation=lambda _case, _text: "bye",
    wish=wish_of,
    out_gate=lambda gate: gate,
    queue_of=lambda _gate, _own: "sales",
    country="PL",
)
DAY_MS = 86_400_000


@pytest.fixture
def brought():
    return texts.Text(
        gate="centre",
        session="first",
        digest="d1",
        own="+48221234567",
        theirs=JAN,
        queue="sales",
        at=NOON,
        body="Hello",
    )


def count(database, table):
    return database.read(lambda session: session.scalar(select(func.count()).select_from(table)))


def test_the_same_by_another_session_is_the_same_for_an_hour(database, brought):
    """And once more by that session it is another; so it is after the hour."""
    (kin,) = database.write(texts.take, brought, NOTICES)
    again = replace(brought, session="second", at=NOON + 1_000)
    assert database.write(texts.take, again, NOTICES) == []
    assert database.write(texts.take, again, NOTICES) == [kin]
    assert [one.body for one in database.read(texts.find, kin.call).messages if one.direction == "in"] == ["Hello"] * 2
    late = replace(brought, session="third", at=NOON + texts.SAME_MS + 2_000)
    assert database.write(texts.take, late, NOTICES) == [kin]
    database.write(texts.sweep, NOON + 2 * DAY_MS)
    assert count(database, schema.Arrival) == 0


def test_who_writes_is_told_once_a_day(database, brought):
    """By the first text of a contact."""
    (kin,) = database.write(texts.take, brought, NOTICES)
    database.write(texts.close, kin.call, NOON + 1)
    database.write(texts.take, replace(brought, digest="d2", at=NOON + 2), NOTICES)
    (due,) = database.read(texts_out.due, "centre", NOON + 5, 10)
    assert (due.theirs, due.body.startswith("case "), due.is_notice) == (JAN, True, True)
    assert database.read(texts_out.due, "centre", NOON + 5, 10, [JAN]) == []
    assert database.read(texts_out.due, "other", NOON + 5, 10) == []


def test_a_part_in_doubt_is_known_after_a_restart(database, brought):
    """What the centre has is not sent again; what it surely has not is in no doubt."""
    (kin,) = database.write(texts.take, replace(brought, digest="d3"), NOTICES)
    assert database.write(texts_out.reply, kin.call, "centre", "answer", NOON + 1, country="PL") == ""
    notice, due = database.read(texts_out.due, "centre", NOON + 5, 10)
    database.write(texts_out.sent, notice.id, NOON)
    database.write(texts_out.begin, due.id, 1)
    database.write(texts_out.part_sent, due.id, 1, "name", names=("name",))
    database.write(texts_out.begin, due.id, 2)
    (found,) = database.read(texts_out.due, "centre", NOON + 5, 10)
    assert (found.done, found.doubts) == (frozenset({1}), 1)
    database.write(texts_out.begin, due.id, 2)
    database.write(texts_out.not_sent, due.id, 2)
    (found,) = database.read(texts_out.due, "centre", NOON + 5, 10)
    assert found.doubts == 1  # of the first time
    told = database.write(texts_out.give_up, due.id, "gone", NOON + 9)
    assert told == kin  # in the contact that is open
    assert database.write(texts_out.give_up, due.id, "gone", NOON + 9) is None


def test_who_opted_out_is_sent_nothing_that_waits(database, brought):
    """But the confirmation, once."""
    (kin,) = database.write(texts.take, brought, NOTICES)
    database.write(texts_out.reply, kin.call, "centre", "answer", NOON + 1, country="PL")
    database.write(texts.take, replace(brought, digest="stop", body="Stop!", at=NOON + 2), NOTICES)
    database.write(texts.take, replace(brought, digest="stop", body="STOP", at=NOON + 3), NOTICES)
    assert [one.body for one in database.read(texts_out.due, "centre", NOON + 5, 10)] == ["bye"]
    assert "opted out" in database.write(texts_out.reply, kin.call, "centre", "answer", NOON + 4, country="PL")


def test_nothing_of_an_erased_person_is_left(database, brought):
    """Neither his open contact, nor a part that waits, nor what was to be sent to him."""
    (kin,) = database.write(texts.take, brought, NOTICES)
    database.write(texts_out.reply, kin.call, "centre", "answer", NOON + 1, country="PL")
    database.write(texts.take, replace(brought, digest="d2", place=Place(1, 2, 1)), NOTICES)
    person = database.read(people.find, number(JAN))
    assert count(database, schema.TextPart) == 1
    database.write(privacy.erase, person)
    for table in (schema.Talk, schema.TextPart, schema.TextOut, schema.TextOutPart, schema.Message):
        assert count(database, table) == 0, table
    assert database.read(texts.find, kin.call) is None


def test_what_waits_is_kept_however_old(database, brought):
    """Closed and sent, it goes when its time is over."""
    (kin,) = database.write(texts.take, brought, NOTICES)
    (notice,) = database.read(texts_out.due, "centre", NOON, 10)
    later = NOON + 100 * DAY_MS
    assert database.write(privacy.forget_bodies, {"all": 1}, later)[0] == 0
    database.write(texts.close, kin.call, NOON)
    assert database.write(privacy.forget_bodies, {"all": 1}, later)[0] == 0
    database.write(texts_out.sent, notice.id, NOON)
    assert database.write(privacy.forget_bodies, {"all": 1}, later)[0] == 1
    assert (count(database, schema.Talk), count(database, schema.TextOut)) == (0, 0)


def test_what_cannot_be_sent_now_is_tried_later_and_counted(database, brought):
    """Unless it was only too much at once, which is no try."""
    (kin,) = database.write(texts.take, brought, NOTICES)
    assert database.write(texts_out.reply, kin.call, "centre", "Hi", NOON, country="PL") == ""
    (first, *_) = database.read(texts_out.due, "centre", NOON, 10)
    database.write(texts_out.later, first.id, NOON + 10, "away")
    database.write(texts_out.later, first.id, NOON + 20, "throttled", counts=False)
    found = {one.id: one.tries for one in database.read(texts_out.due, "centre", NOON + 20, 10)}
    assert found[first.id] == 1
