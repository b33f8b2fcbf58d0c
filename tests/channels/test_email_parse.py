"""What is read of honest and of broken mails."""

import base64
import unicodedata
from email.message import EmailMessage

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.channels.email import headers, html
from acd.channels.email.language import language_of
from acd.channels.email.message import Address
from acd.channels.email.parse import TooMuchError, parse
from acd.channels.email.passages import passages
from acd.channels.email.scan import scanned
from acd.channels.email.text import file_name, line, lines
from tests.channels.mails import mail

TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def raw_text(charset: str, body: bytes, encoding: str = "8bit") -> bytes:
    head = (
        f'From: a@b.example\nContent-Type: text/plain; charset="{charset}"\nContent-Transfer-Encoding: {encoding}\n\n'
    )
    return head.encode() + body


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("utf-8", "utf-8", "Zażółć gęślą jaźń"),
        ("iso-8859-2", "iso-8859-2", "Zażółć gęślą jaźń"),
        ("windows-1250", "cp1250", "Zażółć gęślą jaźń"),
        ("us-ascii", "utf-8", "Zażółć"),
        ("iso-8859-1", "cp1252", "“quoted” 5 €"),
        ("x-unknown", "utf-8", "Zażółć"),
        ("x-unknown", "cp1252", "naïve"),
        ("", "utf-8", "Zażółć"),
        ("gb2312", "gb18030", "你好世界"),
        ("big5", "big5", "你好"),
        ("iso-2022-jp", "iso-2022-jp", "こんにちは"),
        ("shift_jis", "cp932", "こんにちは①"),
        ("ks_c_5601-1987", "cp949", "안녕하세요"),
        ("koi8-r", "koi8-r", "Привет"),
        ("utf-7", "utf-7", "Zażółć"),
        ("utf-16", "utf-16", "Zażółć"),
        ("windows-874", "cp874", "สวัสดี"),
        ("'utf-8'", "utf-8", "Zażółć"),
        ("UTF8MB4", "utf-8", "😀"),
    ],
)
def test_charsets_of_every_kind_are_read(charset, codec, text):
    """A text is what was written, also where the charset is a superset of what it says, wrong, or missing."""
    assert parse(raw_text(charset, text.encode(codec))).text == text
    assert parse(raw_text(charset, base64.encodebytes(text.encode(codec)), "base64")).text == text


@pytest.mark.parametrize(
    "raw", [b"Message-ID: <\xdc\x9a@x>", b"Return-Path: <\xdc@x>", b"References: <\xff@x>", b"X-Loop: \xff"]
)
def test_bytes_that_are_no_text_leave_no_half_characters(raw):
    """What is read of raw bytes can be stored and sent as UTF-8."""
    msgspec.msgpack.encode((parse(raw + b"\n\nx"), scanned(raw + b"\n\nx", "y")))
    half = parse(mail("Content-Type: text/plain; charset=\"utf-7\"; name*=utf-7''+2AA-\n", "+2AA-"))
    msgspec.msgpack.encode(half)


def test_html_alone_becomes_text_and_both_are_one():
    """Of alternatives the plain one is read and the page shown; a page alone is read as text."""
    both = EmailMessage()
    both.set_content("plain\n")
    both.add_alternative("<p>page <b>one</b></p>", subtype="html")
    message = parse(both.as_bytes())
    assert (message.text.strip(), message.html.strip()) == ("plain", "<p>page <b>one</b></p>")
    page = (
        "<style>p {color: red}</style><p>Dear &lt;all&gt;,<br>see <a href='https://a.example/x'>here</a></p>"
        "<ul><li>one<li>two</ul><blockquote>old<p>older</blockquote><pre>a\n  b</pre>"
    )
    alone = parse(mail("Content-Type: text/html\n", page))
    assert alone.text == ("Dear <all>,\nsee here <https://a.example/x>\n\n- one\n- two\n> old\n> older\n\na\n  b\n")
    assert [one.kind for one in alone.passages] == ["new", "quoted", "new"]


