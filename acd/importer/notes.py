"""What an import has to say: each thing with the line that it is about."""

from typing import Literal

from msgspec import Struct

from acd.problems import Origin

About = Literal["no counterpart", "only alike", "not read"]


class Note(Struct, frozen=True):
    """One thing to know."""

    origin: Origin
    about: About
    text: str

    def __str__(self) -> str:
        """`queues.conf:12: no counterpart: memberdelay = 2: callers and agents are joined at once`, one safe line."""
        line = f"{self.origin.file}:{self.origin.line}: {self.about}: {self.text}"
        return "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)


class Notes:
    """Collects them; the same one is kept once, as a line of a template counts for all that inherit it."""

    def __init__(self) -> None:
        self._found: dict[Note, None] = {}

    def missing(self, origin: Origin, text: str) -> None:
        """Something has no counterpart here."""
        self._found[Note(origin, "no counterpart", text)] = None

    def alike(self, origin: Origin, text: str) -> None:
        """Something is not quite what it was."""
        self._found[Note(origin, "only alike", text)] = None

    def unread(self, origin: Origin, text: str) -> None:
        """Something cannot be understood; Asterisk skips it too."""
        self._found[Note(origin, "not read", text)] = None

    def all(self) -> list[Note]:
        """Return them in the order of files and lines."""
        return sorted(self._found, key=lambda note: (note.origin, note.about, note.text))
