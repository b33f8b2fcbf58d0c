"""Opening hours."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from acd.hours import DAYS, Hours, Opening, read_closed, read_opening, read_zone

WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("zone = Mars/Olympus", "'Mars/Olympus' is not a time zone this machine knows"),
        ("zone = ../../etc/passwd", "is not a time zone"),
        ("zone = ", "is not a time zone"),
        ("open = mon-fri", "'mon-fri' is not a time of the week"),
        ("open = mon-fry 08:00-18:00", "'mon-fry' is not a day of the week"),
        ("open = mon, 08:00-18:00", "'' is not a day of the week"),
        ("open = mon 08:60-18:00", "minutes above 59"),
        ("open = mon 08:00-24:30", "beyond 24:00"),
        ("closed = 25.12.2026", "'25.12.2026' is not a date"),
        ("closed = 2026-02-30", "names a day that does not exist"),
        ("closed = 2026-12-31..2026-12-24", "ends before it begins"),
        ("closed = holidays", "'holidays' names no country; write it like 'holidays PL' or 'holidays DE-BY'"),
        ("closed = holidays pl", "names no country"),
        ("closed = holidays PL, DE", "names no country"),
        ("closed = holidays XX", "the holidays of 'XX' are not known"),
        ("closed = holidays DE-ZZ", "the holidays of 'ZZ' of DE are not known"),
    ],
)
def test_mistakes(line: str, told: str) -> None:
    """A zone, time or day that does not exist is refused, with what is wrong about it."""
    key, _, value = line.partition(" = ")
    readers = {"zone": read_zone, "open": read_opening, "closed": read_closed}
    with pytest.raises(ValueError, match=re.escape(told)):
        readers[key](value)


@pytest.mark.parametrize(
    ("open_", "moment", "is_open"),
    [
        ("mon-fri 08:00-18:00", "2026-07-03 08:00", True),
        ("mon-fri 08:00-18:00", "2026-07-03 07:59", False),
        ("mon-fri 08:00-18:00", "2026-07-03 17:59", True),
        ("mon-fri 08:00-18:00", "2026-07-03 18:00", False),
        ("mon-fri 08:00-18:00", "2026-07-04 12:00", False),
        ("sat,sun 10:00-14:00", "2026-07-04 12:00", True),
        ("fri-mon 10:00-14:00", "2026-07-05 12:00", True),
        ("fri-mon 10:00-14:00", "2026-07-07 12:00", False),
        ("fri 22:00-06:00", "2026-07-03 23:00", True),
        ("fri 22:00-06:00", "2026-07-04 05:59", True),
        ("fri 22:00-06:00", "2026-07-04 06:00", False),
        ("fri 22:00-06:00", "2026-07-03 05:00", False),
        ("mon-sun 00:00-24:00", "2026-07-05 23:59", True),
        ("mon-sun 00:00-24:00", "2026-12-25 12:00", False),
        ("thu 22:00-06:00", "2026-12-25 03:00", False),
        ("fri 22:00-06:00", "2026-12-26 03:00", False),
    ],
)
def test_opening_hours(open_: str, moment: str, is_open: bool) -> None:
    """Hours hold from their first minute up to their last, over midnight too, and never on a closed day."""
    hours = Hours(zone=WARSAW, openings=[read_opening(open_)], closed=[read_closed("2026-12-25")])
    assert hours.is_open(datetime.fromisoformat(moment).replace(tzinfo=WARSAW).timestamp()) is is_open


def test_summer_time() -> None:
    """Eight o'clock is eight o'clock on the wall, in winter and in summer."""
    hours = Hours(zone=WARSAW, openings=[read_opening("mon-sun 08:00-09:00")])
    utc = ZoneInfo("UTC")
    assert hours.is_open(datetime(2026, 1, 15, 7, 30, tzinfo=utc).timestamp())
    assert not hours.is_open(datetime(2026, 7, 15, 7, 30, tzinfo=utc).timestamp())
    assert hours.is_open(datetime(2026, 7, 15, 6, 30, tzinfo=utc).timestamp())


def test_the_whole_week() -> None:
    """Every spelling of all days is the same opening."""
    whole = Opening(frozenset(range(7)), 0, 1_440)
    assert read_opening("mon-sun 0:00-24:00") == whole
    assert read_opening(f"{','.join(DAYS)} 00:00 - 24:00") == whole
    assert read_opening("WED-TUE 00:00-24:00") == whole


def test_several_closed_days() -> None:
    """A spread of days is closed from its first to its last."""
    hours = Hours(
        zone=WARSAW, openings=[read_opening("mon-sun 00:00-24:00")], closed=[read_closed("2026-12-24..2026-12-26")]
    )
    moments = [datetime(2026, 12, day, 12, tzinfo=WARSAW).timestamp() for day in (23, 24, 25, 26, 27)]
    assert [hours.is_open(moment) for moment in moments] == [True, False, False, False, True]


@pytest.mark.parametrize(
    ("closed", "day", "is_open"),
    [
        ("holidays PL", "2026-11-11", False),  # independence
        ("holidays PL", "2026-11-12", True),
        ("holidays PL", "2027-03-29", False),  # Easter Monday, which moves
        ("holidays PL", "2026-12-26", False),
        ("holidays DE", "2026-01-06", True),  # Epiphany is none of all Germany
        ("holidays DE-BY", "2026-01-06", False),  # but one of Bavaria
        ("holidays US", "2027-07-05", False),  # the fourth is a Sunday, and made up for
    ],
)
def test_public_holidays(closed: str, day: str, is_open: bool) -> None:
    """They are those of the country or its part, in each year anew, movable ones and substitutes included."""
    hours = Hours(zone=WARSAW, openings=[read_opening("mon-sun 08:00-18:00")], closed=[read_closed(closed)])
    assert hours.is_open(datetime.fromisoformat(f"{day} 12:00").replace(tzinfo=WARSAW).timestamp()) is is_open
