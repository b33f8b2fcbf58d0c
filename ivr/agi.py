"""The AGI protocol without a socket: bytes in, events out; a command in, bytes out.

Theory of operation. Asterisk connects and sends a block of lines `agi_name: value`, closed by an empty line. From then
on we send one command line at a time and Asterisk answers each with one response:

    200 result=1 (value)                    done; the text in parentheses and `endpos=` are there for some commands
    510 Invalid or unknown command
    511 Command Not Permitted on a dead channel or intercept routine
    520-Invalid command syntax. ...         the usage text follows, several lines, up to
    520 End of proper usage.

At any moment after the headers it may send the line `HANGUP`: the channel is gone. Sources: the AGI chapter of
Asterisk's documentation, and res_agi of Asterisk 22 as recorded in tests/transcripts/agi-*.txt.

The protocol has no escaping in Asterisk's direction and no authentication, so everything read here is hostile:

* A header value is whatever the line gave, such as a caller's name. A value with a line break in it would forge the
  headers that follow. A forged header is one that comes twice, because Asterisk sends each once; then nothing of the
  block can be believed, and the session is refused.
* A header line longer than `HEADER_LINE_MAX` is cut, not refused: a caller with an absurd name is still a caller.
* A response nobody asked for, or one that is none of the above, ends the session: nothing tells the next good one.

Whose fault it is: `PeerError` for Asterisk's or an impostor's nonsense, `CommandError` for a value that cannot be sent,
AssertionError for our own mistakes.
"""

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Literal, get_args

from msgspec import Struct

from _fastpath import CommandError, command_line, read_headers

HEADER_LINE_MAX = 1_024
"""Bytes of one header line that are kept; the rest is dropped."""
HEADER_COUNT_MAX = 192
"""Asterisk sends about 25 headers, and one more for each argument of `AGI()`, of which res_agi takes 127."""
HEADER_BYTES_MAX = 262_144
"""Bytes of the whole block, dropped ones included."""
RESPONSE_BYTES_MAX = 65_536
"""Bytes of one response, a usage text included."""
COMMAND_BYTES_MAX = 8_191
"""Bytes that res_agi reads as one command line, its line feed included (its buffer of 8,192 ends in a NUL); what is
beyond becomes a second command."""
EXCERPT_MAX = 80
"""Characters of a peer's nonsense that go into a log."""

Verb = Literal[
    "ANSWER",
    "GET DATA",
    "GET VARIABLE",
    "HANGUP",
    "RECORD FILE",
    "SET CONTEXT",
    "SET EXTENSION",
    "SET PRIORITY",
    "SET VARIABLE",
    "STREAM FILE",
]
"""The commands that can be sent. EXEC and GET FULL VARIABLE stay out for good: they evaluate `${...}` in their text.

(`as_it_is` renders any line. It is for scripts that the admin has written, which bring their own commands.)
"""

VERBS = frozenset(get_args(Verb))
_HEADER = re.compile(r"agi_([a-z0-9_]{1,64}): ?(.*)", re.DOTALL)
_RESPONSE = re.compile(r"(\d{3}) (.*)", re.DOTALL)
_UNSENDABLE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")  # may end a command early; a tab only parts its words
_RESULT = re.compile(r"result=(-?[0-9A-D*#]*)(?: \((.*)\))?(?: endpos=(-?\d+))?", re.DOTALL)


class PeerError(Exception):
    """The peer does not speak AGI, or breaks its rules. The session is beyond repair."""

    def __init__(self, reason: str, excerpt: str = "") -> None:
        super().__init__(reason, shown(excerpt))
        self.reason = reason
        """One of a few fixed sentences."""
        self.excerpt = shown(excerpt)
        """What the peer sent, fit for a log."""


def shown(text: str) -> str:
    r"""Make the beginning of a hostile text fit for a terminal: what is not plain ASCII shows as `\x1b`."""
    return text[:EXCERPT_MAX].encode("unicode_escape").decode()


