"""From what a customer wrote to what is read aloud of it: short pieces, without what no ear can follow.

The text is hostile: it may have megabytes without a blank, a link of a thousand signs, a row of ten thousand stars. So
only its beginning is looked at, every expression here takes time in proportion to it, and no piece is longer than a
breath or two: reading begins at once, and ends at any key.
"""

import re
import unicodedata
from collections.abc import Iterator

from ivr import letter_words

TEXT_MOST = 50_000
"""Characters of a letter that are looked at: ten minutes' worth, though most of it were links."""
PIECE_MOST = 300
"""Characters of a piece: some 20 s."""
HOST_MOST = 40
NUMBER_MOST = 26
"""Digits of a number that are read, as many as a bank account's has in most countries."""
WORD_MOST = 40
"""Signs of a word in Latin letters: no language has one that is longer and worth hearing."""
LINE_WHOLE = 50
"""A line that is shorter was not broken because it was full: what follows is something new."""

_LINK = re.compile(r"(?:\b[a-z][a-z0-9+.-]{1,9}://|\bwww\.)[^\s<>\"]{1,4000}", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{1,9}://", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]{7,}")
_WORD = re.compile(rf"[!-~]{{{WORD_MOST + 1},}}")
_SIGNS = re.compile(r"([^\w\s])\1{2,}")
_LETTERS = re.compile(r"(\w)\1{5,}")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[\u3002\uff01\uff1f])")
_HOST = re.compile(r"[^/?#\\]*")


def pieces(text: str, language: str) -> Iterator[str]:
    """Cut a text into what is read at a time.

    Args:
        text: hostile.
        language: the text's, for the words that stand for a link or a long number.

    """
    waiting, is_first = "", True
    for sentence in _sentences(_plain(text[:TEXT_MOST], language)):
        if waiting and (is_first or len(waiting) + len(sentence) >= PIECE_MOST):
            yield waiting
            waiting, is_first = "", False
        waiting = f"{waiting} {_ended(sentence)}".strip()
    if waiting:
        yield waiting


def _plain(text: str, language: str) -> str:
    """Put words in place of what would be spelt out for minutes."""
    text = _LINK.sub(lambda found: letter_words.link(_host(found[0]), language), text)
    text = _LETTERS.sub(r"\1\1\1", _SIGNS.sub(r"\1", _DIGITS.sub(lambda found: _number(found[0], language), text)))
    return _WORD.sub(lambda found: letter_words.long_word(len(found[0]), language), text)


def _host(link: str) -> str:
    """Name where a link really leads: what stands before an @ is no place, and the end of a long name says whose it is.

    A full stop or bracket behind a link is the sentence's.
    """
    match = _HOST.match(_SCHEME.sub("", link, count=1))
    host = (match[0] if match else "").rpartition("@")[2].partition(":")[0].lower().strip(".,;!?)('")
    return host if len(host) <= HOST_MOST else host[-HOST_MOST:].partition(".")[2] or host[-HOST_MOST:]


def _number(digits: str, language: str) -> str:
    if len(digits) > NUMBER_MOST:
        return letter_words.long_number(len(digits), language)
    return f" {spelt(digits)} "


def spelt(digits: str) -> str:
    """Write a number so that it is read digit by digit, in groups of three."""
    return ", ".join(" ".join(digits[start : start + 3]) for start in range(0, len(digits), 3))


def _sentences(text: str) -> Iterator[str]:
    for paragraph in _PARAGRAPH.split(text.replace("\r\n", "\n").replace("\r", "\n")):
        for part in _SENTENCE.split(_unwrapped(paragraph)):
            for line in part.split("\n"):
                if any(char.isalnum() for char in line):
                    yield from _cut(" ".join(line.split()))


def _unwrapped(paragraph: str) -> str:
    """Join the lines that were broken because they were full."""
    lines = [line.strip() for line in paragraph.split("\n")]
    return "".join(line + ("\n" if len(line) < LINE_WHOLE else " ") for line in lines)


def _ended(sentence: str) -> str:
    """A line of its own is a sentence of its own, though nobody wrote a full stop."""
    return sentence if unicodedata.category(sentence[-1]).startswith("P") else f"{sentence}."


def _cut(sentence: str) -> Iterator[str]:
    while len(sentence) > PIECE_MOST:
        head = sentence[:PIECE_MOST]
        at = max(head.rfind(sign) + 1 for sign in ",;:") or head.rfind(" ") + 1 or PIECE_MOST
        if at < PIECE_MOST // 3:
            at = head.rfind(" ") + 1 or PIECE_MOST
        yield sentence[:at].strip()
        sentence = sentence[at:].strip()
    if sentence:
        yield sentence
