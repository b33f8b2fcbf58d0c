"""How call_rate judges what its callers and agents noted."""

from tests.bench.call_rate import PATIENCE_MS, STEP_S, Load, Result, judge
from tests.bench.measure import quantile


def notes(load):
    """Every caller pressed his key as his call was made, was answered 7 ms later, and was served to the end."""
    made = {str(who): 1000.0 * who for who in range(sum(load.rates) * STEP_S)}
    return {"made": made, "key": dict(made), "end": dict(made)}, {who: at + 7 for who, at in made.items()}


def test_a_load_without_a_failure_is_sustained_whole():
    """When all are served, no step has a failed call and each has the delay of each of its calls."""
    load = Load(1, (1, 2))
    failed, delays = judge(load, *notes(load))
    assert failed == [0, 0]
    assert delays == [[7.0] * STEP_S, [7.0] * 2 * STEP_S]
    assert Result(failed, delays, 0, 0).sustained == 2


def test_each_way_to_fail_counts_in_the_step_the_call_was_made_in():
    """Not made, not ended in order, never answered, answered too late: each is one failed call of its own step."""
    load = Load(1, (1, 2, 3))
    noted, answered = notes(load)
    del noted["end"]["0"], answered["1"]
    answered[str(STEP_S)] += PATIENCE_MS
    last = max(noted["made"], key=int)
    for seen in (*noted.values(), answered):
        del seen[last]
    failed, delays = judge(load, noted, answered)
    assert failed == [2, 1, 1]
    assert [len(step) for step in delays] == [STEP_S - 2, 2 * STEP_S - 1, 3 * STEP_S - 1]


def test_a_side_sustains_what_comes_before_its_first_failure():
    """A later step that went well does not make up for an earlier one that did not."""
    assert Result([0, 0, 1, 0], [[], [], [], []], 0, 0).sustained == 2


def test_quantiles_are_measured_values():
    """The nearest-rank quantile is one of the values: of twenty, p95 is the nineteenth."""
    values = list(range(20, 0, -1))
    assert [quantile(values, share) for share in (0.0, 0.5, 0.95, 1.0)] == [1, 10, 19, 20]
