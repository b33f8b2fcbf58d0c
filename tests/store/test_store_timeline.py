"""Contacts of all media on one timeline, cases over media, messages and files, the pop, on both databases."""

import os
import time

import pytest

from acd.store import StoreError, people, pop, timeline
from acd.store.files import INSIDE_MOST
from acd.store.handles import Named
from acd.store.timeline import CASE_MS, File, Written
from tests.store.test_store_people import HOSTILE, NOON, PHONE, contact

LARGE = bytes(range(256)) * 256


@pytest.fixture
def jan(database):
    return database.write(people.find_or_make, PHONE, NOON, name="Jan Kowalski")


def test_the_same_contact_told_twice_is_one(database, jan):
    """The key says which it is; nothing of it changes by the second word."""
    first = database.write(timeline.begin, contact("1.1", jan, queue="sales"))
    assert database.write(timeline.begin, contact("1.1", jan, queue="other", at=NOON + 5)) == first
    [row] = database.read(timeline.contacts, jan)
    assert (row.queue, row.started_at) == ("sales", NOON)


def test_one_case_over_media(database, jan):
    """Who hangs up and texts keeps his case; closed, or left for long, the next contact opens another one."""
    case = lambda: database.read(timeline.contacts, jan)[0].case_id  # noqa: E731 - said five times
    database.write(timeline.begin, contact("call", jan, NOON))
    first = case()
    database.write(timeline.begin, contact("sms", jan, NOON + 60_000, medium="sms", subject="my order"))
    assert case() == first
    assert database.read(pop.screen_pop, PHONE, NOON + 60_001).case.subject == "my order"
    database.write(timeline.begin, contact("later", jan, NOON + 60_000 + CASE_MS))
    assert case() == first
    database.write(timeline.begin, contact("late", jan, NOON + 60_001 + 2 * CASE_MS))
    second = case()
    assert second != first
    assert database.write(timeline.close_case, second, NOON, "101") is True
    assert database.write(timeline.close_case, second, NOON, "101") is False
    database.write(timeline.begin, contact("again", jan, NOON + 60_002 + 2 * CASE_MS))
    assert case() not in {first, second}


def test_a_contact_of_nobody_can_be_given_a_person(database, jan):
    """Who withheld his number and said his name is known from then on."""
    made = database.write(timeline.begin, contact("1.1"))
    assert database.read(timeline.contacts, jan) == []
    database.write(timeline.assign, made, jan)
    [row] = database.read(timeline.contacts, jan)
    assert row.case_id is not None
    with pytest.raises(StoreError):
        database.write(timeline.assign, 999, jan)


def test_messages_and_their_files(database, files, jan):
    """A message told twice is one; small files are in the database, large ones beside it, and both come back whole."""
    made = database.write(timeline.begin, contact("mail", jan, medium="email"))
    told = Written(
        ref="<1@example.com>",
        direction="in",
        at=NOON,
        sender=HOSTILE,
        subject=HOSTILE,
        body=HOSTILE,
        files=tuple(
            File(name=name, content_type="text/plain", kept=files.keep(data))
            for name, data in (("../../etc/passwd", b"small"), ("large", LARGE))
        ),
    )
    assert database.write(timeline.write, made, told) is not None
    assert database.write(timeline.write, made, told) is None
    [(message, attached)] = database.read(timeline.messages, made)
    assert message.body.startswith("Robert');")
    assert "\x00" not in message.body
    assert "\n" not in message.subject
    assert [files.content(one) for one in attached] == [b"small", LARGE]
    assert [one.data is None for one in attached] == [False, True]


def test_files_that_nothing_names_are_swept(database, files, jan):
    """Not the young ones, whose row may be on its way, and not those that a row names; drafts of a dead server go."""
    kept = files.keep(LARGE)
    made = database.write(timeline.begin, contact("mail", jan, medium="email"))
    file = File(name="a", content_type="", kept=kept)
    database.write(timeline.write, made, Written(ref="1", direction="in", at=NOON, files=(file,)))
    orphan = files.path(files.keep(LARGE + b"x").hash)
    draft = orphan.with_name("half.new")
    draft.write_bytes(b"half")
    assert database.read(files.sweep) == 0
    for path in (orphan, draft, files.path(kept.hash)):
        os.utime(path, (time.time() - 7_200,) * 2)
    assert database.read(files.sweep) == 2
    assert files.path(kept.hash).read_bytes() == LARGE
    assert not orphan.exists()
    assert files.keep(b"x" * INSIDE_MOST).data is not None


def test_the_pop(database, jan):
    """Who it is, how often he came today, what was last, his tier: the contact that rings is the last of the count."""
    assert database.read(pop.screen_pop, Named("number", "+48600000000"), NOON) is None
    database.write(people.set_attribute, jan, "tier", "gold", NOON)
    database.write(timeline.begin, contact("yesterday", jan, NOON - 86_400_000))
    database.write(timeline.begin, contact("out", jan, NOON - 4_000, direction="out"))
    database.write(timeline.begin, contact("first", jan, NOON - 3_000))
    database.write(timeline.begin, contact("message", jan, NOON - 2_000, medium="voicemail", follows=True))
    database.write(timeline.begin, contact("second", jan, NOON - 1_000, medium="sms"))
    database.write(timeline.begin, contact("now", jan, NOON))
    found = database.read(pop.screen_pop, PHONE, NOON, "now")
    assert pop.spoken(found) == pop.Spoken("Jan Kowalski", 3, "gold")
    assert [one.medium for one in found.last] == ["sms", "voicemail", "voice", "voice", "voice"]
    assert database.read(pop.screen_pop, PHONE, NOON, "not stored yet").today == 4
    assert found.case is not None


def test_a_note_needs_words_and_a_person(database, jan):
    """What is empty or about nobody is refused."""
    for person, words in ((jan, " \n"), (999, "x")):
        with pytest.raises(StoreError):
            database.write(timeline.note, person, words, NOON)
