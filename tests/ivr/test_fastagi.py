"""The FastAGI server, through real sockets: sessions, limits, and what hostile peers try."""

import asyncio
import contextlib
import gc
import socket
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import structlog
import uvloop
from agi_peer import connect, headers, until
from agi_server import ECHOED, QUICK, Ends, call, echo, serving, without_parameters

from _fastpath import CommandError
from ivr.agi import Verb
from ivr.fastagi import FastAgiServer, Limits, Session
from ivr.flow import CallOverError


async def test_a_session() -> None:
    """The script's handler runs, its commands come one by one, and when it returns the connection is closed."""
    async with serving(echo=echo) as server:
        assert await call(server) == ECHOED
        await until(lambda: server.sessions == 0)


async def test_headers_byte_by_byte() -> None:
    """A peer may send as slowly as it likes within the time that headers have."""
    async with serving(Limits(), echo=echo) as server, connect(server) as peer:
        for byte in headers("echo"):
            peer.send(bytes([byte]))
            await asyncio.sleep(0)
        assert await peer.rest("200 result=7") == ECHOED


async def test_a_long_header_is_logged_and_the_call_goes_on() -> None:
    """A caller with a name of 64 kB is served like any other."""
    with structlog.testing.capture_logs() as logs:
        async with serving(echo=echo) as server, connect(server) as peer:
            peer.send(headers("echo", calleridname="n" * 65_536))
            assert await peer.rest("200 result=7") == ECHOED
    assert [(entry["event"], entry["names"]) for entry in logs] == [("agi headers cut", ("calleridname",))]


async def test_routes_can_be_replaced() -> None:
    """After a reload new calls get the new handler; running ones keep the old one."""
    async with serving(echo=echo) as server, connect(server) as old:
        old.send(headers("echo"))
        assert await old.command() == ECHOED[0]
        server.routes = {}
        async with connect(server) as new:
            new.send(headers("echo"))
            await new.closed()
        old.send(b"200 result=7\n")
        assert await old.answer() == ECHOED[1]


@pytest.mark.parametrize(
    "last", [b"HANGUP\n", b"200 result=-1\nHANGUP\n", b"", b"rubbish\n", b"200 result=1\n200 result=1\n"]
)
async def test_the_end_cancels_the_handler(last: bytes) -> None:
    """Hang-up, end of stream and nonsense cancel the flow where it waits, and its clean-up runs."""
    ends = Ends()
    async with serving(ends=ends) as server, connect(server) as peer:
        peer.send(headers("ends"))
        await peer.command()
        if last:
            peer.send(last)
        else:
            peer.writer.close()
        await until(lambda: ends.how)
        assert ends.how[0] == "CancelledError"
        assert ends.how[1] in {"hung up", "connection closed", "not an AGI response", "a line that nobody asked for"}
        await until(lambda: server.sessions == 0)


@pytest.mark.parametrize("abort", [True, False])
async def test_connection_reset(abort: bool) -> None:
    """A reset ends the session like an end of stream does."""
    ends = Ends()
    async with serving(ends=ends) as server, connect(server) as peer:
        peer.send(headers("ends"))
        await peer.command()
        if abort:
            linger = b"\x01\0\0\0\0\0\0\0"  # close with a reset
            peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        peer.writer.transport.abort()
        await until(lambda: ends.how)
        assert ends.how[0] == "CancelledError"


async def test_a_clean_up_cannot_command() -> None:
    """After the end a command fails at once, and says why."""
    said: list[str] = []

    async def handler(session: Session) -> None:
        try:
            await session.command("GET DATA", "ask", 5_000, 1)
        finally:
            try:
                await session.command("STREAM FILE", "goodbye", "")
            except CallOverError as error:
                said.append(str(error))

    async with serving(handler=handler) as server, connect(server) as peer:
        peer.send(headers("handler"))
        await peer.command()
        peer.send(b"HANGUP\n")
        await until(lambda: said)
    assert said == ["STREAM FILE cannot be performed: the call has left this flow (hung up)"]


