"""Headers read by scanners that go over the text once, and stop: addresses, words, parameters, names of messages.

The standard library's readers of headers follow the grammar by recursion, or begin again at each sign; a few kilobytes
of brackets hang or crash them. These know less of the grammar (no comments in comments are kept apart, no routes) and
refuse what they do not know: an address that could be read in two ways is none (CVE-2023-27043).
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from itertools import islice
from urllib.parse import unquote_to_bytes

from acd.channels.email.message import Address
from acd.channels.email.text import line, whole

HEADER_MOST = 65_536
"""Characters of a header that are read."""
ADDRESSES_MOST = 500
IDS_MOST = 200
WORDS_MOST = 1_000
SEGMENTS_MOST = 100
"""Of one parameter that is written in pieces (RFC 2231)."""

_WORD = re.compile(r"=\?([A-Za-z0-9_.:*+-]{1,60})\?([bBqQ])\?([^? \t\r\n]*)\?=")
_PARAMETER = re.compile(
    r';\s*([^\s=;"*]{1,60})(\*[0-9]{1,3})?(\*)?\s*=\s*("(?:[^"\\]|\\.)*(?:"|\\?\Z)|[^;]*)', re.DOTALL
)
_ID = re.compile(r"<[^<>\s\x00-\x1f\x7f\ud800-\udfff]{1,250}>")
_BEYOND = "\u00a1-\ud7ff\ue000-\U0010ffff"  # what is no ASCII (RFC 6531), without halves of characters
_ATOM = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{_BEYOND}-]+"
_LOCAL = rf"{_ATOM}(?:\.{_ATOM})*"
_LABEL = rf"[A-Za-z0-9{_BEYOND}](?:[A-Za-z0-9{_BEYOND}-]{{0,61}}[A-Za-z0-9{_BEYOND}])?"
_ADDRESS = re.compile(rf"({_LOCAL})@({_LABEL}(?:\.{_LABEL})*)")
_UNTEXT = re.compile(r"(?i)idna|punycode|unicode[_-]?escape|raw[_-]|undefined|mbcs|oem|utf[_-]?7[_-]?imap")
CHARSETS = {
    "iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252", "iso-8859-9": "cp1254",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "ks_c_5601-1987": "cp949", "euc-kr": "cp949",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "windows-874": "cp874",
    "tis-620": "cp874", "shift_jis": "cp932", "x-sjis": "cp932", "iso-2022-jp": "iso-2022-jp-2", "big5": "big5hkscs",
    "unicode-1-1-utf-7": "utf-7", "utf8mb4": "utf-8", "x-mac-roman": "mac-roman", "macintosh": "mac-roman",
    "cp-850": "cp850", "x-user-defined": "cp1252", "unknown-8bit": "utf-8", "windows-31j": "cp932",
}  # fmt: skip
"""What a charset's name means in practice, where that is a superset of what it says."""


def decoded(raw: bytes, charset: str = "") -> str:
    """Turn bytes into text: UTF-8 where they are, whatever was claimed, as it is hard to be by chance."""
    name = charset.strip().strip("\"'").lower()
    name = CHARSETS.get(name, name)
    if name.startswith(("utf-16", "utf-32", "utf-7", "iso-2022", "hz")) and not _UNTEXT.search(name):
        tries = [(name, "strict"), ("utf-8", "strict"), (name, "replace")]
    else:
        tries = [("utf-8", "strict"), (name, "strict"), (name, "replace")]
    for codec, errors in [*tries, ("cp1252", "strict")]:
        if not codec or _UNTEXT.search(codec) or not codec.isascii():
            continue
        try:
            return whole(raw.decode(codec, errors))
        except (LookupError, ValueError):
            continue
    return raw.decode("latin-1")


def plain(value: str) -> str:
    """Give a header's value, as the parser keeps it, with raw bytes in it read and without folding."""
    value = re.sub(r"\r?\n(?=[ \t])", "", value)
    if value.isascii():
        return value
    return decoded(value.encode("ascii", "surrogateescape")) if _is_raw(value) else whole(value)


def _is_raw(value: str) -> bool:
    return all(ord(one) < 128 or 0xDC80 <= ord(one) <= 0xDCFF for one in value)


def words(value: str) -> str:
    """Read encoded words (RFC 2047), wherever they stand; what none is stays as it is."""
    out: list[str] = []
    run: list[bytes] = []
    charset, end = "", 0
    for match in islice(_WORD.finditer(value), WORDS_MOST):
        between = value[end : match.start()]
        name = match[1].partition("*")[0].lower()
        if run and (name != charset or between.strip(" \t\r\n")):
            out.append(decoded(b"".join(run), charset))
            run = []
        if between.strip(" \t\r\n") or not end:
            out.append(between)
        run.append(_word(match[2], match[3]))  # pieces of one charset are joined first: some part characters
        charset, end = name, match.end()
    if run:
        out.append(decoded(b"".join(run), charset))
    return "".join(out) + value[end:]


