"""Finds a call in the journal by what a person knows of it: the switch's id, or the caller's number."""

from collections.abc import Iterable

from acd.core import events as ev
from acd.history import Entry, History, Restated

NEAR_MS = 26 * 3_600_000
"""A call is looked for in the last day and a bit first, then in the whole journal."""


class NotFoundError(Exception):
    """No such call in the journal."""


def find(history: History, name: str, now: int) -> tuple[str, int]:
    """Find a call by the switch's id, or the latest one of a caller by his number.

    Returns:
        The call's id, and the number of the entry with which it came.

    Raises:
        NotFoundError: the journal knows neither.

    """
    begin = history.before(now - NEAR_MS)
    for first in (begin, 0) if begin else (0,):
        search = _Search(name)
        search.read(history.entries(first))
        if search.came:
            call = name if name in search.came else next(reversed(search.came))
            return call, search.came[call]
    raise NotFoundError(f"the journal knows no call and no caller '{name}'")


class _Search:
    """Calls with an id or of a caller."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._inside: set[str] = set()
        self.came: dict[str, int] = {}
        """Call -> the entry with which it came, latest last."""

    def read(self, entries: Iterable[Entry | Restated]) -> None:
        """Look through entries."""
        for entry in entries:
            if isinstance(entry, Restated):
                self._inside.clear()
                for known in entry.state.calls.values():
                    self._see(entry.seq + 1, known.id, known.caller)
                continue
            match entry.event:
                case ev.CallArrived(call=call, caller=caller):
                    self._see(entry.seq, call, caller)
                case ev.CallEnded(call=call):
                    self._inside.discard(call)
                case ev.Snapshot():
                    self._snapshot(entry.seq, entry.event)

    def _snapshot(self, seq: int, snapshot: ev.Snapshot) -> None:
        if self._inside:
            self._inside &= {held.call for held in snapshot.calls}
        for held in snapshot.calls:
            if held.waiting:
                self._see(seq, held.call, held.caller)

    def _see(self, seq: int, call: str, caller: str) -> None:
        if self._name in (call, caller) and call not in self._inside:
            self._inside.add(call)
            self.came.pop(call, None)
            self.came[call] = seq
