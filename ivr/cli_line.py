"""`callfloor line test` and `line history`: whether a trunk line carries a talk, and how well.

Exit status of `test`: 0 ok, 3 degraded, 4 failed; 1 where there was no test.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from acd.control import ControlError, ask
from acd.reports.words import safe
from ivr.cli_options import SITE, Home, SiteFolder, home_of
from ivr.linetest.history import read_tests
from ivr.linetest.report import LineTest
from ivr.linetest.tester import TEST_S, Asked

line_app = typer.Typer(no_args_is_help=True, help="Take trunk lines out of service, test them, and see how they did.")

_STYLES = {"ok": "bold green", "degraded": "bold yellow", "failed": "bold red"}
_STATUS = {"ok": 0, "degraded": 3, "failed": 4}

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@line_app.command("test")
def check_line(
    target: Annotated[str, typer.Argument(help="A line, a trunk or a group; left out, the one with a number.")] = "",
    number: Annotated[str, typer.Option(help="Call this one, which echoes, and not test_number of acd.conf.")] = "",
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Call over a line, send a known sound and keys, and judge what comes back. It takes some 15 seconds."""
    wanted = msgspec.json.encode(Asked(target=target, number=number)).decode()
    answer = ask(home_of(site, home), "line-test", wanted, timeout_s=TEST_S)
    try:
        found = msgspec.convert(answer, LineTest)
    except msgspec.ValidationError as error:
        raise ControlError("the callfloor server is of another version than this command") from error
    if as_json:
        print(msgspec.json.encode(found).decode())
    else:
        console = Console(highlight=False)
        console.print(Text.assemble(f"{found.line} to {found.number}: ", (found.verdict, _STYLES[found.verdict])))
        for reason in found.reasons:
            console.print(Text(f"  {safe(reason)}"))
        for name, value in _figures(found):
            console.print(Text(f"  {name:<18}{safe(value)}", style="bright_black"))
    raise typer.Exit(_STATUS[found.verdict])


def _figures(found: LineTest) -> Iterator[tuple[str, str]]:
    if found.answer_ms is not None:
        yield "answer", f"rings after {found.post_dial_ms} ms, answers after {found.answer_ms} ms"
    if found.mos is None:
        return
    yield "opinion", f"MOS {found.mos:.2f} (E-model, ITU-T G.107), codec {found.codec or 'unknown'}"
    near = f"; {found.rtcp_round_trip_ms:g} ms by RTCP" if found.rtcp_round_trip_ms else ""
    yield "round trip", f"{found.round_trip_ms:g} ms by echo{near}"
    yield "jitter", f"{found.jitter_ms:g} ms; 19 of 20 packets at most {found.late_ms:g} ms late"
    there = "" if found.lost_there is None else f"; {found.lost_there:.1%} there, as the far end says"
    yield "lost", f"{found.lost:.1%} there and back{there}"
    yield "level", f"sent {found.sent_db:g} dBFS, came back {found.heard_db:g} dBFS, noise {found.noise_db:g} dBFS"
    if found.keys_sent:
        yield "keys", f"sent {found.keys_sent}, came back {found.keys_heard or 'none'}"


@line_app.command("history")
def show_history(
    line: Annotated[str, typer.Argument(help="A line, a trunk or a group; left out, all.")] = "",
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    last: Annotated[int, typer.Option("--last", "-n", min=1, help="So many at most, the latest.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Show the tests that were, oldest first; without a server too."""
    found = [one for one in read_tests(home_of(site, home)) if line in {"", one.line, one.way, one.group}][-last:]
    if as_json:
        print(msgspec.json.encode(found).decode())
    elif not found:
        print("no line was tested yet" if not line else f"no test of {safe(line)} is known")
    else:
        Console(highlight=False).print(_table(found))


def _table(tests: list[LineTest]) -> Table:
    table = Table("when", "line", "verdict", "MOS", "round trip", "lost", "jitter", "")
    for one in tests:
        table.add_row(
            datetime.fromtimestamp(one.at / 1000).strftime("%Y-%m-%d %H:%M"),  # noqa: DTZ006 - the viewer's own zone
            Text(safe(one.line)),
            Text(one.verdict, style=_STYLES[one.verdict]),
            f"{one.mos:.2f}" if one.mos is not None else "",
            f"{one.round_trip_ms:g} ms" if one.round_trip_ms is not None else "",
            f"{one.lost:.1%}" if one.lost is not None else "",
            f"{one.jitter_ms:g} ms" if one.jitter_ms is not None else "",
            Text(safe("; ".join(one.reasons))),
        )
    return table
