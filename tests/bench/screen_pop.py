"""Who is it, while his call rings: the screen pop of a customer file of any size, on SQLite and on PostgreSQL.

Each database is filled in bulk with customers, each with a number, every tenth with a tier, and ten times as many
contacts over two years, some people having hundreds. Then pops are asked for as a server does, by its `Store`, from an
event loop on which a tick measures how long anything else would have waited; first by one, then by four at once while
contacts are written. CUSTOMERS=1000000 in the environment is the size that is aimed at; the default is a quick one.
"""

import asyncio
import os
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from acd.store import StoreSettings, people, pop, timeline
from acd.store.database import Database
from acd.store.handles import Named
from acd.store.schema import Attribute, Base, Case, Handle, Interaction, Person
from acd.store.store import Store
from tests.bench.measure import quantile
from tests.store import postgres

CUSTOMERS = int(os.environ.get("CUSTOMERS", "20000"))
CONTACTS_EACH = 10
POPS = 1_000
NOW = 1_800_000_000_000
YEARS_MS = 2 * 365 * 86_400_000

Rows = Iterator[tuple[object, ...]]


def number_of(person: int) -> str:
    """Return the number of a customer."""
    return f"+4860{person:07}"


def tables(customers: int) -> list[tuple[type[Base], tuple[str, ...], Rows]]:
    """Return what a file of so many customers holds: table, columns, rows."""
    draw = random.Random(1)
    names = [f"{first} {last}" for first in ("Jan", "Anna", "Piotr", "Ewa") for last in ("Kowalski", "Nowak", "Wójcik")]
    everybody = range(1, customers + 1)

    def contacts() -> Rows:
        for one in range(1, customers * CONTACTS_EACH + 1):
            who = int(customers * draw.random() ** 2) + 1  # some call much more often than others
            at = NOW - int(YEARS_MS * draw.random())
            yield (one, f"c{one}", who, None, "voice", "in", f"c{one}", f"c{one}", "sales", "101", at, at, at, at)

    return [
        (
            Person,
            ("id", "root", "merged_by", "name", "name_key", "language", "made_at"),
            ((one, one, "", names[one % 12], names[one % 12].lower(), "pl", NOW) for one in everybody),
        ),
        (
            Handle,
            ("id", "person_id", "kind", "value", "label", "made_at"),
            ((one, one, "number", number_of(one), "", NOW) for one in everybody),
        ),
        (Attribute, ("person_id", "name", "value", "set_at"), ((one, "tier", "gold", NOW) for one in everybody[::10])),
        (
            Case,
            ("id", "person_id", "subject", "opened_at", "changed_at", "closed_by"),
            ((one, one, "", NOW - 1, NOW - 1, "") for one in everybody[::20]),
        ),
        (
            Interaction,
            (
                *("id", "key", "person_id", "case_id", "medium", "direction", "call", "thread", "queue", "seat"),
                *("started_at", "answered_at", "ended_at", "told_at"),
            ),
            contacts(),
        ),
    ]


REST = {"agent": "", "outcome": "answered", "code": "", "subject": "", "summary": ""}
"""What else a contact has."""


