"""Sends what is in the outbox, by SMTP to the site's mail server, each mail once.

A mail is in the customer file before anybody hears that it will be sent. It is sent, then noted as sent; a server that
ends between the two sends it again, once, under the same Message-ID, by which mail programs know it: SMTP has no way to
do better. Whatever the peer says for now, or that it is away, is tried again, later each time; a refusal for good, or
days of that, and the contact comes back to its queue with what was to be sent.

aiosmtplib speaks the protocol: it is made for asyncio, kept up, and lets each command be answered for itself, so that a
refused recipient is told from a server that is out of order.
"""

import asyncio
import contextlib
import ssl
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

import structlog

from acd.channels.email import logins
from acd.channels.email.headers import is_address
from acd.channels.email.intake import House as IntakeHouse
from acd.channels.email.intake import Intake, call_of
from acd.channels.email.text import line
from acd.channels.email.tokens import TokenError, Tokens
from acd.channels.rounds import Rounds
from acd.mailboxes import MailboxSettings

if TYPE_CHECKING:  # loading them takes a while
    import aiosmtplib

    from acd.store.mails import Due, Letter

log = structlog.get_logger()

TIMEOUT_S = 60.0
"""So long the peer may take for one command."""
AGAIN_MS, AGAIN_MOST_MS = 60_000, 3_600_000
"""A mail that could not be sent is tried again so much later, twice as long each time."""
ROUND_MOST = 50
REST_S = 60.0
UNDELIVERED = "undelivered"
OURS = frozenset({500, 501, 502, 503, 530, 534, 535, 538})
"""What a server says for good that is about our settings, and not about the mail."""


class _Refused(Exception):  # noqa: N818 - it is the peer's word
    """It will not be sent."""


class House(IntakeHouse, Protocol):
    """What is needed of the server."""

    @property
    def intake(self) -> Intake:
        """Has what came back wait."""

    @property
    def tokens(self) -> Tokens:
        """What mail servers are shown that take no passwords."""


