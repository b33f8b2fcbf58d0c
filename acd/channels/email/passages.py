"""What an author wrote anew, what he quotes, and his signature: lines are sorted, never changed.

Quoted are lines that begin with `>`, the line before them that says who wrote, and all that follows a forwarded or
original message's head. People write between quoted lines; so each run of lines is a passage of its own, in order.
"""

import re
from collections.abc import Iterator
from itertools import groupby

from acd.channels.email.message import Passage

LINES_MOST = 20_000
SIGNATURE_LINES_MOST = 30

_WROTE = re.compile(
    r"(?i)\b(?:wrote|writes|schrieb|pisze|napisał|napisała|a écrit|escribió|ha scritto|escreveu|schreef|skrev|napsal"
    r"|napsala|kirjoitti|írta|писал|пише|написал|пишет)\b"
)
WROTE_MOST = 400
"""Characters of the line that says who wrote."""
_HEAD = re.compile(
    r"(?i)\s*-{2,}\s*(?:original message|original appointment|forwarded message|ursprüngliche nachricht"
    r"|weitergeleitete nachricht|wiadomość oryginalna|oryginalna wiadomość|przekazana wiadomość|message d'origine"
    r"|message transféré|mensaje original|mensaje reenviado|messaggio originale|mensagem original"
    r"|oorspronkelijk bericht|исходное сообщение)\s*-{2,}\s*$"
)
_FROM = re.compile(r"(?i)\*?(?:from|von|od|de|da|van|från|fra|от)\*?\s?:\*?\s.{1,400}$")
_FIELD = re.compile(
    r"(?i)\*?(?:sent|date|to|subject|cc|gesendet|datum|an|betreff|wysłano|data|do|temat|dw|envoyé|à|objet|enviado|para"
    r"|asunto|inviato|a|oggetto|verzonden|aan|onderwerp|дата|кому|тема|отправлено)\*?\s?:\*?\s"
)
_DASHES = frozenset({"-- ", "--"})


def passages(text: str) -> tuple[Passage, ...]:
    """Sort the lines of a text; its passages put together are the text."""
    kept = text.split("\n", LINES_MOST)
    lines = [*(f"{one}\n" for one in kept[:-1]), kept[-1]]
    kinds = list(_kinds([one.rstrip("\n") for one in lines]))
    runs = groupby(zip(kinds, lines, strict=True), key=lambda pair: pair[0])
    return tuple(Passage(kind, joined) for kind, run in runs if (joined := "".join(one for _, one in run)))


def _kinds(lines: list[str]) -> Iterator[str]:
    end = next((place for place, line in enumerate(lines) if _is_head(lines, place)), len(lines))
    sorted_so_far = ["quoted" if line.startswith(">") else "new" for line in lines[:end]]
    for place, line in enumerate(lines[:end]):
        if line.startswith(">") and (place == 0 or sorted_so_far[place - 1] == "new"):
            _take_attribution(lines, sorted_so_far, place)
    _take_signature(lines, sorted_so_far)
    yield from sorted_so_far
    yield from ["quoted"] * (len(lines) - end)


def _is_head(lines: list[str], place: int) -> bool:
    line = lines[place]
    if _HEAD.match(line):
        return True
    rest = [one for one in lines[place + 1 : place + 6] if one.strip()]
    return bool(_FROM.match(line)) and sum(bool(_FIELD.match(one)) for one in rest) > 1


def _take_attribution(lines: list[str], kinds: list[str], place: int) -> None:
    """Take the line that says who wrote, which may be broken into two, and the empty ones behind it."""
    before = place - 1
    while before >= 0 and place - before < 4 and not lines[before].strip():
        before -= 1
    for first in (before, before - 1):
        if first >= 0 and kinds[first] == "new" and _says_who_wrote(" ".join(lines[first : before + 1])):
            kinds[first:place] = ["quoted"] * (place - first)
            return


def _says_who_wrote(line: str) -> bool:
    return len(line) <= WROTE_MOST and line.rstrip().endswith(":") and bool(_WROTE.search(line))


def _take_signature(lines: list[str], kinds: list[str]) -> None:
    starts = [place for place, kind in enumerate(kinds) if kind == "new" and lines[place] in _DASHES]
    if not starts:
        return
    first = starts[-1]
    end = next((place for place in range(first, len(kinds)) if kinds[place] != "new"), len(kinds))
    if end - first <= SIGNATURE_LINES_MOST:
        kinds[first:end] = ["signature"] * (end - first)
