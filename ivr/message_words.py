"""What an agent hears of a message before he hears the message: who left it, when, and how long it is.

Told in short parts of which there are few: a number in groups of three digits, a time of day, a length. So the cache of
spoken texts stays small, however many messages are left.
"""

import re
import time
from collections.abc import Iterator

from ivr import phrases

_MONTHS = {
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    "pl": (
        *("stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca"),
        *("lipca", "sierpnia", "września", "października", "listopada", "grudnia"),
    ),
}
_DAY_S = 86_400


def introduction(number: str, left_at: int, length_ms: int, now: int, language: str) -> list[str]:
    """Say who left it, when, and how long it is; times in epoch ms."""
    length = phrases.duration(length_ms, language)
    return [
        "message-from",
        *(groups(number) if any(char.isdigit() for char in number) else ["message-unknown"]),
        *moment(left_at, now, language),
        f"Długość: {length}." if language == "pl" else f"Length: {length}.",
    ]


def moment(at: int, now: int, language: str) -> tuple[str, str]:
    """Say when something was: the day, and the time of day; both in epoch ms."""
    time_of_day = time.strftime("o %H %M." if language == "pl" else "at %H %M.", time.localtime(at // 1000))
    return _day(at // 1000, now // 1000, language), time_of_day


def groups(number: str) -> Iterator[str]:
    """Say a number, in groups of three digits."""
    digits = re.sub("[^0-9]", "", number)[:20]
    for start in range(0, len(digits), 3):
        yield " ".join(digits[start : start + 3])


def _day(at_s: int, now_s: int, language: str) -> str:
    at, today, yesterday = (time.localtime(moment) for moment in (at_s, now_s, now_s - _DAY_S))
    if at[:3] == today[:3]:
        return "dzisiaj" if language == "pl" else "today"
    if at[:3] == yesterday[:3]:
        return "wczoraj" if language == "pl" else "yesterday"
    month = _MONTHS.get(language, _MONTHS["en"])[at.tm_mon - 1]
    return f"{at.tm_mday} {month}" if language == "pl" else f"on {month} {at.tm_mday}"
