"""What a journal entry costs: callfloor's own log beside sqlite3 in WAL mode, both on the disk before they go on.

An entry is an arrival with the offer that followed, encoded as the dispatcher journals it. Both sides store it in
groups of 1, 100 and 1,000, each synced (fdatasync; synchronous = FULL), in turns on one disk, so the ratios hold on any
machine. Ours runs as it does in the server: on an event loop, its thread at the disk with one group while the next one
is made. The peer's call returns when the disk is done, as it would in the server. Processor time is that of the
process, user and system.
"""

import asyncio
import itertools
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple

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
Store = Callable[[int, int], None]
"""Stores so many groups of so many entries, each durably before the next; returns when all are."""


class Cost(NamedTuple):
    """What entries cost in one round."""

    rate: float
    """Entries a second."""
    cpu_us: float
    """Processor time of an entry, microseconds."""


@contextmanager
def ours(folder: Path, durability: Literal["process", "power"]) -> Iterator[Store]:
    """Open our journal."""
    journal = Journal(folder / durability, durability=durability)
    append = journal.append

    async def store(groups: int, group: int) -> None:
        on_disk = asyncio.Event()
        journal.on_stored = on_disk.set
        before = journal.seq
        for _ in range(groups):
            for _ in range(group):
                append(EVENT, COMMANDS)
            while journal.stored < before:
                await on_disk.wait()
                on_disk.clear()
            before = journal.seq
            journal.commit()
        while journal.stored < before:
            await on_disk.wait()
            on_disk.clear()
        assert journal.failed is None, journal.failed

    with closing(journal):
        yield lambda groups, group: asyncio.run(store(groups, group))


@contextmanager
def peer(folder: Path) -> Iterator[Store]:
    """Open the peer: a table of entries, one transaction a group."""
    with closing(sqlite3.connect(folder / "peer.sqlite3", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL)")
        count = itertools.count(1)

        def store(groups: int, group: int) -> None:
            for _ in range(groups):
                rows = ((seq, EVENT.at, encode(Entry(seq, EVENT, COMMANDS))) for seq in itertools.islice(count, group))
                database.execute("BEGIN IMMEDIATE")
                database.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows)
                database.execute("COMMIT")

        yield store


def cost(store: Store, group: int) -> Cost:
    """Measure one round."""
    began, used = time.perf_counter(), time.process_time()
    store(GROUPS[group], group)
    entries = GROUPS[group] * group
    return Cost(entries / (time.perf_counter() - began), (time.process_time() - used) / entries * 1e6)


def main() -> dict[str, object]:
    """Measure, print the table, return the figures."""
    rounds: dict[int, list[tuple[Cost, Cost, Cost]]] = {group: [] for group in GROUPS}
    with (
        tempfile.TemporaryDirectory(prefix="journal-", dir=Path.cwd()) as name,  # /tmp may be no disk
        ours(Path(name), "power") as own,
        ours(Path(name), "process") as unsynced,
        peer(Path(name)) as other,
    ):
        for store in (own, unsynced, other):
            store(1, 10)
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
