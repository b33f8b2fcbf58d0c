"""Texts without a network: alphabets, cutting and joining, receipts, wishes, addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.channels.sms import addresses, alphabet, receipts
from acd.channels.sms.addresses import Address
from acd.channels.sms.alphabet import coding_of, decoded, encoded, from_gsm, from_ucs2
from acd.channels.sms.parts import OCTETS, Place, cut, header, joined, place, split_header
from acd.channels.sms.wishes import STOP, wish_of

GSM = [char for char in map(chr, range(0x2FFF)) if coding_of(char) == "gsm"]
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=400)


def test_the_alphabet_of_gsm():
    """It has 127 characters and ten more behind an escape; the octets are those of the standard."""
    assert len(GSM) == 137
    told = {"@": "00", "£": "01", "Δ": "10", "_": "11", "¡": "40", "¿": "60", "à": "7f", "Ç": "09", "ç": None}
    told |= {"€": "1b65", "[": "1b3c", "\\": "1b2f", "]": "1b3e", "^": "1b14", "{": "1b28", "|": "1b40"}
    told |= {"}": "1b29", "~": "1b3d", "\f": "1b0a", "¤": "24", "$": "02", "É": "1f", "Æ": "1c", "Ø": "0b"}
    for char, octets in told.items():
        assert (encoded(char, "gsm").hex() if octets else coding_of(char)) == (octets or "ucs2")


@given(st.text(st.sampled_from(GSM)))
def test_gsm_there_and_back(text):
    """What is of the alphabet comes back as it was."""
    assert from_gsm(encoded(text, coding_of(text))) == text


@given(st.binary(max_size=200), st.integers(0, 255), st.sampled_from(["gsm", "latin1", "utf8"]))
def test_any_octets_are_a_text(octets, coding, default):
    """Nothing that comes in fails, and all of it can be stored."""
    text, _ = decoded(octets, coding, default)
    text.encode("utf-8")


def test_what_codings_mean():
    """Message classes tell their alphabet; what is not sure says so."""
    assert decoded(b"a\x1be", 0) == ("a€", True)
    assert decoded(b"\x1b", 0) == (" ", True)  # an escape at the end
    assert decoded(b"\x1b\x1b\x1ba", 0) == (" a", True)
    assert decoded(b"\x80", 0) == ("\ufffd", True)
    assert decoded("ż".encode("utf-16-be"), 8) == ("ż", True)
    assert decoded(b"\x01", 8) == ("\ufffd", False)  # an odd length
    assert decoded(b"\x00", 0xF0) == ("@", True)
    assert decoded("ż".encode("utf-16-be"), 0x18) == ("ż", True)
    assert decoded(b"a@b", 1) == ("a@b", True)
    assert decoded(b"5 \x1be", 1) == ("5 €", True)  # said to be ASCII
    assert decoded(b"\xe9", 3) == ("é", True)
    assert decoded(b"\x00\xe9", 4) == ("\x00é", False)
    assert decoded("Привет".encode("iso8859_5"), 6) == ("Привет", True)
    assert decoded(b"\xe9", 0, "latin1") == ("é", True)


@given(TEXTS, st.integers(0, 70_000), st.booleans())
def test_a_text_is_cut_into_whole_characters_and_joined_again(text, ref, wide):
    """No part is larger than a message, no pair of UTF-16 and no escape is cut apart."""
    if not text:
        with pytest.raises(ValueError, match="nothing in it"):
            cut(text, ref)
        return
    parts = cut(text, ref, wide=wide, most=255)
    pieces = {}
    for number, one in enumerate(parts, 1):
        octets = one.octets
        if one.place is not None:
            found = split_header(octets)
            assert (found.place, found.is_sound) == (one.place, True)
            assert (one.place.number, one.place.total) == (number, len(parts))
            octets = found.text
            assert len(one.octets) <= 140 if one.coding == "ucs2" else len(octets) <= 153
        else:
            assert len(octets) <= OCTETS[one.coding]
        piece = octets.decode("utf-16-be") if one.coding == "ucs2" else from_gsm(octets)  # strict: no half pairs
        pieces[number] = piece
    assert joined(pieces, len(parts)) == text


def test_the_bounds_of_a_part():
    """160 and 70 characters are one message; one more are two; an emoji at the edge goes over whole."""
    assert len(cut("a" * 160, 1)) == 1
    assert [len(one.octets) for one in cut("a" * 161, 1)] == [6 + 153, 6 + 8]
    assert len(cut("€" * 80, 1)) == 1
    assert len(cut("€" * 81, 1)[0].octets) == 6 + 152  # 76 with their escapes
    assert len(cut("ż" * 70, 1)) == 1
    assert [len(one.octets) for one in cut("ż" * 66 + "🙂" + "ż" * 10, 1)] == [6 + 132, 6 + 24]
    with pytest.raises(ValueError, match="11 messages, and 10 are the most"):
        cut("a" * (153 * 10 + 1), 1)


@given(st.binary(max_size=300))
def test_any_header_is_read(data):
    """Never more than there is; a place that makes no sense is none."""
    found = split_header(data)
    assert data.endswith(found.text)
    assert found.place is None or 1 <= found.place.number <= found.place.total


@pytest.mark.parametrize(
    ("data", "where", "text", "is_sound"),
    [
        (b"\x05\x00\x03\x2a\x02\x01Hi", Place(42, 2, 1), b"Hi", True),
        (b"\x06\x08\x04\x01\x2a\x02\x01Hi", Place(298, 2, 1, wide=True), b"Hi", True),
        (b"\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x01\x02\x02Hi", Place(1, 2, 2), b"Hi", True),
        (b"\x05\x00\x03\x2a\x02\x03Hi", None, b"Hi", True),  # the third of two
        (b"\x05\x00\x03\x2a\x00\x00Hi", None, b"Hi", True),
        (b"\x05\x00\x03\x2a\x01\x01Hi", None, b"Hi", True),  # the only one
        (b"\xff\x00\x03", None, b"\xff\x00\x03", False),  # longer than the message
        (b"\x05\x00\x09\x2a\x02\x01Hi", None, b"Hi", False),  # an element longer than the header
        (b"", None, b"", False),
    ],
)
def test_headers(data, where, text, is_sound):
    """Those of telephones, and those that nobody sends."""
    found = split_header(data)
    assert (found.place, found.text, found.is_sound) == (where, text, is_sound)
    if where is not None and len(data) < 10:
        assert data.startswith(header(where))


def test_what_did_not_come_shows():
    """In its place, with its number."""
    assert joined({1: "a", 3: "c"}, 3) == "a[… 2/3 …]c"
    assert joined({2: "b"}, 255) == "[… 1/255 …]b[… 3-255/255 …]"
    assert place(1, 256, 1) is None


RECEIPT = "id:0123456789 sub:001 dlvrd:001 submit date:0401010101 done date:0401010102 stat:{} err:{} text:id:7 stat:X"


@pytest.mark.parametrize(
    ("text", "tlvs", "name", "state", "said"),
    [
        (RECEIPT.format("DELIVRD", "000"), ("", None), "0123456789", "delivered", "DELIVRD"),
        (RECEIPT.format("UNDELIV", "042"), ("", None), "0123456789", "failed", "UNDELIV err 042"),
        (RECEIPT.format("ENROUTE", "000"), ("", None), "0123456789", "on-its-way", "ENROUTE"),
        (RECEIPT.format("WHATEVER", "0"), ("", None), "0123456789", "on-its-way", "WHATEVER"),
        ("stat: Rejectd ID: ab-c", ("", None), "ab-c", "failed", "REJECTD"),
        ("", ("abc", 2), "abc", "delivered", "DELIVRD"),
        (RECEIPT.format("DELIVRD", "000"), ("xyz", 5), "xyz", "failed", "UNDELIV"),
        ("hello", ("", None), "", "on-its-way", ""),
    ],
)
def test_receipts(text, tlvs, name, state, said):
    """The text of appendix B in any order, with what it lacks; TLVs go before it; our own words count not."""
    assert receipts.read(text, *tlvs) == receipts.Receipt(name, state, said)


@given(st.text(max_size=300), st.text(max_size=80), st.integers() | st.none())
def test_any_receipt_is_read(text, name, state):
    """Whatever stands in it."""
    assert receipts.read(text, name, state).state in {"delivered", "failed", "on-its-way"}


@given(st.integers(0, 2**64 - 1))
def test_a_name_is_known_in_decimal_and_hexadecimal(number):
    """Whichever of both the answer had, and whichever the receipt has."""
    for taken in (str(number), f"{number:x}", f"{number:X}"):
        for told in (str(number), f"{number:x}", f"{number:X}"):
            assert set(receipts.names(told)) & {taken} or set(receipts.names(taken)) & {told}


@pytest.mark.parametrize("word", [*STOP, "stop", "Stop.", " ＳＴＯＰ ", "Arrêt!", "rezygnuję", "“STOP”", "désabonner"])  # noqa: RUF001 - full width
def test_words_that_mean_stop(word):
    """In any case and script, accents and signs aside."""
    assert wish_of(word) == "stop"


def test_words_that_do_not():
    """A sentence is for an agent; a site may have words of its own."""
    assert [wish_of(one) for one in ("please stop", "stop it now", "", "!!", "x" * 10_000, "nonstop")] == [""] * 6
    assert wish_of("Start") == "start"
    assert (wish_of("stop", stop=["basta"]), wish_of("BASTA", stop=["basta"])) == ("", "stop")


@pytest.mark.parametrize(
    ("address", "country", "normal"),
    [
        (Address(1, 1, "48601602603"), "", "+48601602603"),
        (Address(1, 1, "+48601602603"), "PL", "+48601602603"),
        (Address(0, 1, "48601602603"), "PL", "+48601602603"),
        (Address(0, 0, "0048601602603"), "PL", "+48601602603"),
        (Address(0, 1, "4915112345678"), "PL", "+4915112345678"),
        (Address(2, 1, "601 602 603"), "PL", "+48601602603"),
        (Address(2, 8, "07911123456"), "GB", "+447911123456"),
        (Address(0, 0, "7171"), "PL", "7171"),
        (Address(6, 0, "112"), "PL", "112"),
        (Address(5, 0, "ACME"), "PL", "ACME"),
        (Address(0, 0, "ACME Bank"), "PL", "ACME Bank"),
        (Address(5, 0, "1234567"), "PL", "1234567"),
        (Address(1, 1, ""), "PL", ""),
        (Address(5, 0, "a\r\nb\u202ec"), "PL", "a bc"),
    ],
)
def test_addresses(address, country, normal):
    """Numbers of whatever type become E.164; words and short codes are kept."""
    assert addresses.read(address, country) == normal


@given(st.integers(0, 255), st.text(max_size=40), st.sampled_from(["", "PL", "US", "GB"]))
def test_any_address_is_read(ton, digits, country):
    """And what is written to is plain."""
    normal = addresses.read(Address(ton, 1, digits), country)
    assert not set(normal) & set("\r\n\0")
    if addresses.is_number(normal):
        assert addresses.write(normal).digits.isascii()


def test_plain_signs():
    """What a program writes finely costs no second message."""
    assert alphabet.plain("\u201ea\u201d \u2013 b\u2026\r\n") == '"a" - b...\n'
    assert from_ucs2(b"\xd8\x3d") == "\ufffd"
