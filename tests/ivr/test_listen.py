"""*23 on the handset: what is asked, what goes to the switch, and what the switch tells of it."""

import contextlib

import pytest

from acd.core.events import Listening
from ivr.ami import Message
from ivr.flow import Collect, FlowEnded, Play, performing
from ivr.held import Leg
from ivr.listen import Listen, Listeners, ask_listen

SEATS = ("102", "104")


class Talks:
    """One talk, at 102."""

    def talk_of(self, seat):
        return "offer-a1-7" if seat == "102" else ""


class Telephone:
    """Keys in what it was told to; notes what is heard, and the last word."""

    def __init__(self, *entries):
        self.entries, self.heard = list(entries), []

    async def perform(self, step):
        match step:
            case Play(prompt=said):
                self.heard.append(said)
            case Collect():
                return self.entries.pop(0)
            case Listen(leg=offer):
                self.heard.append(offer)
                raise FlowEnded(offer)
        return None


async def dial(*entries):
    phone = Telephone(*entries)
    with performing(phone), contextlib.suppress(FlowEnded):
        await ask_listen(Talks(), "104", SEATS)
    assert phone.entries == []
    return phone.heard


async def test_the_leg_of_a_seat_that_talks_is_listened_to():
    """What goes to the switch is the core's own name of the leg."""
    assert await dial("102") == ["handset-listen-keys", "offer-a1-7"]


async def test_anything_else_leads_to_nobody():
    """His own seat, one that is not there, one that does not talk; three tries."""
    assert await dial("104", "999", "0") == ["handset-not-talking"] * 3 + ["handset-unchanged"]
    assert await dial(None) == ["handset-unchanged"]


@pytest.mark.parametrize("offer", ["", "102", "PJSIP/102", "offer-", "offer-1,B", "offer-1\nx", "offer-${A}"])
def test_only_a_leg_can_be_listened_to(offer):
    """No text of another kind can become ChanSpy's argument."""
    with pytest.raises(ValueError, match="no leg"):
        Listen(offer)


def told(mode, offer="offer-1"):
    return Message({"Event": "UserEvent", "UserEvent": "Listening", "Mode": mode, "Offer": offer})


def test_what_the_dialplan_tells():
    """Who listens to whom, in which way; the leg may be gone when he stops."""
    legs = {"offer-1": Leg(call="c", seat="102")}
    listeners = Listeners()
    for mode in ("listen", "whisper", "barge"):
        event = Listening(seat="104", to="102", offer="offer-1", mode=mode)
        assert listeners.take(told(mode), "104", legs) == [event]
    over = Listening(seat="104", to="102", offer="offer-1", mode="over")
    assert listeners.take(told("over"), "104", {}) == [over]
    assert listeners.take(told("over"), "104", {}) == []


def test_nonsense_is_no_event():
    """A handset of no seat, a way that there is not, a leg that is not known."""
    legs = {"offer-1": Leg(call="c", seat="102")}
    assert Listeners().take(told("listen"), None, legs) == []
    assert Listeners().take(told("shout"), "104", legs) == []
    assert Listeners().take(told("listen", "offer-2"), "104", legs) == []
