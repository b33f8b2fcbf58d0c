"""The customer file of a server: everything that waits does so in a thread, and nothing waits for it.

Writing transactions run one after the other in one thread, the follower's among them; reading ones in others. A file
that cannot be opened, or fails, is tried again for as long as the server runs; until then whoever asks is told at once.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import structlog
from msgspec import Struct

from acd.store import StoreError, StoreSettings

if TYPE_CHECKING:  # loading SQLAlchemy takes a while: a thread does it
    from sqlalchemy.orm import Session

    from acd.store.database import Database
    from acd.store.follower import Follower
    from acd.store.hooks import News

log = structlog.get_logger()
P = ParamSpec("P")
T = TypeVar("T")

READERS = 4
AGAIN_S, AGAIN_MOST_S = 1.0, 60.0
"""After a failure it is tried again so much later, twice as long each time."""
SETTLE_S = 0.2
"""What comes within this time is one transaction."""
TEND_S = 3_600.0
"""How often it is looked for what is too old."""
PAUSE_S = 0.05
"""Between two batches of what is deleted, for others who want to write."""


class Retention(Struct, frozen=True, kw_only=True):
    """How long things are kept, in days by medium; `all` for media that are not named, 0 for ever."""

    contacts: Mapping[str, int]
    bodies: Mapping[str, int]


class Store:
    """A customer file, from asyncio code.

    Args:
        settings: where it is.
        clock: the time, in ms since the epoch.

    """

    def __init__(self, settings: StoreSettings, clock: Callable[[], int]) -> None:
        self.settings = settings
        self.failed: str | None = "it is not open yet"
        """Why it cannot be used at present."""
        self._clock = clock
        self._database: Database | None = None
        self._writer = ThreadPoolExecutor(1, "customer-file-writer")
        self._readers = ThreadPoolExecutor(READERS, "customer-file-reader")
        self._wake = asyncio.Event()
        self.opened = asyncio.Event()
        """It was opened once: what it takes is loaded."""
        self.listeners: list[Callable[[News], None]] = []
        """Are told what transactions have to tell, after them."""
        self.caught_up = asyncio.Event()
        """All that the journal holds is stored."""

    async def read(self, what: "Callable[Concatenate[Session, P], T]", *args: P.args, **kwargs: P.kwargs) -> T:
        """Look something up; `what` is a function of a session, called in another thread.

        Raises:
            StoreError: the file cannot be used at present.

        """
        work = partial(self._opened().read, what, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def write(self, what: "Callable[Concatenate[Session, P], T]", *args: P.args, **kwargs: P.kwargs) -> T:
        """Change something, whole or not at all; as `read`.

        Raises:
            StoreError: the file cannot be used at present; nothing was changed.

        """
        work = partial(self._opened().write, what, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)

    def _opened(self) -> "Database":
        if self._database is None:
            raise StoreError(f"the customer file cannot be used: {self.failed}")
        return self._database

    async def open(self) -> None:
        """Open it, made or migrated if need be.

        Raises:
            StoreError: it cannot be opened.

        """
        loop = asyncio.get_running_loop()
        self._database = await loop.run_in_executor(self._writer, self._open)

        def on_news(news: "News") -> None:
            loop.call_soon_threadsafe(self._tell, news)

        self._database.on_news = on_news
        self.failed = None
        self.opened.set()

    def _open(self) -> "Database":
        from acd.store.database import Database  # noqa: PLC0415 - loads SQLAlchemy, which takes a while

        return Database(self.settings.database)

    def _tell(self, news: "News") -> None:
        for listener in self.listeners:
            listener(news)

    async def close(self) -> None:
        """End what runs, and close it."""
        if self._database is not None:
            await asyncio.get_running_loop().run_in_executor(self._writer, self._database.close)
            self._database = None
        self._writer.shutdown(wait=False)
        self._readers.shutdown(wait=False)

    # What the journal says

    def wake(self) -> None:
        """Say that the journal has something new."""
        self._wake.set()

    async def run(
        self, follower: "Callable[[], Follower]", keep: Callable[[], Retention], is_over: Callable[[], bool]
    ) -> None:
        """Store what the journal says, and delete what is too old, until cancelled or over.

        Args:
            follower: makes the one that reads the journal, in another thread.
            keep: gives how long things are kept.
            is_over: whether another server does this now.

        """
        loop, again_s, tend_at = asyncio.get_running_loop(), AGAIN_S, 0.0
        following: Follower | None = None
        while not is_over():
            try:
                if self._database is None:
                    await self.open()
                if following is None:
                    following = await loop.run_in_executor(self._writer, follower)
                more = await self.write(following.step)
                if not more and loop.time() >= tend_at:
                    tend_at = loop.time() + TEND_S
                    await self._tend(keep())
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again, and calls go on
                self._fail(error, again_s)
                if following is not None:
                    following.rewind()
                await asyncio.sleep(again_s)
                again_s = min(2 * again_s, AGAIN_MOST_S)
                continue
            self._well()
            again_s = AGAIN_S
            if not more:
                await self._rest()

    async def _rest(self) -> None:
        self.caught_up.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TEND_S):  # wait_for forgets a cancellation that comes with what it waits for
                await self._wake.wait()
        self._wake.clear()
        self.caught_up.clear()
        await asyncio.sleep(SETTLE_S)

    def _fail(self, error: Exception, again_s: float) -> None:
        if self.failed != str(error):
            unforeseen = None if isinstance(error, StoreError | OSError) else error
            effect = "calls go on; it is made up for from the journal"
            log.error("customer file fails", reason=str(error), effect=effect, again_s=again_s, exc_info=unforeseen)
        self.failed = str(error)

    def _well(self) -> None:
        if self.failed is not None:
            log.info("customer file is well again")
        self.failed = None

    # What is too old

    async def _tend(self, keep: Retention) -> None:
        from acd.store import privacy  # noqa: PLC0415 - loads SQLAlchemy, as is done by now
        from acd.store.files import Files  # noqa: PLC0415 - as above

        files = Files(self.settings.files)
        for forget, days in ((privacy.forget_bodies, keep.bodies), (privacy.forget_contacts, keep.contacts)):
            if not any(days.values()):
                continue
            count, hashes = await self.write(forget, days, self._clock())
            while count:
                await self.read(files.remove, hashes)
                await asyncio.sleep(PAUSE_S)
                count, hashes = await self.write(forget, days, self._clock())
        await self.read(files.sweep)