async def test_a_task_of_the_handler_ends_with_the_call() -> None:
    """A command that another task waits for is cancelled too: nothing of a call stays behind."""
    tasks: list[asyncio.Future[Any]] = []

    async def handler(session: Session) -> None:
        tasks.append(asyncio.ensure_future(session.command("GET DATA", "ask", 5_000, 1)))
        await asyncio.sleep(60)

    async with serving(handler=handler) as server, connect(server) as peer:
        peer.send(headers("handler"))
        await peer.command()
        peer.send(b"HANGUP\n")
        await until(tasks[0].done)
        assert tasks[0].cancelled()


async def test_a_command_that_was_given_up_keeps_its_answer() -> None:
    """When a flow stops waiting, the next command goes out only after the late answer, and gets its own."""
    got: list[str] = []

    async def handler(session: Session) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await session.command("STREAM FILE", "music", "", lasts_ms=60_000)
        got.append((await session.command("GET VARIABLE", "X")).result)

    async with serving(handler=handler) as server, connect(server) as peer:
        peer.send(headers("handler"))
        assert await peer.answer("200 result=0 endpos=5") == 'STREAM FILE "music" ""'
        assert await peer.answer("200 result=1 (x)") == 'GET VARIABLE "X"'
        await until(lambda: got)
    assert got == ["1"]


async def test_a_late_answer_ends_the_session() -> None:
    """An answer has as long as the command may last and a little more; then nothing can be told from anything."""
    ends = Ends("ANSWER", 0)
    async with serving(QUICK, ends=ends) as server, connect(server) as peer:
        peer.send(headers("ends"))
        await peer.command()
        await peer.closed()
        assert ends.how == ["CancelledError", "no answer to ANSWER in time"]


async def test_a_bad_argument_harms_only_its_command() -> None:
    """A text that cannot be sent raises in the flow, which can go on."""

    async def handler(session: Session) -> None:
        with pytest.raises(CommandError):
            await session.command("SET VARIABLE", "X", "a\nHANGUP")
        await session.command("ANSWER")

    async with serving(handler=handler) as server, connect(server) as peer:
        peer.send(headers("handler"))
        assert await peer.rest() == ["ANSWER"]


async def test_a_handler_that_fails_is_logged() -> None:
    """An exception closes the session, and the log tells of it."""

    async def handler(_session: Session) -> None:
        raise ValueError("broken")

    with structlog.testing.capture_logs() as logs:
        async with serving(handler=handler) as server, connect(server) as peer:
            peer.send(headers("handler"))
            await peer.closed()
    assert [entry["event"] for entry in logs] == ["agi handler failed"]


async def test_closing_lets_calls_end() -> None:
    """A running session may end by itself while the server closes; a new one is not taken."""
    async with serving(Limits(grace_ms=5_000), echo=echo) as server, connect(server) as peer:
        peer.send(headers("echo"))
        await peer.command()
        closing = asyncio.create_task(server.close())
        await asyncio.sleep(0)
        peer.send(b"200 result=7\n")
        assert await peer.answer() == ECHOED[1]
        await closing


async def test_closing_cancels_what_stays() -> None:
    """A session that does not end within the grace is cancelled, and its clean-up runs."""
    ends = Ends()
    async with serving(QUICK, ends=ends) as server, connect(server) as peer, connect(server) as silent:
        peer.send(headers("ends"))
        await peer.command()
        await server.close()
        assert ends.how == ["CancelledError", "server closes"]
        await silent.closed()


async def test_an_endless_clean_up_is_cut_short() -> None:
    """A flow that hangs in its clean-up does not keep its place for ever, and the log tells of it."""

    async def handler(session: Session) -> None:
        try:
            await session.command("GET DATA", "ask", 5_000, 1)
        finally:
            await asyncio.sleep(60)

    with structlog.testing.capture_logs() as logs:
        async with serving(QUICK, handler=handler) as server, connect(server) as peer:
            peer.send(headers("handler"))
            await peer.command()
            peer.send(b"HANGUP\n")
            await until(lambda: server.sessions == 0)
    assert [entry["event"] for entry in logs] == ["clean-up of an agi handler takes too long"]


