"""The way between a softphone's owner (asyncio) and its process (PJSIP).

Theory of operation. They share a socket pair of whole messages (SOCK_SEQPACKET). An Ask goes down and has one Reply;
a Notice comes up unasked. The socket's end is the only way to stop, and it comes by itself when the owner dies: no
phone is left behind. A process that ends by itself (an assertion of PJSIP aborts) fails whatever still waits for it.

Message numbers of calls and lamps: the owner counts up from 1 for those it begins, the process counts down from -1 for
incoming calls; so a call has its number before the first notice about it.
"""

import asyncio
import contextlib
import os
import socket
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_CLOSE_MS: Final = 5000
"""A process that has not gone by itself after this is killed; hanging up and unregistering take it 2 s at most."""
MESSAGE_BYTES_MAX: Final = 65_536


class SoftphoneError(Exception):
    """A phone could not do what it was asked to; the text says why."""


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

    kind: Literal["registration", "incoming", "state", "digit", "played", "lamp"]
    subject: int
    at_ns: int
    code: int = 0
    text: str = ""
    state: str = ""


class Link:
    """The owner's end: starts the process, asks, hands on notices."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, pipe: socket.socket) -> None:
        self._name, self._process, self._pipe = name, process, pipe
        self.pid = process.pid
        self._replies: dict[int, asyncio.Future[Any]] = {}
        self._asked = 0
        self.gone = ""
        """Why the process can no longer be asked; empty while it can."""
        self.on_notice: Callable[[Notice], None] = lambda _: None
        self.on_gone: Callable[[], None] = lambda: None
        self._decode = msgspec.msgpack.Decoder(Reply | Notice).decode
        asyncio.get_running_loop().add_reader(pipe, self._receive)

    @classmethod
    async def start(cls, name: str) -> Self:
        """Start a phone's process.

        Raises:
            SoftphoneError: pjsua2 is not installed.

        """
        if find_spec("pjsua2") is None:
            raise SoftphoneError(
                "softphones need pjsua2, which has wheels for Python 3.11 and 3.12: pip install 'callfloor[softphone]'"
            )
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(0)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ivr.softphone.engine", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,  # PJSIP greets there before it can be told to be quiet
                start_new_session=True,  # Ctrl-C is the owner's to handle
            )
        return cls(name, process, ours)

    async def ask(self, verb: str, **args: object) -> Any:
        """Have the process do something.

        Raises:
            SoftphoneError: It could not, or it has gone.

        """
        if self.gone:
            raise SoftphoneError(f"{self._name}: {self.gone}")
        self._asked += 1
        number = self._asked
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._replies[number] = reply
        try:
            self._pipe.send(msgspec.msgpack.encode(Ask(number, verb, args)))
            return await reply
        except OSError as error:
            raise SoftphoneError(f"{self._name}: its process does not listen ({error})") from error
        finally:
            self._replies.pop(number, None)

    async def close(self) -> None:
        """Let the process hang up, unregister and end."""
        self._lost("closed")
        with contextlib.suppress(OSError):
            self._pipe.shutdown(socket.SHUT_WR)
        try:
            async with asyncio.timeout(_CLOSE_MS / 1000):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        finally:
            self._pipe.close()

    def _receive(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while data := self._pipe.recv(MESSAGE_BYTES_MAX):
                self._take(self._decode(data))
            self._lost("its process has ended by itself")

    def _take(self, message: Reply | Notice) -> None:
        if isinstance(message, Notice):
            self.on_notice(message)
            return
        reply = self._replies.get(message.number)
        if reply is None or reply.done():
            return  # who asked was cancelled
        if message.error:
            reply.set_exception(SoftphoneError(f"{self._name}: {message.error}"))
        else:
            reply.set_result(message.value)

    def _lost(self, why: str) -> None:
        self.gone = self.gone or why
        asyncio.get_running_loop().remove_reader(self._pipe)
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(SoftphoneError(f"{self._name}: {self.gone}"))
        self.on_gone()


def inherited_pipe(argument: str) -> socket.socket:
    """Take over the process's end of the pipe, named by its descriptor's number."""
    pipe = socket.socket(fileno=int(argument))
    os.set_inheritable(pipe.fileno(), False)  # noqa: FBT003 - the standard library's signature
    return pipe
