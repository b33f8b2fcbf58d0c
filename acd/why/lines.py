"""Which trunk line a leg went over, and why that one."""

from collections import Counter
from typing import get_args

from msgspec import Struct

from acd.core.line import TroubleKind
from acd.core.model import State
from acd.reports.words import safe


class LineTaken(Struct, frozen=True, kw_only=True):
    """The trunk line that a leg went over, and how its group stood."""

    name: str
    group: str
    pick: str
    """The rule of the group, `rules.LineGroupRule.pick`."""
    free: int
    """Besides it."""
    in_use: int
    left_alone: int
    out: int = 0
    """Out of service by hand."""
    in_trouble: int = 0
    """They could not be used."""


_PICKS = {
    "ordered": "the first free one in the file",
    "reverse": "the last free one in the file",
    "least-cost": "the cheapest free one",
    "round-robin": "the free one whose turn was longest ago",
    "least-recent": "the free one that was in use longest ago",
}
"""What the rule of a group of lines takes."""


def line_taken(state: State, name: str) -> LineTaken | None:
    """Say how the group of a line stood when it was taken; None for no line."""
    line = state.lines.get(name)
    if line is None:
        return None
    free, in_use, left_alone, out, in_trouble = standing(state, line.group, without=name)
    return LineTaken(
        name=name,
        group=line.group,
        pick=state.groups[line.group].pick,
        free=free,
        in_use=in_use,
        left_alone=left_alone,
        out=out,
        in_trouble=in_trouble,
    )


def standing(state: State, group: str, without: str = "") -> tuple[int, int, int, int, int]:
    """Count the lines of a group: free, in use, left alone after a failure, out of service by hand, out of order."""
    lines = [line for line in state.lines.values() if line.group == group and line.rule.name != without]
    looks = Counter(line.look for line in lines)
    in_use = looks["ours"] + looks["in-use"]
    in_trouble = sum(looks[kind] for kind in get_args(TroubleKind))
    return looks["free"], in_use, looks["left-alone"], looks["out"], in_trouble


def line_words(line: LineTaken) -> str:
    """Tell it."""
    others = counted((line.free, line.in_use, line.left_alone, line.out, line.in_trouble))
    beside = f"; beside it {others}" if others else ""
    return f"over line {safe(line.name)} of {safe(line.group)}, {_PICKS[line.pick]}{beside}"


def counted(counts: tuple[int, int, int, int, int]) -> str:
    """Tell how many lines are what `standing` counts; that of which there is none is left out."""
    words = ("free", "in use", "left alone after a failure", "out of service by hand", "out of order")
    return ", ".join(f"{count} {what}" for count, what in zip(counts, words, strict=True) if count)
