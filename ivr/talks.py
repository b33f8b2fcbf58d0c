"""Who hears a caller, besides the seat whose offer it is: whom he was given to, and whoever is asked first.

The switch tells who enters a bridge and who leaves it. A caller waits in a bridge of his own, so whoever else
is where he is talks to him; a seat's leg, which has an offer, and the voice of an announcement are known otherwise.
A Local channel is nobody: one half of it, `;1`, stands where the caller is, and who hears him is where `;2` stands;
while that one only rings, or is in an application, nobody does.
"""

from collections.abc import Callable, Collection, Iterable, Mapping

from acd.core import events as ev
from ivr.ami import Message, clean, text
from ivr.held import OFFER_PREFIX, WIRE_PREFIX, WORDS_PREFIX

_LOCAL = "Local/"
_THEMSELVES = (OFFER_PREFIX, WORDS_PREFIX, WIRE_PREFIX)
"""Unique ids of Local channels that are ours: a seat's leg on a wire, a voice."""
_OTHER_HALF = {"1": "2", "2": "1"}


class Talks:
    """All bridges, and who is in them."""

    def __init__(self, seat_of: Callable[[str], str | None]) -> None:
        """Begin with none. `seat_of` finds the seat that a channel belongs to."""
        self._seat_of = seat_of
        self._inside: dict[str, dict[str, str]] = {}
        """Bridge -> unique id -> channel of each who is in it."""
        self._halves: dict[str, str] = {}
        """Half of a Local channel -> the bridge that it is in."""
        self._told: dict[str, set[str]] = {}
        """Call -> the legs that were told of."""
        self._held: set[tuple[str, str]] = set()
        """The pairs (call, leg) of which the leg has the call on hold."""
        self._blind = True
        """Who is where is not known, but of those that have moved since."""
        self._moved: set[str] = set()
        self._unsure: set[str] = set()
        """Those of whom it is not known whether they have somebody on hold: the switch tells of its end alone."""

    def take(self, message: Message, calls: Collection[str]) -> list[ev.AnyEvent]:
        """Say what a message means; `calls` are the callers."""
        unique, bridge, channel = (text(message, name) for name in ("Uniqueid", "BridgeUniqueid", "Channel"))
        match text(message, "Event"):
            case "BridgeEnter":
                self._enter(bridge, unique, channel)
                reached = self._reach(bridge)
                return [*self._back(reached, unique), *self._changes(reached, unique, calls)]
            case "BridgeLeave":
                self._moved.update([unique] if self._blind else [])
                reached = self._reach(bridge)
                inside = self._inside.get(bridge, {})
                inside.pop(unique, None)
                if not inside:
                    self._inside.pop(bridge, None)
                if self._halves.get(channel) == bridge:
                    del self._halves[channel]
                return self._changes(reached, unique, calls)
            case "Hold" | "Unhold":
                return self._holds(unique, calls, held=text(message, "Event") == "Hold")
            case "Hangup":
                return self._hung_up(unique)
        return []

    def inside(self, bridge: str) -> Collection[str]:
        """Return the unique ids of those who hear each other in a bridge and, through Local channels, in others."""
        return self._hearing(self._reach(bridge)).keys()

    def forget(self) -> None:
        """Nothing is known any more: the link is gone, and who left meanwhile nobody tells."""
        self._inside.clear()
        self._halves.clear()
        self._told.clear()
        self._held.clear()
        self._moved.clear()
        self._blind = True

    def look(
        self, channels: Iterable[Message], gone: Collection[str], calls: Collection[str], offers: Mapping[str, str]
    ) -> tuple[ev.LiveTalk, ...] | None:
        """Take over from Status lines who is where, after a gap, and say who talks to whom; None if there was none.

        Of who has moved or gone meanwhile the events have told. `offers` are seats' legs that talk, each with its call.
        """
        if not self._blind:
            return None
        moved = {*self._moved, *gone}
        for message in channels:
            unique, bridge = text(message, "Uniqueid"), text(message, "BridgeID")
            if bridge and unique not in moved:
                self._enter(bridge, unique, text(message, "Channel"))
        self._blind, self._unsure = False, {unique for inside in self._inside.values() for unique in inside}
        joined = self._changes(list(self._inside), "", calls)
        who = {(one.call, one.leg): one.who for one in joined if isinstance(one, ev.LegJoined)}
        talks = [(call, leg) for call in sorted(self._told) for leg in sorted(self._told[call])]
        asking = [
            (call, offer)
            for offer, call in sorted(offers.items())
            for bridge, inside in self._inside.items()
            if call in calls and offer in inside and call not in self.inside(bridge)
        ]
        self._held.update(asking)
        return (
            *(ev.LiveTalk(call=call, leg=leg, who=who.get((call, leg), "")) for call, leg in talks),
            *(ev.LiveTalk(call=call, leg=offer, held=True) for call, offer in asking),
        )

    def _enter(self, bridge: str, unique: str, channel: str) -> None:
        self._inside.setdefault(bridge, {})[unique] = channel
        if channel.startswith(_LOCAL) and not unique.startswith(_THEMSELVES):
            self._halves[channel] = bridge
        self._moved.update([unique] if self._blind else [])

    def _reach(self, bridge: str) -> list[str]:
        """Name a bridge and those that Local channels make one talk with it."""
        reached = [bridge]
        for one in reached:
            for channel in self._inside.get(one, {}).values():
                other = self._behind(channel)
                if other is not None and other not in reached:
                    reached.append(other)
        return reached

    def _behind(self, channel: str) -> str | None:
        """Name the bridge in which the other half of a Local channel is."""
        other = channel[:-1] + _OTHER_HALF.get(channel[-1:], "")
        return self._halves.get(other) if channel in self._halves else None

    def _hearing(self, bridges: Iterable[str]) -> dict[str, str]:
        """Give those who are in some bridges, each with his channel."""
        return {
            unique: channel
            for bridge in bridges
            for unique, channel in self._inside.get(bridge, {}).items()
            if channel not in self._halves
        }

    def _holds(self, leg: str, calls: Collection[str], *, held: bool) -> list[ev.AnyEvent]:
        """Say whose callers a leg puts on hold or takes back; telephones say the second unasked, too."""
        if not held:
            over = {pair for pair in self._held if pair[1] == leg}
            if leg in self._unsure:
                self._unsure.discard(leg)
                over |= {(call, leg) for call in self.inside(self._where(leg)) if call in calls and call != leg}
            self._held.difference_update(over)
            return [ev.LegHeld(call=call, leg=leg, held=False) for call, _ in sorted(over)]
        bridge = self._where(leg)
        new = [
            (call, leg)
            for call in self.inside(bridge)
            if call in calls and call != leg and (call, leg) not in self._held
        ]
        self._held.update(new)
        return [ev.LegHeld(call=call, leg=leg, held=True) for call, _ in new]

    def _where(self, unique: str) -> str:
        return next((bridge for bridge, inside in self._inside.items() if unique in inside), "")

    def _back(self, bridges: Iterable[str], moved: str) -> list[ev.AnyEvent]:
        """Who had a caller on hold to ask somebody hears him again; where all three talk the switch does not say so."""
        hearing = self._hearing(bridges) if self._held else {}
        over = sorted(pair for pair in self._held if moved in pair and pair[0] in hearing and pair[1] in hearing)
        self._held.difference_update(over)
        return [ev.LegHeld(call=call, leg=leg, held=False) for call, leg in over]

    def _hung_up(self, unique: str) -> list[ev.AnyEvent]:
        """One who had a caller on hold, in another talk himself, comes back no more."""
        self._told.pop(unique, None)
        self._unsure.discard(unique)
        if not self._held:
            return []
        gone = sorted(call for call, leg in self._held if leg == unique and leg in self._told.get(call, ()))
        self._held = {pair for pair in self._held if unique not in pair}
        return [self._left(call, unique) for call in gone]

    def _left(self, call: str, leg: str) -> ev.AnyEvent:
        legs = self._told[call]
        legs.discard(leg)
        if not legs:
            del self._told[call]
        return ev.LegLeft(call=call, leg=leg)

    def _changes(self, bridges: Iterable[str], moved: str, calls: Collection[str]) -> list[ev.AnyEvent]:
        """Say who hears a caller now and did not before, and who does no more, of all whom a move concerns."""
        left, joined = list[ev.AnyEvent](), list[ev.AnyEvent]()
        now: dict[str, dict[str, str]] = {moved: {}} if moved in self._told else {}
        for bridge in bridges:
            hearing = self._hearing(self._reach(bridge))
            legs = {
                unique: hearing[unique] for unique in hearing if not unique.startswith((OFFER_PREFIX, WORDS_PREFIX))
            }
            for call in legs:
                if call in calls:
                    now[call] = {unique: channel for unique, channel in legs.items() if unique != call}
        for call in sorted(now):
            told = self._told.get(call, set())
            stays = {leg for leg in told if (call, leg) in self._held}  # asks somebody else, with this one on hold
            left += [self._left(call, leg) for leg in sorted(told - now[call].keys() - stays)]
            for leg in sorted(now[call].keys() - told):
                self._told.setdefault(call, set()).add(leg)
                who = self._seat_of(now[call][leg]) or clean(now[call][leg], 80)
                joined.append(ev.LegJoined(call=call, leg=leg, who=who))
        return left + joined
