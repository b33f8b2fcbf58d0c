"""Calling out at the edge: what a handset can dial, what the switch says of a call out, how it ended in one word."""

import pytest
from msgspec.structs import replace

from acd.core import events as ev
from acd.core.commands import Dial
from acd.core.rules import LineGroupRule, LineRule, OutRule
from acd.numbers import Plan
from acd.settings import CallingOutSettings
from ivr.ami import Message
from ivr.asterisk import generated
from ivr.causes import leg_outcome
from ivr.channels import Channels, Meanwhile
from ivr.flow import DialOut
from ivr.trunks import dial_string
from tests.ivr.test_asterisk_files import SOUNDS, seat, site


def out_site(*lines):
    """A site whose seats call out over lines."""
    group = LineGroupRule(name="out", lines=tuple(LineRule(name=line) for line in lines))
    settings = CallingOutSettings(plan=Plan(country="DE"), rule=OutRule(groups=("out",)))
    return replace(site(seat("101")), line_groups=(group,), calling_out=settings)


def test_what_a_handset_can_dial():
    """Numbers behind the prefix, and for help: that goes out even when callfloor is away, over a line of each trunk."""
    text = generated(out_site("a:1", "a:2", "b:1", "DAHDI/1"), SOUNDS)["calling-out.conf"]
    lines = [line.strip() for line in text.splitlines()]
    begin = lines.index("exten => 112,1,GotoIf($[0${EPOCH} - 0${GLOBAL(CALLFLOOR_ALIVE)} > 30]?direct)")
    assert lines[begin + 1 : begin + 8] == [
        "same => n,AGI(agi://${CALLFLOOR_AGI}/handset/dial)",
        "same => n(direct),Set(CALLERID(num)=)",
        "same => n,Dial(PJSIP/112@a,120)",
        "same => n,Dial(PJSIP/112@b,120)",
        "same => n,Dial(DAHDI/1/112,120)",
        "same => n,Goto(from-seat,away,1)",
        "exten => 0112,1,Goto(112,1)",
    ]
    assert "exten => _0X.,1,AGI(agi://${CALLFLOOR_AGI}/handset/dial)" in lines
    assert generated(site(), SOUNDS)["calling-out.conf"].count("exten") == 0


@pytest.mark.parametrize(
    ("line", "dialled"),
    [("carrier:7", "PJSIP/+4930@carrier"), ("DAHDI/1", "DAHDI/1/+4930"), ("DAHDI/i1", "DAHDI/i1/+4930")],
)
def test_what_dial_is_told(line, dialled):
    """By the kind of line."""
    assert dial_string(line, "+4930") == dialled


@pytest.mark.parametrize(
    ("status", "cause", "word"),
    [
        ("BUSY", 17, "busy"),
        ("NOANSWER", 0, "no-answer"),
        ("NOANSWER", 19, "no-answer"),
        ("CHANUNAVAIL", 1, "no-such-number"),
        ("CONGESTION", 28, "no-such-number"),
        ("CONGESTION", 21, "rejected"),
        ("CONGESTION", 34, "congestion"),
        ("CHANUNAVAIL", 20, "congestion"),
        ("CHANUNAVAIL", 0, "congestion"),
        ("CONGESTION", 18, "congestion"),
        ("CANCEL", 0, "cancelled"),
        ("", 0, "congestion"),
    ],
)
def test_how_it_ended(status, cause, word):
    """Whether the number or the way to it was at fault decides whether another line is tried."""
    assert leg_outcome(status, cause) == word


@pytest.mark.parametrize(
    ("status", "cause", "said", "rang", "word"),
    [
        ("CONGESTION", 21, "SIP 403 Forbidden", True, "forbidden"),
        ("CHANUNAVAIL", 21, "SIP 407 Proxy Authentication Required", False, "forbidden"),
        ("CONGESTION", 21, "SIP 603 Decline", True, "rejected"),
        ("CONGESTION", 21, "SIP 4039 ${SHELL(id)}", True, "rejected"),
        ("NOANSWER", 0, "", False, "silent"),
        ("NOANSWER", 0, "", True, "no-answer"),
        ("BUSY", 17, "SIP 486 Busy Here", False, "busy"),
    ],
)
def test_what_the_line_itself_says(status, cause, said, rang, word):
    """A trunk that does not let us, and one from which nothing came, are no answer of the other side."""
    assert leg_outcome(status, cause, said=said, rang=rang) == word


