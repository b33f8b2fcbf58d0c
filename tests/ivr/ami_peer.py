"""Asterisk's side of the manager interface, for tests: a peer on a real socket that records and is told what to say."""

import asyncio
import re
from typing import Self

from structlog import get_logger

log = get_logger()

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
LISTS = {"Status", "DeviceStateList"}


def message(event: str, /, **headers: object) -> bytes:
    """Write an event as Asterisk does."""
    lines = [f"Event: {event}", "Privilege: call,all", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


ARRIVAL = message(
    "UserEvent",
    Channel="PJSIP/trunk-1",
    CallerIDNum="555",
    Context="acd-hold",
    Uniqueid="1.1",
    UserEvent="CallArrived",
    Queue="sales",
)
"""Caller 555 comes into the queue sales."""


class AmiPeer:
    """A listening manager interface. It answers what is asked, unless `silent`.

    Attributes:
        greeting: what it says to a new connection.
        received: all bytes that came, over all connections.
        list_lines: what it writes between begin and end of each list.

    """

    def __init__(self) -> None:
        self.greeting = BANNER
        self.silent = False
        self.received = b""
        self.list_lines = b""
        self.connections = 0
        self._writer: asyncio.StreamWriter | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.drop()
        await asyncio.gather(*self._serving)

    @property
    def actions(self) -> list[dict[str, str]]:
        """What was asked, message by message, its repeated headers in one."""
        return [_headers(block) for block in self.received.decode().split("\r\n\r\n") if block]

    def say(self, data: bytes) -> None:
        """Write to the connection."""
        assert self._writer is not None
        self._writer.write(data)

    def drop(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()

    async def asked(self, action: str, count: int = 1) -> list[dict[str, str]]:
        """Wait until an action was asked for so often; gives all askings."""
        async with asyncio.timeout(10):
            while len(found := [asked for asked in self.actions if asked.get("Action") == action]) < count:
                self._news.clear()
                await self._news.wait()
        return found

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.connections += 1
        pending = b""
        try:
            writer.write(self.greeting)
            while data := await reader.read(65_536):
                self.received += data
                *blocks, pending = (pending + data).split(b"\r\n\r\n")
                for block in blocks:
                    self._answer(_headers(block.decode()))
                self._news.set()
        except ConnectionError as error:
            log.debug("peer gone", reason=str(error))
        finally:
            writer.close()

    def _answer(self, asked: dict[str, str]) -> None:
        if self.silent:
            return
        action, number = asked.get("Action", ""), asked.get("ActionID", "")
        begin = f"Response: Success\r\nActionID: {number}\r\n"
        if action in LISTS:
            self.say(f"{begin}EventList: start\r\nMessage: will follow\r\n\r\n".encode())
            self.say(self.list_lines.replace(b"$ID", number.encode()))
            self.say(message(f"{action}Complete", ActionID=number, EventList="Complete", ListItems=0))
        elif action == "Originate":
            self.say(f"{begin}Message: Originate successfully queued\r\n\r\n".encode())
        else:
            self.say(f"{begin}Message: Done\r\n\r\n".encode())


def _headers(block: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in re.findall(r"(?m)^([^:\r\n]+): ?(.*?)\r?$", block):
        found[name] = f"{found[name]}\n{value}" if name in found else value
    return found
