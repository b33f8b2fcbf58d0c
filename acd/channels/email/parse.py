"""Bytes to a `Message`. For the worker: it may take long, fail, or need more memory than there is.

The standard library's old parser splits the message, under a policy that cuts headers and with parts that count
themselves; it never looks into headers or enclosed messages. What is meant to be read is put together from sections: a
text part, or the alternatives of one. All else is an attachment, whatever it calls itself.
"""

import mimetypes
import re
from collections.abc import Iterator
from email.message import Message as Part
from email.parser import BytesParser
from email.policy import Compat32
from html import escape

from msgspec import Struct

from acd.channels.email import headers, html, language, passages, reports, scan, sniff
from acd.channels.email.message import Address, Attachment, Claim, Mark, Message
from acd.channels.email.text import file_name, lines, whole
from acd.channels.email.text import line as one_line

TEXT_MOST = 1_000_000
PARTS_MOST = 500
DEPTH_MOST = 30
HEADERS_MOST = 2_000
_ABOUT = frozenset({"message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers"})
_META = re.compile(rb"(?i)<meta[^>]{0,200}charset=[\"']?([a-z0-9_:.-]{1,40})")


class TooMuchError(Exception):
    """A message has more parts, or parts within parts, than are read."""


class _Policy(Compat32):
    """Cuts headers as they come in. Of References the end counts."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        most = headers.HEADER_MOST
        return name, value[-most:] if name.lower() == "references" else value[:most]


class _Part(Part):
    """A part that knows how deep it is, and reads its own type; an enclosed message is a file."""

    def __init__(self, policy: _Policy) -> None:
        super().__init__(policy)
        self.depth = 0
        self.all_headers: dict[str, list[str]] | None = None

    def attach(self, payload: "_Part") -> None:  # type: ignore[override]
        payload.depth = self.depth + 1
        if payload.depth > DEPTH_MOST:
            raise TooMuchError(f"parts within parts, more than {DEPTH_MOST} deep")
        super().attach(payload)

    def every(self, name: str) -> list[str]:
        """Give all values of a header as they came, by its name in lower case."""
        if self.all_headers is None:
            self.all_headers = {}
            for number, (key, value) in enumerate(self.raw_items()):
                if number < HEADERS_MOST:
                    self.all_headers.setdefault(key.lower(), []).append(str(value))
        return self.all_headers.get(name, [])

    def first(self, name: str) -> str:
        return next(iter(self.every(name)), "")

    def get_content_type(self) -> str:
        # Asked while the headers are being read, too, so nothing is kept here.
        given = next((str(value) for key, value in self.raw_items() if key.lower() == "content-type"), "")
        kind = headers.content_type(given)
        return "application/x-enclosed" if kind.startswith("message/") else kind

    def get_boundary(self, failobj: object = None) -> object:  # type: ignore[override]
        given = next((str(value) for key, value in self.raw_items() if key.lower() == "content-type"), "")
        return headers.parameters(given).get("boundary", "").rstrip() or failobj

    @property
    def kind(self) -> str:
        """Its type as it is meant."""
        kind = headers.content_type(self.first("content-type"))
        return kind if self.is_multipart() or not kind.startswith("multipart/") else "text/plain"

    def content(self) -> bytes:
        """Decode what is in it."""
        encoding = self.first("content-transfer-encoding")
        if encoding:
            self.replace_header("Content-Transfer-Encoding", encoding.partition(";")[0].strip().strip("\"'").lower())
        if encoding.strip().lower().startswith("base64"):
            payload = self._raw_payload()
            return headers.from_base64(payload)
        found = self.get_payload(decode=True)
        return found if isinstance(found, bytes) else b""

    def _raw_payload(self) -> bytes:
        self.replace_header("Content-Transfer-Encoding", "8bit")
        found = self.get_payload(decode=True)
        return found if isinstance(found, bytes) else b""


class _Section(Struct):
    """Text that is there as plain text, as HTML or as both."""

    plain: list[str]
    html: list[str]


class _Contents(Struct):
    """What the parts of a message hold."""

    sections: dict[int, _Section]
    attachments: list[Attachment]
    marks: set[Mark]
    status: bytes | None = None
    about: bytes = b""


def parse(raw: bytes) -> Message:
    """Read a message.

    Raises:
        TooMuchError: it has too many parts.
        Exception: the standard library fails on it in one of its many ways.

    """
    root = _split(raw)
    contents = _Contents({}, [], set())
    for part, section in _leaves(root):
        _take(part, section, contents)
    subject = headers.phrase(root.first("subject"))
    senders = [one for value in root.every("from")[:9] for one in headers.addresses(value)]
    sender = senders[0] if senders else Address("")
    report_type = headers.parameters(root.first("content-type")).get("report-type", "").lower()
    found = reports.marks(root.every, subject, sender.address, root.kind, report_type) | contents.marks
    text, page = _shown(list(contents.sections.values()), found)
    sorted_lines = passages.passages(text)
    new = "".join(one.text for one in sorted_lines if one.kind == "new")
    return Message(
        size=len(raw),
        sender=sender,
        senders=len(senders),
        reply_to=headers.addresses(root.first("reply-to")),
        to=tuple(one for value in root.every("to")[:9] for one in headers.addresses(value)),
        cc=tuple(one for value in root.every("cc")[:9] for one in headers.addresses(value)),
        delivered_to=tuple(_delivered_to(root)),
        return_path=scan.return_path(next(iter(root.every("return-path")), None)),
        subject=subject,
        date_ms=headers.date_ms(root.first("date")),
        message_id=next(iter(headers.ids(root.first("message-id"))), ""),
        in_reply_to=headers.ids(root.first("in-reply-to")),
        references=headers.ids(root.first("references")),
        passages=sorted_lines,
        html=page,
        attachments=tuple(contents.attachments),
        language=_language(root, new or text),
        marks=frozenset(found),
        report=reports.report(contents.status, contents.about) if contents.status is not None else None,
        loops=tuple(one_line(value, 200) for value in root.every("x-loop")[:20]),
        authentication=tuple(_claims(root)),
    )


def _split(raw: bytes) -> _Part:
    made = 0

    def new_part(policy: _Policy) -> _Part:
        nonlocal made
        made += 1
        if made > PARTS_MOST + 2:  # the parser makes one to see how it is called
            raise TooMuchError(f"more than {PARTS_MOST} parts")
        return _Part(policy)

    parser: BytesParser[_Part] = BytesParser(new_part, policy=_Policy())  # type: ignore[arg-type]
    return parser.parsebytes(raw)


def _leaves(root: _Part) -> Iterator[tuple[_Part, int]]:
    """Yield all parts that are files or texts, each with a number that alternatives of one text share."""
    waiting: list[tuple[_Part, int]] = [(root, 0)]
    number = 0
    while waiting:
        part, section = waiting.pop()
        number += 1
        payload = part.get_payload() if part.is_multipart() else None
        if isinstance(payload, list):
            shared = section or (number if part.kind == "multipart/alternative" else 0)
            waiting += [(one, shared) for one in reversed(payload) if isinstance(one, _Part)]
        else:
            yield part, section or number


def _take(part: _Part, section: int, contents: _Contents) -> None:
    kind, given = part.kind, headers.parameters(part.first("content-type"))
    placed = part.first("content-disposition")
    name = headers.parameters(f";{placed}" if "=" in placed.partition(";")[0] else placed).get("filename", "")
    name = name or given.get("name", "")
    is_attached = placed.strip().lower().startswith("attachment")
    content = part.content()
    if kind in {"text/plain", "text/html"} and not name and not is_attached:
        where = contents.sections.setdefault(section, _Section([], []))
        if kind == "text/html":
            where.html.append(_page(content, given.get("charset", ""), contents))
        else:
            text = headers.decoded(content, given.get("charset", ""))
            where.plain.append(_unflowed(text) if given.get("format", "").lower() == "flowed" else text)
        return
    if kind == "message/delivery-status" and contents.status is None:
        contents.status = content
    elif kind in _ABOUT and not contents.about:
        contents.about = content
    contents.attachments.append(_attachment(part, kind, name, content, len(contents.attachments) + 1))


def _page(content: bytes, charset: str, contents: _Contents) -> str:
    if not charset and (meta := _META.search(content[:2_000])):
        charset = meta[1].decode()
    page = headers.decoded(content, charset)
    if len(page) > html.HTML_MOST:
        contents.marks.add("cut")
    return html.safe(page)


def _attachment(part: _Part, kind: str, name: str, content: bytes, number: int) -> Attachment:
    sniffed = sniff.sniffed(content, kind)
    if kind.startswith("message/"):
        sniffed = kind
    ending = {"message/rfc822": ".eml", "text/calendar": ".ics"}.get(kind) or mimetypes.guess_extension(sniffed) or ""
    safe = file_name(name, f"attachment-{number}{ending}")
    content_id = re.search(r"[^<>\s]{1,200}", headers.plain(part.first("content-id")))
    return Attachment(
        name=safe,
        type=sniffed,
        claimed=kind,
        size=len(content),
        content=content,
        is_risky=kind.startswith("message/") or sniff.is_risky(f"{safe}.{name.rpartition('.')[2]}", sniffed, kind),
        content_id=one_line(content_id[0]) if content_id else "",
        is_inline=part.first("content-disposition").strip().lower().startswith("inline") or bool(content_id),
    )


def _shown(sections: list[_Section], found: set[Mark]) -> tuple[str, str]:
    """Give the text for reading and the page for showing."""
    texts, pages = [], []
    for one in sections:
        plain = "\n".join(text.rstrip("\r\n") for text in one.plain)
        page = "<hr>".join(one.html)
        texts.append(plain if plain.strip() else html.as_text(page))
        pages.append(page or f"<pre>{escape(lines(plain, TEXT_MOST))}</pre>" if plain.strip() or page else "")
    text = "\n\n".join(one for one in texts if one.strip())
    if len(text) > TEXT_MOST:
        found.add("cut")
    page = "<hr>".join(one for one in pages if one) if any(one.html for one in sections) else ""
    return lines(text, TEXT_MOST), page


def _unflowed(text: str) -> str:
    """Put paragraphs together that were broken for the way (RFC 3676)."""
    out: list[str] = []
    is_open = False
    for line in text.replace("\r\n", "\n").split("\n"):
        if is_open and not line.startswith(">") and line != "-- ":
            out[-1] += line.removeprefix(" ")
        else:
            out.append(line)
        is_open = line.endswith(" ") and line != "-- " and not line.startswith(">")
    return "\n".join(out)


def _delivered_to(root: _Part) -> Iterator[str]:
    for name in ("delivered-to", "x-original-to", "x-envelope-to", "envelope-to"):
        for value in root.every(name)[:9]:
            yield from (one.address for one in headers.addresses(value) if one.address)


def _claims(root: _Part) -> Iterator[Claim]:
    hops = 0
    for number, (name, value) in enumerate(root.raw_items()):
        if number >= HEADERS_MOST:
            return
        if name.lower() == "received":
            hops += 1
        elif name.lower() == "authentication-results" and hops < 10:
            yield Claim(one_line(headers.plain(str(value)), 4_000), hops)


def _language(root: _Part, text: str) -> str:
    """Tell the language: by the text where that is plain, else as the header says."""
    told = re.match(r"\s*([A-Za-z]{2})(?:[-_,;\s]|$)", root.first("content-language"))
    return language.language_of(whole(text)) or (told[1].lower() if told else "")
