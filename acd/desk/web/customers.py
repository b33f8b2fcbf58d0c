"""The customer file: who it is, and all that was ever said."""

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from acd.desk.web import models
from acd.desk.web.access import Principal, allowed
from acd.desk.web.house import In, Rooms
from acd.desk.web.problems import ProblemError
from acd.store import StoreError, merging, people, privacy, timeline
from acd.store.store import Store

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

Keeper = Annotated[Principal, Depends(allowed("customers"))]
Person = Annotated[int, Path(ge=1, le=models.INT_MOST)]

router = APIRouter(prefix="/api/v1/customers", dependencies=[Depends(allowed("customers"))])


def store_of(rooms: Rooms) -> Store:
    """Give the customer file.

    Raises:
        ProblemError: there is none.

    """
    if rooms.store is None:
        raise ProblemError(409, "this site keeps no customer file", "take database = none out of [store]")
    return rooms.store


async def _of(person: int, what: Callable[[], Awaitable[Any]]) -> Any:
    """Do something with a person; who is not there is a problem of the one who asks."""
    try:
        return await what()
    except people.UnknownPersonError as error:
        raise ProblemError(404, f"there is no customer {person}") from error


def timeline_of(session: "Session", person: int, most: int) -> models.Timeline:
    """Give the latest contacts and notes of a person."""
    return models.Timeline(
        contacts=[models.Entry.model_validate(one) for one in timeline.contacts(session, person, most)],
        notes=[models.NoteOf.model_validate(one) for one in timeline.notes(session, person, most)],
    )


@router.get("")
async def find_customers(rooms: In, q: Annotated[str, Query(min_length=1, max_length=200)]) -> list[models.Customer]:
    """Find customers by a number, an address or a name."""
    store = store_of(rooms)

    def look(session: "Session") -> list[people.Profile]:
        return [people.profile(session, one) for one in people.search(session, q, store.settings.country, 20)]

    return [models.Customer.model_validate(one) for one in await store.read(look)]


@router.get("/{person}")
async def show_customer(person: Person, rooms: In) -> models.Customer:
    """Show what is known of one."""
    return models.Customer.model_validate(await _of(person, lambda: store_of(rooms).read(people.profile, person)))


@router.get("/{person}/timeline")
async def show_timeline(person: Person, rooms: In, most: Annotated[int, Query(ge=1, le=100)] = 50) -> models.Timeline:
    """Show the latest contacts and notes of one."""
    found = await _of(person, lambda: store_of(rooms).read(timeline_of, person, most))
    assert isinstance(found, models.Timeline)
    return found


@router.post("/{person}/notes", status_code=201)
async def note_customer(person: Person, asked: models.NoteIn, principal: Keeper, rooms: In) -> models.Made:
    """Write something down about one."""
    at = rooms.house.dispatcher.clock()
    write = lambda: store_of(rooms).write(timeline.note, person, asked.text, at, by=principal.name)  # noqa: E731 - short
    return models.Made(id=await _of(person, write))


@router.patch("/{person}")
async def change_customer(person: Person, asked: models.CustomerChange, rooms: In) -> models.Customer:
    """Change name, language and attributes."""
    at = rooms.house.dispatcher.clock()

    def change(session: "Session") -> people.Profile:
        people.rename(session, person, asked.name, asked.language)
        for name, value in asked.attributes.items():
            people.set_attribute(session, person, name, value, at)
        return people.profile(session, person)

    return models.Customer.model_validate(await _of(person, lambda: store_of(rooms).write(change)))


@router.post("/{person}/consents", status_code=201)
async def note_consent(person: Person, asked: models.ConsentIn, rooms: In) -> models.Done:
    """Note that a customer agreed to something, or took it back."""
    told = asked.model_dump()
    agreed = people.Agreed(**told, at=rooms.house.dispatcher.clock())
    await _of(person, lambda: store_of(rooms).write(people.agree, person, agreed))
    return models.Done()


@router.get("/{person}/export", response_class=Response, responses={200: {"content": {"application/json": {}}}})
async def export_customer(person: Person, rooms: In) -> Response:
    """Hand out all that is kept of one, as a file; what is attached is named in it."""

    def look(session: "Session") -> str:
        return json.dumps(privacy.export(session, person)[0], ensure_ascii=False)

    said = await _of(person, lambda: store_of(rooms).read(look))
    headers = {"Content-Disposition": f'attachment; filename="customer-{person}.json"'}
    return Response(said, media_type="application/json", headers=headers)


@router.post("/{person}/merge")
async def merge_customer(person: Person, asked: models.Merge, principal: Keeper, rooms: In) -> models.Done:
    """Make a duplicate and the one who survives one."""
    at = rooms.house.dispatcher.clock()
    await _merging(person, lambda: store_of(rooms).write(merging.merge, person, asked.into, at, principal.name))
    return models.Done()


@router.post("/{person}/unmerge")
async def unmerge_customer(person: Person, rooms: In) -> models.Done:
    """Make one who was merged somebody of his own again."""
    await _merging(person, lambda: store_of(rooms).write(merging.unmerge, person))
    return models.Done()


async def _merging(person: int, what: Callable[[], Awaitable[Any]]) -> None:
    try:
        await _of(person, what)
    except StoreError as error:
        if type(error) is not StoreError or "cannot be used" in str(error):
            raise
        raise ProblemError(409, str(error)) from error
