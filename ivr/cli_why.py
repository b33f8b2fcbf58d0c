"""The commands that look back: `callfloor why`, `why-not`, `why-waiting`, `report` and `what-if`.

All of them read the journal beside a running server, which does not notice; `why-waiting` asks the server first.
"""

import os
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from acd.control import ControlError, UnansweredError, ask
from acd.core.events import CallArrived
from acd.history import History, Restated
from acd.journal import Folder
from acd.options import UNITS_MS
from acd.past import Past
from acd.problems import ConfigError
from acd.reports import Ledger
from acd.reports.metrics import Thresholds
from acd.reports.report import lines_of, report_of
from acd.reports.table import Table, Window
from acd.reports.words import safe
from acd.site import load_site
from acd.site_changes import configured
from acd.whatif.compare import compare
from acd.whatif.words import lines_of as comparison_lines
from acd.why.calling import call_out_lines, find_call_out, follow_call_out
from acd.why.search import NotFoundError, find
from acd.why.story import Story, follow
from acd.why.waiting import Waiting, call_named, waiting
from acd.why.waiting_words import waiting_lines
from acd.why.words import Names, story_lines, why_not_lines
from ivr.cli_options import SITE, Home, SiteFolder, home_of
from ivr.server import JOURNAL

Call = Annotated[str, typer.Argument(help="The switch's id of the call, or the caller's number: then his latest one.")]
CallOrOut = Annotated[
    str, typer.Argument(help="As the switch names the call, or the caller's number; of a call out the number called.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Day = Annotated[str, typer.Option("--day", help="As 2026-11-27, on this machine's clock; left out, the last one.")]
Target = Annotated[str, typer.Option("--target", help="T of the service level: answered within this is in time.")]
Short = Annotated[str, typer.Option("--short", help="Who hangs up before this did not mean to wait.")]


class AskedError(Exception):
    """What was asked for makes no sense, or is not there."""


def mount(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("why")(why)
    app.command("why-not")(why_not)
    app.command("why-waiting")(why_waiting)
    app.command("report")(report)
    app.command("what-if")(what_if)


def why(call: CallOrOut, site: SiteFolder = SITE, home: Home = None, *, as_json: AsJson = False) -> None:
    """Tell why a call went where it went: each offer, each seat considered, and the rule that excluded it.

    Of a call out, named by the number that was called or by its id: whether it was let out, and over which lines.
    """
    past, now = Past(Folder(home_of(site, home) / JOURNAL)), time.time_ns() // 1_000_000
    try:
        out = follow_call_out(past, find_call_out(past, call, now))
    except NotFoundError:
        story = _story(call, site, home)
        _tell(story, story_lines(story, _names(site)), as_json=as_json)
    else:
        _tell(out, call_out_lines(out, _names(site)), as_json=as_json)


def why_not(
    call: Call,
    seat: Annotated[str, typer.Argument(help="Number of the seat.")],
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Tell why a call did not go to a seat: for each of its offers, and for now."""
    story = _story(call, site, home)
    looks = [*(told.why for told in story.offers), *([story.now] if story.now is not None else [])]
    found = [
        {
            "at": look.at,
            "chosen": look.chosen,
            "excluded": one.excluded,
            "place": None if one.excluded else look.considered.index(one) + 1,
            "able": sum(other.excluded is None for other in look.considered),
            "kept_back": look.kept_back,
        }
        for look in looks
        for one in look.considered
        if one.seat == seat
    ]
    data = {"call": story.call, "caller": story.caller, "seat": seat, "looks": found}
    _tell(data, why_not_lines(story, seat, _names(site)), as_json=as_json)


def why_waiting(call: Call, site: SiteFolder = SITE, home: Home = None, *, as_json: AsJson = False) -> None:
    """Tell why a call waits: who is before it, what keeps each seat, and what happens next and when."""
    folder = home_of(site, home)
    try:
        found = msgspec.convert(ask(folder, "why-waiting", call), Waiting)
    except msgspec.ValidationError as error:
        raise ControlError(f"the callfloor server in {folder} is of another version than this command") from error
    except UnansweredError:
        found = _as_left(call, folder)
    _tell(found, waiting_lines(found, _names(site)), as_json=as_json)


def _as_left(name: str, home: Path) -> Waiting:
    """Judge by the journal's end, where no server runs."""
    folder = Folder(home / JOURNAL)
    past, tail = Past(folder), folder.tail()
    state = past.core_at((tail.seq if tail else 0) + 1).state
    call = call_named(state, name)
    if call is None:
        raise AskedError(f"no server runs, and when it ended no call and no caller '{safe(name)}' was there")
    return waiting(state, call, state.now, live=False)


def report(
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    queue: Annotated[str | None, typer.Option("--queue", help="This queue, and the seats that serve it.")] = None,
    interval: Annotated[str, typer.Option("--interval", help="Length of an interval: 15m, 30m, 60m, 24h.")] = "30m",
    day: Day = "",
    target: Target = "20s",
    short: Short = "5s",
    as_json: AsJson = False,
) -> None:
    """Print the figures of a day: each queue in each interval, service level in all its variants, seats."""
    past = Past(Folder(home_of(site, home) / JOURNAL))
    interval_ms = _length(interval)
    if not 60_000 <= interval_ms <= 86_400_000:
        raise AskedError(f"an interval of {safe(interval)} is too short or too long: 1m to 24h")
    table = Table(interval_ms, _window(past, day))
    first = past.before(table.window.start)
    ledger = Ledger(past.core_at(first + 1).state) if first else Ledger()
    table.fold(past.entries(first), ledger)
    serving: dict[str, set[str]] = {}
    for seat, queues in ledger.served.items():
        for served in queues:
            serving.setdefault(served, set()).add(seat)
    if queue is not None and queue not in {*serving, *table.queues}:
        known = ", ".join(sorted({*serving, *map(safe, table.queues)})) or "none"
        raise AskedError(f"no queue '{safe(queue)}' is known; known are: {known}")
    found = report_of(table, serving, queue=queue, limits=_limits(target, short))
    _tell(found, lines_of(found, _agents(site)), as_json=as_json)


def what_if(
    journal: Annotated[Path, typer.Argument(help="Folder of a journal, as .callfloor/my-site/journal.")],
    config: Annotated[Path, typer.Option("--config", help="Site folder with the other rules.")],
    *,
    day: Day = "",
    seed: Annotated[int, typer.Option("--seed", help="Another seed shows how much is chance.")] = 1,
    target: Target = "20s",
    short: Short = "5s",
    as_json: AsJson = False,
) -> None:
    """Replay a day's callers under other rules, and print that day, the old rules and the new ones side by side."""
    rules = configured(load_site(config))
    past = Past(Folder(journal))
    found = compare(past, rules, _window(past, day), seed=seed, limits=_limits(target, short))
    _tell(found, comparison_lines(found), as_json=as_json)


# What they share


def _tell(data: Any, lines: Iterator[str], *, as_json: bool) -> None:
    try:
        for line in [msgspec.json.encode(data).decode()] if as_json else lines:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _story(name: str, site: Path, home: Path | None) -> Story:
    past = Past(Folder(home_of(site, home) / JOURNAL))
    try:
        return follow(past, *find(past, name, time.time_ns() // 1_000_000))
    except NotFoundError as error:
        raise AskedError(safe(str(error), 200)) from error


def _agents(folder: Path) -> dict[str, str]:
    """Read who sits where, if the files can be read; else there are numbers."""
    try:
        return {name: seat.agent for name, seat in load_site(folder).seats.items()}
    except (ConfigError, OSError):
        return {}


def _names(site: Path) -> Names:
    return Names(_agents(site))


def _limits(target: str, short: str) -> Thresholds:
    return Thresholds(target_ms=_length(target), short_ms=_length(short))


def _length(text: str) -> int:
    """Read a length of time such as 20s or 30m."""
    number, unit = text.rstrip("smh"), text[len(text.rstrip("smh")) :]
    if not number.isdecimal() or unit not in UNITS_MS or len(number) > 9:
        raise AskedError(f"'{safe(text)}' is not a length of time such as 20s, 15m or 1h")
    return int(number) * UNITS_MS[unit]


def _window(history: History, day: str) -> Window:
    """Return a day on this machine's clock; left out, the last one with a call."""
    if not day:
        return _day_window(datetime.fromtimestamp(_last_arrival(history) / 1000).astimezone().date())
    try:
        return _day_window(date.fromisoformat(day))
    except ValueError as error:
        raise AskedError(f"'{safe(day)}' is not a day such as 2026-11-27") from error


def _day_window(day: date) -> Window:
    start, end = (
        round(datetime.combine(one, datetime.min.time()).astimezone().timestamp() * 1000)
        for one in (day, day + timedelta(days=1))
    )
    return Window(start, end)


def _last_arrival(history: History) -> int:
    """Return when somebody last called: looked for in the last two days of the journal, then in all of it."""
    now = time.time_ns() // 1_000_000
    begin = history.before(now - 48 * 3_600_000)
    for first in (begin, 0) if begin else (0,):
        found = 0
        for entry in history.entries(first):
            if not isinstance(entry, Restated) and isinstance(entry.event, CallArrived):
                found = entry.event.at
        if found:
            return found
    raise AskedError("the journal holds no call")
