"""What a simulated day does not know is drawn from what the real one measured.

Each draw is made from the seed and the names of those it is about, not from a row of numbers. So a caller has the same
patience, and an agent picks up the same call after the same time, on both sides of a comparison, in whatever order
things come there (common random numbers).
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

from acd.reports.facts import ABANDONED
from acd.whatif.day import Caller, Day, Ring, Talk
from acd.whatif.patience import ABANDONS_LEAST, Patience

RINGS_LEAST = 5
"""A seat that was rung fewer times rings like all seats together."""
TALK_MS = 180_000
RING_MS = 5_000
RETURN_MS = 60_000
"""What is taken where a day measured nothing at all: 3 min of talk, 5 s of ringing, 1 min until an agent is back."""

T = TypeVar("T")


class Draws:
    """A day's callers and agents, as a simulation asks for them."""

    def __init__(self, day: Day, seed: int = 1) -> None:
        self.day = day
        self._seed = str(seed).encode()
        self._all_rings = [ring for rings in day.rings.values() for ring in rings]
        self._all_talks = [talk for talks in day.talks.values() for talk in talks]
        self._all_returns = [ms for returns in day.returns_ms.values() for ms in returns]
        self.patience = _patience(day)

    def chance(self, *about: object) -> float:
        """Draw uniformly from [0, 1), the same for the same names."""
        name = "\x00".join(map(str, about)).encode(errors="surrogatepass")
        return int.from_bytes(blake2b(name, digest_size=7, key=self._seed).digest(), "big") / (1 << 56)

    def gives_up(self, key: str) -> tuple[int, str] | None:
        """Return when a caller leaves of his own accord, ms since his wait began, and how; None for never."""
        caller = self.day.callers[key]
        if caller.gave_up:
            return caller.waited_ms, caller.how
        patience = self.patience.get(caller.arrival.queue, self.patience[""])
        drawn = patience.draw(self.chance("patience", key), caller.waited_ms)
        return None if drawn is None else (drawn, ABANDONED)

    def ring(self, key: str, seat: str, time: int) -> Ring:
        """Return what comes of ringing a seat for a caller for the n-th time."""
        caller = self.day.callers.get(key)
        known = caller.rings.get(seat, ()) if caller is not None else ()
        least = 0
        if time < len(known):
            if known[time].outcome != "withdrawn":
                return known[time]
            least = known[time].ms
        rings: Sequence[Ring] = self.day.rings.get(seat, ())
        rings = rings if len(rings) >= RINGS_LEAST else self._all_rings
        if least:  # taken back that day, so all that is known is that nobody had picked up by then
            rings = [ring for ring in rings if ring.ms > least] or [Ring("no-answer", least + 1)]
        return self._one(rings, "ring", key, seat, time) or Ring("answered", RING_MS)

    def talk(self, key: str) -> Talk:
        """Return the talk that follows."""
        caller: Caller = self.day.callers[key]
        if caller.talk is not None:
            return caller.talk
        talks = self.day.talks.get(caller.arrival.queue, ())
        return self._one(talks or self._all_talks, "talk", key) or Talk(TALK_MS)

    def comes_back_ms(self, seat: str, time: int) -> int:
        """Return how long after it was set aside for the n-th time a seat's agent is ready again."""
        known = self.day.returns_ms.get(seat, ())
        if time < len(known):
            return known[time]
        returns = known or self._all_returns
        drawn = self._one(returns, "return", seat, time)
        return RETURN_MS if drawn is None else drawn

    def _one(self, several: Sequence[T], *about: object) -> T | None:
        return several[int(self.chance(*about) * len(several))] if several else None


def _patience(day: Day) -> dict[str, Patience]:
    waits: dict[str, list[tuple[int, bool]]] = {"": []}
    for caller in day.callers.values():
        wait = caller.waited_ms, caller.gave_up
        waits[""].append(wait)
        waits.setdefault(caller.arrival.queue, []).append(wait)
    curves = {queue: Patience(several) for queue, several in waits.items()}
    return {queue: curve for queue, curve in curves.items() if not queue or curve.abandons >= ABANDONS_LEAST}
