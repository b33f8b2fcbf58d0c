"""Connections beside the event loop, in both builds: what comes, what goes, and how they end."""

import asyncio
import contextlib
import gc
import os
import socket
import struct
import weakref
from contextlib import asynccontextmanager
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from _fastpath import reactor_py

BUILDS = [pytest.param("reactor", id="compiled"), pytest.param("reactor_py", id="python")]
TURN_MOST = 64
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


def load(name):
    if name == "reactor":
        pytest.importorskip("_fastpath.reactor", reason="the compiled module was not built")
    return import_module(f"_fastpath.{name}")


@pytest.fixture(params=BUILDS)
def build(request):
    """Give each module in turn."""
    return load(request.param)


class Floor:
    """A reactor and pairs of sockets, of which it has one end each."""

    def __init__(self, build):
        self.reactor = build.Reactor(asyncio.get_running_loop())
        self.trace = []
        self.fars = []
        trace = self.trace

        class Heir(build.Connection):
            def __init__(self, name, act=None):
                self.name = name
                self.act = act

            def data_received(self, data):
                trace.append((self.name, data))
                if self.act:
                    self.act(self, data)

            def connection_lost(self, reason):
                trace.append((self.name, reason))

        self.heir = Heir

    def pair(self, name, act=None):
        """One more connection, and its far end; TCP, which knows a reset."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            far = socket.create_connection(listener.getsockname())
            near, _ = listener.accept()
        self.fars.append(far)
        connection = self.heir(name, act)
        self.reactor.add(connection, near.detach())
        return connection, far


@asynccontextmanager
async def floor_of(build):
    floor = Floor(build)
    try:
        yield floor
    finally:
        floor.reactor.close()
        assert len(floor.reactor) == 0
        for far in floor.fars:
            far.close()


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - looks at insides that tell nobody of a change
            await asyncio.sleep(0.001)


def test_what_comes_and_the_end(build, runner):
    """A piece comes as it was sent; an end of stream is a piece of nothing, and closes the connection."""

    async def run():
        async with floor_of(build) as floor:
            connection, far = floor.pair("a")
            assert (len(floor.reactor), connection.fileno() >= 0) == (1, True)
            far.sendall(b"x\ny")
            await until(lambda: floor.trace)
            far.close()
            await until(lambda: not len(floor.reactor))
            assert floor.trace == [("a", b"x\ny"), ("a", b"")]
            assert connection.fileno() == -1

    runner.run(run())


def test_a_reset(build, runner):
    """A connection that breaks is closed, and its heir is told the system's reason."""

    async def run():
        async with floor_of(build) as floor:
            connection, far = floor.pair("a")
            far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            far.close()
            await until(lambda: floor.trace)
            assert floor.trace == [("a", "Connection reset by peer")]
            assert connection.fileno() == -1
            connection.write(b"too late")

    runner.run(run())


def test_a_peer_that_does_not_read(build, runner):
    """What does not fit waits without a turn to spare, and all of it comes in order once the peer reads."""

    async def run():
        async with floor_of(build) as floor:
            connection, far = floor.pair("a")
            sent = b"".join(number.to_bytes(4, "big") for number in range(2_000_000))
            for at in range(0, len(sent), 1 << 20):
                connection.write(sent[at : at + (1 << 20)])
            await asyncio.sleep(0.01)
            far.settimeout(0)
            got = bytearray()
            async with asyncio.timeout(20):
                while len(got) < len(sent):
                    with contextlib.suppress(BlockingIOError):
                        got += far.recv(1 << 20)
                    await asyncio.sleep(0)
            assert got == sent
            far.sendall(b"thanks")
            await until(lambda: floor.trace)

    runner.run(run())


def test_a_peer_that_is_gone_raises_nothing(build):
    """Writing to one that has reset the connection does nothing; a later turn tells of it."""

    async def run():
        async with floor_of(build) as floor:
            connection, far = floor.pair("a")
            far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            far.close()
            for _ in range(3):
                connection.write(b"x")
            assert not floor.trace
            await until(lambda: floor.trace)
            assert connection.fileno() == -1

    asyncio.run(run())


def test_who_is_closed_in_a_turn_is_passed_over(build, runner):
    """Of twenty that are ready together the first closes the others, which nobody else holds: none of them is heard."""

    async def run():
        everybody = []

        def close_others(own, _data):
            while everybody:
                other = everybody.pop()
                if other is not own:
                    other.close()

        async with floor_of(build) as floor:
            everybody += [floor.pair(number, close_others)[0] for number in range(20)]
            dead = [weakref.ref(connection) for connection in everybody]
            for far in floor.fars:
                far.sendall(b"x")
            await until(lambda: floor.trace)
            await asyncio.sleep(0.01)
            assert len(floor.trace) == len(floor.reactor) == 1
            gc.collect()
            assert sum(one() is not None for one in dead) == 1

    runner.run(run())


def test_an_heir_that_fails_harms_nobody_else(build, runner):
    """Its connection ends, the loop's exception handler is told, and those who were ready with it are served."""

    async def run():
        failures = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context["exception"]))

        def fail(_own, _data):
            raise KeyError("ours")

        async with floor_of(build) as floor:
            pairs = [floor.pair(number, fail if number == 1 else None) for number in range(3)]
            for _, far in pairs:
                far.sendall(b"x")
            await until(lambda: len(floor.trace) == 4)
            assert sorted(floor.trace, key=str) == [(0, b"x"), (1, "a failure of ours"), (1, b"x"), (2, b"x")]
            assert [repr(failure) for failure in failures] == ["KeyError('ours')"]
            assert [connection.fileno() >= 0 for connection, _ in pairs] == [True, False, True]

    runner.run(run())


