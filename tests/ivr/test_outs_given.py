"""Calls out for a caller: put through before anybody answered, or asked for by the keys of the switch."""

import pytest

from acd.core import events as ev
from acd.core.commands import Dial
from ivr.ami import Message
from ivr.channels import Channels
from ivr.held import Meanwhile
from ivr.outs import Outs


def said(event, unique, **headers):
    return Message({"Event": event, "Uniqueid": unique, **headers})


@pytest.fixture
def outs():
    """Give one call out, of channel 1.1 over a line, whose far leg 1.2 rings."""
    outs = Outs()
    dial = Dial(leg="leg-1", channel="1.1", seat="101", number="+491", line="carrier/1", ring_ms=1, longest_ms=1)
    outs.dial(dial)
    outs.take(said("Newchannel", "1.2", Linkedid="1.1"))
    return outs


def test_who_hangs_up_while_it_rings_has_called_in_vain(outs):
    """The switch takes back what rang, and then the caller's own channel is gone: the call is over once."""
    assert outs.take(said("Hangup", "1.2")) == []
    assert outs.take(said("Hangup", "1.1")) == [ev.LegEnded(leg="leg-1", outcome="cancelled")]
    assert outs.lines == []


def test_what_rings_for_the_caller_keeps_its_line(outs):
    """The agent is gone, his caller hears it ring, and talks: the line is taken until the far leg's end."""
    assert outs.take(said("Hangup", "1.1")) == []
    assert outs.is_far_leg(said("Newstate", "1.2", Linkedid="9.9"))
    assert outs.lines == ["carrier/1"]
    answered = said("DialEnd", "9.9", DialStatus="ANSWER", DestUniqueid="1.2")
    assert outs.take(answered) == [ev.LegAnswered(leg="leg-1")]
    assert outs.take(answered) == []
    assert outs.take(said("Hangup", "1.2")) == [ev.LegEnded(leg="leg-1", outcome="hung-up")]
    assert outs.lines == []


def test_what_rings_for_the_caller_and_is_not_answered(outs):
    """It is over when the far leg is."""
    outs.take(said("Hangup", "1.1"))
    assert outs.take(said("Hangup", "1.2")) == [ev.LegEnded(leg="leg-1", outcome="cancelled")]


HALF = "Local/00301@acd-transfer-00000003;2"
"""Dials for an agent who asks by *2; like all of his talk it is linked to his caller's channel, 9.1."""


def asks():
    """Channels of a talk over one trunk, whose agent calls outside by keys over the other one; it rings there."""
    channels = Channels({"101": "PJSIP/101"})
    channels.trunks.set_lines(["carrier:1", "carrier:2", "other:1", "other:2"])
    channels.take(said("Newchannel", "9.1", Linkedid="9.1", Channel="PJSIP/other-00000001"), 0)
    for n in (1, 2):
        channels.take(said("Newchannel", f"1.{n}", Linkedid="9.1", Channel=f"{HALF[:-1]}{n}"), 0)
    channels.outs.dial(
        Dial(leg="leg-1", channel="1.2", seat="101", number="+491", line="carrier:1", ring_ms=1, longest_ms=1)
    )
    assert channels.take(said("Newchannel", "1.3", Linkedid="9.1", Channel="PJSIP/carrier-00000002"), 0) == []
    return channels


def test_whom_an_agent_asks_has_one_line_until_he_hangs_up():
    """It is the one that was chosen; what dialled goes when it is answered, as the switch joins the two directly."""
    channels = asks()
    assert channels.outs.lines == ["carrier:1"]
    answered = said("DialEnd", "1.2", Linkedid="9.1", DialStatus="ANSWER", DestUniqueid="1.3")
    assert channels.take(answered, 0) == [ev.LegAnswered(leg="leg-1")]
    for half in ("1.2", "1.1"):
        assert channels.take(said("Hangup", half, Linkedid="9.1", Channel=f"{HALF[:-1]}{half[-1]}"), 0) == []
    assert channels.outs.lines == ["carrier:1"]
    gone = said("Hangup", "1.3", Linkedid="9.1", Channel="PJSIP/carrier-00000002")
    assert channels.take(gone, 0) == [ev.LegEnded(leg="leg-1", outcome="hung-up")]
    assert channels.outs.lines == []


