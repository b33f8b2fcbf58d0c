"""One connection to Asterisk's manager interface. The sole importer of panoramisk.

panoramisk connects, writes actions and finds who asked; the stream is read by `_fastpath.Framer`, which looks into an
event only where somebody asks. What is done differently from panoramisk here, and why:

* A `Link` is one connection and dies with it. The Manager would reconnect and send pending actions again, and an
  `Originate` sent again a minute later rings an agent for a caller who has left.
* It is watched: a keep-alive that is not answered in time ends the link. A TCP connection that nobody answers on looks
  healthy for hours.
* The stream is read though there is much to do. Asterisk ends a session that does not read for 100 ms (`writetimeout`
  of manager.conf, if nothing is set), so what was read is handled for `TURN_S` at a time, and then it is read again.
* A message without an end is refused at 1 MiB. One with a header that comes twice, or amid a list it is no part of, is
  refused too: it was forged by a caller.
* When an answer is whole is told by the protocol, `EventList`, and not by what its message says in English.
* No value that goes out can hold a line break: AMI has no escape for one, and what follows it would be the next header
  or the next action.
"""

import asyncio
import contextlib
import time
import unicodedata
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import structlog
from panoramisk import Manager
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol

from _fastpath import Framer, Message

__all__ = ["Link", "LinkError", "Message", "clean", "text"]

log = structlog.get_logger()

CONNECT_S = 5.0
ANSWER_S = 10.0
MESSAGE_MAX = 1 << 20
TURN_S = 0.01
"""How long messages are handled before the stream is read again; one message more may take what it takes."""
BACKLOG_MAX = 20_000
"""Messages that were read and not handled yet; with more of them the stream is not read until there are fewer."""
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
    return message.get(header)


class _Action(Action):  # type: ignore[misc]  # published without types
    """panoramisk's action; its future holds all messages of the answer, as they came."""

    responses: list[Message]

    def add_message(self, message: Message) -> bool:
        """Take a part of the answer; whether it was the last one."""
        self.responses.append(message)
        if not self._is_whole():
            return False
        if not self.future.done():
            self.future.set_result(self.responses)
        return True

    def _is_whole(self) -> bool:
        first, last = self.responses[0], self.responses[-1]
        if first.get("Response") != "Success":
            return True
        if first.get("EventList").lower() == "start":
            return last.event.endswith("Complete") or last.get("EventList").lower() in {"complete", "cancelled"}
        return (
            last is not first or self["Action"] != "Originate"
        )  # whose outcome follows in an event, OriginateResponse


