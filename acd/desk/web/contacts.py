"""Contacts: what is offered and lies before an agent, what waits, and what he makes of it."""

import asyncio
import heapq
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import FileResponse
from msgspec import Struct

from acd.channels.contact import Card, Reply
from acd.core.events import CallSet
from acd.core.model import Call, Offer
from acd.desk.web import models
from acd.desk.web.access import Principal, allowed
from acd.desk.web.house import House, In, Rooms, seat_of
from acd.desk.web.problems import ProblemError, fulfilled
from acd.desk.web.states import check_code
from acd.desk.written import MOVE_MS, Before
from acd.ports import Channel

router = APIRouter(prefix="/api/v1")
T = TypeVar("T")

Watcher = Annotated[Principal, Depends(allowed("agent", "supervisor", "read"))]
Agent = Annotated[Principal, Depends(allowed("agent"))]
Mover = Annotated[Principal, Depends(allowed("agent", "supervisor"))]

_OCTETS = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
FILE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "no-store",
}
"""What somebody sent is saved, never shown: no browser runs it under our name."""


# What there is


def contact_of(rooms: Rooms, call: Call, seat: str) -> models.Contact:
    """Describe a contact, as one seat sees it."""
    house = rooms.house
    offers = [house.dispatcher.core.state.offers[name] for name in call.offers]
    offer = next((one for one in offers if one.seat == seat), offers[0] if offers else None)
    return models.Contact(
        call=call.id,
        medium=call.medium,
        queue=call.queue,
        state=call.state,
        arrived=call.arrived,
        waited_ms=max(house.dispatcher.clock() - call.arrived, 0),
        ahead_ms=call.ahead_ms,
        written=call.virtual and call.medium in house.channels,
        offer=offer.id if offer is not None else "",
        seat=offer.seat if offer is not None else "",
        at_desk=offer is not None and rooms.offers.has(offer.id),
        suspended=offer is not None and offer.state == "suspended",
        mine=offer is not None and offer.seat == seat,
    )


def sees(house: House, principal: Principal, call: Call) -> bool:
    """Whether a contact is his to see: it is with his seat, or waits in its queues; a supervisor sees all."""
    if principal.may("supervisor", "read"):
        return True
    state = house.dispatcher.core.state
    seat = state.seats.get(principal.seat)
    if seat is None:
        return False
    if any(state.offers[name].seat == seat.name for name in call.offers):
        return True
    return call.state in {"waiting", "offered"} and call.queue in seat.rule.queues


def listed(rooms: Rooms, principal: Principal, most: int) -> list[models.Contact]:
    """List what one sees, no more than `most`: his own first, then in the order in which they are served."""
    state, seat = rooms.house.dispatcher.core.state, principal.seat
    calls = (call for call in state.calls.values() if sees(rooms.house, principal, call))

    def order(call: Call) -> tuple[bool, tuple[int, int, int]]:
        return not any(state.offers[name].seat == seat for name in call.offers), call.key

    first = heapq.nsmallest(most, calls, key=order)
    return [contact_of(rooms, call, seat) for call in first]


@router.get("/contacts")
async def list_contacts(
    principal: Watcher, rooms: In, most: Annotated[int, Query(ge=1, le=1_000)] = 200
) -> list[models.Contact]:
    """List what is mine, and what waits in my queues; a supervisor sees all."""
    return listed(rooms, principal, most)


@router.get("/contacts/{call}")
async def show_contact(call: str, principal: Watcher, rooms: In) -> models.Contact:
    """Show one."""
    return contact_of(rooms, seen(rooms, principal, call), principal.seat)


@router.get("/contacts/{call}/card")
async def read_contact(call: str, principal: Watcher, rooms: In) -> models.CardOf:
    """Read what the customer wrote."""
    return card_of(await found_card(rooms, principal, call))


