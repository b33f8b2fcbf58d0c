"""Mails that nobody asked for just now: instructions, reminders, invitations. Each is stored once, then sent."""

import asyncio
from typing import TYPE_CHECKING

from acd.channels.contact import Notice, ReplyError
from acd.channels.email import compose
from acd.channels.email.intake import MEDIUM
from acd.channels.email.intake import House as IntakeHouse
from acd.channels.email.message import Address, Message
from acd.mailboxes import MailboxSettings

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from acd.store.files import Files
    from acd.store.mails import Post


async def notify(house: IntakeHouse, notice: Notice) -> None:
    """Have a notice sent; `acd.ports.Channel.notify`."""
    mailbox = _mailbox(house, notice.queue)
    subject, body = _words(house, notice)
    if not body.strip() and notice.calendar is None:
        raise ReplyError("there is nothing in it")
    store, at = house.store, house.dispatcher.clock()
    from acd.store import mails, timeline  # noqa: PLC0415 - is loaded

    contact = timeline.Contact(
        key=notice.key,
        medium=MEDIUM,
        direction="out",
        at=at,
        person=notice.person,
        case=notice.case,
        queue=notice.queue,
        subject=subject,
        ended_at=at,
        outcome="automatic",
    )
    made, case, is_said = await store.write(mails.begin_notice, contact)
    if is_said:
        return
    draft = compose.Draft(to=(Address(notice.to, notice.name),), subject=subject, body=body, invitation=notice.calendar)
    try:
        mail = await asyncio.to_thread(compose.notice, house.office.letterhead(mailbox), draft, case, at)
    except ValueError as error:
        raise ReplyError(str(error)) from None
    post = await asyncio.to_thread(_post, house.files, mailbox, mail, draft, at)
    await store.write(mails.put_notice, made, notice.key, post)
    house.has_post()


def _mailbox(house: IntakeHouse, queue: str) -> MailboxSettings:
    mailboxes = list(house.office.mailboxes.values())
    if not mailboxes:
        raise ReplyError("there is no mailbox to write from")
    return next((one for one in mailboxes if one.queue == queue), mailboxes[0])


def _words(house: IntakeHouse, notice: Notice) -> tuple[str, str]:
    """Give subject and body: what the site has ready, and what is said besides."""
    office = house.office
    if not notice.choice:
        return notice.subject, notice.text
    template = office.templates.find(notice.choice, notice.queue, office.language(notice.language))
    if template is None and notice.text:
        return notice.subject, notice.text
    if template is None:
        raise ReplyError(f"there is no reply '{notice.choice}'")
    about = Message(size=0, sender=Address(notice.to, notice.name), subject=notice.subject, language=notice.language)
    subject, body = office.filled(template, about, notice.queue, notice.case or 0, **notice.values)
    return subject or notice.subject, body


def _post(files: "Files", mailbox: MailboxSettings, made: compose.Outgoing, draft: compose.Draft, at: int) -> "Post":
    from acd.store import mails  # noqa: PLC0415 - is loaded

    return mails.Post(
        ref=made.message_id,
        mailbox=mailbox.section,
        at=at,
        sender=made.envelope_from,
        recipients=made.recipients,
        needs_smtputf8=made.needs_smtputf8,
        subject=draft.subject,
        body=draft.body,
        raw=files.keep(made.raw, inside_most=-1),
    )
