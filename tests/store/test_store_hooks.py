"""What is put down for webhooks: with what happens, in order, until it is taken, on either database."""

import json

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select, text
from structlog.testing import capture_logs

from acd.core import events as ev
from acd.happenings import Happening
from acd.journal import Folder
from acd.store import appointments, deliveries, hooks, intake, merging, people, privacy, timeline
from acd.store.deliveries import Failure
from acd.store.follower import Follower
from acd.store.handles import Named
from acd.store.hook_schema import Delivery, Told
from acd.store.hooks import Wanted
from acd.store.schema import Interaction
from tests.acd.scribe import Scribe
from tests.store.test_store_appointments import VISIT

ANNA = Named("number", "+48601602603")
LATE = 10**15
ALL, SOME = Wanted(name="all"), Wanted(name="some", events=("seat",), queues=("sales",))


@pytest.fixture
def file(database):
    """A customer file whose webhook `all` wants all, and `some` only some."""
    database.write(hooks.sync, [ALL, SOME], 0)
    return database


def happening(kind="contact-waits", *, at=5, queue="sales", call="1.1", **what):
    return Happening(at=at, what={"type": kind, "call": call, **what}, queue=queue, call=call)


def tell(file, *args, now=10, **what):
    file.write(hooks.tell, happening(*args, **what), now)


def due(file, name="all", now=LATE, most=20):
    return file.read(deliveries.agenda, name, now, most).due


def said(file, name="all", now=LATE):
    return [json.loads(one.body) for one in due(file, name, now)]


def count(file, table):
    return file.read(lambda session: session.scalar(select(func.count()).select_from(table)))


def standing(file, name="all"):
    return next(one for one in file.read(deliveries.standings) if one.name == name)


# What is put down


def test_each_endpoint_has_what_it_wants(file):
    """By kind and queue; what is of no queue it has anyway; the text is kept once."""
    tell(file)
    tell(file, "seat", queue="support", call="")
    tell(file, "seat", queue="sales", call="")
    tell(file, "seat", queue="", call="")
    assert len(due(file)) == 4
    assert [one["type"] for one in said(file, "some")] == ["seat", "seat"]
    assert count(file, Told) == 4
    names = {one.name for one in due(file)} | {one.name for one in due(file, "some")}
    assert len(names) == 4
    assert said(file)[0] == {
        "type": "contact-waits",
        "timestamp": "1970-01-01T00:00:00.005Z",
        "data": {"call": "1.1"},
    }


def test_where_nobody_wants_anything_nothing_is_kept(database):
    """A site without webhooks pays with nothing."""
    tell(database)
    assert count(database, Told) == 0


def test_what_is_undone_is_not_told(file):
    """It is of the transaction: rolled back, it never was."""

    def fail(session):
        hooks.tell(session, happening(), 1)
        raise KeyError

    with pytest.raises(KeyError):
        file.write(fail)
    assert due(file) == []


def test_pages_are_told_after_it_is_stored(file):
    """By whoever opened the file; of the journal they know by themselves."""
    heard = []
    file.on_news = heard.append
    tell(file)
    file.write(hooks.tell, happening(), 1, is_live=False)
    file.write(lambda _: None)
    assert [(len(one.live), one.is_queued) for one in heard] == [(1, True), (0, True)]


def test_a_new_endpoint_hears_nothing_of_before_and_one_that_is_gone_nothing_more(file):
    """What waits for one that is gone does so, and is told if it comes back."""
    tell(file)
    file.write(hooks.sync, [replace(SOME, events=()), Wanted(name="new")], 100)
    tell(file, at=50)
    tell(file, at=150)
    assert len(due(file, "new")) == 1
    assert due(file) == []
    assert standing(file).stopped == hooks.NOT_THERE
    file.write(hooks.sync, [ALL], 200)
    tell(file, at=199)
    tell(file, at=250)
    assert len(due(file)) == 2


def test_one_that_said_that_it_is_gone_hears_again_at_another_url(file):
    """Another address is another endpoint; the same one stays silent."""
    file.write(deliveries.stop, "all", "HTTP 410")
    file.write(hooks.sync, [ALL, SOME], 0)
    tell(file)
    assert due(file) == []
    file.write(hooks.sync, [replace(ALL, url="other"), SOME], 0)
    tell(file)
    assert len(due(file)) == 1


# Changes of customers


def test_all_changes_of_a_transaction_are_one(file):
    """What was said twice, or was so before, is not told again; nor what only looks like a change."""

    def change(session):
        person = people.find_or_make(session, ANNA, 1, name="Anna")
        people.rename(session, person, "Anna", "pl")
        people.rename(session, person, "Anna Nowak")
        people.set_attribute(session, person, "Tier", "silver", 2)
        people.set_attribute(session, person, "tier", "gold", 2)
        people.give(session, person, Named("email", "anna@example.com"), 3)
        people.agree(session, person, people.Agreed(medium="sms", purpose="texts", given=False, at=3, how="STOP"))
        timeline.note(session, person, "one", 4, by="Ben")
        timeline.note(session, person, "two", 5, by="Ben")
        return person

    person = file.write(change)
    [one] = said(file)
    data = one["data"]
    assert one["type"] == "customer-changed"
    assert (data["customer"], data["name"], data["language"]) == (person, "Anna Nowak", "pl")
    assert data["attributes"] == {"tier": "gold"}
    assert data["handles"] == [
        {"kind": "number", "value": ANNA.value},
        {"kind": "email", "value": "anna@example.com"},
    ]
    assert [note["text"] for note in data["notes"]] == ["one", "two"]
    assert (data["consents"][0]["given"], data["consents"][0]["how"]) == (False, "STOP")
    file.write(people.rename, person, "Anna Nowak", "pl")
    file.write(people.set_attribute, person, "tier", "gold", 9)
    assert len(due(file)) == 1