@router.get("/contacts/{call}/files/{number}", response_class=FileResponse)
async def get_file(
    call: str, number: Annotated[int, Path(ge=0, le=10_000)], principal: Watcher, rooms: In
) -> FileResponse:
    """Get a file that came with it, to be saved."""
    card = await found_card(rooms, principal, call)
    file = card.files[number] if number < len(card.files) else None
    if file is None or file.path is None or not await asyncio.to_thread(file.path.is_file):
        raise ProblemError(404, "there is no such file, or it is kept no more")
    headers = {**FILE_HEADERS, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"}
    return FileResponse(file.path, media_type="application/octet-stream", headers=headers)


async def found_card(rooms: Rooms, principal: Principal, name: str) -> Card:
    """Give what the customer wrote.

    Raises:
        ProblemError: there is no such contact for him, or nothing of it.

    """
    call = seen(rooms, principal, name)
    card = await _channel(rooms, call).card(call.id)
    if card is None:
        raise ProblemError(404, "nothing is left of this contact", "close it")
    return card


def card_of(card: Card) -> models.CardOf:
    """Describe it."""
    same = [name for name in models.CardOf.model_fields if name not in {"files", "marks"}]
    files = [
        models.FileOf(number=at, name=one.name, kind=one.kind, size=one.size, there=one.path is not None)
        for at, one in enumerate(card.files)
    ]
    return models.CardOf(**{name: getattr(card, name) for name in same}, files=files, marks=list(card.marks))


def seen(rooms: Rooms, principal: Principal, name: str) -> Call:
    """Give a contact.

    Raises:
        ProblemError: there is none of that name, or not for him.

    """
    call = rooms.house.dispatcher.core.state.calls.get(name)
    if call is None or not sees(rooms.house, principal, call):
        raise ProblemError(404, "there is no such contact, or it is not yours to see")
    return call


def _channel(rooms: Rooms, call: Call) -> Channel:
    channel = rooms.house.channels.get(call.medium) if call.virtual else None
    if channel is None:
        raise ProblemError(409, f"a contact of medium {call.medium} is not read here", "answer it at the telephone")
    return channel


# What an agent makes of it


class Work(Struct, frozen=True):
    """A contact that an agent has before him, at the desk."""

    call: Call
    offer: Offer
    channel: Channel
    before: Before


def _offered(rooms: Rooms, principal: Principal, name: str) -> tuple[Call, Offer]:
    call, seat = seen(rooms, principal, name), seat_of(principal)
    offers = (rooms.house.dispatcher.core.state.offers[one] for one in call.offers)
    offer = next((one for one in offers if one.seat == seat), None)
    if offer is None:
        raise ProblemError(409, "it is not with this seat", "it comes when it is this seat's turn")
    if not rooms.offers.has(offer.id):
        raise ProblemError(409, "it is at the telephone of this seat", "answer it there")
    return call, offer


def _before(rooms: Rooms, principal: Principal, name: str) -> Work:
    call, offer = _offered(rooms, principal, name)
    if not offer.in_talk:
        raise ProblemError(409, "it is not accepted yet", f"POST /api/v1/contacts/{name}/accept")
    channel = _channel(rooms, call)
    return Work(call, offer, channel, Before(rooms.house, channel, call.id, offer.id, offer.seat))


@router.post("/contacts/{call}/accept")
async def accept(call: str, principal: Agent, rooms: In) -> models.Done:
    """Take what is offered."""
    _, offer = _offered(rooms, principal, call)
    if not rooms.offers.accept(offer.id):
        raise ProblemError(409, "it is not offered any more, or it is accepted already", "look again at what there is")
    return models.Done()


@router.post("/contacts/{call}/refuse")
async def refuse(call: str, principal: Agent, rooms: In) -> models.Done:
    """Leave it to a colleague."""
    _, offer = _offered(rooms, principal, call)
    if offer.in_talk:
        raise ProblemError(409, "it is accepted already", "put it off, or give it to another queue")
    rooms.offers.end(offer.id, "refused")
    return models.Done()


@router.post("/contacts/{call}/reply")
async def reply(call: str, asked: models.ReplyIn, principal: Agent, rooms: In) -> models.Done:
    """Answer the customer in his medium; with `close` it is done then."""
    work = _before(rooms, principal, call)
    if asked.code:
        check_code(rooms.house, asked.code)
    files = rooms.uploads.find(principal.key, asked.files)
    if not (asked.text.strip() or asked.template or files):
        raise ProblemError(409, "there is nothing in it", "send a text, a template or a file")
    if work.offer.id in rooms.answering:
        raise ProblemError(409, "it is being answered at this moment", "wait for that")
    rooms.answering.add(work.offer.id)
    await _whole(_reply(rooms, work, Reply(text=asked.text, choice=asked.template, files=files), asked))
    return models.Done()


async def _reply(rooms: Rooms, work: Work, answer: Reply, asked: models.ReplyIn) -> None:
    try:
        await work.channel.reply(work.call.id, work.offer.seat, answer)
        await rooms.uploads.forget(asked.files)
        if asked.close:
            await _close(rooms, work, asked.code, is_answered=True)
    finally:
        rooms.answering.discard(work.offer.id)


@router.post("/contacts/{call}/typing")
async def typing(call: str, principal: Agent, rooms: In) -> models.Done:
    """Show the customer that an answer is written; said again every few seconds. Not every medium shows it."""
    work = _before(rooms, principal, call)
    work.channel.typing(work.call.id)
    return models.Done()


@router.post("/contacts/{call}/close")
async def close(call: str, asked: models.Close, principal: Agent, rooms: In) -> models.Done:
    """Be done with it."""
    work = _before(rooms, principal, call)
    if asked.code:
        check_code(rooms.house, asked.code)
    if not await _whole(_close(rooms, work, asked.code)):
        raise ProblemError(409, "it is not with this seat any more", "look again at what there is")
    return models.Done()


async def _close(rooms: Rooms, work: Work, code: str, *, is_answered: bool = False) -> bool:
    done = await work.before.end(code, is_answered=is_answered)
    if code and done:  # at once: so it is of this one, whatever else the agent has before him
        await rooms.house.desk.code(work.offer.seat, code)
    rooms.offers.end(work.offer.id, "hung-up")
    return done


@router.post("/contacts/{call}/defer")
async def defer(call: str, asked: models.Defer, principal: Agent, rooms: In) -> models.Done:
    """Put it off: it keeps its place, and is offered to nobody for a while."""
    work = _before(rooms, principal, call)
    fulfilled(await rooms.house.desk.defer(work.offer.seat, work.offer.id, asked.for_ms))
    rooms.offers.end(work.offer.id, "hung-up")
    return models.Done()


@router.post("/contacts/{call}/transfer")
async def transfer(call: str, asked: models.Transfer, principal: Mover, rooms: In) -> models.Done:
    """Give it to another queue, at its place. A supervisor may do so with what waits."""
    known = seen(rooms, principal, call)
    queues = rooms.house.dispatcher.core.state.queues
    if asked.queue not in queues:
        raise ProblemError(409, "there is no such queue", f"there are {', '.join(queues)}")
    if known.state == "waiting" and principal.may("supervisor"):
        rooms.house.dispatcher.submit(CallSet(call=known.id, queue=asked.queue))
        return models.Done()
    work = _before(rooms, principal, call)
    fulfilled(await rooms.house.desk.defer(work.offer.seat, work.offer.id, MOVE_MS))
    rooms.offers.end(work.offer.id, "hung-up")
    await _whole(work.before.move(asked.queue))
    return models.Done()


@router.post("/contacts/{call}/notes", status_code=201)
async def note(call: str, asked: models.NoteIn, principal: Agent, rooms: In) -> models.Made:
    """Write something down about its customer."""
    known = seen(rooms, principal, call)
    card, store = await _channel(rooms, known).card(known.id), rooms.store
    if card is None or card.person is None or store is None:
        raise ProblemError(409, "its customer is not known, so nothing can be noted about him")
    from acd.store import timeline  # noqa: PLC0415 - is loaded where there is a customer file that is open

    at = rooms.house.dispatcher.clock()
    return models.Made(id=await store.write(timeline.note, card.person, asked.text, at, by=principal.name))


async def _whole(work: Coroutine[Any, Any, T]) -> T:
    """Do something to its end, whether who asked is still there or not."""
    return await asyncio.shield(asyncio.ensure_future(work))


# What goes along, and what is ready


@router.post("/uploads", status_code=201, openapi_extra={"requestBody": {"required": True, "content": _OCTETS}})
async def upload(
    request: Request, name: Annotated[str, Query(min_length=1, max_length=200)], principal: Agent, rooms: In
) -> models.Uploaded:
    """Bring a file that is to go along with a reply: the body is what is in it."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/octet-stream":
        raise ProblemError(415, "a file comes as application/octet-stream")
    made = await rooms.uploads.take(principal.key, name, request.stream())
    return models.Uploaded(id=made, name=rooms.uploads.find(principal.key, [made])[0].name)


@router.get("/templates")
async def list_templates(
    principal: Watcher,
    rooms: In,
    queue: Annotated[str, Query(max_length=40)],
    language: Annotated[str, Query(max_length=10)] = "",
    medium: Annotated[str, Query(max_length=20)] = "email",
) -> list[models.Template]:
    """List the replies that the site has ready for a queue."""
    served = rooms.house.site.seats[principal.seat].rule.queues if principal.seat else ()
    if queue not in rooms.house.site.queues or not (principal.may("supervisor", "read") or queue in served):
        raise ProblemError(404, "there is no such queue, or it is not yours to see")
    channel = rooms.house.channels.get(medium)
    if channel is None:
        raise ProblemError(404, "there is no such written medium")
    choices = channel.choices(queue, language or rooms.house.site.general.language)
    return [models.Template.model_validate(one) for one in choices]
