"""Delivers to one endpoint: in order, again and again, and gives up what it does not take for too long."""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import structlog

from acd.channels.rounds import Rounds
from acd.dispatcher import Dispatcher
from acd.hooks.client import Answer, Client, Unreached
from acd.settings import Site
from acd.store.store import Store
from acd.webhooks import WebhookSettings

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from acd.store.deliveries import Due

log = structlog.get_logger()

AGAIN_S, AGAIN_MOST_S = 5.0, 1_800.0
"""What could not be delivered is tried again so much later, twice as long each time."""
JITTER = 0.2
"""More or less of that: many that failed together do not come again together."""
BATCH = 20
"""So many are delivered between two looks at the customer file; of these some may be told twice after a kill."""
REST_S = 5.0
"""A command may have changed something: it is looked again after so long."""
ASIDE_TRIES = 5
"""So often a server error is tried again in its place."""
REFUSED_MOST = 10
"""So many refusals in a row are no longer of what was sent: the endpoint has a rest, longer each time."""
AWAY = frozenset({408, 425, 429, 502, 503, 504})
GONE = 410


class House(Protocol):
    """What is needed of the server."""

    @property
    def site(self) -> Site:
        """The settings of the moment."""

    @property
    def dispatcher(self) -> Dispatcher:
        """The core's; its clock is."""


class Sender(Rounds):
    """What one endpoint is told.

    Args:
        house: the server.
        store: the customer file.
        name: the section of acd.conf.
        may_go_on: whether this server is the one that delivers.

    """

    def __init__(self, house: House, store: Store, name: str, may_go_on: Callable[[], bool]) -> None:
        super().__init__()
        self._house, self._store, self._name, self._may_go_on = house, store, name, may_go_on
        self._client: Client | None = None
        self._away = 0
        """So often in a row it was away."""
        self._refusals = 0
        """So often in a row it has refused, whatever it was."""
        self._luck = random.Random()  # noqa: S311 - spreads the load, hides nothing

    async def end(self) -> None:
        """Let go of the endpoint, when nothing runs any more."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _round(self) -> float:
        """Deliver what is due; gives how long there is nothing to do, seconds."""
        from acd.store import deliveries  # noqa: PLC0415 - is loaded

        settings = self._house.site.webhooks.get(self._name)
        if settings is None or not self._may_go_on():
            return REST_S
        now = self._house.dispatcher.clock()
        agenda = await self._store.read(deliveries.agenda, self._name, now, BATCH)
        if not agenda.due:
            if agenda.failing_since is not None and agenda.failing_since < now - settings.give_up_ms:
                await self._give_up(settings.give_up_ms)
            return self._rest_s(agenda.next_at)
        client = await self._to(settings)
        taken: list[int] = []
        try:
            for due in agenda.due:
                if self._is_over or not self._may_go_on() or not await self._deliver(client, due, taken):
                    break
        finally:
            await self._note(taken)
        return 0.0

    def _rest_s(self, next_at: int | None) -> float:
        if next_at is None:
            return REST_S
        return min(max(0.0, (next_at - self._house.dispatcher.clock()) / 1000), REST_S)

    async def _to(self, settings: WebhookSettings) -> Client:
        if self._client is None or self._client.settings != settings:
            await self.end()
            self._client = Client(settings)
        return self._client

    # One delivery

    async def _deliver(self, client: Client, due: "Due", taken: list[int]) -> bool:
        """Tell the endpoint something; tells whether the next may follow."""
        try:
            answer = await client.post(due.name, due.body.encode())
        except Unreached as error:
            await self._wait(due, taken, str(error))
            return False
        if 200 <= answer.status < 300:
            self._away = self._refusals = 0
            taken.append(due.id)
            return True
        said = f"HTTP {answer.status}"
        if answer.status == GONE:
            await self._stop(taken, f"{said}: it wants to be told nothing any more")
            return False
        if answer.status in AWAY or answer.status < 400:
            await self._wait(due, taken, f"{said}, a redirection" if answer.status < 400 else said, answer)
            return False
        return await self._refused(due, taken, said, is_its_own=answer.status < 500)

    async def _wait(self, due: "Due", taken: list[int], said: str, answer: Answer | None = None) -> None:
        """Have all wait: the endpoint is away."""
        self._away += 1
        after_s = answer.retry_after_s if answer is not None else 0
        again_s = max(float(after_s), self._again_s(self._away - 1))
        await self._fail(due, taken, said, again_s)

    async def _refused(self, due: "Due", taken: list[int], said: str, *, is_its_own: bool) -> bool:
        self._refusals += 1
        steps_aside, too_many = is_its_own or due.tries + 1 >= ASIDE_TRIES, self._refusals - REFUSED_MOST
        how = {"is_refused": True, "steps_aside": steps_aside}
        rest_s = self._again_s(too_many - 1) if too_many > 0 else None
        await self._fail(due, taken, said, self._again_s(due.tries), rest_s, **how)
        return steps_aside and rest_s is None

    async def _fail(
        self, due: "Due", taken: list[int], said: str, again_s: float, rest_s: float | None = None, **how: bool
    ) -> None:
        from acd.store import deliveries  # noqa: PLC0415 - is loaded

        await self._note(taken)
        now = self._house.dispatcher.clock()
        due_at, rest_until = now + round(again_s * 1000), None if rest_s is None else now + round(rest_s * 1000)
        failure = deliveries.Failure(delivery=due.id, at=now, due_at=due_at, said=said, rest_until=rest_until, **how)
        await self._store.write(deliveries.failed, self._name, failure)
        log.warning("webhook not delivered", webhook=self._name, id=due.name, reason=said, again_s=round(again_s, 1))
        settings = self._house.site.webhooks.get(self._name)
        if settings is not None and due.made_at < now - settings.give_up_ms:
            await self._give_up(settings.give_up_ms, due.id if how else None)

    def _again_s(self, times: int) -> float:
        return min(AGAIN_S * 2.0 ** min(times, 20), AGAIN_MOST_S) * self._luck.uniform(1 - JITTER, 1 + JITTER)

    async def _note(self, taken: list[int]) -> None:
        """Note what the endpoint has."""
        from acd.store import deliveries  # noqa: PLC0415 - is loaded

        if taken:
            await self._store.write(deliveries.sent, self._name, taken, self._house.dispatcher.clock())
            taken.clear()

    async def _give_up(self, give_up_ms: int, only: int | None = None) -> None:
        from acd.store import deliveries  # noqa: PLC0415 - is loaded

        now = self._house.dispatcher.clock()
        count = await self._store.write(deliveries.give_up, self._name, now - give_up_ms, now, only)
        mend = f"callfloor webhook again {self._name}"
        log.error("webhook given up", webhook=self._name, count=count, mend=mend)

    async def _stop(self, taken: list[int], why: str) -> None:
        from acd.store import deliveries  # noqa: PLC0415 - is loaded

        await self._note(taken)
        await self._store.write(deliveries.stop, self._name, why)
        mend = f"take [{self._name}] out of acd.conf, or callfloor webhook again {self._name}"
        log.error("webhook stopped", webhook=self._name, reason=why, mend=mend)
