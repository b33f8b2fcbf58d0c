"""The writing end of the files: log files that grow and are followed by others, states that are put beside them.

Everything here may block on the disk. Who calls it decides in which thread.
"""

import contextlib
import os
import time
from pathlib import Path

import structlog

from acd.journal.builds import build
from acd.journal.folder import LOG, STATE, Folder, droppable
from acd.journal.frames import frame, head

log = structlog.get_logger()

SEGMENT_BYTES = 8 << 20
"""A log file that is larger is followed by a new one. At about 150 bytes an entry: 50,000 entries, decided again in
about two seconds, which is how long it takes to look at any moment that was."""
RESERVE = 1 << 20
"""A synced file grows by so many zeros at a time, and is cut to its size when it is done. A write into bytes that are
there needs no change of the file's size or extents, so fdatasync waits for the data alone: a third of the time on ext4.
"""
STATES_KEPT = 3
"""This many newest states are kept, and one for each log file: the first after the file's begin."""


class Log:
    """The newest log file, and those that follow it. Used by one thread at a time."""

    def __init__(self, folder: Path, *, synced: bool) -> None:
        """Append to a folder's log; `synced`: each write is on the disk, and not only with the kernel, at its end."""
        self._folder = folder
        self._synced = synced
        self._file = -1
        self._size = 0
        self._reserved = 0
        """Bytes of the file, zeros after `_size`."""
        self.full = False
        """The next write begins a new file."""

    @property
    def size(self) -> int:
        """Bytes in the newest file."""
        return self._size

    def resume(self, file: Path, size: int) -> None:
        """Go on in an existing file, whose first `size` bytes are whole; what follows them is cut off."""
        self._file = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
        self._size = size
        self._trim()

    def write(self, data: bytes | bytearray, first: int, at: int) -> None:
        """Append whole frames.

        Args:
            data: the frames.
            first: number of the first entry in them; names a new file.
            at: time of it, for the header.

        Raises:
            OSError: they are not stored, and nothing of them will be taken for stored.

        """
        if self._file < 0 or self.full or self._size >= 2 * SEGMENT_BYTES:
            self._begin(first, at)
        try:
            if self._synced and self._size + len(data) > self._reserved:
                self._reserve(self._size + len(data) + RESERVE)
            _put(self._file, data, self._size)
            if self._synced:
                os.fdatasync(self._file)  # when it fails the same bytes are written again: fsync(2) forgets failures
        except OSError:
            with contextlib.suppress(OSError):  # half an entry; it is written over, or cut off at the next start
                self._trim()
            raise
        self._size += len(data)

    def _reserve(self, size: int) -> None:
        with contextlib.suppress(OSError):  # a disk that is nearly full: perhaps the entries themselves fit
            _put(self._file, bytes(size - self._reserved), self._reserved)
            self._reserved = size

    def _trim(self) -> None:
        os.ftruncate(self._file, self._size)
        self._reserved = self._size

    def _begin(self, first: int, at: int) -> None:
        if self._file >= 0:
            self._trim()
        path = self._folder / f"{first:020}{LOG}"
        header = head("log", first, at, build())
        new = path.with_suffix(".new")  # a reader never meets a file without a header
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            _put(file, header, 0)
            if self._synced:
                os.fdatasync(file)
            new.replace(path)
            if self._synced:
                sync_folder(self._folder)
        except OSError:
            os.close(file)
            with contextlib.suppress(OSError):
                new.unlink()
            raise
        self.close()
        self._file, self._size, self._reserved, self.full = file, len(header), len(header), False

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            with contextlib.suppress(OSError):  # zeros at the end are read as the end
                self._trim()
            os.close(self._file)
            self._file = -1


def _put(file: int, data: bytes | bytearray, offset: int) -> None:
    done = os.pwrite(file, data, offset)
    while done < len(data):  # the disk is nearly full, or a signal came
        done += os.pwrite(file, data[done:], offset + done)


def write_state(folder: Path, seq: int, at: int, state: bytes) -> None:
    """Put a state beside the log, whole or not at all. Raises OSError."""
    path = folder / f"{seq:020}{STATE}"
    new = path.with_suffix(".new")
    try:
        with new.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(head("state", seq, at, build()) + frame(state))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        sync_folder(folder)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Wait until the folder's list of files is on the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def tidy(folder: Path, keep_ms: int) -> None:
    """Let go of log files that are older than `keep_ms`, and of states that nobody needs. Raises OSError."""
    reader = Folder(folder)
    states = reader.numbered(STATE)
    numbers = [seq for seq, _ in states]
    old = droppable(reader.numbered(LOG), numbers, time.time_ns() // 1_000_000 - keep_ms)
    for file in old:
        file.unlink()
    if old:
        log.info("journal shortened", files=len(old), oldest=reader.numbered(LOG)[0][1].name)
    firsts = [first for first, _ in reader.numbered(LOG)]
    needed = {min((seq for seq in numbers if seq >= first - 1), default=0) for first in firsts}
    newest = set(numbers[-STATES_KEPT:])
    for seq, file in states:
        if seq < firsts[0] - 1 or seq not in needed | newest:
            file.unlink()
