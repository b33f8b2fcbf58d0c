"""What goes through the pipe between a softphone's owner and its process, in MessagePack.

Theory of operation. An Ask goes down and has one Reply; a Notice comes up unasked. Message numbers of calls and lamps:
the owner counts up from 1 for those it begins, the process counts down from -1 for incoming calls; so a call has its
number before the first notice about it.
"""

from typing import Any, Final, Literal

import msgspec

MESSAGE_BYTES_MAX: Final = 65_536


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """A command to the phone's process."""

    number: int
    verb: str
    args: dict[str, Any]


class Reply(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The answer to the Ask of that number: a value, or an error's text."""

    number: int
    value: Any = None
    error: str = ""


class Notice(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Something happened to a call or a lamp (`subject` is its number) or to the registration (`subject` is 0)."""

    kind: Literal["registration", "incoming", "state", "digit", "played", "lamp", "transfer", "messages"]
    subject: int
    at_ns: int
    code: int = 0
    text: str = ""
    state: str = ""
