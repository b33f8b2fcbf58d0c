# ruff: noqa: PYI021 - the stub is the manual
"""Connections beside the event loop: stream sockets that a reactor of their own serves, and the loop only wakes.

For many connections that each say one short line after another. A `Reactor` holds them in one set, which is all that
the loop knows of; a `Connection` is what its heir makes of the pieces that come.

    piece      what was read of a connection at once, 64 KiB at most
    turn       what the loop wakes a reactor for: it serves those who are ready, 64 pieces in all, then the loop goes on
               with everything else. Who is still ready comes first in the next turn

Of what a peer sends nothing is held here. Of what is written to a peer who does not read, all is: the heir bounds it.

For the loop's thread alone. Both builds do the same. Works on every event loop that has `add_reader`; the compiled
build knows Linux only.

Load it is made for, and what it gains: see exchange.pyi.
"""

import asyncio

class Connection:
    """A stream socket, from the time when it is added to a `Reactor`. The heir says what comes of what is read.

    A heir's constructor takes what it likes; this one takes and needs nothing.
    """

    def fileno(self) -> int:
        """Give the descriptor of the socket; -1 while there is none and when it is closed."""

    def write(self, data: bytes) -> None:
        """Send, now or as soon as the peer reads. When there is no connection nothing happens.

        It calls nobody back: if the peer is gone, a later turn says so.
        """

    def close(self) -> None:
        """End it at once and call nobody back.

        What the system has taken still reaches a peer that reads; what it has not is lost.
        """

    def data_received(self, data: bytes) -> None:
        """Take a piece; no bytes when the peer sends no more, and then the connection is closed. The heir's to say."""

    def connection_lost(self, reason: str) -> None:
        """Take note that the connection broke, and is closed: the system's word for why. The heir's to say."""

class Reactor:
    """All connections of one kind."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin with none; nothing is opened before the first comes."""

    def __len__(self) -> int:
        """Count the connections that are open."""

    def add(self, connection: Connection, file: int) -> None:
        """Serve a connection from now on; its descriptor is closed with it.

        What its heir raises goes to the loop's exception handler and ends this connection, and no other.

        Raises:
            OSError: it cannot be watched, or the system is out of memory; the descriptor stays the caller's.

        """

    def close(self) -> None:
        """End all connections, calling nobody back, and leave the loop. The next that is added begins anew."""

def accept(listener: int) -> tuple[int, str] | None:
    """Let in the next who waits at a socket that listens and does not block: the connection and its peer's address.

    Returns:
        The descriptor, which is the caller's, and an IP address as text; None if nobody waits, or who did has gone.

    Raises:
        OSError: the system lets nobody in, for want of descriptors or memory.

    """
