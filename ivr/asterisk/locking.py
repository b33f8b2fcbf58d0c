"""One process at a time: advisory locks on files, dropped by the system when their holder dies."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(file: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a lock on a file, made when missing; `waiting` is called once if another process holds it."""
    with file.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
