"""The index over deadlines against the plain list of them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from acd.core.deadlines import Deadlines, all_deadlines
from acd.core.line import Line
from acd.core.model import State
from acd.core.rules import LineRule

TIMES = st.one_of(st.integers(0, 5_000), st.sampled_from([1_023, 1_024, 2_047, 2_048, 3_600_000, 86_400_000]))
NAMES = st.sampled_from(["a", "b", "c", "d"])
STEPS = st.lists(st.one_of(st.tuples(NAMES, st.none() | TIMES), TIMES), max_size=60)


@settings(max_examples=400, deadline=None)
@given(STEPS)
def test_the_soonest_that_holds_is_next_however_they_are_moved_and_taken(steps):
    """Deadlines are set near and far, moved, dropped and taken: what is next is what a look at all of them says."""
    state = State(lines={name: Line(rule=LineRule(name=name), group="g") for name in "abcd"})
    deadlines = Deadlines(state)
    now = 0
    for step in steps:
        if isinstance(step, tuple):
            name, after = step
            state.lines[name].fault_until = None if after is None else now + after
            if after is not None:
                deadlines.add(now + after, "line", name)
        else:
            now += step
            while (entry := deadlines.take(now)) is not None:
                assert entry == min(all_deadlines(state))
                assert entry[0] <= now
                state.lines[entry[2]].fault_until = None
        assert deadlines.next() == min((entry[0] for entry in all_deadlines(state)), default=None)
        assert deadlines.next() == Deadlines(state).next()
