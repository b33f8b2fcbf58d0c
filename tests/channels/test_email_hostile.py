"""What is known to hang, crash or fool readers of mail, tried on ours, through the process that reads."""

import asyncio
from html.parser import HTMLParser

import pytest

from acd.channels.email import compose, threads
from acd.channels.email.message import Address, Message
from acd.channels.email.parse import parse
from acd.channels.email.scan import scanned
from acd.channels.email.tags import Tags
from acd.channels.email.text import FILE_NAME_MOST
from acd.channels.email.worker import Parsers
from tests.channels.mails import HANGING, NAMES, PAGES, mail, row, with_file

TAGS = Tags([b"a secret of sixteen bytes"])
HEAD = compose.Letterhead(mailbox=Address("sales@example.com", "Sales"), tags=TAGS, loop="callfloor.example")
HEADERS = {
    *("from", "to", "reply-to", "subject", "date", "message-id", "in-reply-to", "references", "content-type"),
    *("content-transfer-encoding", "mime-version"),
}


@pytest.mark.parametrize("name", HANGING)
async def test_what_hangs_parsers_comes_back(name: str):
    """Each comes back within seconds, as a message or as what could be scanned with itself attached."""
    parsers = Parsers()
    try:
        async with asyncio.timeout(60):
            message = await parsers.parsed(HANGING[name])
    finally:
        await parsers.close()
    assert message.size == len(HANGING[name])
    if message.fault:
        assert [one.content for one in message.attachments] == [HANGING[name]]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("empty parts", "TooMuchError: more than 500 parts"),
        ("multiparts in multiparts", "TooMuchError: parts within parts, more than 30 deep"),
        ("tags in tags", ""),
        ("messages in messages", ""),
        ("encoded words in Subject", ""),
        ("quotes in To", ""),
    ],
)
async def test_limits_are_kept_before_the_killer_is_needed(name: str, fault: str):
    """Parts are counted while they are split, deep pages lose their tags: the process lives and says what it met."""
    parsers = Parsers()
    try:
        assert (await parsers.parsed(HANGING[name])).fault == fault
    finally:
        await parsers.close()


@pytest.mark.parametrize("name", [name for name in HANGING if b"jan@example.org" in HANGING[name]])
def test_the_sender_of_what_hangs_parsers_is_known(name: str):
    """Whatever else fails, who wrote is there, whether by the parser or by the scanner."""
    assert scanned(HANGING[name], "x").sender == Address("jan@example.org", "Jan")


async def test_ten_thousand_hostile_mails_in_a_row():
    """All come back, and what a person writes after them is read as ever."""
    parsers = Parsers()
    count = 0
    try:
        for raw in row(10_000):
            message = await parsers.parsed(raw)
            assert message.size == len(raw)
            count += 1
        good = await parsers.parsed(mail(body="Are you still there?"))
    finally:
        await parsers.close()
    assert count == 10_000
    assert good.new_text == "Are you still there?"


