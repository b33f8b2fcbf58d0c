"""How callers come to the FastAGI server, on both loops."""

import asyncio
import os
import resource
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import structlog
import uvloop
from agi_peer import connect, headers
from agi_server import ECHOED, call, echo, serving, without_parameters

from ivr.fastagi import FastAgiServer, Session


async def test_a_host_that_is_gone_is_noticed() -> None:
    """Every connection is watched by the kernel, which it has from the socket that listens."""
    seen: list[int] = []

    async def handler(session: Session) -> None:
        with socket.socket(fileno=os.dup(session.fileno())) as connection:
            seen.append(connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
            seen.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE))
            seen.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    async with serving(echo=handler) as server:
        await call(server)
    assert seen == [1, 30, 1]


async def test_all_who_wait_are_let_in_at_once() -> None:
    """While one session keeps the server busy, fifty that came meanwhile are let in before it has its next turn."""
    present: list[int] = []

    async def busy(session: Session) -> None:
        crowd = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
        for _ in range(3):  # one to see them, one to let them in, one to make them sessions
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        present.append(sum(map(len, server._headers.values())))
        for peer in crowd:
            peer.close()

    async with serving(busy=busy) as server, connect(server) as peer:
        peer.send(headers("busy"))
        await peer.closed()
    assert present == [50]


async def test_without_a_free_descriptor_callers_wait() -> None:
    """When the process can open nothing more that is said once, and who waits is let in as soon as it can."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with serving(echo=echo) as server, connect(server) as peer:
        waiting = socket.create_connection(("127.0.0.1", server.port))
        lowest = os.dup(waiting.fileno())
        os.close(lowest)
        with structlog.testing.capture_logs() as logs:
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
            try:
                await asyncio.sleep(0.2)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        peer.send(headers("echo"))
        assert await peer.rest("200 result=7") == ECHOED
        assert {entry["event"] for entry in logs} <= {"agi connections wait"}
        assert len(logs) <= 1
        waiting.close()


async def test_a_name_that_is_no_host_is_an_error() -> None:
    """Where nobody can listen the start fails, and leaves nothing behind."""
    server = FastAgiServer({})
    with pytest.raises(OSError, match="not"):
        await server.start("192.0.2.77", 0)
    await server.close()


@pytest.mark.parametrize("test", without_parameters(globals()))
def test_on_uvloop(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """What holds on asyncio's loop holds on uvloop too, the loop that the server runs on."""
    uvloop.run(test())
