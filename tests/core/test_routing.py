"""Skills, tiers, escalation, caps, overflow, overtaking: who may have a call, and when."""

import pytest

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import FRONT, QueueRule, SeatRule, Step
from tests.core.house import House, offers

FRENCH = ((("french", 3),),)


def sent(commands):
    """Where calls were sent: (call, to, reason)."""
    return [(c.call, c.to, c.reason) for c in commands if isinstance(c, cmd.SendAway)]


def house_of(*seats, more=(), **rule):
    """One queue with these options, perhaps more queues, these seats all logged in."""
    house = House(queues=[QueueRule(name="sales", wrap_up_ms=0, **rule), *more], seats=seats)
    house.log_in(*(seat.name for seat in seats))
    return house


def seat(name, *skills, queues=("sales",), **rule):
    """A seat with skills."""
    return SeatRule(name=name, queues=queues, skills=skills, **rule)


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ((), "101"),
        (((("french", 3),),), "102"),
        (((("french", 6),),), None),
        (((("french", 1),), (("billing", 1),)), "103"),
        (((("german", 1), ("billing", 7)),), "103"),
        (((("german", 1), ("billing", 10)),), None),
    ],
)
def test_what_a_call_asks_for(needs, expected):
    """All of the needs, any of the alternatives, each at its least level."""
    house = house_of(seat("101"), seat("102", ("french", 5)), seat("103", ("french", 2), ("billing", 7)))
    commands = house.arrive("a", needs=needs)
    assert offers(commands) == ([("a", expected)] if expected else [])


def test_a_queue_asks_too():
    """What the queue asks for is asked besides what the call does."""
    house = house_of(seat("101", ("french", 9)), seat("102", ("french", 9), ("vip", 1)), needs=((("vip", 1),),))
    assert offers(house.arrive("a", needs=FRENCH)) == [("a", "102")]


def test_escalation_over_time():
    """A skill is lowered, then dropped; each at its time, and each once."""
    steps = (Step(after_ms=10_000, lower=(("french", 2),)), Step(after_ms=20_000, drop=("french",)))
    house = house_of(seat("101", ("french", 1)), steps=steps)
    house.arrive("a", needs=FRENCH)
    house.pass_time(19_999)
    assert house.state.calls["a"].needs == ((("french", 2),),)
    assert offers(house.pass_time(1)) == [("a", "101")]


def test_escalation_by_length():
    """With three waiting, tier 1 is let in for all who wait, and for those who come while it is so."""
    far = SeatRule(name="102", queues=("sales",), tiers=(1,))
    house = house_of(far, tiers=(0, 0, 0), steps=(Step(when_waiting=3, tiers=(0, 1, 0)),))
    house.arrive("a")
    assert offers(house.arrive("b")) == []
    assert offers(house.arrive("c")) == [("a", "102")]


def test_escalation_when_nobody_is_there():
    """The last one who logs out lets the waiting calls go elsewhere."""
    steps = (Step(when_nobody=True, go="queue night"),)
    night = seat("201", ("french", 3), queues=("night",))
    house = house_of(seat("101", ("x", 1)), night, more=[QueueRule(name="night")], steps=steps)
    house.arrive("a", needs=FRENCH)
    assert offers(house.give(ev.LogOutAsked(seat="101", request=1))) == [("a", "201")]
    assert house.state.calls["a"].queue == "night"


def test_priority_and_head_start_by_escalation():
    """Class and age change where a call stands at once."""
    steps = (Step(after_ms=5_000, priority=0), Step(after_ms=9_000, announce="sorry"))
    house = house_of(steps=steps)
    house.arrive("a")
    house.pass_time(5_000)
    assert house.state.calls["a"].rank == 0
    assert house.pass_time(4_000) == [cmd.Announce(call="a", prompt="sorry")]


def test_no_step_is_due_for_a_call_in_a_talk():
    """The time of a step that comes during the talk passes, and nothing is due again and again."""
    house = house_of(seat("101"), steps=(Step(after_ms=60_000, go="voicemail"),))
    house.arrive("a")
    house.talk("a")
    house.pass_time(60_000)
    assert house.state.calls["a"].step_at is None
    assert (house.core.next_deadline() or house.now + 1) > house.now


