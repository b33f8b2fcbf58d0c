"""The manager interface against hostile values on their way out and a hostile peer on their way in, on real sockets."""

import asyncio
import contextlib
import unicodedata
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from acd.core import commands as cmd
from acd.core import events as ev
from ivr.ami import MESSAGE_MAX, Link, LinkError, Message, clean
from ivr.channels import Channels, Held
from ivr.switch import AmiSettings, AmiSwitch
from tests.core.house import House
from tests.ivr.ami_peer import BANNER, AmiPeer, message

HANDSETS = {"101": "PJSIP/101", "102": "PJSIP/102"}
NASTY = [
    "x\r\nAction: Command\r\nCommand: core stop now",
    "x\r\n\r\nAction: Originate\r\nApplication: System",
    "x\rAction: Command",
    "x\nAction: Command",
    "x\x85Action: Command",
    "x\u2028Action: Command\u2029",
    "x\x00\x1b[2J\u202e",
    "\ud800\udfff",
    "9" * 65_536,
    '"><\\',
]

TRUNK = {"Channel": "PJSIP/trunk-1", "Context": "acd-hold", "Uniqueid": "1.1"}
ARRIVAL = message("UserEvent", **TRUNK, UserEvent="CallArrived", Queue="sales")
BRIDGED = message("BridgeEnter", BridgeUniqueid="b", Uniqueid="offer-1", Channel="PJSIP/101-1", CallerIDName="ż")


@pytest.fixture
async def peer():
    """Give a manager interface."""
    async with AmiPeer() as peer:
        yield peer


async def connect(peer, on_event=lambda _message: None):
    """Log in at the peer."""
    return await Link.open(host="127.0.0.1", port=peer.port, user="u", secret="s", events="on", on_event=on_event)


@asynccontextmanager
async def switch_at(peer):
    """Give a connected switch, and the queue of the events that it submits."""
    events = asyncio.Queue()

    def submit(*new):
        for event in new:
            events.put_nowait(event)

    settings = AmiSettings(host="127.0.0.1", port=peer.port, user="u", secret="s")
    switch = AmiSwitch(settings, HANDSETS, submit=submit, clock=lambda: 1_800_000_000_000)
    running = asyncio.create_task(switch.run())
    try:
        await asyncio.wait_for(switch.connected.wait(), 10)
        assert isinstance(await next_of(events), ev.Snapshot)
        yield switch, events
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def next_of(events):
    """Wait for the next event."""
    return await asyncio.wait_for(events.get(), 10)


# What goes out


@pytest.mark.parametrize("value", NASTY)
async def test_no_value_leaves_its_line(peer, value):
    """Whatever a value holds, the peer reads one action with the headers that were meant, each on one line."""
    link = await connect(peer)
    await link.ask("Setvar", Variable=value, Value=[value, "second"])
    link.close()
    [log_in, setvar] = peer.actions
    assert log_in["Action"] == "Login"
    assert set(setvar) == {"Action", "ActionID", "Variable", "Value"}
    assert setvar["Value"].endswith("\nsecond")
    assert len(setvar["Variable"]) <= 1024
    assert len(peer.received.splitlines()) == 12  # 5 lines each, and an empty one after them


@pytest.mark.parametrize("value", NASTY)
async def test_a_hostile_caller_in_an_offer(peer, value):
    """An offer's Originate has the headers that were meant, and a caller ID of one quoted name and one number."""
    async with switch_at(peer) as (switch, _):
        switch.channels.calls["1.1"] = Held(channel="PJSIP/trunk-1", number=value, name=value, queue="sales")
        switch.offer(cmd.Offer(offer="offer-1", call="1.1", seat="101", ring_ms=3000))
        [originate] = await peer.asked("Originate")
    names = {"Action", "ActionID", "Async", "CallerID", "Channel", "ChannelId", "Context", "Exten", "Priority"}
    assert set(originate) == names | {"Timeout", "Variable"}
    assert originate["Variable"].count("\n") == 4
    name, _, number = originate["CallerID"].rpartition(" ")
    assert name.startswith('"')
    assert name.endswith(' (sales)"')
    assert not set(name[1:-1]) & set('"\\<>')
    assert set(number) <= set("<0123456789+*#>")
    assert not any(asked["Action"] in {"Command", "System"} for asked in peer.actions)


@given(st.text())
def test_clean(value):
    """A cleaned text has no character that ends a line, moves a cursor or turns the writing; the others it keeps."""
    harmful = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    kept = clean(value)
    assert len(kept.splitlines()) <= 1
    assert kept == "".join(char for char in value if unicodedata.category(char) not in harmful)[:256]


# What comes in


