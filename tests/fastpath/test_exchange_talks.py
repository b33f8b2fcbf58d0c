"""Whatever a driven coroutine does and whatever comes meanwhile: the compiled exchange beside a plain await."""

import asyncio
import contextlib

from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_exchange import connected, load
from test_exchange_driven import settle, start

from _fastpath import exchange_py

TALK = st.lists(
    st.sampled_from(
        [
            *("command", "command", "command", "relay", "sleep", "future", "time out", "shield", "two at once"),
            *("swallow", "fail", "sub-task"),
        ]
    ),
    max_size=8,
)
STEPS = st.lists(
    st.sampled_from(["usual", "usual", "usual", "answer", "part", "cancel", "wake", "give up", "loop"]), max_size=16
)


class Talk:
    """A coroutine that does what it was told, and writes down what came of it."""

    def __init__(self, exchange, words, trace):
        self.exchange, self.words, self.trace = exchange, words, trace
        self.future = asyncio.get_running_loop().create_future()

    async def run(self):
        for number, word in enumerate(self.words):
            self.trace.append(("begins", number))
            try:
                self.trace.append((number, await self.do(word)))
            except asyncio.CancelledError:
                self.trace.append((number, "cancelled"))
                if word != "swallow":
                    raise
        return "done"

    async def do(self, word):
        command, exchange = self.exchange.command, self.exchange
        if word == "relay" and not exchange.is_taken and not exchange.end_reason:
            return await exchange.send(b"relayed\n", "a line", 0, plain=False)
        if word == "sleep":
            return await asyncio.sleep(0)
        if word == "future":
            self.future = asyncio.get_running_loop().create_future()
            return await self.future
        if word == "time out":
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0):
                    return await command("SET", word)
            return "late"
        if word == "shield":
            return await asyncio.shield(command("SET", word))
        if word == "two at once":
            return await asyncio.gather(command("SET", 1), command("SET", 2))
        if word == "fail":
            raise KeyError(word)
        if word == "sub-task":
            return await asyncio.create_task(command_of(exchange))
        return await command("SET", word)


async def command_of(exchange):
    return await exchange.command("SET", "sub")


async def talked(build, words, steps):
    """What is said and heard when these steps are taken, the loop going round after each."""
    trace = []
    async with connected(build, trace) as exchange:
        talk = Talk(exchange, words, trace)
        task = start(exchange, talk.run())
        for step in ("loop", *steps):
            if step == "usual":
                exchange.far.send(b"200 result=0\n")
            elif step in {"answer", "part"}:
                exchange.far.send(f"{step}\n".encode())
            elif step == "cancel":
                task.cancel()
            elif step == "wake" and not talk.future.done():
                talk.future.set_result("woken")
            elif step == "give up" and not exchange.end_reason:
                exchange.give_up("over")
            await asyncio.sleep(0.001 if "time out" in words else 0)
            await settle()
            await settle()
            exchange.note_sent()
            trace.append((step, exchange.is_out, exchange.is_taken, exchange.late_what))
        trace.append("runs" if not task.done() else "cancelled" if task.cancelled() else repr(task.exception()))
        while not task.done():  # it may swallow some
            task.cancel()
            await settle()
    return trace


@settings(max_examples=400, deadline=None)
@given(TALK, STEPS)
@example(["command", "future", "command"], ["usual", "wake", "usual"])
@example(["swallow", "command", "command"], ["cancel", "usual", "usual", "usual"])
@example(["two at once", "command"], ["usual", "answer", "usual"])
def test_both_builds_do_the_same_once_the_loop_has_gone_round(words, steps):
    """Answers, cancels, ends, whatever else the coroutine waits for: the naive twin, a plain await, is the oracle."""
    with asyncio.Runner() as runner:
        assert runner.run(talked(load("exchange"), words, steps)) == runner.run(talked(exchange_py, words, steps))
