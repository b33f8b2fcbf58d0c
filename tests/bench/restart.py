"""callfloor is killed twenty times at random moments with 300 callers waiting and 20 agents talking; then Asterisk is.

sipp's callers wait and are served, some lose patience, new ones come. Each time the server gets SIGKILL, a moment later
it is started again, and looked at: who waited still waits, in the order in which they stood; whoever does not, talks or
has hung up. At the end every patient caller is still there, says Asterisk, or an agent's phone has answered him. The
journal is decided again and compared to the last byte. Then fifty wait, Asterisk is killed, and each of them has a
ticket, in the order of their places.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import msgspec
from rich.console import Console
from rich.table import Table

from acd.control import UnansweredError, ask
from acd.core.events import CallArrived, HeldCall, Snapshot
from acd.journal import Folder, compare
from acd.status import Status
from ivr.server import JOURNAL
from tests.bench import crowd
from tests.bench.crowd import Crowd
from tests.bench.measure import quantile
from tests.bench.site import DIRECT, BenchSite
from tests.ports import free_port

SEATS, WAITING, KILLS = 20, 300, 20
FIRST = WAITING + SEATS + 60
"""So many come at first; some of them are served before the last has come."""
SEED = 20_261_127
TALK_MS = (15_000, 40_000)
LATER = "9000"
"""Begin of the numbers of those who come later."""
LEAVERS, STAY_MS = 40, (30_000, 180_000)
UP_S = 20.0


class Life:
    """callfloor, started and killed again and again."""

    def __init__(self, site: BenchSite) -> None:
        self.site = site
        self.log = (site.home / "lives.log").open("wb")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it; gives the seconds until it serves: the switch seen, decisions made."""
        command = [str(Path(sys.executable).with_name("callfloor")), "up", "--site", self.site.folder]
        begun = time.monotonic()
        self.process = subprocess.Popen(
            [*command, "--home", self.site.home],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            process_group=0,
            env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        )  # its bytecode is cached, as on every machine where it has run before
        while time.monotonic() < begun + UP_S:
            assert self.process.poll() is None, f"callfloor ended, see {self.log.name}"
            try:
                if self.status().connected:
                    return time.monotonic() - begun
            except UnansweredError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"callfloor is not up after {UP_S:g} s")

    def status(self) -> Status:
        """What it says of the floor."""
        return msgspec.convert(ask(self.site.home, "status"), Status)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it in order."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()


def in_line(status: Status) -> list[str]:
    """Callers who wait or are being offered, first in line first."""
    return [call.caller for call in status.calls if call.state in {"waiting", "offered"}]


def held(site: BenchSite) -> set[str]:
    """Callers who, says Asterisk, wait, or were taken from there to their agents."""
    return {number for context, number in channels(site) if context == "acd-hold"}


def channels(site: BenchSite) -> list[tuple[str, str]]:
    """Context and caller's number of each channel (`core show channels concise`: 2nd and 8th of a line)."""
    rows = [row.split("!") for row in site.instance.cli("core show channels concise").splitlines()]
    return [(row[1], row[7]) for row in rows if len(row) > 8]


def wait_for(life: Life, waiting: int, within_s: float) -> None:
    """Wait until so many are in line."""
    deadline = time.monotonic() + within_s
    while (now := len(in_line(life.status()))) < waiting:
        assert time.monotonic() < deadline, f"{now} wait, not {waiting}"
        time.sleep(0.2)


def trouble(life: Life, chance: random.Random) -> tuple[list[float], int, int]:
    """Kill and start again, so often. Gives how long each start took, places lost, places swapped."""
    took_s, lost, swapped = [], 0, 0
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.5, 4.0))
        before = in_line(life.status())
        life.kill()
        time.sleep(chance.uniform(0.0, 1.5))
        took_s.append(life.start())
        status = life.status()
        after, known = in_line(status), {call.caller for call in status.calls}
        there = held(life.site)
        lost += sum(caller in there and caller not in known for caller in before)
        both = set(before) & set(after)
        swapped += [one for one in before if one in both] != [one for one in after if one in both]
    return took_s, lost, swapped