def fill(database: Database, url: str, customers: int) -> float:
    """Fill a file; gives how long that took, in seconds."""
    began = time.perf_counter()
    with database.engine.begin() as connection:  # made again when the rows are there, as for any large load
        for index in Interaction.__table__.indexes:
            index.drop(connection)
    for table, columns, rows in tables(customers):
        more = REST if table is Interaction else {}
        if url.startswith("postgresql"):
            with psycopg.connect(url) as connection, connection.cursor() as cursor:
                names = ", ".join((*columns, *more))
                with cursor.copy(f"COPY {table.__tablename__} ({names}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row((*row, *more.values()))
            continue
        marks = ", ".join("?" * (len(columns) + len(more)))
        statement = f"INSERT INTO {table.__tablename__} ({', '.join((*columns, *more))}) VALUES ({marks})"
        with database.engine.connect().execution_options(writes=True) as connection, connection.begin():
            cursor = connection.connection.driver_connection.cursor()
            cursor.execute("PRAGMA cache_size = -400000")
            cursor.executemany(statement, ((*row, *more.values()) for row in rows))
    with database.engine.begin() as connection:
        if database.engine.dialect.name == "sqlite":
            connection.execute(text("PRAGMA cache_size = -400000"))
        for index in Interaction.__table__.indexes:
            index.create(connection)
        connection.execute(text("ANALYZE"))
    return time.perf_counter() - began


async def measure(url: str, folder: Path, customers: int) -> dict[str, float]:
    """Ask for pops."""
    store = Store(StoreSettings(database=url, files=folder), lambda: NOW)
    await store.open()
    draw, alone, together, late = random.Random(2), list[float](), list[float](), list[float]()

    async def ask(into: list[float]) -> None:
        named = Named("number", number_of(int(customers * draw.random() ** 2) + 1))
        began = time.perf_counter()
        found = await store.read(pop.screen_pop, named, NOW, "new")
        into.append(time.perf_counter() - began)
        assert found is not None, named

    async def tick() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            late.append(time.perf_counter() - began - 0.005)

    async def several(into: list[float]) -> None:
        for _ in range(POPS // 4):
            await ask(into)

    async def write() -> None:
        for one in range(1_000_000):
            person = await store.write(people.find_or_make, Named("number", f"+4922{one:07}"), NOW)
            contact = timeline.Contact(key=f"w{one}", medium="voice", direction="in", at=NOW, person=person)
            await store.write(timeline.begin, contact)
            await asyncio.sleep(0.02)

    for _ in range(POPS):
        await ask(alone)
    ticking, writing = asyncio.create_task(tick()), asyncio.create_task(write())
    await asyncio.gather(*(several(together) for _ in range(4)))
    for task in (ticking, writing):
        task.cancel()
    await asyncio.gather(ticking, writing, return_exceptions=True)
    began = time.perf_counter()
    await store.read(people.search, "kowalski")
    by_name = time.perf_counter() - began
    await store.close()
    return {
        "pop_p50_ms": quantile(alone, 0.5) * 1e3,
        "pop_p95_ms": quantile(alone, 0.95) * 1e3,
        "busy_p95_ms": quantile(together, 0.95) * 1e3,
        "loop_late_p99_ms": quantile(late, 0.99) * 1e3,
        "by_name_ms": by_name * 1e3,
    }


def one(url: str, folder: Path, customers: int) -> dict[str, float]:
    """Fill a file and measure it."""
    database = Database(url)
    filled = fill(database, url, customers)
    database.close()
    return {"fill_s": filled, **asyncio.run(measure(url, folder, customers))}


def main() -> dict[str, object]:
    """Measure both, print the table, return the figures."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="screen-pop-", dir=Path.cwd()) as name:  # /tmp may be no disk
        found["sqlite"] = one(f"sqlite:///{name}/customers.sqlite3", Path(name), CUSTOMERS)
    with tempfile.TemporaryDirectory() as name:
        try:
            with postgres.running("shared_buffers=256MB", "max_wal_size=4GB") as server:
                found["postgresql"] = one(server.format("postgres"), Path(name), CUSTOMERS)
        except postgres.MissingError as reason:
            print(reason)
    rows = CUSTOMERS * CONTACTS_EACH
    table = Table(title=f"Screen pop, {CUSTOMERS:,} customers, {rows:,} contacts, ms", min_width=90)
    heads = ("", "p50", "p95", "p95, 4 at once, writes", "loop late p99", "by surname", "filled in")
    for heading in heads:
        table.add_column(heading, justify="right")
    for where, figures in found.items():
        filled, *rest = figures.values()
        table.add_row(where, *(f"{value:.1f}" for value in rest), f"{filled:.0f} s")
    Console().print(table)
    told: dict[str, object] = {"customers": CUSTOMERS, "contacts": rows}
    told |= {f"{where}_{name}": round(value, 2) for where, figures in found.items() for name, value in figures.items()}
    return told
