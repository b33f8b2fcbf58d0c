"""The talks that are live: a page of the visitor is open, or a contact of his is.

What a `Talk` says is done here: lines go into the customer file (`keeping`), frames to the pages, contacts to the core.
How his contact stands is read from the core's state, a moment after something has happened to it.
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from acd.channels.chat import MEDIUM
from acd.channels.chat import protocol as say
from acd.channels.chat.chores import Chores, persist
from acd.channels.chat.keeping import Keeping
from acd.channels.chat.limits import Buckets, Rate
from acd.channels.chat.lines import plain
from acd.channels.chat.office import CLOSED, GREETING
from acd.channels.chat.room import House, Room, hash_of
from acd.channels.chat.standing import places_of, standing_of
from acd.channels.chat.tabs import Ear, Tab
from acd.channels.chat.talk import Drop, Effect, Fulfil, Gone, Keep, Load, News, NoteSeen, Revoke, Send, Tell
from acd.channels.chat.wishes import Wishes
from acd.core.events import CallArrived, CallEnded

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from acd.store.chats import Kin, Line

log = structlog.get_logger()

LOAD_MOST = 200
"""Lines that are read at a time."""
LOOK_S = 0.4
"""How a contact stands is looked at so long after something has happened."""
NEW_ROOMS = Rate(30, 5_000)
"""Of one address."""
REVOKED_MOST = 10_000


class Rooms:
    """All of them, for one server."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.rooms: dict[str, Room] = {}
        """By the hash of the token."""
        self._calls: dict[str, Room] = {}
        """By the contact that is open."""
        self._revoked: dict[str, None] = {}
        """The hashes of the tokens ended last: the file may not say so yet."""
        self.listeners: list[Callable[[str, News], None]] = []
        """Are told what is new of a contact, while one is open: for whoever has it before him."""
        self.ear_of: Callable[[Room], Ear | None] = lambda _room: None
        """Who is told what is said to him who has an address; None if he cannot be told at present."""
        self.wishes, self.keeping = Wishes(house, self), Keeping(house, self)
        self._ending: set[str] = set()
        """Talks that their visitor has ended, while the file does not have that yet."""
        self._new_rooms = Buckets(NEW_ROOMS)
        self.chores = Chores()
        self._look: asyncio.TimerHandle | None = None
        self._is_over = False

    # Pages

    async def enter(self, tab: Tab, section: str, hello: say.Hello) -> Room | None:
        """Let a page into its talk, or a new one; None if it cannot be let in, and the tab says why.

        Raises:
            StoreError: what is kept of it cannot be told at present.

        """
        room = await self._find(section, hello.token) if hello.token else None
        now = self._house.dispatcher.clock()
        if room is None:
            if not self._new_rooms.take(tab.address, now):
                tab.drop("too-many")
                return None
            token = secrets.token_urlsafe(32)
            room = self.rooms[hash_of(token)] = Room(token, hash_of(token), section, hello.language, now)
        room.language = hello.language
        self.join(room, tab, hello.last)
        return room

    def join(self, room: Room, ear: Ear, last: int) -> None:
        """Have somebody told what is said in a talk, from a line on."""
        if not room.tabs:
            self._settle(room)
        room.tabs[ear.number] = ear
        self.do(room, room.talk.join(ear.number, last, self._house.dispatcher.clock()))
        self.look_soon()

    async def _find(self, section: str, token: str) -> Room | None:
        """Find a talk by its token, which must be of that section."""
        key = hash_of(token)
        room = self.rooms.get(key)
        if room is None:
            from acd.store import chats  # noqa: PLC0415 - is loaded

            if key in self._revoked:
                return None
            chat = await self._house.store.read(chats.find, key)
            if chat is None or chat.section != section or key in self._ending:
                return None
            room = await self.live(key, section, chat.language)
        if room.section != section or key in self._revoked:
            self.forget_idle(room)
            return None
        room.talk.token = token
        return room

    async def live(self, key: str, section: str, language: str, address: str = "") -> Room:
        """Have a talk that the file knows among those that are live; of who has an address it need not know it.

        Raises:
            StoreError: what is kept of it cannot be told at present.

        """
        from acd.store import chats  # noqa: PLC0415 - is loaded

        known = await self._house.store.read(chats.known, key)
        room = self.rooms.get(key)
        if room is None:
            now = self._house.dispatcher.clock()
            room = self.rooms[key] = Room("", key, section, language, now, address=address)
            if known is not None:
                room.know(known)
            self._open(room, room.call)
        return room

    def _settle(self, room: Room) -> None:
        """Have it follow the settings of the moment."""
        office, talk = self._house.office, room.talk
        settings = office.entrance(room.section)
        if settings is not None:
            talk.grace_ms = settings.grace_ms
            talk.greeting = office.said(GREETING, settings.queue, room.language) or ""
            talk.hours = office.said(CLOSED, settings.queue, room.language) or ""
        room.talk.standing = self._standing(room, {})

    def leave(self, room: Room, tab: Ear) -> None:
        """Forget a page."""
        if room.tabs.pop(tab.number, None) is not None:
            self.do(room, room.talk.part(tab.number, self._house.dispatcher.clock()))
            self.forget_idle(room)

    def receive(self, room: Room, tab: Ear, said: say.AnySaid) -> None:
        """Take in what a page says."""
        self.do(room, room.talk.receive(tab.number, said, self._house.dispatcher.clock()))

    def forget_idle(self, room: Room) -> None:
        """Forget a talk in which nothing goes on."""
        if not (room.tabs or room.call or room.keeping) and self.rooms.get(room.key) is room:
            del self.rooms[room.key]
            if room.timer is not None:
                room.timer.cancel()

    # What a talk says

    def do(self, room: Room, effects: Iterable[Effect]) -> None:
        """Do it."""
        for effect in effects:
            if isinstance(effect, Send | Drop):
                self._to_tab(room, effect)
            elif isinstance(effect, Tell):
                self.tell(room, effect.news)
            elif isinstance(effect, Gone):
                self._withdraw(room)
            else:
                self.chores.spawn(self._work(room, effect))
        self._set_timer(room)

    @staticmethod
    def _to_tab(room: Room, effect: Send | Drop) -> None:
        tab = room.tabs.get(effect.tab)
        if tab is not None and isinstance(effect, Send):
            tab.tell(effect.told)
        elif tab is not None and isinstance(effect, Drop):
            tab.drop(effect.why)

    def _work(self, room: Room, effect: Load | Keep | NoteSeen | Fulfil | Revoke) -> Coroutine[Any, Any, Any]:
        match effect:
            case Load():
                return self._load(room, effect.after)
            case Keep():
                return self.keeping.keep(room, effect.tab, effect.id, effect.text, ())
            case NoteSeen():
                return self.keeping.note_seen(room, effect.seq)
            case Fulfil():
                return self.wishes.fulfil(room, effect.tab, effect.wish)
            case Revoke():
                return self.revoke(room)

    def tell(self, room: Room, news: News) -> None:
        """Tell whoever has the open contact of a talk what is new."""
        for listener in self.listeners if room.call else ():
            listener(room.call, news)

    def _set_timer(self, room: Room) -> None:
        if room.timer is not None:
            room.timer.cancel()
            room.timer = None
        due = room.talk.next_deadline()
        if due is not None and not self._is_over:
            delay_s = max(0, due - self._house.dispatcher.clock()) / 1_000
            room.timer = asyncio.get_running_loop().call_later(delay_s, self._tick, room)

    def _tick(self, room: Room) -> None:
        room.timer = None
        self.do(room, room.talk.tick(self._house.dispatcher.clock()))
        self.forget_idle(room)

    async def _load(self, room: Room, after: int) -> None:
        from acd.store import chats  # noqa: PLC0415 - is loaded

        known = room.talk.last  # these are stored, so what is read has them
        found = await persist(lambda: self._house.store.read(chats.lines, room.key, after, LOAD_MOST))
        last = max(found[-1].seq if found else after, known if len(found) < LOAD_MOST else 0)
        lines = [self.line(room, one) for one in found if one.body is not None]
        self.do(room, room.talk.loaded(after, lines, last))

    def line(self, room: Room, line: "Line") -> say.Line:
        """Make of a line what a page is told."""
        settings = self._house.office.entrance(room.section)
        return plain(line, is_told=settings is not None and settings.show_agent)

    async def revoke(self, room: Room) -> None:
        """Have nobody take a talk up again."""
        from acd.store import chats  # noqa: PLC0415 - is loaded

        if self.rooms.pop(room.key, None) is not room:
            return
        if len(self._revoked) >= REVOKED_MOST:
            del self._revoked[next(iter(self._revoked))]
        self._revoked[room.key] = None
        self._calls.pop(room.call, None)
        if room.timer is not None:
            room.timer.cancel()
        for tab in room.tabs.values():
            tab.drop("gone")
        self._ending.add(room.key)
        await persist(lambda: self._house.store.write(chats.revoke, room.key))
        self._ending.discard(room.key)

    # Contacts

    def arrive(self, kin: "Kin") -> None:
        """Have an open contact wait, unless it does."""
        dispatcher = self._house.dispatcher
        if kin.call in dispatcher.core.state.calls:
            return
        dispatcher.submit(
            CallArrived(
                call=kin.call,
                queue=kin.queue,
                caller=kin.sender[:254],
                medium=MEDIUM,
                since=kin.at,
                language=self._house.office.language(kin.language),
            )
        )

    def opened(self, room: Room, kin: "Kin") -> None:
        """Have the open contact of a talk wait."""
        self._open(room, kin.call)
        self.arrive(kin)

    def _open(self, room: Room, call: str) -> None:
        """Note which contact of a talk is open; "" for none."""
        if self.rooms.get(room.key) is not room:  # its visitor has ended it meanwhile: `adopt` finds it
            return
        if room.call != call or call not in self._calls:
            self._calls.pop(room.call, None)
            room.call = call
            if call:
                self._calls[call] = room
                room.has_been_closed = False
            self.look_soon()

    async def adopt(self, kin: "Kin") -> None:
        """Have the talk of an open contact live though nobody is here: he has the grace time to come again.

        Who has an address is there: he reads what is sent to it.

        Raises:
            StoreError: what is kept of it cannot be told at present.

        """
        if kin.call in self._calls or kin.token in self._ending:  # by its old name nobody would see that it has ended
            return
        room = await self.live(kin.token, kin.section, kin.language, kin.address)
        if room.call == kin.call and room.address:
            ear = self.ear_of(room)
            if ear is not None and not room.tabs:
                self.join(room, ear, room.talk.last)
        elif room.call == kin.call:
            self._settle(room)
            room.talk.leave_unless_back(self._house.dispatcher.clock())
            self.do(room, room.talk.end() if kin.is_ended else ())
        self.forget_idle(room)

    def over(self, call: str, rest: "Kin | None") -> None:
        """Note that a contact is closed, and which one goes on with what its agent never saw."""
        room = self._calls.get(call)
        if room is not None:
            self._open(room, rest.call if rest is not None else "")
            room.has_been_closed = rest is None
        if rest is not None:
            self.arrive(rest)
        self.look_soon()

    def of(self, call: str) -> Room | None:
        """Give the talk whose open contact this is, if it is live."""
        return self._calls.get(call)

    def _withdraw(self, room: Room) -> None:
        """Its visitor is gone: nobody need look for somebody."""
        call = self._house.dispatcher.core.state.calls.get(room.call)
        if call is not None and call.state in {"waiting", "offered"}:
            log.info("visitor of a chat is gone", call=call.id)
            self._house.dispatcher.submit(CallEnded(call=call.id, reason="hung-up"))

    # How it stands

    def look_soon(self) -> None:
        """Have a look at how contacts stand, soon."""
        if self._look is None and self.rooms and not self._is_over:
            self._look = asyncio.get_running_loop().call_later(LOOK_S, self._look_now)

    def _look_now(self) -> None:
        self._look = None
        places = places_of(self._house.dispatcher.core.state.calls.values()) if self._calls else {}
        for room in list(self.rooms.values()):
            if effects := room.talk.stand(self._standing(room, places)):
                self.do(room, effects)
            if room.talk.is_gone:
                self._withdraw(room)
            if room.address and not room.call:
                for ear in list(room.tabs.values()):
                    ear.drop("gone")
            self.forget_idle(room)

    def _standing(self, room: Room, places: Mapping[str, int]) -> say.Standing:
        stage: say.Stage = "waiting" if room.call else "closed" if room.has_been_closed else "idle"
        state = self._house.dispatcher.core.state
        office = self._house.office
        return standing_of(state, room.call, office, section=room.section, stage=stage, places=places)

    # Life

    async def stop(self, within_s: float) -> None:
        """Let every page go, to come again; what is half kept is kept, if that takes no longer than this."""
        self._is_over = True
        if self._look is not None:
            self._look.cancel()
        for room in self.rooms.values():
            if room.timer is not None:
                room.timer.cancel()
            for tab in room.tabs.values():
                tab.drop("restart")
        await self.chores.close(within_s)
