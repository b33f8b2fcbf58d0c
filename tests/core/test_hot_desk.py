"""Agents who log in at whatever phone is free."""

import pytest

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.pins import AWAY_MOST
from tests.core.house import House, offers, same


@pytest.fixture
def house():
    """Give a house of two seats, nobody logged in."""
    return House(wrap_up_ms=0)


def log_in(house, seat, phone="", *, pin_matches=True):
    return house.ask(ev.LogInAsked, seat, phone=phone, pin_matches=pin_matches)


def moves(house, event, **details):
    return [(c.seat, c.phone) for c in house.give(event, **details) if isinstance(c, cmd.UsePhone)]


def reachable(house, seat, *, is_reachable=True, busy=False):
    return house.give(ev.HandsetChanged(seat=seat, reachable=is_reachable, busy=busy))


def test_a_seat_is_rung_where_its_agent_is(house):
    """The switch is told; nothing rings before it has said how that phone stands; after log-out all is as before."""
    assert moves(house, ev.LogInAsked(seat="101", pin_matches=True, phone="lobby")) == [("101", "lobby")]
    house.arrive("c1")
    assert not house.state.seats["101"].reachable
    assert offers(reachable(house, "101")) == [("c1", "101")]
    house.serve("c1")
    assert moves(house, ev.LogOutAsked(seat="101")) == [("101", "101")]
    assert house.state.seats["101"].phone == ""


def test_a_seat_at_its_own_phone_is_as_ever(house):
    """Nothing is told, and it is rung at once; its own phone named is no other phone."""
    assert moves(house, ev.LogInAsked(seat="101", pin_matches=True)) == []
    assert moves(house, ev.LogInAsked(seat="102", pin_matches=True, phone="102")) == []
    assert offers(house.arrive("c1")) == [("c1", "101")]


def test_two_never_sit_at_one_phone(house):
    """Neither at a phone of nobody, nor at somebody's own; and who comes back to his own finds it taken."""
    assert log_in(house, "101", "lobby") == "ok"
    assert log_in(house, "102", "lobby") == "taken"
    assert log_in(house, "102", "101") == "ok"
    assert log_in(house, "101", "101") == "taken"
    assert house.ask(ev.LogOutAsked, "101") == "ok"
    assert log_in(house, "101") == "taken"
    assert house.ask(ev.LogOutAsked, "102") == "ok"
    assert log_in(house, "101") == "ok"


def test_a_taken_phone_is_told_after_the_pin_only(house):
    """Whoever does not know the PIN learns nothing; tries count as at any phone."""
    log_in(house, "101", "lobby")
    answers = [log_in(house, "102", "lobby", pin_matches=False) for _ in range(AWAY_MOST)]
    assert answers == ["wrong-pin"] * (AWAY_MOST - 1) + ["locked"]
    assert log_in(house, "102", "lobby") == "locked"


def test_a_shift_goes_on_at_another_phone(house):
    """Who forgot to log out moves with his shift, his pause included; in a talk he cannot."""
    log_in(house, "101")
    house.ask(ev.PauseAsked, "101", reason="lunch")
    assert moves(house, ev.LogInAsked(seat="101", pin_matches=True, phone="lobby")) == [("101", "lobby")]
    assert house.state.seats["101"].state == "paused"
    assert log_in(house, "101", "lobby") == "already"
    reachable(house, "101")
    house.ask(ev.ReadyAsked, "101")
    house.arrive("c1")
    house.talk("c1")
    assert log_in(house, "101", "102") == "already"
    assert house.state.seats["101"].phone == "lobby"


def test_a_log_out_during_a_talk_gives_the_phone_back_after_it(house):
    """Until then nobody else can have it."""
    log_in(house, "101", "lobby")
    reachable(house, "101")
    house.arrive("c1")
    offer = house.talk("c1")
    assert house.ask(ev.LogOutAsked, "101") == "later"
    assert log_in(house, "102", "lobby") == "taken"
    assert moves(house, ev.OfferEnded(offer=offer, outcome="hung-up")) == [("101", "101")]
    assert log_in(house, "102", "lobby") == "ok"


def test_a_restart_tells_the_edge_anew(house):
    """Where each agent sits is in the state; the new server hears it before the first snapshot."""
    log_in(house, "101", "lobby")
    assert same(house.replayed(), house.state)
    assert moves(house, ev.Started(run="u")) == [("101", "lobby")]
