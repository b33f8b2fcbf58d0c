"""Callbacks: a caller's place, kept for a call to him.

He is a virtual call from then on, of the medium `callback`, with the arrival, priority, wishes and queue of the call
that he made. A customer has one at a time: who asks twice keeps the first.

Who hangs up is promised one by the core, if his queue says so. What number that would be is judged when he comes.
"""

from collections.abc import Callable
from typing import Any

import structlog
from msgspec.structs import replace

from acd.core.events import CallArrived
from acd.dispatcher import Dispatcher
from acd.numbers import Destination, Plan, destination, rate_of
from acd.settings import Site

log = structlog.get_logger()

MEDIUM = "callback"
JUDGED_MOST = 10_000
"""So many numbers of callers are remembered, to be judged once."""


class CallbackDesk:
    """Promises callbacks."""

    def __init__(self, dispatcher: Dispatcher, site: Callable[[], Site]) -> None:
        self._dispatcher = dispatcher
        self._site = site
        self._judged: dict[str, Destination] = {}
        """By the plan that counts; each look at the switch asks anew for all who wait."""
        self._plan: Plan | None = None

    def judge(self, number: str) -> Destination:
        """Say whether a number may be called back: as if an agent called it, and never for emergencies."""
        plan = self._site().calling_out.plan
        if plan is None:
            return Destination(number="", barred="not-allowed")
        found = destination(number, plan)
        return Destination(number="", barred="denied") if found.kind == "emergency" else found

    def is_promised(self, number: str) -> bool:
        """Whether somebody will be called back already."""
        calls = self._dispatcher.core.state.calls.values()
        return any(call.medium == MEDIUM and call.caller == number for call in calls)

    def back_to(self, number: str, language: str) -> dict[str, Any]:
        """Say what the core has to know of a caller to promise him a callback; nothing if he cannot be called."""
        plan = self._site().calling_out.plan
        if not number or plan is None:
            return {}
        if plan is not self._plan or len(self._judged) >= JUDGED_MOST:
            self._judged, self._plan = {}, plan
        found = self._judged.get(number)
        if found is None:
            found = self._judged[number] = self.judge(number)
        return {} if found.barred else {"dial": found.number, "rate": self._rate(found.number), "language": language}

    def _rate(self, number: str) -> int:
        return rate_of(number, self._site().calling_out.rates) or 0

    def promise(self, caller: str, number: str, queue: str, language: str = "") -> None:
        """Keep a caller's place for a call to a number.

        Args:
            caller: the call that he made.
            number: as `judge` gives it.
            queue: where he waited, if the core knows nothing of his call any more.
            language: what he is spoken to in.

        """
        known = self._dispatcher.core.state.calls.get(caller)
        name = f"callback-{caller}"
        event = CallArrived(
            call=name,
            queue=queue,
            caller=number,
            medium=MEDIUM,
            dial=number,
            rate=self._rate(number),
            language=language,
        )
        if known is not None:
            event = replace(
                event,
                queue=known.queue,
                priority=known.priority,
                needs=known.asked,
                head_start_ms=known.ahead_ms,
                since=known.arrived,
            )
        self._dispatcher.submit(event)
        log.info("callback promised", call=event.call, number=number, queue=event.queue)
