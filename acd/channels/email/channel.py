"""E-mail for whoever answers it: a mail as a card, the replies that the site has ready, the answer.

Implements `acd.ports.Channel`. A mail is read again, in a worker process, whenever it is shown or answered: what was
stored is the mail as it came.
"""

import asyncio
import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import structlog
from msgspec.structs import replace

from acd.channels.contact import Card, Choice, File, Notice, Reply, ReplyError
from acd.channels.email import compose, notices
from acd.channels.email.intake import MEDIUM
from acd.channels.email.intake import House as IntakeHouse
from acd.channels.email.language import language_of
from acd.channels.email.message import Address, Attachment, Message
from acd.channels.email.scan import scanned
from acd.channels.email.templates import SIGNATURE
from acd.channels.endings import Endings
from acd.core.commands import AnyCommand
from acd.core.events import AnyEvent
from acd.mailboxes import MailboxSettings

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from acd.store.mails import Found, Post
    from acd.store.timeline import File as StoredFile

log = structlog.get_logger()

ATTACHED_MOST = 24 << 20
"""Bytes of all files of an answer: encoded they are a third more, and most servers stop at 35 MB."""


class House(IntakeHouse, Protocol):
    """What is needed of the server: what `Intake` needs."""


class EmailChannel:
    """E-mail, for one server."""

    medium, takes_files, is_live = MEDIUM, True, False

    def __init__(self, house: House) -> None:
        self._house = house
        self.endings = Endings(MEDIUM, self.closed)

    def begin(self) -> None:
        """Know what agents have before them."""
        self.endings.begin(self._house.dispatcher.core.state)

    # Seen

    async def card(self, call: str) -> Card | None:
        """Give a contact to be shown or read aloud; None if there is nothing of it any more.

        Raises:
            StoreError: that cannot be told at present.

        """
        found = await self._found(call)
        if found is None or found.message.body is None:
            return None
        mail = found.mail
        card = Card(
            call=call,
            medium=MEDIUM,
            sender=mail.sender,
            address=mail.sender,
            subject=found.message.subject,
            text=found.message.body,
            files=self._files(found),
            arrived=mail.at,
            person=found.contact.person_id,
            case=found.contact.case_id,
            marks=tuple(mail.marks.split()),
        )
        message = await self._message(found)
        return card if message is None else _with_message(card, message, mail.sender)

    def choices(self, queue: str, language: str) -> tuple[Choice, ...]:
        """Name the templates for a queue, in alphabetical order."""
        templates = self._house.office.templates
        names = [name for name in templates.names(queue) if templates.find(name, queue, language) is not None]
        return tuple(Choice(name, name.replace("-", " ").replace("_", " ")) for name in names)

    def _files(self, found: "Found") -> tuple[File, ...]:
        path = self._house.files.path
        files = [
            File(name=one.name, kind=one.content_type, size=one.size, path=path(one.hash) if one.data is None else None)
            for one in found.files
        ]
        if found.mail.fault and found.mail.raw:
            whole = path(found.mail.raw)
            size = whole.stat().st_size if whole.exists() else 0
            files.append(File(name="message.eml", kind="message/rfc822", size=size, path=whole if size else None))
        return tuple(files)

    async def _found(self, call: str) -> "Found | None":
        store = self._house.store  # that it is open is told by this
        from acd.store import mails  # noqa: PLC0415 - is loaded

        return await store.read(mails.find, call)

    async def _message(self, found: "Found") -> Message | None:
        """Read a mail again; None of what did not come as one, or is kept no more."""
        if not found.mail.raw:
            return None
        try:
            raw = await asyncio.to_thread(self._house.files.path(found.mail.raw).read_bytes)
        except OSError as error:
            log.warning("mail cannot be read", call=found.mail.call, reason=str(error))
            return None
        if found.mail.fault:  # it took all that it may, once
            return scanned(raw, found.mail.fault)
        return await self._house.parsers.parsed(raw)

    # Answered

    async def reply(self, call: str, seat: str, reply: Reply) -> None:
        """Answer by mail. When this returns it is stored, and will be sent, whatever breaks down.

        Raises:
            ReplyError: it cannot be sent.
            StoreError: it cannot be stored at present.

        """
        found = await self._found(call)
        if found is None:
            raise ReplyError("there is nothing of this mail any more")
        mailbox = self._house.office.mailboxes.get(found.mail.mailbox)
        if mailbox is None:
            raise ReplyError(f"there is no mailbox '{found.mail.mailbox}' any more")
        case = found.contact.case_id
        if case is None:
            raise ReplyError("this mail belongs to nobody any more")
        attached = await asyncio.to_thread(_attached, reply.files)
        message = await self._message(found)
        is_about_us = message is None or "bounce" in message.marks
        answered = message if message is not None else _stands_for(found)
        words = self._words(reply, answered, found.contact.queue, case, seat)
        signature = self._signature(answered, found.contact.queue, case, seat)
        draft = compose.replied(answered, words, signature=signature, language=_tongue(answered))
        to = (Address(found.mail.sender),) if is_about_us else draft.to if any(one.address for one in draft.to) else ()
        at = self._house.dispatcher.clock()
        draft = compose.Draft(
            to=to, subject=draft.subject, body=draft.body, attachments=attached, answers=draft.answers
        )
        try:
            made = await asyncio.to_thread(compose.send, self._house.office.letterhead(mailbox), draft, case, at)
        except ValueError as error:
            raise ReplyError(str(error)) from None
        post = await asyncio.to_thread(self._post, mailbox, made, draft, words, at)
        from acd.store import mails  # noqa: PLC0415 - is loaded

        if not await self._house.store.write(mails.reply, call, post):
            raise ReplyError("there is nothing of this mail any more")
        self._house.has_post()

    def _words(self, reply: Reply, message: Message, queue: str, case: int, seat: str) -> str:
        """Give what is said: a template, and what was written, which stands above it."""
        parts = [reply.text.strip("\n")] if reply.text.strip() else []
        if reply.choice:
            office = self._house.office
            template = office.templates.find(reply.choice, queue, office.language(message.language))
            if template is None or reply.choice not in office.templates.names(queue):
                raise ReplyError(f"there is no reply '{reply.choice}'")
            parts.append(office.filled(template, message, queue, case, agent=self._agent(seat))[1].strip("\n"))
        if not parts and not reply.files:
            raise ReplyError("there is nothing in it")
        return "\n\n".join(parts)

    def _signature(self, message: Message, queue: str, case: int, seat: str) -> str:
        office = self._house.office
        template = office.templates.find(SIGNATURE, queue, office.language(message.language))
        if template is None:
            return ""
        return office.filled(template, message, queue, case, agent=self._agent(seat))[1]

    def _agent(self, seat: str) -> str:
        known = self._house.office.site.seats.get(seat)
        return known.agent if known is not None else ""

    def _post(
        self, mailbox: MailboxSettings, made: compose.Outgoing, draft: compose.Draft, words: str, at: int
    ) -> "Post":
        from acd.store import mails  # noqa: PLC0415 - is loaded
        from acd.store.timeline import File  # noqa: PLC0415 - is loaded

        keep = self._house.files.keep
        files: list[StoredFile] = [
            File(name=one.name, content_type=one.type, kept=keep(one.content, inside_most=-1))
            for one in draft.attachments
        ]
        return mails.Post(
            ref=made.message_id,
            mailbox=mailbox.section,
            at=at,
            sender=made.envelope_from,
            recipients=made.recipients,
            needs_smtputf8=made.needs_smtputf8,
            subject=draft.subject,
            body=words,
            raw=keep(made.raw, inside_most=-1),
            files=tuple(files),
        )

    def typing(self, call: str) -> None:
        """Do nothing: nobody sees it."""

    async def notify(self, notice: Notice) -> None:
        """Say something unasked, by mail.

        Raises:
            ReplyError: it cannot be sent.
            StoreError: it cannot be stored at present.

        """
        await notices.notify(self._house, notice)

    # Done

    async def closed(self, call: str, seat: str, code: str) -> None:
        """Note that its agent is done with it; done twice it does no harm.

        Raises:
            StoreError: that cannot be noted at present.

        """
        store = self._house.store
        from acd.store import mails  # noqa: PLC0415 - is loaded

        await store.write(mails.close, call, self._house.dispatcher.clock(), seat, code)

    def watch(self, event: AnyEvent, commands: list[AnyCommand]) -> None:
        """Note what is over by other means: whoever closed it did not say so here, or a hand has taken it out."""
        self.endings.watch(event, commands)

    async def close(self) -> None:
        """Leave what is not noted yet: the next start finds it."""
        await self.endings.close()


