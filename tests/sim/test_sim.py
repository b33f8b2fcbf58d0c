"""Days of trouble, then calm: no caller is lost, robbed, served out of turn or left waiting beside a free seat."""

from collections import Counter

import pytest

from acd.core import events as ev
from acd.core.rules import QueueRule, SeatRule
from tests.sim.world import World

RULES = ev.Configured(
    queues=(
        QueueRule(name="sales", wrap_up_ms=2_000, refusal_ms=5_000, ring_ms=8_000),
        QueueRule(name="support", wrap_up_ms=0, refusal_ms=5_000, ring_ms=8_000),
    ),
    seats=tuple(
        SeatRule(name=name, queues=queues, set_aside_after=0)
        for name, queues in {"101": ("sales",), "102": ("sales", "support"), "103": ("support",)}.items()
    ),
    look_ms=10_000,
)
ROUGH_MS, CALM_MS = 300_000, 1_800_000


def trouble(world):
    """Plan a bad day: callers who lose patience, broken links, kills."""
    for number in range(world.some(20, 100)):
        at, name = world.some(0, ROUGH_MS), f"c{number}"
        world.plan(at, world.arrive, name, world.chance.choice(["sales", "support"]))
        if world.often(0.3):
            world.plan(at + world.some(0, 60_000), world.give_up, name)
    for _ in range(world.some(0, 15)):
        world.plan(world.some(0, ROUGH_MS), world.cut_link)
    for _ in range(world.some(0, 15)):
        world.plan(world.some(0, ROUGH_MS), world.kill)


def work(world):
    """Every agent is there."""
    for seat in RULES.seats:
        world.tell(ev.LogInAsked(seat=seat.name, pin_matches=True))
        world.tell(ev.ReadyAsked(seat=seat.name))


@pytest.mark.parametrize("seed", range(60))
async def test_after_a_day_of_trouble_everybody_is_served(seed):
    """Nobody is robbed or lost while the weather is bad; when it is good again the floor drains."""
    world = World(seed, RULES)
    work(world)
    trouble(world)
    world.live(ROUGH_MS)
    world.rough = world.tape.cut = False
    world.live(120_000)
    work(world)
    world.live(CALM_MS)
    state = world.dispatcher.core.state
    assert world.faults == []
    assert not world.callers, f"left in the switch: {world.callers}"
    assert not state.calls
    assert not state.offers
    assert {seat.state for seat in state.seats.values()} == {"ready"}
    busiest = Counter((at // 1_000, seat) for at, seat in world.rings).most_common(1)
    assert busiest[0][1] <= 10, f"a seat was dialled {busiest} in one second"
    world.dispatcher.close()
