"""Attachments: small ones in the database, large ones in files named by the hash of what is in them.

A file is whole before it has its name, and there before the row that names it is stored. A row that goes leaves a file
that nothing names; the sweep removes it, if it is not so young that its row may be still to come.
"""

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.orm import Session

from acd.store.schema import Attachment

INSIDE_MOST = 16 * 1024
"""Bytes of an attachment that is kept in the database itself."""
YOUNG_S = 3_600
"""So long a file may wait for its row."""
DRAFT = ".new"


class Kept(Struct, frozen=True):
    """Where the content of an attachment is."""

    hash: str
    size: int
    data: bytes | None
    """None: in the file of that name."""


def _flush(folder: Path) -> None:
    """Have the names in a folder outlive a power cut, as what is in the files does."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


class Files:
    """The folder of large attachments."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path:
        """Return where the file of a hash is."""
        return self._folder / name[:2] / name

    def keep(self, data: bytes, *, inside_most: int = INSIDE_MOST) -> Kept:
        """Store the content of an attachment; the same content is stored once.

        Args:
            data: the content.
            inside_most: what is longer becomes a file; -1 for all, where somebody needs a path.

        Raises:
            OSError: it cannot be written.

        """
        name = hashlib.sha256(data).hexdigest()
        if len(data) <= inside_most:
            return Kept(name, len(data), data)
        path = self.path(name)
        if path.exists():
            path.touch()  # it is young again: its new row is still to come
        else:
            self._write(path, data)
        return Kept(name, len(data), None)

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}{DRAFT}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(path)
            _flush(path.parent)
        finally:
            draft.unlink(missing_ok=True)

    def content(self, attachment: Attachment) -> bytes:
        """Return what is in an attachment.

        Raises:
            OSError: its file cannot be read.

        """
        return self.path(attachment.hash).read_bytes() if attachment.data is None else attachment.data

    def sweep(self, session: Session, *, young_s: float = YOUNG_S) -> int:
        """Remove the files that no row names; gives how many."""
        return self._remove(session, self._all(), young_s)

    def remove(self, session: Session, hashes: Iterable[str]) -> int:
        """Remove the files of these hashes that no row names any more; gives how many."""
        return self._remove(session, map(self.path, hashes), 0.0)

    def _all(self) -> Iterator[Path]:
        return (path for folder in sorted(self._folder.glob("??")) for path in sorted(folder.iterdir()))

    def _remove(self, session: Session, paths: Iterable[Path], young_s: float) -> int:
        removed, oldest = 0, time.time() - young_s
        for path in paths:
            try:
                if path.stat().st_mtime > oldest:
                    continue
            except FileNotFoundError:
                continue
            named = select(Attachment.id).where(Attachment.hash == path.name, Attachment.data.is_(None)).limit(1)
            if session.scalar(named) is None:
                path.unlink(missing_ok=True)
                removed += 1
        return removed
