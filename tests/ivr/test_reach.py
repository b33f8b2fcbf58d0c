"""A customer who is called before any agent, on the wire: what is originated, and what comes of it."""

import asyncio

import pytest

from acd.core import commands as cmd
from acd.core import events as ev
from acd.desk.calling import CallOut
from ivr.ami import Message
from ivr.channels import Channels
from ivr.held import Meanwhile
from ivr.outs import Outs
from ivr.switch import AmiSettings, AmiSwitch
from tests.ivr.test_switch_orders import NOW, FakeLink, said

LEG, CUSTOMER, FAR = "leg-r-1", "customer-leg-r-1", "9.9"
REACH = cmd.Reach(
    leg=LEG,
    customer=CUSTOMER,
    call="callback-1.1",
    number="+49301234567",
    line="carrier:1",
    ring_ms=20_000,
    longest_ms=3_600_000,
    queue="sales",
    since=NOW - 60_000,
    priority=3,
    needs=((("french", 3),),),
    head_start_ms=5_000,
    seat="101",
    language="pl",
)


@pytest.fixture
async def switch():
    """Give a switch with a link that a test answers for, and the events that it submits."""
    told = []
    settings = AmiSettings(host="h", port=1, user="u", secret="s3cret")
    switch = AmiSwitch(settings, {"101": "PJSIP/101"}, submit=lambda *events: told.extend(events), clock=lambda: NOW)
    switch._link = FakeLink()
    switch.connected.set()
    switch.channels.ahead_ms = 500
    switch.to_customer = lambda command: CallOut(answer="ok", number="030" + command.number[5:], caller_id="+4930999")
    switch.told = told
    return switch


async def test_all_that_is_known_of_his_place_is_on_his_channel(switch):
    """So that he who answers while no server runs waits where he stood; times are Asterisk's own."""
    switch.reach(REACH)
    [(action, headers)] = switch._link.sent
    assert action == "Originate"
    assert (headers["Channel"], headers["Context"]) == ("Local/s@acd-reach/n", "acd-back")
    assert (headers["ChannelId"], headers["OtherChannelId"]) == (CUSTOMER, LEG)
    assert dict(one.split("=", 1) for one in headers["Variable"]) == {
        "ACD_REACH": LEG,
        "ACD_LINE": "carrier:1",
        "ACD_DIAL": "PJSIP/0301234567@carrier",
        "ACD_RING": "20",
        "ACD_LONGEST": "3600",
        "ACD_SHOWN": "+4930999",
        "ACD_BACK": "sales",
        "ACD_CUSTOMER": "+49301234567",
        "ACD_ARRIVED": str(NOW - 60_000 + 500),
        "ACD_PRIORITY": "3",
        "ACD_NEEDS": "french:3",
        "ACD_AHEAD": "5000",
        "ACD_WANTED": "101",
        "CHANNEL(language)": "pl",
    }


async def test_a_refused_originate_is_no_answer(switch):
    """So is a link that is gone; an Originate that tells of its success says nothing new."""
    switch.reach(REACH)
    switch.channels.outs.judge(LEG, done(Message({"Response": "Success"})))
    assert switch.told == []
    assert switch.channels.outs.judge(LEG, done(Message({"Response": "Failure", "Reason": "0"}))) == [
        ev.LegEnded(leg=LEG, outcome="cancelled")
    ]
    switch._link = None
    switch.reach(REACH)
    assert switch.told == [ev.LegEnded(leg=LEG, outcome="cancelled")]


async def test_who_has_answered_is_not_hung_up(switch):
    """A word that he need not be called any more may come too late."""
    switch.reach(REACH)
    switch.give_up(cmd.GiveUp(leg=LEG))
    assert switch._link.sent[-1][1]["Channel"] == LEG
    switch.channels.take(answer(), NOW)
    sent = len(switch._link.sent)
    switch.give_up(cmd.GiveUp(leg=LEG))
    assert len(switch._link.sent) == sent


def done(message):
    """A future that holds an answer."""
    future = asyncio.get_running_loop().create_future()
    future.set_result([message])
    return future


def answer():
    """The far leg has answered."""
    return said("DialEnd", Uniqueid=LEG, Linkedid=CUSTOMER, DestUniqueid=FAR, DialStatus="ANSWER")


def test_he_comes_to_his_queue_at_his_place():
    """However short ago that was: he is no new caller."""
    channels = Channels({"101": "PJSIP/101"})
    channels.outs.reach(REACH)
    assert channels.take(answer(), NOW) == [ev.LegAnswered(leg=LEG)]
    words = {
        "Channel": "Local/s@acd-reach-1;1",
        "Context": "acd-hold",
        "Uniqueid": CUSTOMER,
        "UserEvent": "CallArrived",
    }
    came = said("UserEvent", **words, CallerIDNum="+49301234567", Queue="sales", Since=str(NOW - 900))
    [arrived] = channels.take(came, NOW)
    assert (arrived.call, arrived.since, arrived.caller) == (CUSTOMER, NOW - 900, "+49301234567")
    ends = channels.take(said("Hangup", Uniqueid=FAR, Linkedid=CUSTOMER, Cause="16"), NOW)
    assert ends == [ev.LegEnded(leg=LEG, outcome="hung-up")]


def test_the_far_leg_is_no_strangers_call():
    """It has the customer's id as its linked id, from its first word on."""
    outs = Outs()
    outs.reach(REACH)
    assert outs.is_far_leg(said("Newchannel", Uniqueid=FAR, Linkedid=CUSTOMER))
    assert not outs.is_far_leg(said("Newchannel", Uniqueid=CUSTOMER, Linkedid=CUSTOMER))
    assert not outs.is_far_leg(said("Newchannel", Uniqueid="7.7", Linkedid="7.7"))
    outs.dial(cmd.Dial(leg=LEG, channel=LEG, seat="", number="", line="carrier:2", ring_ms=1, longest_ms=1))
    assert outs.is_far_leg(said("Newchannel", Uniqueid=FAR, Linkedid=CUSTOMER))
    assert outs.lines == ["carrier:2"]


def test_a_look_that_comes_too_early_misses_nothing():
    """A channel that is still to be made is not gone; one that was, and is not listed, is. A new server reads them."""
    outs = Outs()
    outs.reach(REACH)
    assert outs.snapshot([], {}, Meanwhile()) == (ev.LiveOut(leg=LEG, answered=False),)
    outs.take(said("Newchannel", Uniqueid=LEG, Linkedid=CUSTOMER))
    assert outs.snapshot([], {}, Meanwhile()) == ()
    status = said("Status", Uniqueid=LEG, Linkedid=CUSTOMER, BridgeID="b")
    known = {"ACD_LEG": LEG, "ACD_LINE": "carrier:1"}
    assert outs.snapshot([(status, known)], {"b": 2}, Meanwhile()) == (ev.LiveOut(leg=LEG, answered=True),)
    assert outs.is_far_leg(said("Newchannel", Uniqueid=FAR, Linkedid=CUSTOMER))