def test_others_of_his_talk_are_none_of_it():
    """The line by which his caller came is another's, whatever both are linked to."""
    channels = asks()
    caller = said("Hangup", "9.1", Linkedid="9.1", Channel="PJSIP/other-00000001")
    assert channels.take(caller, 0) == [ev.LineChanged(line="other:2", in_use=False)]
    late = said("Newchannel", "9.9", Linkedid="9.1", Channel="PJSIP/other-00000005")
    assert channels.take(late, 0) == [ev.LineChanged(line="other:2", in_use=True)]


def test_whom_an_agent_asks_on_the_next_line():
    """The far leg of the first one is gone; that of the second has its place."""
    channels = asks()
    first = said("Hangup", "1.3", Linkedid="9.1", Channel="PJSIP/carrier-00000002")
    assert channels.take(first, 0) == []
    channels.outs.dial(
        Dial(leg="leg-1", channel="1.2", seat="101", number="+491", line="other:1", ring_ms=1, longest_ms=1)
    )
    assert channels.take(said("Newchannel", "1.4", Linkedid="9.1", Channel="PJSIP/other-00000003"), 0) == []
    assert channels.outs.lines == ["other:1"]
    second = said("Hangup", "1.4", Linkedid="9.1", Channel="PJSIP/other-00000003")
    assert channels.take(second, 0) == []
    over = said("Hangup", "1.2", Linkedid="9.1", Channel=HALF)
    assert channels.take(over, 0) == [ev.LegEnded(leg="leg-1", outcome="cancelled")]


def test_a_look_that_was_asked_for_before_does_not_miss_it():
    """Its list was written before the agent asked, or before it rang; what came meanwhile is there all the same."""
    channels = Channels({"101": "PJSIP/101"})
    channels.trunks.set_lines(["carrier:1", "carrier:2"])
    with channels.meanwhile() as before:
        channels.take(said("Newchannel", "1.2", Linkedid="9.1", Channel=HALF), 0)
    channels.outs.dial(
        Dial(leg="leg-1", channel="1.2", seat="101", number="+491", line="carrier:1", ring_ms=1, longest_ms=1)
    )
    assert channels.snapshot(0, [], [], before).outgoing == (ev.LiveOut(leg="leg-1", answered=False),)
    with channels.meanwhile() as rings:
        assert channels.take(said("Newchannel", "1.3", Linkedid="9.1", Channel="PJSIP/carrier-00000002"), 0) == []
        channels.take(said("DialEnd", "1.2", Linkedid="9.1", DialStatus="ANSWER", DestUniqueid="1.3"), 0)
        channels.take(said("Hangup", "1.2", Linkedid="9.1", Channel=HALF), 0)
    half = Message({"Channel": HALF, "Uniqueid": "1.2", "Linkedid": "9.1", "Variable": ["ACD_LEG=leg-1"]})
    assert channels.snapshot(1, [half], [], rings).outgoing == (ev.LiveOut(leg="leg-1", answered=True),)
    assert channels.snapshot(2, [], [], Meanwhile()).outgoing == ()


@pytest.mark.parametrize(
    "channel", ["PJSIP/x@acd-transfer-00000003;2", "Local/1@acd-transfer-00000003;1", "", HALF + "x"]
)
def test_what_only_looks_like_one_who_asks(channel):
    """Half of a Local channel of Asterisk's own making, and nothing else, dials for an agent who asks."""
    outs = Outs()
    outs.take(said("Newchannel", "1.2", Linkedid="9.1", Channel=channel))
    outs.dial(Dial(leg="leg-1", channel="1.2", seat="101", number="+491", line="carrier/1", ring_ms=1, longest_ms=1))
    outs.take(said("Newchannel", "1.3", Linkedid="9.1", Channel="PJSIP/carrier-00000002"))
    assert not outs.is_far_leg(said("Newstate", "1.3", Linkedid="9.1"))
