"""The webhooks of a site at the moment: a sender each, what is too much, and what a person should know of them."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from acd.hooks.sender import House, Sender
from acd.settings import Site
from acd.store import StoreError
from acd.store.store import Store

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from acd.store.deliveries import Standing
    from acd.store.hooks import News, Wanted

log = structlog.get_logger()

LOOK_S = 5.0
"""How often it is looked for other settings, and how the endpoints stand."""
SWEEP_EVERY = 6
"""And at each so manieth look for what is too much."""
IDLE_EVERY = 720
"""And so seldom where no webhook is: one that was may have left something."""
FAILING_MS = 600_000
"""Who takes nothing for so long is an alarm."""
CLOSE_S = 2.0


class Office:
    """The webhooks of one server.

    Args:
        house: the server.
        store: the customer file.
        may_go_on: whether this server is the one that delivers.

    """

    def __init__(self, house: House, store: Store, may_go_on: Callable[[], bool]) -> None:
        self._house, self._store, self._may_go_on = house, store, may_go_on
        self._senders: dict[str, tuple[Sender, asyncio.Task[None]]] = {}
        self.alarms: Sequence[str] = ()
        """A sentence for each endpoint that somebody should look after."""
        store.listeners.append(self._hear)

    def _hear(self, news: "News") -> None:
        if news.is_queued:
            for sender, _ in self._senders.values():
                sender.wake()

    async def run(self) -> None:
        """Deliver, until cancelled."""
        await self._store.opened.wait()
        looks = 0
        try:
            while True:
                try:
                    await self._settle()
                    if self._house.site.webhooks or self.alarms or looks % IDLE_EVERY == 0:
                        await self._look(sweeps=looks % SWEEP_EVERY == 0)
                except StoreError:
                    pass  # the customer file says why
                except Exception:
                    log.exception("webhooks cannot be looked after")
                looks += 1
                await asyncio.sleep(LOOK_S)
        finally:
            await self._end(list(self._senders))

    async def _settle(self) -> None:
        """Have a sender for each webhook of the moment."""
        wanted = self._house.site.webhooks
        for name in [name for name, (_, task) in self._senders.items() if task.done()]:
            task = self._senders[name][1]
            log.error("webhook sender failed", webhook=name, exc_info=None if task.cancelled() else task.exception())
            await self._end([name])
        await self._end([name for name in self._senders if name not in wanted])
        for name in wanted.keys() - self._senders.keys():
            sender = Sender(self._house, self._store, name, self._may_go_on)
            self._senders[name] = sender, asyncio.create_task(sender.run(), name=f"webhook {name}")

    async def _end(self, names: Sequence[str]) -> None:
        ended = [self._senders.pop(name) for name in names]
        await asyncio.gather(*(sender.close(CLOSE_S) for sender, _ in ended))
        for _, task in ended:
            task.cancel()
        await asyncio.gather(*(task for _, task in ended), return_exceptions=True)
        for sender, _ in ended:
            await sender.end()

    async def _look(self, *, sweeps: bool) -> None:
        from acd.store import deliveries  # noqa: PLC0415 - is loaded

        now = self._house.dispatcher.clock()
        if sweeps and self._may_go_on():
            backlogs = {name: one.backlog for name, one in self._house.site.webhooks.items()}
            for name, count in (await self._store.write(deliveries.sweep, backlogs, now)).items():
                log.error("webhook has too much waiting", webhook=name, dropped=count)
        standings = await self._store.read(deliveries.standings)
        self.alarms = [alarm for one in standings if (alarm := _alarm(one, now))]


def wanted_of(site: Site) -> "tuple[Wanted, ...]":
    """Give the webhooks of a site, for the customer file."""
    from acd.store.hooks import Wanted  # noqa: PLC0415 - is loaded

    return tuple(
        Wanted(name=name, events=one.events, queues=one.queues, url=hashlib.sha256(one.url.encode()).hexdigest())
        for name, one in site.webhooks.items()
    )


def _alarm(one: "Standing", now: int) -> str:
    from acd.store.hooks import NOT_THERE  # noqa: PLC0415 - is loaded

    parts = []
    if one.stopped and one.stopped != NOT_THERE:
        parts.append(f"is told nothing any more ({one.stopped})")
    if one.given_up:
        parts.append(f"{one.given_up} given up")
    if one.dropped:
        parts.append(f"{one.dropped} dropped, too many waited")
    if one.failing_since is not None and now - one.failing_since >= FAILING_MS and one.waits:
        parts.append(f"takes nothing for {(now - one.failing_since) // 60_000} minutes, {one.waits} wait ({one.said})")
    return f"{one.name}: {'; '.join(parts)}; callfloor webhook again {one.name}" if parts else ""