def test_pages_hear_that_somebody_changed_and_not_what(file):
    """Who sees the floor need not see the customer file."""
    heard = []
    file.on_news = lambda news: heard.extend(news.live)
    person = file.write(people.find_or_make, ANNA, 1)
    file.write(timeline.note, person, "secret", 2)
    [one] = heard
    assert one.what == {"type": "customer-changed", "customer": person, "changed": ["notes"]}


def test_merging_is_told_of_the_survivor(file):
    """And its undoing."""
    one, other = file.write(people.find_or_make, ANNA, 1), file.write(people.make, 1, name="Ania")
    file.write(merging.merge, other, one, 2)
    file.write(merging.unmerge, other)
    told = [each["data"] for each in said(file)]
    assert [(each["customer"], each["changed"]) for each in told] == [(one, ["merged"]), (one, ["unmerged"])]


def test_a_file_of_people_is_not_told(file):
    """Whoever has such a file knows what is in it."""
    given = [intake.Given(line=2, name="Anna", handles=[("number", ANNA.value, "")], attributes={"tier": "gold"})]
    assert file.write(intake.take, given, "people.csv", "PL", 1).made == 1
    assert due(file) == []


def test_an_appointment_is_told_whenever_it_is_made_moved_and_cancelled(file):
    """With what it is, at its time of the moment."""
    person = file.write(people.find_or_make, ANNA, 1)
    number = file.write(appointments.make, VISIT, person, appointments.Booking(starts_at=9_000_000), 1)
    file.write(appointments.move, VISIT, number, 9_500_000, 2)
    file.write(appointments.cancel, VISIT, number, 3)
    told = said(file)
    assert [one["type"] for one in told] == ["appointment-made", "appointment-moved", "appointment-cancelled"]
    assert [one["data"]["starts_at"] for one in told] == [9_000_000, 9_500_000, 9_500_000]
    assert {(one["data"]["appointment"], one["data"]["customer"]) for one in told} == {(number, person)}


def test_what_waits_of_who_is_erased_is_erased(file):
    """Only that he is gone is told, with his ids elsewhere; no word of him is left in any table of webhooks."""
    person = file.write(people.find_or_make, ANNA, 1)
    file.write(timeline.note, person, "Likes tea", 2)
    file.write(privacy.erase, person)
    [one] = said(file)
    assert (one["type"], one["data"]) == ("customer-erased", {"customer": person, "external": {}})
    with file.engine.connect() as connection:
        rows = connection.execute(text("SELECT body FROM webhook_events")).scalars().all()
    assert not any("tea" in row or ANNA.value in row for row in rows)


# What the journal says


@pytest.fixture
def house(tmp_path):
    made = Scribe(tmp_path / "journal")
    yield made
    made.journal.close()


def follow(file, house, most=500, wanted=(ALL,)):
    follower = Follower(Folder(house.journal.folder.path), "PL", dict, lambda: (wanted, 0))
    while file.write(follower.step, most):
        pass


def test_the_journal_is_told_once_wherever_it_was_killed(database, house):
    """Batches of two, each second one undone after it wrote: all of it, in order, with who it is; nothing twice."""
    for number in range(6):
        house.arrive(f"1.{number}", caller=ANNA.value)
        house.give(ev.CallEnded(call=f"1.{number}"))
    follower, more = None, True

    def killed(session):
        follower.step(session, 2)
        raise InterruptedError

    while more:
        follower = Follower(Folder(house.journal.folder.path), "PL", dict, lambda: ((ALL,), 0))
        with pytest.raises(InterruptedError):
            database.write(killed)
        follower.rewind()
        more = database.write(follower.step, 2)
    told = [one for one in said(database) if one["type"].startswith("contact")]
    assert [(one["type"], one["data"]["call"]) for one in told] == [
        (kind, f"1.{number}") for number in range(6) for kind in ("contact-waits", "contact-over")
    ]
    assert {one["data"]["customer"] for one in told} == {database.read(people.find, ANNA)}


def test_a_journal_that_is_read_from_its_beginning_is_not_told_again(database, house):
    """Another journal lies there, or a shorter one: what is read once more was told, what is new is."""
    house.crowd(5)
    follow(database, house)
    before = len(due(database))
    database.write(lambda session: session.execute(text("UPDATE progress SET at = at + 1")))
    house.pass_time(1_000)
    house.crowd(1, "new")
    follow(database, house)
    told = said(database)[before:]
    assert {one["data"]["call"] for one in told if "call" in one["data"]} == {"new0"}


