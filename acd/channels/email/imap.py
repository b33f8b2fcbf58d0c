"""One connection to an IMAP server: find mails, fetch one, put one aside, wait for more.

What is said is imapclient's, on a thread of its own, for it blocks; what is read is read here, within bounds. A line,
an answer and a mail have an end, and so have their times: silence ends a connection, and so does an answer that only
drips. Whoever gives up waiting has the connection cut, which ends the thread.
"""

import asyncio
import contextlib
import imaplib
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from acd.channels.email.imap_wire import ANSWER_MOST, LINE_MOST, Wire
from acd.channels.email.logins import bearer
from acd.channels.email.text import hushed
from acd.channels.email.tokens import GrantError, Source, TokenError
from acd.mailboxes import MailboxSettings

SILENCE_S = 60.0
"""A server that says nothing for so long, in the midst of an answer or before it, is given up."""
COMMAND_S = 90.0
"""So long an answer may take that is no mail."""
RATE_LEAST = 16_384
"""Bytes a second: a mail that comes more slowly is given up."""
HEAD_MOST = 64 * 1024
"""Bytes of the header of a mail that is too large."""
SIZES_MOST = 200
"""So many mails are asked for their size at a time."""
MIB = 1 << 20
_PASSING = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]")
"""What a login may be refused for, and not the next one (RFC 5530)."""

Result = TypeVar("Result")


class ImapError(Exception):
    """The server cannot be worked with at present; the message is one line, without secrets."""


class RefusedError(ImapError):
    """It does not let us in as whom we say we are."""


class _Client(IMAPClient):  # type: ignore[misc]  # it has no types
    """imapclient over a wire that is there."""

    def __init__(self, wire: Wire, *, is_encrypted: bool) -> None:
        self._wire = wire
        super().__init__(wire.host, wire.port, ssl=is_encrypted, timeout=SILENCE_S)
        wire.debug = 0  # imapclient has it write down every line

    def _create_IMAP4(self) -> Wire:  # noqa: N802 - imapclient's name
        return self._wire

    def idle(self) -> None:
        """Have the server tell what happens; imapclient fails if it does so before it says that it will."""
        self._idle_tag = tag = self._wire._command("IDLE")  # noqa: SLF001 - as imapclient
        while self._wire._get_response() is not None:  # noqa: SLF001 - as above
            if self._wire.tagged_commands[tag]:
                raise ImapError("it does not do what it says it can (IDLE)")


