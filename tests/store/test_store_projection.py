"""The journal becomes contacts in the customer file: each once, whatever ends in the midst of it."""

import shutil

import pytest
from hypothesis import given, settings
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from acd.core import commands as cmd
from acd.core import events as ev
from acd.journal import Folder, Journal
from acd.store import facts, pop
from acd.store.follower import Follower
from acd.store.projection import Projection
from acd.store.schema import Interaction
from tests.acd.scribe import HOSTILE, Scribe
from tests.core import test_callbacks
from tests.core.house import House
from tests.core.test_outgoing import ask, house_of
from tests.core.test_properties import SEATS, days, happen
from tests.store.test_store_people import PHONE

PL = "22 123 45 67"
AGENTS = {"101": "Anna", "102": "Piotr"}


def kept(house):
    """Have a projection kept of a house from now on; gives it, and what it finds."""
    projection, found = Projection(house.state if house.state.now else None), []
    decide = house.core.decide

    def watched(event):
        commands = decide(event)
        found.extend(projection.facts(event, commands))
        return commands

    house.core.decide = watched
    return projection, found


@settings(max_examples=200, deadline=None)
@given(days)
def test_the_projection_knows_which_calls_are_in_the_house(day):
    """Whatever the switch says, in whatever order: what is open there is what the core holds."""
    house = House(seats=SEATS, wrap_up_ms=2_000, overflow={"wait": "queue support"}, max_wait_ms=60_000)
    projection, _ = kept(house)
    for pause_ms, what in day:
        house.pass_time(pause_ms)
        happen(house, what)
        assert set(projection._calls) == set(house.state.calls)


@settings(max_examples=100, deadline=None)
@given(days, days)
def test_a_projection_begun_in_the_midst_goes_on_like_one_from_the_start(morning, afternoon):
    """A state holds all that it needs."""
    house = House(seats=SEATS, wrap_up_ms=2_000)
    _, whole = kept(house)
    for pause_ms, what in morning:
        house.pass_time(pause_ms)
        happen(house, what)
    _, half = kept(house)
    before = len(whole)
    for pause_ms, what in afternoon:
        house.pass_time(pause_ms)
        happen(house, what)
    assert half == whole[before:]


def rows_of(database, house):
    """Follow a journal to its end; gives the contacts, oldest first."""
    follower = Follower(Folder(house.journal.folder.path), "PL", lambda: AGENTS)
    while database.write(follower.step):
        pass
    return contacts(database)


def contacts(database):
    wanted = select(Interaction).order_by(Interaction.started_at, Interaction.id)
    return database.read(lambda session: [_picture(row) for row in session.scalars(wanted)])


def _picture(row):
    known = ("key", "medium", "direction", "queue", "seat", "agent", "answered_at", "ended_at", "outcome", "code")
    return {"person": row.person_id is not None, **{name: getattr(row, name) for name in known}}


@pytest.fixture
def house(tmp_path):
    made = Scribe(tmp_path / "journal")
    yield made
    made.journal.close()


def test_a_call_that_is_answered_and_coded(database, house):
    """From arrival to end: who, where, with whom, how, and what it was about; and the caller is somebody now."""
    house.log_in("101")
    house.arrive("1.1", caller=PL, language="pl")
    [row] = rows_of(database, house)
    assert (row["outcome"], row["ended_at"], row["person"]) == ("", None, True)
    talk = house.now
    offer = house.talk("1.1")
    house.pass_time(60_000)
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    house.give(ev.CallEnded(call="1.1"))
    ended = house.now
    assert house.ask(ev.CodeAsked, "101", code="order") == "ok"
    assert rows_of(database, house) == [
        {
            "person": True,
            "key": "1.1",
            "medium": "voice",
            "direction": "in",
            "queue": "sales",
            "seat": "101",
            "agent": "Anna",
            "answered_at": talk,
            "ended_at": ended,
            "outcome": "answered",
            "code": "order",
        }
    ]
    found = database.read(pop.screen_pop, PHONE, house.now)
    assert (found.language, found.today, found.last[0].code) == ("pl", 1, "order")


