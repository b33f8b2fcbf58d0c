"""What Asterisk's own words mean: recorded transcripts, and the turns that no recording has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.core import events as ev
from ivr.ami import Message
from ivr.causes import outcome_of
from ivr.channels import Channels, Leg, Meanwhile
from tests.ivr.transcripts import HANDSETS, Replay, fresh, read


def arrived(call, queue="sales", **details):
    return ev.CallArrived(call=call, queue=queue, **{"caller": "5550201", **details})


def ended(offer, outcome):
    return ev.OfferEnded(offer=offer, outcome=outcome)


def handset(seat, *, reachable=True, busy):
    return ev.HandsetChanged(seat=seat, reachable=reachable, busy=busy)


def talk(offer):
    return [ev.OfferRinging(offer=offer), ev.OfferAnswered(offer=offer), ev.Connected(offer=offer)]


def gone(call):
    return ev.CallEnded(call=call)


RUN = "offer-e53baf6b-"
DIRECT = "offer-direct-1"

MEANINGS = {
    "answered": [
        *[arrived("1795456368.0"), *talk(RUN + "1"), ended(RUN + "1", "hung-up"), gone("1795456368.0")],
    ],
    "caller-ends-talk": [
        *[arrived("1795456374.3"), *talk(RUN + "2"), gone("1795456374.3"), ended(RUN + "2", "hung-up")],
    ],
    "gives-up": [
        *[arrived("1795456377.6"), ev.OfferRinging(offer=RUN + "3"), gone("1795456377.6")],
        ended(RUN + "3", "withdrawn"),
    ],
    "busy": [
        *[arrived("1795456529.51"), ended(RUN + "16", "busy"), gone("1795456529.51")],
    ],
    "rejected": [
        *[arrived("1795456380.8"), ev.OfferRinging(offer=RUN + "4"), ended(RUN + "4", "refused")],
        gone("1795456380.8"),
    ],
    "declined": [
        *[arrived("1795456386.10"), ev.OfferRinging(offer=RUN + "5"), ended(RUN + "5", "refused")],
        gone("1795456386.10"),
    ],
    "no-answer": [
        *[arrived("1795456422.24"), ev.OfferRinging(offer=RUN + "12"), ended(RUN + "12", "no-answer")],
        gone("1795456422.24"),
    ],
    "vanished": [
        *[arrived("1795456514.42"), ended(DIRECT, "unreachable"), gone("1795456514.42")],
    ],
    "unregistered": [  # the offer's end is read from the answer to Originate: test_switch.py
        *[arrived("1795456476.34"), gone("1795456476.34")],
    ],
    "two-seats": [
        *[arrived("1795456428.26"), ev.OfferRinging(offer=RUN + "13"), ended(RUN + "13", "refused")],
        *[*talk(RUN + "14"), ended(RUN + "14", "hung-up"), gone("1795456428.26")],
    ],
    "private-call": [
        *[handset("102", busy=True), handset("101", busy=True)],
        *[handset("102", busy=False), handset("101", busy=False)],
    ],
    "overflow": [
        *[arrived("1795456438.33", "reception"), gone("1795456438.33")],
    ],
    "withdrawn-early": [
        *[arrived("1795456480.35"), ev.OfferRinging(offer=DIRECT), ended(DIRECT, "withdrawn")],
        gone("1795456480.35"),
    ],
    "withdrawn-ringing": [
        *[arrived("1795456484.37"), ev.OfferRinging(offer=DIRECT), ended(DIRECT, "withdrawn")],
        gone("1795456484.37"),
    ],
    "token-gone": [  # the agent hears that the caller is gone: answered, never connected
        *[arrived("1795456488.39"), ev.OfferRinging(offer=DIRECT), ev.OfferAnswered(offer=DIRECT)],
        *[ended(DIRECT, "hung-up"), gone("1795456488.39")],
    ],
    "fallback": [
        *[arrived("1795456495.41"), ev.CallEnded(call="1795456495.41", reason="key-exit")],
        *[arrived("1795456495.41", since=1795456496060), gone("1795456495.41")],
    ],
    "registers": [handset("103", busy=False), handset("103", reachable=False, busy=False)],
}


@pytest.mark.parametrize("name", MEANINGS)
def test_a_recording_means_exactly_this(name):
    """Each recorded story of the real Asterisk becomes these events of the core, in this order, and no other."""
    channels = fresh()
    if name == "registers":
        channels = fresh({seat: device for seat, device in HANDSETS.items() if seat != "103"})
        channels.handsets.learn(HANDSETS)
    replay = Replay(name, channels)
    assert replay.events == MEANINGS[name]
    assert not replay.channels.calls
    assert not replay.channels.legs or name == "unregistered"


def test_a_leg_that_was_withdrawn_before_it_was_is_reported_to_be_hung_up():
    """When its channel appears after the withdrawal it stands in `unwanted`, once."""
    assert Replay("withdrawn-early").channels.unwanted == [DIRECT]
    assert Replay("withdrawn-ringing").channels.unwanted == []


def test_a_snapshot_tells_who_waits_who_talks_and_who_only_listens():
    """Asterisk's lists, recorded: a talking caller does not wait; an agent at a feature code is busy and no call."""
    replay = Replay("status")
    [snapshot] = [event for event in replay.events if isinstance(event, ev.Snapshot)]
    talking, waiting = "1795456520.44", "1795456522.47"
    assert snapshot.calls == (
        ev.HeldCall(call=waiting, queue="sales", since=1795456523259, caller="5550202"),
        ev.HeldCall(call=talking, queue="sales", since=1795456521580, caller="5550201", waiting=False),
    )
    assert snapshot.legs == (ev.LiveLeg(offer=RUN + "15", call=talking, seat="102", joined=True),)
    assert {state.seat: (state.reachable, state.busy) for state in snapshot.handsets} == {
        "101": (True, True),
        "102": (True, False),
        "103": (False, False),
        "104": (True, False),
    }


