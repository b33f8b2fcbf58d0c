"""The chats of a server: their settings, the talks that are live, who answers, and the routes for its web server."""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import structlog

from acd.channels.chat.channel import ChatChannel
from acd.channels.chat.office import FOLDER, Office
from acd.channels.chat.protocol import FRAME_MOST
from acd.channels.chat.rooms import Rooms
from acd.channels.email import templates
from acd.channels.email.office import Office as MailOffice
from acd.dispatcher import Dispatcher
from acd.problems import Problems
from acd.settings import Site
from acd.store.store import Store

if TYPE_CHECKING:  # loading them takes a while
    from starlette.types import ASGIApp

    from acd.store.files import Files

log = structlog.get_logger()


class House(Protocol):
    """What is needed of the server."""

    @property
    def dispatcher(self) -> Dispatcher:
        """The core's."""

    @property
    def store(self) -> Store:
        """The customer file."""

    @property
    def files(self) -> "Files":
        """And where it keeps what is large."""

    @property
    def office(self) -> MailOffice:
        """What holds for mails."""

    def has_post(self) -> None:
        """Say that there is a mail to be sent."""


class Chatting:
    """The chats of one server.

    Args:
        house: the server.
        site: the settings of the moment.

    """

    frame_most = FRAME_MOST
    """Bytes of a frame of a page's socket."""

    def __init__(self, house: House, site: Site) -> None:
        self._house = house
        self.office = Office(site, [])
        self.rooms = Rooms(self)
        self.channel = ChatChannel(self)

    # What chats need of the server

    @property
    def dispatcher(self) -> Dispatcher:
        """The core's."""
        return self._house.dispatcher

    @property
    def store(self) -> Store:
        """The customer file. Raises StoreError."""
        return self._house.store

    @property
    def files(self) -> "Files":
        """And where it keeps what is large."""
        return self._house.files

    @property
    def mail_office(self) -> MailOffice:
        """What holds for mails."""
        return self._house.office

    def has_mail(self) -> None:
        """Say that there is a mail to be sent."""
        self._house.has_post()

    # Life

    def use(self, site: Site, folder: Path) -> None:
        """Put the settings of the moment in force.

        Args:
            site: the settings.
            folder: the site's, with the templates.

        """
        problems = Problems()
        found = templates.load(folder, site.queues, site.general.languages, problems, FOLDER)
        for problem in problems:
            log.warning("template of chats", problem=str(problem))
        self.office = Office(site, found)

    def app(self) -> "ASGIApp":
        """Give what answers pages, for a web server."""
        from starlette.applications import Starlette  # noqa: PLC0415 - takes a while to load

        from acd.channels.chat.web import Doors  # noqa: PLC0415 - as above

        return Starlette(routes=Doors(self).routes())

    async def run(self) -> None:
        """Look after what is open, until cancelled."""
        self.channel.begin()
        await self.channel.run()

    async def stop(self, within_s: float) -> None:
        """Let every page go; what is half kept is kept, if that takes seconds."""
        await self.rooms.stop(within_s)
        await self.channel.close()
