"""What is over for a medium of written contacts without that it was told so: seen from what the core decides."""

import asyncio
from collections.abc import Awaitable, Callable

from acd.core import State
from acd.core.commands import AnyCommand, CallOver, Offer
from acd.core.commands import Reply as Answered
from acd.core.events import AnyEvent, CallEnded, CloseAsked, OfferEnded
from acd.store import StoreError

AGAIN_S = 5.0


class Endings:
    """Has a medium note what is over.

    Args:
        medium: its name, with which the ids of its calls begin.
        closed: notes a call as closed, by a seat, with a code; done twice it does no harm. Raises StoreError.

    """

    def __init__(self, medium: str, closed: Callable[[str, str, str], Awaitable[None]]) -> None:
        self._medium, self._closed = medium, closed
        self._offers: dict[str, str] = {}
        """Offer -> its call, of ours."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.pending: set[str] = set()
        """Calls that are over, and not noted as closed yet: open where they are kept, and missing in the core."""

    def begin(self, state: State) -> None:
        """Know what agents have before them."""
        for offer in state.offers.values():
            if offer.call is not None and state.calls[offer.call].medium == self._medium:
                self._offers[offer.id] = offer.call

    def watch(self, event: AnyEvent, commands: list[AnyCommand]) -> None:
        """See what becomes of the calls: whoever closed one did not say so, or a hand has taken it out."""
        for command in commands:
            if isinstance(command, Offer) and command.medium == self._medium:
                self._offers[command.offer] = command.call
            elif isinstance(command, CallOver):
                self._over(command.call, "")
        if isinstance(event, CallEnded):
            self._over(event.call, "")
        elif isinstance(event, CloseAsked):
            call = self._offers.get(event.offer)
            if call is not None and any(isinstance(one, Answered) and one.answer == "ok" for one in commands):
                self._over(call, event.seat)
        elif isinstance(event, OfferEnded):
            self._offers.pop(event.offer, None)

    def _over(self, call: str, seat: str) -> None:
        if call.startswith(f"{self._medium}-"):
            self.pending.add(call)
            task = asyncio.create_task(self._close(call, seat), name=f"close {call}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _close(self, call: str, seat: str) -> None:
        while True:
            try:
                await self._closed(call, seat, "")
            except StoreError:
                await asyncio.sleep(AGAIN_S)
            else:
                self.pending.discard(call)
                return

    async def close(self) -> None:
        """Leave what is not noted yet: the next start finds it."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
