"""Several seats ring for one caller: what is sent to the switch, and what its words mean then."""

import asyncio

import pytest
from structlog.testing import capture_logs

from acd.core import commands as cmd
from acd.core import events as ev
from ivr.ami import Message
from ivr.causes import outcome_of
from ivr.channels import Channels
from ivr.held import Leg
from tests.ivr.ami_peer import AmiPeer, message
from tests.ivr.test_switch import floor_at

SEATS = ("101", "102")


@pytest.fixture
async def peer():
    """Give a manager interface."""
    async with AmiPeer() as peer:
        yield peer


def offer(seat, number=1, **more):
    return cmd.Offer(offer=f"offer-t-{number}", call="1.1", seat=seat, ring_ms=15_000, shared=True, **more)


def says(peer, event, leg, **headers):
    peer.say(message(event, Uniqueid=leg, Channel=f"PJSIP/{leg}", **headers))


async def ring_both(floor, peer):
    """Have a caller wait, for whom two phones ring; what was sent so far is forgotten."""
    await floor.arrive()
    for number, seat in enumerate(SEATS, 1):
        floor.switch.offer(offer(seat, number))
    for number in (1, 2):
        says(peer, "Newchannel", f"offer-t-{number}")
        says(peer, "Newstate", f"offer-t-{number}", ChannelState="5")
        assert await floor.next() == ev.OfferRinging(offer=f"offer-t-{number}")
    await peer.asked("Originate", 2)
    peer.received = b""


async def test_each_seat_has_a_token_and_the_mark_is_taken_off_once(peer):
    """Who took him earlier is forgotten before the first leg, and only then: a leg that took him now keeps him."""
    async with floor_at(peer) as floor:
        await floor.arrive()
        for number, seat in enumerate(SEATS, 1):
            floor.switch.offer(offer(seat, number))
        first, second = await peer.asked("Originate", 2)
        caller = "PJSIP/trunk-1"
        assert floor.sent("Originate") == [
            f"Setvar {caller} SHARED(ACD_TALK)",
            f"Setvar {caller} SHARED(ACD_OFFER_101) offer-t-1",
            f"Setvar {caller} SHARED(ACD_OFFER_102) offer-t-2",
        ]
        assert [first["Exten"], second["Exten"]] == ["first", "first"]
        assert "FORWARD_CONTEXT=acd-no-forward\nACD_SHARED=1" in first["Variable"]


async def test_an_answer_alone_is_no_join(peer):
    """Two pick up, and the bridge says who has him: only of him the core hears that he answered."""
    async with floor_at(peer) as floor:
        await ring_both(floor, peer)
        for number in (1, 2):
            says(peer, "Newstate", f"offer-t-{number}", ChannelState="6")
        for unique in ("1.1", "offer-t-2"):
            says(peer, "BridgeEnter", unique, BridgeUniqueid="b")
        assert await floor.next() == ev.OfferAnswered(offer="offer-t-2")
        assert await floor.next() == ev.Connected(offer="offer-t-2")
        floor.switch.withdraw(cmd.Withdraw(offer="offer-t-1", call="1.1"))
        await peer.asked("Setvar")
        assert floor.sent() == ["Setvar PJSIP/trunk-1 SHARED(ACD_OFFER_101)"]  # he hears why, and ends by himself
        says(peer, "Hangup", "offer-t-1", Cause="16")
        assert await floor.next() == ev.OfferEnded(offer="offer-t-1", outcome="withdrawn")
        says(peer, "Hangup", "offer-t-2", Cause="16")
        assert await floor.next() == ev.OfferEnded(offer="offer-t-2", outcome="hung-up")


async def test_a_phone_that_still_rings_is_hung_up(peer):
    """A withdrawal takes that seat's token and leg, and no other's; asked for twice, it ends whoever still listens."""
    async with floor_at(peer) as floor:
        await ring_both(floor, peer)
        floor.switch.withdraw(cmd.Withdraw(offer="offer-t-2", call="1.1"))
        await peer.asked("Hangup")
        assert floor.sent() == ["Setvar PJSIP/trunk-1 SHARED(ACD_OFFER_102)", "Hangup offer-t-2"]
        says(peer, "Newstate", "offer-t-1", ChannelState="6")
        says(peer, "Newstate", "offer-t-9", ChannelState="5")
        says(peer, "Hangup", "offer-t-2", Cause="16")
        assert await floor.next() == ev.OfferEnded(offer="offer-t-2", outcome="withdrawn")
        for _ in range(2):
            floor.switch.withdraw(cmd.Withdraw(offer="offer-t-1", call="1.1"))
        await peer.asked("Hangup", 2)
        assert floor.sent()[-1] == "Hangup offer-t-1"


