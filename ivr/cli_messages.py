"""`callfloor messages`: what callers have left, who heard it, and where the sound is."""

import shutil
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from acd.control import ControlError, ask
from acd.reports.words import safe
from acd.status import Status
from ivr.cli_options import SITE, Home, SiteFolder, home_of
from ivr.mailbox import CLOSED, RECORDINGS, Message, messages
from ivr.screen import clock


class Listed(msgspec.Struct, kw_only=True):
    """A message as it is listed."""

    id: str
    queue: str
    number: str
    left_at: int
    length_ms: int
    state: str
    """waiting, offered, talking: as the running server has its call; closed; `kept` where no server says more."""
    closed_at: int | None
    closed_by: str
    code: str
    file: str


def messages_command(
    message: Annotated[str | None, typer.Argument(help="One message: print where its sound is.")] = None,
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    queue: Annotated[str | None, typer.Option(help="Of this queue alone.")] = None,
    closed: Annotated[bool, typer.Option("--closed", help="Those that agents have closed as well.")] = False,
    copy: Annotated[Path | None, typer.Option(help="Copy the sound of the one message here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List what callers have left. Needs no running server; of one that runs it tells how the calls stand."""
    folder = home_of(site, home)
    found = [one for one in listed(folder, closed=closed or message is not None) if queue in {None, one.queue}]
    if message is not None:
        one = next((one for one in found if one.id == message), None)
        if one is None:
            raise ControlError(f"there is no message '{message}'; callfloor messages --closed lists all")
        if copy is not None:
            shutil.copyfile(one.file, copy)
        print(copy or one.file)
    elif as_json:
        print(msgspec.json.encode(found).decode())
    elif found:
        Console().print(_table(found))
    else:
        print("there are no messages")


def listed(home: Path, *, closed: bool) -> list[Listed]:
    """Read the messages of a home, oldest first."""
    calls = _calls(home)
    folder = home / RECORDINGS
    found = [_listed(one, folder, *calls.get(one.id, ("", "kept"))) for one in messages(folder)]
    if closed:
        found += [_listed(one, folder / CLOSED, "", "closed") for one in messages(folder / CLOSED)]
    return sorted(found, key=lambda one: one.left_at)


def _listed(message: Message, folder: Path, queue: str, state: str) -> Listed:
    return Listed(
        id=message.id,
        queue=queue or message.queue,
        number=message.number,
        left_at=message.left_at,
        length_ms=message.length_ms,
        state=state if message.closed_at is None else "closed",
        closed_at=message.closed_at,
        closed_by=message.closed_by,
        code=message.code,
        file=str((folder / f"{message.id}.wav").absolute()),
    )


def _calls(home: Path) -> dict[str, tuple[str, str]]:
    """Call -> its queue and state, as far as a server says so."""
    try:
        status = msgspec.convert(ask(home, "status"), Status)
    except (ControlError, msgspec.ValidationError):
        return {}
    return {call.call: (call.queue, call.state) for call in status.calls}


def _table(found: list[Listed]) -> Table:
    table = Table("left", "queue", "from", "length", "state", "message", title="Messages", title_justify="left")
    for one in found:
        by = f" by {one.closed_by}" if one.closed_by else ""
        code = f", {one.code}" if one.code else ""
        table.add_row(
            time.strftime("%Y-%m-%d %H:%M", time.localtime(one.left_at / 1000)),
            safe(one.queue),
            safe(one.number) or "unknown",
            clock(one.length_ms),
            safe(f"{one.state}{by}{code}"),
            safe(one.id),
        )
    return table