@pytest.mark.parametrize(
    "data",
    [
        b"Event: Newchannel\r\nChannel: \xff\xfe\xc3(\r\nUniqueid: \x80\r\n\r\n",
        message("Newchannel", Channel="PJSIP/trunk-1", CallerIDName="x" * 65_536),
        message("Hangup"),
        message("Hangup", Uniqueid="1.1", Cause="no number", Channel="no dash"),
        message("Newstate", Uniqueid="offer-9", ChannelState="99999999999999999999"),
        message("BridgeEnter", Uniqueid="offer-9"),
        message("DeviceStateChange", Device="PJSIP/999", State="\u0661"),
        message("UserEvent"),
        message("UserEvent", UserEvent="CallLeft", Uniqueid="nobody"),
        message("Rename", Uniqueid="nobody"),
        message("NoSuchThing", X="y"),
        b"Event: \r\n\r\n",
        b"Response: Success\r\nActionID: not-ours\r\n\r\n",
        b"Response: Error\r\n\r\n",
        b"no header at all\r\n\r\n\r\n\r\n: \r\n\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"Event: Hangup\nUniqueid: 1.1\n\n\r\n\r\n",
    ],
)
async def test_odd_messages(peer, data):
    """A message that makes no sense changes nothing, and the next one is understood."""
    async with switch_at(peer) as (switch, events):
        peer.say(data + ARRIVAL)
        arrived = await next_of(events)
        assert arrived == ev.CallArrived(call="1.1", queue="sales")
        assert switch.connected.is_set()


@pytest.mark.parametrize(
    "data",
    [
        b"Event: Hangup\r\nCallerIDNum: 1\r\nUniqueid: 1.1\r\nUniqueid: 2.2\r\n\r\n",
        b"Event: Hangup\r\nUniqueid: 2.2\r\nCallerIDNum: 1\r\nUNIQUEID: 1.1\r\n\r\n",
        b"Event: Hangup\r\nEvent: Newchannel\r\nUniqueid: 1.1\r\n\r\n",
        b"Event: X\r\nActionID: a\r\nActionID: b\r\n\r\n",
        b"Response: Success\r\nResponse: Error\r\nActionID: a\r\n\r\n",
    ],
)
async def test_a_header_twice(peer, data):
    """A message with a header that comes twice is refused whole, with one line in the log: a caller forged it."""
    async with switch_at(peer) as (switch, events):
        peer.say(ARRIVAL)
        await next_of(events)
        with capture_logs() as logs:
            peer.say(data + ARRIVAL)
            assert isinstance(await next_of(events), ev.CallArrived)
        assert [entry["reason"] for entry in logs] == ["a header comes twice"]
        assert "1.1" in switch.channels.calls


async def test_a_forged_list(peer):
    """The begin of a list that nobody asked for does not make us deaf to what follows."""
    async with switch_at(peer) as (_, events):
        peer.say(message("Newchannel", CallerIDNum="1\r\nActionID: x\r\nEventList: start"))
        peer.say(b"Response: Success\r\nActionID: x\r\nEventList: start\r\n\r\n" + ARRIVAL)
        assert isinstance(await next_of(events), ev.CallArrived)


async def test_a_message_amid_a_list(peer):
    """While a list comes in, a message that is no part of it was forged in one of its lines, and is refused."""
    async with switch_at(peer) as (switch, events):
        peer.say(ARRIVAL)
        await next_of(events)
        line = b"Event: Status\r\nActionID: $ID\r\nUniqueid: 1.1\r\nVariable: ACD_QUEUE=sales\r\n"
        forged = b"Event: Status\r\nActionID: $ID\r\nChannel: PJSIP/trunk-2\r\nCallerIDNum: 7\r\n\r\n"
        peer.list_lines = line + b"\r\n" + forged + b"Event: Hangup\r\nUniqueid: 1.1\r\nCallerIDName: x\r\n\r\n"
        switch.take_snapshot()
        snapshot = await next_of(events)
        assert [call.call for call in snapshot.calls] == ["1.1"]
        peer.say(message("Hangup", Uniqueid="1.1"))
        assert await next_of(events) == ev.CallEnded(call="1.1")


@pytest.mark.parametrize("size", [1, 3, 64])
async def test_split_anywhere(peer, size):
    """However the stream is cut, in the midst of a character too, the same messages come out."""
    seen = []
    link = await connect(peer, lambda got: seen.append((got["Event"], got.get("CallerIDName", ""))))
    stream = BRIDGED * 3
    for start in range(0, len(stream), size):
        peer.say(stream[start : start + size])
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        while len(seen) < 3:  # noqa: ASYNC110 - the list tells nobody
            await asyncio.sleep(0.001)
    link.close()
    assert seen == [("BridgeEnter", "ż")] * 3