# What the handset said, and the cause that Asterisk 22.10.1 made of it (TechCause and Cause of its Hangup events).
RECORDED_CAUSES = [
    ("603 after ringing", 21, True, "refused"),
    ("486 after ringing", 17, True, "refused"),
    ("486 at once", 17, False, "busy"),
    ("480 after ringing", 19, True, "no-answer"),
    ("408 after ringing", 18, True, "no-answer"),
    ("no word at all", 19, False, "unreachable"),
    ("404", 1, True, "unreachable"),
    ("500", 38, True, "unreachable"),
    ("503", 34, True, "failed"),
    ("488", 58, True, "failed"),
    ("a cause nobody knows", 0, True, "failed"),
]


@pytest.mark.parametrize(("said", "cause", "rang", "word"), RECORDED_CAUSES)
def test_each_end_has_its_word(said, cause, rang, word):
    """The cause that Asterisk gave for each answer of a handset is understood; an answered leg just ended."""
    leg = Leg(call="c", seat="101", ring_ms=10_000, made_at=0, born_at=0, ringing=rang)
    assert outcome_of(leg, cause, 300) == word
    leg.withdrawn = True
    assert outcome_of(leg, cause, 300) == "withdrawn"
    leg.answered = True
    assert outcome_of(leg, cause, 300) == "hung-up"


def test_an_end_at_the_time_out_is_the_time_out():
    """A ring that lasted its time was not answered, whatever cause is given for its end."""
    leg = Leg(call="c", seat="101", ring_ms=10_000, made_at=1_000, born_at=1_000, ringing=True)
    assert outcome_of(leg, 16, 10_990) == "no-answer"
    assert outcome_of(leg, 16, 9_000) == "failed"


def message(event, **headers):
    return Message({"Event": event, **headers})


def arrives(channels, call="1.1", *, at=10_000, **headers):
    own = {"Channel": "PJSIP/trunk-1", "Context": "acd-hold", "Uniqueid": call}
    said = {"UserEvent": "CallArrived", "Queue": "sales"}
    return channels.take(message("UserEvent", **{**own, **said, **headers}), at)


def status(unique, channel, context="acd-hold", *, bridge="", **variables):
    values = {
        "ACD_QUEUE": "(null)",
        "ACD_PRIORITY": "(null)",
        "ACD_ARRIVED": "(null)",
        "ACD_CALL": "(null)",
    } | variables
    lines = [f"{name}={value}" for name, value in values.items()]
    return message(
        "Status", Uniqueid=unique, Channel=channel, Context=context, BridgeID=bridge, ChannelState="6", Variable=lines
    )


