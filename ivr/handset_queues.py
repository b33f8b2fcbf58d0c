"""Queues closed and opened by telephone: *20 on the handset of a supervisor, as when the roof is on fire.

He chooses a queue, hears how it stands, and closes it, opens it, or records what callers hear while it is closed; they
hear it before whatever else `overflow` does with them. Or he chooses the whole site: then whoever calls hears that
alone. It stays closed over restarts, until somebody opens it.
"""

from collections.abc import Callable
from itertools import islice
from typing import Protocol

import structlog

from acd.settings import SeatSettings, Site
from ivr import phrases
from ivr.flow import Menu, Play, Record, Recorded, Say
from ivr.overflow import closing

log = structlog.get_logger()

QUEUES_MOST = 9
"""As many as there are keys; the others are closed by `callfloor queue close`."""
WHOLE_SITE = "0"
MESSAGE_MS = 120_000
SHORTEST_MS = 1_000
"""What is shorter is no message: the hash came before the first word."""


class QueueKeeper(Protocol):
    """Opens and closes; see `acd.desk.supervisor`."""

    def is_closed(self, name: str) -> bool:
        """Whether calls do not join a queue."""

    def close_queue(self, name: str) -> str:
        """Let nobody new join it."""

    def open_queue(self, name: str) -> str:
        """Let calls join it again."""


class QueueMenu:
    """What *20 does for a supervisor."""

    def __init__(self, keeper: QueueKeeper, site: Callable[[], Site]) -> None:
        self._keeper = keeper
        self._site = site

    async def run(self, seat: SeatSettings, language: str) -> None:
        """Talk to him until he has nothing more to say."""
        queues = dict(zip("123456789", islice(self._site().queues, QUEUES_MOST), strict=False)) | {WHOLE_SITE: ""}
        digit = await Menu(phrases.queue_menu(queues, language), choices=tuple(queues))
        if digit is None:
            await Play("handset-unchanged")
            return
        await self._keep(queues[digit], seat, language)

    async def _keep(self, queue: str, seat: SeatSettings, language: str) -> None:
        while True:
            await Say(phrases.queue_state(queue, language, is_closed=self._keeper.is_closed(queue)))
            match await Menu("handset-queue-choice", choices="123", tries=2):
                case "1":
                    self._keeper.close_queue(queue)
                    log.info("queue closed by telephone", queue=queue, seat=seat.rule.name)
                    await Say(phrases.queue_state(queue, language, is_closed=True))
                    return
                case "2":
                    self._keeper.open_queue(queue)
                    log.info("queue opened by telephone", queue=queue, seat=seat.rule.name)
                    await Say(phrases.queue_state(queue, language, is_closed=False))
                    return
                case "3":
                    await self._record(queue, seat)
                case _:
                    return

    async def _record(self, queue: str, seat: SeatSettings) -> None:
        await Play("handset-record-closing")
        said = await Record(max_ms=MESSAGE_MS, silence_ms=0, name=closing(queue))
        log.info("closing message recorded by telephone", queue=queue, seat=seat.rule.name, length_ms=said.length_ms)
        kept = await Recorded(closing(queue))
        if kept is None or kept.length_ms < SHORTEST_MS:
            await Play("handset-nothing-recorded")
        else:
            await Play("handset-callers-hear")
            await Play(kept)
