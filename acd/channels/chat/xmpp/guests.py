"""People who write to a component: what they do goes into their talks, what is said in these goes out to them.

A `Guest` is told what the tabs of a page are told. That his line is kept makes a receipt, and only that; that it is not
makes an error, which nobody answers. Beside what agents write he is told few things, and those seldom: at most four at
once and then one in a quarter of an hour, so whoever answers by a machine is soon left alone with it.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import structlog
from msgspec import Struct

from acd.channels.chat import protocol as say
from acd.channels.chat.limits import Buckets, Rate
from acd.channels.chat.room import House as RoomsHouse
from acd.channels.chat.room import Room
from acd.channels.chat.rooms import Rooms
from acd.channels.chat.widget_words import WORDS
from acd.channels.chat.xmpp import stanzas
from acd.channels.chat.xmpp.stanzas import Came, Condition, Failed, Heard, Said
from acd.store import StoreError

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from xml.etree import ElementTree as ET

    from acd.store.chat_out import Due

log = structlog.get_logger()

KIND = "xmpp:"
"""Before an address, where it stands among others."""
STANZAS = Rate(40, 150)
"""Of one address: fewer than what a talk bears with of a tab."""
NEW_TALKS, STRANGERS = Rate(60, 1_000), Rate(60, 100)
"""Of one domain: talks, and what else comes from people with whom nobody talks at present."""
NOTICES = Rate(4, 900_000)
REFUSALS = Rate(10, 5_000)
"""Of one address."""
TYPES_MS = 60_000
"""His program says once that he types, and then that he does so no more; unless it is gone."""
_REFUSED: Mapping[say.Why, tuple[Condition, str]] = {
    "slow": ("resource-constraint", "too many messages in a short time"),
    "too-long": ("not-acceptable", f"a message may have {say.TEXT_MOST} characters at most"),
    "no-address": ("item-not-found", "there is nobody of this name, or nobody can have yours"),
    "too-many": ("policy-violation", "there may be no more messages"),
    "not-now": ("internal-server-error", "not possible at present"),
}


class Component(Protocol):
    """The session with a server, as far as it matters here."""

    def post(self, stanza: "ET.Element", *, keep: bool = False) -> None:
        """Send something; with `keep` when it is there again, if it is away."""


class House(RoomsHouse, Protocol):
    """What is needed of the server."""

    @property
    def rooms(self) -> Rooms:
        """The talks that are live."""

    @property
    def components(self) -> Mapping[str, Component]:
        """The sessions with servers, by section."""


class Peer(Struct, frozen=True):
    """Who writes, to whom. His server has said who he is."""

    bare: str
    """jan@example.org"""
    full: str
    """jan@example.org/phone"""
    domain: str
    section: str
    """Of the component."""
    entry: str

    @property
    def entrance(self) -> str:
        """The name of what he came in by."""
        return f"{self.section}/{self.entry}"


def key_of(entrance: str, address: str) -> str:
    """Name a talk, where those of pages are named by the hash of their token."""
    from acd.store.chats import AFAR  # noqa: PLC0415 - is loaded

    return AFAR + hashlib.sha256(f"{entrance}\0{address}".encode()).hexdigest()


def new_id() -> str:
    """Name a stanza of ours that is no line."""
    return f"note-{secrets.token_hex(8)}"


class _Asked(Struct):
    """A message of his that is being kept."""

    id: str
    peer: Peer
    wants_receipt: bool


class Guest:
    """One of them, in his talk."""

    number = -1

    def __init__(self, guests: "Guests", room: Room, bare: str) -> None:
        self._guests, self._room, self._bare = guests, room, bare
        self.address = bare
        self.section, _, self._entry = room.section.partition("/")
        self.has_states = False
        self._asked: dict[str, _Asked] = {}
        self._stage: say.Stage | None = None if room.call else "idle"
        """What he was told of how it stands; None: whatever it is when we hear of it."""

    def hear(self, said: Said, peer: Peer) -> None:
        """Take in what he writes."""
        self.has_states |= said.has_states
        name = said.name or secrets.token_hex(20)
        self._asked[name] = _Asked(said.id, peer, said.wants_receipt)
        self._guests.house.rooms.receive(self._room, self, say.Say(id=name, text=said.text))

    def tell(self, told: say.AnyTold) -> None:
        """Tell him, as far as there is a way to."""
        match told:
            case say.Line(mine=True):
                self._is_kept(told.id)
            case say.Refused():
                self._is_refused(told)
            case say.Standing():
                self._stands(told)
            case say.WeType() if self.has_states:
                self._post(stanzas.typing(self._us, self._bare, new_id(), on=told.on))
        if not (self._room.call or self._asked):
            asyncio.get_running_loop().call_soon(self._leave)

    def drop(self, why: say.Over) -> None:
        """Leave the talk if it is over: there is no socket that would be closed."""
        if why == "gone":
            asyncio.get_running_loop().call_soon(self._leave)

    def _leave(self) -> None:
        if not (self._room.call or self._asked or self._room.keeping):
            self._guests.house.rooms.leave(self._room, self)

    @property
    def _us(self) -> str:
        return self._guests.address(self.section, self._entry)

    def _post(self, stanza: "ET.Element", *, keep: bool = False) -> None:
        self._guests.post(self.section, stanza, keep=keep)

    def _is_kept(self, name: str) -> None:
        asked = self._asked.pop(name, None)
        if asked is not None and asked.wants_receipt and asked.id:
            self._post(stanzas.receipt(self._us, asked.peer.full, new_id(), asked.id), keep=True)

    def _is_refused(self, told: say.Refused) -> None:
        asked = self._asked.pop(told.id, None)
        if asked is not None:
            self._guests.refuse(asked.peer, asked.id, told.why)

    def _stands(self, standing: say.Standing) -> None:
        was, self._stage = self._stage, standing.stage
        if was is None or was == standing.stage:
            return
        words = self._words(standing)
        if words and self._guests.may_notice(self.section, self._bare):
            is_over = standing.stage == "closed"  # true however late he hears of it
            self._post(stanzas.notice(self._us, self._bare, new_id(), words), keep=is_over)

    def _words(self, standing: say.Standing) -> str:
        talk = self._room.talk
        own = WORDS.get(self._guests.house.office.language(self._room.language), WORDS["en"])
        match standing.stage:
            case "waiting" if standing.closed:
                return talk.hours or own["closedNow"]
            case "waiting":
                found = [talk.greeting, own["waiting"]]
                found += [own["position"].format(position=standing.position)] if standing.position else []
                minutes = -(-standing.wait_most_ms // 60_000)
                found += [own["wait"].format(minutes=minutes)] if minutes else []
                return "\n".join(filter(None, found))
            case "talking":
                return own["talkingTo"].format(agent=standing.agent) if standing.agent else own["talking"]
            case "closed":
                return own["over"]
        return ""


class Guests:
    """All of them, for one server."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._stanzas, self._new, self._strangers = Buckets(STANZAS), Buckets(NEW_TALKS), Buckets(STRANGERS)
        self._notices, self._refusals = Buckets(NOTICES), Buckets(REFUSALS)
        house.rooms.ear_of = self._guest_of

    def _guest_of(self, room: Room) -> Guest | None:
        section = room.section.partition("/")[0]
        if section not in self.house.components or not room.address.startswith(KIND):
            return None
        return Guest(self, room, room.address.removeprefix(KIND))

    def enter(self) -> None:
        """Be in the talks that are live already."""
        for room in list(self.house.rooms.rooms.values()):
            guest = self._guest_of(room) if not room.tabs else None
            if guest is not None:
                self.house.rooms.join(room, guest, room.talk.last)

    # Out

    def address(self, section: str, entry: str) -> str:
        """Give an address of ours."""
        component = self.house.office.component(section)
        return f"{entry}@{component.address if component is not None else ''}"

    def post(self, section: str, stanza: "ET.Element", *, keep: bool = False) -> None:
        """Send something, if there is anybody to send it."""
        component = self.house.components.get(section)
        if component is not None:
            component.post(stanza, keep=keep)

    def may_notice(self, section: str, bare: str) -> bool:
        """Whether somebody is told something unasked now."""
        component = self.house.office.component(section)
        return component is not None and component.notices and self._notices.take(bare, self.house.dispatcher.clock())

    def refuse(self, peer: Peer, of: str, why: say.Why) -> None:
        """Say that a message is not kept."""
        if why in _REFUSED and self._refusals.take(peer.bare, self.house.dispatcher.clock()):
            us = self.address(peer.section, peer.entry)
            self.post(peer.section, stanzas.refusal(us, peer.full, of, *_REFUSED[why]))

    # In

    def may_come(self, bare: str) -> bool:
        """Whether somebody may send a stanza now."""
        return self._stanzas.take(bare, self.house.dispatcher.clock())

    def is_away(self, peer: Peer) -> bool:
        """Whether nobody answers at an entry at present."""
        entrance, state = self.house.office.entrance(peer.entrance), self.house.dispatcher.core.state
        queue = state.queues.get(entrance.queue) if entrance is not None else None
        return queue is None or state.is_closed(queue)

    async def take(self, peer: Peer, heard: Heard) -> None:
        """Take in what somebody does. Never raises."""
        try:
            await self._take(peer, heard)
        except StoreError as error:
            log.warning("chat cannot be kept at present", reason=str(error))
            if isinstance(heard, Said):
                self.refuse(peer, heard.id, "not-now")
        except Exception:
            log.exception("stanza cannot be taken")

    async def _take(self, peer: Peer, heard: Heard) -> None:
        now, room = self.house.dispatcher.clock(), self.house.rooms.rooms.get(key_of(peer.entrance, peer.bare))
        if isinstance(heard, Said):
            await self._said(peer, heard)
        elif room is None and not self._strangers.take(peer.domain, now):
            return
        elif isinstance(heard, Came):
            await self._came(peer, heard)
        elif isinstance(heard, Failed):
            await self._failed(peer, heard)
        elif room is not None:
            self.house.rooms.do(room, room.talk.types(now + TYPES_MS if heard.on else None))

    async def _said(self, peer: Peer, said: Said) -> None:
        from acd.store import handles  # noqa: PLC0415 - is loaded

        if self.house.office.entrance(peer.entrance) is None or not handles.is_xmpp(peer.bare):
            self.refuse(peer, said.id, "no-address")
        elif len(said.text) > say.TEXT_MOST:
            self.refuse(peer, said.id, "too-long")
        elif (found := await self._talk(peer, said.language)) is None:
            self.refuse(peer, said.id, "slow")
        else:
            room, guest = found
            room.language = said.language or room.language
            guest.hear(said, peer)

    async def _talk(self, peer: Peer, language: str) -> tuple[Room, Guest] | None:
        """Find his talk, and him in it; None if there are too many new ones.

        Raises:
            StoreError: what is kept of it cannot be told at present.

        """
        rooms, key = self.house.rooms, key_of(peer.entrance, peer.bare)
        room = rooms.rooms.get(key)
        if room is None:
            if not self._new.take(peer.domain, self.house.dispatcher.clock()):
                return None
            room = await rooms.live(key, peer.entrance, language, f"{KIND}{peer.bare}")
        guest = room.tabs.get(Guest.number)
        if not isinstance(guest, Guest):
            guest = Guest(self, room, peer.bare)
            rooms.join(room, guest, room.talk.last)
        return room, guest

    async def _came(self, peer: Peer, came: Came) -> None:
        from acd.store import chat_out  # noqa: PLC0415 - is loaded

        key = key_of(peer.entrance, peer.bare)
        if await self.house.store.read(chat_out.find, key, came.id) is None:
            return
        seq = await self.house.store.write(chat_out.delivered, key, came.id, self.house.dispatcher.clock())
        room = self.house.rooms.rooms.get(key)
        guest = room.tabs.get(Guest.number) if room is not None else None
        if seq and came.is_seen and room is not None and guest is not None:
            self.house.rooms.receive(room, guest, say.Seen(seq=seq))

    async def _failed(self, peer: Peer, failed: Failed) -> None:
        from acd.store import chat_out  # noqa: PLC0415 - is loaded

        due = await self.house.store.read(chat_out.find, key_of(peer.entrance, peer.bare), failed.id)
        if due is not None:
            await self.give_up(due, failed.reason)

    async def give_up(self, due: "Due", reason: str) -> None:
        """Have somebody told that a line has not come to its reader.

        Raises:
            StoreError: nobody can be, at present; or there is nobody any more.

        """
        from acd.store import chat_out  # noqa: PLC0415 - is loaded

        rooms, now = self.house.rooms, self.house.dispatcher.clock()
        key = key_of(due.section, due.address.removeprefix(KIND))
        room = await rooms.live(key, due.section, due.language, due.address)
        visitor = rooms.keeping.visitor(room)
        log.info("line is not delivered", entrance=due.section, reason=reason)
        await rooms.keeping.note(room, lambda session: chat_out.fail(session, due.id, visitor, reason, now))
        guest = self._guest_of(room)
        if room.call and guest is not None and not room.tabs:
            rooms.join(room, guest, room.talk.last)
