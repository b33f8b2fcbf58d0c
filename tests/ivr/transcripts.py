"""Recorded AMI transcripts (tests/transcripts/ami-*.txt), put to a `Channels` as the switch would.

A line that begins with `;` and a time (epoch ms) is ours: what callfloor did then, or nothing but the time of the
message below it. All other lines are Asterisk's own.
"""

import re
from pathlib import Path
from typing import NamedTuple

from _fastpath import Framer
from ivr.ami import Message
from ivr.channels import Channels, Leg, Meanwhile

FOLDER = Path(__file__).parents[1] / "transcripts"
HANDSETS = {"101": "PJSIP/101", "102": "PJSIP/102", "103": "PJSIP/103", "104": "PJSIP/104"}


class Entry(NamedTuple):
    """A message of Asterisk's, or words that say what callfloor did."""

    at: int
    did: list[str]
    message: Message | None


def read(name: str) -> list[Entry]:
    """All entries of a transcript."""
    entries = []
    for block in re.split(r"\n\n", (FOLDER / f"ami-{name}.txt").read_text().strip())[1:]:
        head, _, lines = block.partition("\n")
        _, at, *did = head.split(" ")
        [message] = Framer().feed(lines.replace("\n", "\r\n").encode() + b"\r\n\r\n") if lines else [None]
        entries.append(Entry(int(at), did, message))
    return entries


def fresh(handsets=HANDSETS) -> Channels:
    """Channels that have seen a snapshot of a quiet switch: all handsets are registered."""
    channels = Channels(handsets)
    lines = [Message({"Device": handset, "State": "NOT_INUSE"}) for handset in handsets.values()]
    channels.snapshot(0, [], lines, Meanwhile())
    return channels


class Replay:
    """A transcript, put to `channels`; `events` is all that came of it."""

    def __init__(self, name: str, channels: Channels | None = None) -> None:
        self.channels = channels or fresh()
        self.events = []
        self._asked = 0
        self._lines: list[Message] = []
        for entry in read(name):
            self._do(entry)
            if entry.message is not None:
                self._take(entry.at, entry.message)

    def _do(self, entry: Entry) -> None:
        match entry.did:
            case ["offer", offer, call, seat, ring_ms]:
                self.channels.legs[offer] = Leg(call=call, seat=seat, ring_ms=int(ring_ms), made_at=entry.at)
            case ["withdraw", offer] if offer in self.channels.legs:
                self.channels.legs[offer].withdrawn = True
            case ["asked"]:
                self._asked = entry.at

    def _take(self, at: int, message: Message) -> None:
        """What answers an action goes to whoever asked, everything else to the channels."""
        if "ActionID" not in message:
            self.events += self.channels.take(message, at)
            return
        self._lines.append(message)
        if message.event == "DeviceStateListComplete":
            calls = [line for line in self._lines if line.event == "Status"]
            devices = [line for line in self._lines if line.event == "DeviceStateChange"]
            self.events.append(self.channels.snapshot(self._asked, calls, devices, Meanwhile()))
