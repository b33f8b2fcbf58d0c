"""Numbers and addresses in their normal form: what two ways of writing have in common is one handle.

number   E.164 where the number can be read so, by `acd.numbers`; else its digits, such as an extension
email    as the e-mail standards normalise it, in small letters: no provider of note tells letters apart
xmpp     the bare address, without what follows a `/`
other    anything else by its kind, such as `telegram`: blanks at the ends gone, else as it is
"""

import re
from typing import NamedTuple

from acd.numbers import Plan, destination, plain_number
from acd.store.text import line

NUMBER, EMAIL, XMPP = "number", "email", "xmpp"
KIND = r"[a-z][a-z0-9-]{0,19}"
NUMBER_DIGITS_LEAST = 2
_JID = re.compile(r"[^\s@/\"&'<>:]{1,255}@[\w.-]{1,255}")  # a domain has letters of any script (RFC 7622)


class HandleError(ValueError):
    """It is no such number or address."""


class Named(NamedTuple):
    """A number or an address in its normal form."""

    kind: str
    value: str


def number(text: str, country: str = "") -> Named:
    """Read a telephone number as somebody wrote it, or as the line gave it.

    Args:
        text: hostile.
        country: where it would be dialled (ISO 3166); without one only numbers with a `+` become E.164.

    Raises:
        HandleError: it is none; a withheld number is none.

    """
    plain = plain_number(text)
    if len(plain.lstrip("+")) < NUMBER_DIGITS_LEAST or "+" in plain[1:]:
        raise HandleError("it is no telephone number")
    found = destination(plain, Plan(country=country or "ZZ")).number
    return Named(NUMBER, found or plain)


def email(text: str) -> Named:
    """Read an e-mail address.

    Raises:
        HandleError: it is none.

    """
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - takes a while to load

    try:
        found = validate_email(text.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise HandleError(f"it is no e-mail address: {line(str(error))}") from None
    return Named(EMAIL, found.normalized.lower())


def xmpp(text: str) -> Named:
    """Read an address of XMPP.

    Raises:
        HandleError: it is none.

    """
    bare = line(text).partition("/")[0].lower()
    if not _JID.fullmatch(bare):
        raise HandleError("it is no XMPP address")
    return Named(XMPP, bare)


def is_xmpp(text: str) -> bool:
    """Whether it is an address of XMPP in its normal form."""
    return _JID.fullmatch(text) is not None and xmpp(text).value == text


def handle(kind: str, text: str, country: str = "") -> Named:
    """Read a number or an address of a kind.

    Raises:
        HandleError: it is none of that kind, or there can be no such kind.

    """
    if not re.fullmatch(KIND, kind):
        raise HandleError("there is no such kind of address")
    if kind == NUMBER:
        return number(text, country)
    if kind == EMAIL:
        return email(text)
    if kind == XMPP:
        return xmpp(text)
    if not (value := line(text)):
        raise HandleError("it is empty")
    return Named(kind, value)


def guess(text: str, country: str = "") -> Named:
    """Read what may be a number or an e-mail address, as somebody typed it; or `kind:value`.

    Raises:
        HandleError: it is neither.

    """
    kind, colon, rest = text.partition(":")
    if colon and re.fullmatch(KIND, kind) and kind != "tel":
        return handle(kind, rest, country)
    return email(text) if "@" in text else number(text, country)
