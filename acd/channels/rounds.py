"""Work that is done in rounds: what is due is done, then it is rested until more is due, or somebody says so."""

import asyncio
import contextlib

import structlog

from acd.store import StoreError

log = structlog.get_logger()

STORE_AGAIN_S = 2.0
"""So long after the customer file could not be used."""


class Rounds:
    """The rounds of one worker, which says what one is."""

    def __init__(self) -> None:
        self._wake, self._is_over = asyncio.Event(), False
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    def wake(self) -> None:
        """Say that there is something new."""
        self._wake.set()

    async def run(self) -> None:
        """Do what is due, until cancelled or closed."""
        while not self._is_over:
            self._wake.clear()
            self._is_idle.clear()
            try:
                rest_s = await self._round()
            except StoreError:  # the customer file says why
                rest_s = STORE_AGAIN_S
            except OSError as error:
                log.warning("what is due cannot be read", of=type(self).__name__, reason=str(error))
                rest_s = STORE_AGAIN_S
            finally:
                self._is_idle.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rest_s):  # wait_for may lose a cancellation (3.11)
                    await self._wake.wait()

    async def close(self, within_s: float) -> None:
        """Begin nothing more; what is half done is done, if it takes no longer than this."""
        self._is_over = True
        self._wake.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._is_idle.wait()

    async def _round(self) -> float:
        """Do what is due; gives how long there is nothing to do, seconds."""
        raise NotImplementedError
