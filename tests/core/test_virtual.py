"""Virtual calls: the server holds them, the switch knows nothing of them; they end when an agent closes them."""

import pytest

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import FRONT, QueueRule, Step
from tests.core.house import House, offers, same
from tests.core.test_reconcile import held


def house_of(*, seats=("101",), queues=("sales",), **rule):
    """Queues with one rule, seats that serve them all and are logged in."""
    rule = {"wrap_up_ms": 0, "refusal_ms": 20_000} | rule
    house = House(queues=[QueueRule(name=name, **rule) for name in queues], seats=dict.fromkeys(seats, queues))
    house.log_in(*seats)
    house.rules = tuple(house.state.queues.values())
    return house


def message(house, call="m", queue="sales", **details):
    """A message is there."""
    return house.arrive(call, queue, medium="voicemail", **details)


def heard(house, call="m"):
    """The agent hears it, and hangs up without closing it."""
    return house.give(ev.OfferEnded(offer=house.talk(call), outcome="hung-up"))


def test_a_snapshot_that_does_not_name_it_ends_nothing():
    """The switch cannot know of it; a caller whom it does not name is gone."""
    house = house_of(seats=())
    message(house)
    house.arrive("caller")
    house.pass_time(1_000)
    house.look()
    assert list(house.state.calls) == ["m"]


def test_its_place_outlives_the_server_and_the_switch():
    """After a start, and after another life of the switch, it waits where it waited; no ticket is written."""
    house = house_of(seats=())
    house.look(switch_run="one")
    message(house, "m1", caller="555")
    house.arrive("caller", caller="556")
    message(house, "m2", since=house.now - 60_000)
    house.pass_time(1_000)
    house.give(ev.Started(run="u"))
    house.look(switch_run="two")
    assert [ticket.caller for ticket in house.state.tickets] == ["556"]
    assert house.replayed().calls.keys() == {"m1", "m2"}
    house.give(ev.Configured(queues=house.rules, seats=()))
    places = sorted(house.state.calls.values(), key=lambda call: call.key)
    assert [(call.id, call.state) for call in places] == [("m2", "waiting"), ("m1", "waiting")]


def test_the_offer_says_its_medium_and_so_does_the_withdrawal():
    """Whoever carries them out is found by it."""
    house = house_of()
    [offer] = [command for command in message(house) if isinstance(command, cmd.Offer)]
    assert offer.medium == "voicemail"
    commands = house.give(ev.CallEnded(call="m", reason="done"))
    assert cmd.Withdraw(offer=offer.offer, call="m", medium="voicemail") in commands


def test_closed_it_is_over_once_and_the_seat_free_when_the_leg_ends():
    """The close is what ends it; a second one, and one of another seat or offer, closes nothing."""
    house = house_of(seats=("101", "102"))
    message(house)
    offer = house.talk("m")
    assert house.ask(ev.CloseAsked, "102", offer=offer) == "already"
    assert house.ask(ev.CloseAsked, "101", offer="offer-t-99") == "already"
    assert house.ask(ev.CloseAsked, "101", offer=offer) == "ok"
    assert house.state.calls == {}
    assert house.ask(ev.CloseAsked, "101", offer=offer) == "already"
    assert house.state.seats["101"].state == "talking"
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    assert house.state.seats["101"].state == "ready"


def test_a_caller_cannot_be_closed():
    """Of a call that the switch holds, only the switch can say that it is over."""
    house = house_of()
    house.arrive("caller")
    assert house.ask(ev.CloseAsked, "101", offer=house.talk("caller")) == "already"
    assert house.state.calls["caller"].state == "talking"


def test_not_closed_it_is_first_again_and_goes_to_somebody_else():
    """Who hung up in the midst of it is not asked again for a while; its place is the old one."""
    house = house_of(seats=("101", "102"))
    message(house, "m1")
    house.talk("m1")
    message(house, "m2")
    house.talk("m2")
    message(house, "m3")
    commands = house.give(ev.OfferEnded(offer=house.offer_of("m1"), outcome="hung-up"))
    assert offers(commands) == [("m3", "101")]
    commands = house.give(ev.OfferEnded(offer=house.offer_of("m2"), outcome="hung-up"))
    assert offers(commands) == [("m1", "102")]


