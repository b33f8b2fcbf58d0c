"""What `why`, reports and what-if need of a journal: its entries, and the core as it was before any of them.

They read the past only. Whatever can be iterated in order and replayed will do: the journal on disk, or a `Tape` in
memory that a simulation or a test wrote.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from msgspec import Struct

from acd.core import Core
from acd.core.commands import AnyCommand
from acd.core.events import AnyEvent
from acd.core.model import State


class Entry(Protocol):
    """One event and what followed from it."""

    @property
    def seq(self) -> int:
        """Its number, from 1, without gaps."""

    @property
    def event(self) -> AnyEvent:
        """What happened."""

    @property
    def commands(self) -> Sequence[AnyCommand]:
        """What the core wanted done, in order."""


class Restated(Struct, frozen=True, kw_only=True):
    """The state, whole, from which the entries that follow go on: some are missing, or another callfloor took over."""

    seq: int
    at: int
    why: str
    lost: int
    """So many entries before it are missing."""
    state: State


class History(Protocol):
    """A journal, as far as it is read."""

    def entries(self, after: int = 0) -> Iterable[Entry | Restated]:
        """All entries after a number, in order."""

    def before(self, at: int) -> int:
        """Return the number of an entry up to which all are older than a time; near it, not necessarily the last."""

    def core_at(self, seq: int) -> Core:
        """Return the core as it was just before an entry."""


class Kept(Struct, frozen=True):
    """An entry of a `Tape`."""

    seq: int
    event: AnyEvent
    commands: tuple[AnyCommand, ...]


class Tape:
    """A journal in memory."""

    def __init__(self) -> None:
        self._entries: list[Kept] = []

    def note(self, event: AnyEvent, commands: Sequence[AnyCommand]) -> None:
        """Append an event and what followed from it."""
        self._entries.append(Kept(len(self._entries) + 1, event, tuple(commands)))

    def entries(self, after: int = 0) -> Iterator[Kept]:
        """All entries after a number, in order."""
        return iter(self._entries[after:])

    def before(self, at: int) -> int:
        """Return how many entries are older than a time."""
        return bisect_left(self._entries, at, key=lambda entry: entry.event.at)

    def core_at(self, seq: int) -> Core:
        """Return the core as it was just before an entry: all that came before it, decided again."""
        core = Core()
        for entry in self._entries[: seq - 1]:
            core.decide(entry.event)
        return core