class Outbox(Rounds):
    """What goes out, for one server."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house
        self._sent: dict[int, str] = {}
        """Sent, and not noted yet, because the customer file fails."""

    async def _round(self) -> float:
        """Send what is due; gives how long there is nothing to do, seconds."""
        from acd.store import mails  # noqa: PLC0415 - is loaded

        store, clock = self._house.store, self._house.dispatcher.clock
        for out, said in list(self._sent.items()):
            await store.write(mails.sent, out, clock(), said)
            del self._sent[out]
        due = sorted(await store.read(mails.due, clock(), ROUND_MOST), key=lambda one: one.mailbox)
        groups = [(name, list(some)) for name, some in groupby(due, lambda one: one.mailbox)]
        # All end before the next round begins: a mail that two of them had in hand would be sent twice.
        ends = await asyncio.gather(*(self._send(name, some) for name, some in groups), return_exceptions=True)
        for error in ends:
            if error is not None:
                raise error
        if len(due) == ROUND_MOST:
            return 0.0
        next_due = await store.read(mails.next_due)
        return REST_S if next_due is None else min(max(0.0, (next_due - clock()) / 1000), REST_S)

    async def _send(self, name: str, some: "list[Due]") -> None:
        """Send mails of one mailbox."""
        import aiosmtplib  # noqa: PLC0415 - is loaded

        mailbox = self._house.office.mailboxes.get(name)
        if mailbox is None:
            await self._later(some, f"there is no mailbox '{name}' any more")
            return
        client = _client(mailbox)
        left = list(some)
        try:
            await logins.connect(client, mailbox, self._house.tokens.of(mailbox))
            while left and not self._is_over:
                await self._send_one(client, mailbox, left[0])
                left.pop(0)
            with contextlib.suppress(aiosmtplib.SMTPException):
                await client.quit()
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError, TokenError) as error:
            said = line(f"{mailbox.smtp}: {_words(error)}", 300)
            log.warning("mail server cannot be used", mailbox=name, reason=said, waiting=len(left))
            await self._later(left, said)
        finally:
            client.close()

    async def _send_one(self, client: "aiosmtplib.SMTP", mailbox: MailboxSettings, due: "Due") -> None:
        """Send one.

        Raises:
            SMTPException, OSError: the server is out of order.

        """
        import aiosmtplib  # noqa: PLC0415 - is loaded

        from acd.store import mails  # noqa: PLC0415 - is loaded

        try:
            raw = await asyncio.to_thread(self._house.files.path(due.raw).read_bytes)
        except OSError as error:
            await self._give_up(mailbox, due, f"its file cannot be read: {error.strerror}")
            return
        try:
            said = await _transaction(client, due, raw)
        except _Refused as refusal:
            await self._give_up(mailbox, due, str(refusal))
        except aiosmtplib.SMTPResponseException as error:
            if error.code in OURS or error.code == 421:
                raise
            log.info("mail put off", ref=due.ref, code=error.code)
            await self._later([due], _words(error))
        else:
            self._sent[due.id] = said
            await self._house.store.write(mails.sent, due.id, self._house.dispatcher.clock(), said)
            del self._sent[due.id]
            log.info("mail sent", ref=due.ref, mailbox=due.mailbox)
            return
        with contextlib.suppress(aiosmtplib.SMTPResponseException):
            await client.rset()

    async def _later(self, some: "list[Due]", said: str) -> None:
        from acd.store import mails  # noqa: PLC0415 - is loaded

        now = self._house.dispatcher.clock()
        for due in some:
            mailbox = self._house.office.mailboxes.get(due.mailbox)
            if now - due.made_at > (mailbox.give_up_ms if mailbox else AGAIN_MOST_MS * 96):
                await self._give_up(mailbox, due, said)
            else:
                after = min(AGAIN_MS << min(due.tries, 16), AGAIN_MOST_MS)
                await self._house.store.write(mails.later, [due.id], now + after, said)

    async def _give_up(self, mailbox: MailboxSettings | None, due: "Due", said: str) -> None:
        """Have it come back to its queue; an acknowledgement is missed by nobody."""
        from acd.store import mails  # noqa: PLC0415 - is loaded

        store, is_answer = self._house.store, bool(due.sender)
        back = await self._back(mailbox, due, said) if is_answer else None
        if await store.write(mails.give_up, due.id, said, back) and back is not None:
            self._house.intake.arrive(mails.Kin(call=back.call, queue=back.queue, sender=back.sender, at=back.at))
        log.warning("mail given up", ref=due.ref, mailbox=due.mailbox, reason=said, comes_back=is_answer)

    async def _back(self, mailbox: MailboxSettings | None, due: "Due", said: str) -> "Letter":
        from acd.store import mails  # noqa: PLC0415 - is loaded

        subject, body = await self._house.store.read(mails.words_of, due.ref)
        found = await self._house.store.read(mails.find, due.call)
        return mails.Letter(
            call=call_of(UNDELIVERED.encode(), due.ref.encode(), due.recipient.encode()),
            mailbox=due.mailbox,
            queue=mailbox.queue if mailbox else found.contact.queue if found else "",
            at=self._house.dispatcher.clock(),
            sender=due.recipient if is_address(due.recipient) else "",
            sender_name="",
            recipient=mailbox.address if mailbox else "",
            subject=subject,
            body=f"Not delivered to {due.recipient}: {said}\n\n{body}",
            html=None,
            raw=None,
            files=(),
            name="",
            case=await self._house.store.read(mails.case_of, due.call),
            fault="",
            marks=(UNDELIVERED,),
            is_work=True,
            is_theirs=False,
        )


def _client(mailbox: MailboxSettings) -> "aiosmtplib.SMTP":
    import aiosmtplib  # noqa: PLC0415 - is loaded

    return aiosmtplib.SMTP(
        hostname=mailbox.smtp.host,
        port=mailbox.smtp.port,
        timeout=TIMEOUT_S,
        use_tls=mailbox.smtp_tls == "tls",
        start_tls=mailbox.smtp_tls == "starttls",
        username=mailbox.smtp_user if mailbox.smtp_secret else None,  # else nobody logs in, or with a token
        password=mailbox.smtp_secret or None,
        local_hostname=mailbox.address.rpartition("@")[2],
    )


async def _transaction(client: "aiosmtplib.SMTP", due: "Due", raw: bytes) -> str:
    """Give one mail to the server; gives its word.

    Raises:
        _Refused: it does not take this one, ever.
        SMTPResponseException: not now.

    """
    import aiosmtplib  # noqa: PLC0415 - is loaded

    if client.is_ehlo_or_helo_needed:
        await client.ehlo()
    options = []
    if due.needs_smtputf8:
        if not client.supports_extension("smtputf8"):
            raise _Refused("the mail server does not know addresses beyond ASCII (SMTPUTF8)")
        options = ["SMTPUTF8", "BODY=8BITMIME"]
    try:
        await client.mail(due.sender, options=options, encoding="utf-8" if options else "ascii")
        await client.rcpt(due.recipient, encoding="utf-8" if options else "ascii")
        answer = await client.data(raw)
    except aiosmtplib.SMTPResponseException as error:
        if 500 <= error.code <= 599 and error.code not in OURS:
            raise _Refused(_words(error)) from None
        raise
    return line(f"{answer.code} {answer.message}", 300)


def _words(error: Exception) -> str:
    """Say what went wrong; never a password, which is in no answer."""
    code, message = getattr(error, "code", ""), getattr(error, "message", "")
    return line(f"{code} {message}".strip() or str(error) or type(error).__name__, 300)
