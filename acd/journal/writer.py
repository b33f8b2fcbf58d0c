"""The one process that writes the journal.

Theory of operation. `append` makes bytes and does not touch the disk; `commit` stores all that was appended since, in
one write. What "stored" means is the site's choice:

* `process`: the kernel has the bytes, in the very call, so commands go out without a task switch. The server may die.
* `power`: the bytes are on the disk (fdatasync). A thread writes and waits; all that is appended meanwhile is its next
  write. The loop never waits for the disk, and hears by `on_stored` which commands may go out. The machine may die.

A disk that takes nothing does not stop the telephones: `commit` then lets commands go, what was appended is kept and
tried again every second, in order. When more than BACKLOG_BYTES are kept, later entries are given up; as soon as the
disk takes entries again, a `Gap` says which are missing and holds the whole state, so that a replay is exact again.
"""

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import structlog

from acd.core import Core, State
from acd.core.commands import AnyCommand
from acd.core.events import AnyEvent
from acd.journal.builds import build
from acd.journal.entries import AnyEntry, Entry, Gap, Refused, encode, put
from acd.journal.folder import LOG, STATE, Folder
from acd.journal.frames import JournalError
from acd.journal.replay import Rebuilt, rebuild
from acd.journal.segments import SEGMENT_BYTES, Log, tidy, write_state

log = structlog.get_logger()

BACKLOG_BYTES = 64 << 20
"""What is kept of entries that the disk does not take: some 400,000 entries."""
RETRY_S = 1.0
"""Between two attempts at a disk that takes nothing."""
STATE_ENTRIES = 10_000
STATE_S = 60.0
"""After so many entries, or so long, the state is stored: a restart decides no more than this again."""
DAY_MS = 86_400_000


class _Writing(NamedTuple):
    """What the thread is writing."""

    future: "Future[None]"
    data: bytearray
    first: int
    last: int


