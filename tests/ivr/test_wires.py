"""Telephones at the end of a wire: whose id a channel has, before its receiver is lifted and after."""

import pytest

from acd.core import events as ev
from ivr.ami import Message
from ivr.channels import Channels
from ivr.held import Held, Leg, Meanwhile
from ivr.wires import Wires

PHONE = {"Uniqueid": "7.1", "Channel": "DAHDI/5-1"}
LOCAL = {"Uniqueid": "offer-1", "Channel": "Local/s@acd-wire-1;1"}
CALLER = {"Uniqueid": "1.1", "Channel": "DAHDI/i1/5550100-1"}


def message(event, **headers):
    return Message({"Event": event, **headers})


def fresh(*, lifts=True):
    """A caller who waits, and a leg that was asked for: the Local channel is there, and asked for the telephone's."""
    channels = Channels({"101": "DAHDI/5", "102": "DAHDI/6"})
    channels.calls["1.1"] = Held(channel=CALLER["Channel"], number="", name="", queue="sales")
    channels.legs["offer-1"] = Leg(call="1.1", seat="101", wired=True, lifts=lifts)
    assert channels.take(message("Newchannel", **LOCAL, Linkedid="offer-1"), 1) == []
    assert channels.take(message("Newchannel", **PHONE, Linkedid="offer-1"), 1) == []
    return channels


def enters(channels, who, bridge="b"):
    return channels.take(message("BridgeEnter", **who, BridgeUniqueid=bridge, BridgeTechnology="simple_bridge"), 3)


def lifted():
    channels = fresh()
    assert channels.take(message("Newstate", **PHONE, ChannelState="6"), 2) == [ev.OfferAnswered(offer="offer-1")]
    assert channels.take(message("Hangup", **LOCAL, Cause="0"), 2) == []
    return channels


def test_a_telephone_that_rings_is_nobodys_own_call():
    """That it rings is told once, and makes no seat busy. The call of a telephone that nobody asked for does."""
    channels = fresh()
    states = [message("Newstate", **who, ChannelState="5") for who in (PHONE, LOCAL, PHONE)]
    assert [channels.take(state, 2) for state in states] == [[ev.OfferRinging(offer="offer-1")], [], []]
    own = message("Newchannel", Uniqueid="7.2", Channel="DAHDI/6-1", Linkedid="7.2")
    assert channels.take(own, 2) == [ev.HandsetChanged(seat="102", reachable=True, busy=True)]


def test_a_receiver_that_is_lifted_is_the_leg():
    """The Local channel goes and ends nothing; in the bridge, on hold, at the end the telephone has the offer's id."""
    channels = lifted()
    assert enters(channels, PHONE) == []
    assert enters(channels, CALLER) == [ev.Connected(offer="offer-1")]
    assert channels.wires.channel("offer-1") == "7.1"
    held = ev.LegHeld(call="1.1", leg="offer-1", held=True)
    assert channels.take(message("Hold", **PHONE), 4) == [held]
    over = channels.take(message("Hangup", **PHONE, Cause="16"), 5)
    assert ev.OfferEnded(offer="offer-1", outcome="hung-up") in over
    assert channels.wires.channel("offer-1") == "offer-1"


def test_a_hook_flash_is_a_call_of_his_own_and_a_transfer_the_legs():
    """The second call makes the seat busy; who then hangs up has given his caller away, as by any telephone."""
    channels = lifted()
    enters(channels, PHONE)
    enters(channels, CALLER)
    second = {"Uniqueid": "7.3", "Channel": "DAHDI/5-2"}
    busy = channels.take(message("Newchannel", **second, Linkedid="7.3"), 4)
    assert busy == [ev.HandsetChanged(seat="101", reachable=True, busy=True)]
    transfer = message(
        "AttendedTransfer",
        Result="Success",
        DestType="Bridge",
        OrigTransfererUniqueid="7.1",
        OrigTransfererChannel="DAHDI/5-1",
        SecondTransfererUniqueid="7.3",
        SecondTransfererExten="102",
        SecondBridgeUniqueid="c",
    )
    given = ev.CallTransferred(call="1.1", seat="101", to="102", asked_first=True)
    assert given in channels.take(transfer, 5)


@pytest.mark.parametrize("state", ["5", "6"])
def test_a_leg_of_no_caller_stays_the_local_channels(state):
    """What talks to the agent then is callfloor, through the Local channel: the telephone's own news are none."""
    channels = fresh(lifts=False)
    told = channels.take(message("Newstate", **PHONE, ChannelState=state), 2)
    assert told == ([ev.OfferRinging(offer="offer-1")] if state == "5" else [])
    assert channels.take(message("Hangup", **PHONE, Cause="16"), 3) == []
    assert ev.OfferEnded in {type(event) for event in channels.take(message("Hangup", **LOCAL, Cause="16"), 3)}


def test_a_new_server_finds_a_lifted_telephone():
    """The variables that it inherited say whose leg it is; a look counts it as the leg, not as a call of his own."""
    channels = Channels({"101": "DAHDI/5"})
    known = ["ACD_OFFER=offer-1", "ACD_LIFTED=s", "ACD_CALL=1.1", "ACD_RUNG=101", "ACD_QUEUE=(null)"]
    phone = message("Status", **PHONE, ChannelState="6", BridgeID="b", Variable=known, Context="acd-seat")
    caller = message(
        "Status", **CALLER, ChannelState="6", BridgeID="b", Variable=["ACD_QUEUE=sales"], Context="acd-hold"
    )
    seen = channels.snapshot(10, [phone, caller], [], Meanwhile())
    assert seen.legs == (ev.LiveLeg(offer="offer-1", call="1.1", seat="101", joined=True),)
    assert not seen.handsets[0].busy
    over = channels.take(message("Hangup", **PHONE, Cause="16"), 20)
    assert ev.OfferEnded(offer="offer-1", outcome="hung-up") in over


def test_a_wire_was_hung_up_just_now_until_the_switch_says_when():
    """The telephone is asked for with that moment; a switch that does not say is not waited for."""
    wires = Wires()

    def hung_up_at():
        asked = wires.asked("offer-2", Leg(call="1.1", seat="101", lifts=True), details)
        return int(next(one for one in asked["Variable"] if one.startswith("_ACD_HUNG_UP=")).partition("=")[2])

    details = {"Channel": "DAHDI/5r2", "Context": "acd-seat", "Exten": "s", "Variable": []}
    assert hung_up_at() == 0
    wires.read(message("Hangup", **PHONE), {})
    assert hung_up_at() > 10**14
    assert wires.untimed == ["DAHDI/5"]
    wires.timed("DAHDI/5", 1_796_036_830_497)
    assert hung_up_at() == 1_796_036_830_497
    wires.read(message("Hangup", **PHONE), {})
    wires.timed("DAHDI/5", None)
    assert hung_up_at() == 0
