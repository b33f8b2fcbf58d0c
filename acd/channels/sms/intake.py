"""Takes texts in: each is stored, then becomes a call, or belongs to one that waits; then its centre hears of it.

The core is told of a call in the same instant, and its journal has it before the centre is answered. A look at the
start and now and then makes the calls that are missing: their server ended between the two. It brings, too, what came
of long texts whose other parts do not come.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Collection
from typing import TYPE_CHECKING, Protocol

import structlog

from acd.channels.email.text import lines
from acd.channels.sms import addresses, receipts
from acd.channels.sms.addresses import Address
from acd.channels.sms.alphabet import decoded
from acd.channels.sms.office import Office
from acd.channels.sms.parts import split_header
from acd.channels.sms.pdu import ROK, RSYSERR, Message
from acd.channels.sms.receipts import Receipt
from acd.channels.sms.webhook import Incoming
from acd.core.events import CallArrived, CallEnded
from acd.dispatcher import Dispatcher
from acd.smscs import GateSettings, GatewaySettings, SmscSettings
from acd.store import StoreError
from acd.store.store import Store

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from collections.abc import Iterable

    from acd.store.texts import Kin, Text

log = structlog.get_logger()

MEDIUM = "sms"
LOOK_S, LATE_LOOK_S = 30.0, 1.0
AGAIN_S = 1.0
"""So long after a failure of the customer file it is looked again."""
SWEEP_S = 3_600.0


class House(Protocol):
    """What is needed of the server."""

    @property
    def dispatcher(self) -> Dispatcher:
        """The core's."""

    @property
    def store(self) -> Store:
        """The customer file."""

    @property
    def closing(self) -> Collection[str]:
        """The calls that are over, and not noted as closed yet."""

    @property
    def office(self) -> Office:
        """What holds at the moment."""

    def has_post(self) -> None:
        """Say that there is something to be sent."""


