"""Which trunk lines carry a call, from what the switch says of channels and devices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.core import events as ev
from acd.core.line import Trouble
from ivr.ami import Message
from ivr.channels import Channels
from ivr.held import Leg, Meanwhile
from ivr.trunks import Trunks, device_of, dialled

CARRIER = ["carrier:1", "carrier:2", "carrier:3"]


def trunks(*lines: str) -> Trunks:
    made = Trunks()
    made.set_lines(lines or CARRIER)
    return made


def channel(event: str, name: str, unique: str) -> Message:
    return Message({"Event": event, "Channel": name, "Uniqueid": unique})


def device(name: str, state: str) -> Message:
    return Message({"Event": "DeviceStateChange", "Device": name, "State": state})


def snapshot(
    lines: Trunks,
    *channels: Message,
    devices: tuple[Message, ...] = (),
    ours: tuple[str, ...] = (),
    **meanwhile: set[str],
) -> dict[str, bool]:
    in_use, _ = lines.snapshot(channels, devices, {}, ours, Meanwhile(**meanwhile))
    return in_use


def told(events: list[ev.AnyEvent]) -> dict[str, bool]:
    return {event.line: event.in_use for event in events if isinstance(event, ev.LineChanged)}


def test_calls_from_outside_take_lines_from_the_last_down():
    """Each takes one, the first one's end gives one back; what did not change is not told."""
    lines = trunks()
    assert told(lines.take(channel("Newchannel", "PJSIP/carrier-00000001", "1.1"), ())) == {
        "carrier:1": False,
        "carrier:2": False,
        "carrier:3": True,
    }
    assert told(lines.take(channel("Newchannel", "PJSIP/carrier-00000002", "1.2"), ())) == {"carrier:2": True}
    assert told(lines.take(channel("Hangup", "PJSIP/carrier-00000001", "1.1"), ())) == {"carrier:2": False}
    assert lines.take(channel("Hangup", "PJSIP/carrier-00000001", "1.1"), ()) == []


def test_our_own_legs_keep_their_lines():
    """A stranger takes one that no leg of ours has; our legs are no strangers."""
    lines = trunks()
    assert lines.take(channel("Newchannel", "PJSIP/carrier-00000001", "offer-1-1"), ("carrier:3",)) == []
    lines.take(channel("Newchannel", "PJSIP/carrier-00000002", "1.2"), ("carrier:3",))
    assert snapshot(lines, ours=("carrier:3",), begun={"1.2"}) == {
        "carrier:1": False,
        "carrier:2": True,
        "carrier:3": False,
    }


def test_more_strangers_than_lines():
    """A provider who sends more than he said leaves none for us, and takes nothing from a leg that has one."""
    lines = trunks()
    for number in range(5):
        lines.take(channel("Newchannel", f"PJSIP/carrier-0000000{number}", f"1.{number}"), ("carrier:1",))
    assert snapshot(lines, ours=("carrier:1",), begun={f"1.{n}" for n in range(5)}) == {
        "carrier:1": False,
        "carrier:2": True,
        "carrier:3": True,
    }


def test_a_line_is_held_before_there_is_a_call():
    """The line that is named is in use from then on; its channel is no stranger; given back it is free."""
    lines = trunks()
    assert told(lines.hold("linetest-1", "carrier:2", ())) == {
        "carrier:1": False,
        "carrier:2": True,
        "carrier:3": False,
    }
    assert lines.take(channel("Newchannel", "PJSIP/carrier-00000001", "linetest-1"), ()) == []
    assert told(lines.take(channel("Newchannel", "PJSIP/carrier-00000002", "1.2"), ())) == {"carrier:3": True}
    listed = [channel("Status", "PJSIP/carrier-00000001", "linetest-1")]
    assert snapshot(lines, *listed, begun={"1.2"}) == {"carrier:1": False, "carrier:2": True, "carrier:3": True}
    assert lines.take(channel("Hangup", "PJSIP/carrier-00000001", "linetest-1"), ()) == []
    assert told(lines.let_go("linetest-1", ())) == {"carrier:2": False}
    assert lines.let_go("linetest-1", ()) == []


def test_a_line_that_is_held_by_a_server_that_is_gone():
    """What another server's test left in the switch counts as a call of others."""
    lines = trunks()
    listed = [channel("Status", "PJSIP/carrier-00000001", "linetest-of-another")]
    assert snapshot(lines, *listed) == {"carrier:1": False, "carrier:2": False, "carrier:3": True}


def test_a_reload_takes_a_line_that_is_held():
    """Its trunk is gone from the configuration: giving it back says nothing of lines that are not there."""
    lines = trunks()
    lines.hold("linetest-1", "carrier:2", ())
    lines.set_lines(["DAHDI/1"])
    assert lines.let_go("linetest-1", ()) == []


@pytest.mark.parametrize("state", ["UNAVAILABLE", "INVALID"])
def test_a_trunk_that_does_not_answer_has_no_lines(state):
    """All of them are out of order, and come back with it."""
    lines = trunks()
    away = Trouble(kind="not-reachable")
    assert lines.take(device("PJSIP/carrier", state), ()) == [
        ev.LineChanged(line=line, in_use=False, trouble=away) for line in CARRIER
    ]
    assert lines.take(device("PJSIP/carrier", "NOT_INUSE"), ()) == [
        ev.LineChanged(line=line, in_use=False) for line in CARRIER
    ]
    assert lines.take(device("PJSIP/carrier", "INUSE"), ()) == []
    assert lines.take(device("PJSIP/other", "UNAVAILABLE"), ()) == []


