"""What widget and server say to each other: JSON objects, each with its kind under `t`.

The first word of a widget is `hello`, and it is said once. A line (`say`) is answered by a `line` of the same id, to
every tab; all else that it asks for by a `done` or a `refused` of the same id. Nothing here is trusted: what is too
long, of another kind or of another version is a `ProtocolError`.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

VERSION = 1
FRAME_MOST = 24_576
"""Bytes: the longest line there may be, every sign of it escaped in JSON."""
TEXT_MOST = 4_000
"""Characters of a line."""
FILES_MOST = 5
"""Of one line."""

Id = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{8,40}\Z")]
Token = Annotated[str, Meta(pattern=r"\A([A-Za-z0-9_-]{43})?\Z")]
Short = Annotated[str, Meta(max_length=200)]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Name = Annotated[str, Meta(pattern=r"\A[a-z]{2,3}(_[A-Z]{2})?\Z")]

Stage = Literal["idle", "waiting", "talking", "closed"]
"""How a visitor's contact stands: there is none yet, somebody is looked for, somebody has it, it is done."""
Why = Literal[
    "slow", "empty", "too-many", "too-long", "not-now", "not-offered", "no-number", "no-address", "no-file", "nothing"
]
"""Why something was not done: slow, it may be said again in a moment; not-now, the server's fault, as well."""
Over = Literal["version", "protocol", "too-much", "too-slow", "too-many", "silent", "restart", "gone"]
"""Why a socket is closed."""


class ProtocolError(Exception):
    """It is nothing that a widget says."""


# The widget


class Said(Struct, frozen=True, kw_only=True, tag_field="t", forbid_unknown_fields=True):
    """Something that a widget says."""


class Hello(Said, frozen=True, kw_only=True, tag="hello"):
    """A tab is open."""

    v: int
    token: Token = ""
    last: Count = 0
    """The number of the last line that it has."""
    language: Name = "en"


class Say(Said, frozen=True, kw_only=True, tag="say"):
    """A line."""

    id: Id
    text: Annotated[str, Meta(max_length=TEXT_MOST)]


class Typing(Said, frozen=True, kw_only=True, tag="typing"):
    """He writes: said again every few seconds, for as long as he does."""


class Seen(Said, frozen=True, kw_only=True, tag="seen"):
    """He has seen all lines up to this one."""

    seq: Count


class Who(Said, frozen=True, kw_only=True, tag="who"):
    """What he says of himself."""

    id: Id
    name: Short = ""
    email: Short = ""
    number: Short = ""


class CallMe(Said, frozen=True, kw_only=True, tag="call-me"):
    """He would rather be called."""

    id: Id
    number: Annotated[str, Meta(max_length=40)]


class Transcript(Said, frozen=True, kw_only=True, tag="transcript"):
    """He wants all that was said by mail."""

    id: Id
    email: Short


class Leave(Said, frozen=True, kw_only=True, tag="leave"):
    """He ends it: his token is of no use any more, in no tab."""


class Ping(Said, frozen=True, kw_only=True, tag="ping"):
    """He is there."""


AnySaid = Hello | Say | Typing | Seen | Who | CallMe | Transcript | Leave | Ping


# The server


class Told(Struct, frozen=True, kw_only=True, tag_field="t", omit_defaults=True):
    """Something that a widget is told."""


class FileOf(Struct, frozen=True, kw_only=True):
    """A file of a line, at files/SEQ/NUMBER."""

    name: str
    kind: str
    size: int


class Line(Told, frozen=True, kw_only=True, tag="line"):
    """A line that is stored."""

    seq: int
    id: str
    """Of who wrote it; of our own it is some other."""
    mine: bool
    """The visitor's."""
    at: int
    """Epoch, ms."""
    text: str = ""
    by: str = ""
    """Who of us wrote it; empty where that is not told."""
    files: tuple[FileOf, ...] = ()


class Standing(Told, frozen=True, kw_only=True, tag="standing"):
    """How his contact stands."""

    stage: Stage
    position: int = 0
    """His place in the queue, from 1; 0: not told."""
    wait_least_ms: int = 0
    wait_most_ms: int = 0
    """How long it will take; 0: not known."""
    agent: str = ""
    """Who has it; empty where that is not told."""
    closed: bool = False
    """Nobody is there at this time."""


class Welcome(Told, frozen=True, kw_only=True, tag="welcome"):
    """A tab is known now. Its lines follow."""

    token: str
    """To be kept."""
    last: int
    """The number of the last line there is."""
    seen: int
    """The last line of the visitor that one of us has seen."""
    greeting: str = ""
    hours: str = ""
    """What is said while nobody is there."""


class WeType(Told, frozen=True, kw_only=True, tag="typing"):
    """One of us writes, or does so no more."""

    on: bool


class WeSaw(Told, frozen=True, kw_only=True, tag="seen"):
    """One of us has seen all lines up to this one."""

    seq: int


class Done(Told, frozen=True, kw_only=True, tag="done"):
    """What was asked for is done, or will be, whatever breaks down."""

    id: str


class Refused(Told, frozen=True, kw_only=True, tag="refused"):
    """What was asked for is not done."""

    id: str
    why: Why


class Pong(Told, frozen=True, kw_only=True, tag="pong"):
    """We are there."""


class Bye(Told, frozen=True, kw_only=True, tag="bye"):
    """The socket is closed. After `version` and `protocol` it is no use to come again, after `gone` with that token."""

    why: Over


AnyTold = Line | Standing | Welcome | WeType | WeSaw | Done | Refused | Pong | Bye

_DECODER = msgspec.json.Decoder(AnySaid)
_ENCODER = msgspec.json.Encoder()


def decode(frame: str) -> AnySaid:
    """Read a frame.

    Raises:
        ProtocolError: it is nothing that a widget says.

    """
    try:
        raw = frame.encode()
        if len(raw) > FRAME_MOST:
            raise ProtocolError("too long")
        return _DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ProtocolError(str(error)) from None


def encode(told: AnyTold) -> str:
    """Write a frame."""
    return _ENCODER.encode(told).decode()
