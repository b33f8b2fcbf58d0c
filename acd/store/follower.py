"""Reads the journal and stores what it says of customers, each entry once, whatever ends in the midst of it.

How far it has come is stored in the transaction of the facts themselves. It begins there again: from the state that the
journal stored before, over the entries since, whose facts are there already. An entry of that number and another time
means another journal, or one that a power cut has shortened: then it begins at the beginning, and stores what is new.
"""

from collections.abc import Callable, Iterator, Mapping

from sqlalchemy.orm import Session

from acd.journal import AnyEntry, Entry, Folder, Gap, Refused
from acd.journal.entries import decode_state
from acd.store import facts
from acd.store.projection import Projection
from acd.store.schema import Progress

SOURCE = "journal"
ENTRIES_MOST = 500
"""So many entries are one transaction: others want to write too."""


class Follower:
    """Follows one journal.

    Args:
        folder: the journal.
        country: where the site is, as of `handles.number`.
        agents: gives who sits where.

    """

    def __init__(self, folder: Folder, country: str, agents: Callable[[], Mapping[str, str]]) -> None:
        self._folder = folder
        self._country = country
        self._agents = agents
        self._entries: Iterator[AnyEntry | None] | None = None
        self._projection = Projection()
        self._progress = 0
        """How far the customer file says that it has come, as this follower saw it last."""
        self._after = 0
        """Facts of later entries are new; 0 for all, of another journal."""

    def rewind(self) -> None:
        """Begin again from what is stored: a transaction has failed."""
        self._entries = None

    def step(self, session: Session, most: int = ENTRIES_MOST) -> bool:
        """Store what some entries say; gives whether there may be more. When anything fails, `rewind`.

        Raises:
            JournalError, OSError: the journal cannot be read.

        """
        progress = session.get(Progress, SOURCE)
        seq = progress.seq if progress is not None else 0
        if self._entries is None or seq != self._progress:  # another server has gone on meanwhile
            self._entries = self._begin(progress)
            self._progress = seq
        agents, last, new = self._agents(), None, 0
        while new < most and (entry := next(self._entries)) is not None:
            found, last = self._facts(entry), entry
            if entry.seq > self._after:
                new += 1
                for fact in found:
                    facts.store(session, fact, self._country, agents)
        if new and last is not None:
            session.merge(Progress(source=SOURCE, seq=last.seq, at=time_of(last)))
            self._progress = self._after = last.seq
        return new > 0

    def _begin(self, progress: Progress | None) -> Iterator[AnyEntry | None]:
        seq = progress.seq if progress is not None else 0
        if progress is not None:
            known = next(iter(self._folder.entries(seq - 1)), None)
            if known is None or (known.seq == seq and time_of(known) != progress.at):
                seq = 0
        found = self._folder.newest_state(before=seq + 1) if seq else None
        base, state = found if found is not None else (0, None)
        self._after = seq
        self._projection = Projection(state)
        return self._folder.come(base)

    def _facts(self, entry: AnyEntry) -> list[facts.Fact]:
        match entry:
            case Entry():
                return self._projection.facts(entry.event, entry.commands)
            case Gap():
                return self._projection.restate(decode_state(entry.state), entry.at)
            case _:
                return []


def time_of(entry: AnyEntry) -> int:
    """Return when an entry happened."""
    if isinstance(entry, Gap):
        return entry.at
    if isinstance(entry, Refused):
        return entry.event.at if entry.event is not None else 0
    return entry.event.at