class Request(Struct, frozen=True):
    """The headers are complete; commands can be sent."""

    headers: Mapping[str, str]
    """Names without the prefix `agi_`."""
    cut: tuple[str, ...] = ()
    """Names of the headers that were too long and lost their end."""

    @property
    def script(self) -> str:
        """The path of the agi:// address without its leading slash and without a query."""
        return self.headers.get("network_script", "").partition("?")[0].strip("/")


class Response(Struct, frozen=True):
    """The answer to the last command."""

    code: int
    result: str = ""
    """The text after `result=`: a number, or pressed digits; empty when there is none."""
    value: str | None = None
    """The text in parentheses: a variable's value, `timeout`, `hangup`."""
    endpos: int | None = None
    """Where playing or recording stopped, in samples."""
    text: str = ""
    """What a refusal (not 200) says. Of a relayed line the whole answer as it came, and nothing else is set."""


class HungUp(Struct, frozen=True):
    """The channel is gone. The connection stays, for nothing that is of use to a caller."""


class Closed(Struct, frozen=True):
    """The peer closed the connection."""


Event = Request | Response | HungUp | Closed

USUAL = {f"200 result={result}\n".encode(): Response(200, str(result)) for result in (0, 1, -1)}
"""Nearly every answer is one of these."""


class _State(Enum):
    HEADERS = auto()  # the block of headers is coming in
    IDLE = auto()  # a command may be sent
    WAITING = auto()  # a command was sent, its response is due
    USAGE = auto()  # as WAITING, inside the lines of a 520
    CLOSED = auto()  # the peer closed, or broke the rules


