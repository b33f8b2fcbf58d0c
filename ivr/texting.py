"""The short messages of a server: its message centres, who takes texts in, sends answers."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import structlog

from acd.channels.email import templates
from acd.channels.sms.channel import SmsChannel
from acd.channels.sms.intake import Intake
from acd.channels.sms.office import FOLDER, Office
from acd.channels.sms.outbox import Outbox
from acd.channels.sms.pdu import RSYSERR, Message
from acd.channels.sms.smsc import Smsc
from acd.dispatcher import Dispatcher
from acd.problems import Problems
from acd.settings import Site
from acd.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

log = structlog.get_logger()


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
        self.smscs: Mapping[str, Smsc] = {}
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
                await self._changed.wait()
        finally:
            intake.cancel()
            await asyncio.gather(intake, return_exceptions=True)
            for name in list(self._tasks):
                await self._end(name)

    async def _settle(self) -> None:
        """Have a session with each centre of the moment, anew with one whose settings have changed."""
        from acd.store import texts_out  # noqa: PLC0415 - is loaded

        wanted = dict(self.office.gates)
        for name, smsc in list(self.smscs.items()):
            if wanted.get(name) != smsc.settings:
                await self._end(name)
        left = await self.store.read(texts_out.gates)
        for name in sorted(left | set(wanted)):  # what is left of a section that is gone comes back
            if name not in self._tasks:
                self._begin(name)

    def _begin(self, name: str) -> None:
        outbox = self._outboxes[name] = Outbox(self, name)
        works = [outbox.run()]
        if (settings := self.office.gates.get(name)) is not None:

            async def take(message: Message, session: str) -> int:
                gate = self.office.gates.get(name)
                return await self.intake.take(gate, message, session) if gate is not None else RSYSERR

            smsc = Smsc(settings, take, outbox.wake)
            self.smscs = {**self.smscs, name: smsc}
            works.append(smsc.run())
        self._tasks[name] = [asyncio.create_task(work, name=f"texts {name}") for work in works]

    async def _end(self, name: str) -> None:
        smsc = self.smscs.get(name)
        if smsc is not None:
            await smsc.close()
        tasks = self._tasks.pop(name, [])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.smscs = {other: one for other, one in self.smscs.items() if other != name}
        self._outboxes.pop(name, None)

    async def stop(self, within_s: float) -> None:
        """Take nothing more in and send nothing more; what is half sent is sent, if that takes seconds."""
        self._is_over = True
        await asyncio.gather(*(outbox.close(within_s) for outbox in self._outboxes.values()))
        await asyncio.gather(*(smsc.close() for smsc in self.smscs.values()))
        await self.channel.close()
        self._changed.set()