@pytest.mark.parametrize("dial", ["PJSIP/1&PJSIP/2@x", "Local/1,1", "PJSIP/${X}@x", "PJSIP", "PJSIP/1)@x", "PJSIP/1 2"])
def test_what_is_never_dialled(dial):
    """The step takes a technology, a line and a number, and nothing that the dialplan would read as more."""
    with pytest.raises(ValueError, match="what is dialled"):
        DialOut(dial, leg="l", line="a:1", caller_id="", ring_ms=1_000, longest_ms=1_000)


class Wire:
    """The channels of one seat and one trunk, fed with messages."""

    def __init__(self):
        self.channels = Channels({"101": "PJSIP/101"})
        self.channels.trunks.set_lines(["carrier:1", "carrier:2"])

    def says(self, event, **headers):
        return self.channels.take(Message({"Event": event, **headers}), 0)


@pytest.fixture
def wire():
    """Give a wire on which 101 calls out over the first line."""
    made = Wire()
    made.says("Newchannel", Channel="PJSIP/101-1", Uniqueid="1.1", Linkedid="1.1")
    made.channels.outs.dial(
        Dial(leg="leg-1", channel="1.1", seat="101", number="+4930", line="carrier:1", ring_ms=1, longest_ms=1)
    )
    return made


def test_the_far_leg_is_no_strangers_call(wire):
    """Its coming and going says nothing of the trunk's other lines; a stranger's does."""
    far = {"Channel": "PJSIP/carrier-2", "Uniqueid": "1.2", "Linkedid": "1.1"}
    assert wire.says("Newchannel", **far) == []
    stranger = {"Channel": "PJSIP/carrier-3", "Uniqueid": "1.3", "Linkedid": "1.3"}
    assert ev.LineChanged(line="carrier:2", in_use=True) in wire.says("Newchannel", **stranger)
    assert wire.says("Hangup", **far) == []


def test_answer_and_end(wire):
    """Each is told once."""
    answer = {"Uniqueid": "1.1", "Linkedid": "1.1", "DestUniqueid": "1.2", "DialStatus": "ANSWER"}
    assert wire.says("DialEnd", **{**answer, "DialStatus": "BUSY"}) == []
    assert wire.says("DialEnd", **answer) == [ev.LegAnswered(leg="leg-1")]
    assert wire.says("DialEnd", **answer) == []
    near = {"Channel": "PJSIP/101-1", "Uniqueid": "1.1", "Linkedid": "1.1"}
    assert not [event for event in wire.says("Hangup", **near) if isinstance(event, ev.LegEnded)]
    assert wire.channels.outs.lines == ["carrier:1"]  # he may have given it to somebody else
    told = wire.says("Hangup", Channel="PJSIP/carrier-2", Uniqueid="1.2", Linkedid="1.1")
    assert ev.LegEnded(leg="leg-1", outcome="hung-up") in told
    assert wire.channels.outs.lines == []


def test_who_hangs_up_first(wire):
    """Without an answer it was cancelled."""
    told = wire.says("Hangup", Channel="PJSIP/101-1", Uniqueid="1.1", Linkedid="1.1")
    assert ev.LegEnded(leg="leg-1", outcome="cancelled") in told


@pytest.mark.parametrize(("bridge", "answered"), [("b", True), ("", False)])
def test_a_new_process_finds_it(bridge, answered):
    """By what its channel says."""
    wire = Wire()
    near = {"Channel": "PJSIP/101-1", "Uniqueid": "1.1", "Linkedid": "1.1", "BridgeID": bridge}
    far = {"Channel": "PJSIP/carrier-2", "Uniqueid": "1.2", "Linkedid": "1.1", "BridgeID": bridge}
    listed = [Message({**near, "Variable": ["ACD_LEG=leg-1", "ACD_LINE=carrier:1"]}), Message(far)]
    seen = wire.channels.snapshot(5, listed, [], Meanwhile())
    assert seen.outgoing == (ev.LiveOut(leg="leg-1", answered=answered),)
    assert seen.lines == {"carrier:1": False, "carrier:2": False}
    gone = wire.channels.snapshot(6, [], [], Meanwhile())
    assert gone.outgoing == ()
