"""Callers whom agents give away, as the switch tells of them."""

from acd.core import events as ev
from ivr.ami import Message
from ivr.held import Meanwhile
from tests.ivr.test_channels import fresh, message


def test_a_caller_who_is_given_away_keeps_his_first_arrival():
    """However short ago he came; a transfer of a channel that is no caller of ours is nothing to us."""
    channels = fresh()
    channels.take(
        message(
            "UserEvent",
            Channel="PJSIP/trunk-1",
            Context="acd-given",
            UserEvent="CallArrived",
            Uniqueid="1.1",
            Queue="sales",
        ),
        1_000_000,
    )
    given = message(
        "UserEvent",
        Channel="PJSIP/trunk-1",
        Context="acd-given",
        UserEvent="CallTransferred",
        Uniqueid="1.1",
        To="302",
        By="PJSIP/101-00000001",
    )
    assert channels.take(given, 1_000_100) == [ev.CallTransferred(call="1.1", seat="101", to="302")]
    back = message(
        "UserEvent",
        Channel="PJSIP/trunk-1",
        Context="acd-given",
        UserEvent="CallArrived",
        Uniqueid="1.1",
        Queue="support",
        Since="1000000",
    )
    assert [event.since for event in channels.take(back, 1_000_200)] == [1_000_000]
    stranger = message(
        "UserEvent",
        Channel="PJSIP/trunk-1",
        Context="acd-given",
        UserEvent="CallTransferred",
        Uniqueid="2.1",
        To="302",
        By="PJSIP/101-00000001",
    )
    assert channels.take(stranger, 1_000_300) == []


def test_a_caller_whose_agent_asks_somebody_does_not_wait():
    """He is alone in his bridge meanwhile; but the leg that took him lives. When it does not, he waits again."""
    caller = Message(
        {
            "Event": "Status",
            "Uniqueid": "1.1",
            "Channel": "PJSIP/trunk-1",
            "Context": "acd-hold",
            "BridgeID": "a",
            "Variable": ["ACD_QUEUE=sales", "SHARED(ACD_TALK)=offer-t-1"],
        }
    )
    leg = Message({"Event": "Status", "Uniqueid": "offer-t-1", "Channel": "PJSIP/101-1", "ChannelState": "6"})
    with_leg = fresh().snapshot(5_000, [caller, leg], [], Meanwhile())
    assert [call.waiting for call in with_leg.calls] == [False]
    assert [call.waiting for call in fresh().snapshot(5_000, [caller], [], Meanwhile()).calls] == [True]
