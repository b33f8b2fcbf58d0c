"""Appointments and what they cause to be said: planned once, dropped when they are moved, gone with their person."""

import pytest

from acd.appointments import AppointmentKind, Telling
from acd.store import StoreError, appointments, merging, people, privacy
from acd.store.appointments import Booking, UnknownAppointmentError
from acd.store.handles import Named
from tests.store.test_store_people import MAIL, NOON, PHONE

HOUR_MS = 3_600_000
TOMORROW = NOON + 24 * HOUR_MS
VISIT = AppointmentKind(
    section="visit",
    title="Visit",
    queue="sales",
    place="Main Street 1",
    invite=("customer", "host"),
    tellings=(
        Telling("customer", "email", "preparation"),
        Telling("customer", "sms", "reminder", 2 * HOUR_MS),
        Telling("host", "sms", "soon", HOUR_MS),
    ),
    cancelled="cancelled",
)
BOOKING = Booking(
    starts_at=TOMORROW, host="Ola", host_address="ola@acme.example", host_number="+48601000000", by="Anna Nowak"
)


@pytest.fixture
def jan(database):
    person = database.write(people.find_or_make, MAIL, NOON, name="Jan")
    database.write(people.give, person, PHONE, NOON)
    return person


def booked(database, person, booking=BOOKING, kind=VISIT):
    return database.write(appointments.make, kind, person, booking, NOON)


def planned(database, number):
    """What is still to be said: name -> when."""
    return {one.name: one.due_at for one in database.read(appointments.errands, number) if one.due_at is not None}


def test_what_its_kind_says_is_planned(database, jan):
    """Some of it at once, some before it begins; each with where its person has that medium."""
    number = booked(database, jan)
    assert planned(database, number) == {
        "invitation-customer": NOON,
        "invitation-host": NOON,
        "customer-email-preparation-now": NOON,
        "customer-sms-reminder-7200000": TOMORROW - 2 * HOUR_MS,
        "host-sms-soon-3600000": TOMORROW - HOUR_MS,
    }
    due = database.read(appointments.due, TOMORROW)
    assert [(one.to, one.medium, one.address) for one in due] == [
        ("customer", "email", "jan@example.com"),
        ("host", "email", "ola@acme.example"),
        ("customer", "email", "jan@example.com"),
        ("customer", "sms", "+48221234567"),
        ("host", "sms", "+48601000000"),
    ]
    assert {one.customer for one in due} == {"Jan"}
    assert len(database.read(appointments.due, NOON)) == 3
    assert database.read(appointments.next_due) == NOON
    [row] = database.read(appointments.of_person, jan)
    assert (row.place, row.length_ms, row.case_id is not None) == ("Main Street 1", 30 * 60_000, True)


def test_who_comes_soon_is_not_reminded_of_what_is_past(database, jan):
    """An hour and a half before there is no reminder of two hours before."""
    number = booked(database, jan, Booking(starts_at=NOON + HOUR_MS * 3 // 2))
    assert "customer-sms-reminder-7200000" not in planned(database, number)
    assert planned(database, number)["host-sms-soon-3600000"] == NOON + HOUR_MS // 2


def test_moved_it_is_told_anew(database, jan):
    """What was to be said of the old time never is; the calendars get a higher sequence."""
    number = booked(database, jan)
    for one in database.read(appointments.due, NOON):
        database.write(appointments.done, one.id, NOON)
    database.write(appointments.move, VISIT, number, TOMORROW + HOUR_MS, NOON + 1)
    assert planned(database, number)["customer-sms-reminder-7200000"] == TOMORROW - HOUR_MS
    assert {one.sequence for one in database.read(appointments.due, TOMORROW + HOUR_MS)} == {1}
    old = [one for one in database.read(appointments.errands, number) if one.sequence == 0]
    assert [one.said for one in old if one.done_at is None] == ["it was moved or cancelled"] * 2


def test_cancelled_those_are_told_who_know(database, jan):
    """Nobody hears that something is off of which he never heard."""
    number = booked(database, jan)
    first, *_ = database.read(appointments.due, NOON)
    database.write(appointments.done, first.id, NOON)  # the customer has his invitation, and nobody else anything
    database.write(appointments.cancel, VISIT, number, NOON + 1)
    assert planned(database, number) == {"invitation-customer": NOON + 1}
    with pytest.raises(UnknownAppointmentError, match="any more"):
        database.write(appointments.cancel, VISIT, number, NOON + 2)
    with pytest.raises(UnknownAppointmentError, match="any more"):
        database.write(appointments.move, VISIT, number, TOMORROW, NOON + 2)
    assert database.read(appointments.between, NOON, TOMORROW + 1) == []


def test_cancelled_after_words_were_said_words_are_said(database, jan):
    """By the media by which they were told, in the words that their kind names for it."""
    number = booked(database, jan)
    for one in database.read(appointments.due, TOMORROW - HOUR_MS):
        database.write(appointments.done, one.id, NOON)
    database.write(appointments.cancel, VISIT, number, NOON + 1)
    assert sorted(planned(database, number)) == [
        *("cancelled-customer-email", "cancelled-customer-sms", "cancelled-host-sms"),
        *("invitation-customer", "invitation-host"),
    ]


def test_a_time_that_is_past_is_refused(database, jan):
    """Neither made nor moved there; and there is nobody without a person."""
    with pytest.raises(StoreError, match="past"):
        booked(database, jan, Booking(starts_at=NOON))
    number = booked(database, jan)
    with pytest.raises(StoreError, match="past"):
        database.write(appointments.move, VISIT, number, NOON, NOON)
    with pytest.raises(StoreError):
        booked(database, jan + 99)
    with pytest.raises(UnknownAppointmentError):
        database.read(appointments.kind_of, number + 99)


def test_what_cannot_be_said_is_said_later_or_never(database, jan):
    """The reason stands beside it."""
    number = booked(database, jan)
    first, second, *_ = database.read(appointments.due, NOON)
    database.write(appointments.later, first.id, NOON + 60_000, "away")
    database.write(appointments.give_up, second.id, "nobody knows where")
    assert planned(database, number)[first.name] == NOON + 60_000
    assert second.name not in planned(database, number)
    said = {one.id: one.said for one in database.read(appointments.errands, number)}
    assert (said[first.id], said[second.id]) == ("away", "nobody knows where")
    database.write(appointments.later, second.id, NOON + 60_000, "away")
    assert second.name not in planned(database, number), "given up is given up"


def test_it_follows_its_person(database, jan):
    """Merged into another he is told where that one is told; handed out, it is in it; erased, it is gone."""
    number = booked(database, jan)
    other = database.write(people.find_or_make, Named("email", "jan@new.example"), NOON + 1, name="Jan K.")
    database.write(merging.merge, jan, other, NOON + 2, "101")
    [first, *_] = database.read(appointments.due, NOON)
    assert (first.address, first.customer) == ("jan@new.example", "Jan K.")
    assert [row.id for row in database.read(appointments.of_person, other)] == [number]
    told, _ = database.read(privacy.export, other)
    assert [one["id"] for one in told["appointments"]] == [number]
    database.write(privacy.erase, other)
    assert database.read(appointments.due, TOMORROW) == []
    assert database.read(appointments.errands, number) == []
