"""The settings of the web desk; how they are written: `acd.web_options`."""

from msgspec import Struct

from acd.mailboxes import Place


class WebSettings(Struct, frozen=True, kw_only=True):
    """Section `[web]`. What the fields mean: `acd.web_options`."""

    listen: Place | None = None
    """None: there is no web desk."""
    url: str = ""
    session_ms: int = 12 * 3_600_000
    absent_ms: int = 900_000
