"""Who may serve whom, said of classes: the only thing the matcher has to know about skills, tiers and media.

Calls are of one class when they wait in the same queue, in the same medium, ask for the same skills and tiers, and are
kept for the same seat, if for any. Seats are of one class when they serve the same queues in the same tiers, have the
same skills, and have room for the same media. So a thousand calls and a hundred seats make a dozen classes, and who may
serve whom is worked out once for each pair of these.

A skill at a level is a bit: a seat has the bits of all levels up to its own, a call asks for one. All-of is then one
`and`, any-of one for each group.
"""

from collections.abc import Iterable

from acd.core.rules import Needs, QueueRule

LEVELS = 10
TIER_COST = 1 << 40
"""A step of tier outweighs any difference in fit."""
_FIT_MOST = 999
_FIT_UNIT = 1_000

CallKey = tuple[str, Needs, tuple[int, int, int], str, str]
"""Queue, needs, tiers, medium, wanted seat."""
SeatKey = tuple[tuple[str, ...], tuple[int, ...], tuple[tuple[str, int], ...], frozenset[str], str]
"""Queues, tiers in them, skills, media with room, and its name if calls are kept for it."""


class Skills:
    """Bits for skills, handed out as they are met."""

    def __init__(self) -> None:
        self._shifts: dict[str, int] = {}

    def asked(self, skill: str, level: int) -> int:
        """Return the bit of a skill at least this good."""
        shift = self._shifts.setdefault(skill, len(self._shifts) * LEVELS)
        return 1 << (shift + min(max(level, 1), LEVELS) - 1)

    def had(self, skills: Iterable[tuple[str, int]]) -> int:
        """Return the bits of all that a seat can do."""
        bits = 0
        for skill, level in skills:
            bits |= 2 * self.asked(skill, level) - self.asked(skill, 1)
        return bits


class CallClass:
    """Calls that the same seats may serve."""

    __slots__ = ("any_of", "key", "must", "number", "wants_fit")

    def __init__(self, number: int, key: CallKey, skills: Skills, *, wants_fit: bool) -> None:
        self.number = number
        self.key = key
        self.wants_fit = wants_fit
        self.must = 0
        self.any_of: list[int] = []
        for need in key[1]:
            bits = 0
            for skill, level in need:
                bits |= skills.asked(skill, level)
            if len(need) == 1:
                self.must |= bits
            else:
                self.any_of.append(bits)

    def cost(self, seats: "SeatClass", *, flat: bool) -> int | None:
        """Say how well seats of a class suit, least best; None if they may not serve. `flat`: tiers do not count."""
        queue, needs, (least, most, floor), medium, wants = self.key
        if medium not in seats.media:
            return None
        if wants:
            return 0 if wants == seats.wanted else None
        tier = seats.tiers.get(queue)
        if tier is None or self.must & ~seats.had or not all(bits & seats.had for bits in self.any_of):
            return None
        if flat:
            tier = 0
        elif not least <= tier <= most:
            return None
        else:
            tier = max(tier, floor)
        return tier * TIER_COST + (misfit(needs, seats.levels) if self.wants_fit else 0)


class SeatClass:
    """Seats that may serve the same calls."""

    __slots__ = ("had", "key", "levels", "media", "number", "tiers", "wanted")

    def __init__(self, number: int, key: SeatKey, skills: Skills) -> None:
        queues, tiers, have, self.media, self.wanted = self.key = key
        self.number = number
        self.had = skills.had(have)
        self.levels = dict(have)
        self.tiers = tiers_of(queues, tiers)


def tiers_of(queues: tuple[str, ...], tiers: tuple[int, ...]) -> dict[str, int]:
    """Queue -> the seat's tier in it."""
    return {queue: tiers[place] if place < len(tiers) else 0 for place, queue in enumerate(queues)}


def misfit(needs: Needs, levels: dict[str, int]) -> int:
    """Say how badly a seat suits a call: the levels that are asked for count most, then few skills besides.

    So the most able goes first, and of equals the specialist, so that who can do more stays free for what only he can.
    """
    asked = {skill for need in needs for skill, _ in need}
    strength = sum(level for skill, level in levels.items() if skill in asked)
    besides = sum(skill not in asked for skill in levels)
    return (_FIT_MOST - min(_FIT_MOST, strength)) * _FIT_UNIT + min(_FIT_UNIT - 1, besides)


def eased(needs: Needs, drop: tuple[str, ...], lower: tuple[tuple[str, int], ...]) -> Needs:
    """Take skills out of what is asked, and lower the least level of others. A need without skills is met."""
    levels = dict(lower)
    found = []
    for need in needs:
        if any(skill in drop for skill, _ in need):
            continue
        found.append(tuple((skill, min(level, levels.get(skill, level))) for skill, level in need))
    return tuple(found)


def all_needs(asked: Needs, rule: QueueRule | None) -> Needs:
    """Put together what a call and its queue ask for, in one order, each once."""
    if rule is None or not rule.needs:
        return asked
    return tuple(sorted({*asked, *rule.needs})) if asked else rule.needs
