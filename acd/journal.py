"""The one truth: every event, appended before anything follows from it.

SQLite in WAL mode, three tables: `event` (the log), `state` (snapshots of the core's state, so that a restart replays
minutes and not months), `meta` (the format's version). Bodies are JSON, so an admin can read them with any SQLite
shell. `durability`: "process" survives a crash of the server (the kernel has the bytes), "power" also a power cut
(each commit is synced; PRAGMA synchronous, https://sqlite.org/pragma.html#pragma_synchronous).
"""

import contextlib
import errno
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from acd.core import Core
from acd.core.events import AnyEvent
from acd.core.model import State

FORMAT = "1"
LOCKED_S = 0.1
"""How long somebody else's lock on the file (a backup, an SQLite shell) may hold up a phone call."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS state (seq INTEGER PRIMARY KEY, body TEXT NOT NULL);
"""

_INSERT = "INSERT INTO event VALUES (?, ?, ?)"

_event_encoder = msgspec.json.Encoder()
_event_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_state_decoder = msgspec.json.Decoder(State)


class JournalError(Exception):
    """A journal that cannot be read: what is wrong with which file, and what to do."""


class Journal:
    """An append-only log of events in one file."""

    def __init__(self, path: Path, *, durability: Literal["process", "power"] = "process") -> None:
        """Open or create.

        Raises:
            JournalError: the file cannot be opened, is no journal, or one of another format.

        """
        self.path = path
        with contextlib.ExitStack() as undo:
            try:
                self._db = sqlite3.connect(path, isolation_level=None, timeout=LOCKED_S)
                undo.callback(self._db.close)
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute(f"PRAGMA synchronous = {'FULL' if durability == 'power' else 'NORMAL'}")
                self._db.executescript(_SCHEMA)
                self._db.execute("INSERT OR IGNORE INTO meta VALUES ('format', ?)", (FORMAT,))
                (version,) = self._db.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
            except sqlite3.OperationalError as error:  # the place and not the content: no folder, no right, a lock
                raise JournalError(f"{path}: the journal cannot be opened: {error}") from error
            except sqlite3.DatabaseError as error:
                raise JournalError(f"{path}: not a journal ({error}); move it away to start a new one") from error
            if version != FORMAT:
                raise JournalError(f"{path}: journal format {version}, this callfloor reads {FORMAT}; move it away")
            undo.pop_all()
        (self._seq,) = self._db.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()

    def append(self, events: Iterable[AnyEvent]) -> None:
        """Store these events, in order, before returning.

        Raises:
            OSError: the store cannot take them (disk full, read-only); none of them is stored.

        """
        rows = [
            (self._seq + place, event.at, _event_encoder.encode(event).decode())
            for place, event in enumerate(events, 1)
        ]
        try:
            if len(rows) == 1:  # nearly always; a statement alone is a transaction
                self._db.execute(_INSERT, rows[0])
            else:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany(_INSERT, rows)
                self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise OSError(errno.EIO, f"the journal takes no entry: {error}", str(self.path)) from error
        self._seq += len(rows)

    def save(self, state: State) -> None:
        """Store the state as it is after the last event, and drop older snapshots. Errors as `append`."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("DELETE FROM state")
            self._db.execute("INSERT INTO state VALUES (?, ?)", (self._seq, msgspec.json.encode(state).decode()))
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise OSError(errno.EIO, f"the journal takes no snapshot: {error}", str(self.path)) from error

    def events(self, after: int = 0) -> Iterator[AnyEvent]:
        """All events after a sequence number, in order."""
        for seq, body in self._db.execute("SELECT seq, body FROM event WHERE seq > ? ORDER BY seq", (after,)):
            try:
                yield _event_decoder.decode(body)
            except msgspec.DecodeError as error:
                raise JournalError(f"{self.path}: entry {seq} cannot be read: {error}") from error

    def restore(self) -> Core:
        """Build the core as it was after the last event: the last snapshot and a replay of what came after it."""
        row = self._db.execute("SELECT seq, body FROM state ORDER BY seq DESC LIMIT 1").fetchone()
        try:
            core = Core(_state_decoder.decode(row[1]) if row else None)
        except msgspec.DecodeError:  # a snapshot of an older make; the events are the truth, so read them all
            row, core = None, Core()
        for event in self.events(after=row[0] if row else 0):
            core.decide(event)
        return core

    def close(self) -> None:
        """Flush and close."""
        self._db.close()
