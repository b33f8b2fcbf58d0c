"""Who hears a caller besides the seat that has an offer for him."""

import pytest

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


def said(event, unique):
    return Message({"Event": event, "Uniqueid": unique})


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
    assert known.take(enters("2.1", "b", "PJSIP/car\u202erier-1"), CALLS)[0].who == "PJSIP/carrier-1"


def test_a_local_channel_is_nobody_and_leads_to_somebody():
    """Who is where its other half is hears the caller; the seam when the two bridges become one is told as it is."""
    known = talks()
    known.take(enters("1.1", "a"), CALLS)
    assert known.take(enters("5.1", "a", "Local/103@x-1;1"), CALLS) == []
    known.take(enters("2.1", "c"), CALLS)
    joined = ev.LegJoined(call="1.1", leg="2.1", who="103")
    left = ev.LegLeft(call="1.1", leg="2.1")
    assert known.take(enters("5.2", "c", "Local/103@x-1;2"), CALLS) == [joined]
    assert set(known.inside("a")) == {"1.1", "2.1"}
    assert known.take(enters("1.1", "a", leaves=True), CALLS) == [left]
    assert known.take(enters("5.2", "c", "Local/103@x-1;2", leaves=True), CALLS) == []
    assert known.take(enters("1.1", "c"), CALLS) == [joined]
    assert known.take(enters("5.1", "a", "Local/103@x-1;1", leaves=True), CALLS) == []
    assert known.take(enters("2.1", "c", leaves=True), CALLS) == [left]
    known.take(enters("1.1", "c", leaves=True), CALLS)
    assert (known._inside, known._told, known._halves) == ({}, {}, {})


def test_a_seats_leg_on_a_wire_is_itself():
    """Its channel is a Local one, and what is behind it is the seat's own telephone: nobody else."""
    known = talks()
    known.take(enters("1.1", "a"), CALLS)
    known.take(enters("3.1", "c", "DAHDI/5-1"), CALLS)
    assert known.take(enters("wire-offer-a-1", "c", "Local/s@acd-wire-1;2"), CALLS) == []
    assert known.take(enters("offer-a-1", "a", "Local/s@acd-wire-1;1"), CALLS) == []


@pytest.mark.parametrize("back", [True, False])
def test_one_who_asks_somebody_has_the_caller_on_hold(back):
    """Whom he was given to asks somebody else: that is hold, until he is back, or hangs up without being so."""
    known = talks()
    known.take(enters("1.1", "a"), CALLS)
    known.take(enters("2.1", "a"), CALLS)
    assert known.take(said("Hold", "2.1"), CALLS) == [ev.LegHeld(call="1.1", leg="2.1", held=True)]
    assert known.take(enters("2.1", "a", leaves=True), CALLS) == []
    assert known.take(enters("2.1", "b"), CALLS) == []
    assert known.take(enters("2.1", "b", leaves=True), CALLS) == []
    if back:
        assert known.take(enters("2.1", "a"), CALLS) == [ev.LegHeld(call="1.1", leg="2.1", held=False)]
        assert known.take(said("Unhold", "2.1"), CALLS) == []
        assert known.take(said("Hangup", "2.1"), CALLS) == []
    else:
        assert known.take(said("Hangup", "2.1"), CALLS) == [ev.LegLeft(call="1.1", leg="2.1")]
        assert known.take(said("Unhold", "2.1"), CALLS) == []


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
    hold, unhold = said("Hold", "offer-a-1"), said("Unhold", "offer-a-1")
    assert known.take(unhold, CALLS) == []
    assert known.take(hold, CALLS) == [ev.LegHeld(call="1.1", leg="offer-a-1", held=True)]
    assert known.take(hold, CALLS) == []
    assert known.take(unhold, CALLS) == [ev.LegHeld(call="1.1", leg="offer-a-1", held=False)]
    assert known.take(unhold, CALLS) == []
    assert known.take(said("Hold", "9.9"), CALLS) == []


def status(unique, bridge, channel):
    return Message({"Event": "Status", "Uniqueid": unique, "BridgeID": bridge, "Channel": channel})


def test_after_a_gap_who_talks_to_whom_is_seen():
    """Through a Local channel, too; an agent who asks has his caller on hold. Of who moved since, the events tell."""
    known = talks()
    known.take(enters("2.1", "a", leaves=True), {"1.1", "1.2"})
    lines = [
        status("1.1", "a", "PJSIP/trunk-1"),
        status("2.1", "a", "PJSIP/103-1"),
        status("5.1", "a", "Local/103@x-1;1"),
        status("5.2", "c", "Local/103@x-1;2"),
        status("3.1", "c", "PJSIP/103-1"),
        status("1.2", "d", "PJSIP/trunk-2"),
        status("offer-a-1", "e", "PJSIP/101-1"),
        status("9.9", "", "PJSIP/104-1"),
    ]
    seen = known.look(lines, (), {"1.1", "1.2"}, {"offer-a-1": "1.2"})
    assert seen == (
        ev.LiveTalk(call="1.1", leg="3.1", who="103"),
        ev.LiveTalk(call="1.2", leg="offer-a-1", held=True),
    )
    assert known.look(lines, (), {"1.1", "1.2"}, {}) is None
    back = known.take(enters("offer-a-1", "d", "PJSIP/101-1"), {"1.1", "1.2"})
    assert back == [ev.LegHeld(call="1.2", leg="offer-a-1", held=False)]


def test_a_hold_from_before_a_gap_ends():
    """Whether there was one nobody knows any more; so its end is told, once, of those who were there."""
    known = talks()
    known.look([status("1.1", "a", "PJSIP/trunk-1"), status("offer-a-1", "a", "PJSIP/101-1")], (), CALLS, {})
    ended = [ev.LegHeld(call="1.1", leg="offer-a-1", held=False)]
    assert [known.take(said("Unhold", "offer-a-1"), CALLS) for _ in range(2)] == [ended, []]
