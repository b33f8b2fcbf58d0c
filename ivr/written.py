"""The media of written contacts of a server: who takes them in, keeps them, sends answers: e-mails, texts, chats.

They need the customer file, where all that was written is kept; a site without one has none of them. Nothing of a call
waits for them: what they load, they load when the server is up.
"""

import asyncio
import contextlib
import importlib
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import structlog

from acd.channels.email import templates
from acd.channels.email.channel import EmailChannel
from acd.channels.email.intake import Intake
from acd.channels.email.office import Office
from acd.channels.email.outbox import Outbox
from acd.channels.email.tokens import Tokens
from acd.channels.email.worker import Parsers
from acd.channels.errands import Errands
from acd.core.commands import AnyCommand
from acd.core.events import AnyEvent
from acd.dispatcher import Dispatcher
from acd.mailboxes import MailboxSettings, Place
from acd.problems import Problems
from acd.settings import Site
from acd.store import StoreError
from acd.store.store import Store
from ivr.chatting import Chatting
from ivr.customers import Customers
from ivr.texting import Texting

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from sqlalchemy.orm import Session

    from acd.channels.email.fetcher import Fetchers
    from acd.channels.email.listener import Listener
    from acd.ports import Channel
    from acd.store.files import Files

log = structlog.get_logger()

MIB = 1 << 20
LISTEN_AGAIN_S = 5.0
"""A place that is taken is tried again after this long."""
STOP_S = 5.0
"""So long what is half taken or half sent may take when the server ends or hands over."""
READERS = 2
"""Mails that are read at a time."""
OAUTH = "oauth"
"""The folder of the instance home where refresh tokens are kept."""


class House(Protocol):
    """What is needed of the server."""

    site: Site
    dispatcher: Dispatcher
    customers: Customers
    home: Path


