"""Chats for whoever answers them: a contact as a card, the replies that the site has ready, the answer.

Implements `acd.ports.Channel`. An agent who answers several times, as at a desk, is one conversation; a handset answers
once and closes, and what the visitor writes then is another contact of the same case.
"""

import asyncio
import mimetypes
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import structlog

from acd.channels.chat import MEDIUM
from acd.channels.chat.lines import plain, words
from acd.channels.chat.room import House as RoomsHouse
from acd.channels.chat.rooms import Rooms
from acd.channels.contact import Card, Choice, File, Notice, Reply, ReplyError
from acd.channels.email import text
from acd.channels.email.language import language_of
from acd.channels.email.sniff import sniffed
from acd.channels.endings import Endings
from acd.core.commands import AnyCommand
from acd.core.events import AnyEvent, CallEnded
from acd.store import StoreError

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from acd.store.chat_cards import Found
    from acd.store.timeline import File as StoredFile

log = structlog.get_logger()

SHOWN_MOST = 300
"""Lines of a talk that an agent is shown."""
TEXT_MOST = 10_000
"""Characters of an answer."""
LOOK_S = 30.0
AGAIN_S = 1.0
GONE, UNPROVEN, UNDELIVERED = "gone", "unproven", "undelivered"
"""Marks: the visitor's page is closed; who he is he only says; something of ours has not come to him."""


class House(RoomsHouse, Protocol):
    """What is needed of the server."""

    @property
    def rooms(self) -> Rooms:
        """The talks that are live."""

    def has_lines(self) -> None:
        """Say that there is a line to be sent to who has an address."""


