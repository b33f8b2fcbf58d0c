"""Opens the customer file, wherever it is, and brings it to the form that this callfloor knows."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session

from acd.store import StoreError, hooks

P = ParamSpec("P")
T = TypeVar("T")

DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
BUSY_MS = 5_000
"""So long a writer waits for another process that writes to the same SQLite file."""
LOCK = 0x63616C6C666C6F72
"""Of PostgreSQL's advisory locks: one process at a time migrates."""
MIGRATIONS = Path(__file__).parent / "migrations"
_ONE_AT_A_TIME = threading.Lock()
"""Alembic's `op` and `context` are the whole process's: two threads that migrate would write into each other's file."""


class Database:
    """A customer file that is open. All of it may wait, for the disk or for the network."""

    def __init__(self, url: str) -> None:
        """Open it, make it if it is not there, migrate it if it is of an older callfloor.

        Args:
            url: `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`; no message shows it whole.

        Raises:
            StoreError: it cannot be opened, or is of a newer callfloor.

        """
        self.engine = _engine(url)
        self.on_news: Callable[[hooks.News], None] | None = None
        """Is told what a transaction has to tell, after it."""
        try:
            with self._connect(writes=True) as connection:
                _migrate(connection)
        except BaseException:
            self.engine.dispose()
            raise

    @property
    def name(self) -> str:
        """Where it is, without the password."""
        return self.engine.url.render_as_string(hide_password=True)

    @contextlib.contextmanager
    def _connect(self, *, writes: bool) -> Iterator[Connection]:
        try:
            with self.engine.connect().execution_options(writes=writes) as connection, connection.begin():
                yield connection
        except DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
            raise StoreError(f"the customer file {self.name} fails: {reason}") from error

    def read(self, what: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Look something up, in one transaction.

        Raises:
            StoreError: the database fails.

        """
        with self._connect(writes=False) as connection, Session(connection) as session:
            return what(session, *args, **kwargs)

    def write(self, what: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Change something, whole or not at all.

        Raises:
            StoreError: the database fails; nothing was changed.

        """
        with self._connect(writes=True) as connection, Session(connection) as session:
            done = what(session, *args, **kwargs)
            hooks.settle(session, time.time_ns() // 1_000_000)
            session.flush()
            news = hooks.news(session)
        if news is not None and self.on_news is not None:
            self.on_news(news)
        return done

    def settle(self) -> None:
        """After an erasure: have SQLite empty its write-ahead log, where what was erased stands until it is reused."""
        if self.engine.dialect.name == "sqlite":
            with self.engine.connect() as connection:
                connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        parsed = parsed.set(drivername=DRIVERS[parsed.drivername])
    except (ArgumentError, KeyError):
        raise StoreError(
            "the customer file's database must be sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME"
        ) from None
    name = parsed.render_as_string(hide_password=True)
    try:
        if parsed.drivername == "sqlite":
            return _sqlite(parsed.database or "", create_engine(parsed, connect_args={"timeout": BUSY_MS / 1000}))
        return create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": 5})
    except (ImportError, NoSuchModuleError):
        raise StoreError(f"{name}: the driver is missing; pip install 'callfloor[postgres]'") from None
    except OSError as error:
        raise StoreError(f"{name}: {error}") from error


def _sqlite(path: str, engine: Engine) -> Engine:
    """Have SQLite keep foreign keys, let readers read while somebody writes, and begin transactions where we say."""
    if not path or path == ":memory:":
        raise StoreError("a customer file in memory would be gone with its connection; name a path: sqlite:///PATH")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        Path(path).touch(mode=0o600, exist_ok=False)  # people's data: for its owner alone

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        # FULL: a mail whose sender was told that it is here outlives a power cut.
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        # A transaction that reads first and writes then could not wait for another writer: it would fail at once.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


# Migrations


def config(connection: Connection) -> Config:
    """Return what Alembic needs to know."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    there = MigrationContext.configure(connection).get_current_revision()
    settings = config(connection)
    scripts = ScriptDirectory.from_config(settings)
    if there == scripts.get_current_head():
        return
    if there is not None:
        try:
            scripts.get_revision(there)
        except (RevisionError, Exception) as error:
            if type(error).__module__.partition(".")[0] != "alembic":
                raise
            name = connection.engine.url.render_as_string(hide_password=True)
            raise StoreError(
                f"{name}: this customer file is of a newer callfloor (its form is {there}, this one knows"
                f" {scripts.get_current_head()}); use that one, or restore a backup from before"
            ) from None
    with _ONE_AT_A_TIME:
        command.upgrade(settings, "head")