def _word(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(raw, header=True)
    return from_base64(raw)


def from_base64(raw: bytes) -> bytes:
    """Decode base64 as far as it is some: lengths and paddings are often wrong."""
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", raw.replace(b"-", b"+").replace(b"_", b"/"))
    try:
        return base64.b64decode(kept[: len(kept) - (len(kept) % 4 == 1)] + b"==")
    except binascii.Error:
        return b""


def phrase(value: str, most: int = 998) -> str:
    """Read a header of words, such as Subject, as one line that may be shown."""
    return line(words(plain(value[:HEADER_MOST])), most)


def ids(value: str) -> tuple[str, ...]:
    """Read names of messages; the last ones count most, so these are kept."""
    return tuple(dict.fromkeys(_ID.findall(value[-HEADER_MOST:])))[-IDS_MOST:]


def date_ms(value: str) -> int | None:
    """Read a date, ms since 1970; None if it is none, or none that a clock could show."""
    try:
        at = int(parsedate_to_datetime(line(value, 100)).timestamp() * 1_000)
    except (ValueError, OverflowError, TypeError, IndexError, AttributeError):
        return None
    return at if 0 <= at < 1 << 43 else None


def content_type(value: str) -> str:
    """Read the type of a Content-Type header, in lower case; text/plain if it is none (RFC 2045, 5.2)."""
    match = re.match(r"\s*([A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64})\s*(?:[;(]|$)", value)
    return match[1].lower() if match else "text/plain"


def parameters(value: str) -> dict[str, str]:
    """Read the parameters of a Content-* header, names in lower case, pieces of RFC 2231 put together."""
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for match in islice(_PARAMETER.finditer(plain(value[:HEADER_MOST])), 10 * SEGMENTS_MOST):
        number = int(match[2][1:]) if match[2] else -1  # a whole one, which goes before pieces
        text = match[4].strip()
        if text[:1] == '"':
            text = re.sub(r"\\(.)", r"\1", text[1:-1] if len(text) > 1 and text[-1] == '"' else text[1:])
        of_name = pieces.setdefault(match[1].lower(), {})
        if len(of_name) < SEGMENTS_MOST:
            of_name.setdefault(number, (bool(match[3]), text))
    return {name: _joined(parts) for name, parts in pieces.items()}


def _joined(pieces: dict[int, tuple[bool, str]]) -> str:
    if extended := [piece for number, piece in pieces.items() if number == -1 and piece[0]]:
        pieces = {0: extended[0]}
    elif -1 in pieces:
        return words(pieces[-1][1])
    ordered = [pieces[number] for number in sorted(pieces)]
    is_encoded, first = ordered[0]
    charset = "utf-8"
    if is_encoded and first.count("'") >= 2:
        charset, _, first = first.split("'", 2)
        ordered[0] = (True, first)
    raw = [unquote_to_bytes(text) if is_encoded else text.encode("utf-8", "replace") for is_encoded, text in ordered]
    return decoded(b"".join(raw), charset)


def is_address(text: str) -> bool:
    """Tell whether something can be sent there: `local@domain`, without quotes, comments and the like."""
    local, _, domain = text.partition("@")
    fits = len(local.encode("utf-8", "replace")) <= 64 and len(domain) <= 253  # RFC 5321, 4.5.3.1
    return fits and bool(_ADDRESS.fullmatch(text))


def addresses(value: str) -> tuple[Address, ...]:
    """Read a list of mailboxes; groups are opened up."""
    text = plain(value[:HEADER_MOST])
    return tuple(islice((one for part in _parts(text) if (one := _mailbox(part))), ADDRESSES_MOST))


def _parts(text: str) -> Iterator[list[tuple[str, str]]]:
    """Cut a list at its commas; yield each mailbox as tokens: a word, a `"quoted"` one, `<` what is in angles `>`."""
    tokens: list[tuple[str, str]] = []
    for kind, token in _tokens(text):
        if kind == ":":
            tokens = []  # the name of a group
        elif kind in {",", ";"}:
            yield tokens
            tokens = []
        else:
            tokens.append((kind, token))
    yield tokens


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|<[^<>"]*>|[,;:]|\(|\s+|[^\s",;:<(]+|.', re.DOTALL)
_COMMENT = re.compile(r"\\.|[()]", re.DOTALL)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text) and (match := _TOKEN.match(text, at)):
        token, at = match[0], match.end()
        if token == "(":  # noqa: S105 - a bracket
            at = _after_comment(text, at)
        elif token[0] == '"':
            yield '"', re.sub(r"\\(.)", r"\1", token[1:].removesuffix('"'))
        elif token[0] == "<" and token[-1] == ">" and len(token) > 1:
            yield "<", token[1:-1].strip()
        else:
            yield (token if token in {",", ";", ":"} else "word"), token


def _after_comment(text: str, at: int) -> int:
    depth = 1
    for match in _COMMENT.finditer(text, at):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if not depth:
            return match.end()
    return len(text)


def _mailbox(tokens: list[tuple[str, str]]) -> Address | None:
    shown = line(words("".join(token for _, token in tokens)), 320)
    if not shown:
        return None
    angles = [place for place, (kind, _) in enumerate(tokens) if kind == "<"]
    if not angles:
        bare = "".join(token for _, token in tokens).strip()
        is_plain = all(kind == "word" for kind, _ in tokens)
        return Address(bare) if is_plain and is_address(bare) else Address("", shown)
    rest = tokens[angles[0] + 1 :]
    inside = tokens[angles[0]][1]
    if "".join(token for _, token in rest).strip() or not is_address(inside):
        return Address("", shown)
    name = line(words("".join(token for _, token in tokens[: angles[0]])), 200)
    return Address(inside, name)
