"""`callfloor dialplan lint`: look at an extensions.conf, this site's or any other's."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from acd.conf import read
from ivr import dialplan
from ivr.check import GENERATED, print_problems
from ivr.cli_options import SITE, SiteFolder

dialplan_app = typer.Typer(no_args_is_help=True, help="The dialplan, extensions.conf.")

File = Annotated[Path | None, typer.Argument(help="An extensions.conf; the site's if left out.")]


@dialplan_app.command()
def lint(file: File = None, site: SiteFolder = SITE) -> None:
    """Find jumps into nothing, steps nobody comes to, circles, and texts of callers where they can do harm."""
    path = file or site / dialplan.FILE
    config = read(path, supplied=GENERATED)
    if config.files:
        dialplan.check_any_dialplan(config)
    found = sorted(config.problems, key=lambda problem: (problem.file, problem.line))
    print_problems(found, str(path), Console())
    raise typer.Exit(config.problems.has_errors)