class Journal:
    """Appends entries; at its begin builds the core, later stores its state."""

    def __init__(
        self, path: Path, *, durability: Literal["process", "power"] = "process", keep_ms: int = 90 * DAY_MS
    ) -> None:
        """Open or create.

        Args:
            path: its folder.
            durability: what an entry outlives, see above.
            keep_ms: how long entries are kept at least.

        Raises:
            JournalError: it cannot be opened, is no journal, is damaged, of another format, or another process has it.

        """
        self.path = path
        self.keep_ms = keep_ms
        self.failed: str | None = None
        """Why the disk takes no entries at present; calls go on meanwhile."""
        self.alarms: list[str] = []
        """What was wrong with entries that the last `restore` came upon."""
        self.on_stored: Callable[[], None] = lambda: None
        """Called on the event loop when more is stored (durability power)."""
        self.folder = Folder(path)
        self._synced = durability == "power"
        self._buffer = bytearray()
        """What is not handed to the disk yet."""
        self._first = 0
        """Number of the first entry in it."""
        self._at = 0
        self._lost_from = 0
        """Number of the first entry that was given up; 0 for none."""
        self._retry_at = 0.0
        self._restate = ""
        """Why the next replay cannot go from what is stored to what comes; empty if it can."""
        self._writing: _Writing | None = None
        self._unsaved: tuple[int, int, bytes] | None = None
        """A state that waits until the entries that made it are stored."""
        self._saving: Future[None] | None = None
        self._saved_at = time.monotonic()
        with contextlib.ExitStack() as undo:
            try:
                path.mkdir(exist_ok=True, mode=0o700)
                self._lock = _locked(path)
                undo.callback(os.close, self._lock)
                self._log = Log(path, synced=self._synced)
                self.seq = self._saved = self._open()
            except OSError as error:
                raise JournalError(f"{path}: the journal cannot be opened: {error}") from error
            undo.pop_all()
        self.stored = self.seq
        """The last entry that is stored as the durability asks."""
        self._syncer = ThreadPoolExecutor(1, "journal")
        self._keeper = ThreadPoolExecutor(1, "journal-keeper")

    def _open(self) -> int:
        """Find where to go on; gives the last entry's number."""
        tail = self.folder.tail()
        seq = tail.seq if tail else 0
        if tail:
            _, file = self.folder.numbered(LOG)[-1]
            if tail.torn:
                log.warning("torn end of the journal cut off", file=str(file), bytes=tail.torn, last_entry=seq)
            if tail.header is None:
                file.unlink()
            elif tail.header.build == build():
                self._log.resume(file, tail.size)
            else:
                os.truncate(file, tail.size)
            if tail.header is not None and tail.header.build != build():
                self._restate = f"callfloor {build()} takes over from {tail.header.build}"
        elif not self.folder.numbered(STATE) and (self.path.parent / "journal.sqlite3").exists():
            log.warning(
                "journal.sqlite3 is of an earlier callfloor and is not read: a new journal begins",
                effect="agents log in again; who waits and who talks is found in Asterisk",
                mend="delete it",
            )
        return seq

    # Writing

    def append(self, event: AnyEvent, commands: list[AnyCommand]) -> int:
        """Take in an event with what followed from it; gives the entry's number.

        Raises:
            TypeError, ValueError: it cannot be written; nothing was taken in.

        """
        return self._put(Entry(self.seq + 1, event, commands), event.at)

    def refuse(self, event: AnyEvent, reason: str) -> int:
        """Take in that an event could not be decided and changed nothing; gives the entry's number."""
        try:
            return self._put(Refused(self.seq + 1, event, reason), event.at)
        except (TypeError, ValueError):
            reason = f"{event!r}: {reason}".encode(errors="backslashreplace").decode()
            return self._put(Refused(self.seq + 1, None, reason), event.at)

    def restate(self, state: State, why: str, *, lost: int = 0) -> int:
        """Take in the state as it is now, because a replay could not arrive at it; gives the entry's number.

        Args:
            state: the core's.
            why: for whoever reads the journal.
            lost: this many entries before it are missing.

        """
        first = self.seq + 1 - lost if lost else 0
        return self._put(Gap(self.seq + 1, state.now, why, first, lost, msgspec.Raw(encode(state))), state.now)

    def _put(self, entry: AnyEntry, at: int) -> int:
        if not self._lost_from:
            put(self._buffer, entry)
            self._first = self._first or entry.seq
            if self.failed is not None and len(self._buffer) > BACKLOG_BYTES:
                self._lost_from = entry.seq + 1
                log.critical("journal gives up entries", first=self._lost_from, reason=self.failed)
        self.seq, self._at = entry.seq, at
        return entry.seq

    def commit(self) -> int:
        """Store what was appended; gives the last entry whose commands may be carried out now.

        With durability `power` that may be an older one; `on_stored` tells when it is more. Never raises for the disk.
        """
        if self._buffer and self._writing is None and (self.failed is None or time.monotonic() >= self._retry_at):
            self._write()
        return self.stored if self.failed is None else self.seq

    def _write(self, *, at_once: bool = False) -> None:
        if self._synced and not at_once:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                pass  # no loop that could be kept waiting
            else:
                self._write_in_thread(loop)
                return
        try:
            self._log.write(self._buffer, self._first, self._at)
        except OSError as error:
            self._fail(error)
        else:
            self.stored = self._last
            self._buffer.clear()
            self._first = 0
            self._advanced()

    @property
    def _last(self) -> int:
        """The last entry in the buffer."""
        return self._lost_from - 1 if self._lost_from else self.seq

    def _write_in_thread(self, loop: asyncio.AbstractEventLoop) -> None:
        data, first = self._buffer, self._first
        self._buffer, self._first = bytearray(), 0
        future = self._syncer.submit(self._log.write, data, first, self._at)
        self._writing = _Writing(future, data, first, self._last)
        future.add_done_callback(lambda done: _tell(loop, self._written, done))

    def _written(self, future: "Future[None]") -> None:
        """Hear from the thread, on the loop."""
        if self._writing is None or self._writing.future is not future:
            return  # `flush` heard it first
        self._settle()
        self.commit()
        self.on_stored()

    def _settle(self) -> None:
        assert self._writing is not None, "nothing is being written"
        writing, self._writing = self._writing, None
        error = writing.future.exception()
        if error is None:
            self.stored = writing.last
            self._advanced()
        else:
            self._buffer[:0] = writing.data
            self._first = writing.first
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self.failed is None:
            log.critical("journal failed", reason=str(error), mend="free the disk; calls go on without a record")
        self.failed, self._retry_at = str(error), time.monotonic() + RETRY_S

    def _advanced(self) -> None:
        """More is stored than before."""
        if self.failed is not None:
            log.warning("journal works again", made_up_for_until=self.stored, gave_up_from=self._lost_from or None)
            self.failed = None
        if self._unsaved is not None and self._unsaved[0] <= self.stored:
            unsaved, self._unsaved = self._unsaved, None
            self._saving = self._keeper.submit(self._keep, *unsaved)

    def flush(self) -> None:
        """Store what was appended before returning. Never raises for the disk: `failed` tells."""
        if self._writing is not None:
            wait([self._writing.future])
            self._settle()
        if self._buffer:
            self._write(at_once=True)

    # States

    def tend(self, state: State) -> None:
        """Do what is due now and then; `state` is the core's after the last entry. Call when the commands are out."""
        if self.failed is not None:
            return
        if self._lost_from and not self._buffer and self._writing is None:
            lost, self._lost_from = self.seq + 1 - self._lost_from, 0
            self.restate(state, "the disk took no entries for too long", lost=lost)
            self.commit()
        full = self._log.size >= SEGMENT_BYTES and self._writing is None and self.stored == self.seq
        if full and not self._log.full:
            self._log.full = True  # the next file begins where this state ends
            self.save(state)
        elif self.seq - self._saved >= STATE_ENTRIES or (
            self.seq > self._saved and time.monotonic() - self._saved_at >= STATE_S
        ):
            self.save(state)

    def save(self, state: State) -> None:
        """Store the state as it is after the last entry, in a thread, as soon as that entry is stored.

        While an earlier one is still being stored this one is left out.
        """
        if (self._saving is not None and not self._saving.done()) or self.failed is not None or self._lost_from:
            return
        self._saved, self._saved_at = self.seq, time.monotonic()
        self._unsaved = (self.seq, state.now, encode(state))
        if self.stored >= self.seq:
            self._advanced()

    def _keep(self, seq: int, at: int, state: bytes) -> None:
        """Work of the keeper's thread."""
        try:
            write_state(self.path, seq, at, state)
            tidy(self.path, self.keep_ms)
        except (OSError, JournalError) as error:
            log.warning("state not stored", reason=str(error), cost="the next start decides more entries again")

    # Reading

    def entries(self, after: int = 0) -> Iterator[AnyEntry]:
        """All entries after a number, in order, those appended until now included. Errors as `Folder.entries`."""
        self.flush()
        return self.folder.entries(after)

    def core_at(self, seq: int) -> Core:
        """Build the core as it was just before an entry. Errors as `acd.journal.replay.rebuild`."""
        self.flush()
        return rebuild(self.folder, seq).core

    def restore(self, begun: Rebuilt | None = None) -> Core:
        """Build the core as it was after the last entry: the last state that was stored, and what came after it.

        `begun` is what was rebuilt ahead, while another process still wrote.

        Raises:
            JournalError: the journal is damaged after that state, or no state can be read and its begin is gone.

        """
        self.flush()
        done = rebuild(self.folder, begun=begun)
        self.alarms = list(done.poisoned)
        why, lost = self._restate, 0
        if done.poisoned:
            why = "; ".join(done.poisoned)
        if done.seq > self.seq:
            why, lost = "a power cut took entries that the stored state includes", done.seq - self.seq
            self.alarms.append(f"entries {self.seq + 1} to {done.seq} are missing: {why}")
            log.error("journal lacks entries", first=self.seq + 1, last=done.seq, reason=why)
            self.seq = self.stored = done.seq
        if why and self.seq:
            self.restate(done.core.state, why, lost=lost)
            self.commit()
            self._saved = -STATE_ENTRIES  # with the next entry the state is stored, so that this is done once
        self._restate = ""
        return done.core

    def close(self) -> None:
        """Store what is left, wait for the threads, and let another process write."""
        if self._lock < 0:
            return
        self.flush()
        self._syncer.shutdown()
        self._keeper.shutdown()
        self._log.close()
        os.close(self._lock)
        self._lock = -1


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[["Future[None]"], None], future: "Future[None]") -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: `close` has waited for the write itself
        loop.call_soon_threadsafe(what, future)


def _locked(folder: Path) -> int:
    """Take the folder's lock; held until the descriptor is closed, by whatever death.

    Raises:
        JournalError: another process has it.

    """
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(lock, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        raise JournalError(f"{folder}: another callfloor, pid {owner}, writes this journal; there can be one") from None
    except OSError:
        os.close(lock)
        raise
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock
