"""Trunk lines: which one carries a leg, and which are left to others.

A leg that needs a seat and a line gets both in one decision: a seat that is reached through a group of lines counts as
free only while that group has a line to spare, and the offer that takes the seat takes the line.

A line that carries a call, that cannot be used, or that was taken out of service by hand is given to nobody. The first
two are the switch's word, the third is a person's and holds until he takes it back. An emergency call may try one that
failed or is in trouble, when there is no other.

Lines are kept free for whom they were promised to: callers go before emergency calls out before callbacks in what is
kept (`keep_*`), and each may use what is kept for those after it. A line that failed is left alone, twice as long after
each failure in a row.
"""

from collections.abc import Collection
from typing import Literal

from acd.core.deadlines import Deadlines
from acd.core.events import LinesSet
from acd.core.line import Line, LineLook, Trouble
from acd.core.model import Offer, State
from acd.core.out import Leg
from acd.core.rules import LineGroupRule

Purpose = Literal["emergency", "callback", "seat"]
"""Whom a line is for. A seat's are its offers, and its calls out."""


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
                line = old.get(rule.name) or Line(rule=rule, group=group.name, since=state.now)
                line.rule, line.group = rule, group.name
                state.lines[rule.name] = line
        legs = {leg.line: leg.id for leg in state.legs.values()}
        legs |= {offer.line: offer.id for offer in state.offers.values()}
        for name, leg in legs.items():  # a line may have been out of the rules meanwhile
            if name in state.lines and state.lines[name].offer != leg:
                carrier = state.lines[name]
                look = carrier.look
                carrier.offer = leg
                self._changed(carrier, look)
        self.changed.update(state.groups)

    def pick(self, group: str, purpose: Purpose, without: Collection[str] = ()) -> Line | None:
        """Choose the line for a leg, of those not in `without`; None if there is none to spare for this purpose."""
        rule = self._state.groups.get(group)
        if rule is None:
            return None
        lines = [self._state.lines[line.name] for line in rule.lines]
        free = [line for line in lines if line.look == "free"]
        kept = 0
        if purpose == "emergency":
            idle = [line for line in lines if line.look not in {"ours", "in-use", "out"}]
            free = free or [line for line in idle if line.trouble is None] or idle  # better any try than none
        else:
            kept = rule.keep_inbound + rule.keep_emergency + (rule.keep_callback if purpose == "seat" else 0)
        if len(free) <= kept:
            return None
        free = [line for line in free if line.rule.name not in without]
        return self._choose(rule, free) if free else None

    @staticmethod
    def _choose(rule: LineGroupRule, free: list[Line]) -> Line:
        match rule.pick:
            case "least-cost":
                return min(free, key=lambda line: line.rule.cost)
            case "round-robin":
                return min(free, key=lambda line: line.turn)
            case "least-recent":
                return min(free, key=lambda line: line.used_at)
            case "reverse":
                return free[-1]
            case _:
                return free[0]

    def take(self, line: Line, leg: Offer | Leg, turn: int) -> None:
        """A leg goes over a line."""
        look = line.look
        line.offer, line.turn, leg.line = leg.id, turn, line.rule.name
        self._changed(line, look)

    def release(self, leg: Offer | Leg, *, failed: bool, works: bool = False) -> None:
        """The leg is gone; whether it was the line that failed, or has shown that it works, besides by a talk."""
        line = self._state.lines.get(leg.line)
        leg.line = ""
        if line is None or line.offer != leg.id:
            return
        look = line.look
        line.offer = ""
        line.used_at = self._state.now
        if failed:
            rule = self._state.groups[line.group]
            line.faults += 1
            line.fault_until = self._state.now + min(rule.fault_ms << min(line.faults - 1, 20), rule.fault_most_ms)
            self._deadlines.add(line.fault_until, "line", line.rule.name)
        elif works or leg.connected_at is not None:
            line.faults = 0
        self._changed(line, look)

    def recovered(self, name: str) -> None:
        """It was left alone for long enough; the count of failures stands until a call goes through."""
        line = self._state.lines[name]
        look = line.look
        line.fault_until = None
        self._changed(line, look)

    def seen(self, name: str, *, in_use: bool, trouble: Trouble | None) -> None:
        """What the switch says of a line."""
        line = self._state.lines.get(name)
        if line is not None and (line.in_use, line.trouble) != (in_use, trouble):
            look = line.look
            line.used_at = line.used_at if line.in_use == in_use else self._state.now
            line.in_use, line.trouble = in_use, trouble
            self._changed(line, look)

    def set_by_hand(self, event: LinesSet) -> None:
        """Take lines out of service, or put them back. One that is out already may get other words, no other time."""
        for line in (self._state.lines[name] for name in event.lines if name in self._state.lines):
            look = line.look
            if event.out:
                line.out_since = self._state.now if line.out_since is None else line.out_since
            else:
                line.out_since = None
            line.out_why = event.why if event.out else ""
            self._changed(line, look)

    def _changed(self, line: Line, look: LineLook) -> None:
        """Something of a line is another; `look` is what it looked like before."""
        self.changed.add(line.group)
        if line.look != look:
            line.since = self._state.now
