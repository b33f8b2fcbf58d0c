"""Room: of which media a seat can take one more contact now.

Two ways to say it, and both must allow: a table (so many of a medium, and what a medium keeps away meanwhile) and a
budget (what each contact costs out of the seat's hundred). Neither knows a medium by name.
"""

from acd.core.model import Seat, State
from acd.core.rules import MediumRule

_NONE: frozenset[str] = frozenset()
_BUDGET = 100
"""What a seat has to spend if nothing else is said."""


class Capacity:
    """The media table, with an answer for seats that have nothing to do ready at hand."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.learn()

    def learn(self) -> None:
        """The table has changed."""
        state = self._state
        names = {call.medium for call in state.calls.values()} | {offer.medium for offer in state.offers.values()}
        names = (names | {"voice"}) - state.media.keys()
        self._table = state.media | {name: MediumRule(name=name) for name in sorted(names)}
        self._all = frozenset(name for name, rule in self._table.items() if rule.most > 0 and rule.cost <= _BUDGET)
        self._whole = {name for name, rule in self._table.items() if "*" in rule.blocks and not rule.interrupted_by}

    def rule(self, medium: str) -> MediumRule:
        """Return the row of a medium; one that is not in the table takes the whole seat."""
        return self._table.get(medium) or MediumRule(name=medium)

    def is_taken(self, seat: Seat) -> bool:
        """Whether what it has had in hand for longest leaves room for nothing; a quick look, not the last word."""
        return self._state.offers[seat.work[0]].medium in self._whole

    def open_media(self, seat: Seat) -> frozenset[str]:
        """Name the media of which the seat can take one more."""
        if not seat.work and not seat.rule.most and seat.rule.budget == _BUDGET:  # nearly always
            return self._all
        offers = self._state.offers
        for name in seat.work:
            if offers[name].medium in self._whole:
                return _NONE
        held = [offers[name] for name in seat.work]
        counts: dict[str, int] = {}
        spent = 0
        for offer in held:
            counts[offer.medium] = counts.get(offer.medium, 0) + 1
            spent += self.rule(offer.medium).cost
        found = []
        for medium, rule in self._table.items():
            most = seat.rule.most.get(medium, rule.most)
            if counts.get(medium, 0) >= most or self._blocked(medium, counts):
                continue
            aside = sum(self.rule(name).cost * count for name, count in counts.items() if self.sets_aside(medium, name))
            if spent - aside + rule.cost <= seat.rule.budget:
                found.append(medium)
        return frozenset(found)

    def sets_aside(self, medium: str, held: str) -> bool:
        """Whether a new contact of `medium` comes in spite of one that is held, which waits meanwhile."""
        return medium in self.rule(held).interrupted_by

    def _blocked(self, medium: str, counts: dict[str, int]) -> bool:
        for held in counts:
            rule = self.rule(held)
            if (medium in rule.blocks or "*" in rule.blocks) and medium not in rule.interrupted_by:
                return True
        return False