class Intake:
    """Takes texts in, for one server."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def take(self, gate: SmscSettings, message: Message, session: str) -> int:
        """Keep what a session brought; gives the status that it is answered with. Never raises."""
        try:
            if message.is_receipt:
                await self._receipt(gate, message)
            else:
                await self._text(gate, message, session)
        except StoreError as error:  # the centre keeps it, and brings it again
            log.warning("text cannot be stored at present", smsc=gate.section, reason=str(error))
            return RSYSERR
        except Exception:
            log.exception("text cannot be taken", smsc=gate.section)
            return RSYSERR
        return ROK

    async def _text(self, gate: SmscSettings, message: Message, session: str) -> None:
        from acd.store import texts  # noqa: PLC0415 - is loaded

        house, office = self._house, self._house.office
        brought = self._read(gate, message, session)
        notices = office.notices(gate, brought.theirs, brought.queue)
        opened = await house.store.write(texts.take, brought, notices)
        part = brought.place
        log.info("text", smsc=gate.section, part=f"{part.number}/{part.total}" if part else None, calls=len(opened))
        self.arrive(opened)
        house.has_post()

    async def bring(self, gate: GatewaySettings, came: Incoming) -> None:
        """Keep a text that a provider brought by HTTP.

        Raises:
            StoreError: it cannot be kept at present.

        """
        store, office = self._house.store, self._house.office
        from acd.store import texts  # noqa: PLC0415 - is loaded

        own = office.number_of(gate, addresses.read(Address(0, 1, came.own), office.country))
        brought = texts.Text(
            gate=gate.section,
            session=secrets.token_hex(8),  # its own id tells whether it is the same, whoever brings it
            digest=hashlib.sha256(f"{gate.section}\0{came.name}".encode("utf-8", "replace")).hexdigest()[:40],
            same_ms=texts.KEPT_MS,
            own=own.number,
            theirs=addresses.read(Address(0, 1, came.theirs), office.country),
            queue=own.queue,
            at=self._house.dispatcher.clock(),
            body=lines(came.text),
        )
        opened = await store.write(texts.take, brought, office.notices(gate, brought.theirs, brought.queue))
        log.info("text", gateway=gate.section, calls=len(opened))
        self.arrive(opened)
        self._house.has_post()

    def _read(self, gate: SmscSettings, message: Message, session: str) -> "Text":
        from acd.store.texts import Text  # noqa: PLC0415 - is loaded

        office, place, octets, is_sound = self._house.office, message.place, message.text, message.is_sound
        if message.has_header:
            header = split_header(octets)
            place, octets, is_sound = header.place or place, header.text, is_sound and header.is_sound
        body, is_sure = decoded(octets, message.data_coding, gate.alphabet)
        theirs = addresses.read(message.source, office.country)
        own = office.number_of(gate, addresses.read(message.destination, office.country))
        return Text(
            gate=gate.section,
            session=session,
            digest=_digest(gate, message),
            own=own.number,
            theirs=theirs,
            queue=own.queue,
            at=self._house.dispatcher.clock(),
            body=lines(body),
            is_sure=is_sure and is_sound,
            place=place,
        )

    async def _receipt(self, gate: SmscSettings, message: Message) -> None:
        text, _ = decoded(message.text, message.data_coding, gate.alphabet)
        found = receipts.read(text, message.receipted, message.state)
        if not found.name:
            log.info("receipt for nothing", smsc=gate.section)
            return
        await self.note(gate, found)

    async def note(self, gate: GateSettings, found: Receipt) -> None:
        """Note what became of a text of ours; a failure is told to whoever has its contact, or gets it.

        Raises:
            StoreError: it cannot be noted at present.

        """
        from acd.store import texts_out  # noqa: PLC0415 - is loaded

        out = self._house.office.out_gate(gate.section)
        names, now = receipts.names(found.name), self._house.dispatcher.clock()
        news = texts_out.News(gates=(out, gate.section), names=names, state=found.state, said=found.said)
        told = await self._house.store.write(texts_out.receipt, news, now)
        log.info("receipt", smsc=gate.section, state=found.state, said=found.said)
        self.arrive([told] if told is not None else [])

    def arrive(self, kins: "Iterable[Kin]") -> None:
        """Have open contacts wait, unless they do."""
        dispatcher = self._house.dispatcher
        for kin in kins:
            if kin.call not in dispatcher.core.state.calls:
                arrived = CallArrived(
                    call=kin.call, queue=kin.queue, caller=kin.sender[:254], medium=MEDIUM, since=kin.at
                )
                dispatcher.submit(arrived)

    # What nobody took care of

    async def run(self) -> None:
        """Make the calls that are missing, and bring what is late, until cancelled."""
        loop, is_first, look_at, sweep_at = asyncio.get_running_loop(), True, 0.0, 0.0
        while True:
            try:
                if loop.time() >= look_at:
                    await self._look(ends=is_first)
                    is_first, look_at = False, loop.time() + LOOK_S
                await self._late()
                if loop.time() >= sweep_at:
                    await self._sweep()
                    sweep_at = loop.time() + SWEEP_S
                await asyncio.sleep(LATE_LOOK_S)
            except StoreError:
                await asyncio.sleep(AGAIN_S)

    async def _look(self, *, ends: bool) -> None:
        """Look once; with `ends` for contacts, too, that were closed a moment before their server ended."""
        from acd.store import texts  # noqa: PLC0415 - is loaded

        store, dispatcher = self._house.store, self._house.dispatcher
        waiting = [one.id for one in dispatcher.core.state.calls.values() if ends and one.medium == MEDIUM]
        for call in await store.read(texts.closed_among, waiting):
            dispatcher.submit(CallEnded(call=call, reason="done"))
        missing = {one.call for one in await store.read(texts.still_open)} - set(dispatcher.core.state.calls)
        missing -= set(self._house.closing)
        # Whoever closes one notes that before he asks the core, so one that is missing and still open has no call.
        self.arrive(kin for kin in (await store.read(texts.still_open) if missing else ()) if kin.call in missing)

    async def _late(self) -> None:
        from acd.store import texts  # noqa: PLC0415 - is loaded

        now = self._house.dispatcher.clock()
        for gate in self._house.office.gates.values():
            if await self._house.store.read(texts.has_late, gate.section, now - gate.parts_ms):
                office = self._house.office
                notices = office.notices(gate, "", office.number_of(gate, "").queue)
                late = await self._house.store.write(texts.late, gate.section, now - gate.parts_ms, now, notices)
                log.warning("parts of texts did not come", smsc=gate.section, texts=len(late))
                self.arrive(late)

    async def _sweep(self) -> None:
        from acd.store import texts  # noqa: PLC0415 - is loaded

        await self._house.store.write(texts.sweep, self._house.dispatcher.clock())


def _digest(gate: SmscSettings, message: Message) -> str:
    """Name a message by all that it is."""
    digest = hashlib.sha256()
    told = (gate.section, *map(str, message.source), *map(str, message.destination), str(message.data_coding))
    for part in (*told, str(message.esm_class), str(message.place)):
        digest.update(part.encode() + b"\0")
    digest.update(message.text)
    return digest.hexdigest()[:40]
