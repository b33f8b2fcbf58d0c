"""The settings of chats on web pages; how they are written: `acd.chat_options`."""

from typing import Literal

from msgspec import Struct

Asked = Literal["name", "email", "number"]


class ChatSettings(Struct, frozen=True, kw_only=True):
    """A chat that a site's pages can have. What the fields mean: `acd.chat_options`."""

    section: str
    queue: str
    origins: tuple[str, ...]
    title: str
    ask: tuple[Asked, ...] = ("name", "email")
    grace_ms: int = 120_000
    show_agent: bool = True
    files: bool = True
    file_most: int = 10
    """MiB."""
    callback: bool = False
    mailbox: str = ""
    sockets_most: int = 4_000
    address_most: int = 20
