"""Chats with who has an address: he is known by it, our lines wait to be sent, and one that comes back is told."""

import json

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from acd.store import chat_cards, chat_out, chats, deliveries, facts, hooks, people, privacy, timeline
from acd.store.chat_schema import Chat, ChatLine, ChatOut
from acd.store.handles import xmpp

NOON = 1_800_000_000_000
DAY_MS = 86_400_000
HIM = chats.Visitor(
    token=f"{chats.AFAR}{'a' * 64}", section="net/sales", queue="sales", language="pl", address="xmpp:jan@example.org"
)


def entry(name, body="hello", at=NOON, **more):
    return chats.Entry(name=name, at=at, body=body, **more)


def count(database, table, *where):
    return database.read(lambda session: session.scalar(select(func.count()).select_from(table).where(*where)))


def answered(database, name="out-1", body="good day"):
    """Have a contact, and an answer in it."""
    call = database.write(chats.take, HIM, entry("in-1")).kin.call
    database.write(chats.answer, call, entry(name, body, at=NOON + 1, sender="Anna"))
    return call


def test_he_is_who_has_the_address(database):
    """A new person, or the one who has it already, with his case; that he has it, his server says."""
    kin = database.write(chats.take, HIM, entry("in-1")).kin
    person = database.read(people.find, xmpp("jan@example.org"))
    assert (kin.sender, kin.address) == ("xmpp:jan@example.org", "xmpp:jan@example.org")
    (contact,) = database.read(timeline.contacts, person)
    assert (contact.call, contact.case_id is not None) == (kin.call, True)
    database.write(chats.close, kin.call, NOON + 1)
    database.write(people.take_away, person, xmpp("jan@example.org"))
    other = database.write(people.find_or_make, xmpp("jan@example.org"), NOON + 2)
    second = database.write(chats.take, HIM, entry("in-2", at=NOON + 3)).kin
    assert [one.call for one in database.read(timeline.contacts, other)] == [second.call]


def test_what_the_journal_says_of_him_is_he(database):
    """Should the contact not be in the file: his address is no e-mail address."""
    arrived = facts.Arrived(
        at=NOON, call="chat-1", medium="chat", direction="in", caller="xmpp:jan@example.org", virtual=True
    )
    database.write(facts.store, arrived, "", {})
    person = database.read(people.find, xmpp("jan@example.org"))
    assert [one.call for one in database.read(timeline.contacts, person)] == ["chat-1"]


def test_a_name_is_another_line_after_a_day(database):
    """Some programs count from 1 whenever they start; within a day it is the same line, also the second time."""
    first = database.write(chats.take, HIM, entry("in-1")).line
    assert database.write(chats.take, HIM, entry("in-1", at=NOON + DAY_MS - 1)).line == first
    second = database.write(chats.take, HIM, entry("in-1", at=NOON + DAY_MS)).line
    assert second.seq == 2
    assert database.write(chats.take, HIM, entry("in-1", at=NOON + DAY_MS + 5)).line == second
    assert database.write(chats.take, HIM, entry("in-1", at=NOON + 3 * DAY_MS)).line.seq == 3


def test_our_lines_wait_to_be_sent(database):
    """In their order, by his section alone; those of pages do not."""
    call = answered(database)
    database.write(chats.answer, call, entry("out-2", "and good bye"))
    page = chats.Visitor(token="b" * 64, section="web", queue="sales", language="en")
    database.write(chats.answer, database.write(chats.take, page, entry("in-1")).kin.call, entry("out-1"))
    assert database.read(chat_out.sections) == {"net"}
    assert database.read(chat_out.due, "ne", 9) == []
    one, two = database.read(chat_out.due, "net", 9)
    assert (one.name, one.body, one.address, one.section) == ("out-1", "good day", "xmpp:jan@example.org", "net/sales")
    assert two.name == "out-2"
    assert database.read(chat_out.due, "net", 1) == [one]
    database.write(chat_out.sent, [one.id], NOON + 2)
    assert database.read(chat_out.due, "net", 9) == [two]
    database.write(chat_out.sent, [two.id], NOON + 2)
    assert database.read(chat_out.sections) == set()


def test_that_it_is_sent_is_told_when_the_server_has_it(database):
    """Not when it is kept; once, and by a receipt as well if that comes first."""

    def told():
        due = database.read(deliveries.agenda, "all", 10**15, 99).due
        events = [json.loads(one.body) for one in due]
        return [(one["timestamp"], one["data"]["call"]) for one in events if one["type"] == "message-sent"]

    database.write(hooks.sync, [hooks.Wanted(name="all")], 0)
    call = answered(database)
    database.write(chats.answer, call, entry("out-2", "and good bye"))
    one, two = database.read(chat_out.due, "net", 9)
    assert told() == []
    database.write(chat_out.sent, [one.id], NOON + 60_000)
    database.write(chat_out.delivered, HIM.token, "out-2", NOON + 120_000)
    database.write(chat_out.sent, [one.id, two.id], NOON + 180_000)
    database.write(chat_out.delivered, HIM.token, "out-1", NOON + 180_000)
    assert told() == [("2027-01-15T08:01:00.000Z", call), ("2027-01-15T08:02:00.000Z", call)]


