"""What agents ask for, and what they are told."""

import pytest

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core import pins
from tests.core.house import House, offers


def ask(house, wish, **details):
    """Put a wish of seat 102; answers the word of the reply."""
    commands = house.give(wish(seat=details.pop("seat", "102"), request=7, **details))
    [reply] = [command for command in commands if isinstance(command, cmd.Reply)]
    assert reply.request == 7
    return reply.answer


def test_three_wrong_pins_lock_the_seat_for_a_while():
    """The lock holds against the right PIN too, until its time is over; then counting begins anew."""
    house = House()
    tries = [ask(house, ev.LogInAsked, pin_matches=False) for _ in range(4)]
    assert tries == ["wrong-pin", "wrong-pin", "locked", "locked"]
    assert ask(house, ev.LogInAsked, pin_matches=True) == "locked"
    house.pass_time(300_000)
    assert ask(house, ev.LogInAsked, pin_matches=False) == "wrong-pin"
    assert ask(house, ev.LogInAsked, pin_matches=True) == "ok"
    assert ask(house, ev.LogInAsked, pin_matches=True) == "already"


def test_wrong_pins_at_another_phone_lock_that_phone_alone():
    """For all seats, those too that there are not; and each seat still lets its agent in at its own."""
    house = House()
    seats = ["101", "102", "999", "998"] * 3
    tries = [ask(house, ev.LogInAsked, seat=seat, pin_matches=False, phone="lobby") for seat in seats]
    assert tries[9:] == ["locked"] * 3
    assert set(tries[:9]) == {"wrong-pin", "unknown-seat"}
    assert ask(house, ev.LogInAsked, pin_matches=True, phone="lobby") == "locked"
    assert ask(house, ev.LogInAsked, pin_matches=True) == "ok"
    house.pass_time(300_000)
    assert ask(house, ev.LogInAsked, seat="101", pin_matches=False, phone="lobby") == "wrong-pin"
    assert ask(house, ev.LogInAsked, seat="101", pin_matches=True, phone="lobby") == "ok"


def test_a_few_mistypes_in_a_lobby_are_forgotten():
    """Many log in there, and some of them mistype; no lock comes of that in time."""
    house = House()
    for _ in range(4 * pins.AWAY_MOST):
        assert ask(house, ev.LogInAsked, pin_matches=False, phone="lobby") == "wrong-pin"
        house.pass_time(60_000)


@pytest.mark.parametrize(
    ("wish", "details"),
    [(ev.LogOutAsked, {}), (ev.ReadyAsked, {}), (ev.PauseAsked, {"reason": "lunch"}), (ev.WrapUpEndAsked, {})],
)
def test_without_a_shift_there_is_nothing_to_ask(wish, details):
    """Every wish but a log-in needs one."""
    assert ask(House(), wish, **details) == "not-logged-in"
    assert ask(House(), wish, seat="999", **details) == "unknown-seat"


def test_a_pause_keeps_calls_away_until_ready():
    """Paused, a seat is not rung; ready, it is at once."""
    house = House()
    house.log_in("102")
    assert ask(house, ev.PauseAsked, reason="lunch") == "ok"
    assert offers(house.arrive("a")) == []
    commands = house.give(ev.ReadyAsked(seat="102", request=1))
    assert offers(commands) == [("a", "102")]
    assert ask(house, ev.ReadyAsked) == "later"


@pytest.mark.parametrize(
    ("wish", "details", "state"),
    [(ev.PauseAsked, {"reason": "break"}, "paused"), (ev.LogOutAsked, {}, "logged-out")],
)
def test_a_wish_during_a_talk_holds_from_its_end_on(wish, details, state):
    """The talk is not cut, and the wish is not lost."""
    house = House(wrap_up_ms=0)
    house.log_in("102")
    house.arrive("a")
    offer = house.talk("a")
    assert ask(house, wish, **details) == "later"
    assert house.state.seats["102"].state == "talking"
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    assert house.state.seats["102"].state == state


def test_a_pause_during_wrap_up_waits_for_its_end():
    """Wrap-up runs its time; then the seat pauses instead of taking the next call."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    house.arrive("b")
    house.give(ev.OfferEnded(offer=house.talk("a"), outcome="hung-up"))
    assert ask(house, ev.PauseAsked, reason="break") == "later"
    assert house.state.seats["102"].state == "wrap-up"
    assert offers(house.pass_time(10_000)) == []
    assert house.state.seats["102"].state == "paused"


def test_wrap_up_can_be_ended_early():
    """The next call comes with it."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    house.arrive("b")
    house.give(ev.OfferEnded(offer=house.talk("a"), outcome="hung-up"))
    assert offers(house.give(ev.WrapUpEndAsked(seat="102", request=1))) == [("b", "102")]
    assert ask(house, ev.WrapUpEndAsked) == "already"


def test_logging_out_while_it_rings_takes_the_offer_back():
    """A look at the switch shows that they do not talk; the caller goes to somebody else when it has confirmed."""
    house = House()
    house.log_in("102", "101")
    house.arrive("a")
    offer = house.offer_of("a")
    assert cmd.TakeSnapshot() in house.give(ev.LogOutAsked(seat="102", request=1))
    commands = house.look(
        calls=[ev.HeldCall(call="a", queue="sales", since=house.now)],
        legs=[ev.LiveLeg(offer=offer, call="a", seat="102", joined=False)],
    )
    assert cmd.Withdraw(offer=offer, call="a") in commands
    commands = house.give(ev.OfferEnded(offer=offer, outcome="withdrawn"))
    assert offers(commands) == [("a", "101")]
    assert house.state.seats["102"].state == "logged-out"


def test_lamps_follow_the_seat():
    """Each change of a seat's look is told once, in order."""
    house = House(wrap_up_ms=5_000)
    looks = []

    def note(commands):
        looks.extend(c.look for c in commands if isinstance(c, cmd.ShowSeat) and c.seat == "102")

    note(house.log_in("102")[0])
    note(house.arrive("a"))
    offer = house.offer_of("a")
    note(house.give(ev.OfferRinging(offer=offer)))
    note(house.give(ev.OfferAnswered(offer=offer)))
    note(house.give(ev.Connected(offer=offer)))
    note(house.give(ev.OfferEnded(offer=offer, outcome="hung-up")))
    note(house.pass_time(5_000))
    note(house.give(ev.PauseAsked(seat="102", request=1, reason="lunch")))
    note(house.give(ev.LogOutAsked(seat="102", request=1)))
    assert looks == ["ready", "ringing", "talking", "wrap-up", "ready", "paused", "logged-out"]
