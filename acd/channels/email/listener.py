"""Where mail servers bring mails: LMTP and SMTP, on loopback unless the site says otherwise.

The protocol is aiosmtpd's. It says where a mail ends by CRLF, dot, CRLF alone, so none can be smuggled in another. What
it leaves open is closed here: a command that ends in a bare line feed is none; whoever sends on before he was told to
is shut out; sizes, recipients, sessions and their time have an end; a mail for several is answered for each of them, in
LMTP; nothing of what a peer says is logged as it is.

Only mails to the site's own mailboxes are taken, so nobody can send through it. "250" is said when a mail is on the
disk; before that every fault is one that the peer's server gets over by bringing it again.
"""

import asyncio
import errno
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, cast

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP
from aiosmtpd.smtp import Envelope as Received

from acd.channels.email.headers import is_address
from acd.channels.email.intake import Envelope
from acd.channels.email.text import line
from acd.mailboxes import MailboxSettings, Place
from acd.store import StoreError

log = structlog.get_logger()
logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # it repeats what peers say, signs of control included

SESSIONS_MOST = 32
"""At one place, at a time."""
SESSION_S = 1_800.0
"""So long a peer may stay; then it comes again."""
IDLE_S = 300.0
"""So long a command may take, and a mail."""
COMMANDS_MOST = 10_000
"""Of one kind in a session."""
RECIPIENTS_MOST = 100
PART_S, TURN_S = 5.0, 0.05
"""So long a place that is given up waits for mails that are being kept; and then for their answers to go out."""
LINE_MOST = 64 * 1024
"""Bytes of a line. Standards say 1,000; what is wrong with a longer one is its sender's fault, and his mail counts."""
COMMAND_MOST = 1_024
MIB = 1 << 20

Take = Callable[[Envelope, bytes], Awaitable[str]]
"""Keeps a mail, as `Intake.take`."""
Find = Callable[[str], MailboxSettings | None]
"""Tells which mailbox an address is."""


class _Reader:
    """What aiosmtpd reads from.

    A command that ends in a bare line feed is an empty one, which it refuses. A mail that is too large is read to its
    end, so that the peer hears why; but not for ever.
    """

    def __init__(self, reader: asyncio.StreamReader, size_most: int, give_up: Callable[[], None]) -> None:
        self._reader, self._most, self._give_up = reader, 2 * size_most, give_up
        self._size = 0

    def begin(self) -> None:
        """A mail begins."""
        self._size = 0

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        found = self._counted(await self._reader.readuntil(separator))
        return found if found.endswith(b"\r\n") else b"\r\n"

    async def read(self, most: int = -1) -> bytes:
        return self._counted(await self._reader.read(most))

    def _counted(self, found: bytes) -> bytes:
        self._size += len(found)
        if self._size > self._most:
            self._give_up()
        return found

    @property
    def has_more(self) -> bool:
        return bool(self._reader._buffer)  # type: ignore[attr-defined]  # noqa: SLF001 - no other way to ask without waiting