def test_a_head_start_counts_across_queues():
    """Calls of a queue with a head start go before older ones of another, of the same class."""
    both = SeatRule(name="101", queues=("sales", "gold"))
    house = House(queues=[QueueRule(name="sales"), QueueRule(name="gold", ahead_ms=60_000)], seats=[both])
    house.arrive("old")
    house.pass_time(30_000)
    house.arrive("gold", "gold")
    house.pass_time(40_000)
    house.arrive("late gold", "gold")
    assert offers(house.log_in("101")[0]) == [("gold", "101")]
    house.serve("gold")
    assert offers(house.pass_time(10_000)) == [("old", "101")], "the head start is 60 s, not for ever"


def test_at_most_so_many_seats():
    """The third call waits though a seat is free, until one of the two is over."""
    house = house_of(seat("101"), seat("102"), seat("103"), seats_most=2)
    for call in "abc":
        house.arrive(call)
    assert house.state.calls["c"].state == "waiting"
    assert offers(house.serve("a")) == [("c", "103")]


def offers_seat(house, call):
    """The seat that a call is offered to."""
    return house.state.offers[house.offer_of(call)].seat


def test_served_only_after_a_while():
    """A queue that others come before: its calls wait their time though a seat is free."""
    house = house_of(seat("101"), serve_after_ms=20_000)
    assert offers(house.arrive("a")) == []
    assert offers(house.pass_time(19_999)) == []
    assert offers(house.pass_time(1)) == [("a", "101")]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"waiting_most": 1}, "full"),
        ({"closed": True}, "closed"),
        ({"join_empty": ()}, "empty"),
    ],
)
def test_who_may_not_join_is_sent_away_with_the_reason(rule, reason):
    """And to where the queue says for that reason."""
    house = house_of(overflow={reason: "flow sorry"}, **rule)
    if reason == "full":
        house.arrive("first")
    assert sent(house.arrive("a")) == [("a", "flow sorry", reason)]


@pytest.mark.parametrize(
    ("absences", "happening"),
    [
        (("paused",), ev.PauseAsked(seat="101", request=1, reason="break")),
        (("unreachable",), ev.HandsetChanged(seat="101", reachable=False, busy=False)),
        ((), ev.LogOutAsked(seat="101", request=1)),
    ],
)
def test_waiting_calls_leave_an_empty_queue(absences, happening):
    """When the last seat that counts goes, who waits is sent away; and nobody joins any more."""
    house = house_of(seat("101"), leave_empty=absences, join_empty=absences)
    house.arrive("a", needs=FRENCH)
    assert sent(house.give(happening)) == [("a", "", "empty")]
    assert sent(house.arrive("b")) == [("b", "", "empty")]


def test_overflow_keeps_the_place_in_the_next_queue():
    """After the longest wait a call goes on in another queue, before those who came later there."""
    night = QueueRule(name="night")
    house = house_of(more=[night], max_wait_ms=10_000, overflow={"wait": "queue night"})
    house.arrive("a")
    house.pass_time(5_000)
    house.arrive("n", "night")
    house.pass_time(5_000)
    assert house.state.calls["a"].queue == "night"
    assert house.state.calls["a"].key < house.state.calls["n"].key


def test_queues_that_overflow_into_each_other_end_somewhere():
    """A circle is left after some rounds."""
    full = {"closed": "queue b"}, {"closed": "queue a"}
    house = House(queues=[QueueRule(name=n, closed=True, overflow=o) for n, o in zip("ab", full, strict=True)])
    assert sent(house.arrive("x", "a")) == [("x", "", "closed")]


def test_a_limit_to_overtaking():
    """Two urgent calls may pass; then the old one goes first, before a third."""
    house = House(queues=[QueueRule(name="sales", wrap_up_ms=0, overtake_most=2)], seats={"102": ("sales",)})
    house.arrive("old")
    for number in range(3):
        house.arrive(f"u{number}", priority=0)
    assert offers(house.log_in("102")[0]) == [("u0", "102")]
    assert offers(house.serve("u0")) == [("u1", "102")]
    assert house.state.calls["old"].rank == FRONT
    assert offers(house.serve("u1")) == [("old", "102")]
    assert offers(house.serve("old")) == [("u2", "102")]


def test_who_could_not_have_the_seat_is_not_passed():
    """Calls that go to seats it cannot have do not count against a call."""
    house = house_of(seat("101"), overtake_most=1)
    house.arrive("french", needs=FRENCH)
    house.arrive("any")
    assert house.state.calls["french"].passed == 0


