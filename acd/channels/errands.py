"""Says what appointments cause to be said, by whichever medium, when it is time.

An errand is noted as done after its medium has stored what is sent, under a name that makes telling it twice tell it
once. So a server that ends in between loses nothing and says nothing twice.
"""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import structlog

from acd.channels.contact import Notice, ReplyError
from acd.channels.rounds import Rounds
from acd.dispatcher import Dispatcher
from acd.settings import Site
from acd.store.store import Store

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from acd.ports import Channel
    from acd.store.agenda import Appointment
    from acd.store.appointments import Due

log = structlog.get_logger()

REST_S = 5.0
"""Another program may have booked something: it is looked again after so long."""
AGAIN_MS = 60_000
"""What cannot be said at present is tried again so much later."""


class House(Protocol):
    """What is needed of the server."""

    channels: "dict[str, Channel]"

    @property
    def site(self) -> Site:
        """The settings of the moment."""

    @property
    def dispatcher(self) -> Dispatcher:
        """The core's; its clock is."""

    @property
    def store(self) -> Store:
        """The customer file."""


class Errands(Rounds):
    """The errands of one server."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house

    async def _round(self) -> float:
        """Say what is due; gives how long there is nothing to do, seconds."""
        from acd.store import appointments  # noqa: PLC0415 - is loaded

        store, clock = self._house.store, self._house.dispatcher.clock
        for due in await store.read(appointments.due, clock()):
            if self._is_over:
                return 0.0
            await self._do(due)
        next_due = await store.read(appointments.next_due)
        return REST_S if next_due is None else min(max(0.0, (next_due - clock()) / 1000), REST_S)

    async def _do(self, due: "Due") -> None:
        from acd.store import appointments  # noqa: PLC0415 - is loaded

        store, now = self._house.store, self._house.dispatcher.clock()
        number = due.appointment.id
        try:
            why_not = self._why_not(due, now)
            if not why_not:
                await self._house.channels[due.medium].notify(self._notice(due, now))
        except ReplyError as error:
            why_not = str(error)
        if not why_not:
            await store.write(appointments.done, due.id, self._house.dispatcher.clock())
            log.info("told of an appointment", appointment=number, what=due.name)
        elif why_not == AWAY:
            await store.write(appointments.later, due.id, now + AGAIN_MS, why_not)
        else:
            await store.write(appointments.give_up, due.id, why_not)
            log.warning("not told of an appointment", appointment=number, what=due.name, reason=why_not)

    def _why_not(self, due: "Due", now: int) -> str:
        if due.appointment.starts_at <= now:
            return "it has begun"
        if not due.address:
            return f"nobody knows where {due.to} has {due.medium}"
        return "" if due.medium in self._house.channels else AWAY

    def _notice(self, due: "Due", now: int) -> Notice:
        appointment = due.appointment
        kind = self._house.site.appointments.get(appointment.kind)
        if kind is None:
            raise ReplyError(f"there is no '{appointment.kind}' in acd.conf any more")
        is_host = due.to == "host"
        values = _values(appointment, kind.title, due.customer)
        facts = [f"{values['date']} {values['time']}", appointment.place, *(sorted({due.customer, appointment.host}))]
        return Notice(
            key=f"appointment-{appointment.id}-{due.sequence}-{due.name}",
            to=due.address,
            name=appointment.host if is_host else due.customer,
            queue=kind.queue,
            language="" if is_host else due.language,
            subject=kind.title,
            text="\n".join([kind.title, *filter(None, facts)]) if due.calendar else "",
            choice=due.says,
            values=values,
            calendar=self._calendar(due, kind.title, kind.queue, now) if due.calendar else None,
            person=None if is_host else appointment.person_id,
            case=appointment.case_id,
        )

    def _calendar(self, due: "Due", title: str, queue: str, now: int) -> tuple[str, str]:
        from acd.channels.email.invitation import Meeting, calendar  # noqa: PLC0415 - with the other loads of mail
        from acd.channels.email.message import Address  # noqa: PLC0415 - as above

        appointment = due.appointment
        mailboxes = list(self._house.site.mailboxes.values())
        organizer = next((one for one in mailboxes if one.queue == queue), mailboxes[0] if mailboxes else None)
        if organizer is None:
            raise ReplyError("there is no mailbox to invite from")
        names = (due.customer, appointment.host)
        attendees = tuple(Address(to, name) for to, name in zip(due.addresses, names, strict=True) if to)
        meeting = Meeting(
            uid=appointment.uid,
            starts_at=appointment.starts_at,
            length_ms=appointment.length_ms,
            summary=title,
            organizer=Address(organizer.address, organizer.name),
            attendees=attendees,
            location=appointment.place,
            sequence=due.sequence,
        )
        try:
            return calendar(meeting, "CANCEL" if due.calendar == "CANCEL" else "REQUEST", now)
        except ValueError as error:
            raise ReplyError(str(error)) from None


AWAY = "the medium is not there at present"


def _values(appointment: "Appointment", title: str, customer: str) -> Mapping[str, str]:
    begins = time.localtime(appointment.starts_at // 1000)
    return {
        "agent": appointment.made_by,
        "appointment": title,
        "customer": customer,
        "date": time.strftime("%Y-%m-%d", begins),
        "host": appointment.host,
        "place": appointment.place,
        "time": time.strftime("%H:%M", begins),
    }
