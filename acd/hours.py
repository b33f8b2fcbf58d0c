"""Opening hours: on which days from when to when, and the days that are closed whatever the week says.

    open = mon-fri 08:00-18:00      every line adds hours; a day's end before its start lies on the next day
    open = sat,sun 22:00-02:00
    closed = 2026-12-25             a date, or from-to: 2026-12-24..2027-01-01
    closed = holidays PL            the public holidays of a country, or of a part of it: holidays DE-BY
    zone = Europe/Warsaw            wall-clock time there, summer time included

A closed day is closed from midnight to midnight, and the hours that would begin on it are closed to their end.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_MINUTES_A_DAY = 24 * 60
_OPEN = re.compile(r"([a-z,\s-]+?)\s+(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)")
_DAY_RANGE = re.compile(r"([a-z]{3})(?:\s*-\s*([a-z]{3}))?")
_HOLIDAYS = re.compile(r"holidays\s+([A-Z]{2})(?:-([A-Z0-9]{1,3}))?")
_SPREAD = re.compile(r"(\d{4}-\d\d-\d\d)(?:\s*\.\.\s*(\d{4}-\d\d-\d\d))?")


class Opening(NamedTuple):
    """One line `open`."""

    days: frozenset[int]
    """0 is Monday."""
    first: int
    """Minute of the day when it opens."""
    end: int
    """Minute of the day when it closes; on the next day when not after `first`."""


class Spread(NamedTuple):
    """One line `closed`."""

    first: date
    last: date

    def covers(self, day: date) -> bool:
        """Whether a day is closed by it."""
        return self.first <= day <= self.last


class Calendar(NamedTuple):
    """One line `closed` that names the public holidays of a country, or of a part of it."""

    country: str
    """ISO 3166-1, as PL."""
    part: str = ""
    """ISO 3166-2, without the country's code before it."""

    def covers(self, day: date) -> bool:
        """Whether a day is closed by it."""
        return day in _public_holidays(self.country, self.part, day.year)


@lru_cache(256)
def _public_holidays(country: str, part: str, year: int) -> frozenset[date]:
    """Give the days of a year, those included on which a holiday is made up for.

    Raises:
        NotImplementedError: the package knows no such country, or no such part of it.

    """
    import holidays  # noqa: PLC0415 - it takes a while, and few sites ask

    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))


class Hours(Struct, frozen=True, kw_only=True):
    """When a place is open."""

    zone: ZoneInfo | None
    """Where the clock hangs; None for where the machine is."""
    openings: Sequence[Opening]
    closed: Sequence[Spread | Calendar] = ()

    def is_open(self, at_s: float) -> bool:
        """Tell whether it is open at this moment, in seconds since the epoch."""
        local = datetime.fromtimestamp(at_s, self.zone)
        today, minute = local.date(), local.hour * 60 + local.minute
        if self._is_closed(today):
            return False
        yesterday = today - timedelta(days=1)
        began_yesterday = not self._is_closed(yesterday)
        for opening in self.openings:
            overnight = opening.end <= opening.first
            if today.weekday() in opening.days and opening.first <= minute and (overnight or minute < opening.end):
                return True
            if overnight and began_yesterday and yesterday.weekday() in opening.days and minute < opening.end:
                return True
        return False

    def turns(self, first: date, days: int) -> Iterator[float]:
        """Yield the moments from a day on, in seconds since the epoch, at which it may open or close, in no order."""
        minutes = {
            0,
            *(minute % _MINUTES_A_DAY for opening in self.openings for minute in (opening.first, opening.end)),
        }
        for offset in range(days):
            day = first + timedelta(days=offset)
            for minute in minutes:
                yield datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=self.zone).timestamp()

    def _is_closed(self, day: date) -> bool:
        return any(one.covers(day) for one in self.closed)


def read_opening(text: str) -> Opening:
    """Read the value of `open`.

    Raises:
        ValueError: says what is wrong with it.

    """
    match = _OPEN.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"'{text}' is not a time of the week")
    hours = [int(part) for part in match.groups()[1:]]
    if hours[1] > 59 or hours[3] > 59:
        raise ValueError(f"'{text}' has minutes above 59")
    first, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if first >= _MINUTES_A_DAY or end > _MINUTES_A_DAY:
        raise ValueError(f"'{text}' goes beyond 24:00")
    return Opening(frozenset(day for part in match[1].split(",") for day in _days(part.strip())), first, end)


def _days(text: str) -> list[int]:
    match = _DAY_RANGE.fullmatch(text)
    names = [name for name in (match.groups() if match else ()) if name]
    if not names or not set(names) <= set(DAYS):
        raise ValueError(f"'{text}' is not a day of the week")
    first, last = DAYS.index(names[0]), DAYS.index(names[-1])
    return [(first + offset) % 7 for offset in range((last - first) % 7 + 1)]


def read_closed(text: str) -> Spread | Calendar:
    """Read the value of `closed`.

    Raises:
        ValueError: says what is wrong with it.

    """
    if text.strip().startswith("holidays"):
        return _read_calendar(text.strip())
    match = _SPREAD.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is not a date")
    try:
        first = date.fromisoformat(match[1])
        last = date.fromisoformat(match[2] or match[1])
    except ValueError:
        raise ValueError(f"'{text}' names a day that does not exist") from None
    if last < first:
        raise ValueError(f"'{text}' ends before it begins")
    return Spread(first, last)


def _read_calendar(text: str) -> Calendar:
    match = _HOLIDAYS.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' names no country; write it like 'holidays PL' or 'holidays DE-BY'")
    calendar = Calendar(match[1], match[2] or "")
    try:
        calendar.covers(date.today())  # noqa: DTZ011 - any day will do; this year's are known from now on
    except NotImplementedError:
        where = f"'{match[2]}' of {match[1]}" if match[2] else f"'{match[1]}'"
        raise ValueError(f"the holidays of {where} are not known") from None
    return calendar


def read_zone(text: str) -> ZoneInfo:
    """Read the value of `zone`.

    Raises:
        ValueError: this machine knows no such zone.

    """
    try:
        return ZoneInfo(text)
    except (KeyError, OSError, ValueError):  # not found is a KeyError; a bad path one of the others
        raise ValueError(f"'{text}' is not a time zone this machine knows") from None
