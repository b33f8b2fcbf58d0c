"""The exchange of lines, in both builds: what is sent, who is answered, whose turn it is."""

import asyncio
import contextlib
import socket
from contextlib import asynccontextmanager
from importlib import import_module

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from _fastpath import exchange_py
from _fastpath.exchange_py import CommandError

BUILDS = [pytest.param("exchange", id="compiled"), pytest.param("exchange_py", id="python")]
USUAL = {b"200 result=0\n": "nought", b"200 result=1\n": "one"}


def load(name):
    if name == "exchange":
        pytest.importorskip("_fastpath.exchange", reason="the compiled module was not built")
    return import_module(f"_fastpath.{name}")


@asynccontextmanager
async def connected(module, trace):
    """A connection that writes down what it sends and what it is left to read."""
    ours, far = socket.socketpair()
    far.setblocking(False)

    class Heir(module.Exchange[str, str]):
        def note_sent(self):
            with contextlib.suppress(BlockingIOError):
                while data := far.recv(65_536):
                    trace.append(("sent", data))

        def unusual(self, data):
            self.note_sent()
            trace.append(("unusual", data))
            if data.startswith(b"answer"):
                self.answered(data.decode())
            self.is_between_lines = data.endswith(b"\n")

        async def command_in_turn(self, verb, words, lasts_ms):
            turn = self.wait_for_turn()
            try:
                await turn
            except asyncio.CancelledError:
                if not turn.cancelled():
                    self.pass_turn()
                raise
            if self.end_reason:
                return f"ended: {self.end_reason}"
            return await self.send(module.command_line(verb, words, 60), verb, lasts_ms)

    loop = asyncio.get_running_loop()
    reactor = import_module(module.Exchange.__base__.__module__).Reactor(loop)
    made = Heir(loop, frozenset({"SET", "GET DATA"}), USUAL, 500, 60)
    reactor.add(made, ours.detach())
    made.far, made.reactor = far, reactor
    try:
        yield made
    finally:
        made.note_sent()
        reactor.close()
        far.close()


@pytest.fixture(params=BUILDS)
def build(request):
    """Give each module in turn."""
    return load(request.param)


async def test_a_command_and_its_answer(build):
    """The line is sent at once, late when its time and our patience are over, and answered by what the piece means."""
    trace = []
    async with connected(build, trace) as exchange:
        began = asyncio.get_running_loop().time()
        due = exchange.command("SET", "a", 7, lasts_ms=2_000)
        exchange.note_sent()
        assert trace == [("sent", b'SET "a" "7"\n')]
        assert exchange.late_at - began == pytest.approx(2.5, abs=0.2)
        assert (exchange.late_what, exchange.is_out, exchange.is_taken) == ("SET", True, True)
        exchange.data_received(b"200 result=1\n")
        assert await due == "one"
        assert (exchange.late_at, exchange.is_out, exchange.is_taken) == (float("inf"), False, False)


async def test_what_is_not_usual_is_left_to_the_heir(build):
    """A usual answer is none when none is due, after a part of a line, or when it is not to be looked up."""
    trace = []
    async with connected(build, trace) as exchange:
        exchange.data_received(b"200 result=0\n")
        exchange.data_received(b"HANG")
        due = exchange.command("SET")
        exchange.data_received(b"200 result=0\n")
        exchange.data_received(b"answer\n")
        assert await due == "answer\n"
        due = exchange.send(b"as it is\n", "a line", 0, plain=False)
        exchange.data_received(b"200 result=0\n")
        exchange.data_received(b"answer 2\n")
        assert await due == "answer 2\n"
    assert [what for what, _ in trace] == [
        *("unusual", "unusual", "sent", "unusual", "unusual", "sent", "unusual", "unusual")
    ]


async def test_an_answer_in_pieces_is_the_heirs_to_the_end(build):
    """After a piece that is not usual the rest of the answer is not looked up, even if it looks like one."""
    trace = []
    async with connected(build, trace) as exchange:
        exchange.command("SET")
        exchange.data_received(b"520-usage\n")
        exchange.data_received(b"200 result=0\n")
        assert trace[1:] == [("unusual", b"520-usage\n"), ("unusual", b"200 result=0\n")]
        assert exchange.is_out


async def test_the_end_cancels_the_wait_and_tells_who_waits_for_a_turn(build):
    """Nothing is sent any more, and what comes is the heir's."""
    trace = []
    async with connected(build, trace) as exchange:
        due = exchange.command("SET")
        first = asyncio.ensure_future(due)
        second = asyncio.ensure_future(exchange.command("SET", 2))
        await asyncio.sleep(0)
        exchange.give_up("over")
        with pytest.raises(asyncio.CancelledError):
            await due
        assert await second == "ended: over"
        assert first.cancelled()
        exchange.data_received(b"200 result=0\n")
    assert trace == [("sent", b"SET\n"), ("unusual", b"200 result=0\n")]


