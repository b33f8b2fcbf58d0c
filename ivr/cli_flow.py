"""`callfloor flow`: see the menus of a site, and walk through them, without a telephone."""

import asyncio
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from acd.site import load_site
from ivr.cli_options import SITE, SiteFolder
from ivr.flow import Caller
from ivr.menus import load_ivr, read_ways
from ivr.outline import svg, tree
from ivr.walk import Walk

flow_app = typer.Typer(no_args_is_help=True, help="The menus: draw them, walk through them.")

Number = Annotated[
    str, typer.Argument(help="The number that is dialled; `after` an agent hung up, `overflow` of a queue.")
]
At = Annotated[str, typer.Option("--at", help="As if it were then: '2026-12-25 03:00', on this machine's clock.")]
Picture = Annotated[Path | None, typer.Option("--svg", help="Write a picture there instead.")]


@flow_app.command("show")
def show(site: SiteFolder = SITE, picture: Picture = None) -> None:
    """Draw all menus that calls get to."""
    ways = read_ways(site, load_site(site))
    if picture is None:
        Console().print(tree(ways))
    else:
        picture.write_text(svg(ways), encoding="utf-8")
        print(f"{picture} is written; any browser shows it")


@flow_app.command("call")
def call(number: Number, at: At = "", site: SiteFolder = SITE) -> None:
    """Walk through the menus as a caller: what he hears is written, what he presses is typed.

    Keys and Enter; Enter alone is to press nothing; Ctrl-D hangs up. Lines of a file or a pipe do, too.
    """
    settings = load_site(site)
    moment = _moment(at)
    ivr = load_ivr(site, settings, now_s=lambda: moment)
    console = Console(highlight=False)

    def tell(sign: str, words: str) -> None:
        console.print(Text.assemble((f"{sign:>5}  ", "dim"), words), soft_wrap=True)

    def ask() -> str | None:
        if sys.stdin.isatty():
            console.print(Text(" keys  ", style="bold cyan"), end="")
        line = sys.stdin.readline()
        if line and not sys.stdin.isatty():
            tell("keys", line.strip() or "(nothing)")
        return line.strip() if line else None

    route = number if number in {"after", "overflow"} else "entry"
    caller = Caller(dialled="" if route != "entry" else number, language=settings.general.language)
    asyncio.run(Walk(ivr, settings.general.language, ask, tell).go(route, caller))


def _moment(at: str) -> float:
    if not at:
        return time.time()
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        raise typer.BadParameter(f"'{at}' is no moment; write it like '2026-12-25 03:00'", param_hint="--at") from None
