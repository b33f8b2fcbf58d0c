"""Messages of Asterisk's manager interface: the pure build, and the oracle of the compiled one.

Theory of operation: nothing clever. Bytes are split at empty lines, a message at its line ends, and every question
walks over all lines. The manual, with the meaning of every argument, is ami.pyi.
"""

from collections.abc import Iterable, Mapping

MESSAGE_MAX = 1 << 20
_EOL, _END = b"\r\n", b"\r\n\r\n"


class Message:
    """An event, or the answer to an action."""

    __slots__ = ("_lines", "action_id", "event", "raw", "twice")

    def __init__(self, headers: Mapping[str, str | Iterable[str]]) -> None:
        """Make one up."""
        self._read(render(headers))

    def get(self, header: str, default: str = "") -> str:
        """Give the value of a header."""
        return next(iter(self.all(header)), default)

    def all(self, header: str) -> list[str]:
        """Give every value of a header."""
        wanted = header.encode().lower()
        return [_text(value) for name, separator, value in self._lines if separator and name.lower() == wanted]

    def headers(self) -> dict[str, str | list[str]]:
        """Give every header."""
        values: dict[bytes, list[str]] = {}
        spelled: dict[bytes, str] = {}
        for name, separator, value in self._lines:
            if separator:
                spelled.setdefault(name.lower(), _text(name))
                values.setdefault(name.lower(), []).append(_text(value))
        return {spelled[name]: found[0] if len(found) == 1 else found for name, found in values.items()}

    def __getitem__(self, header: str) -> str:
        found = self.all(header)
        if not found:
            raise KeyError(header)
        return found[0]

    def __contains__(self, header: object) -> bool:
        return isinstance(header, str) and bool(self.all(header))

    def __repr__(self) -> str:
        return f"Message({self.headers()!r})"

    def _read(self, raw: bytes) -> None:
        self.raw = raw
        self._lines = [line.partition(b": ") for line in raw.split(_EOL) if line]
        self.event, self.action_id = self.get("Event"), self.get("ActionID")
        self.twice = ""
        seen: set[bytes] = set()
        for name in (name.lower() for name, _separator, _value in self._lines):
            if name in seen and not name.endswith(b"variable"):
                self.twice = _text(name)
                break
            seen.add(name)


class Framer:
    """Cuts a stream into messages."""

    def __init__(self, names: Iterable[str] | None = None, limit: int = MESSAGE_MAX) -> None:
        """Begin."""
        self.overlong = False
        self._names = None if names is None else checked_names(names)
        self._limit = limit
        self._pending = b""

    def feed(self, data: bytes) -> list[Message]:
        """Take a piece of the stream."""
        if not isinstance(data, bytes):
            raise TypeError(f"a piece of the stream is bytes, not {type(data).__name__}")
        found: list[Message] = []
        if self.overlong:
            return found
        *blocks, self._pending = (self._pending + data).split(_END)
        for block in blocks:
            if self._is_too_long(block):
                return found
            message = Message.__new__(Message)
            message._read(block.removeprefix(_EOL))  # noqa: SLF001 - the two are one
            if self._is_wanted(message):
                found.append(message)
        begun_end = next(size for size in (3, 2, 1, 0) if self._pending.endswith(_END[:size]))
        self._is_too_long(self._pending[: len(self._pending) - begun_end])
        return found

    def _is_too_long(self, block: bytes) -> bool:
        if len(block.removeprefix(_EOL)) > self._limit:
            self.overlong, self._pending = True, b""
        return self.overlong

    def _is_wanted(self, message: Message) -> bool:
        if "Event" not in message:
            return "Response" in message
        return self._names is None or message.event in self._names or "ActionID" in message


def render(headers: Mapping[str, str | Iterable[str]]) -> bytes:
    """Write a message's lines.

    Raises:
        ValueError: a name or a value holds CR LF, or a name ": ".

    """
    lines = []
    for name, value in headers.items():
        for one in [value] if isinstance(value, str) else value:
            if ": " in name or "\r\n" in name + "\0" + one:
                raise ValueError(f"not a header: {name!r}: {one!r}")
            lines.append(f"{name}: {one}".encode(errors="replace"))
    return _EOL.join(lines)


def checked_names(names: Iterable[str]) -> frozenset[str]:
    """Take names of events.

    Raises:
        TypeError: one is no str.

    """
    taken = frozenset(names)
    if wrong := [name for name in taken if not isinstance(name, str)]:
        raise TypeError(f"the name of an event is a str, not {wrong[0]!r}")
    return taken


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
