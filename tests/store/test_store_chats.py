"""Chats in the customer file: every line once, contacts that go on, who the visitor is, and that he is forgotten."""

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from acd.store import chat_cards, chat_people, chats, people, privacy, timeline
from acd.store.chat_people import Self
from acd.store.chat_schema import Chat, ChatContact, ChatLine
from acd.store.handles import HandleError, email, number
from acd.store.schema import Case, Interaction, Message

NOON = 1_800_000_000_000
DAY_MS = 86_400_000
HIM = chats.Visitor(token="a" * 64, section="web", queue="sales", language="pl")
HER = chats.Visitor(token="b" * 64, section="web", queue="sales", language="en")


def entry(name, body="hello", at=NOON, **more):
    return chats.Entry(name=name, at=at, body=body, **more)


def count(database, table, *where):
    return database.read(lambda session: session.scalar(select(func.count()).select_from(table).where(*where)))


def case_of(database, call):
    return database.read(lambda session: session.scalar(select(Interaction.case_id).where(Interaction.key == call)))


def test_a_line_is_kept_once(database):
    """With its message and a contact that is open; said again it is the line that is here."""
    taken = database.write(chats.take, HIM, entry("in-1"))
    assert (taken.line.seq, taken.line.body, taken.line.is_theirs) == (1, "hello", True)
    again = database.write(chats.take, HIM, entry("in-1", "something else"))
    assert again == chats.Taken(line=taken.line, kin=None)
    assert count(database, Message) == count(database, ChatLine) == count(database, ChatContact) == 1


def test_lines_are_numbered_in_one_row(database):
    """His and ours, each talk for itself."""
    call = database.write(chats.take, HIM, entry("in-1")).kin.call
    database.write(chats.take, HER, entry("in-1"))
    token, line = database.write(chats.answer, call, entry("out-1", "good day", sender="Anna"))
    assert (token, line.seq, line.sender, line.is_theirs) == (HIM.token, 2, "Anna", False)
    assert database.write(chats.take, HIM, entry("in-2")).line.seq == 3
    assert [one.seq for one in database.read(chats.lines, HIM.token, 1, 9)] == [2, 3]
    assert [one.seq for one in database.read(chats.lines, HER.token, 0, 9)] == [1]


def test_what_he_writes_belongs_to_the_open_contact(database):
    """Until that is closed; then the next line opens another one of the same case."""
    first = database.write(chats.take, HIM, entry("in-1")).kin
    assert database.write(chats.take, HIM, entry("in-2")).kin == first
    database.write(chats.show, first.call, 2)
    assert database.write(chats.close, first.call, NOON + 5, "101", "") is None
    assert database.write(chats.close, first.call, NOON + 5, "101", "") is None
    second = database.write(chats.take, HIM, entry("in-3", at=NOON + 9)).kin
    assert second.call != first.call
    assert case_of(database, second.call) == case_of(database, first.call) is not None


def test_after_a_week_of_silence_it_is_another_case(database):
    """As with all contacts: what came long ago is done with."""
    first = database.write(chats.take, HIM, entry("in-1")).kin
    database.write(chats.close, first.call, NOON)
    later = NOON + timeline.CASE_MS + 1
    second = database.write(chats.take, HIM, entry("in-2", at=later)).kin
    assert case_of(database, second.call) != case_of(database, first.call)


def test_what_its_agent_never_saw_goes_on(database):
    """A line that came while he closed it waits for somebody; what he was shown does not."""
    first = database.write(chats.take, HIM, entry("in-1")).kin
    database.write(chats.show, first.call, 1)
    database.write(chats.take, HIM, entry("in-2", "one more thing"))
    rest = database.write(chats.close, first.call, NOON + 5, "101", "")
    found = database.read(chat_cards.found, rest.call, 9)
    assert [line.body for line in found.lines if found.calls[line.seq] == found.interaction.id] == ["one more thing"]
    assert [one.call for one in database.read(chats.still_open)] == [rest.call]


@pytest.mark.parametrize(("shown", "by"), [(0, "101"), (1, "")])
def test_nothing_goes_on_where_nothing_was_missed(database, shown, by):
    """An agent who read nothing of it has closed all of it; where the visitor is gone nobody has missed anything."""
    first = database.write(chats.take, HIM, entry("in-1")).kin
    database.write(chats.show, first.call, shown)
    database.write(chats.take, HIM, entry("in-2"))
    assert database.write(chats.close, first.call, NOON + 5, by, "") is None
    assert database.read(chats.still_open) == []
    assert database.read(chats.closed_among, [first.call, "chat-x"]) == [first.call]


def test_a_talk_has_so_many_lines(database, monkeypatch):
    """A machine that writes for ever does not fill the disk by one talk; we may still answer."""
    monkeypatch.setattr(chats, "LINES_MOST", 2)
    call = database.write(chats.take, HIM, entry("in-1")).kin.call
    database.write(chats.take, HIM, entry("in-2"))
    with pytest.raises(chats.FullError):
        database.write(chats.take, HIM, entry("in-3"))
    assert database.write(chats.answer, call, entry("out-1"))[1].seq == 3


