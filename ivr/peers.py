"""How peers come to the FastAGI server, who may, when a host is dead, and what is logged of those turned away."""

import asyncio
import ipaddress
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

import structlog

from _fastpath import accept

log = structlog.get_logger()

LOOPBACK = ("127.0.0.0/8", "::1")
BACKLOG = 1_024
ACCEPT_MAX = 64
"""So many are let in at once; the others after those who were let in have had a turn."""
ACCEPT_RETRY_S = 1.0
"""After an attempt that found no file descriptor free."""


class Listener:
    """Sockets that listen, and let in all who wait.

    A loop's own server will not do: uvloop's lets one in each time it has served everybody else, so that with 200 calls
    at full load a new one waits for most of a second, and Asterisk gives up after two (res_agi).
    """

    def __init__(self, welcome: Callable[[int, str], None]) -> None:
        """Prepare it. `welcome` is given each connection's descriptor, to keep or to close, and its peer's address."""
        self._welcome = welcome
        self._loop = asyncio.get_running_loop()
        self._sockets: list[socket.socket] = []

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self._sockets[0].getsockname()[1])

    async def open(self, host: str, port: int) -> None:
        """Begin to listen, on every address that the host has; port 0 takes a free one.

        Raises:
            OSError: an address is taken or is none of this machine's.

        """
        found = await self._loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        try:
            for family, address in dict.fromkeys((one[0], one[4]) for one in found):
                listener = socket.create_server(address, family=family, backlog=BACKLOG)
                self._sockets.append(listener)
                listener.settimeout(0)
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # which connections have from it, too
                watch_for_dead_hosts(listener)
        except OSError:
            self.close()
            raise
        for listener in self._sockets:
            self._listen(listener)

    def adopt(self, listener: socket.socket) -> None:
        """Listen on a socket that listens already; who connects meanwhile just waits a moment."""
        listener.settimeout(0)
        watch_for_dead_hosts(listener)
        self._sockets.append(listener)
        self._listen(listener)

    def let_go(self) -> list[int]:
        """Listen no more, and give descriptors of the sockets, for somebody else to `adopt`."""
        files = [os.dup(listener.fileno()) for listener in self._sockets]
        self.close()
        return files

    def close(self) -> None:
        """Listen no more."""
        while self._sockets:
            listener = self._sockets.pop()
            self._loop.remove_reader(listener.fileno())
            listener.close()

    def _listen(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:  # not closed meanwhile
            self._loop.add_reader(listener.fileno(), self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(ACCEPT_MAX):
            try:
                arrival = accept(listener.fileno())
            except OSError as error:
                log.error("agi connections wait", reason=str(error), retry_s=ACCEPT_RETRY_S)  # noqa: TRY400 - the system's, no traceback
                self._loop.remove_reader(listener.fileno())
                self._loop.call_later(ACCEPT_RETRY_S, self._listen, listener)
                return
            if arrival is None:
                return
            self._welcome(*arrival)


class Peers:
    """A list of addresses and networks."""

    def __init__(self, peers: Iterable[str]) -> None:
        """Read it.

        Raises:
            ValueError: an entry is no address and no network.

        """
        self._networks = [ipaddress.ip_network(peer) for peer in peers]
        self.admits = lru_cache(256)(self._admits)  # few peers call often
        """Whether an address is on it."""

    def _admits(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)


def watch_for_dead_hosts(listener: socket.socket) -> None:
    """Let the kernel end a connection whose host is gone, within 60 s, however long a command may last.

    Connections have these options from the socket that listens (tcp(7) and socket(7) of Linux; so it is on BSD).
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):  # macOS names the first one otherwise
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


class Refusals:
    """Logs refusals, so that ten thousand of them are a few lines: the first at once, then a count each second."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def note(self, reason: str, details: Mapping[str, object]) -> None:
        """Log a refusal, or count it."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(1, self._flush)
        if reason not in self._counts:
            log.warning("agi session refused", reason=reason, **details)
            self._counts[reason] = 0
        else:
            self._counts[reason] += 1

    def close(self) -> None:
        """Log what is counted."""
        if self._timer is not None:
            self._timer.cancel()
            self._flush()

    def _flush(self) -> None:
        counts, self._counts, self._timer = self._counts, Counter(), None
        for reason, count in counts.items():
            if count:
                log.warning("agi sessions refused", reason=reason, more=count)
