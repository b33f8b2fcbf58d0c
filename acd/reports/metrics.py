"""The figures of a contact centre, each a function of what was counted, each with its source.

Letters as the field has them: O offered, A answered, A_T answered within T, B abandoned, B_s short abandons, B_T
abandoned within T, F flow-outs. A share is a number from 0 to 1, None where there is nothing to divide by. All waits
are the caller's: from the moment he joined his first queue, in milliseconds.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from msgspec import Struct, field


class Counts(Struct, kw_only=True):
    """What happened to the calls that joined in an interval."""

    offered: int = 0
    answered_ms: list[int] = field(default_factory=list)
    """Wait of each call that was answered."""
    abandoned_ms: list[int] = field(default_factory=list)
    """Wait of each caller who hung up."""
    left_ms: list[int] = field(default_factory=list)
    """Wait of each call that left otherwise: sent away, moved to another queue, by a key, lost."""
    left: Counter[str] = field(default_factory=Counter)
    """Why these left."""
    open_ms: list[int] = field(default_factory=list)
    """Wait so far of those who wait still."""
    talks_ms: list[int] = field(default_factory=list)
    wrap_ups_ms: list[int] = field(default_factory=list)
    promises: int = 0
    """Callers who were told a range, and are answered or waited longer than they were told."""
    promises_kept: int = 0


class Thresholds(Struct, frozen=True, kw_only=True):
    """What the figures depend on, besides what happened."""

    target_ms: int = 20_000
    """T: answered within this is in time. 80 % in 20 s is the usual target (the example of the Genesys manual)."""
    short_ms: int = 5_000
    """S: who hangs up before this did not mean to wait."""


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None


def _within(waits_ms: Sequence[int], most_ms: int) -> int:
    return sum(wait <= most_ms for wait in waits_ms)


def short_abandons(counts: Counts, limits: Thresholds) -> int:
    """B_s: who hung up before S (Vonage and Genesys: S configurable, feeds service level and abandon rate)."""
    return sum(wait < limits.short_ms for wait in counts.abandoned_ms)


def service_level(counts: Counts, limits: Thresholds) -> float | None:
    """A_T / (A + B - B_s): the default here. A flow-out is nobody's failure, a short abandon nobody's either."""
    answered = len(counts.answered_ms)
    return _share(
        _within(counts.answered_ms, limits.target_ms),
        answered + len(counts.abandoned_ms) - short_abandons(counts, limits),
    )


def service_level_of_answered(counts: Counts, limits: Thresholds) -> float | None:
    """A_T / A: app_queue's `ServicelevelPerf`. Who gave up does not count, so it looks best when things are worst."""
    return _share(_within(counts.answered_ms, limits.target_ms), len(counts.answered_ms))


def service_level_with_abandons(counts: Counts, limits: Thresholds) -> float | None:
    """(A_T + B_T) / (A + B): app_queue's `ServicelevelPerf2`. Who gave up early counts as served."""
    early = _within(counts.answered_ms, limits.target_ms) + _within(counts.abandoned_ms, limits.target_ms)
    return _share(early, len(counts.answered_ms) + len(counts.abandoned_ms))


def service_level_any_exit(counts: Counts, limits: Thresholds) -> float | None:
    """Left the queue within T for any cause / offered: Amazon Connect's `Service level X`."""
    waits = (counts.answered_ms, counts.abandoned_ms, counts.left_ms)
    return _share(sum(_within(some, limits.target_ms) for some in waits), counts.offered)


def service_level_violations(counts: Counts, limits: Thresholds) -> float | None:
    """(A - violations) / A, abandons after T among the violations and in A: Genesys with its option on abandons."""
    late_abandons = len(counts.abandoned_ms) - _within(counts.abandoned_ms, limits.target_ms)
    answered = len(counts.answered_ms)
    return _share(_within(counts.answered_ms, limits.target_ms), answered + late_abandons)


def service_level_with_breakouts(counts: Counts, limits: Thresholds) -> float | None:
    """A_T / (A + B + F): Vonage, whose breakouts are our flow-outs."""
    whole = len(counts.answered_ms) + len(counts.abandoned_ms) + len(counts.left_ms)
    return _share(_within(counts.answered_ms, limits.target_ms), whole)


