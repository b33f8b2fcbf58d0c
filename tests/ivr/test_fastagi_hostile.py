"""The FastAGI server against hostile peers, through real sockets."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import pytest
import structlog
import uvloop
from agi_peer import connect, headers, until
from agi_server import ECHOED, QUICK, Ends, call, echo, serving, without_parameters

from ivr.fastagi import FastAgiServer, Limits, Session


@pytest.mark.parametrize(
    ("hostile", "reason"),
    [
        (b"", "no complete headers in time"),
        (b"agi_network: yes\nagi_net", "no complete headers in time"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not an AGI header"),
        (b"\x16\x03\x01\x00\xf8\n", "not an AGI header"),
        (headers(calleridname="x\nagi_uniqueid: forged"), "a header comes twice, so a forged one may be among them"),
        (headers("no-such-script"), "no such script"),
    ],
)
async def test_hostile_connections_are_closed(hostile: bytes, reason: str) -> None:
    """Silence, half a header, other protocols and forged headers end in a closed connection and one line in the log."""
    with structlog.testing.capture_logs() as logs:
        async with serving(QUICK, echo=echo) as server, connect(server) as peer:
            peer.send(hostile)
            await peer.closed()
            assert await call(server) == ECHOED
    assert [(entry["event"], entry["reason"]) for entry in logs] == [("agi session refused", reason)]


@pytest.mark.parametrize("start", [b"", headers("ends"), b"agi_x: "])
async def test_a_flood_of_bytes_ends_early(start: bytes) -> None:
    """A peer that wants to send a gigabyte is cut off after a small part of it, headers or not."""
    ends = Ends()
    async with serving(QUICK, ends=ends) as server, connect(server) as peer:
        peer.send(start)
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 1 << 30 and not peer.reader.at_eof():
                peer.send(b"a" * 65_536)
                sent += 65_536
                await peer.writer.drain()
        assert sent < 1 << 25
        await peer.closed()


async def test_slow_headers_do_not_keep_a_place() -> None:
    """A peer that drips one byte at a time is dropped when the time for headers is over."""
    async with (
        serving(
            QUICK,
        ) as server,
        connect(server) as peer,
    ):
        with contextlib.suppress(ConnectionError):
            while not peer.reader.at_eof():
                peer.send(b"a")
                await peer.writer.drain()  # raises when the connection was reset
                await asyncio.sleep(0.01)
        await peer.closed()
        assert not server._headers


async def test_silent_connections_cannot_starve_a_call() -> None:
    """However many silent connections are open, the oldest gives way and a call is served at once."""
    async with serving(Limits(header_connections=10), echo=echo) as server, AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(connect(server)) for _ in range(30)]
        assert await call(server) == ECHOED
        await silent[0].closed()
        assert sum(map(len, server._headers.values())) <= 10


async def test_the_crowd_gives_way_first() -> None:
    """The address with most silent connections loses its oldest, not the one that has only one."""
    server = FastAgiServer({}, limits=Limits(header_connections=2))
    lost: list[str] = []

    class Silent(Session):
        def refuse(self, _reason: str, **_details: object) -> None:
            lost.append(self.peer)
            server.leave_headers(self)

    for peer in ("10.0.0.1", "127.0.0.1", "10.0.0.1", "10.0.0.1"):
        server.enter_headers(Silent(server, peer))
    assert lost == ["10.0.0.1", "10.0.0.1"]


async def test_too_many_sessions() -> None:
    """The session above the limit is refused; when one ends, the next is served."""
    async with serving(Limits(sessions=1), echo=echo) as server:
        async with connect(server) as first:
            first.send(headers("echo"))
            await first.command()
            assert await call(server) == []
        await until(lambda: server.sessions == 0)
        assert await call(server) == ECHOED


async def test_strangers_are_refused() -> None:
    """Who is not on the list of addresses is closed before a byte is read."""
    served: list[Session] = []

    async def handler(session: Session) -> None:
        served.append(session)

    server = FastAgiServer({"echo": handler}, peers=["192.0.2.0/24"], limits=QUICK)
    await server.start(port=0)
    async with connect(server) as peer:
        peer.send(headers("echo"))
        await peer.closed()
    await server.close()
    assert served == []


@pytest.mark.parametrize(
    ("peer", "admitted"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("192.0.2.1", False), ("", False)],
)
async def test_admission(peer: str, admitted: bool) -> None:
    """Processes of this machine may connect by default, in every spelling of its address; nobody else may."""
    assert FastAgiServer({}).admits(peer) is admitted


def test_a_wrong_list_of_peers_is_refused() -> None:
    """What is no address and no network is an error at once."""
    with pytest.raises(ValueError, match="example"):
        FastAgiServer({}, peers=["example.net"])


async def test_calls_go_on_under_hostile_load() -> None:
    """A thousand connections that come and go, send garbage or hang do not disturb twenty calls."""
    async with serving(Limits(header_connections=50), echo=echo) as server:

        async def attack(number: int) -> None:
            with contextlib.suppress(OSError):
                async with connect(server) as peer:
                    peer.send([b"", b"\xff" * 100 + b"\n", b"agi_network", headers("nothing")][number % 4])
                    await asyncio.sleep(0.05 * (number % 3))

        async def calls() -> list[list[str]]:
            return [await call(server) for _ in range(10)]

        attackers = [asyncio.create_task(attack(number)) for number in range(1_000)]
        results = await asyncio.gather(*(calls() for _ in range(20)))
        assert [commands for result in results for commands in result] == [ECHOED] * 200
        await asyncio.gather(*attackers)


async def test_refusals_are_a_few_lines() -> None:
    """Hundreds of refusals for one reason are one line, and one with the count."""
    with structlog.testing.capture_logs() as logs:
        async with serving(echo=echo) as server:
            for number in range(200):
                async with connect(server) as peer:
                    peer.send(f"rubbish {number}\n".encode())
                    await peer.closed()
    first, *counts = [entry for entry in logs if entry["reason"] == "not an AGI header"]
    assert first["received"] == "rubbish 0"
    assert sum(entry.get("more", 1) for entry in counts) == 199
    assert len(counts) < 20


@pytest.mark.parametrize("test", without_parameters(globals()))
def test_on_uvloop(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """What holds on asyncio's loop holds on uvloop too, the loop that the server runs on."""
    uvloop.run(test())