def gone(life: Life, agents: Crowd, journal: Path) -> tuple[int, int]:
    """How many patient callers are neither there nor were answered, and how many were answered."""
    answered = set(agents.notes().get("answer", {}))
    there = {number for _, number in channels(life.site)}
    known = {str(number) for number in range(1, FIRST + 1)}
    known |= {event.caller for event in arrivals(journal) if event.caller.startswith(LATER)}
    return len(known - answered - there), len(answered)


def arrivals(journal: Path) -> Iterator[CallArrived | HeldCall]:
    """Every caller that the journal tells of, those met by a snapshot included."""
    for entry in Folder(journal).entries():
        event = getattr(entry, "event", None)
        if isinstance(event, CallArrived):
            yield event
        elif isinstance(event, Snapshot):
            yield from event.calls


def switch_dies(life: Life, folder: Path) -> tuple[int, bool]:
    """Fifty wait and Asterisk is killed. Gives how many tickets there are, and whether in the order of the places."""
    site = life.site
    words = ["-s", DIRECT["callfloor"], site.server, "-m", "50", "-l", "50", "-r", "25"]
    with Crowd(crowd.waiter(), folder / "fifty", free_port(), *words):
        wait_for(life, 50, 60)
        order = in_line(life.status())
        pid = site.instance.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while site.instance.running:
            time.sleep(0.05)
        site.instance.start()
        deadline = time.monotonic() + 60
        while not (status := life.status()).connected or not status.tickets:
            assert time.monotonic() < deadline, "callfloor does not see Asterisk again"
            time.sleep(0.1)
    tickets = [ticket.caller for ticket in status.tickets]
    return len(tickets), tickets == order


def main() -> dict[str, object]:
    """Measure, print the table, return the figures."""
    chance = random.Random(SEED)
    print(f"seed {SEED}", flush=True)
    with tempfile.TemporaryDirectory(prefix="restart-") as name:
        folder, port = Path(name), free_port()
        seats = [str(201 + number) for number in range(SEATS)]
        with BenchSite(folder, seats, contact=f"127.0.0.1:{port}") as site, Life(site) as life:
            life.start()
            words = ["-s", DIRECT["callfloor"], site.server, "-l", "600"]
            first, later = ["-m", str(FIRST), "-r", "20"], ["-m", "150", "-r", "1"]
            leave = ["-m", str(LEAVERS), "-r", "1"]
            with (
                Crowd(crowd.agent(TALK_MS), folder / "agents", port) as agents,
                Crowd(crowd.waiter(), folder / "first", free_port(), *words, *first),
            ):
                wait_for(life, WAITING, 120)
                with (
                    Crowd(crowd.waiter(LATER), folder / "later", free_port(), *words, *later),
                    Crowd(crowd.waiter("8000", STAY_MS), folder / "leavers", free_port(), *words, *leave),
                ):
                    took_s, lost, swapped = trouble(life, chance)
                    talking = sum(seat.look == "talking" for seat in life.status().seats)
                    faults = ask(site.home, "invariants")
                    dropped, served = gone(life, agents, site.home / JOURNAL)
                    life.stop()
            site.instance.cli("channel request hangup all")
            site.wait_for_channels(0)
            verdict = compare(Folder(site.home / JOURNAL))
            life.start()
            tickets, ordered = switch_dies(life, folder)
            life.stop()
    figures: dict[str, object] = {
        "seed": SEED,
        "kills": KILLS,
        "callers_dropped": dropped,
        "places_lost": lost,
        "places_swapped": swapped,
        "start_to_service_p50_s": round(quantile(took_s, 0.5), 2),
        "start_to_service_max_s": round(max(took_s), 2),
        "talking_at_the_end": talking,
        "served": served,
        "invariants_broken": len(faults),
        "replay_difference": verdict.difference,
        "entries": verdict.entries,
        "tickets_of_50": tickets,
        "tickets_in_order": ordered,
    }
    _print(figures)
    return figures


def _print(figures: dict[str, object]) -> None:
    table = Table(title=f"{KILLS} times kill -9, {WAITING} waiting, {SEATS} talking; then Asterisk", min_width=60)
    table.add_column("figure")
    table.add_column("", justify="right")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), str(value))
    Console().print(table)
