"""The WebSocket of live events."""

import asyncio
import re
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from acd.desk.web.access import Principal
from acd.desk.web.house import Rooms
from acd.desk.web.live import Reader, Told
from acd.desk.web.problems import ProblemError
from acd.desk.web.tokens import TokenError

router = APIRouter()

LOOK_S = 15.0
"""How often it is seen whether the session or token still holds, when nothing is to be told."""
NOT_ALLOWED, TOO_MANY, TOO_SLOW = 4401, 4429, 4408
AFTER = re.compile(r"([0-9a-f]{1,16}):([0-9]{1,15})")


@router.websocket("/api/v1/events")
async def events(socket: WebSocket, after: str = "", desk: str = "") -> None:
    """Tell what happens, from `after` on; with `desk=1` this is a page at which the seat's agent answers contacts."""
    rooms: Rooms = socket.app.state.rooms
    try:
        principal = await rooms.access.principal(socket)
    except (ProblemError, TokenError):
        await socket.close(NOT_ALLOWED)
        return
    reader = rooms.live.join(principal) if principal.may("agent", "supervisor", "read") else None
    if reader is None:
        await socket.close(TOO_MANY)
        return
    is_desk = desk == "1" and principal.may("agent")
    if is_desk:
        rooms.offers.opened(principal.seat)
    try:
        await socket.accept()
        await _serve(socket, rooms, reader, principal, after)
    finally:
        rooms.live.leave(reader)
        if is_desk:
            rooms.offers.closed(principal.seat)


async def _serve(socket: WebSocket, rooms: Rooms, reader: Reader, principal: Principal, after: str) -> None:
    live, wanted = rooms.live, AFTER.fullmatch(after)
    missed = live.missed(reader, wanted[1], int(wanted[2])) if wanted is not None else None
    hello: dict[str, Any] = {"type": "hello", "run": live.run, "seq": live.seq, "resumed": missed is not None}
    ears = asyncio.create_task(_gone(socket))
    mouth = asyncio.create_task(_tell(socket, rooms, reader, principal, [hello, *map(_said, missed or ())]))
    try:
        await asyncio.wait({ears, mouth}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (ears, mouth):
            task.cancel()
        await asyncio.gather(ears, mouth, return_exceptions=True)


async def _tell(
    socket: WebSocket, rooms: Rooms, reader: Reader, principal: Principal, first: list[dict[str, Any]]
) -> None:
    for what in first:
        await socket.send_json(what)
    while True:
        try:
            told = await asyncio.wait_for(reader.waiting.get(), LOOK_S)
        except TimeoutError:
            if not await rooms.access.still(principal):
                await socket.close(NOT_ALLOWED)
                return
            continue
        if told is None:
            await socket.close(TOO_SLOW)
            return
        await socket.send_json(_said(told))


async def _gone(socket: WebSocket) -> None:
    """Wait until the other side is gone. What it says is not listened to."""
    try:
        while True:
            await socket.receive_text()
    except (WebSocketDisconnect, KeyError):
        return


def _said(told: Told) -> dict[str, Any]:
    return {"seq": told.seq, **told.what}
