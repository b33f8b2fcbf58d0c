"""An exchange of lines: the pure build, and the oracle of the compiled one. The manual is exchange.pyi."""

import asyncio
import math
import unicodedata
from collections.abc import Awaitable, Coroutine, Generator
from contextvars import Context
from typing import Any

from _fastpath.reactor_py import Connection


class CommandError(ValueError):
    """A line that cannot be sent."""


class Answer:
    """What a line will have been answered."""

    __slots__ = ("_is_cancelled", "_is_over", "_loop", "_value", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin without one."""
        self._loop = loop
        self._is_over = self._is_cancelled = False
        self._value: Any = None
        self._waiting: list[asyncio.Future[None]] = []

    def __await__(self) -> Generator[Any, None, Any]:
        """Wait for it."""
        if not self._is_over:
            waits: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append(waits)
            yield from waits
        if self._is_cancelled:
            raise asyncio.CancelledError
        return self._value

    def end(self, value: object, *, is_cancelled: bool = False) -> None:
        """Tell all who wait."""
        self._is_over, self._value, self._is_cancelled = True, value, is_cancelled
        for waits in self._waiting:
            if not waits.done():
                waits.set_result(None)


class Exchange(Connection):
    """One side of a connection on which each line sent is answered before the next."""

    __slots__ = (
        *("_answers", "_due", "_is_quick", "_limit", "_loop", "_patience_s", "_turns", "_verbs"),
        *("end_reason", "is_between_lines", "is_out", "is_taken", "late_at", "late_what"),
    )

    def __class_getitem__(cls, types: object) -> "type[Exchange]":
        """Types are for the type checker alone."""
        return cls

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        verbs: frozenset[str],
        answers: dict[bytes, Any],
        patience_ms: int,
        limit: int,
    ) -> None:
        """Begin, without a connection yet."""
        self._loop, self._verbs, self._answers = loop, verbs, answers
        self._patience_s, self._limit = patience_ms / 1_000, limit
        self._due: Answer | None = None  # the answer to the line that is out
        self._turns: list[asyncio.Future[None]] = []  # of those who wait to send theirs
        self._is_quick = False  # the next piece may be looked up in `answers`
        self.is_between_lines, self.is_out, self.is_taken = True, False, False
        self.late_at, self.late_what = math.inf, ""
        self.end_reason = ""

    def command(self, verb: str, *words: str | int, lasts_ms: int = 0) -> Awaitable[Any]:
        """Send a command."""
        assert verb in self._verbs, f"unknown command {verb}"
        if self.is_taken or self.end_reason:
            return self.command_in_turn(verb, words, lasts_ms)
        return self.send(command_line(verb, words, self._limit), verb, lasts_ms)

    def send(self, line: bytes, what: str, lasts_ms: int, *, plain: bool = True) -> Answer:
        """Send a line."""
        self._due = due = Answer(self._loop)
        self.is_taken = self.is_out = True
        self._is_quick = plain and self.is_between_lines
        self.late_what = what
        self.late_at = self._loop.time() + lasts_ms / 1_000 + self._patience_s
        self.write(line)
        return due

    def data_received(self, data: bytes) -> None:
        """Take a piece of the answer."""
        if self._is_quick:
            answer = self._answers.get(data)
            if answer is not None:
                self.answered(answer)
                return
            self._is_quick = False
        self.unusual(data)

    def answered(self, answer: object) -> None:
        """Give the answer to who asked."""
        self._is_quick = self.is_out = False
        self.late_at = math.inf
        if self._due is not None:
            self._due.end(answer)
            self._due = None
        self.pass_turn()

    async def drive(self, coroutine: Coroutine[Any, Any, Any], _context: Context) -> object:
        """Run it."""
        return await coroutine

    def wait_for_turn(self) -> "asyncio.Future[None]":
        """Queue up."""
        turn: asyncio.Future[None] = self._loop.create_future()
        self._turns.append(turn)
        return turn

    def pass_turn(self) -> None:
        """Let the next line out."""
        while self._turns:
            turn = self._turns.pop(0)
            if not turn.done():
                turn.set_result(None)
                return
        self.is_taken = False

    def give_up(self, reason: str) -> None:
        """Let nobody wait any longer."""
        self.end_reason = reason
        self._is_quick = False
        self.late_at = math.inf
        if self._due is not None:
            self._due.end(None, is_cancelled=True)
            self._due = None
        while self._turns:
            self.pass_turn()

    def command_in_turn(self, verb: str, words: tuple[str | int, ...], lasts_ms: int) -> Coroutine[Any, Any, Any]:
        """Do what `command` does when it is not its turn."""
        raise NotImplementedError

    def unusual(self, data: bytes) -> None:
        """Take a piece that is none of the usual answers."""
        raise NotImplementedError


def command_line(verb: str, words: tuple[str | int, ...], limit: int) -> bytes:
    """Render a line."""
    text = '" "'.join(map(str, words))
    if not (text.isascii() and text.isprintable()):  # it nearly always is
        _check(verb, text)
    if "\\" in text or text.count('"') > 2 * len(words) - 2:
        text = '" "'.join(str(word).replace("\\", "\\\\").replace('"', '\\"') for word in words)
    line = (f'{verb} "{text}"\n' if words else f"{verb}\n").encode()
    if len(line) > limit:
        raise CommandError(f"{verb}: {len(line)} bytes; the other side takes {limit} a line")
    return line


def _check(verb: str, text: str) -> None:
    if bad := next((c for c in text if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}), None):
        raise CommandError(f"{verb}: a text with the control character U+{ord(bad):04X} cannot be sent")
