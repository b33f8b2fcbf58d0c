"""What a supervisor does from the command line: `callfloor queue close|open` and `callfloor call`."""

from typing import Annotated

import msgspec
import typer

from acd.control import ask
from acd.desk.supervisor import Move
from ivr.cli_options import SITE, Home, SiteFolder, home_of

queue_app = typer.Typer(no_args_is_help=True, help="Close and open a queue by hand.")
Queue = Annotated[str, typer.Argument(help="Name of the queue.")]
Whole = Annotated[bool, typer.Option("--all", help="The whole site, instead of one queue: who calls hears so.")]


@queue_app.command("close")
def close_queue(name: Queue = "", *, whole: Whole = False, site: SiteFolder = SITE, home: Home = None) -> None:
    """Let nobody new join a queue. Who waits goes on waiting; it stays closed over restarts, until `open`."""
    print(ask(home_of(site, home), "close-queue", _which(name, whole=whole)))


@queue_app.command("open")
def open_queue(name: Queue = "", *, whole: Whole = False, site: SiteFolder = SITE, home: Home = None) -> None:
    """Let calls join it again."""
    print(ask(home_of(site, home), "open-queue", _which(name, whole=whole)))


def _which(name: str, *, whole: bool) -> str:
    """Take the name of a queue, or none for all of them; both, or neither, is a slip that must close nothing."""
    if bool(name) == whole:
        raise typer.BadParameter("name one queue, or say --all")
    return name


def move_call(
    call: Annotated[str, typer.Argument(help="The switch's id of the call, or the caller's number.")],
    priority: Annotated[int | None, typer.Option(help="Another class, 0 first.")] = None,
    queue: Annotated[str | None, typer.Option(help="Another queue; its place counts from its arrival.")] = None,
    to: Annotated[
        str | None, typer.Option(help="Out of the queue, to `flow NAME`, `voicemail`, `number EXT` ...")
    ] = None,
    site: SiteFolder = SITE,
    *,
    home: Home = None,
) -> None:
    """Move a call that waits, at once."""
    wanted = Move(call=call, priority=priority, queue=queue, to=to)
    print(ask(home_of(site, home), "move-call", msgspec.json.encode(wanted).decode()))


def mount(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(queue_app, name="queue")
    app.command("call")(move_call)
