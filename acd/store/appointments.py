"""Appointments, and the errands they cause: each is done once, whatever breaks down in between.

An appointment that is moved or cancelled counts its sequence up; errands of an earlier one are done no more.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from acd.appointments import AppointmentKind
from acd.happenings import Happening
from acd.store import StoreError, hooks, people, text, timeline
from acd.store.agenda import Appointment, Errand
from acd.store.rows import among
from acd.store.schema import Handle

SAID_MOST = 300
KINDS = {"email": "email", "sms": "number"}
"""Medium to the kind of handle that it is told by."""
INVITATION = "invitation"


class Booking(Struct, frozen=True, kw_only=True):
    """What is agreed."""

    starts_at: int
    """ms since the epoch."""
    length_ms: int | None = None
    """None and empty: as its kind says."""
    place: str = ""
    host: str = ""
    host_address: str = ""
    host_number: str = ""
    by: str = ""


class Due(Struct, frozen=True, kw_only=True):
    """An errand that is to be done now."""

    id: int
    name: str
    sequence: int
    to: str
    medium: str
    says: str
    calendar: str
    appointment: Appointment
    customer: str
    """His name."""
    language: str
    address: str
    """Where whoever is told has the medium; empty if he has none."""
    addresses: tuple[str, str]
    """The e-mail addresses of customer and host, for a calendar."""


class UnknownAppointmentError(StoreError):
    """There is no such appointment, or none any more."""


def make(session: Session, kind: AppointmentKind, person: int, booking: Booking, now: int) -> int:
    """Book; gives its number.

    Raises:
        StoreError: there is no such person, or the time is past.

    """
    _check_time(booking.starts_at, now)
    ids = people.group(session, person)
    made = Appointment(
        uid=f"{secrets.token_hex(16)}@callfloor",
        kind=kind.section,
        person_id=ids[0],
        case_id=timeline.case_of(session, ids, now, kind.title),
        starts_at=booking.starts_at,
        length_ms=booking.length_ms or kind.length_ms,
        place=text.line(booking.place or kind.place),
        host=text.line(booking.host),
        host_address=text.line(booking.host_address, 254),
        host_number=text.line(booking.host_number, 30),
        sequence=0,
        made_at=now,
        made_by=text.line(booking.by),
        cancelled_at=None,
    )
    session.add(made)
    session.flush()
    _plan(session, kind, made, now)
    _tell(session, "appointment-made", made, now)
    return made.id


def move(session: Session, kind: AppointmentKind, number: int, starts_at: int, now: int) -> None:
    """Move an appointment to another time; all are told anew.

    Raises:
        StoreError: it is cancelled, or was never, or the time is past.

    """
    _check_time(starts_at, now)
    appointment = _open(session, number)
    _drop(session, appointment)
    appointment.starts_at, appointment.sequence = starts_at, appointment.sequence + 1
    _plan(session, kind, appointment, now)
    _tell(session, "appointment-moved", appointment, now)


def cancel(session: Session, kind: AppointmentKind | None, number: int, now: int) -> None:
    """Cancel an appointment; who knows of it is told.

    Raises:
        StoreError: it is cancelled already, or was never.

    """
    appointment = _open(session, number)
    told = _drop(session, appointment)
    appointment.cancelled_at, appointment.sequence = now, appointment.sequence + 1
    _tell(session, "appointment-cancelled", appointment, now)
    if appointment.starts_at <= now:
        return
    for to in sorted({one.to for one in told if one.calendar}):
        name = f"{INVITATION}-{to}"
        session.add(_errand(appointment, name=name, to=to, medium="email", says="", due_at=now, calendar="CANCEL"))
    if kind is not None and kind.cancelled:
        for to, medium in sorted({(one.to, one.medium) for one in told if not one.calendar}):
            name = f"cancelled-{to}-{medium}"
            session.add(_errand(appointment, name=name, to=to, medium=medium, says=kind.cancelled, due_at=now))


def _tell(session: Session, what: str, appointment: Appointment, now: int) -> None:
    person = people.root_of(session, appointment.person_id)
    said = {name: getattr(appointment, name) for name in ("kind", "starts_at", "length_ms", "place", "host")}
    told = {"type": what, "appointment": appointment.id, "customer": person, **said}
    hooks.tell(session, Happening(at=now, what=told, person=person), now)


def kind_of(session: Session, number: int) -> str:
    """Return the kind of an appointment.

    Raises:
        UnknownAppointmentError: there is none.

    """
    found = session.get(Appointment, number)
    if found is None:
        raise UnknownAppointmentError(f"there is no appointment {number}")
    return found.kind


def of_person(session: Session, person: int) -> list[Appointment]:
    """Return the appointments of a person, latest first."""
    wanted = select(Appointment).where(among(Appointment.person_id, people.group(session, person)))
    return list(session.scalars(wanted.order_by(Appointment.starts_at.desc(), Appointment.id.desc())))


def between(session: Session, since: int, until: int, most: int = 1_000) -> list[Appointment]:
    """Return what is agreed for a time, earliest first, without what is cancelled."""
    wanted = select(Appointment).where(
        Appointment.starts_at >= since, Appointment.starts_at < until, Appointment.cancelled_at.is_(None)
    )
    return list(session.scalars(wanted.order_by(Appointment.starts_at, Appointment.id).limit(most)))


def errands(session: Session, number: int) -> list[Errand]:
    """Return what was said, or will be, because of an appointment."""
    return list(session.scalars(select(Errand).where(Errand.appointment_id == number).order_by(Errand.id)))


# Errands


def due(session: Session, now: int, most: int = 50) -> list[Due]:
    """Return what is to be done now, longest overdue first."""
    wanted = select(Errand, Appointment).join(Appointment, Errand.appointment_id == Appointment.id)
    rows = session.execute(wanted.where(Errand.due_at <= now).order_by(Errand.due_at, Errand.id).limit(most)).all()
    return [_due(session, errand, appointment) for errand, appointment in rows]


def _due(session: Session, errand: Errand, appointment: Appointment) -> Due:
    profile = people.profile(session, appointment.person_id)
    ids = people.group(session, appointment.person_id)
    email = _address(session, ids, "email")
    if errand.to == "host":
        address = appointment.host_address if errand.medium == "email" else appointment.host_number
    else:
        address = email if errand.medium == "email" else _address(session, ids, KINDS.get(errand.medium, ""))
    same = {name: getattr(errand, name) for name in ("id", "name", "sequence", "to", "medium", "says", "calendar")}
    return Due(
        **same,
        appointment=appointment,
        customer=profile.name,
        language=profile.language,
        address=address,
        addresses=(email, appointment.host_address),
    )


def _address(session: Session, ids: Sequence[int], kind: str) -> str:
    """Return the number or address of a person that was given last."""
    wanted = select(Handle.value).where(among(Handle.person_id, ids), Handle.kind == kind)
    return session.scalar(wanted.order_by(Handle.made_at.desc(), Handle.id.desc()).limit(1)) or ""


def next_due(session: Session) -> int | None:
    """Return when something is to be done next."""
    return session.scalar(select(func.min(Errand.due_at)))


def done(session: Session, errand: int, at: int) -> None:
    """Note that an errand is done."""
    session.execute(update(Errand).where(Errand.id == errand).values(due_at=None, done_at=at, said=""))


def later(session: Session, errand: int, due_at: int, said: str) -> None:
    """Note that an errand could not be done, and is tried again; but for one that is not to be done any more."""
    tried = update(Errand).where(Errand.id == errand, Errand.due_at.is_not(None))
    session.execute(tried.values(due_at=due_at, said=text.line(said, SAID_MOST)))


def give_up(session: Session, errand: int, said: str) -> None:
    """Note that an errand will not be done, and why."""
    session.execute(update(Errand).where(Errand.id == errand).values(due_at=None, said=text.line(said, SAID_MOST)))


def _check_time(starts_at: int, now: int) -> None:
    if starts_at <= now:
        raise StoreError("that time is past")


def _open(session: Session, number: int) -> Appointment:
    found = session.get(Appointment, number)
    if found is None or found.cancelled_at is not None:
        raise UnknownAppointmentError(f"there is no appointment {number}" + (" any more" if found is not None else ""))
    return found


def _drop(session: Session, appointment: Appointment) -> list[Errand]:
    """Have nothing more done of what is planned; gives what was done, of all sequences."""
    all_of_it = errands(session, appointment.id)
    for errand in all_of_it:
        if errand.due_at is not None:
            errand.due_at, errand.said = None, "it was moved or cancelled"
    return [errand for errand in all_of_it if errand.done_at is not None]


def _plan(session: Session, kind: AppointmentKind, appointment: Appointment, now: int) -> None:
    for to in kind.invite:
        details = {"to": to, "medium": "email", "says": INVITATION, "due_at": now, "calendar": "REQUEST"}
        session.add(_errand(appointment, name=f"{INVITATION}-{to}", **details))
    for one in kind.tellings:
        due_at = now if one.before_ms is None else appointment.starts_at - one.before_ms
        if due_at >= now:  # who comes in an hour needs no reminder of two hours before
            name = f"{one.to}-{one.medium}-{one.says}-{'now' if one.before_ms is None else one.before_ms}"
            session.add(_errand(appointment, name=name, to=one.to, medium=one.medium, says=one.says, due_at=due_at))


def _errand(appointment: Appointment, **details: Any) -> Errand:
    plain = {"calendar": "", "done_at": None, "said": ""}
    return Errand(appointment_id=appointment.id, sequence=appointment.sequence, **{**plain, **details})
