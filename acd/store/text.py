"""Text from outside, made fit to be stored and searched."""

import re
import unicodedata

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")  # no database takes all of these
_BLANKS = re.compile(r"\s+")
_DIRECTION = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")  # they reorder what stands around them


def body(text: str, most: int = 1_000_000) -> str:
    """Return a text of several lines, without what cannot be stored, cut at a length."""
    return _UNFIT.sub("\ufffd", text[:most])


def line(text: str, most: int = 200) -> str:
    """Return a text of one line, such as a name: blanks of all kinds are one blank, marks of direction are gone."""
    text = _DIRECTION.sub("", unicodedata.normalize("NFC", _UNFIT.sub(" ", text[: 4 * most])))
    return _BLANKS.sub(" ", text).strip()[:most].rstrip()


def folded(text: str) -> str:
    """Return a text as it is searched by: small letters, no accents, no `ł` and its like."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return _BLANKS.sub(" ", "".join(char for char in apart if not unicodedata.combining(char))).strip()


_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
"""Letters with a stroke and joined ones: Unicode does not take them apart."""
