"""Callers who were given away: with whom each of them talked, when, and for how long.

A fold of its own beside the ledger's. Of each call in the house it keeps the legs that heard it: seats by offers, and
whoever came in by a transfer. When the call is gone, those that were given to somebody are told of; the others are in
the ledger's stays.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct, field

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.model import State

SEAM_MS = 100
"""Who is back so soon was never away: the switch has put the two into one bridge, which were in two."""


class Leg(Struct, kw_only=True):
    """One who talked to a caller."""

    name: str
    """The offer, or the switch's unique id of the channel."""
    who: str
    """A seat, or what the switch calls the channel."""
    start: int
    end: int | None = None
    hold_ms: int = 0
    """For how long he had the caller on hold meanwhile, or was in another talk to ask somebody."""
    held_at: int | None = None
    """Since when he has; None if he has not."""

    def hold(self, at: int, *, held: bool) -> None:
        """He puts the caller on hold, or takes him back."""
        if self.held_at is not None:
            self.hold_ms += at - self.held_at
        self.held_at = at if held else None

    @property
    def talk_ms(self) -> int:
        """How long the caller heard him, so without what he was on hold; 0 while it lasts."""
        return 0 if self.end is None else self.end - self.start - self.hold_ms


class Gift(Struct, kw_only=True):
    """One transfer."""

    at: int
    seat: str
    """Who gave the caller away; empty where the switch could not tell."""
    to: str
    asked_first: bool


class Path(Struct, kw_only=True):
    """A call's way from one to the other."""

    call: str
    caller: str
    came: int
    """A look at the switch that was asked for before cannot miss it."""
    legs: list[Leg] = field(default_factory=list)
    gifts: list[Gift] = field(default_factory=list)
    others: int = 0
    """Legs of those who had no offer for it."""

    @property
    def was_given(self) -> bool:
        """Whether anybody but the seat that had an offer talked to the caller, or was to."""
        return bool(self.gifts or self.others)

    @property
    def at(self) -> int:
        """When that began."""
        first = self.gifts[0].at if self.gifts else self.legs[-1].start
        return min([first, *(leg.start for leg in self.legs[1:])])


