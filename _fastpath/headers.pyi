# ruff: noqa: PYI021 - the stub is the manual
"""A block of headers, as a protocol begins with: checked at once, read when somebody asks.

    block      lines of prefix, name, ":", at most one blank, value; each ends in a line feed, an empty line ends it
    name       1 to 64 of a-z 0-9 _
    value      anything but a line feed. UTF-8; bytes that are none become U+FFFD

Everything here is hostile. A value with a line feed in it forges the headers that follow, so a name that comes twice
makes the whole block unbelievable. Both builds take and leave the same blocks.

Cost in the compiled build, n bytes of block: to check it O(n), 0.3 us for the 22 headers and 600 bytes with which each
call of `python -m tests.bench agi` begins; a value O(n), 0.1 us there. A dict of them all took 4.5 us, and its 44 texts
lived as long as the call.
"""

from collections.abc import Mapping

def read_headers(data: bytes, prefix: bytes, line_max: int, count_max: int) -> Mapping[str, str] | None:
    """Read a whole block; the values of its headers by name, in order, or None where it is not as it usually is.

    Args:
        data: the block, and nothing behind it.
        prefix: what each line begins with; ASCII. The names are given without it.
        line_max: bytes of the longest line that is usual, its end not counted.
        count_max: headers of the longest block that is usual; 192 at most.

    Returns:
        None if it has no end, no header, a line that is none or is too long, a carriage return, too many headers, or a
        name twice.

    """
