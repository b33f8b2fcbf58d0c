"""The wire of a connection to an IMAP server: what is read of it is bounded, whatever the server announces."""

import imaplib
import socket
import ssl

LINE_MOST = 1 << 20
"""Bytes of a line: the numbers of some 100,000 mails."""
ANSWER_MOST = 1 << 18
"""Bytes of an answer, without the mail or the numbers in it."""
_PIECE = 1 << 16


class Wire(imaplib.IMAP4):
    """What imapclient writes to and reads from.

    Args:
        made: the connection.
        host: whose it is.

    """

    def __init__(self, made: socket.socket, host: str) -> None:
        self._made, self._read_from = made, made
        self._held = bytearray()
        self.allowed = ANSWER_MOST
        """Bytes that may still come."""
        super().__init__(host)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        """Take the connection that there is."""
        del timeout
        self.host, self.port, self.sock = host, port, self._made

    def shutdown(self) -> None:
        """End it."""
        self.sock.close()

    def readline(self) -> bytes:
        """Give the next line, the empty one at the end of all."""
        self._follow()
        searched = 0
        while (end := self._held.find(b"\n", searched)) < 0:
            searched = len(self._held)
            if searched > LINE_MOST:
                raise self.abort("it sends a line without end")
            if not self._more():
                return b""
        return self._taken(end + 1)

    def read(self, size: int) -> bytes:
        """Give so many bytes; if more are announced than were asked for, none is read."""
        self._follow()
        if size > self.allowed + len(self._held):
            raise self.abort("it sends more than was asked for")
        while len(self._held) < size:
            if not self._more():
                raise self.abort("it hung up in the midst of a mail")
        return self._taken(size)

    def _follow(self) -> None:
        """Forget what was said before the connection was encrypted: anybody could have put it there."""
        if self.sock is not self._read_from:
            self._held.clear()
            self._read_from = self.sock

    def _more(self) -> bool:
        piece = self.sock.recv(_PIECE)
        self._held += piece
        self.allowed -= len(piece)
        if self.allowed < 0:
            raise self.abort("it sends more than was asked for")
        return bool(piece)

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken

    @property
    def has_more(self) -> bool:
        """Whether something was read that nobody has asked for yet."""
        return bool(self._held) or (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0)