def test_texts_beside_each_other_are_all_read():
    """Two inline texts and a page behind them are read in order; alternatives within are not read twice."""
    parts = "--x\n\none\n--x\nContent-Type: text/html\n\n<p>two\n--x\nContent-Disposition: inline\n\nthree\n--x--\n"
    message = parse(mail("Content-Type: multipart/mixed; boundary=x\n", parts))
    assert message.text.split() == ["one", "two", "three"]
    assert message.attachments == ()


def test_a_calendar_and_an_enclosed_message_are_kept_as_they_came():
    """An invitation is a file named so, an enclosed message keeps its bytes and is not read."""
    inner = "Subject: inner\n\n" + "deep " * 20 + "\n"
    parts = (
        "--x\nContent-Type: text/plain\n\nhello\n--x\nContent-Type: text/calendar; method=REQUEST\n\n"
        f"BEGIN:VCALENDAR\nEND:VCALENDAR\n--x\nContent-Type: message/rfc822\n\n{inner}--x--\n"
    )
    message = parse(mail("Content-Type: multipart/mixed; boundary=x\n", parts))
    calendar, enclosed = message.attachments
    assert (calendar.name, calendar.type) == ("attachment-1.ics", "text/calendar")
    assert (enclosed.name, enclosed.type) == ("attachment-2.eml", "message/rfc822")
    assert enclosed.content.decode() == inner.removesuffix("\n")
    assert message.text.strip() == "hello"


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ('filename="plain.pdf"', "plain.pdf"),
        ("filename=plain.pdf", "plain.pdf"),
        ("filename*=UTF-8''%C5%BC%C3%B3%C5%82w.pdf", "żółw.pdf"),
        ("filename*0*=iso-8859-2''%BF%F3; filename*1=\"lw.pdf\"", "żólw.pdf"),
        ('filename="=?utf-8?b?xbzDs8WCdy5wZGY=?="', "żółw.pdf"),
        ('filename="=?utf-8?q?=C5=BC?= =?utf-8?q?=C3=B3=C5=82w.pdf?="', "żółw.pdf"),
        ('filename="żółw.pdf"', "żółw.pdf"),
        ('filename="a;b=c.pdf"', "a_b_c.pdf"),
        ('filename="a\\"b.pdf"', "a_b.pdf"),
        ("filename*1=b.pdf; filename*0=a", "ab.pdf"),
        ("filename*=nonsense''%zz.pdf", "_zz.pdf"),
        ("filename*=utf-8'%zz; filename*3=x", "utf-8__zz"),
        ('filename="unclosed.pdf', "unclosed.pdf"),
    ],
)
def test_names_of_files_are_read_in_all_spellings(parameter, name):
    """RFC 2231 in pieces and out of order, RFC 2047 where it must not be, raw bytes, and rubbish."""
    message = parse(mail(f"Content-Type: application/pdf\nContent-Disposition: attachment; {parameter}\n", "%PDF-"))
    assert message.attachments[0].name == name


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        ("=?utf-8?q?za=C5=BC?= =?utf-8?q?=C3=B3=C5=82=C4=87?=", "zażółć"),
        ("=?utf-8?b?xbw=?=\n =?utf-8?b?w7PFgg==?= x", "żół x"),
        ("=?utf-8?b?xb?= =?utf-8?b?w?=", line("\ufffd\ufffd")),
        ("=?iso-8859-2?q?=BF?= =?utf-8?q?=C3=B3?=", "żó"),
        ("=?utf-8*pl?q?x?=", "x"),
        ("=?nonsense?q?x=41?=", "xA"),
        ("a =?utf-8?q?b?= c", "a b c"),
        ("=?utf-8?x?b?=", "=?utf-8?x?b?="),
        ("=?utf-8?q?unclosed", "=?utf-8?q?unclosed"),
        ("żółć", "żółć"),
        ("tab\there", "tab here"),
        ("=?utf-8?q?a=0Ab?=", "a b"),
    ],
)
def test_words_are_decoded_as_far_as_they_are_some(value, subject):
    """Characters parted between words are joined; what is no encoded word stays."""
    if "xb?" in value:
        assert "xb" not in parse(mail(Subject=value)).subject
    else:
        assert parse(mail(Subject=value)).subject == subject


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Hi\n\nOn Mon, 1 Jan 2026, Jan wrote:\n> old\n> older\n", ["new", "quoted"]),
        ("> q1\nanswer 1\n> q2\nanswer 2\n-- \nme\n", ["quoted", "new", "quoted", "new", "signature"]),
        ("Hallo\n\nAm 1.1.2026 um 10:00 schrieb Jan\n<jan@example.org>:\n\n> alt\n", ["new", "quoted"]),
        ("Hi\n\n-----Original Message-----\nFrom: x\nall of this\n", ["new", "quoted"]),
        ("Cześć\n\nOd: Jan\nWysłano: dziś\nDo: ja\nTemat: x\n\nstare\n", ["new", "quoted"]),
        ("Hi\n-- \nJan\n+48 123\n", ["new", "signature"]),
        ("nothing to fold\n", ["new"]),
        ("", []),
    ],
)
def test_what_is_quoted_and_signed_is_folded(text, kinds):
    """New text, quotation and signature are told apart, in the order in which they stand."""
    assert [one.kind for one in passages(text)] == kinds


