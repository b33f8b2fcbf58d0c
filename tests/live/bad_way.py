"""A bad way between two switches: UDP, SIP and voice, with delay, jitter and loss as a test wants them.

One switch takes `BadWay.port` for the other one. SIP passes as it is but for the ports for voice in SDP, each of which
becomes one of ours; so RTP passes here too, and its RTCP on the port above. What goes to the other switch is `there`,
what comes from it is `back`.
"""

import asyncio
import contextlib
import random
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

HOST = "127.0.0.1"
FIRST_PORT, LAST_PORT = 33_000, 39_998
_AUDIO = re.compile(rb"^m=audio (\d+) ", re.MULTILINE)
_LENGTH = re.compile(rb"^(Content-Length|l):\s*\d+", re.MULTILINE | re.IGNORECASE)


@dataclass
class Way:
    """What one direction does to packets of RTP. RTCP is delayed only."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    """Each packet is late by up to so much more; none overtakes another one."""
    loss: float = 0.0
    carried: int = 0
    dropped: int = 0
    _free_at: float = 0.0
    _random: random.Random = field(default_factory=lambda: random.Random(3))

    def wait_s(self, now: float) -> float | None:
        """Say how long a packet takes; None if it is lost."""
        if self._random.random() < self.loss:
            self.dropped += 1
            return None
        self.carried += 1
        late_ms = self.delay_ms + self._random.random() * self.jitter_ms
        self._free_at = max(self._free_at + 0.0005, now + late_ms / 1000)  # timers of one moment may come in any order
        return self._free_at - now

    def clear(self) -> None:
        """Be a good way again."""
        self.delay_ms = self.jitter_ms = self.loss = 0.0
        self.carried = self.dropped = 0


class _Port(asyncio.DatagramProtocol):
    """A socket that hands on what it gets."""

    def __init__(self, take) -> None:
        self.take = take
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data, address) -> None:
        self.take(data, address)

    @property
    def number(self) -> int:
        return self.transport.get_extra_info("sockname")[1]


class BadWay:
    """The way to the switch whose SIP port is given. Made by `bad_way`."""

    def __init__(self, far_port: int) -> None:
        self.there, self.back = Way(), Way()
        self._far = (HOST, far_port)
        self._near: tuple[str, int] | None = None
        self._ports: list[_Port] = []
        self._voice: dict[bytes, tuple[list[_Port], list[_Port], list[int | None]]] = {}
        """Call to the ports that the far side knows, those that the near side knows, and the sides' own."""
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._towards_near: _Port
        self._towards_far: _Port

    @property
    def port(self) -> int:
        """What the near switch takes for the far one's SIP port."""
        return self._towards_near.number

    async def open(self) -> None:
        """Listen."""
        self._towards_near = await self._listen(self._from_near)
        self._towards_far = await self._listen(lambda data, _: self._from_far(data))

    def close(self) -> None:
        """Listen no more."""
        for port in self._ports:
            port.transport.close()

    async def _listen(self, take, sock: socket.socket | None = None) -> _Port:
        where = {"sock": sock} if sock else {"local_addr": (HOST, 0)}
        _, port = await self._loop.create_datagram_endpoint(lambda: _Port(take), **where)
        self._ports.append(port)
        return port

    def _from_near(self, data: bytes, address) -> None:
        self._near = address
        self._pass_on(data, self._towards_far, self._far, near=True)

    def _from_far(self, data: bytes) -> None:
        if self._near is not None:
            self._pass_on(data, self._towards_near, self._near, near=False)

    def _pass_on(self, data: bytes, port: _Port, to: tuple[str, int], *, near: bool) -> None:
        if _AUDIO.search(data) is None:
            port.transport.sendto(data, to)
        else:
            task = self._loop.create_task(self._pass_sdp(data, port, to, near=near))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_sdp(self, data: bytes, port: _Port, to: tuple[str, int], *, near: bool) -> None:
        call = re.search(rb"^(?:Call-ID|i):\s*(\S+)", data, re.MULTILINE | re.IGNORECASE)[1]
        if call not in self._voice:
            self._voice[call] = await self._open_voice()
        for_far, for_near, own = self._voice[call]
        head, _, body = data.partition(b"\r\n\r\n")
        own[0 if near else 1] = int(_AUDIO.search(body)[1])
        shown = (for_far if near else for_near)[0].number
        body = _AUDIO.sub(b"m=audio %d " % shown, body)
        head = _LENGTH.sub(rb"\1: %d" % len(body), head)
        port.transport.sendto(head + b"\r\n\r\n" + body, to)

    async def _open_voice(self):
        own: list[int | None] = [None, None]
        for_far: list[_Port] = []
        for_near: list[_Port] = []

        def carrier(above: int, *, there: bool):
            way = self.there if there else self.back
            out, side = (for_far, 1) if there else (for_near, 0)

            def take(data, _address) -> None:
                if own[side] is None:
                    return
                wait_s = way.delay_ms / 1000 if above else way.wait_s(self._loop.time())
                if wait_s is not None:
                    self._loop.call_later(wait_s, self._send, out[above], data, (HOST, own[side] + above))

            return take

        for ports, there in ((for_near, True), (for_far, False)):
            for above, sock in enumerate(_pair()):
                ports.append(await self._listen(carrier(above, there=there), sock))
        return for_far, for_near, own

    @staticmethod
    def _send(port: _Port, data: bytes, to: tuple[str, int]) -> None:
        if not port.transport.is_closing():
            port.transport.sendto(data, to)


def _pair() -> list[socket.socket]:
    """Take an even port and the one above it."""
    for number in random.sample(range(FIRST_PORT, LAST_PORT, 2), 200):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            pair = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2)]
            for above, sock in enumerate(pair):
                sock.bind((HOST, number + above))
            stack.pop_all()
            return pair
    raise AssertionError("no free ports for voice")


@contextlib.asynccontextmanager
async def bad_way(far_port: int) -> AsyncIterator[BadWay]:
    """Open a way, a good one at first."""
    way = BadWay(far_port)
    await way.open()
    try:
        yield way
    finally:
        way.close()
