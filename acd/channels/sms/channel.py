"""Texts for whoever answers them: a contact as a card, the replies that the site has ready, the answer.

Implements `acd.ports.Channel`.
"""

import unicodedata
from typing import TYPE_CHECKING, Protocol

from acd.channels.contact import Card, Choice, Notice, Reply, ReplyError
from acd.channels.email.language import language_of
from acd.channels.endings import Endings
from acd.channels.sms import addresses, alphabet, unasked
from acd.channels.sms.intake import MEDIUM, Intake
from acd.channels.sms.intake import House as IntakeHouse
from acd.channels.sms.parts import cut
from acd.core.commands import AnyCommand
from acd.core.events import AnyEvent

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from acd.store.texts import Found


class House(IntakeHouse, Protocol):
    """What is needed of the server."""

    @property
    def intake(self) -> Intake:
        """Has what nobody was shown wait again."""


class SmsChannel:
    """Texts, for one server."""

    medium, takes_files, is_live = MEDIUM, False, False

    def __init__(self, house: House) -> None:
        self._house = house
        self.endings = Endings(MEDIUM, self.closed)

    def begin(self) -> None:
        """Know what agents have before them."""
        self.endings.begin(self._house.dispatcher.core.state)

    async def card(self, call: str) -> Card | None:
        """Give a contact to be shown or read aloud: what its customer wrote in it; None if there is nothing any more.

        Raises:
            StoreError: that cannot be told at present.

        """
        store = self._house.store  # that it is open is told by this
        from acd.store import texts  # noqa: PLC0415 - is loaded

        found = await store.read(texts.find, call)
        if found is None or all(one.body is None for one in found.messages):
            return None
        known = self._house.dispatcher.core.state.calls.get(call)
        if known is not None and known.state != "waiting":  # so an agent has it before him
            await store.write(texts.show, call, found.messages[-1].id)
        return _card(found)

    def choices(self, queue: str, language: str) -> tuple[Choice, ...]:
        """Name the templates for a queue, in alphabetical order."""
        names = self._house.office.choices(queue, language)
        return tuple(Choice(name, name.replace("-", " ").replace("_", " ")) for name in names)

    async def reply(self, call: str, seat: str, reply: Reply) -> None:
        """Answer by a text. When this returns it is stored, and will be sent, whatever breaks down.

        Raises:
            ReplyError: it cannot be sent.
            StoreError: it cannot be stored at present.

        """
        store, office = self._house.store, self._house.office
        from acd.store import texts, texts_out  # noqa: PLC0415 - is loaded

        found = await store.read(texts.find, call)
        if found is None:
            raise ReplyError("there is nothing of this contact any more")
        if reply.files:
            raise ReplyError("a text has no files")
        if not addresses.is_number(found.talk.theirs):
            raise ReplyError(f"'{found.talk.theirs}' is no number that could be written to")
        if found.talk.gate not in office.gates:
            raise ReplyError(f"there is no section '{found.talk.gate}' any more")
        body = self._words(found, seat, reply)
        try:
            cut(body, 0)  # whoever sends it, ten messages are the most
        except ValueError as error:
            raise ReplyError(str(error)) from None
        now, out = self._house.dispatcher.clock(), office.out_gate(found.talk.gate)
        if reason := await store.write(texts_out.reply, call, out, body, now, country=office.country):
            raise ReplyError(reason)
        self._house.has_post()

    def _words(self, found: "Found", seat: str, reply: Reply) -> str:
        """Give what is said: a template, and what was written, which stands above it."""
        parts = [reply.text.strip()] if reply.text.strip() else []
        if reply.choice:
            office, queue = self._house.office, found.contact.queue
            template = office.templates.find(reply.choice, queue, office.language(_theirs(found)))
            if template is None or reply.choice not in office.choices(queue, office.language(_theirs(found))):
                raise ReplyError(f"there is no reply '{reply.choice}'")
            agent = office.site.seats[seat].agent if seat in office.site.seats else ""
            customer, case = found.talk.theirs, found.contact.case_id
            parts.append(office.filled(template, customer=customer, queue=queue, case=case, agent=agent))
        return alphabet.plain(unicodedata.normalize("NFC", "\n".join(parts)))

    def typing(self, call: str) -> None:
        """Do nothing: nobody sees it."""

    async def notify(self, notice: Notice) -> None:
        """Say something unasked, by a text.

        Raises:
            ReplyError: it cannot be sent.
            StoreError: it cannot be stored at present.

        """
        await unasked.notify(self._house, notice)

    async def closed(self, call: str, seat: str, code: str) -> None:
        """Note that its agent is done with it; done twice it does no harm. What he was not shown waits by itself.

        Raises:
            StoreError: that cannot be noted at present.

        """
        store = self._house.store
        from acd.store import texts  # noqa: PLC0415 - is loaded

        rest = await store.write(texts.close, call, self._house.dispatcher.clock(), seat, code)
        if rest is not None:
            self._house.intake.arrive([rest])

    def watch(self, event: AnyEvent, commands: list[AnyCommand]) -> None:
        """Note what is over by other means."""
        self.endings.watch(event, commands)

    async def close(self) -> None:
        """Leave what is not noted yet: the next start finds it."""
        await self.endings.close()


def _theirs(found: "Found") -> str:
    return "\n".join(one.body or "" for one in found.messages if one.direction == "in")


def _card(found: "Found") -> Card:
    talk, contact = found.talk, found.contact
    written = _theirs(found)
    said = "\n".join(("" if one.direction == "in" else "> ") + (one.body or "") for one in found.before)
    return Card(
        call=talk.call,
        medium=MEDIUM,
        sender=talk.theirs,
        address=talk.theirs,
        text=written,
        quoted=said,
        language=language_of(written),
        arrived=talk.at,
        person=contact.person_id,
        case=contact.case_id,
        marks=tuple(talk.marks.split()),
    )
