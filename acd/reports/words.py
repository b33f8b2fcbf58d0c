"""How figures and names are written. What came from outside is shown as text: no control character gets through."""

import time
from collections.abc import Iterator, Sequence

SHOWN = 80
"""So many characters of a name are shown."""


def safe(text: str, most: int = SHOWN) -> str:
    """Return text from outside as it may go to a terminal: one line, nothing that a terminal would obey."""
    text = text if len(text) <= most else f"{text[: most - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def clock(ms: float | None) -> str:
    """Minutes and seconds, hours where there are any; `-` for nothing."""
    if ms is None:
        return "-"
    whole = round(max(0, ms) / 1000)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def seconds(ms: float) -> str:
    """Return a length of time in words: `40 s`, `2 min 10 s`, `1 h 5 min`."""
    whole = round(max(0, ms) / 1000)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def stamp(at: int) -> str:
    """Return date and time of day, on this machine's clock."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at / 1000))


def time_of_day(at: int) -> str:
    """Return the time of day to the second, on this machine's clock."""
    return time.strftime("%H:%M:%S", time.localtime(at / 1000))


def per_cent(share: float | None) -> str:
    """Return a share as per cent; `-` for none."""
    return "-" if share is None else f"{share * 100:.1f} %"


def count(number: float | None) -> str:
    """Return a whole number with its thousands apart; `-` for none."""
    return "-" if number is None else f"{round(number):,}"


def table_of(heads: Sequence[str], rows: Sequence[Sequence[str]], *, left: Sequence[int] = ()) -> Iterator[str]:
    """Set rows in columns, figures to the right; `left`: the columns that are words."""
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    for row in (heads, *rows):
        cells = [
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
