"""Telephones at the end of a wire at the switch: how a leg of theirs gets the offer's id."""

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
        assert originate["Variable"].endswith("ACD_CALLER=PJSIP/trunk-1\nACD_HANDSET=DAHDI/5")