class Session:
    """One connection; belongs to one event loop. After an error, and at the end, it is to be closed.

    Args:
        mailbox: whose mails are fetched; it says from where.
        source: gives the tokens to log in with; None for a password.

    """

    def __init__(self, mailbox: MailboxSettings, source: Source | None) -> None:
        assert mailbox.imap is not None, "somebody wants it"
        self._mailbox, self._place, self._source = mailbox, mailbox.imap, source
        self._hidden = {mailbox.imap_secret}
        """What no message shows."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="imap")
        self._made: socket.socket | None = None
        self._handle: socket.socket | None = None
        self._wire: Wire | None = None
        self._client: _Client
        self._can = dict[str, bool]()
        self.has_news = False
        """The server has spoken of more mails since this was last made false."""

    # Life

    async def open(self) -> None:
        """Connect, log in, and open the folder.

        Raises:
            RefusedError: name or password is wrong, or no token is good.
            ImapError, OSError: it cannot be done at present.

        """
        token = await self._token()
        try:
            async with asyncio.timeout(SILENCE_S):
                self._made = await _connected(self._place.host, self._place.port)
        except TimeoutError:
            raise ImapError(f"nobody answers within {SILENCE_S:.0f} s") from None
        self._handle = self._made.dup()  # whatever becomes of the other, by this it is waited for, and cut
        await self._do(self._begin, self._made)
        try:
            await self._do(self._log_in, token)
        except RefusedError:
            if self._source is None:
                raise
            self._source.refuse(token)  # it was taken back, perhaps: with another one it is tried once more
            token = await self._token()
            await self._do(self._log_in, token)
        await self._do(self._select)

    async def _token(self) -> str:
        """Give a token to log in with; empty where it is done with a password."""
        if self._source is None:
            return ""
        try:
            token = await self._source.token()
        except GrantError as error:
            raise RefusedError(str(error)) from None
        except TokenError as error:
            raise ImapError(str(error)) from None
        self._hidden.add(token)
        return token

    def close(self) -> None:
        """End it, at once."""
        if self._handle is not None:
            with contextlib.suppress(OSError):  # whatever the thread waits for, it does so no more
                self._handle.shutdown(socket.SHUT_RDWR)
            self._handle.close()
        self._thread.submit(self._shut)
        self._thread.shutdown(wait=False)

    def _shut(self) -> None:
        for one in (self._wire, self._made):
            if one is not None:
                one.close() if isinstance(one, socket.socket) else one.shutdown()

    async def _do(self, work: Callable[..., Result], *args: Any, most: int = 0) -> Result:
        """Do something on the thread; what may come of it is so many bytes beside the answer itself."""
        within_s = COMMAND_S + most / RATE_LEAST
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._told, work, args, most)
        except TimeoutError:
            raise ImapError(f"it took longer than {within_s:.0f} s") from None

    def _told(self, work: Callable[..., Result], args: Sequence[Any], most: int) -> Result:
        """Do it, and say in one way what was wrong: a server's garbage comes out of libraries as any exception."""
        try:
            self._renew(ANSWER_MOST + most)
            result = work(*args)
            self._renew(ANSWER_MOST)
        except TimeoutError:
            raise ImapError(f"it has said nothing for {SILENCE_S:.0f} s") from None
        except (ImapError, OSError):
            raise
        except LoginError as error:
            raise (ImapError if _is_passing(error) else RefusedError)(self._shown(error)) from None
        except Exception as error:  # noqa: BLE001 - see above
            raise ImapError(self._shown(error)) from None
        return result

    def _renew(self, allowed: int) -> None:
        """Forget what was said unasked, for imaplib keeps all of it."""
        if self._wire is not None:
            self.has_news = self.has_news or "EXISTS" in self._wire.untagged_responses
            self._wire.untagged_responses.clear()
            self._wire.allowed = allowed

    def _shown(self, error: Exception) -> str:
        return hushed(str(error) or type(error).__name__, self._hidden, 300)

    # What is done on the thread

    def _begin(self, made: socket.socket) -> None:
        made.settimeout(SILENCE_S)
        how, host = self._mailbox.imap_tls, self._place.host
        context = ssl.create_default_context()
        if how == "tls":
            made = context.wrap_socket(made, server_hostname=host)
        try:
            self._wire = Wire(made, host)
        except BaseException:
            made.close()
            raise
        self._client = _Client(self._wire, is_encrypted=how == "tls")
        if how == "starttls":
            self._client.starttls(context)

    def _log_in(self, token: str) -> None:
        if token:
            self._show(token)
        elif self._client.has_capability("LOGINDISABLED"):
            raise ImapError("it takes no password over this connection (LOGINDISABLED)")
        else:
            self._client.login(self._mailbox.imap_user, self._mailbox.imap_secret)
        self._can = {name: self._client.has_capability(name) for name in ("IDLE", "MOVE", "UIDPLUS")}

    def _show(self, token: str) -> None:
        """Log in with a token; imapclient would show it once more to a server that says why it is refused."""
        assert self._wire is not None, "it is open"
        known = [one.decode("ascii", "replace").upper() for one in self._client.capabilities()]
        offered = [one.removeprefix("AUTH=") for one in known if one.startswith("AUTH=")]
        saying = bearer(offered, self._mailbox.imap_user, token, self._place)
        if saying is None:
            raise ImapError("it lets nobody in with a token over this connection (XOAUTH2, OAUTHBEARER)")
        self._hidden.add(b64encode(saying.response).decode())
        words = iter((saying.response, saying.after))
        try:
            self._wire.authenticate(saying.mechanism, lambda _: next(words, None))
        except imaplib.IMAP4.error as error:
            raise LoginError(str(error)) from error

    def _select(self) -> None:
        done = self._mailbox.imap_done
        if done is not None:
            with contextlib.suppress(imaplib.IMAP4.error):
                self._client.create_folder(done)  # mostly it is there
            try:
                self._client.folder_status(done, ["UIDVALIDITY"])
            except imaplib.IMAP4.error as error:
                raise ImapError(f"the folder {done} is not there and cannot be made: {self._shown(error)}") from None
        self._client.select_folder(self._mailbox.imap_folder)

    # What may be asked

    async def waiting(self) -> list[int]:
        """Give the UIDs of the mails that are there, without those that somebody has deleted."""
        return await self._do(lambda: sorted(self._client.search(["UNDELETED"])), most=LINE_MOST)

    async def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Give the size of each that still is there, as the server has it."""
        assert len(uids) <= SIZES_MOST
        found = await self._do(self._client.fetch, uids, ["RFC822.SIZE"])
        return {uid: size for uid, of in found.items() if isinstance(size := of.get(b"RFC822.SIZE"), int)}

    async def mail(self, uid: int, most: int) -> bytes | None:
        """Give a mail, but of one that is larger only so many bytes and one; None if it has gone. It stays unread."""
        return await self._part(uid, "", most + 1)

    async def head(self, uid: int) -> bytes | None:
        """Give the header of a mail, or its beginning; None if it has gone."""
        return await self._part(uid, "HEADER", HEAD_MOST)

    async def _part(self, uid: int, which: str, most: int) -> bytes | None:
        found = await self._do(self._client.fetch, [uid], [f"BODY.PEEK[{which}]<0.{most}>"], most=most)
        content = found.get(uid, {}).get(f"BODY[{which}]<0>".encode())
        return content if isinstance(content, bytes) else None

    async def put_aside(self, uid: int) -> None:
        """Move a mail to where those that were taken are, or delete it."""
        await self._do(self._put_aside, uid)

    def _put_aside(self, uid: int) -> None:
        done = self._mailbox.imap_done
        if done is not None and self._can["MOVE"]:
            self._client.move([uid], done)
            return
        if done is not None:
            self._client.copy([uid], done)
        self._client.add_flags([uid], [b"\\Deleted"], silent=True)
        if self._can["UIDPLUS"]:
            self._client.uid_expunge([uid])
        # Without that only all of the folder could be expunged, mails of others too: it stays there, marked as deleted.

    async def wait(self, within_s: float, poll_s: float) -> None:
        """Return when there may be more mails, or after so long; a server without IDLE is not asked more often."""
        if self.has_news:
            return
        if not self._can["IDLE"]:
            await asyncio.sleep(poll_s)
            return
        await self._do(self._client.idle)
        assert self._wire is not None, "it is open"
        if not self.has_news and not self._wire.has_more:
            await self._readable(within_s)
        await self._do(self._client.idle_done)

    async def _readable(self, within_s: float) -> None:
        assert self._handle is not None, "it is open"
        loop, told, place = asyncio.get_running_loop(), asyncio.Event(), self._handle.fileno()
        loop.add_reader(place, told.set)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), within_s)
        finally:
            loop.remove_reader(place)


def _is_passing(error: LoginError) -> bool:
    """Tell whether a login failed for another reason than who logged in."""
    has_hung_up = isinstance(error.__context__, imaplib.IMAP4.abort)
    return has_hung_up or any(code in str(error).upper() for code in _PASSING)


async def _connected(host: str, port: int) -> socket.socket:
    """Connect to the first of a host's addresses that answers.

    Raises:
        OSError: none does.

    """
    loop, failure = asyncio.get_running_loop(), OSError(f"{host} has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        made = socket.socket(family, kind, protocol)
        try:
            made.setblocking(False)  # noqa: FBT003 - it has no name
            await loop.sock_connect(made, address)
        except OSError as error:
            made.close()
            failure = error
        except BaseException:
            made.close()
            raise
        else:
            # A peer that has gone without a word is missed within minutes, though nobody asks it anything meanwhile.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
                if hasattr(socket, option):
                    made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
            return made
    raise failure
