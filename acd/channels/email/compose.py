"""Mails of ours: answers, acknowledgements, notices. Bytes to be sent, and the envelope they go in.

Headers are made from checked parts: addresses that `headers.is_address` takes, text of one line (`text.line`) in which
no encoded word is left to be read, Message-IDs as such. So nothing in them can begin a header of its own; what Python's
policies do when they fold is no part of that (CVE-2024-6923).
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email import headerregistry
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Literal

from msgspec import Struct

from acd.channels.email.headers import is_address
from acd.channels.email.message import Address, Attachment, Message
from acd.channels.email.tags import Tags
from acd.channels.email.text import file_name, line, lines
from acd.channels.email.threads import HOUR_MS, Nature, Pace

RECIPIENTS_MOST = 50
REFERENCES_MOST = 20
QUOTED_LINES_MOST = 300
SUBJECT_MOST = 250

_RE = re.compile(r"(?i)(?:(?:re|aw|odp|sv|antw|ynt|res|rif|回复|답장)(?:\[[0-9]+\])?\s*:\s*)+")
_TYPE = re.compile(r"[a-z]{1,30}/[a-z0-9.+-]{1,90}")
_NOBODY = re.compile(
    r"(?i)(?:.*no-?_?\.?reply.*|do-?not-?reply.*|mailer-daemon|postmaster|owner-.*|.*-(?:request|owner|bounces?)"
    r"|bounces?(?:[+-].*)?|listserv|majordomo)@.*"
)
_WROTE = {
    "en": "On {day}, {name} wrote:",
    "pl": "Dnia {day} {name} napisał(a):",
    "de": "Am {day} schrieb {name}:",
    "fr": "Le {day}, {name} a écrit :",
    "es": "El {day}, {name} escribió:",
    "it": "Il {day} {name} ha scritto:",
    "nl": "Op {day} schreef {name}:",
    "pt": "Em {day}, {name} escreveu:",
    "uk": "{day} {name} пише:",
    "ru": "{day} {name} пишет:",
}
"""By these words `passages` knows what is quoted, when it comes back."""


class _Policy(EmailPolicy):
    """Writes Message-IDs as they are, a line each: Python would make encoded words of long ones, which name nothing."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() in {"message-id", "in-reply-to", "references"}:
            folded = "\r\n ".join(str(value).split())
            return f"{name}: {folded}\r\n".encode("ascii")
        return super().fold_binary(name, value)


class Letterhead(Struct, frozen=True, kw_only=True):
    """Who writes."""

    mailbox: Address
    """What stands in From; answers go to the same with a tag."""
    tags: Tags
    loop: str
    """What X-Loop says; see `threads.Gate`."""


class Outgoing(Struct, frozen=True, kw_only=True):
    """A mail that is ready to be sent."""

    message_id: str
    envelope_from: str
    """Empty for the null sender."""
    recipients: tuple[str, ...]
    raw: bytes
    """With CRLF; no line longer than 998 bytes."""
    needs_smtputf8: bool
    """Whether servers must know RFC 6531 for it."""


