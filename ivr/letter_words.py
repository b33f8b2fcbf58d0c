"""Sentences about written contacts, to agents, and words that are put into their text.

See `ivr.phrases` for what all phrases keep to.
"""

from collections.abc import Mapping

from ivr import phrases
from ivr.letter_phrases import TITLES
from ivr.message_words import moment

MARKS = ("spf-fail", "not-parsed", "auto", "list", "gone")
"""What is said of a letter before it is read, if it is so."""
FILES_TOLD = 20
"""More attachments than these are not counted out: so the cache of spoken texts stays small."""

_BY_VOICE: Mapping[str, str] = {
    "en": "Please find our answer in the attached recording.",
    "pl": "Nasza odpowiedź jest w załączonym nagraniu.",
}
_WRITTEN_DOWN: Mapping[str, str] = {
    "en": "Written down by a machine; where it differs, the recording counts:",
    "pl": "Spisane automatycznie; w razie różnic liczy się nagranie:",
}


def came_from(medium: str) -> str:
    """Name the prompt that says what it is, before who wrote it."""
    return f"letter-{medium}-from" if medium in TITLES else "letter-from"


def by_voice(language: str) -> str:
    """Write what stands in a reply beside the recording that is the answer."""
    return _BY_VOICE.get(language[:2].lower(), _BY_VOICE["en"])


def written_down(words: str, language: str) -> str:
    """Write what a recording says, as an engine understood it."""
    return f"{_WRITTEN_DOWN.get(language[:2].lower(), _WRITTEN_DOWN['en'])}\n{words}"


def address(text: str, language: str) -> str:
    """Say an e-mail address: `jan dot kowalski at example dot org`."""
    signs = _SIGNS.get(language, _SIGNS["en"])
    return " ".join("".join(f" {signs[char]} " if char in signs else char for char in text[:80]).split())


_SIGNS: Mapping[str, Mapping[str, str]] = {
    "en": {"@": "at", ".": "dot", "-": "dash", "_": "underscore", "+": "plus", "/": "slash"},
    "pl": {"@": "małpa", ".": "kropka", "-": "myślnik", "_": "podkreślenie", "+": "plus", "/": "ukośnik"},
}


def facts(arrived: int, length_ms: int, files: int, now: int, language: str) -> list[str]:
    """Say when it came, how long reading it takes, and what is attached; times in epoch ms."""
    step_ms = 10_000 if length_ms <= 60_000 else 60_000
    length = phrases.duration(max(1, -(-length_ms // step_ms)) * step_ms, language)
    told = [*moment(arrived, now, language), f"Długość: {length}." if language == "pl" else f"Length: {length}."]
    return [*told, _files(files, language)] if files else told


def _files(count: int, language: str) -> str:
    if count > FILES_TOLD:
        return f"Załączników ponad {FILES_TOLD}." if language == "pl" else f"More than {FILES_TOLD} attachments."
    if language == "pl":
        return f"Liczba załączników: {count}."
    return "1 attachment." if count == 1 else f"{count} attachments."


def choice(number: int, title: str, language: str) -> str:
    """Read out a ready reply with its number; the title is the site's own."""
    return f"{title}: naciśnij {number}." if language == "pl" else f"For {title}, press {number}."


# In the letter's own language, for they stand in its text


def link(host: str, language: str) -> str:
    """Say that there is a link, and where it leads."""
    where = host or "?"
    return _in(language, en=f" a link to {where} ", pl=f" odnośnik do {where} ", other=f" link: {where} ")


def long_number(digits: int, language: str) -> str:
    """Say that there is a number that nobody could note."""
    many = str(digits)
    return _in(language, en=f" a number of {many} digits ", pl=f" liczba o {many} cyfrach ", other=" … ")


def long_word(signs: int, language: str) -> str:
    """Say that there is a row of signs that nobody could understand."""
    many = str(signs)
    return _in(language, en=f" a row of {many} signs ", pl=f" ciąg {many} znaków ", other=" … ")


def _in(language: str, *, en: str, pl: str, other: str) -> str:
    return {"en": en, "pl": pl}.get(language[:2].lower(), other)
