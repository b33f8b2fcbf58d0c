"""E-mails in the customer file: one transaction each, kept while somebody waits for them, gone with their person."""

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from acd.store import mails, people, privacy, timeline
from acd.store.handles import email
from acd.store.schema import Case, Interaction, Mail, Message, Outbound

NOON = 1_800_000_000_000
DAY_MS = 86_400_000


@pytest.fixture
def letter(files):
    return mails.Letter(
        call="email-1",
        mailbox="sales-mail",
        queue="sales",
        at=NOON,
        sender="jan@example.org",
        sender_name="Jan",
        recipient="sales@acme.example",
        subject="Hi",
        body="Hello",
        html=None,
        raw=files.keep(b"raw", inside_most=-1),
        files=(),
        name="<m1@example.org>",
        case=None,
        fault="",
        marks=("auto",),
        is_work=True,
        is_theirs=True,
    )


def post(files, ref="<1.x@acme.example>"):
    return mails.Post(
        ref=ref,
        mailbox="sales-mail",
        at=NOON + 1,
        sender="sales+1-x@acme.example",
        recipients=("jan@example.org", "ola@example.org"),
        needs_smtputf8=False,
        subject="Re: Hi",
        body="Answer",
        raw=files.keep(b"answer", inside_most=-1),
    )


def nothing(_session, _case):
    return None


def test_a_mail_is_taken_once(database, letter):
    """With its person, case, message and file; the second time nothing changes."""
    case = database.write(mails.take, letter, nothing)
    assert case is not None
    assert database.write(mails.take, letter, nothing) is None
    found = database.read(mails.find, "email-1")
    assert (found.contact.case_id, found.contact.queue, found.message.body) == (case, "sales", "Hello")
    assert found.contact.person_id == database.read(people.find, email("jan@example.org"))
    assert found.files == ()
    assert database.read(mails.still_open) == [
        mails.Kin(call="email-1", queue="sales", sender="jan@example.org", at=NOON)
    ]
    assert database.read(mails.cases, ["<m1@example.org>", "<other@example.org>"]) == {"<m1@example.org>": case}
    assert database.read(mails.find, "email-2") is None


def test_a_mail_of_a_case_opens_it_again(database, letter):
    """Whoever answers to a case goes on with it, be it closed, be he another; a case that never was is none."""
    case = database.write(mails.take, letter, nothing)
    database.write(timeline.close_case, case, NOON)
    answer = replace(letter, call="email-2", sender="spouse@example.org", case=case)
    assert database.write(mails.take, answer, nothing) == case
    assert database.read(lambda session: session.get(Case, case).closed_at) is None
    assert database.write(mails.take, replace(letter, call="email-3", case=999_999), nothing) == case


def test_a_mail_of_nobody_has_a_case_of_its_own(database, letter):
    """It may name an address for answers."""
    case = database.write(mails.take, replace(letter, sender=""), nothing)
    assert database.read(lambda session: session.get(Case, case).person_id) is None


def test_what_is_no_work_is_over_at_once(database, letter):
    """A report belongs to the customer of its case and makes nobody of its own."""
    case = database.write(mails.take, letter, nothing)
    person = database.read(people.find, email("jan@example.org"))
    report = replace(letter, call="email-2", sender="x@mx.example.org", case=case, is_work=False, is_theirs=False)
    database.write(mails.take, report, nothing)
    found = database.read(mails.find, "email-2")
    assert (found.contact.person_id, found.contact.ended_at, found.contact.call) == (person, NOON, "")
    assert database.read(people.find, email("x@mx.example.org")) is None
    assert [one.call for one in database.read(mails.still_open)] == ["email-1"]


def test_closing(database, letter):
    """Noted once; the first word counts."""
    database.write(mails.take, letter, nothing)
    assert database.write(mails.close, "email-1", NOON + 5, "101", "order")
    assert not database.write(mails.close, "email-1", NOON + 9, "102", "other")
    assert database.read(mails.closed_among, ["email-1", "email-2"]) == ["email-1"]
    assert database.read(mails.still_open) == []


def test_the_outbox(database, letter, files):
    """A row for each recipient: sent, tried again, or given up, each for itself."""
    database.write(mails.take, letter, nothing)
    assert database.write(mails.reply, "email-1", post(files))
    assert not database.write(mails.reply, "email-none", post(files, "<2.x@acme.example>"))
    first, second = database.read(mails.due, NOON + 1)
    assert (first.recipient, second.recipient) == ("jan@example.org", "ola@example.org")
    assert database.read(mails.due, NOON) == []
    database.write(mails.sent, first.id, NOON + 2, "250 ok")
    database.write(mails.later, [first.id, second.id], NOON + 60_000, "away")
    (again,) = database.read(mails.due, NOON + 60_000)
    assert (again.id, again.tries, again.ref) == (second.id, 1, "<1.x@acme.example>")
    back = replace(letter, call="email-back", case=1, is_theirs=False, raw=None, marks=("undelivered",))
    assert database.write(mails.give_up, second.id, "550 no", back)
    assert not database.write(mails.give_up, second.id, "550 no", back)
    assert database.read(mails.next_due) is None
    assert database.read(mails.find, "email-back").mail.marks == "undelivered"


def test_an_acknowledgement_is_remembered(database, letter, files):
    """By who was told from the null sender."""
    made = replace(post(files), sender="", recipients=("jan@example.org",))
    database.write(mails.take, letter, lambda _session, _case: made)
    assert database.read(mails.was_acknowledged, "jan@example.org", NOON)
    assert not database.read(mails.was_acknowledged, "jan@example.org", NOON + 2)
    assert not database.read(mails.was_acknowledged, "ola@example.org", 0)


def counted(database):
    return [
        database.read(lambda session, t=t: session.scalar(select(func.count()).select_from(t)))
        for t in (Interaction, Message, Mail, Outbound)
    ]


def test_what_is_erased_is_neither_shown_nor_sent(database, letter, files):
    """With its person go the mail and the answers that wait; its files can be removed."""
    database.write(mails.take, letter, nothing)
    database.write(mails.reply, "email-1", post(files))
    erased = database.write(privacy.erase, database.read(people.find, email("jan@example.org")))
    assert counted(database) == [1, 0, 0, 0]
    assert database.read(mails.find, "email-1") is None
    database.read(files.remove, erased.hashes)
    assert not any(files.path(one).exists() for one in erased.hashes)


@pytest.mark.parametrize("forget", [privacy.forget_bodies, privacy.forget_contacts])
def test_what_somebody_waits_for_is_kept(database, letter, files, forget):
    """However old: a mail until it is closed, an answer until it is sent."""
    later = NOON + 90 * DAY_MS

    def forgotten():
        return database.write(forget, {"all": 30}, later)[0]

    database.write(mails.take, letter, nothing)
    database.write(mails.reply, "email-1", post(files))

    def end(session):
        session.scalar(select(Interaction)).ended_at = NOON

    database.write(end)
    assert forgotten() == 0
    database.write(mails.close, "email-1", NOON)
    assert forgotten() == 0
    for due in database.read(mails.due, later):
        database.write(mails.sent, due.id, later, "250")
    assert forgotten() == 1
    assert counted(database)[2:] == [0, 0]