class ChatChannel:
    """Chats, for one server."""

    medium, takes_files, is_live = MEDIUM, True, True

    def __init__(self, house: House) -> None:
        self._house = house
        self._endings = Endings(MEDIUM, self.closed)

    def begin(self) -> None:
        """Know what agents have before them."""
        self._endings.begin(self._house.dispatcher.core.state)

    # Seen

    async def card(self, call: str) -> Card | None:
        """Give a contact: what is new in it, and all of the talk before that; None if there is nothing any more.

        Raises:
            StoreError: that cannot be told at present.

        """
        store = self._house.store  # that it is open is told by this
        from acd.store import chat_cards, chats  # noqa: PLC0415 - are loaded

        found = await store.read(chat_cards.found, call, SHOWN_MOST)
        if found is None or all(one.body is None for one in found.lines):
            return None
        known = self._house.dispatcher.core.state.calls.get(call)
        if known is not None and known.state not in {"waiting", "offered"}:  # so an agent has it before him
            last = found.lines[-1].seq
            room = self._house.rooms.of(call)
            if await store.write(chats.show, call, last) and room is not None:
                self._house.rooms.do(room, room.talk.we_have_seen(last))
        return self._card(call, found)

    def _card(self, call: str, found: "Found") -> Card:
        chat, room = found.chat, self._house.rooms.of(call)
        ours = max((one.seq for one in found.lines if not one.is_theirs), default=0)
        new = "\n".join(one.body for one in found.lines if one.seq > ours and one.body)
        written = "\n".join(one.body for one in found.lines if one.is_theirs and one.body)
        is_afar = self._is_afar(found)
        marks = [GONE] if not is_afar and (room is None or room.talk.is_gone) else []
        marks += [UNPROVEN] if chat.person_id is not None and not is_afar else []
        here = [one for one in found.lines if found.calls[one.seq] == found.interaction.id]
        marks += [UNDELIVERED] if any(one.name.startswith(UNDELIVERED) for one in here) else []
        return Card(
            call=call,
            medium=MEDIUM,
            sender=chat.name or chat.address,
            address=chat.address,
            text=new,
            quoted="\n".join(self._told(found, ours)),
            language=language_of(written) or chat.language,
            files=tuple(self._files(found)),
            arrived=found.contact.at,
            person=found.interaction.person_id,
            case=found.interaction.case_id,
            marks=tuple(marks),
        )

    @staticmethod
    def _is_afar(found: "Found") -> bool:
        from acd.store.chats import AFAR  # noqa: PLC0415 - is loaded

        return found.chat.token.startswith(AFAR)

    def _told(self, found: "Found", up_to: int) -> list[str]:
        """Write down the talk up to a line, both sides."""
        him = found.chat.name or found.chat.address or ">"
        return [words(plain(one), him) for one in found.lines if one.seq <= up_to and one.body is not None]

    def _files(self, found: "Found") -> list[File]:
        path = self._house.files.path
        return [
            File(name=one.name, kind=one.content_type, size=one.size, path=path(one.hash) if one.data is None else None)
            for line in found.lines
            if line.is_theirs and found.calls[line.seq] == found.interaction.id
            for one in line.files
        ]

    def choices(self, queue: str, language: str) -> tuple[Choice, ...]:
        """Name the templates for a queue, in alphabetical order."""
        names = self._house.office.choices(queue, language)
        return tuple(Choice(name, name.replace("-", " ").replace("_", " ")) for name in names)

    # Answered

    def typing(self, call: str) -> None:
        """Show the visitor that its agent writes."""
        room = self._house.rooms.of(call)
        if room is not None:
            self._house.rooms.do(room, room.talk.we_type(self._house.dispatcher.clock()))

    async def reply(self, call: str, seat: str, reply: Reply) -> None:
        """Say something to the visitor. When this returns it is stored, and he reads it as soon as he is there.

        Raises:
            ReplyError: it cannot be said.
            StoreError: it cannot be stored at present.

        """
        store = self._house.store  # that it is open is told by this
        from acd.store import chat_cards, chats  # noqa: PLC0415 - are loaded

        found = await store.read(chat_cards.found, call, 1)
        if found is None:
            raise ReplyError("there is nothing of this chat any more")
        if reply.files and self._is_afar(found):
            raise ReplyError(f"no files can be sent to {found.chat.address}")
        entry = chats.Entry(
            name=f"out-{secrets.token_hex(12)}",
            at=self._house.dispatcher.clock(),
            body=self._words(found, seat, reply),
            sender=self._house.office.agent(seat),
            files=await asyncio.to_thread(self._kept, reply.files),
        )
        answered = await store.write(chats.answer, call, entry)
        if answered is None:
            raise ReplyError("there is nothing of this chat any more")
        key, line = answered
        room = self._house.rooms.rooms.get(key)
        if room is not None:
            self._house.rooms.do(room, room.talk.stored(self._house.rooms.line(room, line)))
        self._house.has_lines()

    def _words(self, found: "Found", seat: str, reply: Reply) -> str:
        """Give what is said: a template, and what was written, which stands above it."""
        parts = [text.lines(reply.text).strip()] if reply.text.strip() else []
        if reply.choice:
            office, chat, queue = self._house.office, found.chat, found.interaction.queue
            values = {"customer": chat.name or chat.address, "agent": office.agent(seat)}
            values["case"] = str(found.interaction.case_id or "")
            said = office.said(reply.choice, queue, chat.language, **values)
            if said is None or reply.choice not in office.choices(queue, office.language(chat.language)):
                raise ReplyError(f"there is no reply '{reply.choice}'")
            parts.append(said)
        body = "\n\n".join(parts)
        if not body and not reply.files:
            raise ReplyError("there is nothing in it")
        if len(body) > TEXT_MOST:
            raise ReplyError(f"it has more than {TEXT_MOST} characters")
        return body

    def _kept(self, files: Sequence[Path]) -> "tuple[StoredFile, ...]":
        """Keep what goes along.

        Raises:
            ReplyError: it cannot be read, or kept.

        """
        from acd.store.timeline import File as StoredFile  # noqa: PLC0415 - is loaded

        found = []
        for path in files:
            try:
                content = path.read_bytes()
                kept = self._house.files.keep(content, inside_most=-1)
            except OSError as error:
                raise ReplyError(f"the file {path.name} cannot be kept: {error.strerror}") from error
            kind = sniffed(content, mimetypes.guess_type(path.name)[0] or "")
            found.append(StoredFile(name=text.file_name(path.name, "file"), content_type=kind, kept=kept))
        return tuple(found)

    async def notify(self, notice: Notice) -> None:
        """Say something unasked: nobody can be written to who is not there.

        Raises:
            ReplyError: always.

        """
        raise ReplyError(f"a visitor of a chat has no address, and so not '{notice.to}'")

    # Done

    async def closed(self, call: str, seat: str, code: str) -> None:
        """Note that its agent is done with it; done twice it does no harm. What he was not shown waits by itself.

        Raises:
            StoreError: that cannot be noted at present.

        """
        store = self._house.store
        from acd.store import chats  # noqa: PLC0415 - is loaded

        rest = await store.write(chats.close, call, self._house.dispatcher.clock(), seat, code)
        self._house.rooms.over(call, rest)

    def watch(self, event: AnyEvent, commands: list[AnyCommand]) -> None:
        """See what becomes of the contacts."""
        self._endings.watch(event, commands)
        self._house.rooms.look_soon()

    # What nobody took care of

    async def run(self) -> None:
        """Make the calls that are missing: at once, and now and then, until cancelled."""
        is_first = True
        while True:
            try:
                await self._look(is_first=is_first)
                is_first = False
                await asyncio.sleep(LOOK_S)
            except StoreError:
                await asyncio.sleep(AGAIN_S)

    async def _look(self, *, is_first: bool) -> None:
        """Look once; at first for contacts, too, that were closed a moment before their server ended."""
        from acd.store import chats  # noqa: PLC0415 - is loaded

        store, dispatcher, rooms = self._house.store, self._house.dispatcher, self._house.rooms
        waiting = [one.id for one in dispatcher.core.state.calls.values() if is_first and one.medium == MEDIUM]
        for call in await store.read(chats.closed_among, waiting):
            dispatcher.submit(CallEnded(call=call, reason="done"))
        for kin in await store.read(chats.still_open):
            await rooms.adopt(kin)
        missing = {one.call for one in await store.read(chats.still_open)} - set(dispatcher.core.state.calls)
        missing -= self._endings.pending
        # Whoever closes a chat notes that before he asks the core, so one that is missing and still open has no call.
        for kin in await store.read(chats.still_open) if missing else ():
            if kin.call in missing:
                log.info("chat without a call", call=kin.call)
                rooms.arrive(kin)

    async def close(self) -> None:
        """Leave what is not noted yet: the next start finds it."""
        await self._endings.close()