class Reader(HTMLParser):
    """Notes what a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


@pytest.mark.parametrize("page", PAGES)
def test_a_page_neither_runs_nor_fetches(page: str):
    """Of stored cross-site scripts, styles and pictures from elsewhere nothing is left in what a desk shows."""
    shown = parse(mail("Content-Type: text/html; charset=utf-8\n", f"<p>before</p>{page}")).html.lower()
    reader = Reader()
    reader.feed(shown)
    reader.close()
    assert "before" in shown
    assert not {"script", "style", "svg", "math", "iframe", "link", "meta", "base", "video", "input"} & {*reader.tags}
    assert not [name for name, _ in reader.attributes if name.startswith("on") or name in {"style", "srcset", "id"}]
    links = [value or "" for name, value in reader.attributes if name in {"href", "src"}]
    assert not [value for value in links if value.partition(":")[0] not in {"http", "https", "mailto", "tel", "cid"}]
    assert not [value for name, value in reader.attributes if name == "src" and not (value or "").startswith("cid:")]


def test_a_picture_that_came_with_the_message_is_shown():
    """`cid:` stays, as it asks nobody."""
    assert 'src="cid:x@y"' in parse(mail("Content-Type: text/html\n", "<img src='cid:x@y'>")).html


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_a_file_is_only_a_name(name: str):
    """It has no path, no control or turning sign, no device, is not hidden and not too long."""
    encoded = name.encode("utf-8", "surrogatepass")
    value = "".join(f"%{byte:02x}" for byte in encoded)
    raw = mail(f"Content-Type: application/x-y\nContent-Disposition: attachment; filename*=utf-8''{value}\n", "x")
    safe = parse(raw).attachments[0].name
    assert safe
    assert all(one.isalnum() or one in "._- ()+" or ord(one) > 127 for one in safe), safe
    assert not set(safe) & set("/\\\r\n\0%:<>|\u202e\u200b")
    assert not safe.startswith(".")
    assert safe.partition(".")[0].upper() not in {"CON", "NUL"}
    assert len(safe) <= FILE_NAME_MOST
    safe.encode()


@pytest.mark.parametrize(
    ("name", "content", "claimed"),
    [
        ("photo.jpg", b"MZ\x90\0\x03", "image/jpeg"),
        ("photo.png", b"<html><script>alert(1)</script>", "image/png"),
        ("logo.svg", b"<svg onload=alert(1)>", "image/svg+xml"),
        ("page.html", b"<p>x", "text/html"),
        ("photo.jpg", b"hello", "image/jpeg"),
        ("invoice.pdf.exe", b"x", "application/pdf"),
        ("invoice.exe.pdf", b"%PDF-1.4", "application/pdf"),
        ("run.txt", b"#!/bin/sh\nid", "text/plain"),
        ("\u202efdp.exe", b"x", "application/octet-stream"),
    ],
)
def test_a_file_that_lies_is_marked(name: str, content: bytes, claimed: str):
    """Programs, pages and wrong claims are risky, whatever they are called."""
    assert parse(with_file(name, content, claimed)).attachments[0].is_risky


@pytest.mark.parametrize(
    ("name", "content", "claimed", "kind"),
    [
        ("a.pdf", b"%PDF-1.7 x", "application/pdf", "application/pdf"),
        ("a.png", b"\x89PNG\r\n\x1a\nx", "application/octet-stream", "image/png"),
        ("a.zip", b"PK\x03\x04" + b"\0" * 26, "application/zip", "application/zip"),
        ("winmail.dat", b"\x78\x9f\x3e\x22xx", "application/ms-tnef", "application/ms-tnef"),
        ("a.csv", b"a;b\n", "text/csv", "text/csv"),
    ],
)
def test_an_honest_file_is_none_of_them(name: str, content: bytes, claimed: str, kind: str):
    """Its type is known by its bytes, and it comes as it was sent: an archive is not unpacked, TNEF left as it is."""
    found = parse(with_file(name, content, claimed)).attachments[0]
    assert (found.name, found.type, found.size, found.content, found.is_risky) == (
        name, kind, len(content), content, False
    )  # fmt: skip


def heads(raw: bytes) -> list[str]:
    head = raw.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b"")
    return [one.partition(b":")[0].decode().lower() for one in head.split(b"\r\n")]


@pytest.mark.parametrize(
    "evil",
    [
        "x\r\nBcc: evil@evil.example",
        "x\nBcc: evil@evil.example",
        "x\rBcc: evil@evil.example",
        "x\u2028Bcc: evil@evil.example",
        "x\x85Bcc: evil@evil.example",
        "=?utf-8?q?x=0D=0ABcc:_evil@evil.example?=",
        "=?utf-8?b?eA0KQmNjOiBldmlsQGV2aWwuZXhhbXBsZQ==?=",
        "x\0\r\n\r\n<script>",
        "y" * 2_000,
        "\ud800\udfff",
    ],
)
def test_no_header_gets_into_an_answer(evil: str):
    """CR, LF and encoded words in subject, name and Message-ID of what is answered begin no header in the answer."""
    message = Message(
        size=1,
        sender=Address("jan@example.org", evil),
        subject=evil,
        message_id="<a@b>",
        references=("<c@d>",),
        return_path="jan@example.org",
    )
    for mailed in (
        compose.reply(HEAD, message, 1, evil, 0, signature=evil),
        compose.notice(HEAD, compose.Draft(to=(message.sender,), subject=evil, body=evil), 1, 0),
    ):
        assert set(heads(mailed.raw)) <= HEADERS | {"auto-submitted", "x-auto-response-suppress", "x-loop"}
        assert mailed.recipients == ("jan@example.org",)
        assert max(map(len, mailed.raw.split(b"\r\n"))) <= 998
        assert b"\n" not in mailed.raw.replace(b"\r\n", b"")
        mailed.raw.decode("ascii")


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("alice@example.org)bob@evil.example", ""),
        ("alice@example.org(<bob@evil.example>", "alice@example.org"),
        ("<alice@example.org><bob@evil.example>", ""),
        ("alice@example.org <bob@evil.example>", "bob@evil.example"),
        ('"alice@example.org"bob@evil.example', ""),
        ("<@relay.example:bob@evil.example>", ""),
        ("alice@example.org@evil.example", ""),
        ('"a b"@example.org', ""),
        ("a..b@example.org", ""),
        ("a@b\0c.example", ""),
        ("undisclosed-recipients:;", ""),
        ("Jan Kowalski <jan@example.org>", "jan@example.org"),
        ("jan@example.org (Jan)", "jan@example.org"),
        ("=?utf-8?q?=3Cboss=40example.com=3E?= <evil@evil.example>", "evil@evil.example"),
    ],
)
def test_an_address_that_can_be_read_in_two_ways_is_none(value: str, address: str):
    """What answers would go to is what stands in one pair of angles, or alone (CVE-2023-27043)."""
    assert parse(mail(From=value)).sender.address == address


def test_a_second_sender_is_counted():
    """Two From headers, and two mailboxes in one, are seen."""
    assert parse(b"From: a@example.org\nFrom: b@example.org\n\nx").senders == 2
    assert parse(b"From: a@example.org, b@example.org\n\nx").senders == 2


def test_a_forged_authentication_header_says_nothing():
    """Only the uppermost header of the trusted server counts; the sender's own, below or by another name, do not."""
    raw = (
        b"Authentication-Results: mx.example.com; dkim=fail header.d=bank.example; spf=pass smtp.mailfrom=x@y.example\n"
        b"Received: from a by mx.example.com\nReceived: x\nReceived: y\n"
        b"Authentication-Results: mx.example.com; dkim=pass header.d=bank.example\n"
        b"Authentication-Results: mx.evil.example; dmarc=pass\nFrom: a@bank.example\n\nx"
    )
    found = threads.authentication(parse(raw), ["mx.example.com"])
    assert [(one.method, one.result, one.about) for one in found] == [
        ("dkim", "fail", "header.d=bank.example"),
        ("spf", "pass", "smtp.mailfrom=x@y.example"),
    ]
    forged = raw.partition(b"\n")[2]
    assert threads.authentication(parse(forged), ["mx.example.com"]) == ()
    assert threads.authentication(parse(raw), ["mx.other.example"]) == ()


