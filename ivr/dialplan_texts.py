"""Texts of a caller where they can do harm.

What is dialled, and a caller's number and name, are the caller's to choose. In `Dial` an `&` in them rings a second,
expensive number; in `$[...]` they are evaluated; in `System` they are a command. An extension that ends in `.` or `!`
takes any characters, so its `${EXTEN}` is such a text. `FILTER` makes them harmless, and what is set to a harmless text
is one. (Asterisk's own README-SERIOUSLY.bestpractices.md, and its advisory AST-2010-002, tell of it.)
"""

import re
from collections.abc import Iterator

from ivr.dialplan_steps import Extension, Step

_SOURCES = (
    r"EXTEN|DNID|RDNIS|CALLERID\([^()]*\)|CONNECTEDLINE\([^()]*\)|REDIRECTING\([^()]*\)|DIALEDPEERNUMBER"
    r"|(?:PJSIP|SIP)_HEADER\([^()]*\)|MESSAGE\(body\)"
)
_SOURCE = re.compile(r"\$\{(" + _SOURCES + r")(?::[^{}]*)?\}")
_USED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::[^{}]*)?\}")
_SET = re.compile(r"\s*_{0,2}((?:" + _SOURCES + r")|[A-Za-z_][A-Za-z0-9_]*)\s*=(.*)", re.DOTALL)
_HARMLESS = ("FILTER(", "LEN(", "MD5(", "SHA1(", "URIENCODE(", "BASE64_ENCODE(", "ISNULL(", "EXISTS(", "REGEX(")
_SINKS = {
    "dial": "an & in it rings a second number",
    "retrydial": "an & in it rings a second number",
    "page": "an & in it rings a second number",
    "originate": "it is a channel's name there",
    "system": "it is part of a command of the operating system",
    "trysystem": "it is part of a command of the operating system",
    "exec": "it is carried out as an application",
    "tryexec": "it is carried out as an application",
    "externalivr": "it is part of a command of the operating system",
    "mixmonitor": "it is part of a file's name, or of a command of the operating system",
    "monitor": "it is part of a file's name",
    "record": "it is part of a file's name",
    "userevent": "a line break in it begins a line of its own",
}
_EVALUATING = {
    "$[": "it is evaluated",
    "${SHELL(": "it is a command of the operating system",
    "${EVAL(": "it is evaluated",
}


def harmful_texts(extension: Extension) -> Iterator[tuple[Step, str, str]]:
    """Yield each step in which a caller's text does harm, the text, and what harm."""
    tainted: set[str] = set()
    clean: set[str] = set() if extension.is_open_ended else {"EXTEN"}
    for step in extension.steps:
        for name, harm in _harmed(step, tainted, clean):
            yield step, name, harm
        if step.kind == "set" and (match := _SET.fullmatch(step.words)):
            name, value = match[1], _unfiltered(match[2])
            is_tainted = any(_texts(value, tainted, clean))
            (tainted.add if is_tainted else tainted.discard)(name)
            (clean.discard if is_tainted else clean.add)(name)


def _harmed(step: Step, tainted: set[str], clean: set[str]) -> Iterator[tuple[str, str]]:
    """Name the caller's texts that do harm in a step, and what harm."""
    found: dict[str, str] = {}
    if step.kind in _SINKS:
        for name in _texts(_unfiltered(step.words), tainted, clean):
            found.setdefault(name, _SINKS[step.kind])
    for sign, harm in _EVALUATING.items():
        for part in _parts(step.words, sign):
            for name in _texts(_unfiltered(part), tainted, clean):
                found.setdefault(name, harm)
    yield from found.items()


def _texts(text: str, tainted: set[str], clean: set[str]) -> Iterator[str]:
    for match in _SOURCE.finditer(text):
        if match[1] not in clean:
            yield match[1]
    for match in _USED.finditer(text):
        if match[1] in tainted:
            yield match[1]


def _parts(text: str, sign: str) -> Iterator[str]:
    """What stands between a sign and what closes it."""
    at = text.find(sign)
    while at >= 0:
        end = _closing(text, at + 1)
        yield text[at + len(sign) : end]
        at = text.find(sign, at + 1)


def _closing(text: str, at: int) -> int:
    """The place of what closes the bracket at this place; the end if nothing does."""
    opening, closing = text[at], {"{": "}", "[": "]"}[text[at]]
    depth = 0
    for place_, char in enumerate(text[at:], at):
        depth += (char == opening) - (char == closing)
        if depth == 0:
            return place_
    return len(text)


def _unfiltered(text: str) -> str:
    """Leave out what a function makes harmless."""
    for function in _HARMLESS:
        while (at := text.find("${" + function)) >= 0:
            text = text[:at] + text[_closing(text, at + 1) + 1 :]
    return text
