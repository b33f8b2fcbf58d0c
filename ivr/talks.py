"""Who hears a caller, besides the seat whose offer it is: whom he was given to, and whoever is asked first.

The switch tells who enters a bridge and who leaves it. A caller waits in a bridge of his own, so whoever else
is where he is talks to him; a seat's leg, which has an offer, and the voice of an announcement are known otherwise.
"""

from collections.abc import Callable, Collection

from acd.core import events as ev
from ivr.ami import Message, clean, text
from ivr.held import OFFER_PREFIX, WORDS_PREFIX


class Talks:
    """All bridges, and who is in them."""

    def __init__(self, seat_of: Callable[[str], str | None]) -> None:
        """Begin with none. `seat_of` finds the seat that a channel belongs to."""
        self._seat_of = seat_of
        self._inside: dict[str, dict[str, str]] = {}
        """Bridge -> unique id -> channel of each who is in it."""
        self._told: dict[str, set[tuple[str, str]]] = {}
        """Bridge -> the pairs (call, leg) that were told of."""
        self._held: set[tuple[str, str]] = set()
        """The pairs (call, leg) of which the leg has the call on hold."""

    def take(self, message: Message, calls: Collection[str]) -> list[ev.AnyEvent]:
        """Say what a message means; `calls` are the callers."""
        unique, bridge = text(message, "Uniqueid"), text(message, "BridgeUniqueid")
        match text(message, "Event"):
            case "BridgeEnter":
                self._inside.setdefault(bridge, {})[unique] = text(message, "Channel")
            case "BridgeLeave":
                self._inside.get(bridge, {}).pop(unique, None)
            case "Hold" | "Unhold":
                return self._holds(unique, calls, held=text(message, "Event") == "Hold")
            case _:
                return []
        return self._changes(bridge, calls)

    def inside(self, bridge: str) -> Collection[str]:
        """Return the unique ids of those who are in a bridge."""
        return self._inside.get(bridge, {}).keys()

    def forget(self) -> None:
        """Nothing is known any more: the link is gone, and who left meanwhile nobody tells."""
        self._inside.clear()
        self._told.clear()
        self._held.clear()

    def _holds(self, leg: str, calls: Collection[str], *, held: bool) -> list[ev.AnyEvent]:
        """Say whose callers a leg puts on hold or takes back; telephones say the second unasked, too."""
        if not held:
            over = sorted(pair for pair in self._held if pair[1] == leg)
            self._held.difference_update(over)
            return [ev.LegHeld(call=call, leg=leg, held=False) for call, _ in over]
        inside = next((inside for inside in self._inside.values() if leg in inside), {})
        new = [(call, leg) for call in inside if call in calls and call != leg and (call, leg) not in self._held]
        self._held.update(new)
        return [ev.LegHeld(call=call, leg=leg, held=True) for call, _ in new]

    def _changes(self, bridge: str, calls: Collection[str]) -> list[ev.AnyEvent]:
        inside = self._inside.get(bridge, {})
        told = self._told.get(bridge, set())
        others = [unique for unique in inside if not unique.startswith((OFFER_PREFIX, WORDS_PREFIX))]
        now = {(call, leg) for call in others if call in calls for leg in others if leg != call}
        self._told[bridge] = now
        if not inside:
            self._inside.pop(bridge, None)
        if not now:
            del self._told[bridge]
        self._held = {pair for pair in self._held if pair[0] in calls} if self._held else self._held
        changes: list[ev.AnyEvent] = [ev.LegLeft(call=call, leg=leg) for call, leg in sorted(told - now)]
        return changes + [
            ev.LegJoined(call=call, leg=leg, who=self._seat_of(inside[leg]) or clean(inside[leg], 80))
            for call, leg in sorted(now - told)
        ]
