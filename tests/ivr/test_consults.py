"""Attended transfers: what Asterisk's words mean, in whatever way it puts the two together."""

import pytest

from acd.core import events as ev
from ivr.ami import Message
from ivr.consults import Asked, asked_first, taken_over
from ivr.held import Held, Leg


def held(queue="sales"):
    return Held(channel="PJSIP/trunk-1", number="5550201", name="", queue=queue)


def attended(**headers):
    known = {
        "Event": "AttendedTransfer",
        "Result": "Success",
        "OrigTransfererUniqueid": "offer-1",
        "OrigTransfererChannel": "PJSIP/101-1",
        "SecondTransfererUniqueid": "2.1",
        "SecondTransfererExten": "103",
        "SecondBridgeUniqueid": "b2",
        "TransfereeUniqueid": "1.1",
    }
    return Message({**known, **headers})


def seat_of(channel):
    return {"PJSIP/101": "101", "PJSIP/103": "103"}.get(channel.rpartition("-")[0])


LEGS = {"offer-1": Leg(call="1.1", seat="101", joined=True)}


@pytest.mark.parametrize(
    ("headers", "to"),
    [
        ({}, "103"),
        ({"TransferTargetChannel": "PJSIP/103-1", "SecondTransfererExten": "s"}, "103"),
        ({"TransferTargetChannel": "Local/302@x-1;1", "TransferTargetExten": "302"}, "302"),
        ({"TransferTargetChannel": "PJSIP/carrier-1", "SecondTransfererExten": "s"}, "PJSIP/carrier-1"),
        ({"SecondTransfererExten": "s"}, ""),
    ],
)
def test_whom_he_was_given_to(headers, to):
    """The seat, or what was dialled, or the channel; never the `s` of a leg of ours."""
    calls = {"1.1": held()}
    told, asked = asked_first(attended(**headers), calls, LEGS, seat_of)
    assert told == [ev.CallTransferred(call="1.1", seat="101", to=to, asked_first=True)]
    assert asked == []
    assert calls["1.1"].given


def test_where_asterisk_fails_we_lead_the_caller_to_the_agents_place():
    """The agent waits in a queue: Asterisk cannot put the caller there. Any other failure is none of our affair."""
    for result in ("Fail", "Success"):  # it says this as well, and the caller is as lost
        message = attended(Result=result, TransfereeUniqueid="")
        told, asked = asked_first(message, {"1.1": held(), "2.1": held("support")}, LEGS, seat_of)
        assert told == [ev.CallTransferred(call="1.1", seat="101", to="support", asked_first=True)]
        assert asked == [Asked("1.1", "support")]
    assert asked_first(attended(Result="Fail"), {"1.1": held()}, LEGS, seat_of) == ([], [])


def test_an_agent_who_stays_gives_nobody_away():
    """All three talk: he has his caller still."""
    assert asked_first(attended(DestType="Threeway"), {"1.1": held()}, LEGS, seat_of) == ([], [])


@pytest.mark.parametrize("inside", [["1.1", "offer-2"], ["offer-2", "1.1"]])
def test_a_caller_and_the_leg_of_the_agents_own_call(inside):
    """Whichever of the two came to the other: the leg is his, and the word that follows says no more."""
    legs = {"offer-1": Leg(call="1.1", seat="101", joined=True), "offer-2": Leg(call="2.1", seat="103", joined=True)}
    calls = {"1.1": held(), "2.1": held("support")}
    told = taken_over("b2", inside, calls, legs)
    assert told == [ev.CallTransferred(call="1.1", seat="101", to="103", asked_first=True, takes="2.1")]
    assert (legs["offer-2"].call, legs["offer-1"].call) == ("1.1", "")
    assert taken_over("b2", inside, calls, legs) == []
    assert asked_first(attended(), calls, legs, seat_of) == ([], [])


def test_who_is_with_his_own_agent_takes_over_nothing():
    """A leg in one bridge with its call, whoever else is there; and a leg that has not met its call yet."""
    legs = {"offer-2": Leg(call="2.1", seat="103", joined=True)}
    calls = {"1.1": held(), "2.1": held("support")}
    assert taken_over("b", ["offer-2", "2.1", "1.1"], calls, legs) == []
    legs["offer-2"].joined = False
    assert taken_over("b", ["offer-2", "1.1"], calls, legs) == []


def test_nobody_takes_over_while_the_agent_is_there():
    """All three talk, the agent and both whom he has: the talk is his as long as he stays."""
    legs = {"offer-1": Leg(call="1.1", seat="101", joined=True), "offer-2": Leg(call="2.1", seat="103", joined=True)}
    calls = {"1.1": held(), "2.1": held("support")}
    assert taken_over("b", ["offer-1", "offer-2", "1.1"], calls, legs) == []
    assert taken_over("b", ["offer-2", "1.1"], calls, legs)[0].takes == "2.1"
