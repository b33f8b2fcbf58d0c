"""What a journal entry costs: callfloor's own log beside sqlite3 in WAL mode, both on the disk before they go on.

An entry is an arrival with the offer that followed, as the dispatcher journals it. Both sides store it in groups of 1,
100 and 1,000, each group synced (fdatasync; synchronous = FULL), in turns on one disk, so the ratios hold on any
machine. The peer gets the bytes ready-made, and still has to place them in its pages; ours are encoded, checksummed and
framed within the measured time. Processor time is that of the process, user and system.
"""

import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from acd.core.commands import AnyCommand, Offer, ShowSeat
from acd.core.events import CallArrived
from acd.journal import Journal
from acd.journal.entries import Entry, encode

ROUNDS = 5
GROUPS = {1: 300, 100: 60, 1_000: 20}
"""Entries in a group -> groups a round."""

EVENT = CallArrived(at=1_800_000_000_000, call="1800000000.12345", queue="sales", caller="+48221234567", priority=None)
COMMANDS: list[AnyCommand] = [
    Offer(offer="offer-1a2b3c4d-12345", call="1800000000.12345", seat="101", ring_ms=15_000),
    ShowSeat(seat="101", look="ringing"),
]
Store = Callable[[int], None]
"""Stores a group of so many entries, durably, before it returns."""


class Cost(NamedTuple):
    """What entries cost in one round."""

    rate: float
    """Entries a second."""
    cpu_us: float
    """Processor time of an entry, microseconds."""


@contextmanager
def ours(folder: Path, durability: str = "power") -> Iterator[Store]:
    """Open our journal; without an event loop a group is stored before `commit` returns."""
    journal = Journal(folder / f"journal-{durability}", durability="power" if durability == "power" else "process")

    def store(count: int) -> None:
        append = journal.append
        for _ in range(count):
            append(EVENT, COMMANDS)
        assert journal.commit() == journal.seq, "the disk takes nothing"

    with closing(journal):
        yield store


@contextmanager
def peer(folder: Path) -> Iterator[Store]:
    """Open the peer: a table of entries, one transaction a group."""
    with closing(sqlite3.connect(folder / "peer.sqlite3", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL)")
        body = encode(Entry(1, EVENT, COMMANDS))
        seq = 0

        def store(count: int) -> None:
            nonlocal seq
            database.execute("BEGIN IMMEDIATE")
            rows = ((seq + place, EVENT.at, body) for place in range(1, count + 1))
            database.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows)
            database.execute("COMMIT")
            seq += count

        yield store


def cost(store: Store, group: int) -> Cost:
    """Measure one round."""
    count = GROUPS[group]
    began, used = time.perf_counter(), time.process_time()
    for _ in range(count):
        store(group)
    entries = count * group
    return Cost(entries / (time.perf_counter() - began), (time.process_time() - used) / entries * 1e6)


def main() -> dict[str, object]:
    """Measure, print the table, return the figures."""
    rounds: dict[int, list[tuple[Cost, Cost, Cost]]] = {group: [] for group in GROUPS}
    with (
        tempfile.TemporaryDirectory(prefix="journal-", dir=Path.cwd()) as name,  # /tmp may be no disk
        ours(Path(name)) as own,
        ours(Path(name), "process") as unsynced,
        peer(Path(name)) as other,
    ):
        for store in (own, unsynced, other):
            store(10)
        for _ in range(ROUNDS):
            for group, costs in rounds.items():
                costs.append((cost(own, group), cost(unsynced, group), cost(other, group)))
    figures: dict[str, object] = {}
    table = Table(title="Entries a second, each group on the disk (median of rounds)", min_width=70)
    for heading in ("in groups of", "callfloor", "sqlite3 WAL FULL", "ratio", "CPU an entry", "without sync"):
        table.add_column(heading, justify="right")
    for group, costs in rounds.items():
        ratio = median(mine.rate / theirs.rate for mine, _, theirs in costs)
        rate, cpu = median(mine.rate for mine, _, _ in costs), median(mine.cpu_us for mine, _, _ in costs)
        theirs_rate = median(theirs.rate for _, _, theirs in costs)
        free = median(mine.rate for _, mine, _ in costs)
        figures |= {
            f"entries_per_s_{group}": round(rate),
            f"process_entries_per_s_{group}": round(free),
            f"vs_sqlite_full_{group}": round(ratio, 2),
            f"cpu_us_per_entry_{group}": round(cpu, 2),
        }
        table.add_row(
            f"{group:,}", f"{rate:,.0f}", f"{theirs_rate:,.0f}", f"{ratio:.1f}", f"{cpu:.1f} us", f"{free:,.0f}"
        )
    figures["cpu_us_per_entry"] = figures["cpu_us_per_entry_100"]
    Console().print(table)
    return figures
