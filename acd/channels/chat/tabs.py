"""One socket of a visitor's page, as far as it is not the network's: what waits to be sent, and why it ends."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Protocol

from acd.channels.chat import protocol as say

FRAMES_MOST = 1_000
BYTES_MOST = 1 << 20
"""So much waits for a page that does not read; then its socket is closed, and it goes on where it is when it comes."""


class Ear(Protocol):
    """Who is told what is said in a talk, and how it stands."""

    number: int
    address: str

    def tell(self, told: say.AnyTold) -> None:
        """Tell him."""

    def drop(self, why: say.Over) -> None:
        """Tell him nothing more."""


class Tab:
    """A tab.

    Args:
        number: names it.
        address: whose it is, as `limits.neighbourhood` says.

    """

    __slots__ = ("_bytes", "_frames", "_wake", "address", "number", "over")

    def __init__(self, number: int, address: str) -> None:
        self.number, self.address = number, address
        self.over: say.Over | None = None
        """Why it is to end."""
        self._frames: deque[str] = deque()
        self._bytes = 0
        self._wake: asyncio.Future[None] | None = None

    def tell(self, told: say.AnyTold) -> None:
        """Have a page told something."""
        self.put(say.encode(told))

    def put(self, frame: str) -> None:
        """Have something sent."""
        if self.over is not None:
            return
        self._add(frame)
        if len(self._frames) > FRAMES_MOST or self._bytes > BYTES_MOST:
            self._frames.clear()
            self._bytes = 0
            self.drop("too-slow")

    def drop(self, why: say.Over) -> None:
        """Have it closed, when what waits is sent."""
        if self.over is None:
            self.over = why
            self._add(say.encode(say.Bye(why=why)))

    def _add(self, frame: str) -> None:
        self._frames.append(frame)
        self._bytes += len(frame)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def frames(self) -> AsyncIterator[str]:
        """Give what is to be sent, until it is to end."""
        while True:
            while self._frames:
                frame = self._frames.popleft()
                self._bytes -= len(frame)
                yield frame
            if self.over is not None:
                return
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
            self._wake = None
