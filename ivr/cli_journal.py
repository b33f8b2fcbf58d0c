"""The commands that read a journal: `callfloor journal verify|export|tail` and `callfloor replay`.

All of them may be used while the server runs: they only read, and see whole entries.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from acd.journal import Folder, build, compare
from acd.journal.audit import as_json, as_line, last, survey
from ivr.cli_options import SITE, Home, SiteFolder, home_of
from ivr.server import JOURNAL

journal_app = typer.Typer(no_args_is_help=True, help="Read the journal, also while the server runs.")

JournalFolder = Annotated[
    Path | None, typer.Argument(metavar="[JOURNAL]", help="The journal's folder; left out, that of the home.")
]
After = Annotated[int, typer.Option("--after", help="Leave out entries up to this number.", min=0)]


def _folder(journal: Path | None, site: Path, home: Path | None) -> Folder:
    return Folder(journal or home_of(site, home) / JOURNAL).require()


@journal_app.command()
def verify(journal: JournalFolder = None, site: SiteFolder = SITE, home: Home = None) -> None:
    """Read every byte and say whether all is whole. Exit code 1 if something is damaged."""
    found = survey(_folder(journal, site, home))
    for fault in (*found.gaps, *found.refused, *found.faults):
        print(fault)
    if found.torn:
        print(f"the last {found.torn} bytes are no whole entry: one being written, or cut off at the next start")
    print(
        f"{found.entries} entries, number {found.first} to {found.last}, {found.states} states,"
        f" {found.files} files, {found.file_bytes / 1e6:.1f} MB: "
        + ("all whole" if not found.faults else f"{len(found.faults)} states cannot be used")
    )
    raise typer.Exit(bool(found.faults))


@journal_app.command()
def export(journal: JournalFolder = None, site: SiteFolder = SITE, home: Home = None, *, after: After = 0) -> None:
    """Print every entry as one JSON object a line: its number, the event, the commands that followed."""
    with _pipe():
        for entry in _folder(journal, site, home).entries(after):
            sys.stdout.buffer.write(as_json(entry) + b"\n")


@journal_app.command()
def tail(
    journal: JournalFolder = None,
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many entries.", min=0)] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with each new entry until Ctrl-C.")] = False,
) -> None:
    """Print the last entries to read: time, number, event and what followed."""
    folder = _folder(journal, site, home)
    with _pipe(), contextlib.suppress(KeyboardInterrupt):
        seq = None
        for entry in last(folder, lines):
            print(as_line(entry))
            seq = entry.seq
        if follow:
            sys.stdout.flush()
            if seq is None:
                end = folder.tail()
                seq = end.seq if end else 0
            for entry in folder.follow(seq):
                print(as_line(entry), flush=True)


def replay(journal: JournalFolder = None, site: SiteFolder = SITE, home: Home = None) -> None:
    """Decide every event of the journal again and compare each command. Exit code 1 at the first difference."""
    found = compare(_folder(journal, site, home))
    for author in found.builds:
        print(f"written in part by callfloor {author}; this is {build()}, whose rules may be others")
    for gap in found.gaps:
        print(gap)
    if found.begun_after:
        print(f"begun with the state after entry {found.begun_after}, the first one that is kept")
    if found.refused:
        print(f"{found.refused} events were refused and changed nothing")
    if found.difference:
        print(found.difference)
        raise typer.Exit(1)
    print(
        f"{found.entries} entries, {found.commands} commands, equal to the last byte;"
        f" {found.states} stored states, equal too"
    )


@contextlib.contextmanager
def _pipe() -> Iterator[None]:
    """Let whoever reads the output go when he has seen enough, as in `| head`."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter's own flush would fail
        raise typer.Exit(0) from None
