"""Penalties become tiers, rule sets become steps.

A tier is 0 to 99, a penalty any number. Where all penalties of a site fit they are the tiers; otherwise they are
numbered in their order, which is all that they are compared by.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from msgspec import Struct

from acd.conf import Section, Variable
from acd.importer.notes import Notes
from acd.options import shown
from acd.rule_text import TIER_MOST

_MOST = 1 << 31  # INT_MAX + 1: as high as a penalty can be, and what QUEUE_MAX_PENALTY is while nobody sets it
_AFTER_MOST_S = 86_400


class Change(Struct, frozen=True):
    """One `penaltychange`, resolved: the window from then on."""

    after_s: int
    least: int
    most: int
    floor: int


class Tiers:
    """Translates penalties."""

    def __init__(self, penalties: Iterable[int]) -> None:
        self._known = sorted({max(0, penalty) for penalty in penalties})
        self.exact = not self._known or self._known[-1] <= TIER_MOST
        """Whether each penalty is its own tier."""

    def tier(self, penalty: int) -> int:
        """Return the tier of a member."""
        penalty = max(0, penalty)
        return penalty if self.exact else min(bisect_left(self._known, penalty), TIER_MOST)

    def window(self, change: Change) -> str:
        """Return a window of penalties as acd.conf has it."""
        if self.exact:
            least, most, floor = (min(value, TIER_MOST) for value in (change.least, change.most, change.floor))
        else:
            least, floor = (min(bisect_left(self._known, value), TIER_MOST) for value in (change.least, change.floor))
            most = TIER_MOST if change.most >= _MOST else min(bisect_right(self._known, change.most) - 1, TIER_MOST)
        text = f"{least}-{max(least, most)}"
        return f"{text} floor {floor}" if floor else text


def read_rule(section: Section, notes: Notes) -> list[Change]:
    """Read the rule set of a section of queuerules.conf: its changes in the order of time."""
    text = (
        f"rule '{section.name}' changes only what the dialplan has set (QUEUE_MAX_PENALTY and so on); taken as if it "
        "sets all: write what it is at first as `tiers` of the queue"
    )
    notes.alike(section.origin, text)
    raw: list[tuple[int, list[str], Variable]] = []
    for line in section.variables:
        fields = [field.strip() for field in line.value.split(",")]
        if line.name.lower() != "penaltychange":
            notes.unread(line.origin, f"unknown option {shown(line.name)} in rule '{section.name}'")
        elif not re.fullmatch("[0-9]{1,9}", fields[0]) or len(fields) > 4 or not _are_changes(fields[1:]):
            notes.unread(line.origin, f"penaltychange {shown(line.value)}: seconds, then what changes")
        elif int(fields[0]) > _AFTER_MOST_S:
            notes.missing(line.origin, f"penaltychange after {fields[0]} seconds: nobody waits for more than a day")
        else:
            raw.append((int(fields[0]), [*fields[1:], "", "", ""][:3], line))
    changes = []
    least, most, floor = 0, _MOST, 0
    for after_s, (new_most, new_least, new_floor), line in sorted(raw, key=lambda one: one[0]):
        if new_most[:1] in {"+", "-"} and most == _MOST:
            notes.alike(line.origin, "a change relative to QUEUE_MAX_PENALTY; taken as if the dialplan had set it to 0")
            most = 0
        least, most, floor = (
            _changed(least, new_least),
            _changed(most, new_most),
            _changed(floor, new_floor.removeprefix("r")),
        )
        if new_floor and not new_floor.startswith("r") and least:
            notes.alike(line.origin, "members below the window stay outside it; app_queue raises them into it")
        changes.append(Change(after_s=after_s, least=min(least, most), most=most, floor=floor))
    return changes


def _are_changes(fields: list[str]) -> bool:
    """Whether each field is empty or a change, and not all are empty. The third may have an `r` in front."""
    plain = [*fields[:2], *(field.removeprefix("r") for field in fields[2:])]
    return any(plain) and all(not field or _is_change(field) for field in plain)


def _is_change(field: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9]{1,9}", field) is not None


def _changed(value: int, change: str) -> int:
    if not _is_change(change):
        return value
    relative = change[0] in "+-"
    return min(max(0, value + int(change) if relative else int(change)), _MOST)
