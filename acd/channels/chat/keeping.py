"""Keeps what visitors say: a line is in the customer file, and its contact waits, before anybody hears of it."""

from typing import TYPE_CHECKING

import structlog

from acd.channels.chat import protocol as say
from acd.channels.chat.chores import persist
from acd.channels.chat.lines import THEIRS
from acd.channels.chat.room import House, Room
from acd.store import StoreError

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from acd.channels.chat.rooms import Rooms
    from acd.store.chats import Taken, Visitor
    from acd.store.timeline import File as StoredFile

log = structlog.get_logger()


class Keeping:
    """Does it."""

    def __init__(self, house: House, rooms: "Rooms") -> None:
        self._house, self._rooms = house, rooms

    def visitor(self, room: Room) -> "Visitor":
        """Say whose talk it is, for the file.

        Raises:
            StoreError: there is no such section any more.

        """
        from acd.store.chats import Visitor  # noqa: PLC0415 - is loaded

        entrance = self._house.office.entrance(room.section)
        if entrance is None:
            raise StoreError(f"there is no section '{room.section}' any more")
        return Visitor(
            token=room.key,
            section=room.section,
            queue=entrance.queue,
            language=room.language,
            address=room.address,
        )

    async def _kept(self, room: Room, write: "Callable[[Session], Taken | None]") -> "Taken | None":
        """Keep a line, and have its contact wait. Raises StoreError, FullError."""
        room.keeping += 1
        try:
            taken = await self._house.store.write(write)
        finally:
            room.keeping -= 1
        if taken is not None and taken.kin is not None:
            self._rooms.opened(room, taken.kin)
        return taken

    async def note(self, room: Room, write: "Callable[[Session], Taken | None]") -> None:
        """Keep a line that tells what became of one of ours, however long that takes."""
        try:
            taken = await persist(lambda: self._kept(room, write))
            if taken is not None:
                self._stored(room, taken, None)
        finally:
            self._rooms.forget_idle(room)

    async def keep(self, room: Room, tab: int, name: str, text: str, files: "tuple[StoredFile, ...]") -> bool:
        """Keep a line of the visitor, and tell his pages. Answers whether it is kept."""
        from acd.store.chats import Entry, FullError, take  # noqa: PLC0415 - is loaded

        entry = Entry(name=f"{THEIRS}{name}", at=self._house.dispatcher.clock(), body=text, files=files)
        try:
            visitor = self.visitor(room)
            taken = await self._kept(room, lambda session: take(session, visitor, entry))
        except FullError:
            self._rooms.do(room, room.talk.answer(tab, say.Refused(id=name, why="too-many")))
        except StoreError as error:
            log.warning("line cannot be kept", reason=str(error))
            self._rooms.do(room, room.talk.answer(tab, say.Refused(id=name, why="not-now")))
        else:
            assert taken is not None, "a line is kept, or why not is raised"
            self._stored(room, taken, tab)
            return True
        finally:
            self._rooms.forget_idle(room)
        return False

    def _stored(self, room: Room, taken: "Taken", tab: int | None) -> None:
        if taken.kin is not None and taken.line.seq <= room.talk.last:  # he was erased, or the file set back
            if room.address:  # who has one comes again without a token: his talk begins anew
                room.talk.last = taken.line.seq - 1
            else:
                self._rooms.chores.spawn(self._rooms.revoke(room))
        self._rooms.do(room, room.talk.stored(self._rooms.line(room, taken.line), tab))

    async def bring(self, room: Room, name: str, file: "StoredFile") -> bool:
        """Keep a file that the visitor brings: a line without words. Answers whether it is kept."""
        return await self._rooms.chores.whole(self.keep(room, 0, name, "", (file,)))

    async def note_seen(self, room: Room, seq: int) -> None:
        """Note up to where he has seen our lines."""
        from acd.store import chats  # noqa: PLC0415 - is loaded

        try:
            await self._house.store.write(chats.see, room.key, seq)
        except StoreError as error:  # he says so again when he comes again
            log.info("cannot be noted as seen", reason=str(error))
