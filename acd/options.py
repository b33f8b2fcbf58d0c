"""Options as a table: what a section may say, of which kind each value is, what holds when it is left out.

An `Option` is one row. From the rows follow the reading of a section (`take`), its errors with a did-you-mean, and the
page of the manual (`table`). A default is written as it would be in the file, and read the same way.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from acd.conf import Section
from acd.problems import Origin, Problems, did_you_mean

UNITS_MS = {"ms": 1, "": 1_000, "s": 1_000, "m": 60_000, "h": 3_600_000}


class Kind(Struct, frozen=True):
    """A kind of value."""

    label: str
    """What to write, for the manual and for the hint of an error."""
    read: Callable[[str], Any]
    """Text to value. Raises ValueError that says what is wrong, never showing a secret."""


class Option(Struct, frozen=True):
    """One row of the table."""

    name: str
    kind: Kind
    default: str | None
    """As it would be written; None where the option must be given."""
    meaning: str
    field: str = ""
    """Name of the attribute that takes the value, where it is not the option's own."""


def number(least: int, most: int) -> Kind:
    """Return the kind of a whole number within bounds."""

    def read(text: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", text):
            raise ValueError(f"'{text}' is not a whole number")
        if not least <= int(text) <= most:
            raise ValueError(f"{text} is out of range")
        return int(text)

    return Kind(f"number {least} to {most}", read)


def duration(least: str, most: str) -> Kind:
    """Return the kind of a length of time within bounds; its value is integer milliseconds."""

    def milliseconds(text: str) -> int:
        match = re.fullmatch(r"([0-9]{1,9}) ?(ms|s|m|h|)", text)
        if not match:
            raise ValueError(f"'{text}' is not a length of time such as 20, 20s, 2m, 1h or 500ms")
        return int(match[1]) * UNITS_MS[match[2]]

    def read(text: str) -> int:
        value = milliseconds(text)
        if not milliseconds(least) <= value <= milliseconds(most):
            raise ValueError(f"{text} is out of range")
        return value

    return Kind(f"time {least} to {most}", read)


def choice(*words: str) -> Kind:
    """Return the kind of one word out of a few."""

    def read(text: str) -> str:
        if text not in words:
            hint = did_you_mean(text, words)
            raise ValueError(f"'{text}' is not known" + (f"; {hint}" if hint else ""))
        return text

    return Kind(" or ".join(words), read)


def pattern(expression: str, label: str) -> Kind:
    """Return the kind of a text that matches an expression as a whole."""

    def read(text: str) -> str:
        if not re.fullmatch(expression, text):
            raise ValueError(f"'{text}' cannot be used")
        return text

    return Kind(label, read)


def secret(expression: str, label: str, *, empty: str = "") -> Kind:
    """Return the kind of a text that no message may show. The word `empty` stands for none."""

    def read(text: str) -> str:
        if text and text == empty:
            return ""
        if not re.fullmatch(expression, text):
            raise ValueError("this value cannot be used")
        return text

    return Kind(label, read)


def words(expression: str, label: str) -> Kind:
    """Return the kind of a list, split at commas and blanks; its value is a tuple without repetitions."""

    def read(text: str) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(re.split(r"[,\s]+", text.strip(", \t")) if text else ()))
        for word in found:
            if not re.fullmatch(expression, word):
                raise ValueError(f"'{word}' cannot be used")
        return found

    return Kind(label, read)


def take(
    section: Section, options: Sequence[Option], noun: str, problems: Problems, *, ignore: Iterable[str] = ()
) -> dict[str, Any] | None:
    """Read a section by a table, keys in `ignore` aside. `noun` calls it in messages, such as `queue`.

    Returns the values by attribute name, defaults filled in; None when any is wrong, and `problems` says which.
    """
    known: Mapping[str, Option] = {option.name: option for option in options}
    faultless = True
    for variable in section.variables:
        if variable.name in known or variable.name in ignore:
            continue
        faultless = False
        hint = did_you_mean(variable.name, known) or f"known are {', '.join(known)}"
        problems.error(variable.origin, f"unknown option '{variable.name}' in {noun} '{variable.section}'", hint)
    values: dict[str, Any] = {}
    for option in options:
        _warn_if_repeated(section, option.name, problems)
        written = section.last(option.name)
        if written:
            text, origin = written.value, written.origin
        elif option.default is not None:
            text, origin = option.default, section.origin
        else:
            faultless = False
            hint = f"write {option.name} = {option.kind.label}"
            problems.error(section.origin, f"{noun} '{section.name}' has no '{option.name}'", hint)
            continue
        try:
            values[option.field or option.name] = option.kind.read(text)
        except ValueError as error:
            faultless = False
            problems.error(origin, f"{option.name}: {error}", f"it takes: {option.kind.label}")
    return values if faultless else None


def _warn_if_repeated(section: Section, name: str, problems: Problems) -> None:
    own = [variable.origin for variable in section.every(name) if not variable.inherited]
    for former, later in pairwise(own):
        if former.file == later.file:
            problems.warning(later, f"'{name}' was given in line {former.line} already", "the last one counts")


def origin_of(section: Section, name: str) -> Origin:
    """Return where an option was written, or the section's header when it was left out."""
    variable = section.last(name)
    return variable.origin if variable else section.origin


def table(options: Iterable[Option]) -> str:
    """Return the rows as a Markdown table for the manual."""
    rows = ["| option | value | default | meaning |", "| --- | --- | --- | --- |"]
    for option in options:
        default = "must be given" if option.default is None else f"`{option.default}`" if option.default else "none"
        rows.append(f"| `{option.name}` | {option.kind.label} | {default} | {option.meaning} |")
    return "\n".join(rows)
