"""What Asterisk's manager events mean: message in, core events out.

No socket and no clock, so a recorded transcript is a complete test.

    UserEvent CallArrived / CallLeft  (acd-hold, acd-fallback)      -> CallArrived / CallEnded
    Newstate, Hangup, BridgeEnter of a channel named offer-...      -> OfferRinging OfferAnswered Connected OfferEnded
    Newchannel, Hangup of other channels of a handset               -> HandsetChanged busy
    DeviceStateChange of a handset                                  -> HandsetChanged reachable
    Hangup of a caller                                              -> CallEnded

A seat's leg is the channel whose unique id is the offer's id: the Originate asked for that (ChannelId). So the channel
of a leg, its events and its call can never be mixed up.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from acd.core import events as ev
from ivr.ami import Message, clean, text

OFFER_PREFIX = "offer-"
VARIABLES = "ACD_QUEUE,ACD_PRIORITY,ACD_ARRIVED,ACD_CALL"
"""The channel variables that a snapshot must ask for."""

RINGING, UP = "5", "6"
"""ChannelState numbers (include/asterisk/channelstate.h)."""

JUST_NOW_MS = 2_000
"""A caller who came less than this ago comes now; one who came earlier is back and keeps his place."""

RING_SLACK_MS = 250
"""A ring that lasted this close to its time-out was ended by it; Asterisk then reports a normal clearing."""

_UNREACHABLE_STATES = frozenset({"UNAVAILABLE", "INVALID"})

# Hang-up causes are those of ITU-T Q.850; chan_pjsip maps SIP answers to them (hangup_sip2cause in
# channels/chan_pjsip.c): 486 -> 17, 603 -> 21, 408 -> 18, 480 -> 19, 404 -> 1, no contact -> 20 or 3.
_REFUSED = frozenset({21})
_BUSY = frozenset({17})
_NO_ANSWER = frozenset({18, 19})
_UNREACHABLE = frozenset({1, 2, 3, 20, 22, 27, 38})


class Held(msgspec.Struct, kw_only=True):
    """A caller's channel."""

    channel: str
    number: str
    name: str
    queue: str


class Leg(msgspec.Struct, kw_only=True):
    """A seat's channel."""

    call: str
    seat: str
    ring_ms: int = 0
    made_at: int = 0
    exists: bool = False
    ringing: bool = False
    answered: bool = False
    joined: bool = False
    withdrawn: bool = False
    bridges: dict[str, set[str]] = msgspec.field(default_factory=dict)
    """Bridge -> which of the two, leg and caller, entered it."""


