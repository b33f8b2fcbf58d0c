"""What can be wrong with trunk lines, from the very words of Asterisk.

The texts have the headers, and the order of them, that Asterisk's sources write: publish_channel_alarm,
publish_span_alarm, dahdichannel_to_ami, action_dahdishowchannels in channels/chan_dahdi.c; sig_pri_ami_show_spans in
channels/sig_pri.c; system_registry_to_ami in main/stasis_system.c; ami_outbound_registration_task in
res/res_pjsip_outbound_registration.c.
"""

import pytest

from _fastpath import Framer
from acd.core import events as ev
from acd.core.line import Trouble
from ivr.ami import Message
from ivr.channels import Channels
from ivr.trunks import Trunks

BOARD = ["DAHDI/1", "DAHDI/2", "DAHDI/31"]
SPANS = {1: ["DAHDI/1", "DAHDI/2"], 2: ["DAHDI/31"]}
CARRIER = ["carrier:1", "carrier:2"]


def said(raw: str) -> list[Message]:
    """Read what Asterisk writes, through the framer that reads it in service."""
    text = "\r\n".join(raw.strip("\n").splitlines()) + "\r\n\r\n"
    messages: list[Message] = Framer().feed(text.encode())
    return messages


def trunks(lines: list[str]) -> Trunks:
    made = Trunks()
    made.set_lines(lines, SPANS)
    return made


def told(lines: Trunks, raw: str) -> dict[str, tuple[bool, Trouble | None]]:
    """What a message tells of lines: whether they are in use, and what is wrong."""
    events = [event for message in said(raw) for event in lines.take(message, ())]
    return {event.line: (event.in_use, event.trouble) for event in events if isinstance(event, ev.LineChanged)}


def alarm(word: str) -> Trouble:
    return Trouble(kind="alarm", said=word)


ALARM = """
Event: Alarm
Privilege: system,all
DAHDIChannel: 2
Alarm: Red Alarm
"""
ALARM_CLEAR = """
Event: AlarmClear
Privilege: system,all
DAHDIChannel: 2
"""
SPAN_ALARM = """
Event: SpanAlarm
Privilege: system,all
Span: 1
Alarm: Yellow Alarm
"""
SPAN_ALARM_CLEAR = """
Event: SpanAlarmClear
Privilege: system,all
Span: 1
"""


def test_an_alarm_takes_its_channel_out_and_gives_it_back():
    """It is told once, with the word for it, and of no other line."""
    lines = trunks(BOARD)
    assert told(lines, ALARM) == {"DAHDI/2": (False, alarm("Red Alarm"))}
    assert told(lines, ALARM) == {}
    assert told(lines, ALARM_CLEAR) == {"DAHDI/2": (False, None)}


def test_an_alarm_of_a_span_is_one_of_all_its_channels():
    """Where both are reported (reportalarms = all) a channel is well when both are over, in whichever order."""
    lines = trunks(BOARD)
    both = {name: (False, alarm("Yellow Alarm")) for name in ("DAHDI/1", "DAHDI/2")}
    assert told(lines, SPAN_ALARM) == both
    assert told(lines, ALARM) == {"DAHDI/2": (False, alarm("Red Alarm"))}
    assert told(lines, SPAN_ALARM_CLEAR) == {"DAHDI/1": (False, None)}
    assert told(lines, ALARM_CLEAR) == {"DAHDI/2": (False, None)}
    assert told(lines, SPAN_ALARM.replace("Span: 1", "Span: 7")) == {}
    assert told(lines, SPAN_ALARM.replace("Span: 1", "Span: ²")) == {}


def test_a_d_channel_that_is_down_takes_its_span_along():
    """No event tells of it but the state of the span's own device, which is no handset's and no trunk's."""
    lines = trunks(BOARD)
    down = "Event: DeviceStateChange\nPrivilege: call,all\nDevice: DAHDI/I1/congestion\nState: UNAVAILABLE\n"
    trouble = Trouble(kind="d-channel")
    assert told(lines, down) == {"DAHDI/1": (False, trouble), "DAHDI/2": (False, trouble)}
    busy = down.replace("UNAVAILABLE", "BUSY")
    assert told(lines, busy) == {"DAHDI/1": (False, None), "DAHDI/2": (False, None)}


