"""What a visitor can ask for besides an answer: to be known, to be called, to have it all by mail."""

import secrets
from typing import TYPE_CHECKING

import structlog

from acd.channels.chat import MEDIUM
from acd.channels.chat import protocol as say
from acd.channels.chat.limits import Buckets, Rate
from acd.channels.chat.lines import words
from acd.channels.chat.room import House, Room
from acd.channels.email import compose
from acd.channels.email.message import Address
from acd.core.events import CallEnded
from acd.desk.callbacks import CallbackDesk
from acd.store import StoreError

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from acd.channels.chat.rooms import Rooms
    from acd.store.mails import Post

log = structlog.get_logger()

WHOS = Rate(10, 60_000)
CALLS = Rate(3, 1_200_000)
MAILS = Rate(5, 600_000)
"""Of one address."""
MAILS_MOST = 3
"""To one mailbox in a day, whoever asks: it is not his that is written to, for all we know."""
DAY_MS = 86_400_000
PROMISES_MOST = 200
"""Callbacks that chats have been promised and that are not done: beyond that nobody can have the house call numbers."""
LINES_MOST = 2_000


class Wishes:
    """Does it."""

    def __init__(self, house: House, rooms: "Rooms") -> None:
        self._house, self._rooms = house, rooms
        self._callbacks: CallbackDesk | None = None
        self._whos, self._calls, self._mails = Buckets(WHOS), Buckets(CALLS), Buckets(MAILS)

    async def fulfil(self, room: Room, tab: int, wish: say.Who | say.CallMe | say.Transcript) -> None:
        """Do what a page asks for, and tell it."""
        from acd.store.handles import HandleError  # noqa: PLC0415 - is loaded

        try:
            async with room.asking:  # one after the other: who asks twice is not called twice
                why = await self._fulfilled(room, tab, wish)
        except HandleError:
            why = "no-number" if isinstance(wish, say.CallMe) else "no-address"
        except StoreError as error:
            log.warning("wish of a chat cannot be fulfilled", wish=type(wish).__name__, reason=str(error))
            why = "not-now"
        told = say.Done(id=wish.id) if why is None else say.Refused(id=wish.id, why=why)
        self._rooms.do(room, room.talk.answer(tab, told))

    async def _fulfilled(self, room: Room, tab: int, wish: say.Who | say.CallMe | say.Transcript) -> say.Why | None:
        match wish:
            case say.Who():
                if not self._whos.take(self._address(room, tab), self._house.dispatcher.clock()):
                    return "slow"
                return await self._who(room, wish)
            case say.CallMe():
                return await self._call_me(room, tab, wish.number)
            case say.Transcript():
                return await self._transcript(room, tab, wish.email)

    async def _who(self, room: Room, who: say.Who) -> say.Why | None:
        from acd.store import chat_people  # noqa: PLC0415 - is loaded

        visitor = self._rooms.keeping.visitor(room)
        told = chat_people.Self(name=who.name, email=who.email, number=who.number)
        now, country = self._house.dispatcher.clock(), self._house.office.country
        await self._house.store.write(chat_people.identify, visitor, told, now, country)
        self._rooms.tell(room, "who")
        return None

    # A call

    async def _call_me(self, room: Room, tab: int, number: str) -> say.Why | None:
        from acd.store import chat_people  # noqa: PLC0415 - is loaded

        settings, dispatcher = self._house.office.chat(room.section), self._house.dispatcher
        if settings is None or not settings.callback:
            return "not-offered"
        if self._callbacks is None:
            self._callbacks = CallbackDesk(dispatcher, lambda: self._house.office.site)
        found = self._callbacks.judge(number)
        if found.barred:
            return "no-number"
        if self._callbacks.is_promised(found.number):
            return None
        now, state = dispatcher.clock(), dispatcher.core.state
        promised = sum(name.startswith(f"callback-{MEDIUM}-") for name in state.calls)
        if promised >= PROMISES_MOST or not self._calls.take(self._address(room, tab), now):
            return "too-many"
        await self._who(room, say.Who(id="", number=found.number))
        caller = room.call or f"{MEDIUM}-{secrets.token_hex(16)}"
        key = f"callback-{caller}"
        if not await self._house.store.write(chat_people.call_back, room.call, key, found.number, now):
            return "too-many"
        if self._callbacks.is_promised(found.number):
            return None
        call = state.calls.get(room.call)
        queue = call.queue if call is not None else settings.queue
        self._callbacks.promise(caller, found.number, queue, self._house.office.language(room.language))
        if call is not None and call.state in {"waiting", "offered"}:  # its place is the callback's now
            dispatcher.submit(CallEnded(call=call.id, reason="done"))
        return None

    def _address(self, room: Room, tab: int) -> str:
        found = room.tabs.get(tab)
        return found.address if found is not None else ""

    # A mail

    async def _transcript(self, room: Room, tab: int, address: str) -> say.Why | None:
        from acd.store import chat_cards, chats, handles  # noqa: PLC0415 - are loaded

        settings = self._house.office.chat(room.section)
        mailbox = settings.mailbox if settings is not None else ""
        if settings is None or not mailbox or mailbox not in self._house.mail_office.mailboxes:
            return "not-offered"
        to, store, now = handles.email(address).value, self._house.store, self._house.dispatcher.clock()
        contact = await store.read(chat_cards.latest, room.key)
        if contact is None or contact.case is None:
            return "nothing"
        if not self._mails.take(self._address(room, tab), now):
            return "too-many"
        lines = await store.read(chats.lines, room.key, max(0, room.talk.last - LINES_MOST), LINES_MOST)
        said = "\n".join(words(self._rooms.line(room, one), "-") for one in lines if one.body is not None)
        office = self._house.mail_office
        draft = compose.Draft(to=(Address(to),), subject=settings.title, body=f"{said}\n")
        letterhead = office.letterhead(office.mailboxes[mailbox])
        try:
            made = compose.notice(letterhead, draft, contact.case, now)
        except ValueError:
            return "no-address"
        post = self._post(mailbox, made, draft, now)
        if not await store.write(chat_cards.send_mail, contact, post, now - DAY_MS, MAILS_MOST):
            return "too-many"
        self._house.has_mail()
        return None

    def _post(self, mailbox: str, made: compose.Outgoing, draft: compose.Draft, now: int) -> "Post":
        from acd.store.mails import Post  # noqa: PLC0415 - is loaded

        return Post(
            ref=made.message_id,
            mailbox=mailbox,
            at=now,
            sender="",  # one that cannot be delivered is missed by nobody, and is no work
            recipients=made.recipients,
            needs_smtputf8=made.needs_smtputf8,
            subject=draft.subject,
            body=draft.body,
            raw=self._house.files.keep(made.raw, inside_most=-1),
        )
