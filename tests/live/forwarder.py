"""A handset that forwards: it registers, and answers each call with 302 Moved Temporarily (RFC 3261 section 8.1.3.4).

A softphone refuses and is busy, but it forwards nobody; the forwarding key of a desk phone is this answer.
"""

import re
from typing import Self

from tests.live.wire import HOST, Said, Sound, Wire


class Forwarder(Wire):
    """One handset. `asked` counts the calls that came to it."""

    def __init__(self, port: int, sender: bytes, password: str, sound: Sound) -> None:
        super().__init__(port, sender, password, sound)
        self.target = b""
        """The SIP address that a call is sent to."""
        self.asked = 0

    @classmethod
    async def registered(cls, port: int, seat: str, password: str, target: str) -> Self:
        """Register the handset of a seat, which forwards to an address."""
        address = f"<sip:{seat}@{HOST}>".encode()
        handset = await cls.open(port, address, password)
        handset.target = target.encode()
        handset._to = address
        uri = f"sip:{HOST}".encode()
        said = await handset._ask(b"REGISTER", uri, b"Expires: 120\r\n", b"", 5)
        assert said is not None
        assert said.status == 401
        extra = b"Expires: 120\r\n" + handset._credentials(said, "REGISTER", uri)
        said = await handset._ask(b"REGISTER", uri, extra, b"", 5)
        assert said is not None
        assert said.status == 200
        return handset

    async def hang_up(self) -> None:
        """There is nothing to hang up."""

    def _serve(self, request: Said) -> None:
        if request.method != "INVITE":
            super()._serve(request)
            return
        names = ("Via", "From", "To", "Call-ID", "CSeq")
        lines = b"".join(name.encode() + b": " + request.header(name) + b"\r\n" for name in names)
        lines = re.sub(rb"(?m)^(To: [^\r]*)", rb"\1;tag=forwarded", lines)
        moved = b"SIP/2.0 302 Moved Temporarily\r\n" + lines + b"Contact: <" + self.target + b">\r\n"
        self.asked += 1
        self.send(moved + b"Content-Length: 0\r\n\r\n")
