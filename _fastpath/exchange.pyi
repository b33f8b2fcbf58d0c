# ruff: noqa: PYI021 - the stub is the manual
"""An exchange of lines: one side of a connection on which each line that is sent is answered before the next.

An `Exchange` is what runs for every single line of a protocol of commands and answers. It renders a command, sends it,
knows until when its answer must be there, looks the answer up among the usual ones and gives it to who asked. Whatever
is not usual it leaves to its heir, who reads it (`unusual`) and says what it was (`answered`).

    usual      a piece of the stream that is, byte for byte, one of `answers`; nearly all are
    out        a line was sent and its answer is not there yet, be it wanted by anybody still or not
    taken      a line is out, or somebody's turn has come to send one; who asks now has to wait for his turn

For the loop's thread alone. Both builds do the same, in the same order, with one exception: the compiled one lets a
coroutine that it drives go on in the very moment in which a usual answer comes (`drive`), and the pure one in the
loop's next turn.

Load it is made for (`python -m tests.bench agi`): 200 connections at once, on each a line after the other as fast as
the other side answers. On uvloop a line and its answer took 12.9 us of the processor in the compiled build and 20.6 in
the pure one, where a C program that does nothing but read and write took 9.4.
"""

import asyncio
from collections.abc import Awaitable, Coroutine
from contextvars import Context
from typing import Any, Generic, TypeVar

from _fastpath.reactor import Connection

_Verb = TypeVar("_Verb", bound=str)
_Answer = TypeVar("_Answer")
_Result = TypeVar("_Result")

class CommandError(ValueError):
    """A line that cannot be sent: a text in it holds a control character or a lone surrogate, or it is too long."""

class Exchange(Connection, Generic[_Verb, _Answer]):
    """One side of the connection.

    Attributes:
        late_at: when what is due is late, by the loop's clock in seconds; infinite while nothing is. The heir may set
            it while no line is out.
        late_what: what the line was that is out, or was the last one out.
        is_between_lines: nothing is left over of what came so far. The heir's to say, each time that it has read.
        is_out: see above.
        is_taken: see above.
        end_reason: why nothing more will be sent; empty while something may.

    """

    late_at: float
    late_what: str
    is_between_lines: bool
    is_out: bool
    is_taken: bool
    end_reason: str

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        verbs: frozenset[str],
        answers: dict[bytes, _Answer],
        patience_ms: int,
        limit: int,
    ) -> None:
        """Begin, without a connection yet.

        Args:
            loop: makes futures, and tells the time.
            verbs: those that can be sent.
            answers: the usual ones, and what is given to who asked.
            patience_ms: how much later than it should an answer may come.
            limit: see `command_line`.

        """

    def command(self, verb: _Verb, *words: str | int, lasts_ms: int = 0) -> Awaitable[_Answer]:
        """Send a command, as `command_line` renders it; await this for its answer. Commands take turns.

        Who stops waiting for an answer cancels the wait, not the command: the next one waits for its end. Several may
        wait for one answer, and it can be asked for again.

        Args:
            verb: what to do. Another than the constructor's is our own mistake, and an AssertionError.
            words: what follows it, sent as text.
            lasts_ms: how long what was asked for may rightfully last.

        Raises:
            CommandError: it cannot be sent.

        """

    def send(self, line: bytes, what: str, lasts_ms: int, *, plain: bool = True) -> Awaitable[_Answer]:
        """Send a line as it is; it must not be taken by somebody else.

        Args:
            line: with its line feed.
            what: becomes `late_what`.
            lasts_ms: as above.
            plain: whether the answer may be a usual one; if not, all of it goes to `unusual`.

        """

    def drive(self, coroutine: Coroutine[Any, Any, _Result], context: Context) -> Awaitable[_Result]:
        """Run the coroutine that talks over this connection; await this at once, for its result or what it raises.

        The task that awaits it is the coroutine's in every way (`asyncio.current_task`, time-outs, being cancelled); if
        its answers come in the meantime it is just not troubled for every one of them. One at a time; not for a task
        that runs its first step eagerly.

        Args:
            coroutine: awaits answers of this exchange, or anything else.
            context: the task's own, with which it was made.

        """

    def answered(self, answer: _Answer) -> None:
        """Give the answer to who asked, if he still waits, and let the next one have his turn."""

    def wait_for_turn(self) -> asyncio.Future[None]:
        """Queue up; the future is done when it is one's turn, and then it is taken for him."""

    def pass_turn(self) -> None:
        """Give the turn, which one had and made no use of, to the next who has not stopped waiting."""

    def give_up(self, reason: str) -> None:
        """Note that nothing more will be sent: `end_reason` is set, the wait for an answer is cancelled.

        The turn of all who wait for one comes at once, so that they see why.
        """

    def command_in_turn(self, verb: str, words: tuple[str | int, ...], lasts_ms: int) -> Coroutine[Any, Any, _Answer]:
        """Wait for one's turn, then do what `command` does; asked where it is taken or ended. The heir's to say."""

    def unusual(self, data: bytes) -> None:
        """Take a piece that is none of the usual answers, or comes while none is due. The heir's to say."""

def command_line(verb: str, words: tuple[str | int, ...], limit: int) -> bytes:
    r"""Render a command: the verb, each word in quotes with `"` and `\` escaped by `\`, a line feed.

    Raises:
        CommandError: a word holds a control character, a line or paragraph separator or a lone surrogate, or the line
            is longer than `limit` bytes, its line feed included.

    """
