"""One connection to Asterisk's manager interface. The sole importer of panoramisk.

panoramisk's `Manager` reads and writes the protocol. What is done differently here, and why:

* A `Link` is one connection and dies with it. The Manager would reconnect and send pending actions again, and an
  `Originate` sent again a minute later rings an agent for a caller who has left.
* It is watched: a keep-alive that is not answered in time ends the link. A TCP connection that nobody answers on looks
  healthy for hours.
* Bytes are cut into messages before they are decoded, so a character that is split between two reads survives; a
  message without an end is refused at 1 MiB.
* No value that goes out can hold a line break: AMI has no escape for one, and what follows it would be the next header
  or the next action.
"""

import asyncio
import contextlib
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from panoramisk import Manager
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

__all__ = ["Link", "LinkError", "Message", "clean", "text"]

log = structlog.get_logger()

CONNECT_S = 5.0
ANSWER_S = 10.0
MESSAGE_MAX = 1 << 20
_END = b"\r\n\r\n"


class LinkError(Exception):
    """The switch cannot be talked to: not reachable, wrong password, silent, or it said nonsense."""


def clean(value: str, length_max: int = 256) -> str:
    """Take out whatever could end a line or confuse a terminal: control, format and separator characters."""
    kept = (char for char in value if char == " " or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"})
    return "".join(kept)[:length_max]


def text(message: Message, header: str) -> str:
    """A header's value; the first if it came twice, empty if it did not come."""
    value = message.get(header, "")
    return str(value[0] if isinstance(value, list) else value)


class _Protocol(AMIProtocol):  # type: ignore[misc]  # published without types
    """panoramisk's protocol, fed with whole messages only."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._pending = b""

    def data_received(self, data: bytes) -> None:
        data = self._pending + data
        end = data.rfind(_END)
        if self.version is None and end < 0 and data.endswith(b"\r\n"):
            end = len(data) - len(_END)  # the banner is a line of its own
        if end < 0:
            self._pending = data
            if len(data) > MESSAGE_MAX:
                log.error("ami message without an end", bytes=len(data))
                self.transport.abort()
            return
        whole, self._pending = data[: end + len(_END)], data[end + len(_END) :]
        super().data_received(whole)


class _Manager(Manager):  # type: ignore[misc]  # published without types
    """panoramisk's manager for one connection: it never reconnects and never sends an action twice."""

    on_lost: Callable[[str], None]
    pinger: asyncio.TimerHandle | None

    def connection_made(self, future: "asyncio.Future[Any]") -> None:
        if not future.cancelled() and future.exception() is None:
            super().connection_made(future)

    def connection_lost(self, exc: object) -> None:
        if self.pinger:
            self.pinger.cancel()
            self.pinger = None
        self.on_lost(str(exc or "closed by Asterisk"))

    def login(self, future: "asyncio.Future[Message]") -> None:
        """Leave the judging to `Link.open`; the base class would start pings that nobody checks."""


class Link:
    """One logged-in connection."""

    def __init__(self, manager: _Manager) -> None:
        self._manager = manager
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done, with the reason, when the connection has ended for whatever cause."""

    @classmethod
    async def open(
        cls, *, host: str, port: int, user: str, secret: str, events: str, on_event: Callable[[Message], None]
    ) -> "Link":
        """Connect and log in.

        Raises:
            LinkError: not reachable, or not let in.

        """
        manager = _Manager(
            host=host,
            port=port,
            encoding="utf8",
            protocol_factory=_Protocol,
            loop=asyncio.get_running_loop(),
            ping_delay=1 << 30,
        )
        link = cls(manager)
        manager.on_lost = link._end
        manager.register_event("*", lambda _manager, message: on_event(message))
        # The stock hook would send pending actions of an earlier connection; there is none.
        manager.callbacks.pop("FullyBooted", None)
        manager.patterns = [entry for entry in manager.patterns if entry[0] != "FullyBooted"]
        try:
            async with asyncio.timeout(CONNECT_S):
                await manager.connect()
                await asyncio.sleep(0)  # the manager takes the connection over in a call-back
                [answer] = await link.ask("Login", Username=user, Secret=secret, Events=events)
        except (OSError, TimeoutError) as error:
            link.close()
            raise LinkError(f"no manager interface at {host}:{port}: {error or 'it does not answer'}") from error
        if not answer.success:
            link.close()
            raise LinkError(f"manager interface at {host}:{port} does not let {user!r} in: {text(answer, 'Message')}")
        return link

    def send(self, action: str, **headers: str | Sequence[str]) -> "asyncio.Future[Any]":
        """Send an action; the future holds its message, or the list of them. Nothing is raised if the link is dead."""
        fields: dict[str, Any] = {"Action": action}
        for name, value in headers.items():
            fields[name] = clean(value, 1024) if isinstance(value, str) else [clean(part, 1024) for part in value]
        future: asyncio.Future[Any] = self._manager.send_action(fields)
        return future

    async def ask(self, action: str, **headers: str | Sequence[str]) -> list[Message]:
        """Send an action and wait for all of its answer.

        Raises:
            LinkError: no answer in time, or the connection ended first.

        """
        answer = self.send(action, **headers)
        await asyncio.wait({answer, self.lost}, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            raise LinkError(f"{action}: {self.lost.result() if self.lost.done() else 'no answer'}")
        messages = answer.result()
        return messages if isinstance(messages, list) else [messages]

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(Exception):  # whatever state the transport is in, it is not ours any more
            self._manager.close()
        self._end("closed by callfloor")

    def _end(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)
