"""Telephone numbers: what somebody dialled or wrote, made one number of the world's plan, and whether it may be called.

Toll fraud lives off numbers that look harmless: another way of writing, a foreign country under the same country code,
a premium range that nobody knows. So a number is first brought into one form, E.164 (`+` and digits), or it is none;
and then judged by that form alone, by `libphonenumber`, whose tables know the ranges of all countries. What they do not
know is not called, unless the site names it.

The order of the judgement:

    emergency     goes, whatever else is said (112, 911 ...; of the site's country)
    deny, allow   the longest entry that fits decides: a country (`PL`), a prefix (`+4420`), a short number (`116117`)
    premium       costs whoever calls, or hides who is called: premium, shared cost, personal, pager. Closed by default
    else          it is barred: only what is allowed goes. A site that says nothing allows its own country
"""

import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Literal

import phonenumbers
from msgspec import Struct
from phonenumbers import PhoneNumberType

Kind = Literal["ordinary", "emergency", "premium", "short", "unknown"]
"""What is known of a number. unknown: no country's table has it."""

Barred = Literal["", "no-number", "denied", "not-allowed", "premium", "unknown"]
"""Why a number is not called; empty: it may be."""

TEXT_MAX = 64
"""Characters of what somebody wrote. E.164 has 15 digits at most; the rest is how people write them."""

EMERGENCY_DIGITS_MOST = 5
"""Of no country they are longer."""

COUNTRY = r"[A-Z]{2}"
ENTRY = rf"{COUNTRY}|\+[0-9]{{1,15}}|[1-9][0-9]{{2,5}}"
"""Of `allow` and `deny`: a country (ISO 3166), a prefix of E.164, a short number."""

_WRITTEN = re.compile(r"\+?[0-9 ().\-/]+")
_SHORT = re.compile(r"[0-9]{2,6}")
_PREMIUM = frozenset(
    {
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.PERSONAL_NUMBER,
        PhoneNumberType.PAGER,
    }
)


class Destination(Struct, frozen=True, kw_only=True):
    """Where a call would go."""

    number: str
    """As it is dialled: E.164, or the digits of a short number; empty where there is none."""
    country: str = ""
    """ISO 3166 of its country; empty for numbers of no country (satellites, +800) and where there is none."""
    kind: Kind = "unknown"
    barred: Barred = ""


class Plan(Struct, frozen=True, kw_only=True):
    """What a site says of numbers."""

    country: str
    """Where the site is: numbers without a country are read as one would dial them there."""
    allow: tuple[str, ...] = ()
    """What may be called, each an `ENTRY`; empty: the own country."""
    deny: tuple[str, ...] = ()
    """What may not, though something shorter in `allow` says so."""
    premium: bool = False
    """Whether premium ranges of what is allowed may be called."""


def destination(text: str, plan: Plan) -> Destination:
    """Make a number of what somebody dialled, wrote or sent, and judge it.

    Digits of any script count; blanks, brackets, dots, hyphens and slashes between them do not. A `tel:` before it is
    taken off (RFC 3966). Anything else, letters and extensions included, makes it no number: what is dialled must not
    depend on how a switch would understand the rest.
    """
    plain = plain_number(text)
    if not plain:
        return Destination(number="", barred="no-number")
    if plain in emergency_numbers(plan.country):
        return Destination(number=plain, country=plan.country, kind="emergency")
    if _SHORT.fullmatch(plain):
        return _short(plain, plan)
    try:
        parsed = phonenumbers.parse(plain, plan.country)
    except phonenumbers.NumberParseException:
        return Destination(number="", barred="no-number")
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if parsed.extension or not phonenumbers.is_possible_number(parsed):
        return Destination(number="", barred="no-number")
    country = phonenumbers.region_code_for_number(parsed) or ""
    country = country if re.fullmatch(COUNTRY, country) else ""
    kind = _kind(parsed)
    return Destination(number=number, country=country, kind=kind, barred=_judge(number, country, kind, plan))


def plain_number(text: str) -> str:
    """Return the digits of a number as somebody wrote it, with its `+` if it has one; empty if it is none."""
    if len(text) > TEXT_MAX:
        return ""
    text = unicodedata.normalize("NFKC", text).strip().removeprefix("tel:")
    text = "".join(str(unicodedata.decimal(char, char)) for char in text)
    return re.sub(r"[^0-9+]", "", text) if _WRITTEN.fullmatch(text) else ""


def _short(digits: str, plan: Plan) -> Destination:
    """Judge a number that is too short to be anybody's: a service of the country. Only what is named goes."""
    barred: Barred = "denied" if digits in plan.deny else "" if digits in plan.allow else "not-allowed"
    return Destination(number=digits, country=plan.country, kind="short", barred=barred)


def _kind(parsed: phonenumbers.PhoneNumber) -> Kind:
    if not phonenumbers.is_valid_number(parsed):
        return "unknown"
    return "premium" if phonenumbers.number_type(parsed) in _PREMIUM else "ordinary"


def _judge(number: str, country: str, kind: Kind, plan: Plan) -> Barred:
    allowed = _longest(number, country, plan.allow or (plan.country,))
    denied = _longest(number, country, plan.deny)
    if denied >= allowed:
        return "denied" if denied >= 0 else "not-allowed"
    if kind == "premium" and not plan.premium:
        return "premium"
    if kind == "unknown" and allowed <= 0:  # a prefix that the site wrote knows better than an older table
        return "unknown"
    return ""


def _longest(number: str, country: str, entries: Iterable[str]) -> int:
    """How long the longest entry is that fits; a country is shorter than any prefix, and -1 is none."""
    fits = [
        0 if entry == country else len(entry)
        for entry in entries
        if entry == country or (entry.startswith("+") and number.startswith(entry))
    ]
    return max(fits, default=-1)


@functools.cache
def emergency_numbers(country: str) -> tuple[str, ...]:
    """Return the numbers that are for emergencies in a country, as its table has them: 112, 9999, 10177 ..."""
    table = phonenumbers.PhoneMetadata.short_metadata_for_region(country)
    rule = table.emergency if table is not None else None
    if rule is None or rule.national_number_pattern is None:
        return ()
    pattern = re.compile(rule.national_number_pattern)
    widths = (width for width in rule.possible_length if 0 < width <= EMERGENCY_DIGITS_MOST)
    candidates = (f"{value:0{width}}" for width in widths for value in range(10**width))
    return tuple(digits for digits in candidates if pattern.fullmatch(digits))


def is_country(code: str) -> bool:
    """Whether numbers are known of a country (ISO 3166)."""
    return code in phonenumbers.SUPPORTED_REGIONS


def written(number: str, form: Literal["plus", "digits", "national"], country: str) -> str:
    """Return a number as it is dialled on a line; a short one stays as it is."""
    if not number.startswith("+") or form == "plus":
        return number
    if form == "digits":
        return number[1:]
    parsed = phonenumbers.parse(number)
    return re.sub(r"[^0-9]", "", phonenumbers.format_out_of_country_calling_number(parsed, country))


def rate_of(number: str, rates: Mapping[str, int]) -> int | None:
    """Return what a minute costs by the longest prefix that fits; None where none does."""
    prefix = max((prefix for prefix in rates if number.startswith(prefix)), key=len, default=None)
    return None if prefix is None else rates[prefix]
