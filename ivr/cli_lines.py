"""`callfloor lines`: every trunk line, and what it does; `callfloor line out` and `in`: take one out of service."""

from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from acd.control import ControlError, ask
from acd.core.explain import LINE_WORDS
from acd.core.line import LineLook
from acd.desk.supervisor import LineOrder
from acd.reports.words import safe
from acd.status import LineStatus, Status
from ivr.cli_line import line_app
from ivr.cli_options import SITE, Home, SiteFolder, home_of
from ivr.screen import clock

_STYLES: dict[LineLook, str] = {
    "free": "green",
    "ours": "cyan",
    "in-use": "yellow",
    "out": "magenta",
    "left-alone": "red",
}
"""All else is a trouble."""

Name = Annotated[str, typer.Argument(help="A line as `callfloor lines` names it, a trunk, or a group of lines.")]


def lines(
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show every trunk line of the running server: what it does, since when, and what is the matter with it."""
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
        if not status.connected:
            print("Asterisk is out of sight: so it was when it was seen last")
        console = Console()
        console.print(_table(status))
        for alarm in status.line_alarms:
            console.print(Text(f"Line test: {safe(alarm)}", style="bold red"))


@line_app.command("out")
def take_out(
    name: Name,
    why: Annotated[str, typer.Option(help="Is shown beside the line.")] = "",
    site: SiteFolder = SITE,
    *,
    home: Home = None,
) -> None:
    """Give a line to nobody. A call on it goes on to its end; it stays out over restarts, until `line in`.

    Callers whom the exchange sends over it still come in: only the exchange can stop them.
    """
    _order(LineOrder(name=name, out=True, why=why), site, home)


@line_app.command("in")
def put_in(name: Name, site: SiteFolder = SITE, home: Home = None) -> None:
    """Put a line back into service."""
    _order(LineOrder(name=name, out=False), site, home)


def _order(order: LineOrder, site: SiteFolder, home: Home) -> None:
    print(ask(home_of(site, home), "set-lines", msgspec.json.encode(order).decode()))


def _table(status: Status) -> Table:
    table = Table("group", "line", "state", "for", "", title="Lines", title_justify="left")
    for group in status.lines:
        for line in group.lines:
            word = Text(LINE_WORDS[line.state], style=_STYLES.get(line.state, "bold red"))
            known = clock(status.at - line.since) if line.since else ""
            table.add_row(group.name, line.name, word, known, _more(line, status.at))
    if busy := [f"{group.all_busy} in {group.name}" for group in status.lines if group.all_busy]:
        table.caption = f"calls out that found no line free: {', '.join(busy)}"
    return table


def _more(line: LineStatus, at: int) -> Text:
    """Say all that the state's own word does not."""
    said = []
    if line.state == "ours":
        calls = f"calls {line.number}" if line.number else ""
        said.append(f"seat {line.seat} {calls}".rstrip() if line.seat else calls)
    if line.tested:
        said.append("a test of it")
    failed = f"{line.faults} failures in a row" if line.faults > 1 else "it failed" if line.faults else ""
    if line.state == "left-alone":
        said.append(f"{clock(line.until - at)} more: {failed}")
    if line.state == "out":
        said.append(line.out_why)
    elif line.out_since is not None:
        said.append("out of service when it ends" + (f": {line.out_why}" if line.out_why else ""))
    if line.trouble is not None and line.trouble != line.state:
        said.append(LINE_WORDS[line.trouble])
    said.append(line.said)
    if line.state == "free":
        said.append(failed)
    return Text(safe(", ".join(part for part in said if part), 200))


def mount(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(lines)
    app.add_typer(line_app, name="line")
