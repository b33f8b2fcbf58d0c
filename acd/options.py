"""Options as a table: what a section may say, of which kind each value is, what holds when it is left out.

An `Option` is one row. From the rows follow the reading of a section (`take`), its errors with a did-you-mean, and the
page of the manual (`table`). A default is written as it would be in the file, and read the same way.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from acd.conf import Section, Variable
from acd.problems import Origin, Problems, did_you_mean

UNITS_MS = {"ms": 1, "": 1_000, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
SHOWN_CHARS = 80
"""So much of a wrong value is repeated in the message about it."""


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
    many: bool = False
    """It may stand several times; its value is the tuple of all, in the order of the file. `counting` tells which."""


def shown(text: str) -> str:
    """Return as much of a value as a message should repeat, in quotes."""
    return f"'{text}'" if len(text) <= SHOWN_CHARS else f"'{text[:SHOWN_CHARS]}...'"


def number(least: int, most: int) -> Kind:
    """Return the kind of a whole number within bounds."""

    def read(text: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", text):
            raise ValueError(f"{shown(text)} is not a whole number")
        if not least <= int(text) <= most:
            raise ValueError(f"{text} is out of range")
        return int(text)

    return Kind(f"number {least} to {most}", read)


def duration(least: str, most: str) -> Kind:
    """Return the kind of a length of time within bounds; its value is integer milliseconds."""

    def milliseconds(text: str) -> int:
        match = re.fullmatch(r"([0-9]{1,9}) ?(ms|s|m|h|d|)", text)
        if not match:
            raise ValueError(f"{shown(text)} is not a length of time such as 20, 20s, 2m, 1h, 30d or 500ms")
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
            raise _unknown(text, words)
        return text

    return Kind(" or ".join(words), read)


def yes_no() -> Kind:
    """Return the kind of yes or no; its value is a bool."""

    def read(text: str) -> bool:
        if text not in {"yes", "no"}:
            raise _unknown(text, ("yes", "no"))
        return text == "yes"

    return Kind("yes or no", read)


def some_of(known: Sequence[str], *, none: str) -> Kind:
    """Return the kind of a list of some of a few words; the word `none` alone stands for the empty list."""

    def read(text: str) -> tuple[str, ...]:
        found = _split(text)
        if found == (none,):
            return ()
        if not found:
            raise ValueError("nothing is named")
        for word in found:
            if word not in known:
                raise _unknown(word, (*known, none))
        return found

    return Kind(f"some of {', '.join(known)}; or {none}", read)


def pairs(expression: str, label: str, values: Kind, missing: int) -> Kind:
    """Return the kind of a list of names with a number each, as in `french 5, billing 8`; parted by commas.

    Its value is a tuple of (name, number); a name without a number has the number `missing`.
    """

    def read(text: str) -> tuple[tuple[str, int], ...]:
        found: dict[str, int] = {}
        for part in text.split(",") if text else ():
            name, _, given = part.strip().partition(" ")
            if not re.fullmatch(expression, name):
                raise ValueError(f"{shown(name or part)} cannot be used")
            if name in found:
                raise ValueError(f"'{name}' stands there twice")
            try:
                found[name] = values.read(given.strip()) if given else missing
            except ValueError as error:
                raise ValueError(f"of '{name}', {error}") from None
        return tuple(found.items())

    return Kind(label, read)


def optional(kind: Kind, empty: str = "") -> Kind:
    """Return a kind whose word `empty` means None."""

    def read(text: str) -> Any:
        return None if text == empty else kind.read(text)

    return Kind(f"{kind.label}; or {empty}" if empty else kind.label, read)


def pattern(expression: str, label: str) -> Kind:
    """Return the kind of a text that matches an expression as a whole."""

    def read(text: str) -> str:
        if not re.fullmatch(expression, text):
            raise ValueError(f"{shown(text)} cannot be used")
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
        found = _split(text)
        for word in found:
            if not re.fullmatch(expression, word):
                raise ValueError(f"{shown(word)} cannot be used")
        return found

    return Kind(label, read)


def _split(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.split(r"[,\s]+", text.strip(", \t")) if text else ()))


def _unknown(text: str, known: Iterable[str]) -> ValueError:
    hint = did_you_mean(text, known)
    return ValueError(f"{shown(text)} is not known" + (f"; {hint}" if hint else ""))


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
        if option.many:
            values[option.field or option.name] = read = _read_all(section, option, problems)
            faultless &= read is not None
            continue
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


def counting(section: Section, name: str) -> list[Variable]:
    """Return the lines of an option that may stand several times: those behind the last empty one.

    So `step =` in a section takes away what its template said.
    """
    variables = section.every(name)
    ends = [place for place, variable in enumerate(variables) if not variable.value]
    return variables[ends[-1] + 1 :] if ends else variables


def _read_all(section: Section, option: Option, problems: Problems) -> tuple[Any, ...] | None:
    values, faultless = [], True
    for variable in counting(section, option.name):
        try:
            values.append(option.kind.read(variable.value))
        except ValueError as error:
            faultless = False
            problems.error(variable.origin, f"{option.name}: {error}", f"it takes: {option.kind.label}")
    return tuple(values) if faultless else None


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
        meaning = f"{option.meaning} May stand several times." if option.many else option.meaning
        label = option.kind.label.replace("|", "\\|")
        rows.append(f"| `{option.name}` | {label} | {default} | {meaning} |")
    return "\n".join(rows)