class Written:
    """The written contacts of one server.

    Args:
        house: the server.

    """

    def __init__(self, house: House) -> None:
        self._house = house
        self.office = Office(house.site, [])
        self.parsers = Parsers(READERS)
        self.tokens = Tokens(house.home / OAUTH)
        self.intake, self.outbox = Intake(self), Outbox(self)
        self._email = EmailChannel(self)
        self.texting = Texting(self, house.site)
        self.chatting = Chatting(self, house.site)
        ours: dict[str, Channel] = {
            "email": self._email,
            "sms": self.texting.channel,
            "chat": self.chatting.channel,
        }
        self.channels: dict[str, Channel] = {} if house.customers.store is None else ours
        """By medium: for whoever answers."""
        self.errands = Errands(self)
        self._listener: Listener | None = None
        self._fetchers: Fetchers | None = None
        self._files: Files | None = None
        self._changed, self._opening = asyncio.Event(), asyncio.Lock()
        self._is_over = False
        self.is_ready = False
        """Mails can be taken in."""

    # What mails need of the server

    @property
    def site(self) -> Site:
        """The settings of the moment."""
        return self._house.site

    @property
    def dispatcher(self) -> Dispatcher:
        """The core's."""
        return self._house.dispatcher

    @property
    def store(self) -> Store:
        """The customer file.

        Raises:
            StoreError: there is none, or none yet. What works with it is not loaded before that: not by two at a time.

        """
        store = self._house.customers.store
        if store is None or not self.is_ready:
            raise StoreError("the customer file cannot be used: it is not open" + (" yet" if store is not None else ""))
        return store

    @property
    def files(self) -> "Files":
        """And where it keeps what is large."""
        if self._files is None:
            from acd.store.files import Files  # noqa: PLC0415 - loads SQLAlchemy

            self._files = Files(self.store.settings.files)
        return self._files

    @property
    def closing(self) -> Collection[str]:
        """The calls that are over, and not noted as closed yet."""
        return self._email.endings.pending

    def has_post(self) -> None:
        """Say that there is something to be sent."""
        self.outbox.wake()

    # Life

    def use(self, folder: Path) -> None:
        """Put the settings of the moment in force.

        Args:
            folder: the site's, with the templates.

        """
        site, problems = self._house.site, Problems()
        found = templates.load(folder, site.queues, site.general.languages, problems)
        for problem in problems:
            log.warning("template of mails", problem=str(problem))
        self.office = Office(site, found)
        self.texting.use(site, folder)
        self.chatting.use(site, folder)
        self._changed.set()

    def watch(self, event: AnyEvent, commands: list[AnyCommand]) -> None:
        """See what becomes of the contacts."""
        self._email.watch(event, commands)
        self.texting.channel.watch(event, commands)
        self.chatting.channel.watch(event, commands)

    async def run(self) -> None:
        """Take in and send, until cancelled or stopped."""
        store = self._house.customers.store
        if store is None:
            return
        await store.opened.wait()
        while not self.is_ready:
            try:
                await store.write(_load)
            except StoreError:  # the customer file says why
                await asyncio.sleep(LISTEN_AGAIN_S)
            else:
                self.is_ready = True
        self._email.begin()
        ours = (self.intake.run(), self.outbox.run(), self._listen(), self.errands.run())
        await asyncio.gather(*ours, self.texting.run(), self.chatting.run())

    async def _listen(self) -> None:
        while not self._is_over:
            self._changed.clear()
            wanted = self._places()
            try:
                async with self._opening:
                    await self._fetch()
                if wanted or self._listener is not None:
                    async with self._opening:
                        await self._listening(wanted)
                wait_s = None
            except OSError as error:
                log.error("mails cannot come in", reason=str(error), again_s=LISTEN_AGAIN_S)  # noqa: TRY400 - it says all
                wait_s = LISTEN_AGAIN_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait_s)

    async def _listening(self, wanted: dict[tuple[Place, str], int]) -> None:
        if self._is_over:
            return
        if self._listener is None:
            from acd.channels.email.listener import Listener  # noqa: PLC0415 - loads aiosmtpd

            self._listener = Listener(self._mailbox_of, self.intake.take)
        await self._listener.listen(wanted)

    async def _fetch(self) -> None:
        wanted = {name: one for name, one in self.office.mailboxes.items() if one.imap is not None}
        if self._is_over or (self._fetchers is None and not wanted):
            return
        if self._fetchers is None:
            from acd.channels.email.fetcher import Fetchers  # noqa: PLC0415 - loads imapclient

            self._fetchers = Fetchers(self.intake.take, self.tokens)
        await self._fetchers.fetch(wanted, STOP_S)

    def _mailbox_of(self, address: str) -> MailboxSettings | None:
        return self.office.mailbox_of(address)  # that of the moment

    def _places(self) -> dict[tuple[Place, str], int]:
        """Where mails come in, each with the size of the largest that any mailbox there takes."""
        places: dict[tuple[Place, str], int] = {}
        for one in self.office.mailboxes.values():
            for place, protocol in ((one.lmtp, "lmtp"), (one.smtp_in, "smtp")):
                if place is not None:
                    places[place, protocol] = max(places.get((place, protocol), 0), one.size_most * MIB)
        return places

    async def stop(self) -> None:
        """Take nothing more in and send nothing more; what is half done is done, if that takes seconds."""
        self._is_over = True
        self._changed.set()
        async with self._opening:  # what is half open could not be closed
            ways_in = [one for one in (self._listener, self._fetchers) if one is not None]
            await asyncio.gather(*(one.close(STOP_S) for one in ways_in))
        await self.errands.close(STOP_S)
        await self.outbox.close(STOP_S)
        await self.tokens.close(STOP_S)
        await self._email.close()
        await self.texting.stop(STOP_S)
        await self.chatting.stop(STOP_S)
        await self.parsers.close()


def _load(_session: "Session") -> None:
    """Load what works with the customer file, and speaks to mail servers: in its own thread, where nobody waits."""
    of_mail = ("acd.channels.email.imap", "acd.channels.email.listener", "aiosmtplib")
    ours = ("appointments", "files", "mails", "texts", "texts_out", "chats", "chat_cards", "chat_out", "chat_people")
    for name in (*of_mail, *(f"acd.store.{one}" for one in ours)):
        importlib.import_module(name)
