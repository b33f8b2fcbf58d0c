"""Takes mails in: each is stored, then becomes a call, once, whatever ends in the midst of it.

The id of a call is made of its mailbox and of every byte of its mail, so the same mail, brought again because the word
that it is here was lost, is the call that it is already. That a mail is open stands in the customer file; that it
waits, and where, in the core. A look at the start and now and then makes the calls that are missing: their server ended
between the two.

Not every mail is work. Kept in its case and no more is what a machine answered to us, what is late and not lost, what
came back to us in a circle, and a report about a mail that we never sent. All else is a call, parsed or not.
"""

import asyncio
import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import structlog
from msgspec import Struct
from msgspec.structs import replace

from acd.channels.email.compose import acknowledgement, reason_against
from acd.channels.email.headers import is_address
from acd.channels.email.message import Message
from acd.channels.email.office import Office
from acd.channels.email.templates import ACKNOWLEDGEMENT
from acd.channels.email.threads import HOUR_MS, Bounce, Nature, authentication, bounce_of, thread_of
from acd.channels.email.worker import Parsers
from acd.core.events import CallArrived, CallEnded
from acd.dispatcher import Dispatcher
from acd.mailboxes import MailboxSettings
from acd.store import StoreError
from acd.store.store import Store

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from sqlalchemy.orm import Session

    from acd.store.files import Files, Kept
    from acd.store.mails import Kin, Letter, Post

log = structlog.get_logger()

MEDIUM = "email"
LOOK_S = 30.0
"""How often a look is taken for mails without a call."""
AGAIN_S = 1.0
"""So long after a failure of the customer file it is looked again."""
_BREAK = re.compile(rb"\r\n|\r|\n")
_SHOWN = ("list", "bulk", "bounce", "out-of-office", "cut", "encrypted", "signed")


class House(Protocol):
    """What is needed of the server."""

    @property
    def dispatcher(self) -> Dispatcher:
        """The core's."""

    @property
    def store(self) -> Store:
        """The customer file."""

    @property
    def files(self) -> "Files":
        """And where it keeps what is large."""

    @property
    def closing(self) -> Collection[str]:
        """The calls that are over, and not noted as closed yet."""

    @property
    def office(self) -> Office:
        """What holds at the moment."""

    @property
    def parsers(self) -> Parsers:
        """What reads mails."""

    def has_post(self) -> None:
        """Say that there is something to be sent."""


class Envelope(Struct, frozen=True):
    """How a mail came."""

    mailbox: MailboxSettings
    sender: str | None
    """Empty for the null sender; None for a mail that was delivered before, and says itself how it came."""
    recipient: str


class _Read(Struct, frozen=True):
    """A mail, and what it is to us."""

    envelope: Envelope
    message: Message
    nature: Nature
    letter: "Letter"


