# ruff: noqa: PYI021 - the stub is the manual
"""Messages of Asterisk's manager interface (AMI): cut out of the stream at once, read when somebody asks.

AMI (Asterisk's documentation, "AMI v2 Specification") is lines that end in CR LF, `Name: value` each; an empty line
ends a message. A `Framer` takes the bytes as they come and gives `Message`s; of a message it reads the event's name and
the action's id, no more. Most events of a busy switch are of no interest to anybody, and cost no more than that.

    line      what stands before CR LF; a lone CR or LF is part of a line
    name      of a header: what stands before the first ": " of its line. ASCII letters of either case are the same
    value     what stands after it. UTF-8; bytes that are none become U+FFFD, never an error
    a line without ": " is no header and has no value

Everything here is hostile: a caller can get line breaks into his number and with them lines of his own into a message.
So a message tells whether a header came twice (`twice`), which no message of Asterisk's does, and a message without an
end is given up (`overlong`).

Errors, alike in both builds: `TypeError` for what is no bytes (feed) or no str (names), `MemoryError`. Deterministic:
however the stream is cut into pieces, the same messages come out, in both builds. Not for use from two threads at once
without the interpreter's lock.

Cost in the compiled build; n bytes of message, h headers:

    feed               O(n), each byte copied once or twice; of a message that is not wanted nothing else
    event action_id twice raw                    O(1)
    get all [] in      O(n), one walk over the lines; decodes what it gives
    headers            O(n), an object for each value; names are shared
    memory             the message's bytes and about 120 more; of the stream what has no end yet: limit + a piece

Load it is made for (`python -m tests.bench ami`): events of 490 bytes and 21 headers, pieces of 64 KiB. To cut, name
and check one took 1.0 us, to pass one over that nobody wants 0.4 us, all headers of one as a dict 3.5 us more;
panoramisk took 47 us in the same run.
"""

from collections.abc import Iterable, Mapping

MESSAGE_MAX: int
"""Bytes of a message, its end not counted, unless a `Framer` is told otherwise: 1 MiB."""

class Message:
    """An event, or the answer to an action. It cannot be changed."""

    event: str
    """The value of its `Event`; empty if it has none."""
    action_id: str
    """The value of its `ActionID`; empty if it has none."""
    twice: str
    """The first header that repeats the name of an earlier one, in small letters; empty if none does.

    Names that end in `variable` do not count: Asterisk repeats them (`Variable`, `ChanVariable`, ...). A line without
    ": " counts as a name.
    """
    raw: bytes
    """Its lines, without the empty one."""

    def __init__(self, headers: Mapping[str, str | Iterable[str]]) -> None:
        """Make one up, as for a test: a header for each name, several for a name with several values.

        Raises:
            ValueError: a name or a value holds CR LF, or a name ": ".

        """

    def get(self, header: str, default: str = "") -> str:
        """Give the value of a header, the first one if it came twice; `default` if it did not come."""

    def all(self, header: str) -> list[str]:
        """Give every value of a header, in order."""

    def headers(self) -> dict[str, str | list[str]]:
        """Give every header in order, by its name as first written; a list where a name came more than once."""

    def __getitem__(self, header: str) -> str:
        """As `get`.

        Raises:
            KeyError: it did not come.

        """

    def __contains__(self, header: object) -> bool: ...

class Framer:
    """Cuts a stream into messages.

    Attributes:
        overlong: a message of more than `limit` bytes is on its way; nothing more will be read.

    """

    overlong: bool

    def __init__(self, names: Iterable[str] | None = None, limit: int = ...) -> None:
        """Begin.

        Args:
            names: the events that are wanted, spelled as Asterisk does; others are passed over, unless they have an
                `ActionID` and may so be part of an answer. None wants all.
            limit: bytes of the longest message, `MESSAGE_MAX` if not given.

        """

    def feed(self, data: bytes) -> list[Message]:
        """Take a piece of the stream; give the messages that are complete with it, in order.

        What has neither an `Event` nor a `Response` is no message, and passed over.
        """
