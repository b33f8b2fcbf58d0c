"""The chats of a server: their settings, the talks that are live, who answers, the ways in.

Pages come by the routes for its web server, others by XMPP.
"""

import asyncio
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import structlog

from acd.channels.chat.channel import ChatChannel
from acd.channels.chat.office import FOLDER, Office
from acd.channels.chat.protocol import FRAME_MOST
from acd.channels.chat.rooms import Rooms
from acd.channels.chat.xmpp.guests import Guests
from acd.channels.chat.xmpp.outbox import Outbox
from acd.channels.email import templates
from acd.channels.email.office import Office as MailOffice
from acd.dispatcher import Dispatcher
from acd.problems import Problems
from acd.settings import Site
from acd.store.store import Store

if TYPE_CHECKING:  # loading them takes a while
    from starlette.types import ASGIApp

    from acd.channels.chat.xmpp.component import Component
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
        self.components: dict[str, Component] = {}
        """The sessions with XMPP servers, by section."""
        self.guests, self.outbox = Guests(self), Outbox(self)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._is_over = False

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

    def has_lines(self) -> None:
        """Say that there is a line to be sent to who has an address."""
        self.outbox.wake()

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
        self._changed.set()

    def app(self) -> "ASGIApp":
        """Give what answers pages, for a web server."""
        from starlette.applications import Starlette  # noqa: PLC0415 - takes a while to load

        from acd.channels.chat.web import Doors  # noqa: PLC0415 - as above

        return Starlette(routes=Doors(self).routes())

    async def run(self) -> None:
        """Look after what is open, until cancelled."""
        self.channel.begin()
        try:
            await self._settle()
            await asyncio.gather(self.channel.run(), self.outbox.run(), self._follow())
        finally:
            for name in list(self.components):
                await self._end(name)

    async def _follow(self) -> None:
        while not self._is_over:
            await self._changed.wait()
            await self._settle()

    async def _settle(self) -> None:
        """Have a session with each XMPP server of the moment, anew with one whose settings have changed."""
        self._changed.clear()
        wanted = self.office.components
        for name, component in list(self.components.items()):
            if wanted.get(name) != component.settings:
                await self._end(name)
        if wanted:
            await asyncio.to_thread(importlib.import_module, "acd.channels.chat.xmpp.component")  # loads slixmpp
        for name in wanted.keys() - self.components.keys() if not self._is_over else ():
            from acd.channels.chat.xmpp.component import Component  # noqa: PLC0415 - is loaded

            made = self.components[name] = Component(wanted[name], self.guests, self.outbox.wake)
            self._tasks[name] = asyncio.create_task(made.run(), name=f"xmpp {name}")
        self.guests.enter()

    async def _end(self, name: str) -> None:
        component, task = self.components.pop(name, None), self._tasks.pop(name, None)
        if component is not None and task is not None:
            await component.close()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def stop(self, within_s: float) -> None:
        """Let every page go; what is half kept is kept, and what is half sent is sent, if that takes seconds."""
        self._is_over = True
        self._changed.set()
        await asyncio.gather(self.outbox.close(within_s), self.rooms.stop(within_s))
        for name in list(self.components):
            await self._end(name)
        await self.channel.close()
