"""Calls out whose agent has put his caller through before anybody answered."""

import pytest

from acd.core import events as ev
from acd.core.commands import Dial
from ivr.ami import Message
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
