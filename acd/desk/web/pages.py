"""The plain page of a seat: made here, all in it escaped; one small script sends its forms as JSON, and listens."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.staticfiles import StaticFiles

from acd.core.model import Call
from acd.desk.web import contacts, customers, models, pop
from acd.desk.web.access import Principal
from acd.desk.web.house import In, Rooms
from acd.desk.web.problems import ProblemError
from acd.store import StoreError

HERE = Path(__file__).parent
TIMELINE_MOST, CONTACTS_MOST = 20, 100

router = APIRouter(include_in_schema=False)
_pages = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def mount(app: FastAPI) -> None:
    """Add what pages load."""
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")


@router.get("/")
async def home(request: Request, rooms: In) -> Response:
    """Show the seat, or where one logs in."""
    try:
        principal: Principal | None = await rooms.access.principal(request)
    except ProblemError:
        principal = None
    if principal is None or not principal.may("agent"):
        return HTMLResponse(_pages.get_template("login.html").render(site=rooms.house.site.general.name))
    return HTMLResponse(_pages.get_template("desk.html").render(**await _desk(rooms, principal)))


@router.get("/contacts/{call}")
async def contact(call: str, request: Request, rooms: In) -> Response:
    """Show a contact, and what can be done with it."""
    try:
        principal = await rooms.access.principal(request)
        shown = await _contact(rooms, principal, call)
    except ProblemError:
        return RedirectResponse("/", status_code=303)
    return HTMLResponse(_pages.get_template("contact.html").render(**await _desk(rooms, principal), **shown))


async def _desk(rooms: Rooms, principal: Principal) -> dict[str, Any]:
    house = rooms.house
    seat = house.dispatcher.core.state.seats.get(principal.seat)
    return {
        "place": f"{rooms.live.run}:{rooms.live.seq}",
        "site": house.site.general.name,
        "agent": principal.name,
        "seat": principal.seat,
        "look": house.desk.look(principal.seat),
        "reason": seat.pause_reason if seat is not None else "",
        "reasons": [*house.site.pause_reasons.values()] or ["break"],
        "codes": [*house.site.codes.values()],
        "contacts": contacts.listed(rooms, principal, CONTACTS_MOST),
        "queues": [*house.site.queues],
    }


async def _contact(rooms: Rooms, principal: Principal, name: str) -> dict[str, Any]:
    card = await contacts.found_card(rooms, principal, name)
    call = rooms.house.dispatcher.core.state.calls.get(name)
    if call is None:
        raise ProblemError(404, "there is no such contact any more")
    channel = rooms.house.channels[call.medium]
    return {
        "contact": contacts.contact_of(rooms, call, principal.seat),
        "card": contacts.card_of(card),
        "is_live": channel.is_live,
        "templates": channel.choices(call.queue, card.language or rooms.house.site.general.language),
        "who": await _who(rooms, call),
        "timeline": await _timeline(rooms, principal, card.person),
    }


async def _who(rooms: Rooms, call: Call) -> pop.Pop | None:
    try:
        return await pop.pop_of(rooms, call)
    except StoreError:
        return None


async def _timeline(rooms: Rooms, principal: Principal, person: int | None) -> models.Timeline | None:
    store = rooms.store
    if person is None or store is None or not principal.may("customers"):
        return None
    try:
        return await store.read(customers.timeline_of, person, TIMELINE_MOST)
    except StoreError:
        return None
