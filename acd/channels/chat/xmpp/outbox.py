"""Our lines to people who have an address, in their order, until their server has them.

A line is in the customer file before anybody hears that it will be sent. What the server was given and did not show
that it has is sent again under the same id, twice at most, and alone: should the server choke on a line, the others
are not held up by it. What cannot be sent for too long is told to an agent.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import structlog

from acd.channels.chat.chores import persist
from acd.channels.chat.room import House as RoomsHouse
from acd.channels.chat.xmpp import stanzas
from acd.channels.chat.xmpp.guests import KIND, Guests
from acd.channels.rounds import Rounds

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from xml.etree import ElementTree as ET

    from acd.store.chat_out import Due

log = structlog.get_logger()

BATCH = 50
DOUBTS_MOST = 3
GIVE_UP_MS = 86_400_000
"""Of a section that is gone."""
REST_S = 30.0


class Away(Exception):  # noqa: N818 - it is where the server is
    """Nothing was sent: there is no session."""


class Doubt(Exception):  # noqa: N818 - nobody has failed
    """It was sent, and nobody knows whether the server has it."""


class Component(Protocol):
    """The session with a server, as far as it matters here."""

    @property
    def can_send(self) -> bool:
        """Whether something can be sent now."""

    async def deliver(self, those: "Sequence[ET.Element]") -> None:
        """Send some; when this returns the server has them. Raises Away, Doubt."""


class House(RoomsHouse, Protocol):
    """What is needed of the server."""

    @property
    def components(self) -> Mapping[str, Component]:
        """The sessions with servers, by section."""

    @property
    def guests(self) -> Guests:
        """Who is written to."""


class Outbox(Rounds):
    """Sends them, for one server."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house
        self._doubts: Counter[int] = Counter()

    async def _round(self) -> float:
        from acd.store import chat_out  # noqa: PLC0415 - is loaded

        waiting = await self._house.store.read(chat_out.sections)
        await asyncio.gather(*map(self._send, waiting))
        return REST_S  # whoever has a line, or a session, wakes us

    async def _send(self, section: str) -> None:
        from acd.store import chat_out  # noqa: PLC0415 - is loaded

        store = self._house.store
        while not self._is_over and (due := await store.read(chat_out.due, section, BATCH)):
            component = self._house.components.get(section)
            if component is None or not component.can_send:
                await self._give_up_old(section, due)
                return
            if any(one.id in self._doubts for one in due):
                due = due[:1]
            try:
                await component.deliver([self._stanza(section, one) for one in due])
            except Away:
                return
            except Doubt:
                await self._doubt(due)
                return
            now = self._house.dispatcher.clock()
            await persist(lambda due=due, now=now: store.write(chat_out.sent, [one.id for one in due], now))  # type: ignore[misc]  # bound now
            for one in due:
                self._doubts.pop(one.id, None)
            log.info("lines sent", component=section, lines=len(due))

    def _stanza(self, section: str, due: "Due") -> "ET.Element":
        sender = self._house.guests.address(section, due.section.partition("/")[2])
        return stanzas.spoken(sender, due.address.removeprefix(KIND), due.name, due.body)

    async def _doubt(self, due: "Sequence[Due]") -> None:
        for one in due:
            self._doubts[one.id] += 1
            if self._doubts[one.id] >= DOUBTS_MOST:
                await self._give_up(
                    one, "nobody knows whether the server has it: it was sent three times without answer"
                )

    async def _give_up_old(self, section: str, due: "Sequence[Due]") -> None:
        settings = self._house.office.component(section)
        limit_ms = settings.give_up_ms if settings is not None else GIVE_UP_MS
        for one in due:
            if self._house.dispatcher.clock() - one.at > limit_ms:
                await self._give_up(one, "the server is away")

    async def _give_up(self, due: "Due", said: str) -> None:
        from acd.store import chat_out  # noqa: PLC0415 - is loaded

        self._doubts.pop(due.id, None)
        if self._house.office.entrance(due.section) is not None:
            await self._house.guests.give_up(due, said)
            return
        log.warning("line given up", entrance=due.section, reason=said)
        await self._house.store.write(chat_out.drop, due.id, f"not delivered: {said}")
