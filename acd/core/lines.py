"""Trunk lines: which one carries a leg, and which are left to others.

A leg that needs a seat and a line gets both in one decision: a seat that is reached through a group of lines counts as
free only while that group has a line to spare, and the offer that takes the seat takes the line.

Lines are kept free for whom they were promised to: callers go before emergency calls out before callbacks in what is
kept (`keep_*`), and each may use what is kept for those after it. A line that failed is left alone, twice as long after
each failure in a row.
"""

from typing import Literal

from acd.core.deadlines import Deadlines
from acd.core.model import Line, Offer, State
from acd.core.rules import LineGroupRule

Purpose = Literal["emergency", "callback", "seat"]


class Lines:
    """The lines of one state."""

    def __init__(self, state: State, deadlines: Deadlines) -> None:
        self._state = state
        self._deadlines = deadlines
        self.changed: set[str] = set()
        """Groups in which something changed since somebody looked."""

    def configure(self, groups: tuple[LineGroupRule, ...]) -> None:
        """Put new rules in place. Lines that are gone go; what is known of the others stays."""
        state = self._state
        state.groups = {rule.name: rule for rule in groups}
        old, state.lines = state.lines, {}
        for group in groups:
            for rule in group.lines:
                line = old.get(rule.name) or Line(rule=rule, group=group.name)
                line.rule, line.group = rule, group.name
                state.lines[rule.name] = line
        for offer in state.offers.values():  # a line may have been out of the rules meanwhile
            if offer.line in state.lines:
                state.lines[offer.line].offer = offer.id
        self.changed.update(state.groups)

    def pick(self, group: str, purpose: Purpose) -> Line | None:
        """Choose the line for a leg; None if there is none to spare for this purpose."""
        rule = self._state.groups.get(group)
        if rule is None:
            return None
        free = [self._state.lines[line.name] for line in rule.lines if self._is_free(line.name)]
        kept = 0
        if purpose != "emergency":
            kept = rule.keep_inbound + rule.keep_emergency + (rule.keep_callback if purpose == "seat" else 0)
        if len(free) <= kept:
            return None
        match rule.pick:
            case "least-cost":
                return min(free, key=lambda line: line.rule.cost)
            case "round-robin":
                return min(free, key=lambda line: line.turn)
            case _:
                return free[0]

    def _is_free(self, name: str) -> bool:
        line = self._state.lines[name]
        return not line.offer and not line.in_use and line.fault_until is None

    def take(self, line: Line, offer: Offer, turn: int) -> None:
        """An offer goes over a line."""
        line.offer, line.turn, offer.line = offer.id, turn, line.rule.name
        self.changed.add(line.group)

    def release(self, offer: Offer, *, failed: bool) -> None:
        """The leg is gone; whether it was the line that failed."""
        line = self._state.lines.get(offer.line)
        offer.line = ""
        if line is None or line.offer != offer.id:
            return
        line.offer = ""
        self.changed.add(line.group)
        if failed:
            rule = self._state.groups[line.group]
            line.faults += 1
            line.fault_until = self._state.now + min(rule.fault_ms << min(line.faults - 1, 20), rule.fault_most_ms)
            self._deadlines.add(line.fault_until, "line", line.rule.name)
        elif offer.connected_at is not None:
            line.faults = 0

    def recovered(self, name: str) -> None:
        """It was left alone for long enough; the count of failures stands until a call goes through."""
        line = self._state.lines[name]
        line.fault_until = None
        self.changed.add(line.group)

    def seen(self, name: str, *, in_use: bool) -> None:
        """What the switch says of a line."""
        line = self._state.lines.get(name)
        if line is not None and line.in_use != in_use:
            line.in_use = in_use
            self.changed.add(line.group)