@pytest.mark.parametrize(("refusal_ms", "waits_ms"), [(20_000, 20_000), (0, 5_000)])
def test_alone_it_comes_back_to_the_one_seat_after_a_while(refusal_ms, waits_ms):
    """Not at once, even where a refusal is forgotten at once."""
    house = house_of(refusal_ms=refusal_ms)
    message(house)
    assert offers(heard(house)) == []
    assert offers(house.pass_time(waits_ms - 1)) == []
    assert offers(house.pass_time(1)) == [("m", "101")]


def test_put_off_it_is_offered_to_nobody_before_and_keeps_its_place():
    """Ten minutes, in which a later one is served; then it goes first."""
    house = house_of(refusal_ms=0)
    message(house, "m1")
    offer = house.talk("m1")
    assert house.ask(ev.DeferAsked, "101", offer=offer, for_ms=600_000) == "ok"
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    assert offers(message(house, "m2")) == [("m2", "101")]
    house.talk("m2")
    message(house, "m3")
    house.pass_time(600_000)
    assert house.state.calls["m1"].hold_until is None
    assert house.ask(ev.CloseAsked, "101", offer=house.offer_of("m2")) == "ok"
    assert offers(house.give(ev.OfferEnded(offer=house.state.seats["101"].work[0], outcome="hung-up"))) == [
        ("m1", "101")
    ]


def test_put_off_for_less_than_the_talk_lasts_it_is_simply_given_back():
    """The time runs from the wish; what is left of it when the leg ends is nothing."""
    house = house_of()
    message(house)
    offer = house.talk("m")
    house.ask(ev.DeferAsked, "101", offer=offer, for_ms=1_000)
    house.pass_time(5_000)
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    assert house.state.calls["m"].barred == {"101": house.now + 20_000}


@pytest.mark.parametrize("for_ms", [-(2**62), 0, 2**62])
def test_hostile_times(for_ms):
    """Nothing is put off for less than nothing, or for more than a month."""
    house = house_of()
    message(house)
    offer = house.talk("m")
    house.ask(ev.DeferAsked, "101", offer=offer, for_ms=for_ms)
    assert house.now <= house.state.calls["m"].hold_until <= house.now + 31 * 86_400_000
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    assert house.state.calls["m"].state == "waiting"


def test_a_leg_that_a_snapshot_does_not_find_gives_it_back():
    """The server was down, or the switch died, while an agent listened: nothing is lost."""
    house = house_of()
    message(house)
    house.talk("m")
    house.give(ev.SwitchLost())
    house.pass_time(2_000)
    house.look()
    assert house.state.calls["m"].state == "waiting"
    assert house.state.seats["101"].state == "ready"


def test_a_leg_that_goes_on_through_a_restart_keeps_it():
    """The leg stands in the dialplan and asks for its flow again; the offer is the same, and can still close it."""
    house = house_of()
    message(house)
    offer = house.talk("m")
    house.give(ev.Started(run="u"))
    house.pass_time(2_000)
    house.look(legs=[ev.LiveLeg(offer=offer, call="m", seat="101", joined=False)])
    house.give(ev.Connected(offer=offer))
    assert house.state.calls["m"].state == "talking"
    assert house.ask(ev.CloseAsked, "101", offer=offer) == "ok"


def test_an_arrival_said_twice_changes_nothing_whatever_it_does():
    """Whoever keeps the messages may tell of each at every start."""
    house = house_of()
    message(house)
    house.talk("m")
    before = house.state.calls["m"].number
    message(house)
    assert (house.state.calls["m"].number, house.state.calls["m"].state) == (before, "talking")


def test_it_joins_where_no_caller_may_and_never_gives_up():
    """Closed, full and empty are said of callers; a wait of a day is no reason to go."""
    house = house_of(
        seats=(),
        closed=True,
        waiting_most=1,
        join_empty=(),
        leave_empty=(),
        max_wait_ms=10_000,
        overflow={"wait": "voicemail", "closed": "voicemail"},
        steps=(Step(after_ms=5_000, go="voicemail"), Step(after_ms=5_000, announce="sorry")),
    )
    commands = message(house, "m1") + message(house, "m2") + house.pass_time(86_400_000)
    assert not [c for c in commands if isinstance(c, cmd.SendAway | cmd.Announce)]
    assert [call.state for call in house.state.calls.values()] == ["waiting"] * 2


