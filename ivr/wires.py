"""Telephones at the end of a wire: a seat's leg whose channel will not be named after its offer.

A leg is known by its unique id, which is the offer's (Originate's ChannelId). chan_dahdi gives an analog channel an id
of its own, whatever it is asked for. So the leg begins as a Local channel of that id, from whose other half `acd-wire`
dials the telephone. Who lifts the receiver goes on in `acd-seat` on his own channel, as from a SIP phone, and the Local
channel goes: a hook flash, a transfer, a hold happen on the telephone's channel, and between it and the caller nothing
may stand. From the lifting on that channel is the leg: here its id in all messages becomes the offer's.

That a channel is a leg's telephone its first message says: it is linked (Linkedid) to the channel that asked for it.
After a restart of ours the variables that it inherited say so.

A line that was hung up is not rung at once. DAHDI drops its battery (dahdi_hangup in drivers/dahdi/dahdi-base.c: KEWL
for 500 ms, then AFTERKEWL for 300); a ring in that time ends it early, and `gotgs`, the note that the receiver is off,
stays: the telephone rings, and nobody sees it lifted. So acd-wire is told when, by the
switch's clock, the line was hung up.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ivr.ami import Message, text
from ivr.held import OFFER_PREFIX, WIRE_PREFIX, WIRED, Leg

LIFTED = "ACD_LIFTED"
"""The variable that says at which extension of acd-seat who lifts the receiver goes on; empty where the Local channel
speaks to him."""

_DEVICE = re.compile(r"DAHDI/[0-9]+")
_WIRE = re.compile(r"(DAHDI/[0-9]+)-[0-9]+")
_JUST_NOW = 10**15
"""Stands for a time until it is known: later than all of them."""
_RINGING, _UP = "5", "6"
_NAMED_ELSEWHERE = frozenset({"AttendedTransfer", "UserEvent"})
"""Events that name a leg's channel in other headers too."""


class Wires:
    """All telephones that ring or were lifted for an offer."""

    VARIABLES: ClassVar = f"ACD_OFFER,{LIFTED}"
    """What a snapshot must ask for."""

    def __init__(self) -> None:
        self._offers: dict[str, str] = {}
        """Unique id of a telephone's channel -> the offer that it rings for, or was lifted for."""
        self._lifted: dict[str, str] = {}
        """Offer -> unique id of the telephone's channel, which is its leg."""
        self.untimed: list[str] = []
        """Devices that were just hung up; whoever reads this asks for the switch's time."""
        self._hung_up_at: dict[str, int] = {}
        """Device -> when it was hung up, in the switch's time, epoch in ms."""

    def channel(self, offer: str) -> str:
        """Name the leg of an offer as the switch does, for orders."""
        return self._lifted.get(offer, offer)

    def asked(self, offer: str, leg: Leg, details: Mapping[str, str | Sequence[str]]) -> dict[str, Any]:
        """Say what an Originate asks for in the place of a telephone; what is known of the offer that inherits."""
        leg.wired, handset = True, str(details["Channel"])
        device = _DEVICE.match(handset)
        known = [
            *details["Variable"],
            f"{LIFTED}={details['Exten'] if leg.lifts else ''}",
            f"ACD_HANDSET={handset}",
            f"ACD_HUNG_UP={self._hung_up_at.get(device[0], 0) if device is not None else 0}",
        ]
        variables = [f"_{variable}" for variable in known]
        return {"Channel": "Local/s@acd-wire/n", "OtherChannelId": f"{WIRE_PREFIX}{offer}", "Variable": variables}

    def timed(self, device: str, there: int | None) -> None:
        """Take what the switch's clock shows after it has told that a device was hung up; None if it does not say."""
        if there is None or self._hung_up_at.get(device) == _JUST_NOW:
            self._hung_up_at[device] = there or 0

    def read(self, message: Message, legs: Mapping[str, Leg]) -> Message | None:
        """Give a message as it is to be understood; None if it is of a channel that stands in no leg's place."""
        event, unique = message.event, text(message, "Uniqueid")
        if event == "Newchannel" and text(message, "Channel").startswith(WIRED):
            self._asked_for(unique, text(message, "Linkedid"), legs)
        elif event == "Hangup" and (wire := _WIRE.fullmatch(text(message, "Channel"))) is not None:
            self._hung_up_at[wire[1]] = _JUST_NOW
            self.untimed.append(wire[1])
        if not self._offers:
            return message
        if unique in self._offers:
            return self._of_telephone(message, legs)
        if unique in self._lifted:
            return None  # the Local channel, which has done
        return self._renamed(message) if self._lifted and event in _NAMED_ELSEWHERE else message

    def _asked_for(self, unique: str, asked_by: str, legs: Mapping[str, Leg]) -> None:
        leg = legs.get(asked_by)
        if leg is not None and leg.wired and asked_by not in self._offers.values():
            self._offers[unique] = asked_by

    def _of_telephone(self, message: Message, legs: Mapping[str, Leg]) -> Message | None:
        event, unique = message.event, text(message, "Uniqueid")
        offer = self._offers[unique]
        state, leg = text(message, "ChannelState") if event == "Newstate" else "", legs.get(offer)
        if state == _UP and leg is not None and leg.lifts:
            self._lifted[offer] = unique
        told = self._renamed(message) if offer in self._lifted or state == _RINGING else None
        if event == "Hangup":
            del self._offers[unique]
            self._lifted.pop(offer, None)
        return told

    def _renamed(self, message: Message) -> Message:
        return Message({name: self._renamed_value(value) for name, value in message.headers().items()})

    def _renamed_value(self, value: str | list[str]) -> str | list[str]:
        return self._offers.get(value, value) if isinstance(value, str) else value

    def forget(self) -> None:
        """Nothing is known any more: the link is gone."""
        self._offers.clear()
        self._lifted.clear()

    def snapshot(
        self, channels: Sequence[tuple[Message, Mapping[str, str]]], legs: Mapping[str, Leg]
    ) -> list[tuple[Message, Mapping[str, str]]]:
        """Take over what the switch holds, and give it as it is to be understood: each channel with its variables."""
        for message, variables in channels:
            offer, unique = variables.get("ACD_OFFER", ""), text(message, "Uniqueid")
            if text(message, "Channel").startswith(WIRED) and offer.startswith(OFFER_PREFIX):
                self._offers.setdefault(unique, offer)
                if variables.get(LIFTED) and text(message, "ChannelState") == _UP:
                    self._lifted[offer] = unique
        listed = {text(message, "Uniqueid") for message, _ in channels}
        gone = {unique for unique, offer in self._offers.items() if unique not in listed and offer not in legs}
        for unique in gone:
            self._lifted.pop(self._offers.pop(unique), None)
        return [
            (self._renamed(message) if unique in self._offers else message, variables)
            for message, variables in channels
            if self._stands(unique := text(message, "Uniqueid"))
        ]

    def _stands(self, unique: str) -> bool:
        return unique not in self._lifted and (unique not in self._offers or self._offers[unique] in self._lifted)
