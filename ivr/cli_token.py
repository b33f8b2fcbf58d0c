"""`callfloor token`: what programs show to the API of the web desk."""

import time
from pathlib import Path
from typing import Annotated

import typer

from acd.desk.web.tokens import SCOPES, Scope, TokenError, TokenFile
from acd.problems import did_you_mean
from acd.reports.words import safe, stamp
from acd.site import load_site
from ivr.cli_options import SITE, Home, SiteFolder, home_of

token_app = typer.Typer(no_args_is_help=True, help="What programs show to the API of the web desk.")

Name = Annotated[str, typer.Argument(help="What it is called here: small letters, digits, - and _.")]
Scopes = Annotated[list[str], typer.Option("--scope", help=f"What it is for, one or several: {', '.join(SCOPES)}.")]
Seat = Annotated[str, typer.Option("--seat", help="Whose it is, with the scope agent.")]


@token_app.command()
def add(name: Name, scope: Scopes, seat: Seat = "", site: SiteFolder = SITE, home: Home = None) -> None:
    """Make a token, and show it this once."""
    if seat and seat not in load_site(site).seats:
        raise TokenError(f"there is no seat '{safe(seat)}' in acd.conf")
    made = _file(site, home).add(name, _scopes(scope), seat, time.time_ns() // 1_000_000)
    print(made)


@token_app.command("list")
def list_(site: SiteFolder = SITE, home: Home = None) -> None:
    """Name the tokens, and what they are for."""
    for one in _file(site, home).all():
        seat = f"  seat {one.seat}" if one.seat else ""
        print(f"{one.name}  {', '.join(one.scopes)}{seat}  made {stamp(one.made_at)}")


@token_app.command()
def remove(name: Name, site: SiteFolder = SITE, home: Home = None) -> None:
    """Make a token worthless, at once."""
    _file(site, home).remove(name)
    print(f"token {name} is removed")


def _file(site: Path, home: Path | None) -> TokenFile:
    folder = home_of(site, home)
    folder.mkdir(parents=True, exist_ok=True)
    return TokenFile(folder)


def _scopes(words: list[str]) -> tuple[Scope, ...]:
    for word in words:
        if word not in SCOPES:
            hint = did_you_mean(word, SCOPES) or f"there are {', '.join(SCOPES)}"
            raise TokenError(f"there is no scope '{safe(word)}'; {hint}")
    return tuple(scope for scope in SCOPES if scope in words)
