"""Reads the journal and stores what it says of customers, each entry once, whatever ends in the midst of it.

How far it has come is stored in the transaction of the facts themselves. It begins there again: from the state that the
journal stored before, over the entries since, whose facts are there already. An entry of that number and another time
means another journal, or one that a power cut has shortened: then it begins at the beginning, and stores what is new.

What webhooks want to be told of is put down in the same transaction, so each entry is told once.
"""

import time
from collections.abc import Callable, Iterator, Mapping

from sqlalchemy.orm import Session

from acd.happenings import Happening
from acd.journal import AnyEntry, Entry, Folder, Gap, Refused
from acd.journal.entries import decode_state
from acd.store import facts, hooks
from acd.store.projection import Projection
from acd.store.schema import Progress
from acd.store.telling import Happenings

SOURCE = "journal"
ENTRIES_MOST = 500
"""So many entries are one transaction: others want to write too."""


class Follower:
    """Follows one journal.

    Args:
        folder: the journal.
        country: where the site is, as of `handles.number`.
        agents: gives who sits where.
        wanted: gives the webhooks of the moment, and since when they are wanted if they are new; None leaves them.

    """

    def __init__(
        self,
        folder: Folder,
        country: str,
        agents: Callable[[], Mapping[str, str]],
        wanted: Callable[[], tuple[tuple[hooks.Wanted, ...], int]] | None = None,
    ) -> None:
        self._folder = folder
        self._wanted = wanted
        self._in_force: tuple[hooks.Wanted, ...] | None = None
        self._country = country
        self._agents = agents
        self._entries: Iterator[AnyEntry | None] | None = None
        self._projection, self._happenings = Projection(), Happenings()
        self._progress = 0
        """How far the customer file says that it has come, as this follower saw it last."""
        self._after = 0
        """Facts of later entries are new; 0 for all, of another journal."""

    def rewind(self) -> None:
        """Begin again from what is stored: a transaction has failed."""
        self._entries = self._in_force = None

    def step(self, session: Session, most: int = ENTRIES_MOST) -> bool:
        """Store what some entries say; gives whether there may be more. When anything fails, `rewind`.

        Raises:
            JournalError, OSError: the journal cannot be read.

        """
        self._put_in_force(session)
        progress = session.get(Progress, SOURCE)
        seq = progress.seq if progress is not None else 0
        if self._entries is None or seq != self._progress:  # another server has gone on meanwhile
            self._entries = self._begin(session, progress)
            self._progress = seq
        agents, last, new = self._agents(), None, 0
        while new < most and (entry := next(self._entries)) is not None:
            (found, told), last = self._said(entry), entry
            if entry.seq > self._after:
                new += 1
                for fact in found:
                    facts.store(session, fact, self._country, agents)
                hooks.tell_all(session, told, time.time_ns() // 1_000_000)
        if new and last is not None:
            session.merge(Progress(source=SOURCE, seq=last.seq, at=time_of(last)))
            self._progress = self._after = last.seq
        return new > 0

    def _put_in_force(self, session: Session) -> None:
        if self._wanted is None:
            return
        wanted, since = self._wanted()
        if wanted != self._in_force:
            hooks.sync(session, wanted, since)
            self._in_force = wanted

    def _begin(self, session: Session, progress: Progress | None) -> Iterator[AnyEntry | None]:
        seq = progress.seq if progress is not None else 0
        if progress is not None:
            known = next(iter(self._folder.entries(seq - 1)), None)
            if known is None or (known.seq == seq and time_of(known) != progress.at):
                seq = 0
                hooks.told_until(session, progress.at)
        found = self._folder.newest_state(before=seq + 1) if seq else None
        base, state = found if found is not None else (0, None)
        self._after = seq
        self._projection, self._happenings = Projection(state), Happenings(state)
        return self._folder.come(base)

    def _said(self, entry: AnyEntry) -> tuple[list[facts.Fact], list[Happening]]:
        match entry:
            case Entry():
                found = self._projection.facts(entry.event, entry.commands)
                return found, self._happenings.of(entry.event, entry.commands, found)
            case Gap():
                state = decode_state(entry.state)
                found = self._projection.restate(state, entry.at)
                told = self._happenings.of_gap(found)
                self._happenings.open(state)
                return found, told
            case _:
                return [], []


def time_of(entry: AnyEntry) -> int:
    """Return when an entry happened."""
    if isinstance(entry, Gap):
        return entry.at
    if isinstance(entry, Refused):
        return entry.event.at if entry.event is not None else 0
    return entry.event.at