async def test_who_took_him_in_the_instant_of_the_withdrawal_gives_him_back(peer):
    """The leg was answered and let be; then the bridge tells that it has him all the same: it is hung up."""
    async with floor_at(peer) as floor:
        await ring_both(floor, peer)
        says(peer, "Newstate", "offer-t-1", ChannelState="6")
        says(peer, "Newstate", "offer-t-2", ChannelState="6")
        says(peer, "Hangup", "offer-t-2", Cause="16")
        assert await floor.next() == ev.OfferEnded(offer="offer-t-2", outcome="withdrawn")
        floor.switch.withdraw(cmd.Withdraw(offer="offer-t-1", call="1.1"))
        for unique in ("1.1", "offer-t-1"):
            says(peer, "BridgeEnter", unique, BridgeUniqueid="b")
        [hung_up] = await peer.asked("Hangup")
        assert hung_up["Channel"] == "offer-t-1"


async def test_a_seat_behind_a_line_is_dialled_on_it(peer):
    """LINE in a handset is the line that the core chose, and the dialplan is told; without one the offer fails."""
    async with floor_at(peer) as floor:
        floor.switch.channels.handsets.learn({"101": "PJSIP/5550123@LINE", "102": "PJSIP/102"})
        await floor.arrive()
        assert floor.switch.channels.handsets.state("101").reachable  # no phone that registers
        floor.switch.offer(offer("101", line="trunk-2"))
        [asked] = await peer.asked("Originate")
        assert asked["Channel"] == "PJSIP/5550123@trunk-2"
        assert "ACD_LINE=trunk-2" in asked["Variable"]
        floor.switch.offer(offer("101", 2, line="trunk:7"))
        _, asked = await peer.asked("Originate", 2)
        assert asked["Channel"] == "PJSIP/5550123@trunk"
        assert "ACD_LINE=trunk:7" in asked["Variable"]
        with capture_logs() as logs:
            floor.switch.offer(offer("101", 3, line=""))
        assert [entry["event"] for entry in logs] == ["offer without a line"]
        assert await asyncio.wait_for(floor.next(), 5) == ev.OfferEnded(offer="offer-t-3", outcome="failed")


def test_how_a_shared_leg_ended():
    """Answered and never joined: somebody else was quicker. Joined: the normal end. The rest as of any leg."""
    assert outcome_of(Leg(call="1", seat="1", shared=True, answered=True), 16, 0) == "withdrawn"
    assert outcome_of(Leg(call="1", seat="1", shared=True, answered=True, joined=True), 16, 0) == "hung-up"
    assert outcome_of(Leg(call="1", seat="1", shared=True, ringing=True), 21, 0) == "refused"
    assert outcome_of(Leg(call="1", seat="1", answered=True), 16, 0) == "hung-up"


def test_a_leg_that_a_new_server_meets_is_known_as_shared():
    """After a restart the leg's own variables say so, and which seat it is; whether it is joined, its bridge."""
    channels = Channels({"101": "PJSIP/5550123@LINE"})
    leg = {
        "Event": "Status",
        "Uniqueid": "offer-t-1",
        "Channel": "PJSIP/trunk-2-1",
        "ChannelState": "6",
        "BridgeID": "b",
        "Variable": ["ACD_CALL=1.1", "ACD_RUNG=101", "ACD_SHARED=1"],
    }
    caller = {"Event": "Status", "Uniqueid": "1.1", "BridgeID": "b", "Variable": ["ACD_QUEUE=sales"]}
    with channels.meanwhile() as meanwhile:
        snapshot = channels.snapshot(1, [Message(leg), Message(caller)], [], meanwhile)
    assert [(known.seat, known.joined) for known in snapshot.legs] == [("101", True)]
    assert channels.legs["offer-t-1"].shared
    assert channels.legs["offer-t-1"].joined
