"""What is done to its end, whether the page that wants it is still there or not."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import structlog

from acd.store import StoreError

log = structlog.get_logger()
T = TypeVar("T")

AGAIN_S = 1.0


async def persist(what: Callable[[], Awaitable[T]]) -> T:
    """Do something, again and again while the customer file cannot be used."""
    while True:
        try:
            return await what()
        except StoreError:  # it says why by itself
            await asyncio.sleep(AGAIN_S)


class Chores:
    """Such works."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, what: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Have something done."""
        task = asyncio.get_running_loop().create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def whole(self, what: Coroutine[Any, Any, T]) -> T:
        """Have something done, and wait for it; whoever waits may be cancelled, and it is done all the same."""
        return await asyncio.shield(self.spawn(what))

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("chat is not done with", exc_info=error)

    async def close(self, within_s: float) -> None:
        """Wait for what is half done; no longer than this."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=within_s)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
