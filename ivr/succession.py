"""What one server takes from the other, when a new one replaces the one that runs. See `ivr.server`."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from pathlib import Path

import structlog
from msgspec import Struct

from acd.control import ControlError, ask_for_files
from acd.journal import Folder, Rebuilt, rebuild
from acd.settings import SwitchSettings
from ivr.fastagi import FastAgiServer

log = structlog.get_logger()

HAND_OVER_S = 20.0
"""How long an old server may take to hand over."""


class Inheritance(Struct):
    """What a server begins with: nothing, at a plain start."""

    begun: Rebuilt | None = None
    """The core as it was a moment before the old server's last entry."""
    listeners: list[socket.socket] = []
    """The sockets that Asterisk calls."""
    since: int = 0
    """When the old server decided last, milliseconds since the epoch; 0 where there was none."""

    def listener(self, host: str, port: int) -> socket.socket | None:
        """Give the one socket that listens there, if it is so; it is the caller's from then on."""
        if len(self.listeners) == 1 and self.listeners[0].getsockname()[:2] == (host, port):
            return self.listeners.pop()
        return None

    @contextlib.contextmanager
    def closing(self) -> Iterator[None]:
        """Close what was not taken."""
        try:
            yield
        finally:
            self.close()

    def close(self) -> None:
        """Close what was not taken: the settings name another place now, or a name with several addresses."""
        while self.listeners:
            self.listeners.pop().close()


async def inherit(home: Path, journal: Path) -> Inheritance:
    """Read the journal as far as it is, then have the server of this home hand over.

    Raises:
        ControlError: it does not; it serves on.
        JournalError: the journal cannot be read; the server was not asked.

    """
    begun = await asyncio.to_thread(rebuild, Folder(journal))
    try:
        answer, files = await asyncio.to_thread(ask_for_files, home, "hand-over", timeout_s=HAND_OVER_S)
    except ControlError as error:
        raise ControlError(f"the running server does not hand over: {error}; stop it, then start anew") from error
    log.info("the running server has handed over", pid=answer["pid"], entries=answer["entry"] - begun.seq)
    return Inheritance(begun, [socket.socket(fileno=file) for file in files], answer["at"])


async def listen(agi: FastAgiServer, heritage: Inheritance, switch: SwitchSettings) -> None:
    """Have a FastAGI server listen where the settings say: on the old server's socket, if that is there.

    Raises:
        OSError: it cannot; the message says how to mend it.

    """
    host, port = switch.agi_host, switch.agi_port
    if (listener := heritage.listener(host, port)) is not None:
        agi.adopt(listener)
        return
    heritage.close()
    try:
        await agi.start(host, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise OSError(f"cannot listen on {host}:{port}, agi_host and agi_port of [switch]: {error}") from error
        raise OSError(
            f"port {port} of {host} is taken, by another callfloor or its demo maybe;"
            " end that, or set another agi_port in [switch] of acd.conf"
        ) from error