def test_the_wanted_seat_is_waited_for_and_then_not():
    """Its seat talks: the call waits for it, though another is free; after a while any will do."""
    house = house_of(seat("101"), seat("102"), seat_wait_ms=30_000)
    house.arrive("a")
    assert offers_seat(house, "a") == "101"
    house.talk("a")
    assert offers(house.arrive("b", seat="101")) == []
    assert offers(house.pass_time(29_998)) == []
    assert offers(house.pass_time(2)) == [("b", "102")]


def test_the_wanted_seat_comes_free():
    """It gets the call that waits for it."""
    house = house_of(seat("101"), seat("102"))
    house.arrive("a")
    house.arrive("b", seat="101")
    assert offers(house.serve("a")) == [("b", "101")]


@pytest.mark.parametrize(
    "absent",
    [ev.LogOutAsked(seat="101", request=1), ev.PauseAsked(seat="101", request=1, reason="lunch")],
)
def test_nobody_waits_for_a_seat_that_went(absent):
    """The wanted agent pauses or goes home: the call takes any at once."""
    house = house_of(seat("101"), seat("102"))
    house.arrive("a")
    house.talk("a")
    house.arrive("b", seat="101")
    assert offers(house.give(absent)) == [("b", "102")]
    assert offers(house.arrive("c", seat="101")) == []
    assert house.state.calls["c"].wants == ""


def test_the_last_seat():
    """Who calls again within a day gets the agent he talked to, if that one is there."""
    house = house_of(seat("101"), seat("102"), last_seat_ms=86_400_000)
    house.arrive("a", caller="555")
    house.serve("a")
    house.give(ev.CallEnded(call="a"))
    house.arrive("other", caller="556")
    assert offers_seat(house, "other") == "102", "101 has been idle for less"
    house.serve("other")
    house.arrive("again", caller="556")
    assert offers_seat(house, "again") == "102"
    house.pass_time(86_400_000)
    assert house.state.last_seats == {}


def test_supervisors_move_calls():
    """Another class at once, another queue with the place kept, or out."""
    house = house_of(more=[QueueRule(name="night")])
    house.arrive("a")
    house.arrive("b")
    house.give(ev.CallSet(call="b", priority=0))
    assert house.state.calls["b"].key < house.state.calls["a"].key
    house.give(ev.CallSet(call="b", queue="night"))
    assert house.state.calls["b"].queue == "night"
    assert sent(house.give(ev.CallSet(call="a", withdraw="voicemail"))) == [("a", "voicemail", "withdrawn")]


def test_a_queue_closed_by_hand():
    """It takes nobody new until it is opened; the next rules do not undo it."""
    house = house_of()
    house.arrive("a")
    house.give(ev.QueueSet(queue="sales", closed=True))
    house.give(ev.Configured(queues=(QueueRule(name="sales"),), seats=()))
    assert sent(house.arrive("b")) == [("b", "", "closed")]
    assert house.state.calls["a"].state == "waiting"
    house.give(ev.QueueSet(queue="sales", closed=False))
    assert sent(house.arrive("c")) == []


def test_seats_come_and_go_in_slices():
    """New skills of one seat, a new seat, a seat that is gone: each without touching the others."""
    house = house_of(seat("101"), seat("102"))
    house.arrive("a", needs=FRENCH)
    commands = house.give(ev.SeatsConfigured(seats=(seat("101", ("french", 3)),), gone=("102",)))
    assert offers(commands) == [("a", "101")]
    assert set(house.state.seats) == {"101"}
    house.give(ev.SeatsConfigured(gone=("101",)))
    assert house.state.seats["101"].next_word == "log_out"
    house.serve("a")
    assert house.state.seats["101"].state == "logged-out"


def test_nothing_is_kept_of_seats_that_are_gone():
    """Agents come for a day and go: the matcher's view of them goes too, so a server can run for years."""
    house = house_of(seat("101"))
    for day in range(20):
        name = f"temp-{day}"
        house.give(ev.SeatsConfigured(seats=(seat(name),)))
        house.look()
        house.log_in(name)
        house.give(ev.LogOutAsked(seat=name))
        house.give(ev.SeatsConfigured(gone=(name,)))
    assert set(house.state.seats) == {"101"}
    assert set(house.core._floor.routing._last_classes) == {house.state.seats["101"].number}
