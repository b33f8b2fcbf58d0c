"""Where seats are rung by the dialplan: callfloor tells the switch when an agent sits elsewhere."""

from tests.ivr.test_switch import HANDSETS, floor_at, peer

__all__ = ["peer"]


async def test_the_dialplan_hears_where_a_seat_is(peer):
    """The device of the phone at which he has logged in; nothing when he is at his own again."""
    async with floor_at(peer) as floor:
        floor.switch.channels.handsets.learn(dict(HANDSETS), {"lobby": "PJSIP/lobby"})
        floor.switch.use_phone("101", "lobby")
        floor.switch.use_phone("101", "101")
        await peer.asked("Setvar")
        places = [one for one in floor.sent() if "CALLFLOOR_AT_101" in one][-2:]
        assert places == ["Setvar GLOBAL(CALLFLOOR_AT_101) PJSIP/lobby", "Setvar GLOBAL(CALLFLOOR_AT_101)"]