def test_a_channel_of_hardware_is_a_line():
    """`DAHDI/1-1` is a call on DAHDI/1, and no other line's affair."""
    lines = trunks("DAHDI/1", "DAHDI/2")
    assert told(lines.take(channel("Newchannel", "DAHDI/2-1", "1.1"), ())) == {"DAHDI/2": True}
    assert lines.take(channel("Newchannel", "DAHDI/21-1", "1.2"), ()) == []
    assert told(lines.take(channel("Hangup", "DAHDI/2-1", "1.1"), ())) == {"DAHDI/2": False}


def test_what_is_dialled_and_of_what():
    """A handset's LINE is the trunk, or the number of the channel; the device is as the switch names it."""
    assert [dialled(line) for line in ("carrier:7", "carrier", "DAHDI/12", "DAHDI/g1")] == [
        "carrier",
        "carrier",
        "12",
        "g1",
    ]
    assert [device_of(line) for line in ("my.carrier:7", "carrier", "DAHDI/12")] == [
        "PJSIP/my.carrier",
        "PJSIP/carrier",
        "DAHDI/12",
    ]


def test_a_snapshot_is_right_about_what_is_there():
    """Strangers that are gone are gone; those that came or went while it was written are as their events said."""
    lines = trunks()
    lines.take(channel("Newchannel", "PJSIP/carrier-00000001", "gone"), ())
    lines.take(channel("Newchannel", "PJSIP/carrier-00000002", "begun"), ())
    listed = [
        channel("Status", "PJSIP/carrier-00000003", "listed"),
        channel("Status", "PJSIP/carrier-00000004", "ended"),
        channel("Status", "PJSIP/carrier-00000005", "offer-1-1"),
    ]
    states = (device("PJSIP/carrier", "INUSE"),)
    found = snapshot(lines, *listed, devices=states, ours=("carrier:1",), begun={"begun"}, ended={"ended"})
    assert found == {"carrier:1": False, "carrier:2": True, "carrier:3": True}
    assert lines.take(channel("Hangup", "PJSIP/carrier-00000001", "gone"), ("carrier:1",)) == []


def test_a_reload_keeps_what_is_known():
    """A trunk that gets more lines still has its callers; one that is gone is forgotten."""
    lines = trunks()
    lines.take(channel("Newchannel", "PJSIP/carrier-00000001", "1.1"), ())
    lines.set_lines(["carrier:1", "carrier:2", "DAHDI/1"])
    assert snapshot(lines, begun={"1.1"}) == {"carrier:1": False, "carrier:2": True, "DAHDI/1": False}
    lines.set_lines(["DAHDI/1"])
    assert lines.take(channel("Hangup", "PJSIP/carrier-00000001", "1.1"), ()) == []


STEPS = st.lists(st.tuples(st.sampled_from(["Newchannel", "Hangup"]), st.integers(0, 5)), max_size=30)


@given(STEPS, st.sets(st.sampled_from(CARRIER)))
def test_as_many_lines_as_strangers(steps: list[tuple[str, int]], ours: set[str]):
    """Whatever comes and goes, as many lines are in use as there are strangers, if there are so many; none of ours."""
    lines, there, state = trunks(), set[int](), dict.fromkeys(CARRIER, False)
    for event, number in steps:
        state |= told(lines.take(channel(event, f"PJSIP/carrier-{number:08x}", f"1.{number}"), ours))
        (there.add if event == "Newchannel" else there.discard)(number)
        taken = {line for line, in_use in state.items() if in_use}
        assert len(taken) == min(len(there), len(CARRIER) - len(ours))
        assert not taken & ours


def test_channels_tell_of_lines_beside_all_else():
    """A leg of ours on a trunk is known by its line, also when a new process finds it in a snapshot."""
    channels = Channels({"101": "PJSIP/5550123@LINE"})
    channels.trunks.set_lines(CARRIER)
    channels.legs["offer-1-1"] = Leg(call="1.1", seat="101", line="carrier:1")
    events = channels.take(channel("Newchannel", "PJSIP/carrier-00000001", "1.7"), 1)
    assert told(events) == {"carrier:1": False, "carrier:2": False, "carrier:3": True}
    fresh = Channels({"101": "PJSIP/5550123@LINE"})
    fresh.trunks.set_lines(CARRIER)
    leg = Message(
        {
            "Event": "Status",
            "Channel": "PJSIP/carrier-00000002",
            "Uniqueid": "offer-1-1",
            "Variable": ["ACD_CALL=1.1", "ACD_RUNG=101", "ACD_LINE=carrier:3"],
        }
    )
    with fresh.meanwhile() as meanwhile:
        found = fresh.snapshot(1, [leg, channel("Status", "PJSIP/carrier-00000001", "1.7")], [], meanwhile)
    assert found.lines == {"carrier:1": False, "carrier:2": True, "carrier:3": False}
    assert fresh.legs["offer-1-1"].line == "carrier:3"
