"""What callers are told while they wait, and what happens to places when the switch dies."""

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core import waits
from acd.core.model import WaitMemory
from acd.core.rules import QueueRule
from tests.core.house import House, offers

TOLD = {"tell_first_ms": 20_000, "tell_every_ms": 30_000}


def test_position_is_told_again_and_again():
    """First after a while, then every while; the position is the one of that moment."""
    house = House(queues=[QueueRule(name="sales", **TOLD)])
    house.arrive("a")
    house.arrive("b")
    told = [c for c in house.pass_time(20_000) if isinstance(c, cmd.Announce)]
    assert told == [cmd.Announce(call="a", position=1), cmd.Announce(call="b", position=2)]
    house.give(ev.CallEnded(call="a"))
    assert house.pass_time(30_000) == [cmd.Announce(call="b", position=1)]


def test_the_expected_wait_is_a_range_that_grows_with_the_place():
    """Learned from those who waited: so long for each of those before and oneself."""
    memory = WaitMemory(recent=[10_000, 20_000, 30_000, 40_000, 50_000] * 4)
    least, most = waits.range_ms(memory, 0)
    assert (least, most) == (10_000, 50_000)
    assert waits.range_ms(memory, 2) == (3 * least, 3 * most)
    assert waits.range_ms(WaitMemory(recent=[1, 2]), 0) is None


def test_a_broken_promise_widens_the_range():
    """After misses more is promised, after hits less; nine hits weigh one miss."""
    house = House(queues=[QueueRule(name="sales", wrap_up_ms=0, **TOLD)], seats={"102": ("sales",)})
    house.log_in("102")
    house.state.waits["sales"] = WaitMemory(recent=[1_000] * 10)
    house.arrive("busy")
    house.talk("busy")
    house.arrive("late")
    house.give(ev.OfferEnded(offer=house.offer_of("busy"), outcome="hung-up"), after_ms=60_000)
    house.talk("late")
    memory = house.state.waits["sales"]
    assert (memory.hits, memory.misses, memory.level) == (0, 1, 920)
    assert memory.recent[-1] == 60_000


def test_who_would_wait_too_long_does_not_join():
    """Beyond the queue's longest expected wait a caller is told so at once."""
    house = House(queues=[QueueRule(name="sales", expected_most_ms=50_000)])
    house.state.waits["sales"] = WaitMemory(recent=[30_000] * 10)
    assert house.arrive("a") == []
    assert house.arrive("b") == [cmd.SendAway(call="b", reason="too-long")]


def test_the_switch_dies_and_every_caller_has_a_ticket():
    """Those who waited, rang and talked, in the order of their places."""
    house = House()
    house.log_in("102")
    house.look(switch_run="one")
    house.arrive("talks", caller="1")
    house.talk("talks")
    for number in (2, 3, 4):
        house.arrive(f"w{number}", caller=str(number), priority=5 if number == 4 else None)
    house.give(ev.SwitchLost())
    house.pass_time(8_000)
    house.look(switch_run="two")
    assert house.state.calls == {}
    assert [ticket.caller for ticket in house.state.tickets] == ["4", "1", "2", "3"]
    assert house.state.gaps[-1].why == "the link to the switch was lost"


def test_who_calls_again_gets_his_place_back_once():
    """His ticket is good for one call, in its queue; it stands before those who came meanwhile."""
    house = House()
    house.look(switch_run="one")
    house.arrive("old", caller="555")
    place = house.state.calls["old"].key
    house.pass_time(1)
    house.give(ev.SwitchLost())
    house.pass_time(1)
    house.look(switch_run="two")
    house.pass_time(5_000)
    house.arrive("new", caller="556")
    house.arrive("back", caller="555")
    assert house.state.calls["back"].due == place[1]
    assert house.state.tickets == []
    assert offers(house.log_in("102")[0]) == [("back", "102")]


def test_tickets_end():
    """After some hours nobody is called back any more."""
    house = House(site={"ticket_ms": 60_000})
    house.look(switch_run="one")
    house.arrive("old", caller="555")
    house.pass_time(1)
    house.look(switch_run="two")
    assert len(house.state.tickets) == 1
    house.pass_time(60_000)
    assert house.state.tickets == []


def test_a_restart_leaves_a_gap():
    """From the last event before it to the snapshot after it."""
    house = House()
    house.arrive("a")
    before = house.now
    house.give(ev.Started(run="u"), after_ms=4_000)
    held = ev.HeldCall(call="a", queue="sales", since=before)
    house.give(ev.Snapshot(asked=house.now, calls=(held,), legs=(), handsets=()), after_ms=500)
    [gap] = house.state.gaps
    assert (gap.start, gap.end, gap.why) == (before, before + 4_500, "the server was down")
