"""An extensions.conf as Asterisk understands it: contexts, extensions, steps, and where a jump leads.

Sources: `pbx/pbx_config.c` and `main/pbx.c` of Asterisk 22 (patterns, priorities, labels, includes). What stands in
`${...}` is known at a call only, so a place that is named by it is left unknown.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct, field

from acd.conf import Config, Variable
from acd.problems import Origin

NOT_CONTEXTS = {"general", "globals"}

# An extension may be a pattern with commas in brackets; a priority is n, hint, ... or a number, with +2 and (label).
EXTENSION = r"(?:[^,\[]|\[[^\]]*\])+"
PRIORITY = (
    r"\s*+(?P<priority>[0-9]{1,9}|n|next|s|same|hint)\s*+(?P<plus>[+-][0-9]{1,9})?\s*+(?:\((?P<label>[^)]*)\))?"
    r"\s*+(?:[+-][0-9]+)?\s*+"
)
STEP = PRIORITY + r",\s*+(?P<application>.+)"
EXTEN_LINE = re.compile(f"(?P<extension>{EXTENSION}),{STEP}", re.IGNORECASE)
SAME_LINE = re.compile(STEP, re.IGNORECASE)

_PATTERN_SIGNS = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]"}
_OPEN_END = re.compile(r"_.*[.!](/.*)?", re.DOTALL)
_PAIRS = {"(": ")", "[": "]", "{": "}"}


class Step(Struct, frozen=True):
    """One priority of an extension."""

    priority: int
    label: str
    application: str
    words: str
    """What stands in the parentheses behind it."""
    origin: Origin

    @property
    def kind(self) -> str:
        """The application, in small letters: to Asterisk they are the same."""
        return self.application.lower()


class Extension(Struct):
    """All steps of one extension, in order."""

    name: str
    steps: list[Step] = field(default_factory=list)

    @property
    def is_open_ended(self) -> bool:
        """Whether anything at all can follow what it names."""
        return bool(_OPEN_END.fullmatch(self.name))

    def matches(self, dialled: str) -> bool:
        """Whether this is the extension, or one of the extensions, of that name."""
        name = self.name.partition("/")[0]
        return name == dialled or (name.startswith("_") and _matches(name[1:], dialled))

    def has(self, priority: str) -> bool:
        """Whether there is a step of this number or label."""
        return any(priority in {str(step.priority), step.label} for step in self.steps)


class Context(Struct):
    """One context."""

    name: str
    extensions: dict[str, Extension] = field(default_factory=dict)
    includes: list[str] = field(default_factory=list)
    is_open: bool = False
    """A switch, or a file that is made later, brings more than can be seen."""


class Place(NamedTuple):
    """Where a jump leads. None for what it does not say, or says by `${...}` only."""

    context: str | None
    extension: str | None
    priority: str | None


def read_dialplan(config: Config) -> dict[str, Context]:
    """Give the contexts of a file. Lines that cannot be followed are left out."""
    contexts: dict[str, Context] = {}
    for section in config.live():
        if section.name in NOT_CONTEXTS:
            continue
        context = contexts.setdefault(section.name, Context(section.name))
        extension: Extension | None = None
        for variable in section.variables:
            extension = _read_line(context, extension, variable)
    return contexts


def _read_line(context: Context, extension: Extension | None, variable: Variable) -> Extension | None:
    key = variable.name.lower()
    if key == "include":
        context.includes.append(variable.value.partition(",")[0].strip())
    elif key in {"switch", "lswitch", "eswitch"}:
        context.is_open = True
    elif key == "exten" and (match := EXTEN_LINE.fullmatch(variable.value)):
        name = match["extension"].strip()
        extension = context.extensions.setdefault(name, Extension(name))
        _add_step(extension, match, variable.origin)
    elif key == "same" and extension is not None and (match := SAME_LINE.fullmatch(variable.value)):
        _add_step(extension, match, variable.origin)
    return extension


def _add_step(extension: Extension, match: re.Match[str], origin: Origin) -> None:
    application, parenthesis, words = match["application"].strip().partition("(")
    if parenthesis and not words.endswith(")"):
        return
    last = extension.steps[-1].priority if extension.steps else 1  # Asterisk takes no n for the first
    match match["priority"].lower():
        case "hint":
            return
        case "n" | "next":
            priority = last + 1
        case "s" | "same":
            priority = last
        case number:
            priority = int(number)
    words = words.removesuffix(")")
    extension.steps.append(
        Step(priority + int(match["plus"] or 0), match["label"] or "", application.strip(), words, origin)
    )


def _matches(pattern: str, dialled: str) -> bool:
    wanted, at = "", 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "[" and (end := pattern.find("]", at)) > 0:
            wanted += f"[{re.escape(pattern[at + 1 : end]).replace(chr(92) + '-', '-')}]"
            at = end
        elif sign in ".!":
            return re.match(wanted + ("." if sign == "." else ""), dialled, re.DOTALL) is not None
        elif sign not in "- ":
            wanted += _PATTERN_SIGNS.get(sign.upper(), re.escape(sign))
        at += 1
    return re.fullmatch(wanted, dialled) is not None


def parted(text: str, sign: str) -> list[str]:
    """Part a text at a sign, where that stands in no brackets and no quotes."""
    parts, depth, quoted = [""], 0, False
    for char in text:
        quoted ^= char == '"'
        depth += (char in _PAIRS) - (char in _PAIRS.values())
        if char == sign and depth <= 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def place(text: str) -> Place:
    """Read `[[context,]extension,]priority`."""
    words = [word.strip() for word in parted(text, ",")][:3]
    known = [None if "${" in word or "$[" in word or not word else word for word in words]
    context, extension, priority = [None] * (3 - len(known)) + known
    return Place(context, extension, priority.partition("(")[0] if priority else None)


def extensions_of(contexts: dict[str, Context], name: str, seen: frozenset[str] = frozenset()) -> Iterator[Extension]:
    """Yield the extensions of a context and of all that it includes."""
    if name in contexts and name not in seen:
        yield from contexts[name].extensions.values()
        for included in contexts[name].includes:
            yield from extensions_of(contexts, included, seen | {name})


def is_whole(contexts: dict[str, Context], name: str, seen: frozenset[str] = frozenset()) -> bool:
    """Whether all that a context holds can be seen here."""
    if name in seen:
        return True
    context = contexts.get(name)
    if context is None or context.is_open or not (context.extensions or context.includes):
        return False
    return all(is_whole(contexts, included, seen | {name}) for included in context.includes)
