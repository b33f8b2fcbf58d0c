"""A message centre of the tests, on bare octets: it shares no line with what it is there to test."""

import asyncio
import contextlib
import struct

from tests.channels.mail_house import until

BINDS = {1: "receiver", 2: "transmitter", 9: "transceiver"}


def tlv(tag: int, value: bytes) -> bytes:
    return struct.pack(">HH", tag, len(value)) + value


def body(
    text: bytes, source="48601602603", to="48221234567", *, coding=0, esm=0, ton=1, tlvs=b"", length=None, registered=0
) -> bytes:
    """Give the body of a deliver_sm."""
    told = b"\0" + bytes([ton, 1]) + source.encode() + b"\0" + b"\x01\x01" + to.encode() + b"\0"
    told += bytes([esm, 0, 0]) + b"\0\0" + bytes([registered, 0, coding, 0, len(text) if length is None else length])
    return told + text + tlvs


def part(text: bytes, ref: int, total: int, number: int, **more) -> bytes:
    return body(bytes([5, 0, 3, ref, total, number]) + text, esm=0x40, **more)


class Submitted:
    """A text that we were given, taken apart by hand."""

    def __init__(self, octets: bytes):
        end = octets.index(b"\0") + 1
        self.source, end = octets[end + 2 : octets.index(b"\0", end + 2)].decode(), octets.index(b"\0", end + 2) + 1
        self.to, end = octets[end + 2 : octets.index(b"\0", end + 2)].decode(), octets.index(b"\0", end + 2) + 1
        self.esm = octets[end]
        end = octets.index(b"\0", octets.index(b"\0", end + 3) + 1) + 1
        self.registered, _, self.coding, _, length = octets[end : end + 5]
        self.octets = octets[end + 5 : end + 5 + length]

    @property
    def text(self) -> str:
        octets = self.octets[self.octets[0] + 1 :] if self.esm & 0x40 else self.octets
        return octets.decode("utf-16-be" if self.coding == 8 else "ascii")


class Centre:
    """Listens, lets anybody bind, and remembers; what it answers to a submit_sm is the test's choice."""

    def __init__(self, port: int = 0):
        self.port, self.binds, self.submitted, self.answers = port, [], [], {}
        self.bound = asyncio.Event()
        self.status_of_bind, self.answers_enquiries, self.enquiries = 0, True, 0
        self.on_submit = lambda _: (0, f"id-{len(self.submitted)}")
        """Text -> status and name, or None for no answer."""
        self.others: list[tuple[int, int]] = []
        """Commands that came besides, with their status."""
        self._writer, self._sequence = None, 100

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        self.drop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 1)

    def drop(self):
        """Break the session."""
        self.bound.clear()
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    async def _serve(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                length, command, status, sequence = struct.unpack(">IIII", await reader.readexactly(16))
                octets = await reader.readexactly(length - 16)
                self._got(writer, command, status, sequence, octets)
        if self._writer is writer:
            self._writer = None
            self.bound.clear()
        writer.close()

    def _got(self, writer, command, status, sequence, octets):
        if command in BINDS:
            self.binds.append((BINDS[command], *octets.split(b"\0")[:2]))
            self.send(0x80000000 | command, b"smsc\0", self.status_of_bind, sequence, writer)
            if not self.status_of_bind:
                self._writer = writer
                self.bound.set()
        elif command == 0x04:
            one = Submitted(octets)
            self.submitted.append(one)
            answer = self.on_submit(one)
            if answer is not None:
                self.send(0x80000004, answer[1].encode() + b"\0", answer[0], sequence, writer)
        elif command == 0x15:
            self.enquiries += 1
            if self.answers_enquiries:
                self.send(0x80000015, b"", 0, sequence, writer)
        elif command == 0x80000005:
            self.answers[sequence] = status
        else:
            self.others.append((command, status))
            if command == 0x06:
                self.send(0x80000006, b"", 0, sequence, writer)

    def send(self, command, octets=b"", status=0, sequence=None, writer=None) -> int:
        """Send a PDU; gives its sequence number."""
        if sequence is None:
            self._sequence += 1
            sequence = self._sequence
        self.raw(struct.pack(">IIII", 16 + len(octets), command, status, sequence) + octets, writer)
        return sequence

    def raw(self, octets: bytes, writer=None):
        (writer or self._writer).write(octets)

    async def bring(self, octets: bytes, command=0x05) -> int:
        """Bring a message; gives the status that it is answered with."""
        await asyncio.wait_for(self.bound.wait(), 10)
        sequence = self.send(command, octets)
        await until(lambda: sequence in self.answers)
        return self.answers[sequence]

    async def brings(self, text: str, **more) -> int:
        if text.isascii():
            return await self.bring(body(text.encode(), **more))
        return await self.bring(body(text.encode("utf-16-be"), coding=8, **more))

    def receipt(self, name: str, stat: str, **more) -> bytes:
        """Give the body of a delivery receipt."""
        text = f"id:{name} sub:001 dlvrd:000 submit date:2611302100 done date:2611302101 stat:{stat} err:042 text:x"
        return body(text.encode(), esm=0x04, **more)