def call_of(*parts: bytes) -> str:
    """Name a call by what it is made of."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return f"{MEDIUM}-{digest.hexdigest()[:32]}"


class Intake:
    """Takes mails in, for one server."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def take(self, envelope: Envelope, raw: bytes) -> str:
        """Keep a mail and have it wait; gives its call's id. When this returns it is on the disk.

        Raises:
            StoreError, OSError: it cannot be kept at present.

        """
        from acd.store import mails  # noqa: PLC0415 - is loaded

        house, at = self._house, self._house.dispatcher.clock()
        call = await asyncio.to_thread(call_of, envelope.mailbox.section.encode(), raw)
        if await house.store.read(mails.has, call):
            log.info("mail is here already", call=call)
            return call
        whole = await asyncio.to_thread(_with_trace, envelope, raw)
        kept = await asyncio.to_thread(house.files.keep, whole, inside_most=-1)
        message = await house.parsers.parsed(whole)
        mail = await self._read(envelope, message, call, at)
        letter = await asyncio.to_thread(self._with_files, mail.letter, message, kept)

        def answer(session: "Session", case: int) -> "Post | None":
            return self._acknowledgement(session, mail, case)

        await house.store.write(mails.take, letter, answer)
        log.info(
            "mail", call=call, mailbox=letter.mailbox, nature=mail.nature, size=len(raw), fault=letter.fault or None
        )
        if letter.is_work:
            self.arrive(mails.Kin(call=call, queue=letter.queue, sender=letter.sender, at=at))
        house.has_post()
        return call

    def arrive(self, kin: "Kin") -> None:
        """Have an open mail wait, unless it does."""
        dispatcher = self._house.dispatcher
        if kin.call not in dispatcher.core.state.calls:
            caller = kin.sender[:254]
            dispatcher.submit(CallArrived(call=kin.call, queue=kin.queue, caller=caller, medium=MEDIUM, since=kin.at))

    # What it is

    async def _read(self, envelope: Envelope, message: Message, call: str, at: int) -> _Read:
        from acd.store.mails import Letter  # noqa: PLC0415 - is loaded

        office, mailbox = self._house.office, envelope.mailbox
        tags, gate = office.tags(mailbox), office.gate(mailbox)
        thread = await thread_of(message, tags, self)
        nature, bounce = gate.nature(message, at), bounce_of(message, tags)
        case = thread.case if bounce is None or bounce.case is None else bounce.case
        is_work = not gate.comes_back(message) and _is_work(message, bounce, case)
        sender = message.sender.address or next((one.address for one in message.reply_to if one.address), "")
        if bounce is not None:
            sender = next((one.address for one in bounce.failures if is_address(one.address)), "")
        letter = Letter(
            call=call,
            mailbox=mailbox.section,
            queue=mailbox.queue,
            at=at,
            sender=sender,
            sender_name=message.sender.name if bounce is None else "",
            recipient=envelope.recipient,
            subject=message.subject,
            body=message.text,
            html=message.html or None,
            raw=None,
            files=(),
            name=message.message_id,
            case=case,
            fault=message.fault,
            marks=tuple(_marks(message, mailbox)),
            is_work=is_work,
            is_theirs=bounce is None and not gate.comes_back(message),
        )
        return _Read(envelope, message, nature, letter)

    async def cases(self, message_ids: Sequence[str]) -> Mapping[str, int]:
        """Implement `threads.Index`."""
        from acd.store import mails  # noqa: PLC0415 - is loaded

        return await self._house.store.read(mails.cases, message_ids)

    def _with_files(self, letter: "Letter", message: Message, raw: "Kept") -> "Letter":
        """Keep what is attached; of what was not parsed that is the mail itself, which is kept."""
        from acd.store.timeline import File  # noqa: PLC0415 - is loaded

        files = tuple(
            File(name=one.name, content_type=one.type, kept=self._house.files.keep(one.content, inside_most=-1))
            for one in (message.attachments if not message.fault else ())
        )
        return replace(letter, raw=raw, files=files)

    def _acknowledgement(self, session: "Session", mail: _Read, case: int) -> "Post | None":
        """Make what a sender is told at once: that his mail has come; None if he is told nothing."""
        from acd.store import mails  # noqa: PLC0415 - is loaded

        office, mailbox, message, at = self._house.office, mail.envelope.mailbox, mail.message, mail.letter.at
        if not mailbox.acknowledge or not mail.letter.is_work or reason_against(message, mail.nature):
            return None
        assert message.return_path, "else there is a reason against it"
        template = office.templates.find(ACKNOWLEDGEMENT, mailbox.queue, office.language(message.language))
        if template is None or mails.was_acknowledged(session, message.return_path, at - 24 * HOUR_MS):
            return None
        said = office.filled(template, message, mailbox.queue, case)
        made = acknowledgement(office.letterhead(mailbox), message, case, said, at)
        return mails.Post(
            ref=made.message_id,
            mailbox=mailbox.section,
            at=at,
            sender=made.envelope_from,
            recipients=made.recipients,
            needs_smtputf8=made.needs_smtputf8,
            subject=said[0],
            body=said[1],
            raw=self._house.files.keep(made.raw, inside_most=-1),
        )

    # What nobody took care of

    async def run(self) -> None:
        """Make the calls that are missing: at once, and now and then, until cancelled."""
        is_first = True
        while True:
            try:
                await self._look(ends=is_first)
                is_first = False
                await asyncio.sleep(LOOK_S)
            except (StoreError, OSError):
                await asyncio.sleep(AGAIN_S)

    async def _look(self, *, ends: bool) -> None:
        """Look once; with `ends` for mails, too, that were closed a moment before their server ended."""
        from acd.store import mails  # noqa: PLC0415 - is loaded

        store, dispatcher = self._house.store, self._house.dispatcher
        waiting = [one.id for one in dispatcher.core.state.calls.values() if ends and one.medium == MEDIUM]
        for call in await store.read(mails.closed_among, waiting):
            dispatcher.submit(CallEnded(call=call, reason="done"))
        missing = {one.call for one in await store.read(mails.still_open)} - set(dispatcher.core.state.calls)
        missing -= set(self._house.closing)
        # Whoever closes a mail notes that before he asks the core, so one that is missing and still open has no call.
        for kin in await store.read(mails.still_open) if missing else ():
            if kin.call in missing:
                log.info("mail without a call", call=kin.call)
                self.arrive(kin)


def _with_trace(envelope: Envelope, raw: bytes) -> bytes:
    """Write down how it came, if we know, above all that the sender wrote; end each line in the one way there is."""
    if envelope.sender is None:
        return _BREAK.sub(b"\r\n", raw)
    trace = f"Return-Path: <{envelope.sender}>\r\nDelivered-To: {envelope.recipient}\r\n"
    return trace.encode("utf-8", "replace") + _BREAK.sub(b"\r\n", raw)


def _is_work(message: Message, bounce: Bounce | None, case: int | None) -> bool:
    if bounce is not None:
        return bounce.is_permanent and case is not None
    return case is None or not message.marks & {"auto-replied", "out-of-office"}


def _marks(message: Message, mailbox: MailboxSettings) -> list[str]:
    marks = ["not-parsed"] if message.fault else []
    marks += ["auto"] if message.marks & {"auto-replied", "auto-generated"} else []
    marks += [one for one in _SHOWN if one in message.marks]
    marks += ["several-senders"] if message.senders > 1 else []
    verdicts = authentication(message, mailbox.authserv)
    marks += dict.fromkeys(f"{one.method}-{one.result}" for one in verdicts if one.result in {"fail", "softfail"})
    return marks