def _with_message(card: Card, message: Message, sender: str) -> Card:
    is_bounce = "bounce" in message.marks
    to = next((one.address for one in message.reply_to if one.address), message.sender.address)
    new = message.new_text
    return replace(
        card,
        sender=message.sender.name or message.sender.address or sender,
        address=sender if is_bounce else to or sender,
        text=new,
        quoted="".join(one.text for one in message.passages if one.kind == "quoted").strip(),
        html=message.html,
        language=message.language,
    )


def _stands_for(found: "Found") -> Message:
    """Make a message of what did not come as one: a mail of ours that came back."""
    return Message(
        size=0,
        sender=Address(found.mail.sender),
        subject=found.message.subject,
        language=language_of(found.message.body or ""),
    )


def _tongue(message: Message) -> str:
    return message.language or "en"


def _attached(files: Sequence[Path]) -> tuple[Attachment, ...]:
    """Read what goes along.

    Raises:
        ReplyError: it cannot be read, or is too much.

    """
    found, size = [], 0
    for path in files:
        try:
            size += path.stat().st_size
            if size > ATTACHED_MOST:
                raise ReplyError(f"the files are more than {ATTACHED_MOST >> 20} MiB")
            content = path.read_bytes()
        except OSError as error:
            raise ReplyError(f"the file {path.name} cannot be read: {error.strerror}") from error
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        found.append(Attachment(name=path.name, type=kind, claimed=kind, size=len(content), content=content))
    return tuple(found)