SHOW_SPANS = """
Event: PRIShowSpans
Span: 1
DChannel: 16
Order: Primary
Active: Yes
Alarm: No
Up: No
ActionID: 7
"""
STATUS = """
Event: Status
Privilege: Call
Channel: DAHDI/i1/5550123-2
ChannelState: 6
Uniqueid: 1795772411.4
Linkedid: 1795772411.4
"""
SHOW_CHANNELS = """
Event: DAHDIShowChannels
DAHDIChannel: 1
Channel: DAHDI/i1/5550123-2
Uniqueid: 1795772411.4
AccountCode:
Signalling: ISDN PRI
SignallingCode: 128
Context: from-trunk
DND: Disabled
Alarm: No Alarm
Description:
ActionID: 7

Event: DAHDIShowChannels
DAHDIChannel: 2
Signalling: ISDN PRI
SignallingCode: 128
Context: from-trunk
DND: Disabled
Alarm: Blue Alarm
Description:
ActionID: 7
"""


def test_a_snapshot_tells_of_hardware_what_its_lists_say():
    """Calls by their B-channel, alarms, D-channels; and a channel that is not in the list is not there."""
    lines = trunks(BOARD)
    told(lines, SPAN_ALARM)
    channels = Channels({})
    channels.trunks = lines
    assert lines.lists == ["DAHDIShowChannels", "PRIShowSpans"]
    with channels.meanwhile() as meanwhile:
        more = {"DAHDIShowChannels": said(SHOW_CHANNELS), "PRIShowSpans": said(SHOW_SPANS)}
        snapshot = channels.snapshot(1, said(STATUS), [], meanwhile, more)
    assert snapshot.lines == {"DAHDI/1": True, "DAHDI/2": False, "DAHDI/31": False}
    assert snapshot.troubles == {
        "DAHDI/1": Trouble(kind="d-channel"),
        "DAHDI/2": alarm("Blue Alarm"),
        "DAHDI/31": Trouble(kind="absent"),
    }
    hangup = "Event: Hangup\nChannel: DAHDI/i1/5550123-2\nUniqueid: 1795772411.4\nCause: 16\n"
    assert told(lines, hangup) == {"DAHDI/1": (False, Trouble(kind="d-channel"))}


def test_one_d_channel_of_several_is_enough():
    """A span with a second one, as in an NFAS group, is down only when both are."""
    lines = trunks(BOARD)
    second = SHOW_SPANS.replace("Up: No", "Up: Yes").replace("Primary", "Secondary")
    with Channels({}).meanwhile() as meanwhile:
        _, troubles = lines.snapshot([], [], {"PRIShowSpans": [*said(SHOW_SPANS), *said(second)]}, (), meanwhile)
        assert troubles == {}
        in_alarm = said(second.replace("Alarm: No", "Alarm: Yes"))
        _, troubles = lines.snapshot([], [], {"PRIShowSpans": [*said(SHOW_SPANS), *in_alarm]}, (), meanwhile)
    assert troubles == dict.fromkeys(["DAHDI/1", "DAHDI/2"], Trouble(kind="d-channel"))


NEW_CHANNEL = """
Event: Newchannel
Privilege: call,all
Channel: DAHDI/i1/5550123-2
ChannelState: 4
Uniqueid: 1795772411.4
"""
DAHDI_CHANNEL = """
Event: DAHDIChannel
Privilege: call,all
Channel: DAHDI/i1/5550123-2
ChannelState: 4
Uniqueid: 1795772411.4
DAHDIGroup: 2
DAHDISpan: 1
DAHDIChannel: 1
"""


def test_an_isdn_call_is_on_the_b_channel_that_is_said():
    """Its name says nothing of it; another one may be agreed on; and a channel without a B-channel is on none."""
    lines = trunks(BOARD)
    assert told(lines, NEW_CHANNEL) == {}
    assert told(lines, DAHDI_CHANNEL) == {"DAHDI/1": (True, None)}
    moved = DAHDI_CHANNEL.replace("DAHDIChannel: 1", "DAHDIChannel: 2")
    assert told(lines, moved) == {"DAHDI/1": (False, None), "DAHDI/2": (True, None)}
    waits = DAHDI_CHANNEL.replace("DAHDIChannel: 1", "DAHDIChannel: no-media (-3)")
    assert told(lines, waits) == {"DAHDI/2": (False, None)}
    ours = DAHDI_CHANNEL.replace("1795772411.4", "offer-r-1")
    assert told(lines, ours) == {}


def test_asterisk_without_dahdi_has_none_of_its_lines():
    """The list is empty, as that of an Asterisk that does not know the action; SIP trunks are none of that."""
    lines = trunks([*BOARD, *CARRIER, "DAHDI/g1"])
    with Channels({}).meanwhile() as meanwhile:
        _, troubles = lines.snapshot([], [], {"DAHDIShowChannels": []}, (), meanwhile)
    assert troubles == dict.fromkeys(BOARD, Trouble(kind="absent"))


