"""The short messages of a server: its message centres, who takes texts in, sends answers."""

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import structlog

from acd.channels.email import templates
from acd.channels.sms.channel import SmsChannel
from acd.channels.sms.gateway import Gateway
from acd.channels.sms.intake import Intake
from acd.channels.sms.office import FOLDER, Office
from acd.channels.sms.outbox import Outbox
from acd.channels.sms.pdu import RSYSERR, Message
from acd.channels.sms.smsc import Smsc
from acd.dispatcher import Dispatcher
from acd.problems import Problems
from acd.settings import Site
from acd.smscs import GatewaySettings, SmscSettings
from acd.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

if TYPE_CHECKING:
    from ivr.hooks import Doors

log = structlog.get_logger()

AGAIN_S = 5.0
"""A place that is taken is tried again after this long."""


class House(Protocol):
    """What is needed of the server."""

    @property
    def dispatcher(self) -> Dispatcher:
        """The core's."""

    @property
    def store(self) -> Store:
        """The customer file."""


class Texting:
    """The texts of one server.

    Args:
        house: the server.
        site: the settings of the moment.

    """

    def __init__(self, house: House, site: Site) -> None:
        self._house = house
        self.office = Office(site, [])
        self.intake = Intake(self)
        self.channel = SmsChannel(self)
        self.senders: Mapping[str, Smsc | Gateway] = {}
        self._doors: Doors | None = None
        self._outboxes: dict[str, Outbox] = {}
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}
        self._changed = asyncio.Event()
        self._is_over = False

    # What texts need of the server

    @property
    def dispatcher(self) -> Dispatcher:
        """The core's."""
        return self._house.dispatcher

    @property
    def store(self) -> Store:
        """The customer file. Raises StoreError."""
        return self._house.store

    @property
    def closing(self) -> Collection[str]:
        """The calls that are over, and not noted as closed yet."""
        return self.channel.endings.pending

    def has_post(self) -> None:
        """Say that there is something to be sent."""
        for outbox in self._outboxes.values():
            outbox.wake()

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
            log.warning("template of texts", problem=str(problem))
        self.office = Office(site, found)
        self._changed.set()

    async def run(self) -> None:
        """Take in and send, until cancelled or stopped."""
        self.channel.begin()
        intake = asyncio.create_task(self.intake.run(), name="texts")
        try:
            while not self._is_over:
                self._changed.clear()
                await self._settle()
                self.has_post()
                wait_s = None
                try:
                    await self._listen()
                except OSError as error:
                    log.error("texts cannot come in by HTTP", reason=str(error), again_s=AGAIN_S)  # noqa: TRY400 - it says all
                    wait_s = AGAIN_S
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), wait_s)
        finally:
            if self._doors is not None:
                await self._doors.listen(set())
            intake.cancel()
            await asyncio.gather(intake, return_exceptions=True)
            for name in list(self._tasks):
                await self._end(name)

    async def _settle(self) -> None:
        """Have a session with each centre of the moment, anew with one whose settings have changed."""
        from acd.store import texts_out  # noqa: PLC0415 - is loaded

        wanted = dict(self.office.gates)
        for name, sender in list(self.senders.items()):
            if wanted.get(name) != sender.settings:
                await self._end(name)
        left = await self.store.read(texts_out.gates)
        for name in sorted(left | set(wanted)):  # what is left of a section that is gone comes back
            if name not in self._tasks:
                self._begin(name)

    def _begin(self, name: str) -> None:
        outbox = self._outboxes[name] = Outbox(self, name)
        works = [outbox.run()]
        settings = self.office.gates.get(name)
        if isinstance(settings, GatewaySettings):
            self.senders = {**self.senders, name: Gateway(settings)}
        elif isinstance(settings, SmscSettings):
            smsc = Smsc(settings, partial(self._take, name), outbox.wake)
            self.senders = {**self.senders, name: smsc}
            works.append(smsc.run())
        self._tasks[name] = [asyncio.create_task(work, name=f"texts {name}") for work in works]

    async def _take(self, name: str, message: Message, session: str) -> int:
        gate = self.office.gates.get(name)  # that of the moment
        return await self.intake.take(gate, message, session) if isinstance(gate, SmscSettings) else RSYSERR

    async def _end(self, name: str) -> None:
        sender = self.senders.get(name)
        if sender is not None:
            await sender.close()
        tasks = self._tasks.pop(name, [])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.senders = {other: one for other, one in self.senders.items() if other != name}
        self._outboxes.pop(name, None)

    def _gateway(self, name: str) -> GatewaySettings | None:
        return self.office.site.gateways.get(name)

    async def _listen(self) -> None:
        """Have the providers of the moment come in."""
        places = {one.listen for one in self.office.site.gateways.values()}
        if self._doors is None and places:
            from ivr.hooks import Doors  # noqa: PLC0415 - takes a while to load

            self._doors = Doors(self._gateway, self.intake.bring, self.intake.note)
        if self._doors is not None:
            await self._doors.listen(places)

    async def stop(self, within_s: float) -> None:
        """Take nothing more in and send nothing more; what is half sent is sent, if that takes seconds."""
        self._is_over = True
        if self._doors is not None:
            await self._doors.listen(set())
        await asyncio.gather(*(outbox.close(within_s) for outbox in self._outboxes.values()))
        await asyncio.gather(*(sender.close() for sender in self.senders.values()))
        await self.channel.close()
        self._changed.set()
