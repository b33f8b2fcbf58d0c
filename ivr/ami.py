"""One connection to Asterisk's manager interface. The sole importer of panoramisk.

panoramisk's `Manager` reads and writes the protocol. What is done differently here, and why:

* A `Link` is one connection and dies with it. The Manager would reconnect and send pending actions again, and an
  `Originate` sent again a minute later rings an agent for a caller who has left.
* It is watched: a keep-alive that is not answered in time ends the link. A TCP connection that nobody answers on looks
  healthy for hours.
* Bytes are cut into messages before they are decoded, so a character that is split between two reads survives; a
  message without an end is refused at 1 MiB.
* A message with a header that comes twice, or amid a list it is no part of, is refused: it was forged by a caller.
* No value that goes out can hold a line break: AMI has no escape for one, and what follows it would be the next header
  or the next action.
"""

import asyncio
import contextlib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
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
_BANNER = b"Asterisk Call Manager/"
_BANNER_MAX = 256


class LinkError(Exception):
    """The switch cannot be talked to: not reachable, wrong password, silent, or it said nonsense."""


def clean(value: str, length_max: int = 256) -> str:
    """Take out whatever could end a line or confuse a terminal: control, format and separator characters."""
    if value.isascii() and value.isprintable():  # nearly always
        return value[:length_max]
    kept = (char for char in value if char == " " or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"})
    return "".join(kept)[:length_max]


def text(message: Message, header: str) -> str:
    """A header's value; the first if it came twice, empty if it did not come."""
    value = message.get(header, "")
    return str(value[0] if isinstance(value, list) else value)


class _Protocol(AMIProtocol):  # type: ignore[misc]  # published without types
    """panoramisk's protocol behind a guard that knows how Asterisk writes.

    A caller can get line breaks into his number, and with them lines of his own into what Asterisk writes. Asterisk
    itself writes no header twice but `Variable` and its like, and nothing amid the lines of a list, which one thread
    writes in one go. A message that is otherwise is refused. (manager.conf stops forged events where they are made;
    this is for what no event filter sees.)
    """

    def __init__(self, lost: "asyncio.Future[str]") -> None:
        self._lost = lost
        self._pending = b""
        self._list = ""
        """The ActionID of the list that is being received."""

    def data_received(self, data: bytes) -> None:
        self._pending += data
        if self.version is None and not self._take_banner():
            return
        *messages, self._pending = self._pending.split(_END)
        for message in messages:
            if self._lost.done():
                return
            self._take(message.decode(errors="replace").strip())
        if len(self._pending) > MESSAGE_MAX:
            self._give_up(f"a message of more than {MESSAGE_MAX} bytes")

    def connection_lost(self, exc: object) -> None:
        _settle(self._lost, "Asterisk shuts down" if isinstance(exc, Message) else str(exc or "closed by Asterisk"))
        if self.factory is not None:  # the manager has taken over
            super().connection_lost(exc)

    def _take_banner(self) -> bool:
        """Read the first line, which is a message of its own; whether it is there."""
        if len(self._pending) < len(_BANNER) and _BANNER.startswith(self._pending):
            return False
        if not self._pending.startswith(_BANNER):
            self._give_up("no manager interface: it does not greet like one")
            return False
        banner, end, rest = self._pending.partition(b"\r\n")
        if end:
            self.version, self._pending = banner.removeprefix(_BANNER).decode(errors="replace"), rest
        elif len(banner) > _BANNER_MAX:
            self._give_up("no manager interface: its greeting has no end")
        return bool(end)

    def _take(self, lines: str) -> None:
        headers = [line.partition(": ")[0].lower() for line in lines.split("\r\n")]
        twice = _twice(headers) if len(set(headers)) < len(headers) else []
        message = Message.from_line(lines)
        if message is None:
            return
        action = text(message, "ActionID")
        if twice:
            log.warning("ami message refused", reason="a header comes twice", header=twice[0][:80])
        elif self._list and action != self._list:
            log.warning("ami message refused", reason="it stands in the middle of a list", said=lines[:80])
        else:
            part = text(message, "EventList").lower()
            if part == "start" and action in self.responses:
                self._list = action
            elif part and action == self._list:
                self._list = ""
            self.handle_message(message)

    def _give_up(self, reason: str) -> None:
        self._pending = b""
        _settle(self._lost, reason)
        self.transport.abort()


class _Manager(Manager):  # type: ignore[misc]  # published without types
    """panoramisk's manager for one connection: it never reconnects and never sends an action twice."""

    pinger: asyncio.TimerHandle | None
    on_event: Callable[[Message], None]

    def dispatch(self, event: Message) -> None:
        """Hand every event to its one reader. The base class would look through patterns, and resend actions."""
        self.on_event(event)

    def connection_made(self, future: "asyncio.Future[Any]") -> None:
        if not future.cancelled() and future.exception() is None:
            super().connection_made(future)

    def connection_lost(self, _exc: object) -> None:
        """Leave what follows to the owner of the `Link`; the base class would connect again."""
        if self.pinger:
            self.pinger.cancel()
            self.pinger = None

    def login(self, future: "asyncio.Future[Message]") -> None:
        """Leave the judging to `Link.open`; the base class would start pings that nobody checks."""


class Link:
    """One logged-in connection."""

    def __init__(self, manager: _Manager, lost: "asyncio.Future[str]") -> None:
        self._manager = manager
        self.lost = lost
        """Done, with the reason, when the connection has ended for whatever cause."""

    @classmethod
    async def open(
        cls, *, host: str, port: int, user: str, secret: str, events: str, on_event: Callable[[Message], None]
    ) -> "Link":
        """Connect and log in.

        Raises:
            LinkError: not reachable, or not let in.

        """
        loop = asyncio.get_running_loop()
        lost: asyncio.Future[str] = loop.create_future()
        manager = _Manager(
            host=host,
            port=port,
            encoding="utf8",
            protocol_factory=lambda: _Protocol(lost),
            loop=loop,
            ping_delay=1 << 30,
        )
        link = cls(manager, lost)
        manager.on_event = on_event
        with contextlib.ExitStack() as undo:
            undo.callback(link.close)
            try:
                async with asyncio.timeout(CONNECT_S):
                    await manager.connect()
                    await asyncio.sleep(0)  # the manager takes the connection over in a call-back
                    answer = (await link.ask("Login", Username=user, Secret=secret, Events=events))[0]
            except (OSError, TimeoutError, LinkError) as error:
                reason = str(error) or "it does not answer"
                raise LinkError(f"no manager interface at {host}:{port}: {reason}") from error
            if not answer.success:
                reason = text(answer, "Message")
                raise LinkError(f"manager interface at {host}:{port} does not let {user!r} in: {reason}")
            undo.pop_all()
        return link

    def send(self, action: str, **headers: str | Sequence[str]) -> "asyncio.Future[Any]":
        """Send an action; the future holds its message, or the list of them. Nothing is raised if the link is dead."""
        future: asyncio.Future[Any] = self._manager.send_action(dict(_fields(action, headers)))
        return future

    def tell(self, action: str, **headers: str) -> None:
        """Send an action whose answer nobody waits for: what comes of it is seen in events, or not at all."""
        lines = (f"{name}: {value}\r\n" for name, value in _fields(action, headers))
        self._manager.protocol.transport.write(("".join(lines) + "\r\n").encode())

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
        _settle(self.lost, "closed by callfloor")


def _fields(action: str, headers: Mapping[str, str | Sequence[str]]) -> Iterator[tuple[str, str | list[str]]]:
    yield "Action", action
    for name, value in headers.items():
        yield name, clean(value, 1024) if isinstance(value, str) else [clean(part, 1024) for part in value]


def _twice(headers: list[str]) -> list[str]:
    return [name for name, count in Counter(headers).items() if count > 1 and not name.endswith("variable")]


def _settle(lost: "asyncio.Future[str]", reason: str) -> None:
    if not lost.done():
        lost.set_result(reason)