async def test_cut_off_at_each_byte(peer):
    """A connection that breaks inside an event loses that event, whole; half of one is never acted upon."""
    seen = []
    for length in range(len(BRIDGED)):
        link = await connect(peer, seen.append)
        peer.say(BRIDGED[:length])
        peer.drop()
        assert await asyncio.wait_for(asyncio.shield(link.lost), 10) == "closed by Asterisk"
        link.close()
    assert seen == []


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not greet"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not greet"),
        (b"\xff\x00" * 5000, "does not greet"),
        (BANNER[:22] + b"9" * 5000, "has no end"),
        (BANNER + b"x" * (MESSAGE_MAX + 1), "bytes"),
    ],
)
async def test_no_manager_interface(peer, greeting, reason):
    """What does not greet like Asterisk, or does not come to an end, is given up at once, and the reason said."""
    peer.greeting, peer.silent = greeting, True
    with pytest.raises(LinkError, match=reason):
        await connect(peer)


async def test_endless_message(peer):
    """A message without an end costs a megabyte and the connection; then a new one is made and all is well."""
    async with switch_at(peer) as (switch, events):
        peer.say(b"Event: X\r\nValue: " + b"x" * (MESSAGE_MAX + 100_000))
        assert await next_of(events) == ev.SwitchLost()
        await asyncio.wait_for(switch.connected.wait(), 10)
        assert isinstance(await next_of(events), ev.Snapshot)
        peer.say(ARRIVAL)
        assert isinstance(await next_of(events), ev.CallArrived)
    assert peer.connections == 2


async def test_shut_down_and_closed(peer):
    """Asterisk's good-bye and a broken connection are a lost switch, told once; commands meanwhile do no harm."""
    for end in (lambda: peer.say(message("Shutdown", Shutdown="Cleanly", Restart="False")), peer.drop):
        async with switch_at(peer) as (switch, events):
            end()
            assert await next_of(events) == ev.SwitchLost()
            switch.offer(cmd.Offer(offer="offer-1", call="1.1", seat="101", ring_ms=3000))
            assert await next_of(events) == ev.OfferEnded(offer="offer-1", outcome="failed")
            switch.withdraw(cmd.Withdraw(offer="offer-1", call="1.1"))
            switch.show_seat("101", "ready")
            switch.take_snapshot()
            await asyncio.wait_for(switch.connected.wait(), 10)
            assert isinstance(await next_of(events), ev.Snapshot)


async def test_refused_log_in(peer):
    """A wrong password is said as such."""
    peer.silent = True
    opening = asyncio.create_task(connect(peer))
    [asked] = await peer.asked("Login")
    peer.say(f"Response: Error\r\nActionID: {asked['ActionID']}\r\nMessage: Authentication failed\r\n\r\n".encode())
    with pytest.raises(LinkError, match="does not let 'u' in: Authentication failed"):
        await opening


# In any order

_names = st.sampled_from(["1.1", "1.2", "offer-t-1", "offer-t-2", "offer-t-9", ""])
_channels = st.sampled_from(["PJSIP/101-1", "PJSIP/102-2", "PJSIP/trunk-3", "x", ""])
_words = st.sampled_from(["", "0", "5", "6", "16", "17", "-1", "sales", "nowhere", "\u0661", "9" * 30])
_headers = st.fixed_dictionaries(
    {},
    optional={
        "Channel": _channels,
        "Context": st.sampled_from(["acd-hold", "acd-fallback", "seats"]),
        "Uniqueid": _names,
        "BridgeTechnology": st.sampled_from(["holding_bridge", "simple_bridge"]),
        "BridgeUniqueid": st.sampled_from(["b", "c"]),
        "ChannelState": _words,
        "Cause": _words,
        "Queue": _words,
        "Class": _words,
        "UserEvent": st.sampled_from(["CallArrived", "CallLeft", "Else"]),
        "Device": st.sampled_from(["PJSIP/101", "PJSIP/102", "x"]),
        "State": st.sampled_from(["NOT_INUSE", "UNAVAILABLE", ""]),
        "Newname": _channels,
    },
)
_kinds = st.sampled_from(
    ["UserEvent", "Newchannel", "Newstate", "BridgeEnter", "BridgeLeave", "Hangup", "DeviceStateChange", "Rename"]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(_kinds, _headers, st.integers(1, 2)), max_size=60))
def test_any_order(stream):
    """Events that are doubled, out of order, or about nobody break no invariant of the core, which `House` checks."""
    house, channels = House(seats={"101": ("sales",), "102": ("sales",)}), Channels(HANDSETS)
    for seat in HANDSETS:
        house.give(ev.LogInAsked(seat=seat, request=1, pin_matches=True))
    for kind, headers, times in stream:
        for _ in range(times):
            for event in channels.take(Message({"Event": kind, **headers}), house.now):
                house.give(event, after_ms=1)
