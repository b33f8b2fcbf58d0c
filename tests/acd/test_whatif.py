"""Yesterday again: under its own rules it is the same day, under other rules the difference is the rules'."""

import random

import pytest
from msgspec.structs import replace

from acd.core import events as ev
from acd.core.rules import QueueRule, SeatRule
from acd.history import Tape
from acd.reports.facts import ABANDONED, ANSWERED
from acd.reports.table import ALL, Window
from acd.whatif.compare import compare, simulate
from acd.whatif.day import read_day
from acd.whatif.draws import Draws
from acd.whatif.patience import Patience
from acd.whatif.words import lines_of
from tests.acd import made_day
from tests.acd.made_day import EIGHT, HOUR, make_day
from tests.core.house import House


@pytest.fixture(scope="module")
def busy_day():
    """600 callers in ten hours, eight agents: some give up, some calls ring out, agents are set aside."""
    return make_day(let_ring=0.2)


def fates(ends):
    """How each caller's wait ended, and with whom."""
    return {key: (stay.how, stay.wait_ms, stay.seat, stay.talk_ms, stay.wrap_up_ms) for key, stay in ends.items()}


def test_under_its_own_rules_the_day_is_the_same(busy_day):
    """Where all is known nothing is drawn: every caller waits as long, and talks to the same agent, as he did."""
    day = read_day(busy_day, Window())
    assert len(day.callers) == 600
    assert {caller.how for caller in day.callers.values()} >= {ANSWERED, ABANDONED}
    assert any(day.returns_ms.values()), "nobody was set aside: the day proves less than it should"
    side = simulate(day, Draws(day), None)
    assert fates(side.ends) == fates(day.ends)
    assert side.table.total() == day.actual.total()
    assert side.table.seats == day.actual.seats


def test_other_rules_make_the_difference(busy_day):
    """Three agents more shorten the wait; both sides see the same callers."""
    found = compare(busy_day, made_day.rules(11))
    old, new = found.old.queues[ALL], found.new.queues[ALL]
    assert old.offered == new.offered == found.actual.queues[ALL].offered == 600
    assert new.service_level > old.service_level + 0.05
    assert new.abandoned < old.abandoned
    assert found.new.occupancy < found.old.occupancy
    assert found.joined == ["109", "110", "111"]


def test_a_comparison_is_the_same_each_time(busy_day):
    """The same seed gives the same figures, another seed gives others."""
    first, again = compare(busy_day, made_day.rules(11)), compare(busy_day, made_day.rules(11))
    assert first == again
    assert compare(busy_day, made_day.rules(11), seed=2).new != first.new


def test_a_part_of_a_day(busy_day):
    """A window begins with what stood then: who was logged in, and who waited."""
    window = Window(EIGHT + 2 * HOUR, EIGHT + 3 * HOUR)
    day = read_day(busy_day, window)
    assert {name for name, seat in day.opening.seats.items() if seat.presence != "logged-out"}
    joined = [stay for stay in read_day(busy_day, Window()).ends.values() if window.holds(stay.came)]
    assert day.actual.total().offered == len(joined)
    side = simulate(day, Draws(day), None)
    assert side.table.total().offered == pytest.approx(len(joined), abs=5), "those who waited already come in anew"
    assert side.table.total().answered_ms


def test_calls_that_nobody_can_serve_are_named(busy_day):
    """Rules without a German-speaking seat: the callers who leave for it are counted by what they asked for."""
    rules = made_day.rules(8)
    rules = replace(rules, seats=tuple(replace(seat, skills=()) for seat in rules.seats))
    found = compare(busy_day, rules)
    unserved = {(kind.queue, kind.needs): count for kind, count in found.new.unserved}
    german = [caller for caller in read_day(busy_day, Window()).callers.values() if caller.arrival.needs]
    assert sum(count for (_, needs), count in unserved.items() if needs == "german 5") == len(german)
    assert any("nobody logged in could serve" in line and "german 5" in line for line in lines_of(found))


def test_what_the_new_rules_lack_is_said(busy_day):
    """A queue that is gone, a seat that is gone: callers and agents of that day are named."""
    rules = made_day.rules(7)
    rules = replace(rules, queues=tuple(queue for queue in rules.queues if queue.name != "billing"))
    found = compare(busy_day, rules)
    assert found.left_out == ["108"]
    assert found.no_queue == {"billing": found.actual.queues["billing"].offered}
    text = "\n".join(lines_of(found))
    assert "callers asked for queue billing, which the new rules do not have" in text
    assert "are not in the new rules: 108" in text


def test_who_waited_longest_is_named_with_what_he_had_before(busy_day):
    """The longest waits of the new side, longest first, each beside the same caller's wait under the old rules."""
    found = compare(busy_day, made_day.rules(11))
    waits = [one.wait_ms for one in found.starved]
    assert waits == sorted(waits, reverse=True)
    assert waits[0] == found.new.queues[ALL].longest_wait_ms
    assert any(one.old_wait_ms != one.wait_ms for one in found.starved)