@pytest.mark.parametrize("gap", ["", "\n", "\n\n"])
@pytest.mark.parametrize(
    "wrote", ["On Mon, Jan wrote:", "Am 1.1. schrieb Jan\n<jan@example.org>:", "Le 1er, Jan a écrit :"]
)
def test_who_wrote_is_quoted_with_it(wrote, gap):
    """The line that names the author, broken or not, near or not, is folded with what he wrote."""
    text = f"Hi\n{wrote}\n{gap}> old\n"
    assert [(one.kind, one.text) for one in passages(text)] == [("new", "Hi\n"), ("quoted", text.removeprefix("Hi\n"))]


@given(st.lists(st.sampled_from(["x", ">", "> y", "-- ", "A wrote:", "", "From: a", "To: b", "Date: c"]), max_size=30))
def test_passages_together_are_the_text(parts):
    """Folding loses nothing and adds nothing."""
    text = "\n".join(parts)
    assert "".join(one.text for one in passages(text)) == text


@given(st.text())
def test_any_text_survives_as_passages(text):
    """Not a character of any text is lost by sorting its lines."""
    assert "".join(one.text for one in passages(text)) == text


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Dear all, I have not got the invoice for my order. Please can you send it to me?", "en"),
        ("Dzień dobry, proszę o fakturę do zamówienia, które nie jest jeszcze w systemie.", "pl"),
        ("Guten Tag, ich habe die Rechnung nicht bekommen, bitte schicken Sie sie mir zu.", "de"),
        ("Bonjour, je ne vois pas la facture dans mon compte, merci de me l'envoyer pour demain.", "fr"),
        ("Buenos días, no tengo la factura de mi pedido y por eso no puedo pagar, gracias.", "es"),
        ("Здравствуйте, я не получил счёт на мой заказ, пришлите мне, пожалуйста.", "ru"),
        ("Добрий день, я не отримав рахунок та не знаю, що це за замовлення.", "uk"),
        ("こんにちは、請求書を送ってください。", "ja"),
        ("你好请把发票寄给我谢谢。", "zh"),
        ("ok", ""),
        ("123 456", ""),
        ("", ""),
    ],
)
def test_a_language_is_told_where_it_is_plain(text, language):
    """Small words and scripts tell; a few words of anything do not."""
    assert language_of(text) == language


def test_the_header_tells_the_language_where_the_text_does_not():
    """Content-Language is believed of a short text."""
    assert parse(mail("Content-Language: pl-PL\n", "ok")).language == "pl"