@pytest.mark.parametrize("order", [("offer-1", "1.1"), ("1.1", "offer-1")])
def test_both_must_be_in_one_bridge(order):
    """Connected is said once, when the second of the two enters the bridge that the first is in."""
    channels = fresh()
    arrives(channels)
    channels.legs["offer-1"] = Leg(call="1.1", seat="101")
    enter = [message("BridgeEnter", Uniqueid=unique, BridgeUniqueid="b") for unique in order]
    assert channels.take(message("BridgeEnter", Uniqueid="1.1", BridgeUniqueid="other"), 1) == []
    assert channels.take(enter[0], 2) == []
    assert channels.take(enter[1], 3) == [ev.Connected(offer="offer-1")]
    assert channels.take(enter[1], 4) == []


def test_a_word_about_a_dead_offer_means_nothing():
    """A late answer, ring, bridge or second hang-up of a leg that has ended is no event."""
    channels = fresh()
    channels.legs["offer-1"] = Leg(call="1.1", seat="101")
    last = message("Hangup", Uniqueid="offer-1", Channel="PJSIP/101-1", Cause="16")
    assert channels.take(last, 1) == [ended("offer-1", "failed")]
    late = [message("Newstate", Uniqueid="offer-1", ChannelState=state) for state in "56"]
    late.append(message("BridgeEnter", Uniqueid="offer-1", BridgeUniqueid="b"))
    assert [channels.take(one, 2) for one in (*late, last)] == [[]] * 4


def test_a_renamed_channel_is_followed():
    """A caller's channel that Asterisk renames (a transfer does) is spoken to by its new name."""
    channels = fresh()
    arrives(channels)
    channels.take(message("Rename", Uniqueid="1.1", Channel="PJSIP/trunk-1", Newname="PJSIP/trunk-9"), 1)
    assert channels.calls["1.1"].channel == "PJSIP/trunk-9"


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"CallerIDNum": "<unknown>"}, {"caller": ""}),
        ({"CallerIDNum": "55\n\r\x1b[31m\u202e01\x00"}, {"caller": "55[31m01"}),
        ({"CallerIDNum": "5" * 500}, {"caller": "5" * 64}),
        ({"Class": "3"}, {"priority": 3}),
        ({"Class": "-3"}, {"priority": None}),
        ({"Class": "٣"}, {"priority": None}),
        ({"Class": "9" * 400}, {"priority": None}),
        ({"Since": "9000"}, {"since": None}),
        ({"Since": "2000"}, {"since": 2000}),
        ({"Since": "99999"}, {"since": None}),
        ({"Since": "yesterday"}, {"since": None}),
        ({"Queue": ["sales", "forged"]}, {"queue": "sales"}),
    ],
)
def test_what_a_line_says_is_taken_with_care(headers, told):
    """Numbers that are none are left out, text is stripped of what could steer a terminal and cut to size."""
    [event] = arrives(fresh(), **{"CallerIDNum": "5550201", **headers})
    assert event == arrived("1.1", **told)


def test_an_unset_variable_is_no_queue():
    """Asterisk writes (null) for a variable that is not set: such a channel is no call."""
    snapshot = fresh().snapshot(0, [status("1.1", "PJSIP/trunk-1", "from-trunk")], [], Meanwhile())
    assert snapshot.calls == ()


def snapshot_while(channels, *happens, lines=(), devices=(), asked=5_000):
    """A snapshot whose lists were written before these messages came."""
    with channels.meanwhile() as noted:
        for one in happens:
            channels.take(one, asked + 1)
    return channels.snapshot(asked, lines, devices, noted)


def test_who_arrives_while_a_snapshot_is_read_is_not_forgotten():
    """A caller whom the list could not hold yet can still be offered to a seat."""
    channels = fresh()
    with channels.meanwhile() as noted:
        arrives(channels)
    assert channels.snapshot(5_000, [], [], noted).calls == ()
    assert "1.1" in channels.calls


LEFT = {"Channel": "PJSIP/trunk-1", "Context": "acd-fallback", "Uniqueid": "1.1", "UserEvent": "CallLeft"}


@pytest.mark.parametrize("end", [message("Hangup", Uniqueid="1.1"), message("UserEvent", **LEFT)])
def test_who_leaves_while_a_snapshot_is_read_is_gone(end):
    """A list that still holds him does not bring him back."""
    line = status("1.1", "PJSIP/trunk-1", ACD_QUEUE="sales")
    channels = fresh()
    arrives(channels)
    assert snapshot_while(channels, end, lines=[line]).calls == ()
    assert not channels.calls
    assert [call.call for call in channels.snapshot(6_000, [line], [], Meanwhile()).calls] == ["1.1"]


