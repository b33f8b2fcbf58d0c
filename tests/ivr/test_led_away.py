"""Callers who wait and are led away by somebody else, as Asterisk tells it; and user events of strangers."""

import pytest

from acd.core import events as ev
from ivr.ami import Message
from ivr.channels import Leg, Meanwhile
from tests.ivr.transcripts import fresh

HOLDING, TALK = "holding_bridge", "simple_bridge"
OWN = {"Channel": "PJSIP/trunk-1", "Context": "acd-hold", "Uniqueid": "1.1"}
LED_AWAY = [ev.CallEnded(call="1.1", reason="key-exit")]


def bridge(event, technology, context="acd-hold", call="1.1"):
    headers = {"BridgeUniqueid": technology, "BridgeTechnology": technology}
    return Message({"Event": event, **headers, **OWN, "Context": context, "Uniqueid": call})


def waiting():
    """Channels that know one caller, who waits."""
    channels = fresh()
    arrival = {"Event": "UserEvent", **OWN, "UserEvent": "CallArrived", "Queue": "sales"}
    assert channels.take(Message(arrival), 1) == [ev.CallArrived(call="1.1", queue="sales")]
    assert channels.take(bridge("BridgeEnter", HOLDING), 2) == []
    assert not channels.led_away.look_wanted
    return channels


@pytest.mark.parametrize(
    "away",
    [
        bridge("BridgeLeave", HOLDING, "from-internal"),
        bridge("BridgeEnter", TALK),
        bridge("BridgeEnter", TALK, "seats"),
    ],
)
def test_he_is_gone(away):
    """Sent to a context that is none of ours, or joined while no seat has answered for him, he waits no more; once."""
    channels = waiting()
    with channels.meanwhile() as noted:
        assert channels.take(away, 3) == LED_AWAY
    assert noted.ended == {"1.1"}
    assert not channels.calls
    assert channels.take(away, 4) == []


@pytest.mark.parametrize(
    "stays",
    [
        bridge("BridgeLeave", HOLDING),  # each half minute
        bridge("BridgeLeave", HOLDING, "acd-overflow"),
        bridge("BridgeLeave", HOLDING, ""),
        bridge("BridgeLeave", TALK, "seats"),
        bridge("BridgeEnter", HOLDING),
        bridge("BridgeEnter", ""),
        bridge("BridgeEnter", TALK, call="2.2"),
        bridge("BridgeLeave", HOLDING, "seats", call="2.2"),
    ],
)
def test_he_is_not(stays):
    """What callfloor does with him, and what others do with others, leads nobody away."""
    channels = waiting()
    assert channels.take(stays, 3) == []
    assert "1.1" in channels.calls


@pytest.mark.parametrize(("answered", "told"), [(True, []), (False, LED_AWAY)])
def test_a_seat_takes_him(answered, told):
    """Whoever bridges him is a seat of ours if its leg was answered; one that only rings did not do it."""
    channels = waiting()
    channels.legs["offer-1"] = Leg(call="1.1", seat="101", ringing=True, answered=answered)
    assert channels.take(bridge("BridgeEnter", TALK), 3) == told


def test_in_a_talk_he_goes_where_others_say():
    """Once he talked to his agent, transfers and the like are no leading away; his hang-up ends the call."""
    channels = waiting()
    channels.legs["offer-1"] = Leg(call="1.1", seat="101", answered=True)
    channels.take(bridge("BridgeEnter", TALK), 3)
    assert channels.take(bridge("BridgeEnter", TALK, call="offer-1"), 4) == [ev.Connected(offer="offer-1")]
    del channels.legs["offer-1"]
    assert channels.take(bridge("BridgeEnter", TALK, "seats"), 5) == []
    assert channels.take(Message({"Event": "Hangup", **OWN}), 6) == [ev.CallEnded(call="1.1")]


def test_who_comes_back_is_looked_for():
    """Back in the hold after it he waits, and only a look at the switch tells since when."""
    channels = waiting()
    channels.take(bridge("BridgeEnter", TALK), 3)
    assert not channels.led_away.look_wanted
    channels.take(bridge("BridgeEnter", HOLDING), 4)
    assert channels.led_away.look_wanted


def test_who_is_seen_out_of_the_hold_does_not_wait():
    """A look that finds him in a talk, or elsewhere, is believed: nobody leads him away from there."""
    channels = fresh()
    line = Message({"Event": "Status", **OWN, "Context": "seats", "Variable": ["ACD_QUEUE=sales"]})
    [held] = channels.snapshot(5, [line], [], Meanwhile()).calls
    assert not held.waiting
    assert channels.take(bridge("BridgeEnter", TALK, "seats"), 6) == []


LIES = [
    {"UserEvent": "CallArrived", "Uniqueid": "9.9", "Queue": "sales"},
    {"UserEvent": "CallArrived", "Queue": "sales", **OWN},  # what a manager's action writes: its name first
    {**OWN, "Context": "from-seat", "UserEvent": "CallArrived", "Queue": "sales"},
    {**OWN, "Context": "from-seat", "UserEvent": "CallLeft"},
    {"UserEvent": "CallLeft", "Uniqueid": "1.1"},
]


@pytest.mark.parametrize("lie", LIES, ids=range(len(LIES)))
def test_only_our_dialplan_tells_of_calls(lie):
    """A user event of another context, or of no channel, neither begins a call nor ends one."""
    channels = waiting()
    assert channels.take(Message({"Event": "UserEvent", **lie}), 3) == []
    assert set(channels.calls) == {"1.1"}
