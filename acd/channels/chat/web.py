"""The routes of chats: plain Starlette, mounted by whichever web server there is.

    GET  /chat/SECTION/widget.js            the script, with the section's words in it
    WS   /chat/SECTION/ws                   a page's socket
    POST /chat/SECTION/files                a file that a visitor brings
    GET  /chat/SECTION/files/SEQ/NUMBER     one of a line of his talk

All but the script are for pages of the section's `origins`, and for those alone. The token stands in the first frame of
a socket, or in a header: never in an address, which ends up in logs. What somebody sent is saved, never shown.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, unquote

import msgspec
import structlog
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from acd.channels.chat import protocol as say
from acd.channels.chat.limits import Buckets, Rate, neighbourhood
from acd.channels.chat.room import House as RoomHouse
from acd.channels.chat.room import Room, hash_of
from acd.channels.chat.rooms import Rooms
from acd.channels.chat.script import script
from acd.channels.chat.tabs import Tab
from acd.channels.email import text
from acd.channels.email.sniff import is_risky, sniffed
from acd.chat_settings import ChatSettings
from acd.store import StoreError

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from acd.store.timeline import File as StoredFile

log = structlog.get_logger()

HELLO_S = 10.0
"""So long a socket may take for its first word."""
SILENT_S = 150.0
"""And for any later one: a page in the background may say something once a minute only."""
SEND_S = 20.0
"""A page that takes no more for so long is gone."""
SOCKETS = Rate(60, 500)
FILES = Rate(20, 15_000)
"""Of one address."""
UPLOADS_MOST, OWN_UPLOADS_MOST = 8, 2
"""Files that come in at a time, in all and from one address; each is in memory until it is whole."""
UPLOAD_S = 60.0
"""And may take so long."""
ROOM_BYTES_MOST, BROUGHT_MOST = 100 << 20, 10_000
"""Of the files that one talk may bring; so many talks are remembered for it."""
KINDS = frozenset(
    {
        *("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain", "text/csv"),
        *(
            f"application/vnd.openxmlformats-officedocument.{kind}"
            for kind in ("wordprocessingml.document", "spreadsheetml.sheet", "presentationml.presentation")
        ),
        *("application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet"),
    }
)
"""What a visitor may send, by its content."""
CLOSE_CODES: Mapping[say.Over, int] = {
    "version": 4400,
    "protocol": 4400,
    "gone": 4410,
    "too-much": 4429,
    "too-many": 4429,
    "too-slow": 4408,
    "silent": 4408,
    "restart": 1012,
}
_FILE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "no-store",
}


class House(RoomHouse, Protocol):
    """What is needed of the server."""

    @property
    def rooms(self) -> Rooms:
        """The talks that are live."""


class _Quiet(Exception):  # noqa: N818 - it is what the peer does
    """The peer is gone, or says nothing."""


class Doors:
    """Lets pages in, for one server."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._sockets: Counter[str] = Counter()
        """By section."""
        self._addresses: Counter[tuple[str, str]] = Counter()
        self._rate, self._files = Buckets(SOCKETS), Buckets(FILES)
        self._uploads: Counter[str] = Counter()
        """Files that come in, by address."""
        self._brought: Counter[str] = Counter()
        """Bytes by talk."""
        self._tabs = 0

    def routes(self) -> list[BaseRoute]:
        """Give the routes."""
        return [
            Route("/chat/{section}/widget.js", self.widget, methods=["GET"]),
            WebSocketRoute("/chat/{section}/ws", self.socket),
            Route("/chat/{section}/files", self.upload, methods=["POST", "OPTIONS"]),
            Route("/chat/{section}/files/{seq:int}/{number:int}", self.download, methods=["GET", "OPTIONS"]),
        ]

    # Who is let in

    def _settings(self, peer: HTTPConnection) -> ChatSettings | None:
        """Give the section that a page asks for; None if there is none, or it is not for that page."""
        settings = self._house.office.chat(peer.path_params["section"])
        origins = peer.headers.getlist("origin")
        return settings if settings is not None and len(origins) == 1 and origins[0] in settings.origins else None

    def _address(self, peer: HTTPConnection) -> str:
        return neighbourhood(peer.client.host) if peer.client is not None else ""

    # The script

    async def widget(self, request: Request) -> Response:
        """Give the script: to anybody, as nothing in it is a secret."""
        settings = self._house.office.chat(request.path_params["section"])
        if settings is None:
            return Response(status_code=404)
        content = script(settings, self._house.office.site).encode()
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {
            "ETag": tag,
            "Cache-Control": "public, max-age=300",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type="text/javascript; charset=utf-8", headers=headers)

    # The socket

    async def socket(self, socket: WebSocket) -> None:
        """Serve a page."""
        settings, address = self._settings(socket), self._address(socket)
        if settings is None or not self._may_come(settings, address):
            await socket.close(1008)  # before it is accepted: HTTP 403
            return
        place = settings.section, address
        self._sockets[settings.section] += 1
        self._addresses[place] += 1
        try:
            await socket.accept()
            await self._serve(socket, settings.section, address)
        finally:
            self._sockets[settings.section] -= 1
            self._addresses[place] -= 1
            if not self._addresses[place]:
                del self._addresses[place]

    def _may_come(self, settings: ChatSettings, address: str) -> bool:
        return (
            self._sockets[settings.section] < settings.sockets_most
            and self._addresses[settings.section, address] < settings.address_most
            and self._rate.take(address, self._house.dispatcher.clock())
        )

    async def _serve(self, socket: WebSocket, section: str, address: str) -> None:
        self._tabs += 1
        tab = Tab(self._tabs, address)
        reader = asyncio.ensure_future(self._read(socket, tab, section))
        writer = asyncio.ensure_future(_write(socket, tab))
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
            if reader.done() and reader.exception() is None:  # what it is told at last, it is told
                await asyncio.wait({writer}, timeout=SEND_S)
        finally:
            for task in (reader, writer):
                task.cancel()
            ends = await asyncio.gather(reader, writer, return_exceptions=True)
            for end in ends:
                if isinstance(end, Exception) and not isinstance(end, _Quiet):
                    log.error("page of a chat cannot be served", exc_info=end)

    async def _read(self, socket: WebSocket, tab: Tab, section: str) -> None:
        """Take in what a page says, to its end; then `tab` is over."""
        room: Room | None = None
        try:
            first = say.decode(await _frame(socket, HELLO_S))
            if not isinstance(first, say.Hello) or first.v != say.VERSION:
                tab.drop("version" if isinstance(first, say.Hello) else "protocol")
                return
            room = await self._house.rooms.enter(tab, section, first)
            while room is not None and tab.over is None:
                self._house.rooms.receive(room, tab, say.decode(await _frame(socket, SILENT_S)))
        except say.ProtocolError as error:
            log.info("page of a chat says what no page says", reason=str(error)[:200])
            tab.drop("protocol")
        except TimeoutError:
            tab.drop("silent")
        except StoreError:
            tab.drop("restart")
        finally:
            tab.drop("gone")
            if room is not None:
                self._house.rooms.leave(room, tab)

    # Files

    async def upload(self, request: Request) -> Response:
        """Take a file in: a line of its own."""
        settings = self._settings(request)
        if settings is None:
            return Response(status_code=403)
        cors = _cors(request, "POST")
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=cors)
        room = self._house.rooms.rooms.get(hash_of(_token(request)))
        name = text.file_name(unquote(request.headers.get("x-callfloor-name", "")[:2_000]), "file")
        line = request.headers.get("x-callfloor-id", "")
        status = await self._take(request, settings, room, line, name)
        return Response(status_code=status, headers=cors)

    async def _take(self, request: Request, settings: ChatSettings, room: Room | None, line: str, name: str) -> int:
        now, address = self._house.dispatcher.clock(), self._address(request)
        if room is None or room.section != settings.section or not settings.files:
            return 403
        try:
            msgspec.convert(line, say.Id)
        except msgspec.ValidationError:
            return 400
        if not self._may_bring(room, address, now):
            return 429
        self._uploads[address] += 1
        try:
            async with asyncio.timeout(UPLOAD_S):
                content = await _whole(request.stream(), settings.file_most << 20)
            status = 413 if content is None else await self._take_whole(request, room, line, name, content)
        except (TimeoutError, ClientDisconnect):
            return 408
        except (OSError, StoreError) as error:
            log.warning("file of a chat cannot be kept", reason=str(error))
            return 503
        else:
            return status
        finally:
            self._uploads -= Counter([address])

    def _may_bring(self, room: Room, address: str, now: int) -> bool:
        if self._uploads.total() >= UPLOADS_MOST or self._uploads[address] >= OWN_UPLOADS_MOST:
            return False
        return self._files.take(address, now) and room.talk.may_bring_file(now)

    async def _take_whole(self, request: Request, room: Room, line: str, name: str, content: bytes) -> int:
        if self._brought[room.key] + len(content) > ROOM_BYTES_MOST:
            return 413
        claimed = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        kind = sniffed(content, claimed)
        if not content or kind not in KINDS or is_risky(name, kind, claimed):
            return 415
        if len(self._brought) > BROUGHT_MOST:
            self._brought.clear()
        self._brought[room.key] += len(content)
        file = await asyncio.to_thread(self._kept, name, kind, content)
        return 204 if await self._house.rooms.keeping.bring(room, line, file) else 503

    def _kept(self, name: str, kind: str, content: bytes) -> "StoredFile":
        from acd.store.timeline import File as StoredFile  # noqa: PLC0415 - is loaded

        return StoredFile(name=name, content_type=kind, kept=self._house.files.keep(content, inside_most=-1))

    async def download(self, request: Request) -> Response:
        """Give a file of a line to the page whose talk it is in."""
        settings = self._settings(request)
        if settings is None:
            return Response(status_code=403)
        cors = _cors(request, "GET")
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=cors)
        key, seq = hash_of(_token(request)), request.path_params["seq"]
        try:
            from acd.store import chats  # noqa: PLC0415 - is loaded

            chat = await self._house.store.read(chats.find, key)
            if chat is None or chat.section != settings.section or not 0 < seq <= chat.last:
                return Response(status_code=404, headers=cors)
            lines = await self._house.store.read(chats.lines, key, seq - 1, 1)
        except (StoreError, ImportError):
            return Response(status_code=503, headers=cors)
        files = lines[0].files if lines and lines[0].seq == seq else ()
        number = request.path_params["number"]
        file = files[number] if number < len(files) else None
        path = self._house.files.path(file.hash) if file is not None else None
        if file is None or path is None or not await asyncio.to_thread(path.is_file):
            return Response(status_code=404, headers=cors)
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"}
        return FileResponse(path, media_type="application/octet-stream", headers={**_FILE_HEADERS, **cors, **headers})


