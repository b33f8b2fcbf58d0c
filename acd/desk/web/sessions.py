"""Sessions of agents' browsers. They are kept in a file, so that a page is still signed in after a restart.

Of a cookie the file has the hash, of the PIN that it was made of a hash that is salted with that.
"""

import secrets
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct

from acd.desk.web.kept import Kept
from acd.desk.web.tokens import hashed

log = structlog.get_logger()

FILE = "desk/sessions.json"
MOST = 10_000


class Session(Struct, frozen=True):
    """A browser that is signed in."""

    key: str
    """The hash of its cookie."""
    seat: str
    pin: str
    """A hash of the PIN that it was made of: with another one it is over."""
    ends_at: int

    def is_of(self, pin: str) -> bool:
        """Whether it was made of this PIN."""
        return self.pin == hashed(f"{self.key} {pin}")


class Sessions:
    """All sessions of a server, and of the one before it on this home.

    Args:
        home: the server's.
        clock: the time, ms since the epoch.

    """

    def __init__(self, home: Path, clock: Callable[[], int]) -> None:
        self._kept, self._clock = Kept(home / FILE, Session), clock
        self._known: dict[str, Session] = {}
        self._ended = set[str]()
        self._lock = threading.Lock()

    def begin(self, seat: str, pin: str, for_ms: int) -> str:
        """Begin one; gives the cookie's value. Blocks for the disk; a full one does not keep anybody out."""
        secret, now = secrets.token_urlsafe(32), self._clock()
        key = hashed(secret)
        made = Session(key, seat, hashed(f"{key} {pin}"), now + for_ms)
        with self._lock:
            self._look()
            left = [one for one in self._known.values() if one.ends_at > now][1 - MOST :]
            self._change([*left, made])
        return secret

    def end(self, key: str) -> None:
        """End one. Blocks for the disk."""
        with self._lock:
            self._look()
            self._ended.add(key)
            if key in self._known:
                self._change([one for one in self._known.values() if one.key != key])

    def get(self, key: str) -> Session | None:
        """Give one that is known and not over; see `look`."""
        found = self._known.get(key)
        return found if found is not None and found.ends_at > self._clock() else None

    def look(self) -> None:
        """Know what the server before this one knew. Blocks for the disk."""
        with self._lock:
            self._look()

    def _look(self) -> None:
        try:
            kept = {one.key: one for one in self._kept.all() if one.key not in self._ended}
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("sessions cannot be read, agents sign in again", file=str(self._kept.path), reason=str(error))
        else:
            self._known = {**kept, **self._known}

    def _change(self, sessions: list[Session]) -> None:
        self._known = {one.key: one for one in sessions}
        try:
            self._kept.write(tuple(sessions))
        except OSError as error:
            log.warning("sessions cannot be kept, they end with this server", reason=str(error))