class Codec:
    """What the switch says in one AGI session. Feed it by `receive`; `expect` tells it that a command went out."""

    __slots__ = ("_bytes", "_cut", "_headers", "_line", "_line_was_cut", "_relayed", "_state")

    def __init__(self) -> None:
        self._state = _State.HEADERS
        self._line = bytearray()  # the unfinished line, in the header block without what is too long
        self._line_was_cut = False
        self._bytes = 0  # of the header block or of the present response
        self._headers: dict[str, str] = {}
        self._cut: list[str] = []
        self._relayed: list[str] | None = None  # lines of the answer to a relayed line

    @property
    def may_command(self) -> bool:
        """Whether a command can be sent now."""
        return self._state is _State.IDLE

    @property
    def is_between_lines(self) -> bool:
        """Whether nothing is left over of what came so far."""
        return not self._line and self._state is not _State.USAGE

    def receive(self, data: bytes) -> list[Event]:
        """Take what the peer sent, however it was split; no bytes mean that it closed the connection.

        Raises:
            PeerError: it broke the rules. What came before the breach in `data` is lost with it.

        """
        assert self._state is not _State.CLOSED, "receive after the end of the session"
        events: list[Event] = []
        try:
            if not data:
                self._state = _State.CLOSED
                return [Closed()]
            if self._state is _State.HEADERS and not self._bytes and len(data) <= HEADER_BYTES_MAX:
                headers = read_headers(data, b"agi_", HEADER_LINE_MAX, HEADER_COUNT_MAX)
                if headers is not None:  # all in one piece and nothing odd about them, as they nearly always come
                    self._enter_idle()
                    return [Request(headers)]
            start = 0
            while (end := data.find(b"\n", start)) >= 0:
                self._take(data[start:end])
                self._end_of_line(events)
                start = end + 1
            self._take(data[start:])
        except PeerError:
            self._state = _State.CLOSED
            self._line.clear()
            raise
        return events

    def expect(self, *, relayed: bool = False) -> None:
        """Note that a command was sent: its response is due. What a relayed line is told is for its writer to judge."""
        assert self._state is _State.IDLE, f"a command was sent while {self._state.name}"
        self._state, self._relayed = _State.WAITING, [] if relayed else None

    def _take(self, piece: bytes) -> None:
        """Add to the unfinished line, within the limits."""
        self._bytes += len(piece)
        if self._state is _State.HEADERS:
            if self._bytes > HEADER_BYTES_MAX:
                raise PeerError(f"more than {HEADER_BYTES_MAX} bytes of headers")
            room = HEADER_LINE_MAX - len(self._line)
            self._line_was_cut = self._line_was_cut or len(piece) > room
            self._line += piece[:room]
        else:
            if self._bytes > RESPONSE_BYTES_MAX:
                raise PeerError(f"a response of more than {RESPONSE_BYTES_MAX} bytes")
            self._line += piece

    def _end_of_line(self, events: list[Event]) -> None:
        line = self._line.decode("utf-8", "replace").removesuffix("\r")
        was_cut, self._line_was_cut = self._line_was_cut, False
        self._line.clear()
        self._bytes += 1
        if self._state is _State.HEADERS:
            if line:
                self._header(line, was_cut=was_cut)
            else:
                self._enter_idle()
                events.append(Request(self._headers, tuple(self._cut)))
        elif line == "HANGUP" and self._state is not _State.USAGE:
            events.append(HungUp())
        elif self._state in {_State.WAITING, _State.USAGE}:
            self._answer(line, events)
        else:
            raise PeerError("a line that nobody asked for", line)

    def _answer(self, line: str, events: list[Event]) -> None:
        """Take a line of the response that is due."""
        relayed = self._relayed
        if relayed is not None:
            relayed.append(line)
        if self._state is _State.USAGE:
            if not line.startswith("520 "):
                return
            response = Response(520, text=line[4:])
        elif line.startswith("520-"):
            self._state = _State.USAGE
            return
        else:
            response = decode(line, as_it_is=relayed is not None)
        if relayed is not None:
            response, self._relayed = Response(response.code, text="\n".join(relayed)), None
        self._enter_idle()
        events.append(response)

    def _enter_idle(self) -> None:
        self._state = _State.IDLE
        self._bytes = 0

    def _header(self, line: str, *, was_cut: bool) -> None:
        match = _HEADER.fullmatch(line)
        if match is None:
            raise PeerError("not an AGI header", line)
        name, value = match.groups()
        if name in self._headers:
            raise PeerError("a header comes twice, so a forged one may be among them", name)
        if len(self._headers) >= HEADER_COUNT_MAX:
            raise PeerError(f"more than {HEADER_COUNT_MAX} headers")
        self._headers[name] = value
        if was_cut:
            self._cut.append(name)


def encode(verb: str, *args: str | int) -> bytes:
    r"""Render a command line: each argument in quotes, `"` and `\` escaped, as res_agi's parser undoes it.

    Raises:
        CommandError: a text holds a control character or a lone surrogate, or the command is too long.

    """
    return command_line(verb, args, COMMAND_BYTES_MAX)


def as_it_is(line: bytes) -> bytes:
    """Render somebody else's command.

    Raises:
        CommandError: it is empty, too long, or holds a control character.

    """
    if not line.strip() or _UNSENDABLE.search(line):
        raise CommandError("an empty line, or one with a control character, is no command")
    if len(line) >= COMMAND_BYTES_MAX:
        raise CommandError(f"a line of {len(line)} bytes; the switch takes {COMMAND_BYTES_MAX} a command")
    return line + b"\n"


def decode(line: str, *, as_it_is: bool = False) -> Response:
    """Read a response of one line; `as_it_is` reads its code alone.

    Raises:
        PeerError: it is none.

    """
    match = _RESPONSE.fullmatch(line)
    if match is None:
        raise PeerError("not an AGI response", line)
    code, rest = int(match[1]), match[2]
    if code != 200 or as_it_is:
        return Response(code, text=rest)
    result = _RESULT.fullmatch(rest)
    if result is None:
        raise PeerError("not an AGI result", line)
    return Response(code, result[1], result[2], None if result[3] is None else int(result[3]))