def test_a_turn_is_bounded_and_nobody_waits_for_ever(build, runner):
    """Of three hundred that never stop to talk, each turn serves a part; the loop goes on, and all are served alike."""

    async def run():
        served, turns = [0] * 300, []

        def note(own, _data):
            served[own.name] += 1
            turns[-1] += 1
            floor.fars[own.name].sendall(b"x")  # there is more at once

        async with floor_of(build) as floor:
            for number in range(300):
                floor.pair(number, note)[1].sendall(b"x")
            for _ in range(100):
                turns.append(0)
                await asyncio.sleep(0)
        assert max(turns) <= TURN_MOST * 2  # a loop may look for readers once more between two of our steps
        assert min(served) > 0
        assert max(served) - min(served) <= max(3, max(served) // 2)

    runner.run(run())


def test_a_descriptor_that_lives_on_elsewhere(build, runner):
    """A closed connection says nothing any more, even while a forked process, here a copy, keeps its socket open."""

    async def run():
        async with floor_of(build) as floor:
            connection, far = floor.pair("a")
            copy = os.dup(connection.fileno())
            connection.close()
            del connection
            far.sendall(b"x")
            await asyncio.sleep(0.02)
            os.close(copy)
            assert not floor.trace

    runner.run(run())


def test_what_cannot_be_watched_is_an_error(build, tmp_path):
    """A file is refused and stays its owner's; the connection can be used with a socket then."""

    async def run():
        async with floor_of(build) as floor:
            connection = floor.heir("a")
            with (tmp_path / "file").open("w") as file:
                with pytest.raises(OSError, match=r"."):
                    floor.reactor.add(connection, file.fileno())
                file.write("still open")
                file.flush()
            assert (connection.fileno(), len(floor.reactor)) == (-1, 0)
            near, far = socket.socketpair()
            floor.fars.append(far)
            floor.reactor.add(connection, near.detach())
            far.sendall(b"x")
            await until(lambda: floor.trace)

    asyncio.run(run())


def test_the_end_of_the_reactor(build, runner):
    """All connections end, unheard; the loop has nothing left of it; the next connection begins anew."""

    async def run():
        async with floor_of(build) as floor:
            pairs = [floor.pair(number) for number in range(3)]
            floor.reactor.close()
            floor.reactor.close()
            for _, far in pairs:
                assert far.recv(1) == b""
            _, far = floor.pair("new")
            far.sendall(b"x")
            await until(lambda: floor.trace)
            assert floor.trace == [("new", b"x")]

    runner.run(run())


def test_a_reactor_that_is_forgotten_closes_its_connections(build):
    """Whoever drops it unclosed, with its loop, loses no descriptors for it."""
    loop = asyncio.new_event_loop()
    reactor, connection = build.Reactor(loop), build.Connection()
    near, far = socket.socketpair()
    reactor.add(connection, near.detach())
    loop.close()
    del loop, reactor, connection, near
    with pytest.warns(ResourceWarning) if build is reactor_py else contextlib.nullcontext():
        gc.collect()
    with far:
        far.settimeout(5)
        assert far.recv(1) == b""


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_letting_in(build, family, address):
    """Who waits is let in, one at a time and with his address; then there is nobody."""
    with socket.create_server((address, 0), family=family) as listener:
        listener.settimeout(0)
        assert build.accept(listener.fileno()) is None
        with contextlib.ExitStack() as stack:
            for _ in range(2):
                far = stack.enter_context(socket.create_connection(listener.getsockname()[:2]))
                file, peer = build.accept(listener.fileno())
                near = stack.enter_context(socket.socket(fileno=file))
                near.settimeout(5)
                far.sendall(b"x")
                assert (peer, near.recv(1)) == (address, b"x")
        assert build.accept(listener.fileno()) is None


def test_letting_in_where_nobody_can(build):
    """A socket that does not listen is an error."""
    with socket.socket() as deaf, pytest.raises(OSError, match="Invalid argument"):
        build.accept(deaf.fileno())


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hear", "hear much", "half close", "reset", "write", "write much", "close", "read"]),
        st.integers(0, 2),
    ),
    max_size=12,
)


async def lived(build, steps):
    """What happens when these steps are taken, the loop going round after each."""
    async with floor_of(build) as floor:
        pairs = [floor.pair(number) for number in range(3)]
        for what, number in steps:
            take(what, *pairs[number])
            for _ in range(6):
                await asyncio.sleep(0)
            floor.trace.append(("open", [connection.fileno() >= 0 for connection, _ in pairs]))
        return joined(floor.trace)


def joined(trace):
    """The same with pieces of one connection put together: how TCP cuts a long one is up to the system."""
    made = []
    for name, said in trace:
        if made and made[-1][0] == name and isinstance(said, bytes) and said and made[-1][1]:
            made[-1] = (name, made[-1][1] + said)
        else:
            made.append((name, said))
    return made


def take(what, connection, far):
    with contextlib.suppress(OSError):  # it is gone
        far.settimeout(0)
        if what.startswith("hear"):
            far.send(b"h" * (100_000 if what.endswith("much") else 5))
        elif what == "half close":
            far.shutdown(socket.SHUT_WR)
        elif what == "reset":
            far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            far.close()
        elif what.startswith("write"):
            connection.write(b"w" * (100_000 if what.endswith("much") else 5))
        elif what == "close":
            connection.close()
        else:
            far.recv(50_000)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_both_builds_do_the_same(steps):
    """Pieces, ends, resets, writes to who reads and who does not: the naive twin is the oracle."""
    with asyncio.Runner() as runner:
        assert runner.run(lived(load("reactor"), steps)) == runner.run(lived(reactor_py, steps))
