"""`callfloor render`: what callfloor writes for Asterisk, before it is written. Passwords show as `***`."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from acd.site import load_site
from ivr.asterisk import Instance, generated
from ivr.cli_options import SITE, Home, SiteFolder, home_of

_SECRET = re.compile(r"(?m)^((?:password|secret) =|CALLFLOOR_AGI = .*/).*$")
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def render(
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    diff: Annotated[bool, typer.Option("--diff", help="Only what would change, against what is there.")] = False,
) -> None:
    """Show the Asterisk files that follow from acd.conf: endpoints of seats and trunks, ports, lamps, music."""
    settings, folder = load_site(site), home_of(site, home)
    instance = Instance(folder, site, settings)
    existing = settings.switch.mode == "existing"
    place = site / "generated" if existing else folder / "etc/generated"
    texts = generated(settings, (folder if existing else instance.place) / "sounds")
    console = Console(highlight=False)
    for line in _changes(texts, place) if diff else _all(texts):
        console.print(Text(line, style=_STYLES.get(line[:1], "") if diff else ""), soft_wrap=True)


def _all(texts: Mapping[str, str]) -> list[str]:
    return [line for name, text in texts.items() for line in (f"; ---- {name}", *_shown(text), "")]


def _changes(texts: Mapping[str, str], place: Path) -> list[str]:
    found: list[str] = []
    for name, text in texts.items():
        there = (place / name).read_text(encoding="utf-8") if (place / name).is_file() else ""
        found += difflib.unified_diff(
            _shown(there), _shown(text), str(place / name), f"{name}, from acd.conf", lineterm=""
        )
    return found or [f"nothing changes in {place}"]


def _shown(text: str) -> list[str]:
    return _SECRET.sub(r"\1 ***", text).splitlines()
