"""What can be wrong with a site's files, told to a person: where it stands, what it is, how to mend it."""

import difflib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal, NamedTuple

from msgspec import Struct

NAMES_COMPARED = 1_000  # a hint is not worth comparing with more


class Origin(NamedTuple):
    """Where a thing was written."""

    file: str
    """Path seen from the folder of the first file read, or absolute when it lies elsewhere."""
    line: int
    """From 1; 0 for the file as a whole."""


class Problem(Struct, frozen=True):
    """One thing that is wrong."""

    file: str
    line: int
    message: str
    hint: str = ""
    """How to mend it."""
    severity: Literal["error", "warning"] = "error"
    """An error keeps the file from being used; a warning does not."""

    def __str__(self) -> str:
        """`acd.conf:12: unknown option 'wrapup' in queue 'sales'; did you mean 'wrap_up'?`, safe for a terminal."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        mark = "warning: " if self.severity == "warning" else ""
        hint = f"; {self.hint}" if self.hint else ""
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in f"{place}: {mark}{self.message}{hint}")


class ConfigError(Exception):
    """A configuration cannot be used. `problems` holds every reason found, errors and warnings, in reading order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Problems:
    """Collects what is found. The same thing is kept once: a mistake in a template shows in all that inherit it."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}

    def error(self, origin: Origin, message: str, hint: str = "") -> None:
        """Add what keeps the file from being used."""
        self._found[Problem(*origin, message, hint)] = None

    def warning(self, origin: Origin, message: str, hint: str = "") -> None:
        """Add what is worth a look."""
        self._found[Problem(*origin, message, hint, "warning")] = None

    def add(self, problems: Iterable[Problem]) -> None:
        """Take over what was found elsewhere."""
        self._found.update(dict.fromkeys(problems))

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found)

    @property
    def has_errors(self) -> bool:
        """Whether there is more than warnings."""
        return any(problem.severity == "error" for problem in self._found)

    def raise_errors(self) -> None:
        """Do nothing if there is nothing but warnings.

        Raises:
            ConfigError: with everything found.

        """
        if self.has_errors:
            raise ConfigError(self._found)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the known word most like this one; empty when none is."""
    close = difflib.get_close_matches(word.lower(), list(islice(known, NAMES_COMPARED)), n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else ""