class Channels:
    """The channels that matter: callers who wait or talk, seats' legs, and other calls of seats' handsets."""

    def __init__(self, handsets: Mapping[str, str]) -> None:
        self.calls: dict[str, Held] = {}
        self.legs: dict[str, Leg] = {}
        self.unwanted: list[str] = []
        """Legs that came into being after their offer was withdrawn; to be hung up by whoever reads this."""
        self._own: dict[str, set[str]] = {}
        self._reachable: dict[str, bool] = {}
        self._collectors: list[set[str]] = []
        self.set_handsets(handsets)

    def set_handsets(self, handsets: Mapping[str, str]) -> None:
        """Seat name -> handset (`PJSIP/101`): from the configuration, again at each reload."""
        self.handset_of = dict(handsets)
        self._seat_of = {handset: seat for seat, handset in handsets.items()}

    def take(self, message: Message, at: int) -> list[ev.AnyEvent]:
        """Say what a message of the switch means."""
        match text(message, "Event"):
            case "UserEvent":
                return self._user_event(message, at)
            case "Newchannel":
                return self._new_channel(message)
            case "Newstate":
                return self._new_state(message)
            case "BridgeEnter":
                return self._bridge_enter(message)
            case "Hangup":
                return self._hangup(message, at)
            case "DeviceStateChange":
                return self._device_state(message)
            case "Rename":
                if (held := self.calls.get(text(message, "Uniqueid"))) is not None:
                    held.channel = text(message, "Newname")
        return []

    def leg_ended(self, offer: str, outcome: ev.OfferOutcome) -> list[ev.AnyEvent]:
        """A leg is gone, or never came to be. Said once, however many signs there are of it."""
        return [ev.OfferEnded(offer=offer, outcome=outcome)] if self.legs.pop(offer, None) is not None else []

    # Snapshots

    @contextmanager
    def endings(self) -> Iterator[set[str]]:
        """Collect the channels that end meanwhile: a list that is being written may hold them all the same."""
        ended: set[str] = set()
        self._collectors.append(ended)
        try:
            yield ended
        finally:
            self._collectors.remove(ended)

    def snapshot(self, asked: int, channels: Iterable[Message], devices: Iterable[Message]) -> ev.Snapshot:
        """Take over all that the switch holds: Status lines and DeviceStateChange lines."""
        calls: list[ev.HeldCall] = []
        legs: list[ev.LiveLeg] = []
        self._own = {}
        for message in channels:
            unique, seat = text(message, "Uniqueid"), self._seat(text(message, "Channel"))
            variables = _variables(message)
            joined = text(message, "BridgeID") != ""
            if unique.startswith(OFFER_PREFIX):
                leg = self.legs.setdefault(unique, Leg(call=variables.get("ACD_CALL", ""), seat=seat or ""))
                leg.exists = True
                leg.answered = leg.answered or text(message, "ChannelState") == UP
                legs.append(ev.LiveLeg(offer=unique, call=leg.call, seat=leg.seat, joined=joined))
            elif variables.get("ACD_QUEUE"):
                calls.append(self._held(message, variables, asked, joined=joined))
            elif seat is not None:
                self._own.setdefault(seat, set()).add(unique)
        present = {call.call for call in calls}
        self.calls = {unique: held for unique, held in self.calls.items() if unique in present}
        for message in devices:
            if (seat := self._seat_of.get(text(message, "Device"))) is not None:
                self._reachable[seat] = text(message, "State") not in _UNREACHABLE_STATES
        handsets = tuple(self._handset(seat) for seat in self.handset_of)
        return ev.Snapshot(asked=asked, calls=tuple(calls), legs=tuple(legs), handsets=handsets)

    def _held(self, message: Message, variables: Mapping[str, str], asked: int, *, joined: bool) -> ev.HeldCall:
        held = self._know(message, variables["ACD_QUEUE"])
        return ev.HeldCall(
            call=text(message, "Uniqueid"),
            queue=held.queue,
            since=_number(variables.get("ACD_ARRIVED", "")) or asked,
            caller=held.number,
            priority=_number(variables.get("ACD_PRIORITY", "")),
            waiting=text(message, "Context") == "acd-hold" and not joined,
        )

    # Events

    def _user_event(self, message: Message, at: int) -> list[ev.AnyEvent]:
        unique = text(message, "Uniqueid")
        match text(message, "UserEvent"):
            case "CallArrived":
                held = self._know(message, text(message, "Queue"))
                since = _number(text(message, "Since"))
                return [
                    ev.CallArrived(
                        call=unique,
                        queue=held.queue,
                        caller=held.number,
                        priority=_number(text(message, "Class")),  # `Priority` is the dialplan's
                        since=since if since is not None and since < at - JUST_NOW_MS else None,
                    )
                ]
            case "CallLeft":
                if self.calls.pop(unique, None) is not None:
                    return [ev.CallEnded(call=unique, reason="key-exit")]
        return []

    def _new_channel(self, message: Message) -> list[ev.AnyEvent]:
        unique, seat = text(message, "Uniqueid"), self._seat(text(message, "Channel"))
        if unique.startswith(OFFER_PREFIX):
            if (leg := self.legs.get(unique)) is not None:
                leg.exists = True
                if leg.withdrawn:
                    self.unwanted.append(unique)
        elif seat is not None:
            self._own.setdefault(seat, set()).add(unique)
            return self._handset_changed(seat)
        return []

    def _new_state(self, message: Message) -> list[ev.AnyEvent]:
        leg = self.legs.get(unique := text(message, "Uniqueid"))
        if leg is None:
            return []
        match text(message, "ChannelState"):
            case "5" if not leg.ringing:
                leg.ringing = True
                return [ev.OfferRinging(offer=unique)]
            case "6" if not leg.answered:
                leg.answered = True
                return [ev.OfferAnswered(offer=unique)]
        return []

    def _bridge_enter(self, message: Message) -> list[ev.AnyEvent]:
        """Both must be inside; which of them enters first is the switch's affair."""
        unique, bridge = text(message, "Uniqueid"), text(message, "BridgeUniqueid")
        joined: list[ev.AnyEvent] = []
        for offer, leg in self._legs_of(unique):
            inside = leg.bridges.setdefault(bridge, set())
            inside.add(unique)
            if len(inside) == 2 and not leg.joined:
                leg.joined = True
                joined.append(ev.Connected(offer=offer))
        return joined

    def _legs_of(self, unique: str) -> Sequence[tuple[str, Leg]]:
        if unique in self.legs:
            return [(unique, self.legs[unique])]
        if unique not in self.calls:
            return []
        return [(offer, leg) for offer, leg in self.legs.items() if leg.call == unique]

    def _hangup(self, message: Message, at: int) -> list[ev.AnyEvent]:
        unique, seat = text(message, "Uniqueid"), self._seat(text(message, "Channel"))
        for ended in self._collectors:
            ended.add(unique)
        if (leg := self.legs.get(unique)) is not None:
            return self.leg_ended(unique, outcome_of(leg, _number(text(message, "Cause")) or 0, at))
        if self.calls.pop(unique, None) is not None:
            return [ev.CallEnded(call=unique)]
        if seat is not None and unique in self._own.get(seat, ()):
            self._own[seat].discard(unique)
            return self._handset_changed(seat)
        return []

    def _device_state(self, message: Message) -> list[ev.AnyEvent]:
        seat = self._seat_of.get(text(message, "Device"))
        reachable = text(message, "State") not in _UNREACHABLE_STATES
        if seat is None or reachable == self._reachable.get(seat):
            return []
        self._reachable[seat] = reachable
        return self._handset_changed(seat)

    # Small things

    def _know(self, message: Message, queue: str) -> Held:
        held = self.calls[text(message, "Uniqueid")] = Held(
            channel=text(message, "Channel"),
            number=_said(message, "CallerIDNum"),
            name=_said(message, "CallerIDName"),
            queue=queue,
        )
        return held

    def _seat(self, channel: str) -> str | None:
        """Find the seat whose handset a channel belongs to: `PJSIP/101-00000012` is one of `PJSIP/101`."""
        return self._seat_of.get(channel.rpartition("-")[0])

    def _handset(self, seat: str) -> ev.HandsetState:
        return ev.HandsetState(seat=seat, reachable=self._reachable.get(seat, False), busy=bool(self._own.get(seat)))

    def _handset_changed(self, seat: str) -> list[ev.AnyEvent]:
        state = self._handset(seat)
        return [ev.HandsetChanged(seat=seat, reachable=state.reachable, busy=state.busy)]


def outcome_of(leg: Leg, cause: int, at: int) -> ev.OfferOutcome:
    """Say in one word how a leg ended."""
    if leg.answered:
        return "hung-up"
    if leg.withdrawn:
        return "withdrawn"
    if cause in _REFUSED:
        return "refused"
    if cause in _BUSY:
        return "busy"
    if cause in _NO_ANSWER or (leg.ring_ms and at - leg.made_at >= leg.ring_ms - RING_SLACK_MS):
        return "no-answer"
    return "unreachable" if cause in _UNREACHABLE else "failed"


def _said(message: Message, header: str) -> str:
    """A caller's number or name; Asterisk writes `<unknown>` where there is none."""
    value = text(message, header)
    return "" if value == "<unknown>" else clean(value, 64)


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None


def _variables(message: Message) -> dict[str, str]:
    """Read the channel variables of a Status line, `Variable: NAME=value` each."""
    lines: Iterable[str] = message.get("Variable", [])
    if isinstance(lines, str):
        lines = [lines]
    return {name: value for name, _, value in (str(line).partition("=") for line in lines)}
