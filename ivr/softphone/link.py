"""The way between a softphone's owner (asyncio) and its process (PJSIP).

Theory of operation. They share a socket pair of whole messages (SOCK_SEQPACKET). An Ask goes down and has one Reply;
a Notice comes up unasked. The socket's end is the only way to stop, and it comes by itself when the owner dies: no
phone is left behind. A process that ends by itself (an assertion of PJSIP aborts) fails whatever still waits for it.
"""

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from ivr.asterisk import ProvisionError
from ivr.phone_engine.messages import MESSAGE_BYTES_MAX, Ask, Notice, Reply

from .interpreter import find_interpreter

if TYPE_CHECKING:
    from collections.abc import Callable

_CLOSE_MS: Final = 5000
"""A process that has not gone by itself after this is killed; hanging up and unregistering take it 2 s at most."""


class SoftphoneError(Exception):
    """A phone could not do what it was asked to; the text says why."""


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
            SoftphoneError: No Python with pjsua2 can be had.

        """
        try:
            python = await asyncio.to_thread(find_interpreter)
        except ProvisionError as error:
            raise SoftphoneError(str(error)) from error
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(0)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(*python.argv, "-m", "ivr.phone_engine", str(theirs.fileno())),
                env={**os.environ, **python.environment},
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
