"""Who may connect to the FastAGI server, when a peer's host is dead, and what is logged of those turned away."""

import asyncio
import ipaddress
import socket
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

import structlog

log = structlog.get_logger()

LOOPBACK = ("127.0.0.0/8", "::1")


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