async def test_who_stops_waiting_harms_nobody_else(build):
    """Of two who wait for one answer one is cancelled; the other has it, and so has who asks later."""
    async with connected(build, []) as exchange:
        due = exchange.command("SET")
        one, two = asyncio.ensure_future(due), asyncio.ensure_future(due)
        await asyncio.sleep(0)
        one.cancel()
        await asyncio.sleep(0)
        exchange.data_received(b"200 result=1\n")
        assert await two == "one"
        assert await due == "one"
        assert one.cancelled()


@pytest.mark.parametrize("verb", ["EXEC", "get data", ""])
async def test_another_verb_is_our_mistake(build, verb):
    """It is never sent."""
    trace = []
    async with connected(build, trace) as exchange:
        with pytest.raises(AssertionError, match="unknown command"):
            exchange.command(verb)
        assert not exchange.is_taken
    assert not trace


async def test_what_cannot_be_sent_takes_no_turn(build):
    """After a text with a control character, or one that is too long, the next command goes out at once."""
    trace = []
    async with connected(build, trace) as exchange:
        for text in ("a\nHANGUP", "\ud800", "x" * 60):
            with pytest.raises(CommandError):
                exchange.command("SET", text)
        exchange.command("SET")
    assert trace == [("sent", b"SET\n")]


STEPS = st.one_of(
    st.tuples(st.just("command"), st.sampled_from(["SET", "GET DATA"]), st.lists(st.text(max_size=4), max_size=2)),
    st.tuples(
        st.just("receive"), st.sampled_from([*USUAL, b"answer\n", b"part", b"answer x", b"520-\n", b"\n"]), st.none()
    ),
    st.tuples(st.just("cancel"), st.integers(0, 9), st.none()),
    st.tuples(st.just("relay"), st.none(), st.none()),
    st.tuples(st.just("let the loop run"), st.none(), st.none()),
    st.tuples(st.just("give up"), st.none(), st.none()),
)


async def lived(module, steps):
    """What happens when these steps are taken."""
    trace, waits = [], []
    async with connected(module, trace) as exchange:
        for step in steps:
            await take(step, exchange, trace, waits)
            exchange.note_sent()
            trace.append((exchange.is_out, exchange.is_taken, exchange.late_what, exchange.late_at == float("inf")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for wait in waits:
            if not wait.done():
                trace.append("waits")
            elif wait.cancelled():
                trace.append("cancelled")
            else:
                trace.append(repr(wait.exception() or wait.result()))
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    return trace


async def take(step, exchange, trace, waits):
    what, one, two = step
    if what == "command":
        try:
            waits.append(asyncio.ensure_future(exchange.command(one, *two)))
        except CommandError as error:
            trace.append(str(error))
    elif what == "receive":
        exchange.data_received(one)
    elif what == "cancel" and waits:
        waits[one % len(waits)].cancel()
    elif what == "relay" and not exchange.is_taken and not exchange.end_reason:
        waits.append(asyncio.ensure_future(exchange.send(b"relayed\n", "a line", 0, plain=False)))
    elif what == "let the loop run":
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    elif what == "give up" and not exchange.end_reason:
        exchange.give_up("over")


@settings(max_examples=600, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_both_builds_do_the_same_in_the_same_order(steps):
    """Commands, answers in pieces, cancelled waits, turns, the end: the naive twin is the oracle."""
    with asyncio.Runner() as runner:
        assert runner.run(lived(load("exchange"), steps)) == runner.run(lived(exchange_py, steps))


def rendered(module, verb, words, limit):
    try:
        return module.command_line(verb, words, limit)
    except CommandError as error:
        return str(error)


WORDS = st.lists(
    st.one_of(st.text(max_size=30), st.integers(), st.sampled_from(['"', "\\", '" "', "é", "\x00"])), max_size=5
)


@settings(max_examples=800, deadline=None)
@given(st.sampled_from(["SET", "GET DATA"]), WORDS.map(tuple), st.integers(5, 60))
@example("SET", ("",), 60)
@example("SET", ("", '"'), 60)
@example("SET", ('"a"',), 60)
def test_both_builds_render_alike(verb, words, limit):
    """Any words become the same line, or are refused in the same words."""
    assert rendered(load("exchange"), verb, words, limit) == rendered(exchange_py, verb, words, limit)
