"""Who sent, who is sent to: E.164 by libphonenumber as everywhere, short codes, and senders that are words."""

import re
from typing import NamedTuple

import phonenumbers

from acd.channels.email import text
from acd.numbers import plain_number

UNKNOWN, INTERNATIONAL, NATIONAL, ALPHANUMERIC, ABBREVIATED = 0, 1, 2, 5, 6
"""Types of number (TON)."""
ISDN = 1
"""Numbering plan (NPI) of telephones."""
WORD_MOST = 20
"""Of a sender that is a word; the network has room for 11 characters."""
SHORT = re.compile(r"[0-9]{2,6}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class Address(NamedTuple):
    """An address as SMPP has it."""

    ton: int
    npi: int
    digits: str


def read(address: Address, country: str) -> str:
    """Give an address in its normal form: `+48601602603`, `7171`, `Acme`; empty if there is none. Never fails.

    Args:
        address: hostile. Many centres say that they do not know what type of number theirs are.
        country: where the site is (ISO 3166), or empty.

    """
    digits = plain_number(address.digits) if address.ton != ALPHANUMERIC else ""
    if not digits:
        return text.line(address.digits, WORD_MOST)
    if address.ton == INTERNATIONAL:
        return _international(digits.lstrip("+0")) or digits
    if SHORT.fullmatch(digits):
        return digits
    return _national(digits, country) or _international(re.sub(r"^(\+|00)", "", digits)) or digits


def _international(digits: str) -> str:
    return _e164(f"+{digits}", None)


def _national(digits: str, country: str) -> str:
    return _e164(digits, country or None) if country or digits.startswith("+") else ""


def _e164(written: str, country: str | None) -> str:
    """Give a number if there can be such a one."""
    try:
        parsed = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(parsed) or (country and not phonenumbers.is_valid_number(parsed)):
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def is_number(normal: str) -> bool:
    """Tell whether it can be written to: a word cannot."""
    return bool(_E164.fullmatch(normal) or SHORT.fullmatch(normal) or re.fullmatch(r"[0-9]{7,15}", normal))


def write(normal: str) -> Address:
    """Give an address in normal form as SMPP wants it."""
    if normal.startswith("+"):
        return Address(INTERNATIONAL, ISDN, normal[1:])
    if normal.isdecimal():
        return Address(UNKNOWN, ISDN, normal)
    return Address(ALPHANUMERIC, 0, normal)
