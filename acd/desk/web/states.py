"""Sessions, and what a seat does."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from acd.desk.web import models
from acd.desk.web.access import COOKIE, Principal, allowed
from acd.desk.web.house import House, In, Rooms, seat_of
from acd.desk.web.problems import ProblemError, fulfilled

router = APIRouter(prefix="/api/v1")

Anybody = Annotated[Principal, Depends(allowed("agent", "supervisor", "read", "customers"))]
Watcher = Annotated[Principal, Depends(allowed("agent", "supervisor", "read"))]
Agent = Annotated[Principal, Depends(allowed("agent"))]


@router.post("/session", status_code=201, openapi_extra={"security": []})
async def begin_session(asked: models.LogIn, request: Request, response: Response, rooms: In) -> models.Who:
    """Sign in with a seat's PIN, which begins its shift if that has not begun. The answer sets a cookie."""
    rooms.access.check_origin(request)
    await _log_in(rooms, request, asked.seat, asked.pin)
    site = rooms.house.site
    response.set_cookie(
        COOKIE,
        await rooms.access.begin(asked.seat),
        max_age=site.web.session_ms // 1_000,
        httponly=True,
        samesite="strict",
        secure=site.web.url.startswith("https:"),
    )
    seat = site.seats[asked.seat]
    scopes = ["agent", "customers", *(["supervisor"] if seat.supervisor else [])]
    return models.Who(name=seat.agent, seat=asked.seat, scopes=scopes)


@router.get("/session")
async def show_session(principal: Anybody) -> models.Who:
    """Say who asks, and what for."""
    return models.Who(name=principal.name, seat=principal.seat, scopes=sorted(principal.scopes))


@router.delete("/session")
async def end_session(principal: Anybody, response: Response, rooms: In) -> models.Done:
    """Sign out of the web desk; the shift goes on, at the telephone."""
    await rooms.access.end(principal.session)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return models.Done()


@router.get("/seat")
async def show_own(principal: Agent, rooms: In) -> models.Own:
    """Show one's own seat, and the words that the site has for pauses and codes."""
    site, name = rooms.house.site, seat_of(principal)
    own = next((one for one in _seats(rooms) if one.name == name), None)
    if own is None:
        raise ProblemError(404, "the seat does not exist any more", "see acd.conf")
    return models.Own(seat=own, pause_reasons=[*site.pause_reasons.values()], codes=[*site.codes.values()])


@router.post("/seat/log-in")
async def log_in(asked: models.Pin, principal: Agent, request: Request, rooms: In) -> models.Done:
    """Begin a shift."""
    await _log_in(rooms, request, seat_of(principal), asked.pin)
    return models.Done()


@router.post("/seat/log-out")
async def log_out(principal: Agent, rooms: In) -> models.Done:
    """End a shift; with a contact in hand, when that is over."""
    fulfilled(await rooms.house.desk.log_out(seat_of(principal)))
    return models.Done()


@router.post("/seat/ready")
async def ready(principal: Agent, rooms: In) -> models.Done:
    """Take calls again."""
    fulfilled(await rooms.house.desk.ready(seat_of(principal)))
    return models.Done()


@router.post("/seat/pause")
async def pause(asked: models.Pause, principal: Agent, rooms: In) -> models.Done:
    """Take none."""
    reasons = [*rooms.house.site.pause_reasons.values()]
    if reasons and asked.reason not in reasons:
        raise ProblemError(409, "the site has no such reason", f"there are {', '.join(reasons)}")
    fulfilled(await rooms.house.desk.pause(seat_of(principal), asked.reason))
    return models.Done()


@router.post("/seat/wrap-up/end")
async def end_wrap_up(principal: Agent, rooms: In) -> models.Done:
    """Be done with wrap-up."""
    fulfilled(await rooms.house.desk.end_wrap_up(seat_of(principal)))
    return models.Done()


@router.post("/seat/wrap-up/extend")
async def extend_wrap_up(principal: Agent, rooms: In) -> models.Done:
    """Have more time for it."""
    fulfilled(await rooms.house.desk.extend_wrap_up(seat_of(principal)))
    return models.Done()


@router.post("/seat/code")
async def code(asked: models.Code, principal: Agent, rooms: In) -> models.Done:
    """Say what the present contact, or the last one, was about."""
    check_code(rooms.house, asked.code)
    fulfilled(await rooms.house.desk.code(seat_of(principal), asked.code))
    return models.Done()


@router.get("/seats")
async def show_seats(principal: Watcher, rooms: In) -> list[models.SeatState]:
    """Show one's own seat; a supervisor sees all."""
    seats = _seats(rooms)
    return seats if principal.may("supervisor", "read") else [one for one in seats if one.name == principal.seat]


@router.get("/queues")
async def show_queues(principal: Watcher, rooms: In) -> list[models.QueueState]:
    """Show the queues of one's own seat; a supervisor sees all."""
    queues = [models.QueueState.model_validate(one) for one in rooms.house.status().queues]
    if principal.may("supervisor", "read"):
        return queues
    served = rooms.house.site.seats[principal.seat].rule.queues
    return [one for one in queues if one.name in served]


def check_code(house: House, code: str) -> None:
    """See that a code is one of the site's.

    Raises:
        ProblemError: it is not.

    """
    codes = [*house.site.codes.values()]
    if code not in codes:
        raise ProblemError(
            409, "the site has no such code", f"there are {', '.join(codes)}" if codes else "see [codes]"
        )


def _seats(rooms: Rooms) -> list[models.SeatState]:
    seats = [models.SeatState.model_validate(one) for one in rooms.house.status().seats]
    return [one.model_copy(update={"desk_open": rooms.offers.is_open(one.name)}) for one in seats]


async def _log_in(rooms: Rooms, request: Request, seat: str, pin: str) -> None:
    """Have the core look at a PIN; a shift that runs goes on at the phone that it is at."""
    rooms.access.check_failures(request)
    known = rooms.house.dispatcher.core.state.seats.get(seat)
    phone = known.at_phone if known is not None and known.presence != "logged-out" else ""
    answer = await rooms.house.desk.log_in(seat, pin, phone)
    if answer in {"wrong-pin", "locked"}:
        rooms.access.failed(request)
    if answer != "already":
        fulfilled(answer)
