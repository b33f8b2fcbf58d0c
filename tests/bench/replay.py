"""A live day decided again: five thousand calls through a real Asterisk, then the journal's proof, then another rule.

sipp's callers come at a steady rate to agents who answer at once and talk a second or two; one in ten has little
patience. What the journal holds then is decided again, every command compared to the last byte, and replayed under a
configuration with fewer seats, by the commands that a person would use.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from acd.control import ask
from acd.core.events import CallArrived
from acd.journal import Folder, compare
from ivr.server import JOURNAL
from tests.bench import crowd
from tests.bench.crowd import Crowd
from tests.bench.site import DIRECT, BenchSite
from tests.ports import free_port

CALLS, RATE, SEATS = 5_200, 20, 40
"""A few hang up before they are in line."""
TALK_MS, STAY_MS = (500, 2_500), (200, 4_000)


def main(calls: int = CALLS) -> dict[str, object]:
    """Measure, print the table, return the figures."""
    with tempfile.TemporaryDirectory(prefix="replay-") as name:
        folder, port = Path(name), free_port()
        seats = [str(201 + number) for number in range(SEATS)]
        with BenchSite(folder, seats, contact=f"127.0.0.1:{port}") as site, site.turn("callfloor"):
            words = ["-s", DIRECT["callfloor"], site.server, "-l", "400"]
            patient = ["-m", str(calls - calls // 10), "-r", str(RATE)]
            hasty = ["-m", str(calls // 10), "-r", str(max(1, RATE // 10))]
            with (
                Crowd(crowd.agent(TALK_MS), folder / "agents", port),
                Crowd(crowd.waiter(), folder / "patient", free_port(), *words, *patient) as callers,
                Crowd(crowd.waiter("8", STAY_MS), folder / "hasty", free_port(), *words, *hasty) as leavers,
            ):
                callers.finish(calls / RATE * 3 + 60)
                leavers.finish(calls / RATE * 3 + 60)
                while ask(site.home, "status")["calls"]:
                    time.sleep(0.2)
        figures = prove(site.home / JOURNAL, site.folder, folder)
    table = Table(title=f"{calls:,} live calls, decided again", min_width=60)
    table.add_column("figure")
    table.add_column("", justify="right")
    for key, value in figures.items():
        table.add_row(key.replace("_", " "), str(value))
    Console().print(table)
    return figures


def prove(journal: Path, site: Path, folder: Path) -> dict[str, object]:
    """Decide the day again, and again under other rules."""
    begun = time.perf_counter()
    verdict = compare(Folder(journal))
    replay_s = time.perf_counter() - begun
    arrived = sum(isinstance(getattr(entry, "event", None), CallArrived) for entry in Folder(journal).entries())
    other = folder / "fewer-seats"
    other.mkdir()
    for file in site.glob("*.conf"):
        (other / file.name).write_text(file.read_text().replace("wrap_up = 0", "wrap_up = 2"))
    begun = time.perf_counter()
    command = [str(Path(sys.executable).with_name("callfloor")), "what-if", str(journal), "--config", str(other)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    what_if_s = time.perf_counter() - begun
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    return {
        "calls": arrived,
        "entries": verdict.entries,
        "commands": verdict.commands,
        "difference": verdict.difference,
        "replay_s": round(replay_s, 1),
        "what_if_s": round(what_if_s, 1),
    }
