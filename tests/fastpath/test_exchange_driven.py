"""A coroutine that an exchange drives, in both builds: who resumes it, in whose name, and how it ends."""

import asyncio
import contextvars
import gc
import socket
import weakref
from contextlib import asynccontextmanager
from importlib import import_module

import pytest
from test_exchange import BUILDS, connected, load

from _fastpath import exchange_py

WORD = contextvars.ContextVar("WORD", default="none")


@pytest.fixture(params=BUILDS)
def build(request):
    """Give each module in turn."""
    return load(request.param)


def reactor_of(build):
    """The module of the reactor that belongs to a build."""
    return import_module(build.Exchange.__base__.__module__)


async def driven(exchange, coroutine, context):
    """The task's own part."""
    return await exchange.drive(coroutine, context)


def start(exchange, coroutine):
    """A task that drives a coroutine."""
    context = contextvars.copy_context()
    return asyncio.get_running_loop().create_task(driven(exchange, coroutine, context), context=context)


async def settle():
    for _ in range(8):
        await asyncio.sleep(0)


@asynccontextmanager
async def talking(build, talk, trace=None):
    """An exchange, and a task that talks over it."""
    async with connected(build, [] if trace is None else trace) as exchange:
        task = start(exchange, talk(exchange))
        await settle()
        yield exchange, task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_it_gets_its_answers_and_gives_its_result(build, runner):
    """Usual answers and others come to the coroutine in order; what it returns is what the task has awaited."""

    async def talk(exchange):
        return [await exchange.command("SET", number) for number in range(3)]

    async def run():
        trace = []
        async with talking(build, talk, trace) as (exchange, task):
            for piece in (b"200 result=0\n", b"answer x\n", b"200 result=1\n"):
                assert not task.done()
                exchange.far.send(piece)
                await settle()
            assert await task == ["nought", "answer x\n", "one"]
        sent = b"".join(data for what, data in trace if what == "sent")
        assert sent == b"".join(f'SET "{number}"\n'.encode() for number in range(3))

    runner.run(run())


def test_the_next_line_is_out_at_once():
    """What the compiled build is for: a usual answer brings the next line out before the next connection is read."""
    build = load("exchange")

    async def talk(exchange):
        for number in range(3):
            await exchange.command("SET", number)

    async def run():
        seen = []

        class Watcher(reactor_of(build).Connection):
            def data_received(self, _data):
                seen.append(exchange.is_out)

        async with talking(build, talk) as (exchange, _task):
            near, far = socket.socketpair()
            exchange.reactor.add(Watcher(), near.detach())
            for piece in (b"200 result=0\n", b"answer, after which there may be more\n"):
                exchange.far.send(piece)
                far.send(b"look")
                await settle()
            far.close()
        assert seen[:2] == [True, False]

    asyncio.run(run())


def test_who_was_cancelled_goes_on_for_no_answer(build):
    """What came a moment before its answer has cancelled the coroutine: it is not resumed with that answer."""
    seen = []

    async def talk(exchange):
        seen.append(await exchange.command("SET"))

    async def run():
        class Canceller(reactor_of(build).Connection):
            def data_received(self, _data):
                task.cancel()

        async with talking(build, talk) as (exchange, task):
            near, far = socket.socketpair()
            exchange.reactor.add(Canceller(), near.detach())
            far.send(b"now")
            exchange.far.send(b"200 result=0\n")
            await asyncio.wait([task], timeout=5)
            far.close()
            assert task.cancelled()
            assert not exchange.is_out

    asyncio.run(run())
    assert seen == []


def test_it_runs_as_its_task(build, runner):
    """Whoever resumes it, the current task and the context variables are its own, and time-outs work."""
    seen = []

    async def talk(exchange):
        WORD.set("inner")
        for _ in range(2):
            await exchange.command("SET")
            seen.append((asyncio.current_task(), WORD.get()))
        await asyncio.sleep(0)
        seen.append((asyncio.current_task(), WORD.get()))
        await exchange.command("SET")
        WORD.set("last")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await exchange.command("SET")
        seen.append((asyncio.current_task(), WORD.get()))

    async def run():
        WORD.set("outer")
        async with talking(build, talk) as (exchange, task):
            for _ in range(3):
                exchange.far.send(b"200 result=0\n")
                assert asyncio.current_task() is not task
                assert WORD.get() == "outer"
                await settle()
            await asyncio.wait([task], timeout=5)
            assert seen == [(task, "inner")] * 3 + [(task, "last")]

    runner.run(run())


