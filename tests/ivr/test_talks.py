"""Who hears a caller besides the seat that has an offer for him."""

from acd.core import events as ev
from ivr.ami import Message
from ivr.talks import Talks

CALLS = {"1.1"}


def enters(unique, bridge, channel="PJSIP/103-1", *, leaves=False):
    return Message(
        {
            "Event": "BridgeLeave" if leaves else "BridgeEnter",
            "BridgeUniqueid": bridge,
            "Uniqueid": unique,
            "Channel": channel,
        }
    )


def talks():
    return Talks({"PJSIP/103-1": "103"}.get)


def test_one_who_comes_to_a_caller_is_told_of_whoever_comes_first():
    """Caller or other, whichever enters the bridge first: one word when both are there, one when one is gone."""
    for order in (("1.1", "2.1"), ("2.1", "1.1")):
        known = talks()
        told = [known.take(enters(unique, "b"), CALLS) for unique in order]
        assert told == [[], [ev.LegJoined(call="1.1", leg="2.1", who="103")]]
        assert known.take(enters("1.1", "b", leaves=True), CALLS) == [ev.LegLeft(call="1.1", leg="2.1")]
        assert known.take(enters("2.1", "b", leaves=True), CALLS) == []
        assert (known._inside, known._told) == ({}, {})


def test_offers_and_voices_are_known_otherwise():
    """A seat's leg and an announcement beside a caller are no legs of this kind; nor are two who are no callers."""
    known = talks()
    for unique in ("1.1", "offer-a-1", "words-7"):
        assert known.take(enters(unique, "b"), CALLS) == []
    for unique in ("3.1", "4.1"):
        assert known.take(enters(unique, "c"), CALLS) == []


def test_a_channel_that_is_no_seat_goes_by_its_name():
    """Somebody outside is called what the switch calls his channel; the name is cleaned, for it may be hostile."""
    known = talks()
    known.take(enters("1.1", "b"), CALLS)
    assert known.take(enters("2.1", "b", "Local/55\u202e@x-1;1"), CALLS)[0].who == "Local/55@x-1;1"


def test_a_lost_link_forgets():
    """Who was where is not known any more after a gap; nothing false is told of it later."""
    known = talks()
    known.take(enters("1.1", "b"), CALLS)
    known.take(enters("2.1", "b"), CALLS)
    known.forget()
    assert known.take(enters("2.1", "b", leaves=True), CALLS) == []


def test_hold_is_told_once_and_of_callers_alone():
    """An agent's leg holds the caller in its bridge; a second word, one of a leg that holds nobody, says nothing."""
    known = talks()
    for unique in ("1.1", "offer-a-1"):
        known.take(enters(unique, "b"), CALLS)
    hold = Message({"Event": "Hold", "Uniqueid": "offer-a-1"})
    unhold = Message({"Event": "Unhold", "Uniqueid": "offer-a-1"})
    assert known.take(unhold, CALLS) == []
    assert known.take(hold, CALLS) == [ev.LegHeld(call="1.1", leg="offer-a-1", held=True)]
    assert known.take(hold, CALLS) == []
    assert known.take(unhold, CALLS) == [ev.LegHeld(call="1.1", leg="offer-a-1", held=False)]
    assert known.take(unhold, CALLS) == []
    assert known.take(Message({"Event": "Hold", "Uniqueid": "9.9"}), CALLS) == []