class _Session(SMTP):
    """One peer."""

    line_length_limit = LINE_MOST

    def __init__(self, desk: "_Desk", place: "_Door", *, size_most: int) -> None:
        self._door = place
        self._verdicts = 0
        self._end: asyncio.TimerHandle | None = None
        # aiosmtpd keeps one table for all sessions, and each of them changes it
        self.command_size_limits = defaultdict(lambda: COMMAND_MOST)
        self.command_size_limit = COMMAND_MOST
        super().__init__(
            desk,
            data_size_limit=size_most,
            enable_SMTPUTF8=True,
            hostname="callfloor",
            ident="callfloor",
            timeout=IDLE_S,
            command_call_limit=COMMANDS_MOST,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
        if self._door.is_closed:  # it came in the very moment
            peer.abort()
        elif len(self._door.sessions) >= SESSIONS_MOST:
            peer.write(b"421 4.3.2 Too many sessions\r\n")
            peer.close()
            self._door.turned_away()
        else:
            self._end = asyncio.get_running_loop().call_later(SESSION_S, peer.close)
        self._door.sessions.add(peer)
        super().connection_made(peer)

    def eof_received(self) -> bool:
        """Have the session end: aiosmtpd leaves one that ends before it has begun open until its time is over."""
        super().eof_received()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if self._end is not None:
            self._end.cancel()
        self._door.sessions.discard(self.transport)
        super().connection_lost(error)

    def _cb_client_connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super()._cb_client_connected(reader, writer)
        assert self.data_size_limit is not None, "there always is one"
        self._reader: Any = _Reader(reader, self.data_size_limit, writer.transport.abort)

    async def push(self, status: bytes | str) -> None:
        """Answer; of a mail once for each of its recipients, in LMTP."""
        text = status.decode("ascii", "replace") if isinstance(status, bytes) else status
        if text.startswith("354"):
            assert self.envelope is not None, "recipients were named"
            self._verdicts = len(self.envelope.rcpt_tos) if isinstance(self, LMTP) else 1
        elif self._verdicts > 1 and "\n" not in text:
            text = "\r\n".join([text] * self._verdicts)
        await super().push(text)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Take a mail, unless its peer did not wait to be asked for it."""
        if self._reader.has_more:
            await self.push("503 5.5.0 Wait for the answer to DATA")
            assert self.transport is not None, "it has just been read from"
            self.transport.close()  # what comes next is no command
            return
        self._reader.begin()
        await super().smtp_DATA(arg)
        self._reader.begin()
        self._verdicts = 0

    async def handle_exception(self, error: Exception) -> str:
        """Say no more of a fault of ours than that there was one."""
        log.error("mail session failed", reason=type(error).__name__, exc_info=error)
        return "451 4.3.0 Local error"


class _LmtpSession(_Session, LMTP):
    """One peer that speaks LMTP."""


class _Desk:
    """What is answered; aiosmtpd calls its methods by their names."""

    def __init__(self, find: Find, take: Take, taking: set["asyncio.Task[str]"]) -> None:
        self._find, self._take, self._taking = find, take, taking

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Any, _envelope: Received, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = line(hostname, 100)
        return [*responses[:-1], "250-PIPELINING", *responses[-1:]]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Any, envelope: Received, address: str, options: list[str]
    ) -> str:
        if address != "<>" and not is_address(address):
            return "553 5.1.7 This address cannot be answered"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Any, envelope: Received, address: str, _options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= RECIPIENTS_MOST:
            return "452 4.5.3 Too many recipients"
        if not is_address(address) or self._find(address) is None:
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Received) -> str:  # noqa: N802 - as above
        verdicts = dict[str, str]()
        for recipient in envelope.rcpt_tos:
            if recipient not in verdicts:
                verdicts[recipient] = await self._verdict(envelope, recipient)
        if isinstance(server, LMTP):
            return "\r\n".join(verdicts[recipient] for recipient in envelope.rcpt_tos)
        return next((one for one in verdicts.values() if not one.startswith("250")), "250 2.0.0 OK")

    async def _verdict(self, received: Received, recipient: str) -> str:
        mailbox = self._find(recipient)
        if mailbox is None:  # the settings have changed since it was named
            return "451 4.3.0 No such mailbox any more"
        sender = "" if received.mail_from in {"<>", None} else str(received.mail_from)
        content = received.original_content
        assert content is not None, "it was read"
        if len(content) > mailbox.size_most * MIB:
            return "552 5.3.4 Too large"
        task = asyncio.create_task(self._taken(Envelope(mailbox, sender, recipient), bytes(content)), name="mail")
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)
        return await asyncio.shield(task)  # a peer that hangs up does not undo what is half done

    async def _taken(self, envelope: Envelope, raw: bytes) -> str:
        try:
            return f"250 2.0.0 OK {await self._take(envelope, raw)}"
        except StoreError as error:
            log.warning("mail cannot be taken at present", mailbox=envelope.mailbox.section, reason=str(error))
            return "451 4.3.0 It cannot be kept at present"
        except OSError as error:
            log.warning("mail cannot be taken at present", mailbox=envelope.mailbox.section, reason=str(error))
            is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            return "452 4.3.1 The disk is full" if is_full else "451 4.3.0 It cannot be kept at present"
        except Exception:
            log.exception("mail cannot be taken", mailbox=envelope.mailbox.section)
            return "451 4.3.0 Local error"


class _Door:
    """One place where it is listened."""

    def __init__(self) -> None:
        self.sessions: set[Any] = set()
        self.server: asyncio.Server
        self.is_closed = False
        self._turned_away = 0

    def turned_away(self) -> None:
        """Count, and say it now and then."""
        self._turned_away += 1
        if self._turned_away & (self._turned_away - 1) == 0:
            log.warning("too many mail sessions", turned_away=self._turned_away, most=SESSIONS_MOST)


class Listener:
    """All places where mails come in.

    Args:
        find: tells which mailbox an address is.
        take: keeps a mail.

    """

    def __init__(self, find: Find, take: Take) -> None:
        self._find, self._take = find, take
        self._doors: dict[tuple[Place, str], _Door] = {}
        self._taking: set[asyncio.Task[str]] = set()

    async def listen(self, wanted: dict[tuple[Place, str], int]) -> None:
        """Listen there and nowhere else.

        Args:
            wanted: place and protocol, `lmtp` or `smtp`, to the bytes of the largest mail.

        Raises:
            OSError: it cannot; it is tried again when this is called again.

        """
        await self._shut([self._doors.pop(key) for key in list(self._doors) if key not in wanted], PART_S)
        for (place, protocol), size in wanted.items():
            if (place, protocol) not in self._doors:
                self._doors[place, protocol] = await self._open(place, protocol, size)
                log.info("listening for mails", protocol=protocol, place=str(place))

    async def _open(self, place: Place, protocol: str, size: int) -> _Door:
        door = _Door()
        kind = _LmtpSession if protocol == "lmtp" else _Session
        desk = _Desk(self._find, self._take, self._taking)
        loop = asyncio.get_running_loop()
        door.server = await loop.create_server(lambda: kind(desk, door, size_most=size), place.host, place.port)
        return door

    async def _shut(self, doors: list[_Door], within_s: float) -> None:
        """Hear nobody there any more; mails that are being kept are answered before, if that takes no longer."""
        for door in doors:
            door.is_closed = True
            door.server.close()
        if doors and self._taking:
            await asyncio.wait(self._taking, timeout=within_s)
        if doors:
            await asyncio.sleep(TURN_S)
            for transport in [transport for door in doors for transport in door.sessions]:
                transport.abort()
            await asyncio.sleep(TURN_S)

    async def close(self, within_s: float) -> None:
        """Hear nobody any more; what is half done is done, if it takes no longer than this."""
        doors, self._doors = list(self._doors.values()), {}
        await self._shut(doors, within_s)
