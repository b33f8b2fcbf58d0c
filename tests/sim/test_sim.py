"""Days of trouble, then calm, over sites drawn by chance; and proof that the simulation would notice."""

import os

import pytest

from tests.sim import mutants
from tests.sim.__main__ import attempt, tell

SEEDS = range(12)
EVENTS = 1_500
SAMPLE = (
    "drops_the_refusal_memory",
    "serves_by_another_lane",
    "forgets_to_release_a_seat",
    "forgets_the_hold",
    "takes_tiers_the_wrong_way_round",
    "counts_no_passes",
    "lets_the_losers_ring",
    "cannot_derive_who_is_busy",
)
"""Those that are looked for in every run, as they are found soon; `make sim MUTANTS=1` looks for all."""
WANTED = tuple(mutants.MUTANTS) if os.environ.get("MUTANTS") else SAMPLE


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_no_promise_is_broken_and_calm_drains_every_queue(seed):
    """Order, fairness, capacity, refusals, limits, deadlines, replay and restore hold through a day of trouble."""
    print(f"seed {seed}: python -m tests.sim {seed} --events {EVENTS}")
    fault, world = attempt(seed, EVENTS)
    assert fault is None, f"{tell(world)}\n{fault}"
    assert world.events > EVENTS // 2


@pytest.mark.parametrize("name", WANTED)
def test_a_core_with_a_small_mistake_does_not_get_through(name):
    """Each mutant of the core breaks a promise within a few days of the simulation, and is caught at it."""
    found = mutants.caught(name)
    assert found is not None, f"{name} lives"
    print(f"{name}: seed {found[0] - 1}, {found[1]} events: {found[2]}")


def test_a_day_can_be_repeated_exactly():
    """The same seed makes the same events and the same commands, to the last byte."""
    days = [attempt(3, 600)[1] for _ in range(2)]
    assert days[0].tape == days[1].tape
    assert list(days[0].trace) == list(days[1].trace)