async def test_commands_of_several_tasks_take_turns() -> None:
    """Commands go out in the order in which they were wanted; one whose wait was given up is never sent."""

    async def handler(session: Session) -> None:
        tasks = [asyncio.ensure_future(session.command("SET VARIABLE", "N", number)) for number in range(5)]
        await asyncio.sleep(0)
        tasks[0].cancel()  # is out already
        tasks[2].cancel()
        await asyncio.wait(tasks)

        async def send(verb: Verb, *args: str) -> None:
            await session.command(verb, *args)

        with pytest.raises(CommandError):
            await asyncio.gather(*(send("SET VARIABLE", "N", text) for text in ("5", "\n", "6")))
        await session.command("ANSWER")

    async with serving(handler=handler) as server, connect(server) as peer:
        peer.send(headers("handler"))
        sent = await peer.rest()
    assert sent == [*(f'SET VARIABLE "N" "{number}"' for number in (0, 1, 3, 4, 5, 6)), "ANSWER"]


async def test_a_turn_that_comes_too_late_is_passed_on() -> None:
    """A task that is cancelled in the very moment in which it may send does not keep the others from sending."""

    async def handler(session: Session) -> None:
        async def first() -> None:
            await session.command("SET VARIABLE", "N", 0)
            second.cancel()

        tasks: list[asyncio.Future[Any]] = [asyncio.create_task(first())]
        await asyncio.sleep(0)
        tasks += [asyncio.ensure_future(session.command("SET VARIABLE", "N", n)) for n in (1, 2)]
        second = tasks[1]
        await asyncio.wait(tasks)
        assert second.cancelled()

    async with serving(handler=handler) as server, connect(server) as peer:
        peer.send(headers("handler"))
        assert await peer.rest() == ['SET VARIABLE "N" "0"', 'SET VARIABLE "N" "2"']


async def test_who_waits_for_his_turn_when_the_call_ends_is_told() -> None:
    """The command that is out is cancelled by a hang-up; those behind it fail, and say why."""
    tasks: list[asyncio.Future[Any]] = []

    async def handler(session: Session) -> None:
        tasks.extend(asyncio.ensure_future(session.command("GET DATA", "ask", 5_000, 1)) for _ in range(3))
        await asyncio.sleep(60)

    async with serving(handler=handler) as server, connect(server) as peer:
        peer.send(headers("handler"))
        await peer.command()
        peer.send(b"HANGUP\n")
        await until(lambda: len(tasks) == 3 and all(task.done() for task in tasks))
        assert tasks[0].cancelled()
        assert [str(task.exception()) for task in tasks[1:]] == [
            "GET DATA cannot be performed: the call has left this flow (hung up)"
        ] * 2


async def test_a_time_out_is_that_of_the_command_that_is_out() -> None:
    """A long command's time does not lengthen a short one's behind it, and an idle session has none."""
    lasted: list[float] = []

    async def handler(session: Session) -> None:
        await session.command("STREAM FILE", "music", "", lasts_ms=60_000)
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        try:
            await session.command("ANSWER")
        finally:
            lasted.append(asyncio.get_running_loop().time() - began)

    async with serving(QUICK, handler=handler) as server, connect(server) as peer:
        peer.send(headers("handler"))
        await peer.answer("200 result=0 endpos=5")
        assert await peer.command() == "ANSWER"
        await peer.closed()
        await until(lambda: lasted)
    assert 0.4 < lasted[0] < 4


async def test_a_session_leaves_no_garbage_in_circles() -> None:
    """When a call is over, hung up or not, its session is gone without the garbage collector, which may look seldom."""
    kept: list[weakref.ref[Session]] = []

    async def handler(session: Session) -> None:
        kept.append(weakref.ref(session))
        await echo(session)

    gc.collect()
    gc.disable()
    try:
        async with serving(echo=handler) as server:
            await call(server)
            async with connect(server) as peer:
                peer.send(headers("echo"))
                await peer.command()
                peer.send(b"HANGUP\n")
                await until(lambda: server.sessions == 0)
            await until(lambda: [one() for one in kept] == [None, None])
    finally:
        gc.enable()


async def test_address_in_use() -> None:
    """A port that is taken is an error at the start."""
    async with serving() as server:
        with pytest.raises(OSError, match=r"address|Address"):
            await FastAgiServer({}).start(port=server.port)


@pytest.mark.parametrize("test", without_parameters(globals()))
def test_on_uvloop(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """What holds on asyncio's loop holds on uvloop too, the loop that the server runs on."""
    uvloop.run(test())
