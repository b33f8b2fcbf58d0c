"""What is told of a message. All of its text may be shown: see `text`. Sizes are in bytes, times in ms since 1970."""

from typing import Literal

from msgspec import Struct

Mark = Literal[
    "auto-replied",  # a machine's answer: somebody's acknowledgement, an absence
    "auto-generated",  # a machine's own idea
    "out-of-office",
    "list",
    "bulk",
    "bounce",
    "no-auto-reply",  # its sender wants no machine's answer (X-Auto-Response-Suppress)
    "cut",  # more stood in it than is shown; the message as it came has all
    "encrypted",
    "signed",
]


class Address(Struct, frozen=True):
    """A mailbox. Where `address` is empty nothing can be sent there, and `name` shows what stood in its place."""

    address: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name and self.address else self.address or self.name


class Attachment(Struct, frozen=True):
    """A file that came with a message."""

    name: str
    """Safe to save under: no path, nothing but letters, digits and `._- ()`."""
    type: str
    """What its first bytes say."""
    claimed: str
    """What the message says it is."""
    size: int
    content: bytes
    is_risky: bool = False
    """A program, a script or a page, or no picture where one was claimed: not to be opened with a click."""
    content_id: str = ""
    """By which the HTML names it (`cid:`)."""
    is_inline: bool = False


class Passage(Struct, frozen=True):
    """A run of lines of one kind. All passages of a message, one after the other, are its text."""

    kind: Literal["new", "quoted", "signature"]
    text: str


class Failure(Struct, frozen=True):
    """What a mail server says of one recipient of a message of ours (RFC 3464)."""

    address: str
    action: str
    """failed, delayed, delivered, relayed or expanded."""
    status: str
    """Such as 5.1.1 (RFC 3463); empty if it does not say."""
    said: str
    """The remote server's words."""

    @property
    def is_permanent(self) -> bool:
        """Whether it will not get there any more."""
        return self.action == "failed" and not self.status.startswith("4.")


class Report(Struct, frozen=True):
    """A delivery report."""

    message_id: str
    """Of the message that it is about; empty if it does not say."""
    to: str
    """To whom that was sent, as its own header says."""
    failures: tuple[Failure, ...]


class Claim(Struct, frozen=True):
    """An Authentication-Results header as it came; whether to believe it: `threads.authentication`."""

    text: str
    hops: int
    """Received headers above it: 0 if the last server on the way wrote it."""


class Message(Struct, frozen=True, kw_only=True):
    """An e-mail, read."""

    size: int
    sender: Address = Address("")
    senders: int = 1
    """Mailboxes in all From headers; more than one is worth a look."""
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    delivered_to: tuple[str, ...] = ()
    """Addresses of ours that servers on the way wrote down (Delivered-To, X-Original-To)."""
    return_path: str | None = None
    """The envelope's sender; None if nobody wrote it down, "" for the null sender."""
    subject: str = ""
    date_ms: int | None = None
    message_id: str = ""
    """With its angle brackets, as in all fields of this kind."""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    passages: tuple[Passage, ...] = ()
    html: str = ""
    """Safe to show; empty if there was none."""
    attachments: tuple[Attachment, ...] = ()
    language: str = ""
    """ISO 639-1; empty if it cannot be told."""
    marks: frozenset[Mark] = frozenset()
    report: Report | None = None
    loops: tuple[str, ...] = ()
    """What X-Loop says."""
    authentication: tuple[Claim, ...] = ()
    fault: str = ""
    """Why it could not be parsed; then it is its own only attachment."""

    @property
    def text(self) -> str:
        """All of its text."""
        return "".join(passage.text for passage in self.passages)

    @property
    def new_text(self) -> str:
        """What its author wrote anew."""
        return "".join(passage.text for passage in self.passages if passage.kind == "new").strip()
