"""`callfloor codes`: what an agent can dial, as the table has it and as the site's dialplan leads there."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from acd.conf import read
from ivr.check import GENERATED
from ivr.cli_options import SITE, SiteFolder
from ivr.codes import CODES, FILE, dialled


def codes(site: SiteFolder = SITE) -> None:
    """Print what an agent can dial on this site, and what it does."""
    there: dict[str, list[str]] = {}
    if (site / FILE).is_file():
        for pattern, action in dialled(read(site / FILE, supplied=GENERATED)).items():
            there.setdefault(action, []).append(pattern)
    table = Table("dial", "who", "and then", title="Feature codes", title_justify="left")
    for code in CODES.values():
        table.add_row(
            _dialled(there.get(code.action, []), seat=code.seat), code.who, escape(code.help.replace("`", ""))
        )
    Console().print(table)


def _dialled(patterns: list[str], *, seat: bool) -> str:
    """Name what the site's dialplan has; a pattern for a digit behind a code belongs to that code."""
    found = [pattern for pattern in patterns if not pattern.startswith("_")]
    if seat:
        found = [f"{pattern.strip('_X.')} and a seat" for pattern in patterns]
    return ", ".join(found) if found else f"[red]not in {FILE}[/red]"
