"""The customer file of a server: where it is, what is kept for how long, the follower that fills it, who is told."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from acd.core.commands import AnyCommand
from acd.core.events import AnyEvent
from acd.dispatcher import Dispatcher
from acd.hooks.lookup import Lookup
from acd.hooks.office import Office, wanted_of
from acd.journal import Folder
from acd.returning import Returning
from acd.settings import Site
from acd.store import StoreSettings
from acd.store.store import Retention, Store
from ivr.known import Acquaintance
from ivr.speaker import Speaker

if TYPE_CHECKING:
    from acd.store.follower import Follower
    from acd.store.hooks import Wanted
    from ivr.switch import AmiSwitch

FOLDER = "customers"
NONE = "none"


def store_settings(site: Site, home: Path) -> StoreSettings | None:
    """Return where a site's customer file is; None where none is kept."""
    database = site.store.database
    if database == NONE:
        return None
    if database == "sqlite":
        database = f"sqlite:///{(home / FOLDER / 'customers.sqlite3').absolute()}"
    plan = site.calling_out.plan
    return StoreSettings(
        database=database, files=home / FOLDER / "files", country=plan.country if plan is not None else ""
    )


class House(Protocol):
    """What is needed of the server."""

    site: Site
    dispatcher: Dispatcher
    switch: "AmiSwitch"
    speaker: Speaker


class Customers:
    """Keeps the customer file of a server, if it has one.

    Args:
        home: what the server keeps.
        journal: its journal.
        house: the server.
        ahead: load now what takes a while, because calls wait for the server as soon as it starts: a takeover.

    """

    def __init__(self, home: Path, journal: Path, house: House, *, ahead: bool = False) -> None:
        settings = store_settings(house.site, home)
        if ahead and settings is not None:
            import acd.store.database  # noqa: PLC0415 - see above
            import acd.store.follower  # noqa: F401, PLC0415 - see above
        self.store = Store(settings, self._clock) if settings is not None else None
        self.known, self.returning = Acquaintance(self.store, house), Returning(self.store, house)
        self._since = time.time_ns() // 1_000_000
        self._is_over: Callable[[], bool] = bool
        store = self.store
        self._hooks = Office(house, store, lambda: not self._is_over()) if store is not None else None
        self._lookup = Lookup(house, store, self.known.look_again) if store is not None else None
        self._journal, self._house = journal, house

    def watch(self, event: AnyEvent, commands: list[AnyCommand]) -> None:
        """Have the follower look, for the journal has something new; and see who comes."""
        self.known.watch(event)
        self.returning.watch(event, commands)
        if self._lookup is not None:
            self._lookup.watch(event)
        if self.store is not None:
            self.store.wake()

    async def run(self, is_over: Callable[[], bool]) -> None:
        """Have it tell the agents' displays who comes, and fill it from the journal, until cancelled or over."""
        self._house.switch.name_of = self.known.name
        self._is_over = is_over
        if self.store is None or self._hooks is None or self._lookup is None:
            return
        beside = [
            asyncio.create_task(self.returning.load(), name="waits given up"),
            asyncio.create_task(self._hooks.run(), name="webhooks"),
        ]
        try:
            await self.store.run(self._follower, self._keep, is_over)
        finally:
            self.known.close()
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, self.returning.close(), self._lookup.close(), return_exceptions=True)
            await self.store.close()

    @property
    def alarms(self) -> Sequence[str]:
        """What a person should know of the webhooks."""
        return self._hooks.alarms if self._hooks is not None else ()

    def _clock(self) -> int:
        return self._house.dispatcher.clock()

    def _follower(self) -> "Follower":
        from acd.store.follower import Follower  # noqa: PLC0415 - loads SQLAlchemy, which takes a while

        assert self.store is not None, "nobody follows without one"
        return Follower(Folder(self._journal), self.store.settings.country, self._agents, self._wanted)

    def _wanted(self) -> "tuple[tuple[Wanted, ...], int]":
        return wanted_of(self._house.site), self._since

    def _agents(self) -> Mapping[str, str]:
        return {name: seat.agent for name, seat in self._house.site.seats.items()}

    def _keep(self) -> Retention:
        settings = self._house.site.store
        return Retention(contacts=dict(settings.keep_days), bodies=dict(settings.keep_bodies_days))
