"""The results of tests that were: a file of JSON lines in the home of the site, oldest first.

One server writes it, the command line reads it beside. A line that cannot be read, half written when the power went or
of another callfloor, is left out. When it is large its older half is let go.
"""

import contextlib
from pathlib import Path
from typing import Final

import msgspec

from ivr.linetest.report import LineTest

FILE: Final = "line-tests.jsonl"
BYTES_MAX: Final = 4 << 20
"""Some ten thousand tests."""

_decode = msgspec.json.Decoder(LineTest).decode


class History:
    """All that is remembered."""

    def __init__(self, home: Path) -> None:
        """Look in the home of a site."""
        self._file = home / FILE
        self.last: dict[str, LineTest] = {test.way: test for test in self.read()}
        """Trunk, or channel of hardware, to its last test."""

    def read(self) -> list[LineTest]:
        """Give all tests, oldest first."""
        return read_tests(self._file.parent)

    def add(self, test: LineTest) -> None:
        """Remember one.

        Raises:
            OSError: the file cannot be written; the test is remembered until the server ends.

        """
        self.last[test.way] = test
        if self._file.exists() and self._file.stat().st_size > BYTES_MAX:
            lines = self._file.read_bytes().splitlines(keepends=True)
            new = self._file.with_suffix(".new")
            new.write_bytes(b"".join(lines[len(lines) // 2 :]))
            new.replace(self._file)
        with self._file.open("ab") as file:
            file.write(b"\n" * _is_broken(self._file) + msgspec.json.encode(test) + b"\n")


def read_tests(home: Path) -> list[LineTest]:
    """Give all tests that a site's home tells of, oldest first."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for line in (home / FILE).read_bytes().splitlines():
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                found.append(_decode(line))
    return found


def _is_broken(file: Path) -> bool:
    """Whether the last line has no end."""
    data = file.read_bytes()[-1:]
    return bool(data) and data != b"\n"
