"""The web desk of a server: made where `[web]` is written, and only then loaded; nothing of a call waits for it."""

import asyncio
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import structlog

from acd.core.commands import AnyCommand
from acd.core.events import AnyEvent
from acd.desk.agents import AgentDesk
from acd.desk.callbacks import CallbackDesk
from acd.desk.offers import DeskOffers
from acd.dispatcher import Dispatcher
from acd.ports import Channel, Medium
from acd.settings import Site
from acd.status import Status
from ivr.customers import Customers
from ivr.written import Written

if TYPE_CHECKING:  # loading FastAPI takes a while
    from acd.desk.web.live import Live
    from acd.desk.web.serve import Door
    from acd.happenings import Happening

log = structlog.get_logger()

OFFERS, UPLOADS = Path("desk/offers"), Path("desk/uploads")


class House(Protocol):
    """What is needed of the server."""

    home: Path
    site: Site
    dispatcher: Dispatcher
    desk: AgentDesk
    customers: Customers
    written: Written

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The written media."""

    def status(self) -> Status:
        """What the floor looks like now."""


class Web:
    """The web desk of one server.

    Args:
        house: the server.

    """

    offers: DeskOffers

    def __init__(self, house: House) -> None:
        self.house = house
        self._door: Door | None = None
        self._live: Live | None = None
        self._is_over = False
        self.is_open = asyncio.Event()
        """Pages can be asked for."""

    @property
    def is_wanted(self) -> bool:
        """Whether the site has one."""
        return self.house.site.web.listen is not None

    def wire(self, handset: Medium) -> None:
        """Stand before the handsets for written media, from the first event on."""
        house = self.house
        absent_ms = lambda: house.site.web.absent_ms  # noqa: E731 - the settings of the moment
        self.offers = DeskOffers(handset, house.dispatcher, house.home / OFFERS, absent_ms)
        if not self.is_wanted:
            return
        self.offers.begin()
        house.dispatcher.media.update(dict.fromkeys(house.channels, self.offers))

    def watch(self, event: AnyEvent, commands: list[AnyCommand]) -> None:
        """See what happens."""
        self.offers.watch(event, commands)
        if self._live is not None:
            self._live.watch(event, commands)

    async def run(self) -> None:
        """Serve, until cancelled or stopped."""
        place = self.house.site.web.listen
        if place is None:
            return
        await asyncio.to_thread(_load)
        from acd.desk.web.access import Access  # noqa: PLC0415 - as above
        from acd.desk.web.app import beside, make_app  # noqa: PLC0415 - as above
        from acd.desk.web.house import Rooms  # noqa: PLC0415 - as above
        from acd.desk.web.live import Live  # noqa: PLC0415 - as above
        from acd.desk.web.serve import Door  # noqa: PLC0415 - as above
        from acd.desk.web.sessions import Sessions  # noqa: PLC0415 - as above
        from acd.desk.web.tokens import TokenFile  # noqa: PLC0415 - as above
        from acd.desk.web.uploads import Uploads  # noqa: PLC0415 - as above

        house, clock = self.house, self.house.dispatcher.clock
        self._live = Live(lambda: house.dispatcher.core.state, clock)
        access = Access(TokenFile(house.home), Sessions(house.home, clock), lambda: house.site, clock)
        uploads = await asyncio.to_thread(Uploads, house.home / UPLOADS, clock)
        app = make_app(
            Rooms(
                house=house,
                store=house.customers.store,
                offers=self.offers,
                access=access,
                live=self._live,
                uploads=uploads,
                callbacks=CallbackDesk(house.dispatcher, lambda: house.site),
                answering=set(),
            )
        )
        if (store := house.customers.store) is not None:
            store.listeners.append(lambda news: self._tell(news.live))
        chats, sockets = house.written.chatting, sum(one.sockets_most for one in house.site.chats.values())
        chats.rooms.listeners.append(self._live.news)
        whole = beside(app, "/chat/", chats.app())
        behind = bool(house.site.web.url)
        self._door = Door(whole, place, behind=behind, frame_most=chats.frame_most, more=sockets)
        if not self._is_over:
            await self._door.run(self.is_open)

    def _tell(self, told: "list[Happening]") -> None:
        if self._live is not None:
            self._live.tell(told)

    async def stop(self) -> None:
        """Take no more requests, and leave what agents have before them to the next server."""
        self._is_over = True
        if hasattr(self, "offers"):
            self.offers.stop()
        if self._live is not None:
            self._live.stop()
        if self._door is not None:
            await self._door.stop()


def _load() -> None:
    """Load what answers, in a thread, where nobody waits."""
    importlib.import_module("acd.desk.web.app")
    importlib.import_module("acd.desk.web.serve")
