"""The alphabets of short messages: GSM 03.38 (3GPP TS 23.038) with its extension table, and UCS-2.

In SMPP a character of the GSM alphabet is an octet of its own; the network packs seven bits later. A character of the
extension table is two, the escape before it. UCS-2 is UTF-16 here, as in all telephones: an emoji is a pair of units.
"""

import re
from typing import Literal

Coding = Literal["gsm", "ucs2"]

DATA_CODINGS: dict[Coding, int] = {"gsm": 0, "ucs2": 8}
ESCAPE = 0x1B
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_OCTETS = {char: bytes([at]) for at, char in enumerate(_BASIC) if at != ESCAPE}
_OCTETS |= {char: bytes([ESCAPE, at]) for at, char in _EXTENDED.items()}

_CONTROLS = re.compile(rb"[\x00-\x09\x0b\x0c\x0e-\x1f]")

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u2032", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u2033", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014", "-"),
        **dict.fromkeys("\u00a0\u2009\u202f\t", " "),
        "\u2026": "...",
    }
)
"""Signs that would make a text twice as dear for nothing."""


def plain(text: str) -> str:
    """Give a text with its quotes and dashes as the GSM alphabet has them, line ends as telephones have them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_PLAIN)


def coding_of(text: str) -> Coding:
    """Choose the alphabet of a text: GSM if it has all that is in it."""
    return "gsm" if all(char in _OCTETS for char in text) else "ucs2"


def units(text: str, coding: Coding) -> list[bytes]:
    """Give a text as what must not be cut apart: a character of GSM with its escape, a pair of UTF-16.

    Raises:
        KeyError: it is not of the GSM alphabet, where that was asked for.

    """
    if coding == "gsm":
        return [_OCTETS[char] for char in text]
    return [char.encode("utf-16-be", "replace") for char in text]


def encoded(text: str, coding: Coding) -> bytes:
    """Give a text as it is sent. Raises KeyError as `units`."""
    return b"".join(units(text, coding))


def from_gsm(octets: bytes) -> str:
    """Read octets of the GSM alphabet; never fails.

    As the standard wants, an escape before what has no meaning behind it shows as that sign of the basic table, two of
    them as a blank, and so does one at the end.
    """
    text, escaped = [], False
    for octet in octets:
        if escaped:
            escaped = False
            text.append(_EXTENDED.get(octet) or (" " if octet == ESCAPE else _basic(octet)))
        elif octet == ESCAPE:
            escaped = True
        else:
            text.append(_basic(octet))
    return "".join(text) + (" " if escaped else "")


def _basic(octet: int) -> str:
    return _BASIC[octet] if octet < len(_BASIC) else "\ufffd"


def from_ucs2(octets: bytes) -> str:
    """Read UCS-2; never fails: half a pair, and an odd octet at the end, are signs of replacement."""
    return octets.decode("utf-16-be", "replace")


def decoded(octets: bytes, data_coding: int, default: Literal["gsm", "latin1", "utf8"] = "gsm") -> tuple[str, bool]:
    """Read a text by the data coding of its PDU (3GPP TS 23.038, SMPP 5.2.19); tells, too, whether that was sure.

    Args:
        octets: hostile.
        data_coding: hostile.
        default: what this centre means by 0.

    """
    kind = _message_class(data_coding)
    if data_coding == 0 or kind == 0:
        if default == "gsm":
            return from_gsm(octets), True
        return octets.decode("latin-1" if default == "latin1" else "utf-8", "replace"), True
    if data_coding == 8 or kind == 2:
        return from_ucs2(octets), len(octets) % 2 == 0
    if data_coding == 1 and _CONTROLS.search(octets):
        return from_gsm(octets), True  # ASCII by the book has none of these; node-smpp and centres say 1 for GSM
    if data_coding in {1, 3}:
        return octets.decode("latin-1"), True
    codec = {5: "shift_jis", 6: "iso8859_5", 7: "iso8859_8", 13: "euc_jis_2004", 14: "euc_kr"}.get(data_coding)
    if codec is not None:
        return octets.decode(codec, "replace"), True
    return octets.decode("latin-1"), False  # binary, or nobody knows: what can be read of it, and a mark


def _message_class(data_coding: int) -> int | None:
    """Give the alphabet of a coding that is written as the network does: 0 GSM, 1 eight bits, 2 UCS-2; else None."""
    if 0x10 <= data_coding <= 0x1F:
        return (data_coding >> 2) & 3
    if 0xF0 <= data_coding <= 0xFF:
        return (data_coding >> 2) & 1
    return None