def test_a_failure_reaches_the_task(build, runner):
    """What the coroutine raises, right after an answer or later, is what the task raises."""

    async def talk(exchange):
        await exchange.command("SET")
        raise KeyError("ours")

    async def run():
        async with talking(build, talk) as (exchange, task):
            exchange.far.send(b"200 result=0\n")
            with pytest.raises(KeyError, match="ours"):
                await task

    runner.run(run())


@pytest.mark.parametrize("answers", [0, 1, 2])
@pytest.mark.parametrize("then", ["cancel", "answer and cancel", "cancel and answer", "give up and cancel"])
def test_it_is_cancelled_once(build, answers, then):
    """However far it is, and whatever comes at the same time, a cancelled coroutine sees that once and can clean up."""
    seen = []

    async def talk(exchange):
        try:
            for _ in range(10):
                await exchange.command("SET")
                if answers == 2:
                    await asyncio.sleep(0)
        except asyncio.CancelledError:
            seen.append("cancelled")
            await asyncio.sleep(0)
            seen.append("cleaned up")
            raise

    async def run():
        async with talking(build, talk) as (exchange, task):
            for _ in range(answers):
                exchange.far.send(b"200 result=0\n")
                await settle()
            if then.startswith("answer"):
                exchange.far.send(b"200 result=0\n")
            if then.startswith("give up"):
                exchange.give_up("over")
            task.cancel()
            if then.endswith("and answer"):
                exchange.far.send(b"200 result=0\n")
            await asyncio.wait([task], timeout=5)
            assert task.cancelled()
            assert seen == ["cancelled", "cleaned up"]

    asyncio.run(run())


def test_what_it_waits_for_is_cancelled_with_it(build):
    """A future that the coroutine came upon just now, so that its task does not know of it yet, is cancelled too."""

    async def run():
        future = asyncio.get_running_loop().create_future()

        async def talk(exchange):
            await exchange.command("SET")
            await future

        async with talking(build, talk) as (exchange, task):
            exchange.far.send(b"200 result=0\n")
            while exchange.is_out:  # noqa: ASYNC110 - as long as the loop needs to see it
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task], timeout=5)
            assert task.cancelled()
            assert future.cancelled() or build is exchange_py  # whose coroutine may not have come so far

    asyncio.run(run())


def test_another_exchange_can_be_asked_meanwhile(build, runner):
    """The coroutine of one exchange commands another, and other tasks command its own."""

    async def run():
        async with connected(build, []) as other:

            async def talk(exchange):
                one = await other.command("SET")
                both = await asyncio.gather(exchange.command("SET"), exchange.command("SET"))
                return one, both, await asyncio.wait_for(exchange.command("SET"), 5)

            async with talking(build, talk) as (exchange, task):
                other.far.send(b"200 result=1\n")
                for _ in range(3):
                    await settle()
                    exchange.far.send(b"200 result=0\n")
                assert await task == ("one", ["nought", "nought"], "nought")

    runner.run(run())


def test_it_leaves_no_garbage_in_circles(build):
    """Ended, failed or cancelled, all of it is gone without the garbage collector."""

    async def run():
        kept = []
        for end in ("returns", "fails", "is cancelled"):

            async def talk(exchange, end=end):
                await exchange.command("SET")
                if end == "fails":
                    raise KeyError
                await exchange.command("SET")

            async with connected(build, []) as exchange:
                kept.append(weakref.ref(exchange))
                task = start(exchange, talk(exchange))
                await settle()
                exchange.far.send(b"200 result=0\n")
                await settle()
                if end == "returns":
                    exchange.far.send(b"200 result=0\n")
                else:
                    exchange.give_up("over")
                task.cancel()
                await asyncio.wait([task])
                task.cancelled() or task.exception()
                del task
            del exchange
        return kept

    gc.collect()
    gc.disable()
    try:
        assert [one() for one in asyncio.run(run())] == [None] * 3
    finally:
        gc.enable()
