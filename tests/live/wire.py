"""A SIP caller that sends whatever bytes it is told, over a plain UDP socket.

A softphone and sipp are too well-behaved for hostile input: they will not send an address with a NUL, half a header or
a name of ten kilobytes. A `Wire` is one call: it writes its requests from pieces of bytes, answers challenges,
acknowledges, and says 200 to what the other side asks of it. Its `Sound` counts the packets that it hears, and strikes
keys as RFC 4733 events as fast as it is told. It may offer a stream of text beside (T.140 with RED, RFC 4103).
"""

import asyncio
import re
import secrets
from hashlib import md5
from typing import NamedTuple, Self, cast

HOST = "127.0.0.1"
WITHIN_S = 20.0
_RETRANSMIT_S = 0.5
_EVENTS = 101
"""The payload type of RFC 4733 events."""
_KEYS = "0123456789*#ABCD"
RED, T140 = 103, 98
"""The payload types of text, with redundancy and without."""
_TEXT = (
    f"m=text {{}} RTP/AVP {RED} {T140}\r\na=rtpmap:{T140} t140/1000\r\na=rtpmap:{RED} red/1000\r\n"
    f"a=fmtp:{RED} {T140}/{T140}/{T140}\r\n"
)


class Said(NamedTuple):
    """A message from the other side."""

    status: int
    """0 for a request."""
    method: str
    raw: bytes

    def header(self, name: str) -> bytes:
        """Give the first value of a header; empty if there is none."""
        found = re.search(rb"(?im)^" + name.encode() + rb"[ \t]*:[ \t]*(.*?)\r$", self.raw)
        return found[1] if found else b""


class Sound(asyncio.DatagramProtocol):
    """The RTP of one call (RFC 3550)."""

    def __init__(self) -> None:
        self.heard = 0
        """Packets received."""
        self.missed = 0
        """Packets that should have come between those received, by their sequence numbers."""
        self._last: int | None = None
        self._sequence = 0
        self._source = secrets.token_bytes(4)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)  # it is one in all but its class
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, _address: object) -> None:
        sequence = int.from_bytes(data[2:4])
        if self._last is not None and not data[1] & 0x80:  # a marked packet begins anew
            self.missed += (sequence - self._last - 1) & 0xFFFF
        self._last = sequence
        self.heard += 1

    def send(self, kind: int, payload: bytes, port: int) -> None:
        """Send one packet of a payload type."""
        head = bytes([0x80, kind]) + self._sequence.to_bytes(2) + (self._sequence * 160).to_bytes(4)
        self.transport.sendto(head + self._source + payload, (HOST, port))
        self._sequence = (self._sequence + 1) & 0xFFFF

    def strike(self, key: str, port: int) -> None:
        """Press and release a key: its event begins, and ends three times for those who lose packets."""
        timestamp = (self._sequence * 160).to_bytes(4)
        for place, end in enumerate((0, 0x80, 0x80, 0x80)):
            head = bytes([0x80, _EVENTS | (0 if place else 0x80)]) + self._sequence.to_bytes(2) + timestamp
            event = bytes([_KEYS.index(key), end | 10]) + (160).to_bytes(2)
            self.transport.sendto(head + self._source + event, (HOST, port))
            self._sequence = (self._sequence + 1) & 0xFFFF


