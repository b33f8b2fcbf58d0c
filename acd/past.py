"""The journal on disk as a `History`: read beside a running server, which does not notice, or without one."""

from collections.abc import Iterator

import msgspec

from acd import journal
from acd.core import Core
from acd.core.model import State
from acd.history import Entry, Restated
from acd.journal.entries import decode_state
from acd.journal.folder import LOG, STATE
from acd.journal.frames import read_header

HEAD_BYTES = 4_096
"""A log file's header is shorter."""


class Past:
    """The journal in a folder."""

    def __init__(self, folder: journal.Folder) -> None:
        """Read a folder.

        Raises:
            JournalError: there is no journal in it.

        """
        self._folder = folder.require()
        files = folder.numbered(LOG)
        self._begin = 0
        """The entry after which everything can be decided again: not 0 once the oldest files were let go."""
        if files and files[0][0] > 1:
            self._begin = next((seq for seq, _ in folder.numbered(STATE) if seq >= files[0][0] - 1), 0)

    def entries(self, after: int = 0) -> Iterator[Entry | Restated]:
        """All entries after a number, in order; events that were refused changed nothing and are left out.

        Raises:
            JournalError: the journal is damaged, or an entry cannot be read by this callfloor.

        """
        for entry in self._folder.entries(after):
            if isinstance(entry, journal.Entry):
                yield entry
            elif isinstance(entry, journal.Gap):
                yield Restated(seq=entry.seq, at=entry.at, why=entry.why, lost=entry.lost, state=self._state(entry))

    def _state(self, gap: journal.Gap) -> State:
        try:
            return decode_state(gap.state)
        except msgspec.DecodeError as error:
            raise journal.JournalError(
                f"{self._folder.path}: the state in entry {gap.seq} is of another callfloor ({error}); ask that one"
            ) from error

    def before(self, at: int) -> int:
        """Return the number of an entry up to which all are older than a time: the last one of a log file."""
        found = 0
        for first, file in self._folder.numbered(LOG):
            try:
                with file.open("rb") as opened:
                    header, _ = read_header(file, opened.read(HEAD_BYTES), "log")
            except (journal.JournalError, FileNotFoundError):  # just being made, or just let go
                continue
            if header.at >= at:
                break
            found = first - 1
        return max(found, self._begin)

    def core_at(self, seq: int) -> Core:
        """Return the core as it was just before an entry. Errors as `entries`."""
        return journal.rebuild(self._folder, seq).core