# What becomes of it


def test_what_was_taken_is_gone(file):
    """The text too, once nobody is to be told of it any more."""
    file.write(hooks.sync, [ALL, replace(SOME, events=())], 0)
    tell(file)
    file.write(deliveries.sent, "all", [one.id for one in due(file)], 20)
    assert (count(file, Told), count(file, Delivery)) == (1, 1)
    assert (standing(file).sent, standing(file).sent_at) == (1, 20)
    file.write(deliveries.sent, "some", [one.id for one in due(file, "some")], 20)
    assert (count(file, Told), count(file, Delivery)) == (0, 0)


def test_what_failed_holds_up_what_is_behind_until_it_steps_aside(file):
    """While the first is not due none is; aside it comes again by itself, and the others go."""
    for number in range(3):
        tell(file, call=f"1.{number}")
    first = due(file)[0]
    file.write(deliveries.failed, "all", Failure(delivery=first.id, at=10, due_at=50, said="HTTP 503"))
    assert due(file, now=49) == []
    assert file.read(deliveries.agenda, "all", 49, 20).next_at == 50
    assert next(one.id for one in due(file, now=50)) == first.id
    assert (standing(file).failing_since, standing(file).said) == (10, "HTTP 503")
    aside = Failure(delivery=first.id, at=50, due_at=90, said="HTTP 422", is_refused=True, steps_aside=True)
    file.write(deliveries.failed, "all", aside)
    assert first.id not in [one.id for one in due(file, now=60)]
    assert len(due(file, now=60)) == 2
    assert [one.tries for one in due(file, now=90) if one.id == first.id] == [1]


def test_what_stands_aside_is_not_starved_by_a_crowd(file):
    """However many wait, some of each round are such."""
    for number in range(50):
        tell(file, call=f"1.{number}")
    first = due(file)[0]
    aside = Failure(delivery=first.id, at=10, due_at=20, said="", is_refused=True, steps_aside=True)
    file.write(deliveries.failed, "all", aside)
    assert first.id in [one.id for one in due(file, now=30, most=8)]
    assert len(due(file, now=30, most=8)) == 8


def test_given_up_sent_again_forgotten(file):
    """What is older than that is given up; again it has its old place; forgotten it is gone."""
    tell(file, now=10)
    tell(file, now=100)
    assert file.write(deliveries.give_up, "all", 50, 200) == 1
    assert (standing(file).given_up, standing(file).waits) == (1, 1)
    assert len(due(file, now=300)) == 1
    assert file.write(deliveries.again, "all", 300) == 1
    assert [one.made_at for one in due(file, now=300)] == [300, 100]
    assert file.write(deliveries.give_up, "all", 400, 400) == 2
    assert file.write(deliveries.forget, "all") == 2
    assert (count(file, Told), count(file, Delivery)) == (0, 0)


def test_what_was_given_up_long_ago_is_forgotten(file):
    """After a week."""
    tell(file)
    file.write(deliveries.give_up, "all", 50, 200)
    file.write(deliveries.sweep, {}, 200 + deliveries.KEPT_MS)
    assert standing(file).given_up == 1
    file.write(deliveries.sweep, {}, 201 + deliveries.KEPT_MS)
    assert (standing(file).given_up, count(file, Told)) == (0, 0)


def test_too_much_is_dropped_from_its_oldest_end(file):
    """So many as may wait are left, and it is counted what is gone, until somebody has looked after it."""
    for number in range(12):
        tell(file, call=f"1.{number}")
    assert file.write(deliveries.sweep, {"all": 10}, 20) == {"all": 2}
    assert said(file)[0]["data"]["call"] == "1.2"
    assert standing(file).dropped == 2
    file.write(deliveries.again, "all", 30)
    assert standing(file).dropped == 0


def test_what_waits_for_one_that_is_gone_is_given_up_in_a_day(file):
    """And an unknown one is told so."""
    tell(file)
    file.write(hooks.sync, [SOME], 0)
    file.write(deliveries.sweep, {}, 11 + deliveries.STOPPED_MS)
    assert (standing(file).waits, standing(file).given_up) == (0, 1)
    with pytest.raises(deliveries.UnknownEndpointError, match="no webhook 'nobody' is known"):
        file.write(deliveries.again, "nobody", 1)


def test_what_cannot_be_told_costs_no_more_than_itself(database, house, monkeypatch):
    """A fault of ours: the customer file goes on, and what is behind it is told."""
    made = hooks.body

    def fails(kind, at, data):
        if data.get("call") == "c1":
            raise ValueError
        return made(kind, at, data)

    monkeypatch.setattr(hooks, "body", fails)
    house.crowd(3)
    with capture_logs() as logs:
        follow(database, house)
    assert {one["data"]["call"] for one in said(database) if "call" in one["data"]} == {"c0", "c2"}
    assert [one["call"] for one in logs if one["event"] == "happening cannot be told"] == ["c1", "c1"]
    assert len(database.read(lambda session: session.scalars(select(Interaction)).all())) == 3
