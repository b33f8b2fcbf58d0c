"""A snapshot against what was believed."""

import pytest

from acd.core import commands as cmd
from acd.core import events as ev
from tests.core.house import START, House, offers


def held(house, call, queue="sales", *, waiting=True, **details):
    """A line of a snapshot."""
    return ev.HeldCall(call=call, queue=queue, since=details.pop("since", house.now), waiting=waiting, **details)


def test_callers_who_left_unseen_are_gone_and_places_stand():
    """Of three who waited when the link broke one has left; the others keep their order."""
    house = House()
    for call in "abc":
        house.arrive(call)
    house.give(ev.SwitchLost())
    house.pass_time(5_000)
    house.look(calls=[held(house, "c"), held(house, "b")])
    assert set(house.state.calls) == {"b", "c"}
    assert offers(house.log_in("102")[0]) == [("b", "102")]


def test_a_caller_who_came_unseen_is_adopted_with_the_time_his_channel_names():
    """He stands before those who came after him, though we heard of him later."""
    house = House()
    house.arrive("known")
    house.give(ev.SwitchLost())
    house.pass_time(60_000)
    house.look(calls=[held(house, "known"), held(house, "early", since=house.now - 120_000, caller="555")])
    assert house.state.calls["early"].caller == "555"
    assert offers(house.log_in("102")[0]) == [("early", "102")]


def test_a_talk_that_ended_unseen_frees_the_seat_through_wrap_up():
    """The end of a talk is the end of a talk, seen or not."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    house.talk("a")
    house.give(ev.SwitchLost())
    house.pass_time(1_000)
    house.look()
    assert house.state.seats["102"].state == "wrap-up"
    assert house.state.calls == {}


def test_a_talk_that_goes_on_is_left_alone():
    """Neither party notices that we were away."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    offer = house.talk("a")
    house.give(ev.SwitchLost())
    house.pass_time(60_000)
    leg = ev.LiveLeg(offer=offer, call="a", seat="102", joined=True)
    assert offers(house.look(calls=[held(house, "a", waiting=False)], legs=[leg])) == []
    assert house.state.seats["102"].state == "talking"


def test_an_answer_that_was_missed_is_made_up_for():
    """The bridge that the snapshot shows counts as the report of it."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    offer = house.offer_of("a")
    house.pass_time(2_000)
    leg = ev.LiveLeg(offer=offer, call="a", seat="102", joined=True)
    house.look(calls=[held(house, "a", waiting=False)], legs=[leg])
    assert house.state.offers[offer].state == "connected"


def test_words_older_than_a_talk_that_was_seen_do_not_end_it():
    """A busy switch tells late that a caller was given away, whom a snapshot shows in the talk that came of it."""
    house = House()
    house.log_in("101", "102")
    house.arrive("a")
    first = house.offer_of("a")
    house.pass_time(2_000)
    house.look(calls=[held(house, "a", "support")])
    offer, seat = house.offer_of("a"), house.state.offers[house.offer_of("a")].seat
    house.pass_time(2_000)
    leg = ev.LiveLeg(offer=offer, call="a", seat=seat, joined=True)
    house.look(calls=[held(house, "a", "support", waiting=False)], legs=[leg])
    other = {"101": "102", "102": "101"}[seat]
    assert house.give(ev.CallTransferred(call="a", seat=other, to="support")) == []
    assert house.arrive("a", "support", since=START) == [cmd.TakeSnapshot()]
    assert (offer != first, house.state.calls["a"].state, house.offer_of("a")) == (True, "talking", offer)
    house.give(ev.Connected(offer=offer))
    house.give(ev.CallTransferred(call="a", seat=seat, to="support"))
    house.arrive("a", "support", since=START)
    assert house.state.calls["a"].state != "talking"


def test_a_caller_back_in_the_hold_unseen_waits_again():
    """His talk ended and he queued again while we were away: a new stay since the time his channel names."""
    house = House(wrap_up_ms=0)
    house.log_in("102")
    house.arrive("a")
    house.talk("a")
    house.give(ev.SwitchLost())
    house.pass_time(10_000)
    assert offers(house.look(calls=[held(house, "a")])) == [("a", "102")]


def test_a_caller_who_left_the_hold_but_not_the_house_waits_no_longer():
    """Redirected by somebody else: he is not offered any more."""
    house = House()
    house.arrive("a")
    house.pass_time(1_000)
    house.look(calls=[held(house, "a", waiting=False)])
    assert offers(house.log_in("102")[0]) == []


def test_a_snapshot_says_nothing_of_what_began_after_it_was_asked_for():
    """A call and an offer younger than the question are not missed in the answer."""
    house = House()
    house.log_in("102")
    asked = house.now
    house.arrive("a")
    offer = house.offer_of("a")
    house.give(ev.Snapshot(asked=asked, calls=(), legs=(), handsets=()))
    assert house.offer_of("a") == offer


def test_an_unknown_ringing_leg_is_stopped_and_an_unknown_talk_is_not():
    """Legs that are not in our books: nobody may be surprised by one, nobody who talks is cut off."""
    house = House()
    legs = [
        ev.LiveLeg(offer="offer-x-1", call="x", seat="101", joined=False),
        ev.LiveLeg(offer="offer-x-2", call="y", seat="102", joined=True),
    ]
    commands = house.look(legs=legs)
    withdrawn = [command.offer for command in commands if isinstance(command, cmd.Withdraw)]
    assert withdrawn == ["offer-x-1"]


def test_every_lamp_is_set_again():
    """Asterisk may have forgotten them."""
    house = House()
    house.log_in("102")
    shown = {c.seat: c.look for c in house.look() if isinstance(c, cmd.ShowSeat)}
    assert shown == {"101": "logged-out", "102": "ready"}


@pytest.mark.parametrize("restart", [False, True])
def test_healthy_sight_is_renewed_and_lost_sight_is_not(restart):
    """While the switch is well a snapshot is asked for each minute; after a loss it comes with the new link."""
    house = House()
    if restart:
        house.give(ev.Started(run="u"))
    asked = house.pass_time(180_000).count(cmd.TakeSnapshot())
    assert asked == (0 if restart else 3)
