"""What may be shown, stored and saved of text that a stranger wrote."""

import re
import unicodedata
from collections.abc import Iterable

_LINE_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufff9-\ufffb\U000e0000-\U000e0fff]")
_TURNING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""Signs that turn the direction of text beside their own: `exe.gpj` looks like `jpg.exe`."""
_HIDDEN = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2064\u2800\u3164\ufeff]"
)
_BLANKS = re.compile(r"\s+")
_MARKS = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STACKED = re.compile(f"({_MARKS}{{3}}){_MARKS}+")
"""Accents piled up on one letter until they cover the lines above."""
_UNSAFE_IN_FILES = re.compile(r"[^\w. ()+-]", re.ASCII)
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")

FILE_NAME_MOST = 120


def whole(text: str) -> str:
    """Replace halves of characters, which no encoder takes."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if not text.isascii() else text


def line(text: str, most: int = 998) -> str:
    """Give text as one line without signs that break, turn or hide it, cut to so many characters."""
    text = whole(text[: 4 * most])
    for unwanted, instead in ((_TURNING, ""), (_HIDDEN, ""), (_LINE_BREAKS, " "), (_CONTROLS, " ")):
        text = unwanted.sub(instead, text)
    return _STACKED.sub(r"\1", _BLANKS.sub(" ", text)).strip()[:most]


def hushed(text: str, secrets: Iterable[str], most: int) -> str:
    """Give a stranger's text as one line, as `line`, without secrets that he repeats."""
    text = line(text, len(text) or 1)  # whole: a secret must not be cut, and signs in the midst of it do not hide it
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text[:most]


def lines(text: str, most: int = 1_000_000) -> str:
    r"""Give text of many lines with `\n` between them, without control signs and those that turn it."""
    text = _LINE_BREAKS.sub("\n", whole(text[:most]))
    return _STACKED.sub(r"\1", _CONTROLS.sub("", _TURNING.sub("", text)))


def file_name(name: str, fallback: str) -> str:
    """Give a name under which a file can be saved anywhere: no path, no hidden file, no device, no surprise."""
    name = line(re.split(r"[/\\]", name[-1_000:])[-1], 1_000)
    name = unicodedata.normalize("NFC", name)
    safe = "".join(one if one.isalnum() else _UNSAFE_IN_FILES.sub("_", one) for one in name)
    safe = safe.strip(" .") or fallback
    if _RESERVED.match(safe):
        safe = f"_{safe}"
    while len(safe.encode()) > 2 * FILE_NAME_MOST or len(safe) > FILE_NAME_MOST:
        stem, dot, suffix = safe.rpartition(".")
        safe = f"{stem[:-8]}.{suffix}" if dot and stem[:-8] and len(suffix) < 10 else safe[:-8]
    return safe