def test_how_contacts_end_without_an_agent(database, house):
    """Hung up, left by a key, lost in a gap; who withholds his number is nobody; hostile names are text."""
    for call in "abc":
        house.arrive(call, caller=HOSTILE)
    house.give(ev.CallEnded(call="a"))
    house.give(ev.CallEnded(call="b", reason="key-exit"))
    house.pass_time(1_000)
    house.look()
    found = rows_of(database, house)
    assert [(row["key"], row["outcome"], row["person"]) for row in found] == [
        ("a", "abandoned", False),
        ("b", "key-exit", False),
        ("c", "lost", False),
    ]


def test_who_comes_back_to_a_queue_is_one_contact(database, house):
    """He left it by a key, heard something, and waits again: the row goes on; its queue is the last one."""
    house.arrive("1.1", caller=PL)
    house.give(ev.CallEnded(call="1.1", reason="key-exit"))
    house.pass_time(5_000)
    house.arrive("1.1", "support", caller=PL)
    [row] = rows_of(database, house)
    assert (row["queue"], row["ended_at"], row["outcome"]) == ("support", None, "")
    house.give(ev.CallEnded(call="1.1"))
    [row] = rows_of(database, house)
    assert (row["outcome"], row["ended_at"]) == ("abandoned", house.now)


def test_a_message_is_of_the_call_that_it_follows(database, house):
    """A caller who leaves one has come once, and his case is one; closed by an agent it is over."""
    house.arrive("1.1", caller=PL)
    house.give(ev.CallEnded(call="1.1", reason="key-exit"))
    house.arrive("voicemail-x", caller=PL, medium="voicemail")
    house.log_in("101")
    offer = house.talk("voicemail-x")
    assert house.ask(ev.CloseAsked, "101", offer=offer) == "ok"
    _, message = rows_of(database, house)
    assert (message["medium"], message["outcome"], message["ended_at"]) == ("voicemail", "answered", house.now)
    found = database.read(pop.screen_pop, PHONE, house.now)
    assert (found.today, len(found.last)) == (1, 2)


def facts_of(house, do):
    """What a projection finds while something is done."""
    _, found = kept(house)
    do()
    return found


def test_a_call_out():
    """By its leg: answered, over; not answered, over; another line tried in between is no end."""
    house = house_of(ring_ms=30_000, longest_ms=3_600_000)
    _, found = kept(house)
    _, dial = ask(house)
    house.give(ev.LegFailed(seat="101", request=1, leg=dial.leg, outcome="congestion"))
    house.give(ev.LegAnswered(leg=dial.leg), after_ms=1_000)
    house.give(ev.LegEnded(leg=dial.leg, outcome="hung-up"), after_ms=1_000)
    arrived, answered, ended = found
    assert (arrived.direction, arrived.caller, arrived.seat) == ("out", "+49301234567", "101")
    assert isinstance(answered, facts.Answered)
    assert (ended.call, ended.how) == (dial.leg, "hung-up")


def test_a_call_for_help_is_no_contact():
    """An emergency number is no customer's."""
    house = house_of(ring_ms=30_000, longest_ms=3_600_000)
    assert facts_of(house, lambda: ask(house, "112", emergency=True)) == []


def test_a_callback_whose_customer_is_called_first():
    """The promise is one contact, his coming another, both of ours to him."""
    house = test_callbacks.house_of()
    _, found = kept(house)
    test_callbacks.promise(house, "+48221234567")
    [reach] = test_callbacks.only(test_callbacks.work(house, "101"), cmd.Reach)
    test_callbacks.answers(house, reach)
    arrived = [fact for fact in found if isinstance(fact, facts.Arrived)]
    assert [(one.medium, one.direction) for one in arrived] == [("callback", "out"), ("voice", "out")]
    assert [(one.call, one.how) for one in found if isinstance(one, facts.Ended)] == [("back", "called-back")]


# What ends in the midst of it