def test_messages_neither_fill_a_queue_nor_make_a_crowd():
    """A queue of two that holds five messages has room for two callers; the third goes."""
    house = house_of(seats=(), waiting_most=2, steps=(Step(when_waiting=2, priority=1),))
    for number in range(5):
        message(house, f"m{number}")
    house.arrive("a")
    assert house.state.calls["a"].rank == 10
    house.arrive("b")
    assert house.state.calls["a"].rank == 1
    [away] = [command for command in house.arrive("c") if isinstance(command, cmd.SendAway)]
    assert (away.call, away.reason) == ("c", "full")


def test_a_message_teaches_callers_nothing_about_waits():
    """It was left in the evening and heard in the morning."""
    house = house_of(seats=())
    message(house)
    house.pass_time(3_600_000)
    house.log_in("101")
    house.talk("m")
    assert house.state.waits == {}


def test_its_queue_goes_and_comes_back():
    """Without a queue it is out of line, kept; with the queue, or moved to another one, it waits again."""
    house = house_of(seats=(), queues=("sales", "night"))
    message(house, "m1", "night")
    message(house, "m2", "night")
    sales, night = house.rules
    house.give(ev.Configured(queues=(sales,), seats=()))
    assert {call.state for call in house.state.calls.values()} == {"after"}
    house.give(ev.CallSet(call="m1", queue="sales"))
    assert (house.state.calls["m1"].queue, house.state.calls["m1"].state) == ("sales", "waiting")
    house.give(ev.Configured(queues=(sales, night), seats=()))
    assert (house.state.calls["m2"].queue, house.state.calls["m2"].state) == ("night", "waiting")
    assert same(house.replayed(), house.state)


def test_a_supervisor_moves_it_and_cannot_send_it_away():
    """Out of the queue there is nowhere for a message to go."""
    house = house_of(seats=(), queues=("sales", "night"))
    message(house)
    commands = house.give(ev.CallSet(call="m", queue="night", priority=3, withdraw="voicemail"))
    assert not [c for c in commands if isinstance(c, cmd.SendAway)]
    call = house.state.calls["m"]
    assert (call.queue, call.rank, call.state) == ("night", 3, "waiting")


def test_rung_at_several_seats_it_goes_to_who_answers_first():
    """The others are taken back, as with a caller."""
    house = house_of(seats=("101", "102"), strategy="ring-all")
    assert offers(message(house)) == [("m", "101"), ("m", "102")]
    first, second = house.state.calls["m"].offers
    commands = house.give(ev.Connected(offer=second))
    assert cmd.Withdraw(offer=first, call="", medium="voicemail") in commands


def test_a_snapshot_that_names_it_after_all_changes_nothing():
    """A word that no switch says does no harm."""
    house = house_of(seats=())
    message(house)
    house.pass_time(1_000)
    house.look(calls=[held(house, "m", medium="voicemail")])
    assert house.state.calls["m"].number == 1


def test_given_back_it_waits_by_the_rules_of_now():
    """The rules changed while an agent had it: passed as often as they allow now, it stands in front."""
    house = House(queues=[QueueRule(name="sales", wrap_up_ms=0, overtake_most=3)], seats={"101": ("sales",)})
    message(house, priority=10)
    house.arrive("quick", priority=1)
    house.log_in("101")  # it rings for the quick one, who passes the message
    assert offers(house.serve("quick")) == [("m", "101")]
    talked = house.talk("m")
    house.give(ev.Configured(queues=(QueueRule(name="sales", wrap_up_ms=0, overtake_most=1),), seats=()))
    assert house.state.calls["m"].passed == 1
    house.give(ev.OfferEnded(offer=talked, outcome="hung-up"))
    assert (house.state.calls["m"].state, house.state.calls["m"].rank) == ("waiting", FRONT)
