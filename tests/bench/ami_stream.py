"""Events as Asterisk 22 writes them, for benches: names, headers and their order are those of its documentation."""

import random
from collections.abc import Iterable

UNREAD = ("VarSet", "Newexten", "RTCPSent", "RTCPReceived", "DialBegin")
MIX = {
    "Newchannel": 10,
    "Newstate": 12,
    "VarSet": 24,
    "Newexten": 15,
    "RTCPSent": 10,
    "RTCPReceived": 10,
    "DialBegin": 6,
    "DialEnd": 5,
    "Hangup": 8,
}
"""Of a hundred events, how many are which."""

Headers = list[tuple[str, object]]


def written(name: str, headers: Iterable[tuple[str, object]]) -> bytes:
    """Write an event."""
    lines = [("Event", name), ("Privilege", "call,all"), *headers]
    return ("".join(f"{header}: {value}\r\n" for header, value in lines) + "\r\n").encode()


def channel(number: int, unique: str = "", name: str = "", state: int = 6, prefix: str = "") -> Headers:
    """What Asterisk says of a channel in each of its events."""
    unique = unique or f"1764000000.{number}"
    return [
        (f"{prefix}Channel", name or f"PJSIP/trunk-{number:08x}"),
        *((f"{prefix}ChannelState", state), (f"{prefix}ChannelStateDesc", "Up")),
        *((f"{prefix}CallerIDNum", f"49151{number % 10**8:08d}"), (f"{prefix}CallerIDName", "Erika Mustermann")),
        *((f"{prefix}ConnectedLineNum", 2000 + number % 2000), (f"{prefix}ConnectedLineName", "Agent")),
        *((f"{prefix}Language", "en"), (f"{prefix}AccountCode", ""), (f"{prefix}Context", "from-trunk")),
        *((f"{prefix}Exten", "4930901820"), (f"{prefix}Priority", 1 + number % 20)),
        *((f"{prefix}Uniqueid", unique), (f"{prefix}Linkedid", unique)),
    ]


def event(name: str, number: int, draw: random.Random) -> bytes:
    """One event of the mix."""
    headers = channel(number)
    match name:
        case "VarSet":
            headers += [("Variable", "MENU_STEP"), ("Value", "menu-main,17")]
        case "Newexten":
            headers += [("Extension", "s"), ("Application", "Playback"), ("AppData", "custom/welcome,noanswer")]
        case "RTCPSent" | "RTCPReceived":
            headers += _report(name, number, draw)
        case "DialBegin":
            headers += [*channel(number + 1, prefix="Dest"), ("DialString", f"agent{number % 2000:04d}")]
        case "DialEnd":
            headers += [*channel(number + 1, prefix="Dest"), ("DialStatus", "ANSWER")]
        case "Hangup":
            headers += [("Cause", 16), ("Cause-txt", "Normal Clearing"), ("TechCause", "")]
    return written(name, headers)


def _report(name: str, number: int, draw: random.Random) -> Headers:
    sent = name == "RTCPSent"
    return [
        *(("SSRC", f"0x{draw.getrandbits(32):08x}"), ("PT", "200(SR)" if sent else "201(RR)"), ("ReportCount", 1)),
        *(("SentNTP", f"{1764000000 + number}.{draw.getrandbits(20)}"), ("SentRTP", draw.getrandbits(31))),
        *(("SentPackets", 1500), ("SentOctets", 240000), ("Report0SourceSSRC", f"0x{draw.getrandbits(32):08x}")),
        *(("Report0FractionLost", 0), ("Report0CumulativeLost", 0), ("Report0HighestSequence", 51234)),
        *(("Report0SequenceNumberCycles", 0), ("Report0IAJitter", 12), ("Report0LSR", draw.getrandbits(32))),
        *(("Report0DLSR", "2.1370"), ("To" if sent else "From", "10.0.0.7:10011")),
        *(() if sent else (("RTT", "0.0120"),)),
    ]


def stream(count: int, seed: int = 7) -> list[bytes]:
    """So many events of the mix."""
    draw = random.Random(seed)
    names = draw.choices(list(MIX), list(MIX.values()), k=count)
    return [event(name, number, draw) for number, name in enumerate(names)]


def unread(count: int, seed: int = 8) -> bytes:
    """Events that callfloor does not read, as they come between those that it does."""
    draw = random.Random(seed)
    return b"".join(event(draw.choice(UNREAD), number, draw) for number in range(count))
