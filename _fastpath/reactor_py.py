"""Connections beside the event loop: the pure build, and the oracle of the compiled one. The manual is reactor.pyi."""

import asyncio
import os
import selectors
import socket
from collections import deque
from typing import Self

TURN_MOST = 64
PIECE_MOST = 65_536


class Connection:
    """A stream socket; what its peer says comes to its heir."""

    __slots__ = ("__weakref__", "_reactor", "_socket", "_unsent")

    _reactor: "Reactor"
    _socket: socket.socket | None
    _unsent: bytes

    def __new__(cls, *_: object, **__: object) -> Self:
        """Make it without a socket, whatever its heir's constructor takes."""
        made = super().__new__(cls)
        made._socket, made._unsent = None, b""
        return made

    def fileno(self) -> int:
        """Give the descriptor."""
        return -1 if self._socket is None else self._socket.fileno()

    def write(self, data: bytes) -> None:
        """Send."""
        if self._socket is None:
            return
        if not self._unsent:
            try:
                data = data[self._socket.send(data) :]
            except (BlockingIOError, InterruptedError):
                pass
            except OSError:  # the peer is gone; the next turn finds out why
                return
            if data:
                self._reactor.selector.modify(self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE, self)
        self._unsent += data

    def close(self) -> None:
        """End it."""
        if self._socket is not None:
            self._reactor.selector.unregister(self._socket)
            self._socket.close()
            self._socket, self._unsent = None, b""
            del self._reactor

    def begin(self, reactor: "Reactor", file: int) -> None:
        """Enter a reactor's set."""
        assert self._socket is None, "a connection is added once"
        connected = socket.socket(fileno=file)
        try:
            connected.settimeout(0)
            reactor.selector.register(connected, selectors.EVENT_READ, self)
        except OSError:
            connected.detach()
            raise
        self._socket, self._reactor = connected, reactor

    def serve(self, events: int) -> None:
        """Read a piece, send what is left over."""
        if self._socket is None:  # closed in this turn
            return
        try:
            data = self._socket.recv(PIECE_MOST)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            self.close()
            self.connection_lost(os.strerror(error.errno or 0))
        else:
            self.data_received(data)
            if not data:
                self.close()
        if events & selectors.EVENT_WRITE and self._unsent:
            unsent, self._unsent = self._unsent, b""
            self._reactor.selector.modify(self._socket, selectors.EVENT_READ, self)
            self.write(unsent)

    def data_received(self, data: bytes) -> None:
        """Take a piece."""
        raise NotImplementedError

    def connection_lost(self, reason: str) -> None:
        """Take note."""
        raise NotImplementedError


class Reactor:
    """All connections of one kind."""

    selector: selectors.DefaultSelector

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin with none."""
        self._loop = loop
        self._is_open = False
        self._ready: deque[tuple[Connection, int]] = deque()  # those for whom a turn had no room come first in the next

    def __len__(self) -> int:
        """Count them."""
        return len(self.selector.get_map()) if self._is_open else 0

    def add(self, connection: Connection, file: int) -> None:
        """Serve a connection."""
        if not self._is_open:
            self._is_open, self.selector = True, selectors.DefaultSelector()
            self._loop.add_reader(self.selector.fileno(), self._wake)
        connection.begin(self, file)

    def close(self) -> None:
        """End all connections."""
        if self._is_open:
            for key in list(self.selector.get_map().values()):
                key.data.close()
            self._loop.remove_reader(self.selector.fileno())
            self.selector.close()
            self._is_open = False
            self._ready.clear()

    def _wake(self) -> None:
        """Serve those who are ready, a bounded number of them."""
        if not self._ready:
            self._ready.extend((key.data, events) for key, events in self.selector.select(0))
        for _ in range(min(len(self._ready), TURN_MOST)):
            if self._ready:  # not closed in this turn
                connection, events = self._ready.popleft()
                try:
                    connection.serve(events)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is this connection's alone
                    self._loop.call_exception_handler({"message": "a connection failed", "exception": error})
                    connection.close()
                    connection.connection_lost("a failure of ours")


def accept(listener: int) -> tuple[int, str] | None:
    """Let in the next who waits."""
    with socket.socket(fileno=os.dup(listener)) as copy:
        copy.settimeout(0)
        try:
            connection, address = copy.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return None
    return connection.detach(), address[0] if address else ""