class _Protocol(AMIProtocol):  # type: ignore[misc]  # published without types
    """panoramisk's protocol behind a guard that knows how Asterisk writes.

    A caller can get line breaks into his number, and with them lines of his own into what Asterisk writes. Asterisk
    itself writes no header twice but `Variable` and its like, and nothing amid the lines of a list, which one thread
    writes in one go. A message that is otherwise is refused. (manager.conf stops forged events where they are made;
    this is for what no event filter sees.)
    """

    def __init__(
        self, lost: "asyncio.Future[str]", names: Collection[str] | None, on_event: Callable[[Message], None]
    ) -> None:
        self._lost = lost
        self._on_event = on_event
        self._greeting = b""
        self._framer = Framer(None if names is None else {*names, "Shutdown"}, MESSAGE_MAX)
        self._read: deque[Message] = deque()
        self._goes_on = False
        """The rest of what was read is handled soon."""
        self._is_full = False
        """More was read than is good; no more is."""
        self._list = ""
        """The ActionID of the list that is being received."""

    def data_received(self, data: bytes) -> None:
        if self.version is None:
            self._greeting += data
            if not self._take_banner():
                return
            data, self._greeting = self._greeting, b""
        self._read += self._framer.feed(data)
        if not self._goes_on:
            self._handle()
        if len(self._read) > BACKLOG_MAX and not self._is_full:
            self._is_full = True
            self.transport.pause_reading()

    def connection_lost(self, exc: object) -> None:
        _settle(self._lost, "Asterisk shuts down" if isinstance(exc, Message) else str(exc or "closed by Asterisk"))
        if self.factory is not None:  # the manager has taken over
            super().connection_lost(exc)

    def _take_banner(self) -> bool:
        """Read the first line, which is a message of its own; whether it is there."""
        if len(self._greeting) < len(_BANNER) and _BANNER.startswith(self._greeting):
            return False
        if not self._greeting.startswith(_BANNER):
            self._give_up("no manager interface: it does not greet like one")
            return False
        banner, end, rest = self._greeting.partition(b"\r\n")
        if end:
            self.version, self._greeting = banner.removeprefix(_BANNER).decode(errors="replace"), rest
        elif len(banner) > _BANNER_MAX:
            self._give_up("no manager interface: its greeting has no end")
        return bool(end)

    def _handle(self) -> None:
        """Handle what was read, for a turn."""
        self._goes_on = False
        until = time.monotonic() + TURN_S
        try:
            while self._read and not self._lost.done():
                self._take(self._read.popleft())
                if time.monotonic() > until:
                    break
        except Exception:  # our own fault; a link that has missed an event tells lies from then on
            log.exception("ami message not handled")
            self._give_up("a message could not be handled")
        if self._lost.done():
            self._read.clear()  # as if they had been lost with the rest
            return
        if self._read:
            self._goes_on = True
            asyncio.get_running_loop().call_soon(self._handle)
        elif self._framer.overlong:
            self._give_up(f"a message of more than {MESSAGE_MAX} bytes")
        if self._is_full and len(self._read) <= BACKLOG_MAX:
            self._is_full = False
            self.transport.resume_reading()

    def _take(self, message: Message) -> None:
        asked = message.action_id
        if message.twice:
            log.warning("ami message refused", reason="a header comes twice", header=message.twice[:80])
        elif self._list and asked != self._list:
            said = message.raw[:80].decode(errors="replace")
            log.warning("ami message refused", reason="it stands in the middle of a list", said=said)
        elif asked and asked in self.responses:
            part = message.get("EventList").lower()
            if part == "start":
                self._list = asked
            elif part and asked == self._list:
                self._list = ""
            if self.responses[asked].add_message(message):
                del self.responses[asked]
        elif message.event == "Shutdown":
            self.connection_lost(message)
        elif message.event:
            self._on_event(message)

    def _give_up(self, reason: str) -> None:
        self._greeting = b""
        _settle(self._lost, reason)
        self.transport.abort()


class _Manager(Manager):  # type: ignore[misc]  # published without types
    """panoramisk's manager for one connection: it never reconnects and never sends an action twice."""

    pinger: asyncio.TimerHandle | None

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
        cls,
        *,
        host: str,
        port: int,
        user: str,
        secret: str,
        events: str,
        on_event: Callable[[Message], None],
        names: Collection[str] | None = None,
    ) -> "Link":
        """Connect and log in.

        Args:
            host: where the manager interface is.
            port: its TCP port.
            user: an account of manager.conf.
            secret: its password.
            events: classes of events to be sent, as in manager.conf.
            on_event: gets each event that is no part of an answer.
            names: the events that `on_event` wants; all if not given. Others cost next to nothing.

        Raises:
            LinkError: not reachable, or not let in.

        """
        loop = asyncio.get_running_loop()
        lost: asyncio.Future[str] = loop.create_future()
        manager = _Manager(
            host=host,
            port=port,
            encoding="utf8",
            protocol_factory=lambda: _Protocol(lost, names, on_event),
            loop=loop,
            ping_delay=1 << 30,
        )
        link = cls(manager, lost)
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
            if text(answer, "Response") != "Success":
                reason = text(answer, "Message")
                raise LinkError(f"manager interface at {host}:{port} does not let {user!r} in: {reason}")
            undo.pop_all()
        return link

    def send(self, action: str, **headers: str | Sequence[str]) -> "asyncio.Future[list[Message]]":
        """Send an action; the future holds all messages of its answer. Nothing is raised if the link is dead."""
        future: asyncio.Future[list[Message]] = self._manager.send_action(_Action(_fields(action, headers)))
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
        ends: set[asyncio.Future[Any]] = {answer, self.lost}
        await asyncio.wait(ends, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            raise LinkError(f"{action}: {self.lost.result() if self.lost.done() else 'no answer'}")
        return answer.result()

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(Exception):  # whatever state the transport is in, it is not ours any more
            self._manager.close()
        _settle(self.lost, "closed by callfloor")


def _fields(action: str, headers: Mapping[str, str | Sequence[str]]) -> Iterator[tuple[str, str | list[str]]]:
    yield "Action", action
    for name, value in headers.items():
        yield name, clean(value, 1024) if isinstance(value, str) else [clean(part, 1024) for part in value]


def _settle(lost: "asyncio.Future[str]", reason: str) -> None:
    if not lost.done():
        lost.set_result(reason)
