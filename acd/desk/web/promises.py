"""What is promised to customers: a call back, as a web form asks for it, and appointments, of which they are told."""

import contextlib
import secrets
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path

from acd.appointments import AppointmentKind
from acd.desk.web import models
from acd.desk.web.access import Principal, allowed
from acd.desk.web.customers import store_of
from acd.desk.web.house import In, Rooms
from acd.desk.web.problems import ProblemError
from acd.store import appointments, people, timeline
from acd.store.handles import HandleError, email, number
from acd.store.people import UnknownPersonError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

Promiser = Annotated[Principal, Depends(allowed("promises", "customers"))]
Number = Annotated[int, Path(ge=1, le=models.INT_MOST)]

router = APIRouter(prefix="/api/v1", dependencies=[Depends(allowed("promises", "customers"))])


# Callbacks


@router.post("/callbacks", status_code=201)
async def ask_for_callback(asked: models.CallbackIn, principal: Promiser, rooms: In) -> models.Callback:
    """Have a customer called back: he waits in the queue as if he had called, and has one callback at a time."""
    if asked.queue not in rooms.house.site.queues:
        raise ProblemError(404, f"there is no queue '{asked.queue}'")
    found = rooms.callbacks.judge(asked.number)
    if found.barred:
        raise ProblemError(409, "that number may not be called", "see [calling-out] in acd.conf", detail=found.barred)
    await _note(rooms, found.number, asked, principal)
    if rooms.callbacks.is_promised(found.number):
        return models.Callback(number=found.number, was_promised=True)
    rooms.callbacks.promise(f"form-{secrets.token_hex(8)}", found.number, asked.queue, asked.language)
    return models.Callback(number=found.number, was_promised=False)


async def _note(rooms: Rooms, dial: str, asked: models.CallbackIn, principal: Principal) -> None:
    """Keep who he says he is and what he wrote, for the agent who will call him."""
    if rooms.store is None or not (asked.name or asked.email or asked.text):
        return
    at, country = rooms.house.dispatcher.clock(), rooms.store.settings.country

    def keep(session: "Session") -> None:
        try:
            named = number(dial, country)
        except HandleError:
            return
        person = people.find_or_make(session, named, at, name=asked.name, language=asked.language)
        with contextlib.suppress(HandleError, people.TakenError):  # a stranger's word gives nobody another's address
            if asked.email:
                people.give(session, person, email(asked.email), at)
        if asked.text:
            timeline.note(session, person, asked.text, at, by=principal.name)

    await rooms.store.write(keep)


# Appointments


def _kind(rooms: Rooms, name: str) -> AppointmentKind:
    kind = rooms.house.site.appointments.get(name)
    if kind is None:
        raise ProblemError(404, f"there is no kind of appointment '{name}'", "see type = appointment in acd.conf")
    return kind


@router.post("/appointments", status_code=201)
async def make_appointment(asked: models.AppointmentIn, principal: Promiser, rooms: In) -> models.Made:
    """Book; what its kind says is said to the customer, and to whom he meets."""
    kind, at = _kind(rooms, asked.kind), rooms.house.dispatcher.clock()
    booking = appointments.Booking(
        starts_at=asked.starts_at,
        length_ms=asked.length_ms,
        place=asked.place,
        host=asked.host,
        host_address=asked.host_address,
        host_number=asked.host_number,
        by=principal.name,
    )
    _check_time(asked.starts_at, at)
    try:
        return models.Made(id=await store_of(rooms).write(appointments.make, kind, asked.customer, booking, at))
    except UnknownPersonError as error:
        raise ProblemError(404, f"there is no customer {asked.customer}") from error


@router.get("/customers/{person}/appointments")
async def appointments_of(person: Number, rooms: In) -> list[models.Appointment]:
    """Show the appointments of a customer, latest first, with what was and will be said."""

    def look(session: "Session") -> list[models.Appointment]:
        found = appointments.of_person(session, person)
        return [
            models.Appointment(
                **models.AppointmentRow.model_validate(row).model_dump(),
                errands=[models.Errand.model_validate(one) for one in appointments.errands(session, row.id)],
            )
            for row in found
        ]

    try:
        return await store_of(rooms).read(look)
    except UnknownPersonError as error:
        raise ProblemError(404, f"there is no customer {person}") from error


@router.post("/appointments/{appointment}/move")
async def move_appointment(appointment: Number, asked: models.Move, rooms: In) -> models.Done:
    """Move one to another time; all are told anew."""
    at = rooms.house.dispatcher.clock()
    _check_time(asked.starts_at, at)
    try:
        kind = _kind(rooms, await store_of(rooms).read(appointments.kind_of, appointment))
        await store_of(rooms).write(appointments.move, kind, appointment, asked.starts_at, at)
    except appointments.UnknownAppointmentError as error:
        raise ProblemError(404, str(error)) from error
    return models.Done()


@router.delete("/appointments/{appointment}")
async def cancel_appointment(appointment: Number, rooms: In) -> models.Done:
    """Cancel one; who knows of it is told."""
    at = rooms.house.dispatcher.clock()
    try:
        name = await store_of(rooms).read(appointments.kind_of, appointment)
        kind = rooms.house.site.appointments.get(name)
        await store_of(rooms).write(appointments.cancel, kind, appointment, at)
    except appointments.UnknownAppointmentError as error:
        raise ProblemError(404, str(error)) from error
    return models.Done()


def _check_time(starts_at: int, now: int) -> None:
    if starts_at <= now:
        raise ProblemError(409, "that time is past")
