"""What every command of `callfloor` knows: which site, and where its server keeps things."""

from pathlib import Path
from typing import Annotated

import typer

SiteFolder = Annotated[Path, typer.Option("--site", envvar="CALLFLOOR_SITE", help="Folder of acd.conf and ivr.conf.")]
Home = Annotated[Path | None, typer.Option("--home", envvar="CALLFLOOR_HOME", help="Folder of what the server keeps.")]
SITE = Path("asterisk-config")


def home_of(site: Path, home: Path | None) -> Path:
    """The folder of what a server keeps."""
    return home or Path(".callfloor") / site.resolve().name
