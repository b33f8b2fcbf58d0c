"""People in a vCard file, versions 2.1 to 4.0, by vobject. Pictures and keys are passed over unread."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import vobject

from acd.store.intake import Given, IntakeError, Left

CARD_MOST = 64 * 1024
"""Characters of one card, without its pictures."""
_LARGE = re.compile(r"(?:[\w-]+\.)?(?:PHOTO|LOGO|SOUND|KEY)[;:]", re.IGNORECASE)
_PROPERTY = re.compile(
    r"[\w.-]{1,80}+(?:;[\w-]{1,80}+(?:=(?:\"[^\"]*+\"|[^;:\",]*+)(?:,(?:\"[^\"]*+\"|[^;:\",]*+))*+)?+)*+:"
)
"""How a property begins. The library takes for ever to find out that a line is none, so it is asked of no such line."""
LABELS = {"CELL": "mobile", "WORK": "work", "HOME": "home"}


def read(file: Path, text: str) -> tuple[list[Given], list[Left]]:
    """Read a file.

    Raises:
        IntakeError: it is no vCard file.

    """
    given: list[Given] = []
    left: list[Left] = []
    for line, card in _cards(file, text):
        if len(card) > CARD_MOST:
            left.append(Left(file.name, line, f"it has more than {CARD_MOST // 1024} KiB, pictures left out"))
            continue
        try:
            _check(card)
            given.append(_person(line, vobject.readOne(card, allowQP=True)))
        except Exception as error:  # noqa: BLE001 - the library's parser raises what it likes on nonsense
            left.append(Left(file.name, line, f"it cannot be understood: {str(error)[:100] or type(error).__name__}"))
    if not given and not left:
        raise IntakeError(file, 1, "there is no vCard in it")
    return given, left


def _cards(file: Path, text: str) -> Iterator[tuple[int, str]]:
    """Give each card with the line where it begins."""
    begun, card, passing = 0, list[str](), False
    for number, line in enumerate(re.split("\r?\n", text), 1):
        word = line.strip().upper()
        if word == "BEGIN:VCARD":
            if begun:
                raise IntakeError(file, number, f"a card begins inside that of line {begun}")
            begun, card, passing = number, [], False
        elif not begun:
            if word:
                raise IntakeError(file, number, "here a card should begin, with BEGIN:VCARD")
            continue
        passing = bool(_LARGE.match(line)) or (passing and line[:1] in {" ", "\t", ""})
        if not passing:
            card.append(line)
        if word == "END:VCARD":
            yield begun, "\r\n".join(card) + "\r\n"
            begun = 0
    if begun:
        raise IntakeError(file, begun, "this card has no end")


def _check(card: str) -> None:
    """Raise ValueError where a line, as the library puts it together, is no property."""
    for text, _ in vobject.base.getLogicalLines(io.StringIO(card)):
        if not _PROPERTY.match(text):
            raise ValueError(f"this is no property: {text[:40]!r}")


def _person(line: int, card: Any) -> Given:
    given = Given(line=line, name=_name(card))
    for kind, field in (("number", "tel"), ("email", "email"), ("xmpp", "impp")):
        for one in card.contents.get(field, ()):
            value = str(one.value).strip()
            if field == "impp":
                if not value.lower().startswith("xmpp:"):
                    continue
                value = value[5:]
            if value:
                given.handles.append((kind, value, _label(one)))
    for name, field in (("organisation", "org"), ("title", "title")):
        if field in card.contents:
            value = card.contents[field][0].value
            given.attributes[name] = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
    if "lang" in card.contents:
        given.language = str(card.contents["lang"][0].value)
    return given


def _name(card: Any) -> str:
    if "fn" in card.contents and str(card.contents["fn"][0].value).strip():
        return str(card.contents["fn"][0].value)
    return str(card.contents["n"][0].value) if "n" in card.contents else ""


def _label(one: Any) -> str:
    kinds = {str(kind).upper() for kind in one.params.get("TYPE", [])} | {
        str(word).upper() for word in one.singletonparams
    }
    return next((label for kind, label in LABELS.items() if kind in kinds), "")
