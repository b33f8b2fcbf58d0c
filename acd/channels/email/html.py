"""HTML made safe for a desk, and made text for who reads or listens.

`nh3` (ammonia, in Rust) parses as a browser does and writes anew what is on a list: so nothing that only a browser
takes for a tag gets by. Pictures are shown if they came with the message (`cid:`); one from elsewhere would tell its
sender who reads when. Styles go: they fetch, cover and imitate. Both modules are loaded by the worker alone.
"""

import re
from html.parser import HTMLParser

import nh3

from acd.channels.email import text

HTML_MOST = 1_000_000
"""Characters that are cleaned; the whole is kept as an attachment where there are more."""
DEPTH_MOST = 1_000
"""Tags within tags: the cleaner's time grows with the square of it, to minutes at a hundred thousand."""

_TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "del", "div", "dl", "dt", "em", "h1", "h2", "h3"),
    *("h4", "h5", "h6", "hr", "i", "img", "ins", "li", "ol", "p", "pre", "q", "s", "small", "span", "strong", "sub"),
    *("sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul"),
}
_ATTRIBUTES = {
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start"},
    "*": {"dir", "lang", "title"},
}
_DROPPED = {"script", "style", "title", "template", "noscript", "iframe", "object", "svg", "math", "textarea", "select"}
_TAG = re.compile(r"<(/?)([A-Za-z])")
_VOID = re.compile(r"<(?:br|hr|img|meta|link|input|wbr|col|area|base|embed|source|track|param)\b", re.IGNORECASE)
_BLOCKS = frozenset(
    {
        *("address", "article", "blockquote", "caption", "div", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6"),
        *("hr", "li", "ol", "p", "pre", "table", "tr", "ul"),
    }
)
_SPACES = re.compile(r"[ \t\n\u00a0]+")


def _allowed(_tag: str, attribute: str, value: str) -> str | None:
    if attribute == "src":
        return value if value[:4].lower() == "cid:" else None
    if attribute == "href":
        return value if value.partition(":")[0].lower().strip() in {"http", "https", "mailto", "tel"} else None
    if attribute in {"width", "height", "colspan", "rowspan", "start"}:
        return value if value.isascii() and value.isdigit() and len(value) < 5 else None
    return text.line(value, 500)


def depth(source: str) -> int:
    """Give how deep tags may stand in tags, at most: as if none was closed but by its own end."""
    deepest = level = 0
    for match in _TAG.finditer(source):
        if match[1]:
            level -= level > 0
        elif not _VOID.match(source, match.start()):
            level += 1
            deepest = max(deepest, level)
    return deepest


def safe(source: str) -> str:
    """Clean HTML of a stranger's."""
    source = text.lines(source, HTML_MOST)
    if depth(source) > DEPTH_MOST:
        source = re.sub(r"<[^<>]*>", " ", source).replace("<", "&lt;")
    return nh3.clean(
        source,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        clean_content_tags=_DROPPED,
        attribute_filter=_allowed,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow",
    )


def as_text(clean: str) -> str:
    """Give what cleaned HTML says: a line a block, `> ` before what is quoted, where links lead."""
    reader = _Reader()
    reader.feed(clean)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    """Reads what `safe` wrote, which is well-formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._quotes = self._pre = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin lines at blocks."""
        self._block(tag)
        given = dict(attrs)
        if tag == "br":
            self._end_line()
        elif tag == "hr":
            self._line.append("---")
            self._end_line()
        elif tag == "li":
            self._line.append("- ")
        elif tag == "blockquote":
            self._quotes += 1
        elif tag == "pre":
            self._pre += 1
        elif tag == "a":
            self._links.append(given.get("href") or "")
        elif tag == "img":
            self._line.append(given.get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        """End lines at blocks, and say where a link led."""
        self._block(tag)
        if tag == "blockquote":
            self._quotes -= self._quotes > 0
        elif tag == "pre":
            self._pre -= self._pre > 0
        elif tag in {"td", "th"}:
            self._line.append(" ")
        elif tag == "p":
            self._lines.append("")
        elif tag == "a" and self._links:
            link = self._links.pop().removeprefix("mailto:")
            if link and link not in "".join(self._line[-3:]):
                self._line.append(f" <{link[:500]}>")

    def handle_data(self, data: str) -> None:
        """Take words; blanks are one where nothing else is said."""
        if self._pre:
            first, *others = data.split("\n")
            self._line.append(first)
            for one in others:
                self._end_line()
                self._line.append(one)
        else:
            self._line.append(_SPACES.sub(" ", data))

    def _block(self, tag: str) -> None:
        if tag in _BLOCKS and "".join(self._line).strip():
            self._end_line()
        elif tag in _BLOCKS:
            self._line = []

    def _end_line(self) -> None:
        line = "".join(self._line)
        line = line.rstrip() if self._pre else _SPACES.sub(" ", line).strip()
        self._lines.append("> " * min(self._quotes, 20) + line)
        self._line = []

    def text(self) -> str:
        """All lines, never two empty ones in a row."""
        self._block("p")
        joined = re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in self._lines)).strip("\n")
        return f"{joined}\n" if joined else ""
