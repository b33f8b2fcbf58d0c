"""Reads messages in processes of their own, which may hang, crash or run out of memory.

    parsers = Parsers()
    message = await parsers.parsed(raw)      # never raises for what is in it, never blocks the loop
    await parsers.close()

A process is started when there is a message and none is idle, and stays for the next one. What it may use is in
`Limits`: processor time and memory are kept by the system, within the process (`work`); time on the clock is kept here,
in case it waits for something. One that dies is not missed: the message comes back as `scan` reads it, and the next
message finds a fresh one.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

import msgspec
import structlog
from msgspec import Struct

from acd.channels.email.message import Message
from acd.channels.email.scan import scanned

log = structlog.get_logger()

OUT_OF_MEMORY = 77
"""The exit status that says so."""
_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
"""Variables that a process is given; a site's secrets are not."""
_PIECE = 1 << 18
_ENDS_S = 2.0
"""How long an idle process may take to end."""


class Limits(Struct, frozen=True, kw_only=True):
    """What one message may cost."""

    size: int = 40 << 20
    """Bytes of a message that is read at all; mail servers usually stop at 25 to 35 MB."""
    cpu_s: int = 5
    memory: int = 1 << 30
    """Address space of a process, bytes."""
    wall_s: float = 60.0
    """On the clock: much more than `cpu_s`, as machines can be busy."""


class _Died(Exception):  # noqa: N818 - it is what happened to the process
    """A process ended in the midst of a message; says of what.

    `was_limit` tells that the message used up what it had. Else the process may have been killed while it was idle.
    """

    def __init__(self, why: str, *, was_limit: bool = False) -> None:
        super().__init__(why)
        self.was_limit = was_limit


class _Worker:
    """One process."""

    def __init__(self, process: Process, limits: Limits) -> None:
        assert process.stdin is not None, "it was asked for"
        assert process.stdout is not None, "it was asked for"
        self._process, self._limits = process, limits
        self._in, self._out = process.stdin, process.stdout

    @classmethod
    async def start(cls, limits: Limits) -> "_Worker":
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "acd.channels.email.work", msgspec.json.encode(limits).decode()),
            stdin=PIPE,
            stdout=PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=1 << 20,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
            start_new_session=True,  # Ctrl-C is the server's to handle
        )
        return cls(process, limits)

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    async def ask(self, raw: bytes) -> bytes:
        """Give its answer.

        Raises:
            _Died: there is none.

        """
        try:
            async with asyncio.timeout(self._limits.wall_s):
                await self._send(raw)
                return await self._receive(int.from_bytes(await self._out.readexactly(8), "big"))
        except TimeoutError:
            raise _Died(f"it took longer than {self._limits.wall_s:g} s", was_limit=True) from None
        except (asyncio.IncompleteReadError, OSError):
            raise self._death(await self.end(kills=True)) from None

    async def _send(self, raw: bytes) -> None:
        self._in.write(len(raw).to_bytes(8, "big"))
        view = memoryview(raw)
        for start in range(0, len(raw), _PIECE):  # in one, the loop would stand still while it is copied
            self._in.write(view[start : start + _PIECE])
            await self._in.drain()

    async def _receive(self, length: int) -> bytes:
        pieces = []
        while length:
            pieces.append(await self._out.readexactly(min(length, _PIECE)))
            length -= len(pieces[-1])
        return b"".join(pieces)

    def _death(self, status: int) -> _Died:
        if status == -signal.SIGXCPU:
            return _Died(f"it took more than {self._limits.cpu_s} s of processor time", was_limit=True)
        if status == OUT_OF_MEMORY:
            return _Died(f"it took more than {self._limits.memory >> 20} MiB of memory", was_limit=True)
        return _Died(f"the parser ended with status {status}")

    async def end(self, *, kills: bool) -> int:
        """Have it gone, at once or when it sees that there is no more to do; gives its exit status."""
        self._in.close()
        if kills:
            # What was in its last answer is of no use; and one that ended by itself keeps its own status.
            with suppress(TimeoutError):
                async with asyncio.timeout(0.2 if self._out.at_eof() else 0):
                    return await self._process.wait()
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(_ENDS_S):
                    return await self._process.wait()
        with suppress(ProcessLookupError):
            self._process.kill()
        return await self._process.wait()


class Parsers:
    """A pool of processes. Belongs to one event loop; `close` ends it and them."""

    def __init__(self, workers: int = 1, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._turns = asyncio.Semaphore(workers)
        self._idle: list[_Worker] = []
        self._ending: set[asyncio.Task[int]] = set()
        self._decoder = msgspec.msgpack.Decoder(Message)
        self._is_closed = False

    async def parsed(self, raw: bytes) -> Message:
        """Read a message, whatever is in it. Waits for its turn: a pool of N reads N at a time."""
        if len(raw) > self.limits.size:
            return scanned(raw, f"it is longer than {self.limits.size} bytes")
        async with self._turns:
            try:
                return await self._read(raw)
            except (_Died, OSError, msgspec.MsgspecError) as error:
                log.warning("message not parsed", size=len(raw), reason=str(error))
                return scanned(raw, str(error))

    async def _read(self, raw: bytes) -> Message:
        if self._is_closed:
            raise _Died("the pool of parsers is closed")
        while self._idle and not self._idle[-1].is_alive:
            self._leave(self._idle.pop())
        is_new = not self._idle
        worker = await _Worker.start(self.limits) if is_new else self._idle.pop()
        try:
            answer = await worker.ask(raw)
            message = self._decoder.decode(memoryview(answer)[1:]) if answer[:1] == b"+" else None
        except BaseException as error:  # a cancelled one, too: it would answer to the next who asks
            self._leave(worker)
            if isinstance(error, _Died) and not is_new and not error.was_limit:
                return await self._read(raw)
            raise
        if self._is_closed:
            self._leave(worker)
        else:
            self._idle.append(worker)
        if message is None:
            raise _Died(answer[1:].decode("utf-8", "replace"))
        return message

    def _leave(self, worker: _Worker, *, kills: bool = True) -> None:
        task = asyncio.get_running_loop().create_task(worker.end(kills=kills))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """End all processes; who still waits for a message gets it as the scanner reads it, or read."""
        self._is_closed = True
        for worker in self._idle:
            self._leave(worker, kills=False)
        self._idle.clear()
        while self._ending:
            await asyncio.wait(self._ending)
