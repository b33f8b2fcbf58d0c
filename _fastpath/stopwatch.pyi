# ruff: noqa: PYI021 - the stub is the manual
"""Times single decisions of the matcher inside compiled code, where no call from Python blurs them. For benches.

There is no pure twin: what it says is true of the compiled build alone. It needs POSIX `clock_gettime`; where that is
missing it is not built, and nothing but the bench misses it.
"""

from array import array

from _fastpath.match import Matcher

def clock_ns(count: int) -> int:
    """What reading the clock twice in a row shows in so many tries, the median: to be taken off every time below."""

def decisions(
    matcher: Matcher, seats: array[int], seat_classes: array[int], ranks: array[int], due: int
) -> tuple[array[int], array[int]]:
    """Let one seat after the other come free, and take the best pair each time.

    The call that was given away waits again in its class (not timed), with the next of the ranks and of the due times,
    so that the load stays as it is; a seat that gets no call goes away again.

    Args:
        matcher: one of a single lane, without bars, with no pair possible at the start.
        seats: their ids, each not free at its turn.
        seat_classes: their classes.
        ranks: of the calls that wait again.
        due: the keys of the seats and due times of the calls count up from here. All arrays are of type "q".

    Returns:
        For each decision, the ns from before the seat comes free until the pair is taken; and the call, or -1.

    Raises:
        ValueError: the arrays are unlike, there are more lanes, a pair was left over, or what `free` and `wait` raise.

    """