SERVICE_LEVELS: dict[str, Callable[[Counts, Thresholds], float | None]] = {
    "A_T/(A+B-B_s)": service_level,
    "A_T/A": service_level_of_answered,
    "(A_T+B_T)/(A+B)": service_level_with_abandons,
    "out_T/O": service_level_any_exit,
    "A_T/(A+B-B_T)": service_level_violations,
    "A_T/(A+B+F)": service_level_with_breakouts,
}
"""Formula -> figure, the default first. out_T: left the queue within T for any cause."""


def asa_ms(counts: Counts) -> float | None:
    """Average speed of answer: sum of the waits of answered calls / A."""
    return mean(counts.answered_ms)


def abandon_rate(counts: Counts, limits: Thresholds) -> float | None:
    """(B - B_s) / (O - B_s): Genesys' B / O, less those who did not mean to wait."""
    short = short_abandons(counts, limits)
    return _share(len(counts.abandoned_ms) - short, counts.offered - short)


def abandon_time_ms(counts: Counts) -> float | None:
    """Average time to abandon: mean wait of B (Amazon Connect: from joining to hanging up)."""
    return mean(counts.abandoned_ms)


def longest_wait_ms(counts: Counts) -> int:
    """Longest wait of all, whatever came of it, those who wait still included (Amazon Connect counts abandons too)."""
    waits = (counts.answered_ms, counts.abandoned_ms, counts.left_ms, counts.open_ms)
    return max((max(some) for some in waits if some), default=0)


def talk_ms(counts: Counts) -> float | None:
    """Mean talk: from the moment the two hear each other to the end of the seat's leg, hold included."""
    return mean(counts.talks_ms)


def wrap_up_ms(counts: Counts) -> float | None:
    """ACW: end of the talk until the seat is ready, or does something else (Amazon Connect, Genesys)."""
    return mean(counts.wrap_ups_ms)


def aht_ms(counts: Counts) -> float | None:
    """Average handle time: (talk + hold + wrap-up) / handled; what of hold the switch does not tell is in the talk."""
    handled = len(counts.talks_ms)
    return (sum(counts.talks_ms) + sum(counts.wrap_ups_ms)) / handled if handled else None


def promise_hit_rate(counts: Counts) -> float | None:
    """Promises kept / promises made: who was told 'at most so long' and was answered by then (`waits`: nine in ten).

    A caller who gives up before the promised time ran out proves nothing and counts in neither.
    """
    return _share(counts.promises_kept, counts.promises)


def percentile_ms(waits_ms: Sequence[int], per_cent: float) -> int | None:
    """Return the least wait that this many per cent do not exceed (nearest rank: a wait that somebody had)."""
    if not waits_ms:
        return None
    ordered = sorted(waits_ms)
    rank = -(-len(ordered) * per_cent // 100)  # upwards
    return ordered[max(int(rank), 1) - 1]


def mean(values: Sequence[int]) -> float | None:
    """Return the arithmetic mean."""
    return sum(values) / len(values) if values else None


class SeatTime(Struct, kw_only=True):
    """What a seat did in an interval, and for how long; parallel contacts count once."""

    ready_ms: int = 0
    ringing_ms: int = 0
    talking_ms: int = 0
    wrap_up_ms: int = 0
    paused_ms: int = 0
    unreachable_ms: int = 0
    """Ready, but its handset could not be rung."""
    hold_ms: int = 0
    """Of the talks: a caller was on hold; counted where his leg ended, whoever gave him to this seat."""
    answered: int = 0
    unanswered: int = 0
    """Offers that the agent let ring, refused or could not be given, each repeat counted (Amazon Connect:
    agent non-response)."""

    @property
    def logged_in_ms(self) -> int:
        """Whatever it did, the agent was there."""
        return self.handling_ms + self.ready_ms + self.ringing_ms + self.paused_ms + self.unreachable_ms

    @property
    def handling_ms(self) -> int:
        """Talk and wrap-up."""
        return self.talking_ms + self.wrap_up_ms

    def add(self, other: "SeatTime") -> None:
        """Add the times of another."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def occupancy(time: SeatTime) -> float | None:
    """Time on contacts / (time on contacts + idle available): Amazon Connect. Ringing and pauses are neither."""
    return _share(time.handling_ms, time.handling_ms + time.ready_ms)


def utilisation(time: SeatTime) -> float | None:
    """Time on contacts / time logged in. Often called occupancy too; two names are kept for two figures."""
    return _share(time.handling_ms, time.logged_in_ms)