def test_nothing_of_a_caller_reaches_the_terminal():
    """A caller ID with escapes and line breaks is shown as text."""
    tape, rules = Tape(), made_day.rules(1)
    house = House()
    decide = house.core.decide
    house.core.decide = lambda event: _noted(tape, event, decide(event))
    house.give(replace(rules, at=0))
    house.arrive("a\x1b[2J", "sales", caller="\x1b]0;owned\x07\r\n+1\u202e555")
    house.give(ev.CallEnded(call="a\x1b[2J"), after_ms=90_000)
    text = "\n".join(lines_of(compare(tape, rules)))
    assert "\\x1b]0;owned" in text
    assert all(character.isprintable() or character == "\n" for character in text)


def _noted(tape, event, commands):
    tape.note(event, commands)
    return commands


# Reading a day


def test_a_channel_that_comes_twice_is_two_callers():
    """After a talk the same channel may wait again: another arrival, with a wait of its own."""
    house, tape = House(wrap_up_ms=0), Tape()
    decide = house.core.decide
    house.core.decide = lambda event: _noted(tape, event, decide(event))
    house.give(ev.Configured(queues=tuple(house.state.queues.values()), seats=_rules_of(house)))
    house.look()
    house.log_in("102")
    house.arrive("a")
    offer = house.talk("a")
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"), after_ms=30_000)
    house.arrive("b")
    house.arrive("a")
    house.give(ev.CallEnded(call="a"), after_ms=5_000)
    day = read_day(tape, Window())
    assert {key: (one.how, one.waited_ms) for key, one in day.callers.items() if key != "b"} == {
        "a": (ANSWERED, 0),
        "a#2": (ABANDONED, 5_000),
    }
    assert day.callers["a"].talk.ms == 30_000


def _rules_of(house):
    return tuple(seat.rule for seat in house.state.seats.values())


def test_wishes_of_wrap_up_move_with_the_talk():
    """Who ended wrap-up 4 s after that talk does so 4 s after whatever talk it is now."""
    rules = ev.Configured(
        queues=(QueueRule(name="sales", wrap_up_ms=60_000),), seats=(SeatRule(name="1", queues=("sales",)),)
    )

    class Hurried(made_day.People):
        def talk(self, key):
            return made_day.Talk(30_000, ((4_000, ev.WrapUpEndAsked(seat="")),))

    tape, plugged_in = Tape(), ev.HandsetState(seat="1", reachable=True, busy=False)
    happenings = [
        ev.Started(at=EIGHT, run="t"),
        replace(rules, at=EIGHT),
        ev.Snapshot(at=EIGHT, asked=EIGHT, calls=(), legs=(), handsets=(plugged_in,)),
        ev.LogInAsked(at=EIGHT, seat="1", pin_matches=True),
        ev.CallArrived(at=EIGHT + 1_000, call="a", queue="sales"),
    ]
    made_day.Simulation(Hurried(1), tape.note).run(happenings, EIGHT + HOUR)
    day = read_day(tape, Window())
    talk = day.callers["a"].talk
    assert (talk.ms, [(ms, type(wish)) for ms, wish in talk.wishes]) == (30_000, [(4_000, ev.WrapUpEndAsked)])
    side = simulate(day, Draws(day), None)
    assert side.table.total().wrap_ups_ms == [4_000]


# Patience


def test_the_estimate_of_kaplan_and_meier():
    """Worked by hand: of six, one gives up at 1, one is answered at 2, two give up at 3, the rest wait on."""
    curve = Patience([(1, True), (2, False), (3, True), (3, True), (4, False), (5, False)])
    assert curve.share_after(0) == 1
    assert curve.share_after(1) == pytest.approx(5 / 6)
    assert curve.share_after(2) == pytest.approx(5 / 6)
    assert curve.share_after(3) == pytest.approx(5 / 6 * 2 / 4)
    assert curve.share_after(5) == pytest.approx(5 / 12)
    assert curve.share_after(10) == pytest.approx((5 / 12) ** 2), "beyond the longest wait: exponential"


def test_patience_is_found_though_most_are_answered():
    """Exponential patience of 120 s, answers after 60 s on average: the curve finds 120 s, a plain mean does not."""
    dice = random.Random(7)
    waits = []
    for _ in range(20_000):
        patience, answer = dice.expovariate(1 / 120_000), dice.expovariate(1 / 60_000)
        waits.append((int(min(patience, answer)), patience < answer))
    curve = Patience(waits)
    drawn = [curve.draw(dice.random()) for _ in range(20_000)]
    assert sum(drawn) / len(drawn) == pytest.approx(120_000, rel=0.05)
    assert sum(wait for wait, gave_up in waits if gave_up) / curve.abandons < 50_000


def test_patience_is_longer_than_what_was_waited():
    """A caller who was answered after a time is never less patient than that."""
    dice = random.Random(3)
    curve = Patience([(int(dice.expovariate(1 / 60_000)), dice.random() < 0.4) for _ in range(500)])
    for waited in (0, 1, 10_000, 200_000, 500_000, 10_000_000):
        assert all(curve.draw(dice.random(), waited) > waited for _ in range(50))


def test_where_nobody_ever_gave_up_nobody_does():
    """Without a single one who gave up there is no patience to know."""
    assert Patience([(5_000, False), (9_000, False)]).draw(0.99) is None
    assert Patience([]).draw(0.5) is None