def _token(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip()[:100] if kind.lower() == "bearer" else ""


def _cors(request: Request, method: str) -> dict[str, str]:
    return {
        "Access-Control-Allow-Origin": request.headers["origin"],
        "Access-Control-Allow-Methods": method,
        "Access-Control-Allow-Headers": "authorization, content-type, x-callfloor-id, x-callfloor-name",
        "Access-Control-Max-Age": "3600",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Vary": "Origin",
    }


async def _whole(parts: AsyncIterator[bytes], most: int) -> bytes | None:
    """Read a body to its end; None if it is too long."""
    content = bytearray()
    async for part in parts:
        content += part
        if len(content) > most:
            return None
    return bytes(content)


async def _frame(socket: WebSocket, within_s: float) -> str:
    """Wait for a frame.

    Raises:
        TimeoutError: there is none.
        ProtocolError: it is no text.
        _Quiet: the page is gone.

    """
    async with asyncio.timeout(within_s):
        message = await socket.receive()
    if message["type"] != "websocket.receive":
        raise _Quiet
    frame = message.get("text")
    if not isinstance(frame, str):
        raise say.ProtocolError("it is no text")
    return frame


async def _write(socket: WebSocket, tab: Tab) -> None:
    """Tell a page what it is to be told, to its end."""
    try:
        async for frame in tab.frames():
            async with asyncio.timeout(SEND_S):
                await socket.send_text(frame)
        async with asyncio.timeout(SEND_S):
            await socket.close(CLOSE_CODES[tab.over or "gone"])
    except (TimeoutError, WebSocketDisconnect, RuntimeError, OSError) as error:  # it is gone, or takes nothing more
        raise _Quiet from error
