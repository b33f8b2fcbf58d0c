"""Fetches mails from IMAP servers: a mail is put aside there when it is on the disk here, and not before.

Whatever ends between the two, it is fetched again and is the call that it was, as its bytes say (`intake`); so no
number that a server gives a mail (UID, UIDVALIDITY) has to be kept, and none is trusted longer than a connection lasts.
A mail stays as unread as it was until it is put aside.

One that is larger than `size_most` is not fetched: its header becomes a call, with the word that the rest lies at the
server. It is put aside too, unless that would delete it; then it stays where it is.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import structlog

from acd.channels.email.intake import Envelope
from acd.mailboxes import MailboxSettings
from acd.store import StoreError

if TYPE_CHECKING:
    from acd.channels.email.imap import Session
    from acd.channels.email.tokens import Source, Tokens

log = structlog.get_logger()

RENEW_S = 9 * 60.0
"""IDLE is begun anew after this long: servers may hang up after 30 minutes (RFC 2177), and what forgets connections in
between does so sooner."""
POLL_S = 30.0
"""Where a server has no IDLE, it is asked this often."""
PAUSE_S = 0.25
"""Between two looks at which nothing is found, however much a server has to say."""
AGAIN_S, AGAIN_MOST_S = 1.0, 300.0
"""So long after a failure it is tried again; each time twice as long."""
STEADY_S = 60.0
"""A connection that lasted so long had nothing wrong with it."""
REFUSED_S = 900.0
"""After a name and password, or a token, that are refused: servers shut out who tries them often."""
KEEP_AGAIN_S = 5.0
"""After a mail could not be kept."""
LEFT_S = 3_600.0
"""So long a mail that cannot be taken is left alone, for the sake of the others."""
MIB = 1 << 20
_BREAK = re.compile(rb"\r\n|\r|\n")
_HEADER = re.compile(rb"[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)")
_OF_BODY = re.compile(rb"(?i)(?:content-[a-z-]+|mime-version)[ \t]*:")
_NOTE = b"(This mail is too large to be fetched. All of it is kept on the mail server.)"

Take = Callable[[Envelope, bytes], Awaitable[str]]
"""Keeps a mail, as `Intake.take`."""


class _LaterError(Exception):
    """A mail cannot be kept at present."""


class Fetcher:
    """What fetches the mails of one mailbox.

    Args:
        mailbox: says from where.
        take: keeps a mail.
        source: gives the tokens to log in with; None for a password.

    """

    def __init__(self, mailbox: MailboxSettings, take: Take, source: "Source | None") -> None:
        self.mailbox, self._take, self._source = mailbox, take, source
        self.taking: asyncio.Task[Exception | None] | None = None
        """A mail that is being kept."""
        self._left: dict[int, float] = {}
        self._log = log.bind(mailbox=mailbox.section, server=str(mailbox.imap))

    async def run(self) -> None:
        """Fetch, until cancelled."""
        from acd.channels.email.imap import ImapError, RefusedError  # noqa: PLC0415 - is loaded

        delay_s = AGAIN_S
        while True:
            begun = time.monotonic()
            wait_s = delay_s
            try:
                await self._serve()
            except RefusedError as error:
                wait_s = REFUSED_S
                self._log.error("IMAP login is refused", reason=str(error), again_s=wait_s)
            except (ImapError, OSError) as error:
                if time.monotonic() - begun > STEADY_S:
                    wait_s = AGAIN_S
                delay_s = min(2 * wait_s, AGAIN_MOST_S)
                reason = str(error) or type(error).__name__
                self._log.warning("mails cannot be fetched", reason=reason, again_s=wait_s)
            except Exception:  # noqa: BLE001 - a fault of ours costs one mailbox minutes, not its life
                self._log.exception("mails cannot be fetched", again_s=AGAIN_MOST_S)
                wait_s = AGAIN_MOST_S
            await asyncio.sleep(wait_s)

    async def _serve(self) -> None:
        """Fetch over one connection, until it fails."""
        from acd.channels.email.imap import Session  # noqa: PLC0415 - is loaded

        self._left.clear()  # another connection may have other numbers (UIDVALIDITY)
        with contextlib.closing(Session(self.mailbox, self._source)) as session:
            await session.open()
            self._log.info("fetching mails")
            while True:
                session.has_news = False
                try:
                    if not await self._look(session):
                        await asyncio.sleep(PAUSE_S)
                        await session.wait(RENEW_S, POLL_S)
                except _LaterError as error:
                    self._log.warning("mail cannot be taken at present", reason=str(error), again_s=KEEP_AGAIN_S)
                    self._left.clear()
                    await asyncio.sleep(KEEP_AGAIN_S)

    async def _look(self, session: "Session") -> bool:
        """Take what is there; tells whether there was any."""
        from acd.channels.email.imap import SIZES_MOST  # noqa: PLC0415 - is loaded

        now, found = time.monotonic(), False
        uids = [uid for uid in await session.waiting() if self._left.get(uid, 0) <= now]
        for start in range(0, len(uids), SIZES_MOST):
            for uid, size in (await session.sizes(uids[start : start + SIZES_MOST])).items():
                self._left[uid] = now + LEFT_S
                found = await self._fetch(session, uid, size) or found
        return found

    async def _fetch(self, session: "Session", uid: int, size: int) -> bool:
        """Take one mail and put it aside; tells whether it is gone from there."""
        most = self.mailbox.size_most * MIB
        raw = await session.mail(uid, most) if size <= most else None
        is_whole = raw is not None and len(raw) <= most
        if not is_whole:
            head = await session.head(uid)
            raw = None if head is None else b"".join(_without_body(head)) + b"\r\n" + _NOTE + b"\r\n"
        if raw is None:
            return False
        if not is_whole:
            self._log.warning("mail is too large to be fetched", uid=uid, size=size, most=most)
        if not await self._kept(raw):
            return False
        if is_whole or self.mailbox.imap_done is not None:
            await session.put_aside(uid)
            del self._left[uid]
        return is_whole or self.mailbox.imap_done is not None

    async def _kept(self, raw: bytes) -> bool:
        """Keep a mail; tells whether it is on the disk."""
        envelope = Envelope(self.mailbox, None, self.mailbox.address)
        self.taking = asyncio.create_task(_failure(self._take(envelope, raw)), name="mail")
        failure = await asyncio.shield(self.taking)  # who stops does not undo what is half done
        if isinstance(failure, StoreError | OSError):
            raise _LaterError(str(failure))
        if failure is not None:
            self._log.error("mail cannot be taken", again_s=LEFT_S, exc_info=failure)
        return failure is None


async def _failure(taking: Awaitable[str]) -> Exception | None:
    """Wait for a mail to be kept, and give what went wrong."""
    try:
        await taking
    except Exception as error:  # noqa: BLE001 - whatever it is, it keeps no other mail waiting
        return error
    return None


def _without_body(head: bytes) -> Iterator[bytes]:
    """Give the headers that do not speak of the body, each with its end of line; the last one may be cut."""
    for match in _HEADER.finditer(_BREAK.sub(b"\n", head)):
        if not match[0].strip():
            return
        if not _OF_BODY.match(match[0]):
            yield match[0].rstrip(b"\n") + b"\n"


class Fetchers:
    """What fetches the mails of all mailboxes.

    Args:
        take: keeps a mail.
        tokens: where they have theirs from.

    """

    def __init__(self, take: Take, tokens: "Tokens") -> None:
        self._take, self._tokens = take, tokens
        self._running: dict[str, tuple[Fetcher, asyncio.Task[None]]] = {}

    async def fetch(self, mailboxes: Mapping[str, MailboxSettings], within_s: float) -> None:
        """Fetch for these and for no others, as they are set now.

        Args:
            mailboxes: by section; those without `imap` are left out.
            within_s: so long mails that are being kept may take where it ends.

        """
        wanted = {name: one for name, one in mailboxes.items() if one.imap is not None}
        old = [name for name, (fetcher, _) in self._running.items() if wanted.get(name) != fetcher.mailbox]
        await self._end([self._running.pop(name) for name in old], within_s)
        for name, one in wanted.items():
            if name not in self._running:
                fetcher = Fetcher(one, self._take, self._tokens.of(one))
                self._running[name] = fetcher, asyncio.create_task(fetcher.run(), name=f"fetch {name}")

    async def _end(self, running: list[tuple[Fetcher, "asyncio.Task[None]"]], within_s: float) -> None:
        for _, task in running:
            task.cancel()
        if running:
            await asyncio.wait([task for _, task in running])
        taking = [fetcher.taking for fetcher, _ in running if fetcher.taking is not None and not fetcher.taking.done()]
        if taking:
            await asyncio.wait(taking, timeout=within_s)

    async def close(self, within_s: float) -> None:
        """Fetch no more; a mail that is being kept is kept, if it takes no longer than this."""
        running, self._running = list(self._running.values()), {}
        await self._end(running, within_s)