def test_a_thousand_absences_are_not_answered():
    """Out-of-office replies with ever new subjects are recognised, and from some number on a loop."""
    gate = threads.Gate(TAGS, ["sales@example.com"], HEAD.loop, hourly_most=30)
    courtesy = compose.Courtesy()
    natures = []
    for number in range(1_000):
        raw = mail("Auto-Submitted: auto-replied\n", Subject=f"Out of office {number}", Return_Path="<jan@example.org>")
        message = parse(raw)
        natures.append(gate.nature(message, number * 1_000))
        assert courtesy.refuses(message, natures[-1], number * 1_000)
    assert natures == ["out-of-office"] * 30 + ["loop"] * 970


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated (vacation)",
        "Precedence: bulk",
        "Precedence: list",
        "Precedence: auto_reply",
        "List-Id: <l.example>",
        "List-Unsubscribe: <mailto:x@y.example>",
        "X-Autoreply: yes",
        "X-Autorespond: x",
        "X-Auto-Response-Suppress: DR, OOF, AutoReply",
        "X-Loop: callfloor.example",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x",
        "X-Failed-Recipients: a@b.example",
    ],
)
def test_no_machine_is_answered_by_a_machine(header: str):
    """None of the marks that machines and lists leave is followed by an acknowledgement."""
    gate = threads.Gate(TAGS, ["sales@example.com"], HEAD.loop)
    message = parse(mail(f"{header}\n", Return_Path="<jan@example.org>"))
    assert compose.Courtesy().refuses(message, gate.nature(message, 0), 0)


@pytest.mark.parametrize("path", ["<>", "<mailer-daemon@x.example>", "<noreply@x.example>", "<list-bounces@x.example>"])
def test_nobody_and_the_null_sender_are_not_answered(path: str):
    """The envelope's sender decides, not what From says."""
    gate = threads.Gate(TAGS, ["sales@example.com"], HEAD.loop)
    message = parse(mail(Return_Path=path))
    assert compose.Courtesy().refuses(message, gate.nature(message, 0), 0)


def test_two_of_our_queues_do_not_answer_each_other():
    """What one of our own addresses sent, tagged or not, is a loop."""
    gate = threads.Gate(TAGS, ["sales@example.com", "care@example.com"], HEAD.loop)
    first = compose.acknowledgement(HEAD, parse(mail(Return_Path="<care@example.com>")), 1, ("", "We have it"), 0)
    assert first.envelope_from == ""
    assert gate.nature(parse(first.raw), 0) == "loop"
    assert gate.nature(parse(mail(From=TAGS.address("care@example.com", 5))), 0) == "loop"


def test_one_sender_is_answered_once_a_day():
    """A second message within the period is not acknowledged, one after it is."""
    courtesy = compose.Courtesy()
    message = parse(mail(Return_Path="<jan@example.org>"))
    assert courtesy.refuses(message, "person", 0) == ""
    assert courtesy.refuses(message, "person", 1_000)
    assert courtesy.refuses(message, "person", 24 * threads.HOUR_MS) == ""


@pytest.mark.parametrize(
    "shown", ["\u202eevil", "a\r\nb", "a\u2028b", "a\x00b", "\x1b[31mred", "a\u200bb", "Z" + "\u0301" * 900]
)
def test_names_and_subjects_are_one_harmless_line(shown: str):
    """Turning and hidden signs, breaks, escapes and piled accents are gone from what is shown."""
    value = "".join(f"={byte:02X}" for byte in shown.encode())
    message = parse(mail(Subject=f"=?utf-8?q?{value}?=", From=f"=?utf-8?q?{value}?= <a@b.example>"))
    for text in (message.subject, message.sender.name):
        assert text.isprintable()
        assert len(text) <= 10
