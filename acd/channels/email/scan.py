"""What can be told of a message that no parser may be let near: a few headers, found by eye.

It runs on the event loop, so it looks at the first 64 KiB alone, and at so many characters of each header.
"""

import re

from acd.channels.email import headers
from acd.channels.email.message import Address, Attachment, Message

SCANNED_MOST = 65_536
VALUE_MOST = 2_000
_HEADER = re.compile(rb"(?im)^(from|to|subject|message-id|return-path|auto-submitted|date)[ \t]{0,9}:([^\r\n]{0,2000})")
_FOLDED = re.compile(rb"\r?\n[ \t]([^\r\n]{0,2000})")
_END = re.compile(rb"\r?\n\r?\n")


def found(raw: bytes) -> dict[str, str]:
    """Find the first of each header that is worth it, by its name in lower case."""
    head = raw[:SCANNED_MOST]
    if end := _END.search(head):
        head = head[: end.start()]
    values: dict[str, str] = {}
    for match in _HEADER.finditer(head):
        value, at = match[2], match.end()
        while len(value) < VALUE_MOST and (more := _FOLDED.match(head, at)):
            value, at = value + b" " + more[1], more.end()
        values.setdefault(match[1].decode().lower(), value[:VALUE_MOST].decode("ascii", "surrogateescape"))
    return values


def scanned(raw: bytes, fault: str) -> Message:
    """Make a message of what could not be parsed, and why; itself is attached to it, so nothing is lost."""
    values = found(raw)
    senders = headers.addresses(values.get("from", ""))
    whole = Attachment("message.eml", "message/rfc822", "message/rfc822", len(raw), raw, is_risky=True)
    auto = values.get("auto-submitted", "no").strip().lower()
    return Message(
        size=len(raw),
        sender=senders[0] if senders else Address(""),
        senders=len(senders),
        to=headers.addresses(values.get("to", "")),
        return_path=return_path(values.get("return-path")),
        subject=headers.phrase(values.get("subject", "")),
        date_ms=headers.date_ms(values.get("date", "")),
        message_id=next(iter(headers.ids(values.get("message-id", ""))), ""),
        attachments=(whole,),
        marks=frozenset() if auto.startswith("no") else frozenset({"auto-generated"}),
        fault=fault,
    )


def return_path(value: str | None) -> str | None:
    """Read a Return-Path: the envelope's sender, "" for the null sender, None where it is not written down."""
    if value is None:
        return None
    bare = headers.plain(value).strip().removeprefix("<").removesuffix(">").strip()
    return bare if not bare or headers.is_address(bare) else None
