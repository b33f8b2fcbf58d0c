"""What Asterisk's manager events mean: message in, core events out.

No socket and no clock, so a recorded transcript is a complete test.

    UserEvent CallArrived / CallLeft  (acd-hold, acd-fallback)      -> CallArrived / CallEnded
    DTMFEnd of a caller in acd-hold                                 -> KeyPressed
    Newstate, Hangup, BridgeEnter of a channel named offer-...      -> OfferRinging OfferAnswered Connected OfferEnded
    Newchannel, Hangup of other channels of a handset               -> HandsetChanged busy
    DeviceStateChange of a handset                                  -> HandsetChanged reachable
    Newchannel, Hangup, DeviceStateChange of a trunk and events of ivr.trunks       -> LineChanged
    DialEnd, Hangup of a channel that calls out (ivr.outs)          -> LegAnswered LegEnded
    Hangup of a caller                                              -> CallEnded
    a caller who waits goes where we did not send him (ivr.led_away) -> CallEnded
    UserEvent CallTransferred (acd-given); AttendedTransfer (ivr.consults)   -> CallTransferred
    who else comes to a caller (ivr.talks)                          -> LegJoined LegLeft LegHeld

A seat's leg is the channel whose unique id is its offer's (Originate's ChannelId; `ivr.wires`): none is mixed up.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from acd.core import events as ev
from acd.core.outcomes import OfferOutcome
from acd.core.outgoing import CUSTOMER
from ivr.ami import Message, clean, text
from ivr.causes import outcome_of
from ivr.consults import Asked, asked_first, taken_over
from ivr.forwards import Forwards
from ivr.handsets import Handsets
from ivr.held import OFFER_PREFIX, TALK_MARK, WORDS_PREFIX, Held, Leg, Meanwhile
from ivr.led_away import LedAway, is_of_dialplan
from ivr.legs import found
from ivr.listen import Listeners
from ivr.needs import asked_for, number, read_variables, said
from ivr.outs import Outs
from ivr.talks import Talks
from ivr.trunks import Trunks
from ivr.wires import Wires

__all__ = ["VARIABLES", "Channels", "Held", "Leg", "Meanwhile", "number"]

EVENTS = Trunks.EVENTS | Outs.EVENTS | LedAway.EVENTS | frozenset({"AttendedTransfer", "DeviceStateChange", "DTMFEnd"})
EVENTS |= {"Hold", "Newchannel", "Newstate", "Rename", "Unhold", "UserEvent"}
"""The events that mean something here."""

VARIABLES = "ACD_QUEUE,ACD_PRIORITY,ACD_ARRIVED,ACD_CALL,ACD_NEEDS,ACD_AHEAD,ACD_WANTED,ACD_RUNG,ACD_SHARED,ACD_LINE"
VARIABLES += f",{Outs.VARIABLES},{TALK_MARK},{Wires.VARIABLES}"
"""The channel variables that a snapshot must ask for."""

DIGITS = frozenset("0123456789*#")
RINGING, UP = "5", "6"
"""ChannelState numbers (include/asterisk/channelstate.h)."""

JUST_NOW_MS = 2_000
"""A caller who came less than this ago comes now; one who came earlier is back and keeps his place."""

_WISHES = {"Needs": "ACD_NEEDS", "Ahead": "ACD_AHEAD", "Seat": "ACD_WANTED"}
"""What a call asks for: the header in which its arrival tells it, and the variable that keeps it."""

_UNREACHABLE_STATES = frozenset({"UNAVAILABLE", "INVALID"})


class Channels:
    """The channels that matter: callers who wait or talk, seats' legs, and other calls of seats' handsets."""

    def __init__(self, handsets: Mapping[str, str], phones: Mapping[str, str] | None = None) -> None:
        self.calls: dict[str, Held] = {}
        self.legs: dict[str, Leg] = {}
        self.asked: list[Asked] = []
        """Callers who are to wait where their agent waited to ask; to be moved there by whoever reads this."""
        self.unwanted: list[str] = []
        """Legs that came into being and are not wanted, or not any more; to be hung up by whoever reads this."""
        self.ahead_ms = 0  # by how much Asterisk's clock is ahead of ours
        self.back_to: Callable[[Held], Mapping[str, Any]] = lambda _: {}  # how a caller can be called back
        self.handsets = Handsets(handsets, phones)
        self.talks = Talks(self.handsets.at)
        self._notes: list[Meanwhile] = []
        self.trunks, self.outs, self.led_away = Trunks(self._notes), Outs(self._notes), LedAway()
        self._listeners, self._forwards, self.wires = Listeners(), Forwards(), Wires()

    def take(self, message: Message, at: int) -> list[ev.AnyEvent]:
        """Say what a message of the switch means."""
        if (heard := self.wires.read(message, self.legs)) is None:
            return []
        message = heard
        self.unwanted += self._forwards.take(message, self.legs)
        gone = self.led_away.take(message, self.calls, self.legs, self._notes)
        of_talks = self.talks.take(message, self.calls)
        told = [*gone, *self._of_calls(message, at), *self._key(message), *of_talks, *self.outs.take(message)]
        return told if self.outs.is_far_leg(message) else [*told, *self.trunks.take(message, self.lines_taken())]

    def _of_calls(self, message: Message, at: int) -> list[ev.AnyEvent]:
        match text(message, "Event"):
            case "UserEvent":
                return self._user_event(message, at) if is_of_dialplan(message) else []
            case "Newchannel":
                return self._new_channel(message, at)
            case "Newstate":
                return self._new_state(message)
            case "BridgeEnter":
                return self._bridge_enter(message)
            case "Hangup":
                return self._hangup(message, at)
            case "AttendedTransfer":
                told, asked = asked_first(message, self.calls, self.legs, self.handsets.at)
                self.asked += asked
                return told
            case "DeviceStateChange":
                return self._device_state(message)
            case "Rename":
                if (held := self.calls.get(text(message, "Uniqueid"))) is not None:
                    held.channel = text(message, "Newname")
        return []

    def leg_ended(self, offer: str, outcome: OfferOutcome) -> list[ev.AnyEvent]:
        """A leg is gone, or never came to be. Said once, however many signs there are of it."""
        return [ev.OfferEnded(offer=offer, outcome=outcome)] if self.legs.pop(offer, None) is not None else []

    def attended(self, offer: str) -> list[ev.AnyEvent] | None:
        """Say that the agent of a leg has the virtual call before him; None if it is not his: he was too late for it.

        He who comes again, after a restart of the server, still has it.
        """
        leg = self.legs.get(offer)
        if leg is None or leg.withdrawn:
            return None
        if any(other.joined for other in self.legs.values() if other is not leg and other.call == leg.call):
            return None
        leg.answered = leg.joined = True
        return [*([ev.OfferAnswered(offer=offer)] if leg.shared else []), ev.Connected(offer=offer)]

    def lines_taken(self) -> list[str]:
        """Name the trunk lines that carry legs of ours."""
        return [*self.outs.lines, *(leg.line for leg in self.legs.values() if leg.line)]

    def knows(self, unique: str) -> bool:
        """Whether this is a caller's channel, or a seat's leg, that has not ended."""
        return unique in self.calls or unique in self.legs

    def link_lost(self) -> None:
        """Whether a leg came of what was asked for just before is for the next snapshot to say."""
        self.legs = {offer: leg for offer, leg in self.legs.items() if leg.exists}
        self.talks.forget()
        self.wires.forget()

    # Snapshots

    @contextmanager
    def meanwhile(self) -> Iterator[Meanwhile]:
        """Note what changes while the switch writes its lists and we read them: there the event is right."""
        noted = Meanwhile()
        self._notes.append(noted)
        try:
            yield noted
        finally:
            self._notes.remove(noted)

    def snapshot(
        self,
        asked: int,
        channels: Iterable[Message],
        devices: Sequence[Message],
        meanwhile: Meanwhile,
        more: Mapping[str, Sequence[Message]] | None = None,
    ) -> ev.Snapshot:
        """Take over all that the switch holds: Status lines, DeviceStateChange lines, and what trunks need besides."""
        calls, legs = list[ev.HeldCall](), list[ev.LiveLeg]()
        seen = self.wires.snapshot([(message, read_variables(message)) for message in channels], self.legs)
        channels, variables_of = [message for message, _ in seen], [variables for _, variables in seen]
        in_bridge = Counter(
            text(message, "BridgeID")
            for message in channels
            if not text(message, "Uniqueid").startswith(WORDS_PREFIX)  # who is spoken to still waits
        )
        present = {text(message, "Uniqueid") for message in channels} - meanwhile.ended
        handsets = self.handsets
        handsets.own = {device: own & meanwhile.begun for device, own in handsets.own.items()}
        outgoing = self.outs.snapshot(zip(channels, variables_of, strict=True), in_bridge, meanwhile)
        for message, variables in zip(channels, variables_of, strict=True):
            unique, device = text(message, "Uniqueid"), handsets.device(text(message, "Channel"))
            if unique in meanwhile.ended:
                continue
            joined = self._joined(message, in_bridge) or variables.get(TALK_MARK, "") in present
            if unique.startswith(OFFER_PREFIX):
                legs.append(self._live(message, variables, asked, joined=joined))
                continue
            if variables.get("ACD_QUEUE"):
                calls.append(self._held(message, variables, asked, joined=joined))
            if handsets.knows(device):
                handsets.own.setdefault(device, set()).add(unique)
        self._keep_young(legs, asked)
        still = {call.call for call in calls} | meanwhile.begun
        self.calls = {unique: held for unique, held in self.calls.items() if unique in still}
        handsets.reachable = {one: known for one, known in handsets.reachable.items() if one in meanwhile.handsets}
        for message in devices:
            if handsets.knows(device := text(message, "Device")):
                handsets.reachable.setdefault(device, text(message, "State") not in _UNREACHABLE_STATES)
        others = [message for message in channels if not self.outs.is_far_leg(message)]
        talking = {offer: leg.call for offer, leg in self.legs.items() if leg.joined}
        lines, troubles = self.trunks.snapshot(others, devices, more or {}, self.lines_taken(), meanwhile)
        return ev.Snapshot(
            asked=asked,
            calls=tuple(calls),
            legs=tuple(legs),
            handsets=handsets.states(),
            lines=lines,
            troubles=troubles,
            outgoing=outgoing,
            talks=self.talks.look(channels, meanwhile.ended, self.calls, talking),
        )

    def _live(self, message: Message, variables: Mapping[str, str], asked: int, *, joined: bool) -> ev.LiveLeg:
        unique, at = text(message, "Uniqueid"), self.handsets.at(text(message, "Channel")) or ""
        leg = self.legs.setdefault(unique, found(variables, at))
        leg.born_at = asked if leg.born_at is None else leg.born_at
        leg.answered = leg.answered or text(message, "ChannelState") == UP
        leg.shared, leg.joined = leg.shared or variables.get("ACD_SHARED") == "1", leg.joined or joined
        return ev.LiveLeg(offer=unique, call=leg.call, seat=leg.seat, joined=joined)

    def _joined(self, message: Message, in_bridge: Mapping[str, int]) -> bool:
        """Tell a talk from waiting: who waits is alone in a bridge of his own, where the music plays.

        He who talked is alone too, for the moment between the agent's leaving and his own; then his bridge is known.
        """
        bridge, held = text(message, "BridgeID"), self.calls.get(text(message, "Uniqueid"))
        return bridge != "" and (in_bridge[bridge] > 1 or (held is not None and held.talk == bridge))

    def _keep_young(self, legs: list[ev.LiveLeg], asked: int) -> None:
        """Forget the legs that a list should name and does not; a young one may be missing from it and yet live.

        Originate starts a thread and answers before there is a channel; but none comes of it after the ring's time.
        """
        listed = {leg.offer for leg in legs}
        for offer, leg in list(self.legs.items()):
            if offer in listed:
                continue
            unborn_yet = leg.born_at is None and asked < leg.made_at + leg.ring_ms
            if unborn_yet or (leg.born_at or 0) >= asked:
                legs.append(ev.LiveLeg(offer=offer, call=leg.call, seat=leg.seat, joined=False))
            else:
                del self.legs[offer]

    def _held(self, message: Message, variables: Mapping[str, str], asked: int, *, joined: bool) -> ev.HeldCall:
        known = text(message, "Uniqueid") in self.calls
        held = self._know(message, variables["ACD_QUEUE"], waits=text(message, "Context") == "acd-hold" and not joined)
        return ev.HeldCall(
            call=text(message, "Uniqueid"),
            queue=held.queue,
            since=min(self._since(variables.get("ACD_ARRIVED", "")) or asked, asked),
            caller=held.number,
            priority=number(variables.get("ACD_PRIORITY", "")),
            waiting=held.waits,
            **self.back_to(held),
            **asked_for(
                text(message, "Uniqueid"),
                lambda name: clean(variables.get(_WISHES[name], ""), 1024),
                said_before=known,
            ),
        )

    # Events

    def _key(self, message: Message) -> list[ev.AnyEvent]:
        unique, digit = text(message, "Uniqueid"), text(message, "Digit")
        is_one = text(message, "Event") == "DTMFEnd" and text(message, "Direction") == "Received"
        return [ev.KeyPressed(call=unique, key=digit)] if is_one and unique in self.calls and digit in DIGITS else []

    def _user_event(self, message: Message, at: int) -> list[ev.AnyEvent]:
        unique = text(message, "Uniqueid")
        match text(message, "UserEvent"):
            case "Listening":
                return [*self._listeners.take(message, self.handsets.at(text(message, "Channel")), self.legs)]
            case "CallArrived":
                for noted in self._notes:
                    noted.begun.add(unique)
                    noted.ended.discard(unique)
                given = unique.startswith(CUSTOMER) or (unique in self.calls and self.calls[unique].given)
                held = self._know(message, text(message, "Queue"))
                since = self._since(text(message, "Since"))
                return [
                    ev.CallArrived(
                        call=unique,
                        queue=held.queue,
                        caller=held.number,
                        priority=number(text(message, "Class")),  # `Priority` is the dialplan's
                        since=since if since is not None and (given or since < at - JUST_NOW_MS) else None,
                        **self.back_to(held),
                        **asked_for(unique, lambda name: clean(text(message, name), 1024)),
                    )
                ]
            case "CallTransferred" if unique in self.calls:
                self.calls[unique].given, seat = True, self.handsets.at(text(message, "By")) or ""
                return [ev.CallTransferred(call=unique, seat=seat, to=clean(text(message, "To"), 64))]
            case "CallLeft":
                for noted in self._notes:
                    noted.ended.add(unique)
                if self.calls.pop(unique, None) is not None:
                    return [ev.CallEnded(call=unique, reason="key-exit")]
        return []

    def _new_channel(self, message: Message, at: int) -> list[ev.AnyEvent]:
        unique, device = text(message, "Uniqueid"), self.handsets.device(text(message, "Channel"))
        if unique.startswith(OFFER_PREFIX):
            leg = self.legs.get(unique)
            if leg is not None:
                leg.born_at = at
            if leg is None or leg.withdrawn:
                self.unwanted.append(unique)
        elif self.handsets.knows(device):
            for noted in self._notes:
                noted.begun.add(unique)
            self.handsets.own.setdefault(device, set()).add(unique)
            return [*self.handsets.changed(device)]
        return []

    def _new_state(self, message: Message) -> list[ev.AnyEvent]:
        unique, state = text(message, "Uniqueid"), text(message, "ChannelState")
        if (leg := self.legs.get(unique)) is None:
            return []
        match state:
            case "5" if not leg.ringing:
                leg.ringing = True
                return [ev.OfferRinging(offer=unique)]
            case "6" if not leg.answered:
                leg.answered = True
                if leg.shared:
                    return []  # of several who answer at once one gets him, and the bridge tells who
                return [ev.OfferAnswered(offer=unique)]
        return []

    def _bridge_enter(self, message: Message) -> list[ev.AnyEvent]:
        """Both must be inside; which of them enters first is the switch's affair."""
        unique, bridge = text(message, "Uniqueid"), text(message, "BridgeUniqueid")
        joined = taken_over(bridge, self.talks.inside(bridge), self.calls, self.legs)
        for offer, leg in self._legs_of(unique):
            inside = leg.bridges.setdefault(bridge, set())
            inside.add(unique)
            if len(inside) == 2 and not leg.joined:
                leg.joined = True
                if (held := self.calls.get(leg.call)) is not None:
                    held.talk, held.waits = bridge, False
                if leg.shared and leg.withdrawn:
                    self.unwanted.append(offer)  # it had him in the instant of the withdrawal
                if leg.shared:
                    joined.append(ev.OfferAnswered(offer=offer))
                joined.append(ev.Connected(offer=offer))
        return joined

    def _legs_of(self, unique: str) -> Sequence[tuple[str, Leg]]:
        if unique in self.legs:
            return [(unique, self.legs[unique])]
        if unique not in self.calls:
            return []
        return [(offer, leg) for offer, leg in self.legs.items() if leg.call == unique]

    def _hangup(self, message: Message, at: int) -> list[ev.AnyEvent]:
        unique, device = text(message, "Uniqueid"), self.handsets.device(text(message, "Channel"))
        for noted in self._notes:
            noted.ended.add(unique)
        if (leg := self.legs.get(unique)) is not None:
            return self.leg_ended(unique, outcome_of(leg, number(text(message, "Cause")) or 0, at))
        told: list[ev.AnyEvent] = []
        if self.calls.pop(unique, None) is not None:
            told.append(ev.CallEnded(call=unique))
        if unique in (own := self.handsets.own.get(device, set())):
            own.discard(unique)
            told += self.handsets.changed(device)
        return told

    def _device_state(self, message: Message) -> list[ev.AnyEvent]:
        device, reachable = text(message, "Device"), text(message, "State") not in _UNREACHABLE_STATES
        if not self.handsets.knows(device) or reachable == self.handsets.reachable.get(device):
            return []
        self.handsets.reachable[device] = reachable
        for noted in self._notes:
            noted.handsets.add(device)
        return [*self.handsets.changed(device)]

    # Small things

    def _since(self, arrived: str) -> int | None:
        """Read a time of the switch's as one of ours."""
        moment = number(arrived)
        return moment - self.ahead_ms if moment is not None else None

    def _know(self, message: Message, queue: str, *, waits: bool = True) -> Held:
        known = self.calls.get(unique := text(message, "Uniqueid"))
        held = self.calls[unique] = Held(
            channel=text(message, "Channel"),
            number=said(message, "CallerIDNum"),
            name=said(message, "CallerIDName"),
            queue=queue,
            language=clean(text(message, "Language"), 16),
            talk=known.talk if known else "",
            waits=waits,
        )
        return held