class Legs:
    """The fold: `note` it every event with its commands, in order."""

    def __init__(self, state: State | None = None) -> None:
        self.given: list[Path] = []
        """Calls that were given away and are gone by now, until somebody takes them from here."""
        self.holds: list[tuple[str, int, int]] = []
        """Seat, when its leg ended, and for how long the caller was on hold, until somebody takes them from here."""
        self._paths: dict[str, Path] = {}
        self._offers: dict[str, tuple[str, str]] = {}
        self._handlers: dict[type[ev.Event], Callable[[Any], None]] = {
            ev.CallArrived: self._arrived,
            ev.Connected: self._connected,
            ev.OfferEnded: self._offer_ended,
            ev.LegJoined: self._leg_joined,
            ev.LegHeld: self._leg_held,
            ev.LegLeft: lambda leg: self._left(leg.call, leg.leg, leg.at),
            ev.CallTransferred: self._transferred,
            ev.CallEnded: lambda end: self._gone(end.call, end.at),
            ev.Snapshot: self._snapshot,
        }
        for call in state.calls.values() if state is not None else ():
            self._paths[call.id] = Path(call=call.id, caller=call.caller, came=call.known_at)
        for offer in state.offers.values() if state is not None else ():
            if offer.call is not None:
                self._offers[offer.id] = offer.call, offer.seat
                if offer.connected_at is not None:
                    leg = Leg(name=offer.id, who=offer.seat, start=offer.connected_at)
                    self._paths[offer.call].legs.append(leg)

    @property
    def open(self) -> list[Path]:
        """Calls that were given away and are still in the house."""
        return [path for path in self._paths.values() if path.was_given]

    def note(self, event: ev.AnyEvent, commands: Sequence[cmd.AnyCommand]) -> None:
        """Take in an event and what followed from it."""
        handle = self._handlers.get(type(event))
        if handle is not None:
            handle(event)
        for command in commands:
            if isinstance(command, cmd.Offer):
                self._offers[command.offer] = command.call, command.seat

    def _arrived(self, event: ev.CallArrived) -> None:
        if event.call not in self._paths:
            self._paths[event.call] = Path(call=event.call, caller=event.caller, came=event.at)

    def _connected(self, event: ev.Connected) -> None:
        if event.offer in self._offers:
            call, seat = self._offers[event.offer]
            self._joined(call, Leg(name=event.offer, who=seat, start=event.at))

    def _leg_joined(self, event: ev.LegJoined) -> None:
        self._joined(event.call, Leg(name=event.leg, who=event.who, start=event.at))
        if event.call in self._paths:
            self._paths[event.call].others += 1

    def _leg_held(self, event: ev.LegHeld) -> None:
        path = self._paths.get(event.call)
        for leg in path.legs if path is not None else ():
            if leg.name == event.leg and leg.end is None:
                leg.hold(event.at, held=event.held)

    def _offer_ended(self, event: ev.OfferEnded) -> None:
        if event.offer in self._offers:
            self._left(self._offers.pop(event.offer)[0], event.offer, event.at)

    def _transferred(self, event: ev.CallTransferred) -> None:
        path = self._paths.get(event.call)
        if path is not None:
            if event.takes in self._paths:
                self._take_over(event)
            path.gifts.append(Gift(at=event.at, seat=event.seat, to=event.to, asked_first=event.asked_first))

    def _take_over(self, event: ev.CallTransferred) -> None:
        """The talk of the agent's own call goes on with his caller."""
        for offer, (call, seat) in list(self._offers.items()):
            if call == event.takes:
                self._left(call, offer, event.at)
                self._offers[offer] = event.call, seat
                self._joined(event.call, Leg(name=offer, who=seat, start=event.at))

    def _snapshot(self, event: ev.Snapshot) -> None:
        held = {call.call for call in event.calls}
        for call in [name for name, path in self._paths.items() if name not in held and path.came < event.asked]:
            self._gone(call, event.at)
        for known in event.calls:
            if known.call not in self._paths:
                self._paths[known.call] = Path(call=known.call, caller=known.caller, came=event.at)
        self._look_at_offers(event)
        if event.talks is not None:
            self._look_at_others(event, event.talks)

    def _look_at_offers(self, event: ev.Snapshot) -> None:
        """Legs of seats that are gone, or talk, though nobody has told of it."""
        live = {leg.offer: leg for leg in event.legs}
        for offer, (call, seat) in list(self._offers.items()):
            leg = live.get(offer)
            if leg is None and self._is_open(call, offer, event.asked):
                del self._offers[offer]
                self._left(call, offer, event.at)
            elif leg is not None and leg.joined:
                if leg.call != call and leg.call in self._paths:  # taken over, see `_take_over`
                    self._left(call, offer, event.at)
                    self._offers[offer] = leg.call, seat
                self._joined(self._offers[offer][0], Leg(name=offer, who=seat, start=event.at))

    def _is_open(self, call: str, name: str, asked: int) -> bool:
        path = self._paths.get(call)
        legs = path.legs if path is not None else []
        return any(leg.name == name and leg.end is None and leg.start < asked for leg in legs)

    def _look_at_others(self, event: ev.Snapshot, talks: Sequence[ev.LiveTalk]) -> None:
        """After a gap: who else talks to whom, and who has gone meanwhile."""
        now = {(talk.call, talk.leg) for talk in talks}
        for path in self._paths.values():
            for leg in path.legs:
                old = leg.end is None and leg.start < event.asked and leg.name not in self._offers
                if old and (path.call, leg.name) not in now:
                    self._end(leg, event.at)
        for talk in talks:
            if talk.held:
                self._leg_held(ev.LegHeld(at=event.at, call=talk.call, leg=talk.leg, held=True))
            elif not self._is_open(talk.call, talk.leg, event.at + 1):
                self._leg_joined(ev.LegJoined(at=event.at, call=talk.call, leg=talk.leg, who=talk.who))

    def _joined(self, call: str, leg: Leg) -> None:
        path = self._paths.get(call)
        if path is None:
            return
        for known in path.legs:
            if known.name == leg.name and (known.end is None or leg.start - known.end <= SEAM_MS):
                self.holds = [one for one in self.holds if one != (known.who, known.end, known.hold_ms)]
                known.end = None
                return
        path.legs.append(leg)

    def _left(self, call: str, name: str, at: int) -> None:
        path = self._paths.get(call)
        for leg in path.legs if path is not None else ():
            if leg.name == name and leg.end is None:
                self._end(leg, at)

    def _end(self, leg: Leg, at: int) -> None:
        leg.end = at
        leg.hold(at, held=False)
        if leg.hold_ms:
            self.holds.append((leg.who, at, leg.hold_ms))

    def _gone(self, call: str, at: int) -> None:
        path = self._paths.pop(call, None)
        if path is None:
            return
        for leg in path.legs:
            if leg.end is None:
                self._end(leg, at)
        if path.was_given:
            self.given.append(path)
