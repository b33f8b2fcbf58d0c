"""Virtual calls at the switch: what a leg is given, and which of several agents has the call."""

from acd.core import commands as cmd
from acd.core import events as ev
from tests.ivr.ami_peer import message
from tests.ivr.test_switch import floor_at, peer

__all__ = ["peer"]


def offer(seat="101", number=1, **details):
    """An offer of a message."""
    return cmd.Offer(offer=f"offer-t-{number}", call="m", seat=seat, ring_ms=15_000, medium="voicemail", **details)


async def test_a_leg_goes_to_the_desk_and_knows_nothing_from_outside(peer):
    """Its channel bears the offer's id; what a caller chose is in the caller ID only, and cannot leave it."""
    async with floor_at(peer) as floor:
        floor.switch.ring(offer(), 'voicemail from "5<55>\r\nAction: x', "5<55>\r\nx")
        [asked] = await peer.asked("Originate")
        assert asked | {"ActionID": ""} == {
            "Action": "Originate",
            "ActionID": "",
            "Channel": "PJSIP/101",
            "ChannelId": "offer-t-1",
            "Context": "acd-desk",
            "Exten": "s",
            "Priority": "1",
            "Timeout": "15000",
            "CallerID": '"voicemail from 555Action: x" <555>',
            "Variable": "ACD_OFFER=offer-t-1\nACD_CALL=m\nACD_RUNG=101\nFORWARD_CONTEXT=acd-no-forward",
            "Async": "true",
        }
        known = "ACD_OFFER=offer-t-1\nACD_CALL=m\nACD_RUNG=101\nFORWARD_CONTEXT=acd-no-forward"
        assert floor.sent() == [f"Originate PJSIP/101 offer-t-1 {known} s acd-desk 15000"]


async def test_without_a_link_or_a_handset_it_fails_at_once(peer):
    """A seat that has no handset cannot be rung."""
    async with floor_at(peer) as floor:
        floor.switch.ring(offer("999"), "voicemail", "")
        assert await floor.next() == ev.OfferEnded(offer="offer-t-1", outcome="failed")


async def test_who_answers_has_it_and_its_end_ends_the_offer(peer):
    """Connected when the flow has begun, which it may do anew on the same leg; then the leg's end is that of a talk."""
    async with floor_at(peer) as floor:
        floor.switch.ring(offer(), "voicemail", "555")
        peer.say(message("Newchannel", Uniqueid="offer-t-1", Channel="PJSIP/101-1"))
        peer.say(message("Newstate", Uniqueid="offer-t-1", ChannelState="6"))
        assert await floor.next() == ev.OfferAnswered(offer="offer-t-1")
        for _ in range(2):
            assert floor.switch.attend("offer-t-1")
            assert await floor.next() == ev.Connected(offer="offer-t-1")
        peer.say(message("Hangup", Uniqueid="offer-t-1", Channel="PJSIP/101-1", Cause="16"))
        assert await floor.next() == ev.OfferEnded(offer="offer-t-1", outcome="hung-up")
        assert not floor.switch.attend("offer-t-1")


async def test_of_several_who_ring_the_first_has_it(peer):
    """Also of two who pick up at once, and also if the second one's withdrawal is still on its way."""
    async with floor_at(peer) as floor:
        for number, seat in enumerate(("101", "102"), 1):
            floor.switch.ring(offer(seat, number, shared=True), "voicemail", "555")
        assert floor.switch.attend("offer-t-2")
        assert await floor.next() == ev.OfferAnswered(offer="offer-t-2")
        assert await floor.next() == ev.Connected(offer="offer-t-2")
        assert not floor.switch.attend("offer-t-1")


async def test_one_that_was_withdrawn_is_nobodys(peer):
    """The agent answers in the instant in which it is taken back."""
    async with floor_at(peer) as floor:
        floor.switch.ring(offer(), "voicemail", "555")
        floor.switch.withdraw(cmd.Withdraw(offer="offer-t-1", call="m", medium="voicemail"))
        assert not floor.switch.attend("offer-t-1")
        await peer.asked("Hangup")
