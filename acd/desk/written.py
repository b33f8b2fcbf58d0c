"""What becomes of a written contact that an agent has before him, whatever is in his hands: a telephone, a web page."""

import asyncio
import contextlib
from typing import Protocol

from acd.core.events import CallEnded, CallSet
from acd.core.model import Call
from acd.dispatcher import Dispatcher
from acd.ports import Channel, Desk

MOVE_MS = 10_000
"""One that goes to another queue is put off for so long in its own, until its agent's leg has ended."""
MOVE_LOOK_S = 0.02


class House(Protocol):
    """What is needed of the server."""

    @property
    def dispatcher(self) -> Dispatcher:
        """The core's."""

    @property
    def desk(self) -> Desk:
        """Who fulfils an agent's wishes."""


class Before:
    """A contact that an agent has, or had a moment ago.

    Args:
        house: the server.
        channel: the medium.
        call: the contact.
        offer: on which its agent has it.
        seat: whose it is.

    """

    def __init__(self, house: House, channel: Channel, call: str, offer: str, seat: str) -> None:
        self._house, self._channel = house, channel
        self._call, self._offer, self._seat = call, offer, seat

    async def end(self, code: str, *, is_answered: bool = False) -> bool:
        """Close it: in the medium, then in the core. Answers whether it was his to close.

        One that is closed in the medium waits for nobody: should its agent's leg have ended meanwhile, it is taken out
        of its queue.

        Args:
            code: what it was about.
            is_answered: its customer has his answer, so it is closed whether it is still his or not.

        """
        state = self._house.dispatcher.core.state
        offer = state.offers.get(self._offer)
        if not is_answered and (offer is None or not offer.in_talk):
            return False
        await self._channel.closed(self._call, self._seat, code)
        if await self._house.desk.close(self._seat, self._offer) == "ok":
            return True
        call = state.calls.get(self._call)
        if call is None or call.state == "talking":  # nobody has it, or a colleague
            return False
        self._house.dispatcher.submit(CallEnded(call=self._call, reason="done"))
        return True

    async def move(self, queue: str) -> None:
        """Have it wait in another queue, at its place, as soon as it waits again."""
        state = self._house.dispatcher.core.state
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MOVE_MS / 1_000):
                while _in_talk(call := state.calls.get(self._call)):  # noqa: ASYNC110 - many events may end it
                    await asyncio.sleep(MOVE_LOOK_S)
                if call is not None:
                    self._house.dispatcher.submit(CallSet(call=self._call, queue=queue))


def _in_talk(call: Call | None) -> bool:
    return call is not None and call.state != "waiting"