def test_handsets_that_change_while_a_snapshot_is_read_are_as_the_event_says():
    """The event is younger than the list: reachable or not, in a call or not."""
    channels = fresh()
    snapshot = snapshot_while(
        channels,
        message("DeviceStateChange", Device="PJSIP/101", State="UNAVAILABLE"),
        message("Newchannel", Channel="PJSIP/102-7", Uniqueid="2.1"),
        devices=[message("DeviceStateChange", Device=f"PJSIP/{seat}", State="NOT_INUSE") for seat in HANDSETS],
    )
    states = {state.seat: (state.reachable, state.busy) for state in snapshot.handsets}
    assert states == {"101": (False, False), "102": (True, True), "103": (True, False), "104": (True, False)}


def test_a_handset_that_the_switch_does_not_name_is_there_only_if_it_cannot_go_away():
    """After Asterisk's restart a SIP phone is away until it registers; an analog one is where its wire ends."""
    channels = fresh({"101": "PJSIP/101", "105": "DAHDI/5"})
    snapshot = channels.snapshot(0, [], [], Meanwhile())
    assert {state.seat: state.reachable for state in snapshot.handsets} == {"101": False, "105": True}
    assert channels.take(message("Newchannel", Channel="DAHDI/5-1", Uniqueid="2.1"), 1) == [handset("105", busy=True)]


def test_a_leg_that_is_being_made_is_not_missed():
    """Originate makes the channel in a thread of its own; only a list asked for later ends the offer by silence."""
    channels = fresh()
    channels.legs["offer-1"] = Leg(call="1.1", seat="101", ring_ms=15_000, made_at=900)
    ringing = ev.LiveLeg(offer="offer-1", call="1.1", seat="101", joined=False)
    assert channels.snapshot(1_000, [], [], Meanwhile()).legs == (ringing,)
    channels.take(message("Newchannel", Channel="PJSIP/101-1", Uniqueid="offer-1"), 1_001)
    assert channels.snapshot(1_000, [], [], Meanwhile()).legs == (ringing,)
    assert channels.snapshot(1_002, [], [], Meanwhile()).legs == ()
    assert not channels.legs


def test_after_a_lost_link_only_what_is_there_counts():
    """What was asked for on the dead link and is not in the new one's list never came to be; what is in it lives."""
    channels = fresh()
    channels.legs["offer-1"] = Leg(call="1.1", seat="101", made_at=900)
    channels.legs["offer-2"] = Leg(call="1.2", seat="102", made_at=900)
    channels.link_lost()
    snapshot = channels.snapshot(1_000, [status("offer-2", "PJSIP/102-1", ACD_CALL="1.2")], [], Meanwhile())
    assert snapshot.legs == (ev.LiveLeg(offer="offer-2", call="1.2", seat="102", joined=False),)
    assert channels.take(message("Hangup", Uniqueid="offer-2", Cause="16"), 1_100) == [ended("offer-2", "hung-up")]


def test_a_seat_that_is_new_in_the_configuration_is_known_from_then_on():
    """Handsets can be changed while calls go on."""
    channels = Channels({})
    call = message("Newchannel", Channel="PJSIP/101-1", Uniqueid="2.1")
    assert channels.take(call, 1) == []
    channels.handsets.learn(HANDSETS)
    assert channels.take(message("Newchannel", Channel="PJSIP/101-2", Uniqueid="2.2"), 1) == [
        handset("101", reachable=False, busy=True)
    ]


STORIES = [entry for name in ("two-seats", "withdrawn-early", "private-call") for entry in read(name)]


@given(st.lists(st.sampled_from(STORIES), max_size=120))
def test_events_out_of_order_twice_or_never_break_nothing(story):
    """Whatever order they come in, an offer ends at most once, and no call ends more often than it came."""
    channels, told = fresh(), []
    for entry in story:
        if entry.did[:1] == ["offer"]:
            channels.legs.setdefault(entry.did[1], Leg(call=entry.did[2], seat=entry.did[3], made_at=entry.at))
        elif entry.message is not None:
            told += channels.take(entry.message, entry.at)
    offers = sum(entry.did[:1] == ["offer"] for entry in story)
    assert sum(isinstance(event, ev.OfferEnded) for event in told) <= offers
    comes = [event.call for event in told if isinstance(event, ev.CallArrived)]
    leaves = [event.call for event in told if isinstance(event, ev.CallEnded)]
    assert all(leaves.count(call) <= comes.count(call) for call in leaves)