# Registrations

REGISTRY = """
Event: Registry
Privilege: system,all
ChannelType: PJSIP
Username: sip:4930123@sip.example.com:5060
Domain: sip:sip.example.com:5060
Status: Rejected
"""
DETAIL = """
Event: OutboundRegistrationDetail
ObjectType: registration
ObjectName: carrier
ClientUri: sip:4930123@sip.example.com:5060
ServerUri: sip:sip.example.com:5060
Endpoint: carrier
OutboundAuth: carrier
Status: Registered
NextReg: 585
"""
REJECTED = Trouble(kind="not-registered", said="Rejected")


def looked(lines: Trunks, *details: str) -> dict[str, Trouble]:
    with Channels({}).meanwhile() as meanwhile:
        listed = [message for detail in details for message in said(detail)]
        _, troubles = lines.snapshot([], [], {"PJSIPShowRegistrationsOutbound": listed}, (), meanwhile)
    return troubles


def test_a_registration_that_is_lost_takes_the_trunk_along():
    """Which trunk it is for, a snapshot has told; with `Registered` its lines are back."""
    lines = trunks(CARRIER)
    assert lines.lists == ["PJSIPShowRegistrationsOutbound"]
    assert looked(lines, DETAIL) == {}
    assert told(lines, REGISTRY) == dict.fromkeys(CARRIER, (False, REJECTED))
    assert told(lines, REGISTRY.replace("Rejected", "Registered")) == dict.fromkeys(CARRIER, (False, None))
    assert told(lines, REGISTRY.replace("PJSIP", "IAX2")) == {}
    assert not lines.wants_look


@pytest.mark.parametrize("endpoint", ["Endpoint: carrier", "Endpoint: "])
def test_a_registration_names_its_endpoint_or_has_its_name(endpoint):
    """The snapshot tells how it stands; one that does not exist any more is no trouble."""
    lines = trunks(CARRIER)
    before = DETAIL.replace("Endpoint: carrier", endpoint).replace("Registered", "Unregistered")
    assert looked(lines, before) == dict.fromkeys(CARRIER, Trouble(kind="not-registered", said="Unregistered"))
    assert looked(lines) == {}


def test_an_unknown_registration_has_a_snapshot_taken():
    """It may be one of a reload just now; a site without SIP trunks does not care."""
    lines = trunks(CARRIER)
    assert told(lines, REGISTRY) == {}
    assert lines.wants_look
    assert looked(lines, DETAIL.replace("Registered", "Rejected")) == dict.fromkeys(CARRIER, REJECTED)
    assert not lines.wants_look
    board = trunks(BOARD)
    assert told(board, REGISTRY) == {}
    assert not board.wants_look


def test_what_happens_while_the_lists_are_written_counts_more():
    """The list says registered and well; the events that came meanwhile say otherwise, and they are later."""
    channels = Channels({})
    channels.trunks.set_lines([*CARRIER, *BOARD], SPANS)
    lists = {"PJSIPShowRegistrationsOutbound": said(DETAIL)}
    with channels.meanwhile() as meanwhile:
        channels.snapshot(1, [], [], meanwhile, lists)
    with channels.meanwhile() as meanwhile:
        for message in [*said(REGISTRY), *said(ALARM), *said(DAHDI_CHANNEL)]:
            channels.take(message, 2)
        well = said(SHOW_CHANNELS.replace("Blue Alarm", "No Alarm").split("\n\n")[1])
        snapshot = channels.snapshot(2, [], [], meanwhile, {**lists, "DAHDIShowChannels": well})
    absent = Trouble(kind="absent")
    assert snapshot.lines == {
        "carrier:1": False,
        "carrier:2": False,
        "DAHDI/1": True,
        "DAHDI/2": False,
        "DAHDI/31": False,
    }
    assert snapshot.troubles == {
        **dict.fromkeys(CARRIER, REJECTED),
        "DAHDI/1": absent,
        "DAHDI/2": alarm("Red Alarm"),
        "DAHDI/31": absent,
    }


def test_two_things_that_are_wrong():
    """The graver one is told, and when it is over the other one."""
    lines = trunks(CARRIER)
    looked(lines, DETAIL)
    told(lines, REGISTRY)
    away = "Event: DeviceStateChange\nDevice: PJSIP/carrier\nState: UNAVAILABLE\n"
    assert told(lines, away) == dict.fromkeys(CARRIER, (False, Trouble(kind="not-reachable")))
    back = away.replace("UNAVAILABLE", "NOT_INUSE")
    assert told(lines, back) == dict.fromkeys(CARRIER, (False, REJECTED))
