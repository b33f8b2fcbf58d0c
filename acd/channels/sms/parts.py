"""Long texts: cut into parts that a message holds, and joined again (3GPP TS 23.040, 9.2.3.24).

A part says of itself by a header before its text, or by TLVs of SMPP, of which message it is, its place, and how many
there are. Nothing says that they all come, or come once.
"""

from collections.abc import Mapping

from msgspec import Struct

from acd.channels.sms.alphabet import Coding, coding_of, units

OCTETS: dict[Coding, int] = {"gsm": 160, "ucs2": 140}
"""What one message holds."""
PART_OCTETS: dict[tuple[Coding, bool], int] = {
    ("gsm", False): 153,
    ("gsm", True): 152,
    ("ucs2", False): 134,
    ("ucs2", True): 132,
}
"""And beside a header, with a reference of 16 bits or of 8."""
PARTS_MOST = 255
GSM_PARTS_MOST = 10
"""So long may a text of ours be: an agent writes no book, and each part costs."""

CONCATENATED, CONCATENATED_16 = 0x00, 0x08


class Place(Struct, frozen=True):
    """Which part of which message it is."""

    ref: int
    total: int
    """How many there are, 2 or more."""
    number: int
    """From 1."""
    wide: bool = False
    """The reference is of 16 bits."""


def place(ref: int, total: int, number: int, *, wide: bool = False) -> Place | None:
    """Make sure of what somebody claims; None if it is not so, or is the whole message."""
    return Place(ref, total, number, wide) if 1 < total <= PARTS_MOST and 1 <= number <= total else None


class Header(Struct, frozen=True):
    """A user data header, as far as we know it."""

    place: Place | None
    text: bytes
    """What follows it."""
    is_sound: bool = True
    """It is not longer than the message, and its elements fill it."""


def split_header(data: bytes) -> Header:
    """Take the header off user data that says it has one; what is unknown in it is passed over. Never fails."""
    if not data or data[0] + 1 > len(data):
        return Header(None, data, is_sound=False)
    end, at, found, is_sound = data[0] + 1, 1, None, True
    while at < end:
        if at + 2 > end or at + 2 + data[at + 1] > end:
            is_sound = False
            break
        kind, element = data[at], data[at + 2 : at + 2 + data[at + 1]]
        if kind == CONCATENATED and len(element) == 3:
            found = place(*element) or found
        elif kind == CONCATENATED_16 and len(element) == 4:
            found = place(int.from_bytes(element[:2], "big"), *element[2:], wide=True) or found
        at += 2 + len(element)
    return Header(found, data[end:], is_sound)


def header(of: Place) -> bytes:
    """Give the user data header of a part."""
    if of.wide:
        return bytes([6, CONCATENATED_16, 4, of.ref >> 8 & 0xFF, of.ref & 0xFF, of.total, of.number])
    return bytes([5, CONCATENATED, 3, of.ref & 0xFF, of.total, of.number])


class Part(Struct, frozen=True):
    """What one message carries."""

    coding: Coding
    octets: bytes
    """With its header, if it has one."""
    place: Place | None = None


def cut(text: str, ref: int, *, wide: bool = False, most: int = GSM_PARTS_MOST) -> list[Part]:
    """Cut a text into parts, whole characters each.

    Raises:
        ValueError: it is empty, or needs more parts than `most`.

    """
    coding = coding_of(text)
    all_units = units(text, coding)
    if not all_units:
        raise ValueError("there is nothing in it")
    if sum(map(len, all_units)) <= OCTETS[coding]:
        return [Part(coding, b"".join(all_units))]
    room, pieces, piece = PART_OCTETS[coding, wide], list[bytes](), b""
    for unit in all_units:
        if len(piece) + len(unit) > room:
            pieces.append(piece)
            piece = b""
        piece += unit
    pieces.append(piece)
    if len(pieces) > min(most, PARTS_MOST):
        raise ValueError(f"it is too long: {len(pieces)} messages, and {most} are the most")
    places = [
        Place(ref & (0xFFFF if wide else 0xFF), len(pieces), number, wide) for number in range(1, len(pieces) + 1)
    ]
    return [Part(coding, header(one) + piece, one) for one, piece in zip(places, pieces, strict=True)]


def joined(parts: Mapping[int, str], total: int) -> str:
    """Join what came of a text; what did not come shows as such."""
    pieces, missing = [], list[int]()
    for number in range(1, total + 1):
        if number in parts:
            pieces.append(_gap(missing, total) + parts[number])
            missing = []
        else:
            missing.append(number)
    return "".join(pieces) + _gap(missing, total)


def _gap(missing: list[int], total: int) -> str:
    if not missing:
        return ""
    numbers = str(missing[0]) if len(missing) == 1 else f"{missing[0]}-{missing[-1]}"
    return f"[… {numbers}/{total} …]"