class Wire(asyncio.DatagramProtocol):
    """One call."""

    def __init__(self, port: int, sender: bytes, password: str, sound: Sound) -> None:
        self.sender, self.password, self.sound = sender, password, sound
        self.over = asyncio.Event()
        """The other side has hung up."""
        self._server = (HOST, port)
        self._call_id, self._tag = secrets.token_hex(8), secrets.token_hex(4)
        self._cseq = 0
        self._to = b""
        self._target = b"sip:%s:%d" % (HOST.encode(), port)
        self._sound_port = 0
        self._with_text = False
        self.text_port = 0
        """Where the other side takes text; 0: it takes none."""
        self._answers: asyncio.Queue[Said] = asyncio.Queue()

    @classmethod
    async def open(cls, port: int, sender: bytes = b"<sip:5550201@127.0.0.1>", password: str = "") -> Self:
        """Make a caller of the Asterisk at a port; `sender` is the value of his From, without a tag."""
        loop = asyncio.get_running_loop()
        _, sound = await loop.create_datagram_endpoint(Sound, local_addr=(HOST, 0))
        _, wire = await loop.create_datagram_endpoint(lambda: cls(port, sender, password, sound), local_addr=(HOST, 0))
        return wire

    async def dial(self, user: bytes = b"5550102", extra: bytes = b"", within_s: float = WITHIN_S) -> int:
        """Call, with more headers if given; the final status, or 0 if there is none in time."""
        uri = b"sip:" + user + b"@" + HOST.encode()
        said = await self._ask(b"INVITE", uri, extra, self._offer(), within_s)
        if said is not None and said.status in {401, 407}:
            extra += self._credentials(said, "INVITE", uri)
            said = await self._ask(b"INVITE", uri, extra, self._offer(), within_s)
        return said.status if said is not None else 0

    async def dial_with_text(self) -> int:
        """Call with a stream of text on the sound's own port beside the sound; the final status."""
        self._with_text = True
        return await self.dial()

    def type(self, payload: bytes, kind: int = RED) -> None:
        """Send a packet of text, to where text is taken, and to where sound is."""
        for port in (self.text_port, self._sound_port):
            if port:
                self.sound.send(kind, payload, port)

    async def again(self, extra: bytes) -> int:
        """Negotiate anew within the call (re-INVITE), with more headers."""
        said = await self._ask(b"INVITE", self._target, extra, self._offer(), WITHIN_S)
        assert said is not None
        return said.status

    async def press(self, digits: str) -> None:
        """Press keys by SIP INFO, one after the other."""
        for digit in digits:
            body = f"Signal={digit}\r\nDuration=100\r\n".encode()
            await self._ask(b"INFO", self._target, b"Content-Type: application/dtmf-relay\r\n", body, WITHIN_S)

    def strike(self, digits: str) -> None:
        """Press keys by RFC 4733."""
        for digit in digits:
            self.sound.strike(digit, self._sound_port)

    async def hang_up(self) -> None:
        """End the call, unless the other side has."""
        if not self.over.is_set():
            await self._ask(b"BYE", self._target, b"", b"", WITHIN_S)

    def send(self, data: bytes) -> None:
        """Send anything."""
        self.transport.sendto(data, self._server)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            if self._to:
                await self.hang_up()
        finally:
            self.transport.close()
            self.sound.transport.close()

    # What comes in

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)  # it is one in all but its class
        self._port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, _address: object) -> None:
        first = data.partition(b"\r\n")[0]
        if not first.startswith(b"SIP/2.0 "):
            self._serve(Said(0, first.partition(b" ")[0].decode(), data))
            return
        said = Said(int(first.split()[1]), "", data)
        sequence, _, method = said.header("CSeq").partition(b" ")
        said = said._replace(method=method.strip().decode())
        if said.status < 200:
            return
        if said.method == "INVITE":
            if said.status == 200:
                self._to = said.header("To")
                contact = re.search(rb"<([^>]*)>", said.header("Contact"))
                self._target = contact[1] if contact else self._target
                audio = re.search(rb"(?m)^m=audio (\d+) ", data)
                self._sound_port = int(audio[1]) if audio else 0
                text = re.search(rb"(?m)^m=text (\d+) ", data)
                self.text_port = int(text[1]) if text else 0
            uri = self._target if said.status == 200 else b"sip:" + HOST.encode()
            branch = secrets.token_hex(8) if said.status == 200 else f"{self._call_id}{int(sequence)}"
            self.send(self._request(b"ACK", uri, int(sequence), branch, to=said.header("To")))
        self._answers.put_nowait(said)

    def _serve(self, request: Said) -> None:
        """Say 200 to a request; whoever hears a BYE knows that the call is over."""
        if request.method == "ACK":
            return
        names = ("Via", "From", "To", "Call-ID", "CSeq")
        lines = b"".join(name.encode() + b": " + request.header(name) + b"\r\n" for name in names)
        self.send(b"SIP/2.0 200 OK\r\n" + lines + b"Content-Length: 0\r\n\r\n")
        if request.method == "BYE":
            self.over.set()

    # What goes out

    async def _ask(self, method: bytes, uri: bytes, extra: bytes, body: bytes, within_s: float) -> Said | None:
        """Send a request until its final answer is there (RFC 3261 section 17.1), or None in time."""
        self._cseq += 1
        sequence = self._cseq
        branch = f"{self._call_id}{sequence}"
        message = self._request(method, uri, sequence, branch, to=self._to, extra=extra, body=body)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while (left := deadline - loop.time()) > 0:
            self.send(message)
            try:
                async with asyncio.timeout(min(left, _RETRANSMIT_S)):
                    while True:
                        said = await self._answers.get()
                        if said.header("CSeq") == b"%d %s" % (sequence, method):
                            return said
            except TimeoutError:
                pass
        return None

    def _request(
        self, method: bytes, uri: bytes, sequence: int, branch: str, *, to: bytes, extra: bytes = b"", body: bytes = b""
    ) -> bytes:
        lines = [
            method + b" " + uri + b" SIP/2.0",
            f"Via: SIP/2.0/UDP {HOST}:{self._port};branch=z9hG4bK{branch}".encode(),
            b"From: " + self.sender + f";tag={self._tag}".encode(),
            b"To: " + (to or b"<sip:callee@" + HOST.encode() + b">"),
            f"Call-ID: {self._call_id}\r\nCSeq: {sequence} ".encode() + method,
            f"Contact: <sip:wire@{HOST}:{self._port}>\r\nMax-Forwards: 70".encode(),
            extra
            + (b"Content-Type: application/sdp\r\n" if method == b"INVITE" else b"")
            + b"Content-Length: %d\r\n\r\n" % len(body),
        ]
        return b"\r\n".join(lines) + body

    def _offer(self) -> bytes:
        return (
            f"v=0\r\no=wire 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
            f"m=audio {self.sound.port} RTP/AVP 8 {_EVENTS}\r\na=rtpmap:8 PCMA/8000\r\n"
            f"a=rtpmap:{_EVENTS} telephone-event/8000\r\na=fmtp:{_EVENTS} 0-16\r\n"
            + (_TEXT.format(self.sound.port) if self._with_text else "")
        ).encode()

    def _credentials(self, challenge: Said, method: str, uri: bytes) -> bytes:
        """Answer a digest challenge (RFC 2617; qop auth)."""
        asked = (challenge.header("WWW-Authenticate") or challenge.header("Proxy-Authenticate")).decode()
        words = dict(re.findall(r'(\w+)="?([^",]*)"?', asked))
        user = re.search(rb"sip:([^@]*)@", self.sender)
        assert user is not None
        name = user[1].decode()
        first = _hash(f"{name}:{words['realm']}:{self.password}")
        second = _hash(f"{method}:{uri.decode()}")
        answer = _hash(f"{first}:{words['nonce']}:00000001:{self._tag}:auth:{second}")
        return (
            f'Authorization: Digest username="{name}", realm="{words["realm"]}", nonce="{words["nonce"]}", '
            f'uri="{uri.decode()}", response="{answer}", qop=auth, nc=00000001, cnonce="{self._tag}", '
            f'opaque="{words.get("opaque", "")}", algorithm=MD5\r\n'
        ).encode()


def _hash(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
