"""Telephones at the end of a wire at the switch: how a leg of theirs gets the offer's id."""

from tests.ivr.ami_peer import message
from tests.ivr.test_switch import OFFER, floor_at, peer

__all__ = ["peer"]


async def test_a_telephone_on_a_wire_is_rung_through_a_local_channel(peer):
    """The leg has the offer's id, its other half another one that is no offer's, and acd-wire knows what to dial."""
    async with floor_at(peer) as floor:
        floor.switch.channels.handsets.learn({"101": "DAHDI/5"})
        await floor.arrive()
        floor.switch.offer(OFFER)
        [originate] = await peer.asked("Originate")
        assert originate["Channel"] == "Local/s@acd-wire/n"
        assert (originate["ChannelId"], originate["OtherChannelId"]) == ("offer-t-1", "wire-offer-t-1")
        known = dict(line.split("=", 1) for line in originate["Variable"].split("\n"))
        assert known["_ACD_OFFER"] == "offer-t-1"
        assert (known["_ACD_HANDSET"], known["_ACD_LIFTED"], known["_ACD_HUNG_UP"]) == ("DAHDI/5", "s", "0")
        assert all(name.startswith("_") for name in known)  # or the telephone's channel would not inherit it


async def test_the_switch_says_when_a_wire_was_hung_up(peer):
    """Its own clock does, for it is to wait; until it has answered, the moment is now."""
    async with floor_at(peer) as floor:
        floor.switch.channels.handsets.learn({"101": "DAHDI/5"})
        await floor.arrive()
        told = len([one for one in peer.actions if one["Action"] == "Getvar"])
        peer.say(message("Hangup", Uniqueid="7.1", Channel="DAHDI/5-1", Cause="16"))
        assert (await peer.asked("Getvar", count=told + 1))[-1]["Variable"] == "STRFTIME(,,%s%3q)"
