"""The small languages of acd.conf: what routing rules look like in writing, and what they become.

    needs    french 3 + billing|sales 5      all of what `+` parts, any of what `|` parts; the number is the least level
    tiers    0-2                             seats of these tiers; `0-9 floor 2` counts tiers below 2 as 2
    target   queue NAME, seat NUMBER, flow NAME, menu NAME, voicemail, callback, number EXTENSION
    step     CONDITION, ACTION, ACTION ...   `after 30s, drop french`, `when 10 wait, priority 5`,
                                             `when nobody, go queue night`

Each reader takes text and returns what the core works with, or raises a ValueError that says what is wrong. None of
them knows which queues, seats, skills or prompts there are; that is for the checks between sections.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from acd.core.rules import SLOT, Needs, Step
from acd.options import Kind, duration, number, shown
from acd.problems import did_you_mean
from acd.settings import LINE_NAME, QUEUE_NAME, SEAT_NAME

SKILL = r"[a-z0-9][a-z0-9_-]{0,39}"
NAME = r"[a-z0-9][a-z0-9_-]{0,39}"
"""A flow, a menu or a prompt."""
EXTENSION = r"[0-9*#]{1,20}"
LINES = rf"({LINE_NAME}|[A-Za-z0-9][A-Za-z0-9_.-]{{0,39}}\*[1-9][0-9]{{0,2}})"
"""One channel of hardware, or a SIP trunk with so many calls at a time."""
TIER_MOST = 99
ALL_MOST, ANY_MOST = 8, 8
"""So many things may be asked for at once, and each may have so many alternatives."""

LEVEL = number(1, 10)
TIER = number(0, TIER_MOST)
_AFTER = duration("0", "24h")
_AHEAD = duration("1s", "24h")
_PRIORITY = number(0, 99)
_WAITING = number(1, 10_000)


def line_names(text: str) -> list[str]:
    """Name the lines that are written as one: `carrier*2` is `carrier:1` and `carrier:2`."""
    trunk, star, count = text.partition("*")
    return [f"{trunk}{SLOT}{number}" for number in range(1, int(count) + 1)] if star else [text]


# Needs


def read_needs(text: str) -> Needs:
    """Read what is asked for: all of what `+` parts, each any one of what `|` parts; empty text asks for nothing.

    Raises:
        ValueError: says what is wrong with it.

    """
    parts = text.split("+") if text.strip() else []
    if len(parts) > ALL_MOST:
        raise ValueError(f"{len(parts)} things are asked for; {ALL_MOST} are the most")
    return tuple(read_need(part) for part in parts)


def read_need(part: str) -> tuple[tuple[str, int], ...]:
    """Read one thing that is asked for: any one of what `|` parts. Errors as `read_needs`."""
    alternatives = part.split("|")
    if len(alternatives) > ANY_MOST:
        raise ValueError(f"{shown(part.strip())} has {len(alternatives)} alternatives; {ANY_MOST} are the most")
    need = tuple(_read_skill(one.strip()) for one in alternatives)
    if len({skill for skill, _ in need}) < len(need):
        raise ValueError(f"{shown(part.strip())} names a skill twice")
    return need


def _read_skill(text: str) -> tuple[str, int]:
    match = re.fullmatch(rf"({SKILL})(?:[ :]+(\S+))?", text)
    if match is None:
        hint = "small letters, digits, - and _, then the least level" if text else "nothing stands beside + or |"
        raise ValueError(f"{shown(text)} is no skill; {hint}")
    return match[1], _level(match[1], match[2]) if match[2] else 1


def _level(skill: str, text: str) -> int:
    try:
        level: int = LEVEL.read(text)
    except ValueError as error:
        raise ValueError(f"level of '{skill}': {error}; levels are 1 to 10") from None
    return level


# Tiers


def read_tiers(text: str) -> tuple[int, int, int]:
    """Read a window of tiers: `2`, `0-2`, or either with `floor 1` behind it.

    Raises:
        ValueError: says what is wrong with it.

    """
    match = re.fullmatch(r"([0-9]{1,9})(?: ?- ?([0-9]{1,9}))?(?: +floor +([0-9]{1,9}))?", text)
    if match is None:
        raise ValueError(f"{shown(text)} is no window of tiers such as 2, 0-2 or 0-99 floor 3")
    least, most, floor = int(match[1]), int(match[2] or match[1]), int(match[3] or 0)
    if max(least, most, floor) > TIER_MOST:
        raise ValueError(f"{text}: tiers are 0 to {TIER_MOST}")
    if least > most:
        raise ValueError(f"{text}: the lower tier comes first")
    return least, most, floor


def read_queues(text: str) -> tuple[tuple[str, int], ...]:
    """Read the queues of a seat, each with its tier there: `sales, support/2`.

    Raises:
        ValueError: says what is wrong with it.

    """
    found: dict[str, int] = {}
    for word in re.split(r"[,\s]+", text.strip(", \t")) if text else ():
        name, slash, tier = word.partition("/")
        if not re.fullmatch(QUEUE_NAME, name):
            raise ValueError(f"{shown(word)} cannot be used")
        try:
            value = TIER.read(tier) if slash else 0
        except ValueError as error:
            raise ValueError(f"tier in '{name}': {error}; tiers are 0 to {TIER_MOST}") from None
        if found.setdefault(name, value) != value:
            raise ValueError(f"'{name}' stands there with two tiers")
    return tuple(found.items())


# Targets


_TARGETS: Mapping[str, tuple[str, str]] = {
    "queue": (QUEUE_NAME, "the name of a queue"),
    "seat": (SEAT_NAME, "the number of a seat"),
    "flow": (NAME, "the name of a flow"),
    "menu": (NAME, "the name of a menu"),
    "number": (EXTENSION, "an extension: up to 20 of 0-9 * #"),
}
_PLAIN_TARGETS = ("voicemail", "callback")
TARGETS = "queue NAME, seat NUMBER, flow NAME, menu NAME, voicemail, callback, number EXTENSION"


def read_target(text: str) -> str:
    """Read where a call goes that leaves its queue without an agent; in the core's form, which is the same text.

    Raises:
        ValueError: says what is wrong with it.

    """
    word, *rest = text.split()[:3] or [""]
    if word in _PLAIN_TARGETS and not rest:
        return word
    if word not in _TARGETS:
        hint = did_you_mean(word, [*_TARGETS, *_PLAIN_TARGETS]) or f"there are {TARGETS}"
        raise ValueError(f"{shown(text)} is no place to go to; {hint}")
    expression, label = _TARGETS[word]
    if len(rest) != 1 or not re.fullmatch(expression, rest[0]):
        raise ValueError(f"behind '{word}' belongs {label}, not {shown(' '.join(rest))}")
    return f"{word} {rest[0]}"


def read_key(text: str) -> tuple[str, str]:
    """Read a key and where it leads.

    Raises:
        ValueError: says what is wrong with it.

    """
    key, comma, target = text.partition(",")
    if not comma or not re.fullmatch("[0-9*#]", key.strip()):
        raise ValueError(f"{shown(text)} is no key with a place, such as 1, callback")
    return key.strip(), read_target(target.strip())


# Steps of escalation


def read_step(text: str) -> Step:
    """Read one step of escalation: a condition, then what is eased when it holds.

    Raises:
        ValueError: says what is wrong with it.

    """
    condition, *actions = (part.strip() for part in text.split(","))
    fields = _read_condition(condition)
    if not actions:
        raise ValueError(f"nothing follows '{condition}'; write for instance {condition}, drop SKILL")
    for action in actions:
        word, _, rest = action.partition(" ")
        if word not in _ACTIONS:
            hint = did_you_mean(word, _ACTIONS) or f"there are {', '.join(_ACTIONS)}"
            raise ValueError(f"{shown(action)} is no action of a step; {hint}")
        try:
            name, value = _ACTIONS[word](rest.strip())
        except ValueError as error:
            raise ValueError(f"{word}: {error}") from None
        if name in {"drop", "lower"}:
            fields[name] = (*fields.get(name, ()), *value)
        elif name in fields:
            raise ValueError(f"'{word}' stands there twice")
        else:
            fields[name] = value
    if "go" in fields and len(actions) > 1:
        raise ValueError("'go' stands alone: who goes elsewhere leaves this queue's rules behind")
    return Step(**fields)


def _read_condition(text: str) -> dict[str, Any]:
    word, _, rest = text.partition(" ")
    rest = rest.strip()
    if word == "after":
        return {"after_ms": _AFTER.read(rest)}
    if word == "when" and rest == "nobody":
        return {"when_nobody": True}
    if word == "when" and (match := re.fullmatch(r"(\S+) +waits?", rest)):
        return {"when_waiting": _WAITING.read(match[1])}
    hint = did_you_mean(word, ["after", "when"]) if word not in {"after", "when"} else ""
    known = "after TIME, when NUMBER wait, or when nobody"
    raise ValueError(f"{shown(text)} is no condition; {hint or f'a step begins with {known}'}")


def _read_drop(text: str) -> tuple[str, tuple[str, ...]]:
    names = text.split()
    for name in names:
        if not re.fullmatch(SKILL, name):
            raise ValueError(f"{shown(name)} is no skill")
    if not names:
        raise ValueError("no skill is named")
    return "drop", tuple(names)


def _read_lower(text: str) -> tuple[str, tuple[tuple[str, int], ...]]:
    name, _, level = text.partition(" ")
    if not re.fullmatch(SKILL, name) or not level:
        raise ValueError(f"{shown(text)} is not a skill and its new level, such as french 2")
    return "lower", ((name, _level(name, level.strip())),)


def _read_say(text: str) -> tuple[str, str]:
    if not re.fullmatch(NAME, text):
        raise ValueError(f"{shown(text)} is no name of a prompt")
    return "announce", text


_ACTIONS: Mapping[str, Callable[[str], tuple[str, Any]]] = {
    "drop": _read_drop,
    "lower": _read_lower,
    "tiers": lambda text: ("tiers", read_tiers(text)),
    "priority": lambda text: ("priority", _PRIORITY.read(text)),
    "ahead": lambda text: ("ahead_ms", _AHEAD.read(text)),
    "say": _read_say,
    "go": lambda text: ("go", read_target(text)),
}


NEEDS = Kind("skills with their least levels, such as french 3 + billing|sales 5", read_needs)
TIERS = Kind("tiers 0 to 99, such as 0-2 or 0-99 floor 2", read_tiers)
QUEUES = Kind("names of queues, each with /TIER where that is not 0", read_queues)
TARGET = Kind(TARGETS, lambda text: read_target(text) if text else "")
KEY = Kind("KEY, PLACE", read_key)
STEP = Kind("CONDITION, ACTION, ...", read_step)