def busy_day(house):
    """Callers who come, talk and go, some twice; entries enough for several batches."""
    house.log_in("101", "102")
    for number in range(30):
        house.arrive(f"1.{number}", caller=f"+4822123{number % 7:04}", queue=("sales", "support")[number % 2])
        if number % 3:
            house.serve(f"1.{number}")
            house.give(ev.CallEnded(call=f"1.{number}"))
            house.ask(ev.CodeAsked, "101", code=f"code{number}")
            house.pass_time(10_000)
        else:
            offer = house.offer_of(f"1.{number}")
            house.give(ev.CallEnded(call=f"1.{number}"))
            house.give(ev.OfferEnded(offer=offer, outcome="withdrawn"))
    house.arrive("last", caller=PL)


def test_it_does_not_matter_where_it_was_killed(database, house):
    """Batches of three, and every other one fails after it wrote: rows, people and cases are as without any failure."""
    busy_day(house)
    follower = Follower(Folder(house.journal.folder.path), "PL", lambda: AGENTS)

    def killed(session):
        follower.step(session, 3)
        raise InterruptedError

    more = True
    while more:
        with pytest.raises(InterruptedError):
            database.write(killed)
        follower.rewind()
        follower = Follower(Folder(house.journal.folder.path), "PL", lambda: AGENTS)
        more = database.write(follower.step, 3)
    found = contacts(database)
    assert len(found) == 31
    assert {row["outcome"] for row in found} == {"answered", "abandoned", ""}
    counts = [
        database.read(lambda session, table=table: session.scalar(text(f"SELECT count(*) FROM {table}")))
        for table in ("people", "handles", "cases")
    ]
    assert counts == [8, 8, 8]
    database.write(lambda session: session.execute(text("DELETE FROM progress")))
    assert rows_of(database, house) == found


def test_another_journal_is_begun_at_its_beginning(database, house, tmp_path):
    """The old one is gone, numbers are counted anew: what is new in it is stored, and nothing twice."""
    busy_day(house)
    before = rows_of(database, house)
    other = Scribe(tmp_path / "other")
    other.pass_time(3_600_000)
    other.arrive("9.1", caller=PL)
    after = rows_of(database, other)
    other.journal.close()
    assert [row["key"] for row in after] == [*(row["key"] for row in before), "9.1"]
    assert after[:-1] == before


def test_a_gap_in_the_journal_ends_what_nobody_saw_end(database, house):
    """Whoever is not in the state after it was lost; whoever is goes on."""
    house.arrive("a", caller=PL)
    house.arrive("b", caller=PL)
    rows_of(database, house)
    house.core.decide(ev.CallEnded(at=house.now, call="a"))
    house.journal.restate(house.state, "something is missing")
    house.journal.commit()
    found = rows_of(database, house)
    assert [(row["key"], row["outcome"]) for row in found] == [("a", "lost"), ("b", "")]


def test_entries_that_the_journal_let_go_cost_only_themselves(database, house):
    """The store was away for so long that the oldest files are gone: it goes on with what is there."""
    house.arrive("a", caller=PL)
    rows_of(database, house)
    house.journal.close()
    folder = house.journal.folder.path
    shutil.rmtree(folder)
    journal = Journal(folder)
    journal.close()
    house.journal = Journal(folder)
    house.arrive("b", caller=PL)
    assert [row["key"] for row in rows_of(database, house)] == ["a", "b"]


def test_a_fact_that_cannot_be_stored_costs_itself_alone(database, house, monkeypatch):
    """A fault of ours is logged, and the rest is stored; a database that fails stops all until it is well."""
    begin = facts.timeline.begin

    def faulty(session, contact):
        if contact.key == "a":
            raise KeyError(contact.key)
        return begin(session, contact)

    monkeypatch.setattr(facts.timeline, "begin", faulty)
    house.arrive("a", caller=PL)
    house.arrive("b", caller=PL)
    assert [row["key"] for row in rows_of(database, house)] == ["b"]

    def full(session, contact):
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(facts.timeline, "begin", full)
    house.arrive("c", caller=PL)
    with pytest.raises(Exception, match="database or disk is full"):
        rows_of(database, house)
    monkeypatch.setattr(facts.timeline, "begin", begin)
    assert [row["key"] for row in rows_of(database, house)] == ["b", "c"]
