"""The settings of chats; how they are written: `acd.chat_options`, `acd.xmpp_options`."""

from typing import ClassVar, Literal, NamedTuple

from msgspec import Struct

from acd.discreet import Discreet
from acd.mailboxes import Place

Asked = Literal["name", "email", "number"]


class Entrance(Struct, frozen=True, kw_only=True):
    """Where talks come in, whatever they come by."""

    section: str
    """Names it for ever: what is kept of a talk says so."""
    queue: str
    grace_ms: int = 120_000
    show_agent: bool = True


class ChatSettings(Entrance, frozen=True, kw_only=True):
    """A chat that a site's pages can have. What the fields mean: `acd.chat_options`."""

    origins: tuple[str, ...]
    title: str
    ask: tuple[Asked, ...] = ("name", "email")
    files: bool = True
    file_most: int = 10
    """MiB."""
    callback: bool = False
    mailbox: str = ""
    sockets_most: int = 4_000
    address_most: int = 20


class XmppEntry(NamedTuple):
    """An address at a component."""

    name: str
    """What stands before the `@`."""
    queue: str


class XmppSettings(Discreet, frozen=True, kw_only=True):
    """A component of an XMPP server. What the fields mean: `acd.xmpp_options`."""

    hidden: ClassVar[frozenset[str]] = frozenset({"secret"})

    section: str
    address: str
    secret: str
    entries: tuple[XmppEntry, ...]
    host: Place = Place("127.0.0.1", 5347)
    show_agent: bool = True
    notices: bool = True
    give_up_ms: int = 86_400_000

    @property
    def entrances(self) -> dict[str, Entrance]:
        """Name of an entry -> what holds there."""
        return {
            one.name: Entrance(section=f"{self.section}/{one.name}", queue=one.queue, show_agent=self.show_agent)
            for one in self.entries
        }
