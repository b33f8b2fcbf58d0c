"""How long a caller will wait: a range with a known hit rate, learned from what waits there were.

Everybody who had to wait and was answered teaches one number: his wait divided by his place when he came (the third to
be served waited so long for each of three). The range for a place is that place times the tenth and the ninetieth
percentile of the last 200 of these. Then the promise is kept honest: of each caller it is noted whether he waited at
most what he was told, and the upper percentile moves up a little after each miss and down a little less after each hit,
so that nine in ten are hits in the long run whatever the day does (adaptive conformal inference: Gibbs, Candes, 2021).
Integers only, so a replay learns the same.
"""

from acd.core.model import Call, State, WaitMemory

SAMPLES = 200
SAMPLES_LEAST = 5
"""Before so many were answered nothing is said."""
TARGET = 900
"""Hits that are aimed at, per mille."""
_STEP = 20
"""How far one miss moves the level, per mille; a hit moves it a ninth of that."""


def range_ms(memory: WaitMemory | None, place: int) -> tuple[int, int] | None:
    """From and to which time somebody with so many before him is answered, counted from now; None if unknown."""
    if memory is None or len(memory.recent) < SAMPLES_LEAST:
        return None
    ordered = sorted(memory.recent)
    least = ordered[len(ordered) // 10]
    most = ordered[min(len(ordered) - 1, len(ordered) * memory.level // 1000)]
    return (place + 1) * least, (place + 1) * most


def promise(state: State, call: Call, place: int) -> tuple[int, int] | None:
    """Say what holds for a waiting call now, and remember it, to see later whether it came true."""
    found = range_ms(state.waits.get(call.queue), place)
    if found is not None and not call.told_at:
        call.told_at, call.told_most_ms = state.now, found[1]
    return found


def learn(state: State, call: Call) -> None:
    """A call is answered that had to wait."""
    memory = state.waits.setdefault(call.queue, WaitMemory())
    if call.told_at:
        if state.now - call.told_at <= call.told_most_ms:
            memory.hits += 1
            memory.level = max(500, memory.level - _STEP * (1000 - TARGET) // TARGET)
        else:
            memory.misses += 1
            memory.level = min(999, memory.level + _STEP)
        call.told_at = 0
    wait = state.now - call.known_at
    if call.place >= 0 and wait > 0:
        memory.recent.append(wait // (call.place + 1))
        if len(memory.recent) > SAMPLES:
            del memory.recent[0]


def hit_rate(memory: WaitMemory) -> int | None:
    """Share of promises that came true, per mille; None before there were any."""
    told = memory.hits + memory.misses
    return memory.hits * 1000 // told if told else None
