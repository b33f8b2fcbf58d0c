"""A few things kept in one file of the server's home, for its eyes alone: read again when it has changed."""

import threading
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from acd import private_file

T = TypeVar("T")


class Kept(Generic[T]):
    """Things of one kind in a file. May be used from several threads.

    Args:
        path: the file; it need not be there.
        kind: what is in it.

    """

    def __init__(self, path: Path, kind: type[T]) -> None:
        self.path = path
        self._decoder = msgspec.json.Decoder(tuple[kind, ...])  # type: ignore[valid-type]  # known when it runs
        self._read_of: tuple[int, int] | None = None
        self._things: tuple[T, ...] = ()
        self._lock = threading.Lock()

    def all(self) -> tuple[T, ...]:
        """Give them.

        Raises:
            OSError, msgspec.MsgspecError: the file cannot be read.

        """
        with self._lock:
            try:
                at = self.path.stat()
                if self._read_of != (at.st_mtime_ns, at.st_ino):
                    self._things = self._decoder.decode(self.path.read_bytes())
                    self._read_of = at.st_mtime_ns, at.st_ino
            except FileNotFoundError:
                self._things, self._read_of = (), None
            return self._things

    def write(self, things: tuple[T, ...]) -> None:
        """Have these in the file, and no others. Whatever ends in the midst of it, it holds either or.

        Raises:
            OSError: it cannot be written.

        """
        private_file.write(self.path, msgspec.json.format(msgspec.json.encode(things)) + b"\n")