def test_the_rest_of_the_head_is_read():
    """Thread, date, recipients, envelope and loop marks come as they are."""
    raw = mail(
        "To: A <a@b.example>, Group: c@d.example, e@f.example;\nCc: g@h.example\nReply-To: r@s.example\n"
        "In-Reply-To: <x@y> (noise)\nReferences: <u@v>\n <x@y>\nDate: Mon, 30 Nov 2026 10:00:00 +0100\n"
        "Return-Path: <jan@example.org>\nDelivered-To: sales+1@example.com\nX-Loop: other.example\n"
    )
    message = parse(raw)
    assert message.to == (Address("a@b.example", "A"), Address("c@d.example"), Address("e@f.example"))
    assert message.cc == (Address("g@h.example"),)
    assert message.reply_to == (Address("r@s.example"),)
    assert message.in_reply_to == ("<x@y>",)
    assert message.references == ("<u@v>", "<x@y>")
    assert message.date_ms == 1_796_029_200_000
    assert message.return_path == "jan@example.org"
    assert message.delivered_to == ("sales+1@example.com",)
    assert message.loops == ("other.example",)


def test_paragraphs_that_were_broken_for_the_way_are_whole():
    """format=flowed is joined, the signature's dashes and quotations are left alone."""
    message = parse(mail("Content-Type: text/plain; format=flowed\n", "one \ntwo\n> q \n> r\n-- \nme\n"))
    assert message.text.startswith("one two\n> q \n> r\n-- \nme")


@given(st.binary(max_size=3_000))
@settings(max_examples=300)
def test_no_bytes_raise_but_too_many_parts(raw):
    """The parser takes anything; so does the scanner."""
    try:
        message = parse(raw)
    except TooMuchError:
        message = scanned(raw, "x")
    assert message.size == len(raw)
    assert scanned(raw, "x").attachments[0].content == raw
    msgspec.msgpack.encode((message, scanned(raw, "x")))


_SIGNS = "=?utf-8bq<>@()\"\\;:*'%01a \t\u017c\xf3+2-7"
_HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "References", "Content-Type", "Content-Disposition"]


@given(
    st.lists(
        st.tuples(st.sampled_from(_HEADERS), st.text(alphabet="=?utf-8bq<>@()\"\\;:*'%01a \t\u017c", max_size=80))
    ),
    st.text(alphabet="-x\n a=<>&", max_size=200),
)
@settings(max_examples=300)
def test_no_head_raises(head, body):
    """Headers made of the signs that mean something in them are read, and what is shown of them is harmless."""
    raw = "".join(f"{name}: {value}\n" for name, value in head).encode("latin-1", "replace") + b"\n" + body.encode()
    message = parse(raw)
    msgspec.msgpack.encode((message, scanned(raw, "x")))
    for shown in (message.subject, message.sender.name, *(one.name for one in message.attachments)):
        assert shown.isprintable()
    for one in (*message.to, message.sender):
        assert not one.address or headers.is_address(one.address)


@given(st.text())
def test_shown_text_is_harmless_and_stays_so(text):
    """One line is one line without controls and signs that turn it, and cleaning twice changes nothing."""
    assert not {unicodedata.category(one) for one in line(text)} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(one) for one in line(text) + lines(text)} & TURNING
    assert line(line(text)) == line(text)
    assert not {one for one in lines(text) if unicodedata.category(one) == "Cc"} - {"\n", "\t"}
    assert lines(lines(text)) == lines(text)


@given(st.text())
def test_a_name_of_a_file_stays_one(text):
    """Whatever it was, it is a name, and making it safe twice changes nothing."""
    name = file_name(text, "attachment")
    assert name
    assert "/" not in name
    assert file_name(name, "x") == name


@given(st.text(alphabet="<>/&;'\"=ab pdivscrt!-[]\n", max_size=300))
def test_pages_are_clean_after_one_cleaning(page):
    """What was cleaned is clean, and can be read as text."""
    clean = html.safe(page)
    assert "<script" not in clean
    assert html.safe(clean) == clean
    html.as_text(clean)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60))
def test_a_subject_survives_the_way(subject):
    """What Python encodes for a header is read as the same, as far as it may be shown."""
    made = EmailMessage()
    made["Subject"] = subject.replace("=?", "")
    made.set_content("x")
    assert parse(made.as_bytes()).subject.replace(" ", "") == line(str(made["Subject"])).replace(" ", "")
