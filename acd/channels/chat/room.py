"""One talk that is live, and what all of them need of the server."""

import asyncio
import hashlib
from typing import TYPE_CHECKING, Protocol

from acd.channels.chat.office import Office
from acd.channels.chat.talk import Talk
from acd.channels.email.office import Office as MailOffice
from acd.dispatcher import Dispatcher
from acd.store.store import Store

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from acd.channels.chat.tabs import Ear
    from acd.store.chats import Known
    from acd.store.files import Files


class House(Protocol):
    """What is needed of the server."""

    @property
    def dispatcher(self) -> Dispatcher:
        """The core's."""

    @property
    def store(self) -> Store:
        """The customer file. Raises StoreError."""

    @property
    def files(self) -> "Files":
        """And where it keeps what is large."""

    @property
    def office(self) -> Office:
        """What holds at the moment."""

    @property
    def mail_office(self) -> MailOffice:
        """And for mails."""

    def has_mail(self) -> None:
        """Say that there is a mail to be sent."""


class Room:
    """A talk that is live."""

    def __init__(self, token: str, key: str, section: str, language: str, at: int, *, address: str = "") -> None:
        self.talk = Talk(token, at)
        self.key, self.section, self.language = key, section, language
        self.address = address
        """Of who has one, as `xmpp:jan@example.org`, and so no token."""
        self.tabs: dict[int, Ear] = {}
        self.call = ""
        """The contact that is open."""
        self.has_been_closed = False
        self.keeping = 0
        """So many of his lines are on their way into the file: until they are there nobody may forget it."""
        self.asking = asyncio.Lock()
        """Held while something that he asks for is done."""
        self.timer: asyncio.TimerHandle | None = None

    def know(self, known: "Known") -> None:
        """Take in what the file has of it."""
        talk = self.talk
        talk.last, talk.we_saw, talk.he_saw = known.last, known.shown, known.seen
        self.call, self.has_been_closed = known.call, known.is_over


def hash_of(token: str) -> str:
    """Give that by which a token is known here."""
    return hashlib.sha256(token.encode()).hexdigest()