def test_who_has_called_goes_on_with_his_case(database):
    """He gives his number: the contact is that person's, in the case of the call."""
    caller = database.write(people.find_or_make, number("+48221234567"), NOON - 9)
    database.write(
        timeline.begin, timeline.Contact(key="1.1", medium="voice", direction="in", at=NOON - 9, person=caller)
    )
    call = database.write(chats.take, HIM, entry("in-1")).kin.call
    assert case_of(database, call) != case_of(database, "1.1")
    told = Self(name="Jan", number="22 123 45 67")
    assert database.write(chat_people.identify, HIM, told, NOON + 1, "PL") == "+48221234567"
    assert case_of(database, call) == case_of(database, "1.1")
    assert count(database, Case) == 1
    assert [one.key for one in database.read(timeline.contacts, caller)] == [call, "1.1"]


def test_who_is_new_becomes_a_person(database):
    """With his name; his case stays, and later contacts are his."""
    call = database.write(chats.take, HIM, entry("in-1")).kin.call
    before = case_of(database, call)
    database.write(
        chat_people.identify, HIM, Self(name="Jan", email="Jan@Example.org", number="+48601601601"), NOON, ""
    )
    person = database.read(people.find, email("jan@example.org"))
    assert database.read(people.find, number("+48601601601")) == person
    assert database.read(people.profile, person).name == "Jan"
    assert case_of(database, call) == before
    assert database.read(lambda session: session.get(Case, before).person_id) == person


def test_nobody_takes_a_customers_place_by_naming_him(database):
    """Who names a customer's address and his own number does not become that customer for the next call."""
    victim = database.write(people.find_or_make, email("ceo@example.org"), NOON, name="The CEO")
    database.write(chats.take, HIM, entry("in-1"))
    told = Self(name="Mallory", email="ceo@example.org", number="+48601601601")
    database.write(chat_people.identify, HIM, told, NOON, "")
    profile = database.read(people.profile, victim)
    assert (profile.name, [one.value for one in profile.handles]) == ("The CEO", ["ceo@example.org"])
    assert database.read(people.find, number("+48601601601")) is None


@pytest.mark.parametrize("told", [Self(email="no address"), Self(number="x"), Self(name="Jan", email="a@b@c")])
def test_what_is_no_address_changes_nothing(database, told):
    """It is refused, and he can write it again."""
    with pytest.raises(HandleError):
        database.write(chat_people.identify, HIM, told, NOON, "")
    assert count(database, Chat) == 0


def test_he_may_say_who_he_is_before_his_first_line(database):
    """As the form before a chat does."""
    database.write(chat_people.identify, HIM, Self(name="Jan", email="jan@example.org"), NOON, "")
    taken = database.write(chats.take, HIM, entry("in-1", at=NOON + 1))
    assert taken.kin.sender == "jan@example.org"
    assert taken.line.sender == "Jan"
    person = database.read(people.find, email("jan@example.org"))
    assert [one.key for one in database.read(timeline.contacts, person)] == [taken.kin.call]


def test_a_callback_keeps_the_case(database):
    """It is on the timeline of the same person before anybody calls, whatever number it is to."""
    database.write(people.find_or_make, email("jan@example.org"), NOON)
    call = database.write(chats.take, HIM, entry("in-1")).kin.call
    database.write(chat_people.identify, HIM, Self(email="jan@example.org"), NOON, "")
    database.write(chat_people.call_back, call, f"callback-{call}", "+48601601601", NOON + 1)
    assert case_of(database, f"callback-{call}") == case_of(database, call)


def test_an_erased_person_leaves_no_talk(database):
    """Neither lines nor names nor the token by which they could be read again; others stay."""
    database.write(chats.take, HER, entry("in-1"))
    call = database.write(chats.take, HIM, entry("in-1", "secret")).kin.call
    database.write(chat_people.identify, HIM, Self(name="Jan", email="jan@example.org"), NOON, "")
    person = database.read(people.find, email("jan@example.org"))
    told, _ = database.read(privacy.export, person)
    assert told["chats"][0]["name"] == "Jan"
    assert "token" not in told["chats"][0]
    database.write(privacy.erase, person)
    assert database.read(chats.known, HIM.token) is None
    assert database.read(chat_cards.found, call, 9) is None
    assert count(database, ChatLine) == count(database, Chat) == 1


def test_old_talks_are_forgotten(database):
    """First the words, then the contacts, then the talk; an open one is kept."""
    call = database.write(chats.take, HIM, entry("in-1", "secret")).kin.call
    later = NOON + 40 * DAY_MS
    assert database.write(privacy.forget_bodies, {"chat": 30}, later)[0] == 0
    database.write(chats.close, call, NOON + 1)
    database.write(lambda session: session.query(Interaction).update({"ended_at": NOON + 1}))
    assert database.write(privacy.forget_bodies, {"chat": 30}, later)[0] == 1
    assert [one.body for one in database.read(chats.lines, HIM.token, 0, 9)] == [None]
    assert database.write(privacy.forget_contacts, {"chat": 30}, later)[0] == 1
    assert count(database, Chat) == count(database, ChatLine) == 0


def test_what_a_page_that_comes_again_must_know(database):
    """Whether its contact is open, and up to where it was read."""
    assert database.read(chats.known, HIM.token) is None
    call = database.write(chats.take, HIM, entry("in-1")).kin.call
    database.write(chats.answer, call, entry("out-1"))
    assert database.write(chats.show, call, 1)
    assert not database.write(chats.show, call, 1)
    database.write(chats.see, HIM.token, 2)
    known = database.read(chats.known, HIM.token)
    assert (known.last, known.shown, known.seen, known.call, known.is_over) == (2, 1, 2, call, False)
    database.write(chats.close, call, NOON)
    assert replace(database.read(chats.known, HIM.token), call="", is_over=True) == database.read(
        chats.known, HIM.token
    )
