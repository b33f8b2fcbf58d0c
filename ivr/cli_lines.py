"""`callfloor lines`: every trunk line, and what it does."""

from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from acd.control import ControlError, ask
from acd.reports.words import safe
from acd.status import LineStatus, Status
from ivr.cli_options import SITE, Home, SiteFolder, home_of
from ivr.screen import clock

_STYLES = {"free": "green", "ours": "cyan", "in use": "yellow", "left alone": "red"}


def lines(
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show every trunk line of the running server: free, ours, in use, or left alone after it failed."""
    folder = home_of(site, home)
    try:
        status = msgspec.convert(ask(folder, "status"), Status)
    except msgspec.ValidationError as error:
        raise ControlError(f"the callfloor server in {folder} is of another version than this command") from error
    if as_json:
        print(msgspec.json.encode(status.lines).decode())
    elif not status.lines:
        print("this site has no lines; a section with type = lines in acd.conf has some")
    else:
        console = Console()
        console.print(_table(status))
        for alarm in status.line_alarms:
            console.print(Text(f"Line test: {safe(alarm)}", style="bold red"))


def _table(status: Status) -> Table:
    table = Table("group", "line", "state", "", title="Lines", title_justify="left")
    for group in status.lines:
        for line in group.lines:
            table.add_row(group.name, line.name, Text(line.state, style=_STYLES[line.state]), _more(line, status.at))
    if busy := [f"{group.all_busy} in {group.name}" for group in status.lines if group.all_busy]:
        table.caption = f"calls out that found no line free: {', '.join(busy)}"
    return table


def _more(line: LineStatus, at: int) -> str:
    failed = f"{line.faults} failures in a row" if line.faults > 1 else "it failed" if line.faults else ""
    match line.state:
        case "ours":
            calls = f" calls {safe(line.number)}" if line.number else ""
            return f"seat {line.seat}{calls}" if line.seat else calls.strip()
        case "in use" if line.tested:
            return "a test of it"
        case "in use":
            return "a call of others, or its trunk does not answer"
        case "left alone":
            return f"{clock(line.until - at)} more: {failed}"
    return failed
