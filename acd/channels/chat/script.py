"""The script of a page: one file, with the section's settings and words in it."""

from functools import lru_cache
from importlib import resources

import msgspec

from acd.channels.chat import protocol as say
from acd.channels.chat.widget_words import WORDS
from acd.chat_settings import ChatSettings
from acd.settings import Site

PLACE = "/*CALLFLOOR*/ {}"


def script(settings: ChatSettings, site: Site) -> str:
    """Give it for a section."""
    general = site.general
    spoken = [one for one in (general.language, *general.languages) if one in WORDS] or ["en"]
    return _made(
        msgspec.json.encode(
            {
                "version": say.VERSION,
                "section": settings.section,
                "title": settings.title,
                "ask": settings.ask,
                "files": settings.files,
                "fileMost": settings.file_most,
                "textMost": say.TEXT_MOST,
                "callback": settings.callback,
                "transcript": bool(settings.mailbox),
                "words": {language: WORDS[language] for language in dict.fromkeys(spoken)},
            }
        ).decode()
    )


@lru_cache(maxsize=64)
def _made(settings: str) -> str:
    body = (resources.files("acd.channels.chat") / "widget" / "widget.js").read_text("utf-8")
    assert body.count(PLACE) == 1, "the script has one place for its settings"
    # No sign that means something to a browser or an old engine stands in what comes from a file of the site.
    safe = settings.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return body.replace(PLACE, safe)