def test_what_comes_back_is_a_line_of_his_contact_once(database):
    """With the words that he did not get; nobody takes it for read."""
    call = answered(database)
    (due,) = database.read(chat_out.due, "net", 9)
    taken = database.write(chat_out.fail, due.id, HIM, "gone\n\u202enow", NOON + 2)
    assert taken.kin.call == call
    assert taken.line.body == "Not delivered to xmpp:jan@example.org: gone now\n\ngood day"
    assert database.write(chat_out.fail, due.id, HIM, "gone", NOON + 3) is None
    assert database.read(chat_out.due, "net", 9) == []


def test_what_comes_back_after_the_close_opens_a_contact(database):
    """Of the same case."""
    call = answered(database)
    (due,) = database.read(chat_out.due, "net", 9)
    database.write(chat_out.sent, [due.id], NOON + 2)
    database.write(chats.close, call, NOON + 2)
    kin = database.write(chat_out.fail, due.id, HIM, "gone", NOON + 3).kin
    assert kin.call != call
    found = [database.read(chat_cards.found, one, 9).interaction.case_id for one in (call, kin.call)]
    assert found[0] == found[1] is not None


def test_what_has_come_to_him_does_not_come_back(database):
    """He confirmed it; an error of another of his devices is no news. A receipt ends what was in doubt, too."""
    answered(database)
    (due,) = database.read(chat_out.due, "net", 9)
    assert database.write(chat_out.delivered, HIM.token, "out-1", NOON + 2) == 2
    assert database.read(chat_out.due, "net", 9) == []
    assert database.write(chat_out.fail, due.id, HIM, "gone", NOON + 3) is None
    assert database.write(chat_out.delivered, HIM.token, "in-1", NOON + 2) == 0
    assert database.write(chat_out.delivered, f"{chats.AFAR}b", "out-1", NOON + 2) == 0
    assert database.read(chat_out.find, HIM.token, "in-1") is None
    assert database.read(chat_out.find, HIM.token, "out-1").id == due.id


def test_a_talk_that_is_full_takes_no_news(database, monkeypatch):
    """It is noted all the same, and nothing is tried again."""
    answered(database)
    (due,) = database.read(chat_out.due, "net", 9)
    monkeypatch.setattr(chats, "LINES_MOST", 2)
    assert database.write(chat_out.fail, due.id, HIM, "gone", NOON + 3) is None
    assert count(database, ChatOut, ChatOut.waits) == 0
    assert count(database, ChatLine) == 2


@pytest.mark.parametrize(("most", "value"), [("LINES_MOST", 4), ("CALLS_MOST", 2)])
def test_a_talk_has_no_end(database, monkeypatch, most, value):
    """An address is for life: before its row is full, the next contact begins another one; what waits there is sent."""
    monkeypatch.setattr(chats, most, value)
    call = answered(database)
    database.write(chats.take, HIM, entry("in-2"))
    for number in range(5):
        database.write(chats.close, call, NOON + 2)
        taken = database.write(chats.take, HIM, entry(f"in-{number + 3}", at=NOON + number + 3))
        call = taken.kin.call
        assert taken.kin.sender == HIM.address
    assert count(database, Chat) > 1
    assert taken.line.seq < 4
    assert [one.name for one in database.read(chat_out.due, "net", 9)] == ["out-1"]
    person = database.read(people.find, xmpp("jan@example.org"))
    assert len(database.read(timeline.contacts, person)) == 6


def test_he_is_forgotten_wholly(database):
    """With what was still to be sent; his next line is somebody's who was never here."""
    call = answered(database)
    person = database.read(people.find, xmpp("jan@example.org"))
    told, _ = database.read(privacy.export, person)
    assert [one["address"] for one in told["chats"]] == ["xmpp:jan@example.org"]
    assert HIM.token not in repr(told)
    database.write(privacy.erase, person)
    assert count(database, Chat) == count(database, ChatOut) == 0
    taken = database.write(chats.take, HIM, entry("in-2", at=NOON + 9))
    assert (taken.line.seq, taken.kin.call != call) == (1, True)


def test_what_waits_to_be_sent_is_not_forgotten(database):
    """However old it is; then it is, with its words."""
    call = answered(database)
    database.write(chats.close, call, NOON + 2)
    database.write(facts.store, facts.Ended(at=NOON + 2, call=call, how="answered"), "", {})
    later = NOON + 40 * DAY_MS
    assert database.write(privacy.forget_bodies, {"all": 30}, later)[0] == 0
    assert database.write(privacy.forget_contacts, {"all": 30}, later)[0] == 0
    (due,) = database.read(chat_out.due, "net", 9)
    database.write(chat_out.sent, [due.id], NOON + 2)
    assert database.write(privacy.forget_bodies, {"all": 30}, later)[0] == 1
    assert database.read(chat_out.find, HIM.token, "out-1").body == ""
    assert database.write(privacy.forget_contacts, {"all": 30}, later)[0] == 1
    assert count(database, Chat) == count(database, ChatOut) == 0


def test_another_entry_is_another_talk(database):
    """Of the same person."""
    database.write(chats.take, HIM, entry("in-1"))
    other = replace(HIM, token=f"{chats.AFAR}{'b' * 64}", section="net/help")
    database.write(chats.take, other, entry("in-1"))
    person = database.read(people.find, xmpp("jan@example.org"))
    assert len(database.read(timeline.contacts, person)) == 2
