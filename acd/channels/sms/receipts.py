"""Delivery receipts: what became of a text of ours, in words of SMPP 3.4 appendix B, in TLVs, or in a field by HTTP.

The text's form is the centre's own business and differs: fields are missing, in another order, with other blanks. What
decides is the id and the state. Some centres give the id in decimal here and in hexadecimal when they took the message,
or the other way round.
"""

import re
from typing import Literal

from msgspec import Struct

State = Literal["delivered", "failed", "on-its-way"]

_FIELD = re.compile(r"(?i)\b(id|stat|err):\s*([^\s:]{1,65})")
_STATES: dict[str, State] = {
    "delivrd": "delivered",
    "delivered": "delivered",
    "read": "delivered",
    "expired": "failed",
    "deleted": "failed",
    "undeliv": "failed",
    "undelivered": "failed",
    "undeliverable": "failed",
    "deliveryfailed": "failed",
    "rejectd": "failed",
    "rejected": "failed",
    "failed": "failed",
    "accepted": "on-its-way",
    "acceptd": "on-its-way",
    "enroute": "on-its-way",
    "buffred": "on-its-way",
    "unknown": "on-its-way",
}
_NUMBERS: dict[int, str] = {
    1: "enroute",
    2: "delivrd",
    3: "expired",
    4: "deleted",
    5: "undeliv",
    6: "acceptd",
    7: "unknown",
    8: "rejectd",
}
"""Of the TLV message_state."""
TEXT_MOST, SAID_MOST = 1_000, 80


class Receipt(Struct, frozen=True):
    """What a centre says of a message."""

    name: str
    """The id that it gave the message; empty if it does not say."""
    state: State
    said: str
    """In its own words."""


def read(text: str, receipted: str = "", message_state: int | None = None) -> Receipt:
    """Read a receipt; never fails. TLVs, where there are any, count more than the text."""
    fields = {key.lower(): value for key, value in reversed(_FIELD.findall(text[:TEXT_MOST]))}
    word = _NUMBERS.get(message_state or 0, "") or fields.get("stat", "").lower()
    error = fields.get("err", "")
    said = word.upper() + (f" err {error}" if error.strip("0") else "")
    return Receipt(receipted or fields.get("id", ""), _STATES.get(word, "on-its-way"), said)


def of_field(name: str, word: str) -> Receipt:
    """Read what a provider says by HTTP: in one word, which each of them spells in its own way."""
    said = re.sub("[^a-z]", "", word[:TEXT_MOST].lower())
    return Receipt(name, _STATES.get(said, "on-its-way"), word[:SAID_MOST].upper())


def names(name: str) -> tuple[str, ...]:
    """Give the ways in which an id may have been written when the message was taken; the given one first."""
    found = [name, name.upper(), name.lower()]
    if re.fullmatch("[0-9]{1,20}", name):
        number = int(name)
        found += [str(number), f"{number:x}", f"{number:X}", f"{number:08x}", f"{number:08X}", f"{number:010d}"]
    if re.fullmatch("[0-9A-Fa-f]{1,16}", name):
        number = int(name, 16)
        found += [str(number), f"{number:010d}", f"{number:x}", f"{number:X}"]
    return tuple(dict.fromkeys(found))