class Draft(Struct, frozen=True, kw_only=True):
    """What is to be said."""

    to: tuple[Address, ...]
    subject: str
    body: str
    cc: tuple[Address, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    answers: Message | None = None
    """What it answers: for its thread."""
    invitation: tuple[str, str] | None = None
    """An iTIP method and the calendar; see `invitation`."""


class Courtesy:
    """Decides which messages are acknowledged (RFC 3834, 2): no machine's, and of one sender one in a period.

    Args:
        period_ms: that period.

    """

    def __init__(self, period_ms: int = 24 * HOUR_MS) -> None:
        self._pace = Pace(1, period_ms)

    def refuses(self, message: Message, nature: Nature, at: int) -> str:
        """Say why a message that came now (ms) is not acknowledged; empty if it is, and then it counts."""
        reason = reason_against(message, nature)
        if not reason and not self._pace.allows((message.return_path or "").lower(), at):
            return "its sender had an acknowledgement already"
        return reason


def reason_against(message: Message, nature: Nature) -> str:
    """Say why no machine may answer a message; empty if one may."""
    if message.fault:
        return "it could not be read"
    if nature != "person" or message.marks & {"no-auto-reply", "list", "bulk", "auto-replied", "auto-generated"}:
        return "no person wrote it to us alone, or who did wants no such answer"
    if not message.return_path:
        return "it has the null sender" if message.return_path == "" else "its envelope's sender is not known"
    if _NOBODY.fullmatch(message.return_path) or _NOBODY.fullmatch(message.sender.address):
        return "nobody reads what is sent there"
    return ""


def acknowledgement(head: Letterhead, message: Message, case: int, said: tuple[str, str], at: int) -> Outgoing:
    """Say that a message came in, to the envelope's sender, from the null sender.

    Args:
        head: who says so.
        message: what came in.
        case: to which it belongs.
        said: subject, which may be empty, and body: see `templates.Template.filled`.
        at: now, ms.

    Raises:
        ValueError: `Courtesy` would have refused.

    """
    if not message.return_path:
        raise ValueError("a message without an envelope's sender is not acknowledged")
    subject, body = said
    to = (Address(message.return_path, message.sender.name),)
    draft = Draft(to=to, subject=subject or answer_subject(message.subject), body=body, answers=message)
    return _made(head, draft, case, at, "auto-replied")


def notice(head: Letterhead, draft: Draft, case: int, at: int) -> Outgoing:
    """Say something that nobody asked just now: a reminder, an invitation, instructions."""
    return _made(head, draft, case, at, "auto-generated")


def reply(
    head: Letterhead, message: Message, case: int, body: str, at: int, *, signature: str = "", language: str = "en"
) -> Outgoing:
    """Answer a message as an agent, with the signature and what is answered below; see `replied` for more."""
    return send(head, replied(message, body, signature=signature, language=language), case, at)


def send(head: Letterhead, draft: Draft, case: int, at: int) -> Outgoing:
    """Say something as an agent.

    Raises:
        ValueError: there is nobody to whom it could go.

    """
    return _made(head, draft, case, at, "")


def replied(message: Message, body: str, *, signature: str = "", language: str = "en") -> Draft:
    """Draft an answer: to Reply-To or the sender, about the same, in the same thread."""
    to = tuple(one for one in message.reply_to if one.address) or (message.sender,)
    parts = [lines(body).strip("\n")]
    if signature.strip():
        parts.append(f"-- \n{lines(signature).strip(chr(10))}")
    if quoted := quote(message, language):
        parts.append(quoted)
    return Draft(to=to, subject=answer_subject(message.subject), body="\n\n".join(parts), answers=message)


def answer_subject(subject: str) -> str:
    """Give the subject of an answer: one `Re:`, however many there were."""
    return f"Re: {_RE.sub('', line(subject), count=1) if _RE.match(line(subject)) else line(subject)}".strip()


def quote(message: Message, language: str) -> str:
    """Quote what the author of a message wrote anew; empty if that is nothing."""
    kept = message.new_text.split("\n")
    if not any(kept):
        return ""
    name = line(message.sender.name or message.sender.address or "?", 80)
    day = f"{datetime.fromtimestamp(message.date_ms / 1000, UTC):%Y-%m-%d}" if message.date_ms is not None else "?"
    quoted = [f"> {one}" if one else ">" for one in kept[:QUOTED_LINES_MOST]]
    rest = ["> [...]"] if len(kept) > QUOTED_LINES_MOST else []
    return "\n".join([_WROTE.get(language, _WROTE["en"]).format(day=day, name=name), *quoted, *rest])


def _made(
    head: Letterhead, draft: Draft, case: int, at: int, auto: Literal["", "auto-replied", "auto-generated"]
) -> Outgoing:
    to, cc = _reachable(draft.to), _reachable(draft.cc)
    if not to:
        raise ValueError("there is nobody to whom it could go")
    answers_to = Address(head.tags.address(head.mailbox.address, case), head.mailbox.name)
    everybody = [_for_wire(one.address) for one in (head.mailbox, answers_to, *to, *cc)]
    needs_utf8 = not all(map(str.isascii, everybody))
    mail = EmailMessage(_Policy(linesep="\r\n", utf8=needs_utf8, cte_type="7bit"))
    message_id = head.tags.message_id(everybody[0].rpartition("@")[2], case)
    mail["From"] = _named(head.mailbox)
    mail["To"] = [_named(one) for one in to]
    if cc:
        mail["Cc"] = [_named(one) for one in cc]
    mail["Reply-To"] = _named(answers_to)
    mail["Subject"] = _unencoded(line(draft.subject, SUBJECT_MOST))
    mail["Date"] = datetime.fromtimestamp(at // 1000, UTC)
    mail["Message-ID"] = message_id
    _thread(mail, draft.answers)
    if auto:
        mail["Auto-Submitted"] = auto
        mail["X-Auto-Response-Suppress"] = "All"
        mail["X-Loop"] = _unencoded(line(head.loop, 100))
    _fill(mail, draft)
    return Outgoing(
        message_id=message_id,
        envelope_from="" if auto == "auto-replied" else everybody[1],
        recipients=tuple(dict.fromkeys(everybody[2:])),
        raw=mail.as_bytes(),
        needs_smtputf8=needs_utf8,
    )


def _reachable(addresses: Sequence[Address]) -> list[Address]:
    kept = {one.address.lower(): one for one in addresses if is_address(one.address) and _for_wire(one.address)}
    return list(kept.values())[:RECIPIENTS_MOST]


def _for_wire(address: str) -> str:
    """Give an address with its domain in ASCII (IDNA); empty if that cannot be."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode()}"
    except UnicodeError:
        return ""


def _named(one: Address) -> headerregistry.Address:
    local, _, domain = _for_wire(one.address).rpartition("@")
    return headerregistry.Address(_unencoded(line(one.name, 100)), local, domain)


def _unencoded(text: str) -> str:
    """Break what a reader would take for an encoded word: Python reads them in values that are set."""
    return text.replace("=?", "= ?")


def _thread(mail: EmailMessage, answered: Message | None) -> None:
    if answered is None or not answered.message_id.isascii() or not answered.message_id:
        return
    before = [one for one in answered.references or answered.in_reply_to[:1] if one.isascii()]
    before = [one for one in before if one != answered.message_id]
    kept = [*before[:1], *before[1:][-REFERENCES_MOST:], answered.message_id]  # the first one is the thread's name
    mail["In-Reply-To"] = answered.message_id
    mail["References"] = " ".join(kept)


def _fill(mail: EmailMessage, draft: Draft) -> None:
    body = lines(draft.body).rstrip("\n")
    mail.set_content(f"{body}\n", charset="utf-8")
    if draft.invitation:
        method, calendar = draft.invitation
        mail.add_alternative(calendar, subtype="calendar", charset="utf-8", params={"method": line(method, 20)})
    for one in draft.attachments:
        kind = one.type if _TYPE.fullmatch(one.type) and not one.type.startswith("message/") else ""
        maintype, _, subtype = (kind or "application/octet-stream").partition("/")
        name = file_name(one.name, "attachment")
        mail.add_attachment(one.content, maintype=maintype, subtype=subtype, filename=name)
