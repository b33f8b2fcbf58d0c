"""The servers under test: FastAGI with small handlers, and the runner with small flows."""

import asyncio
import inspect
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agi_peer import connect, headers

from ivr.agi import Verb
from ivr.fastagi import FastAgiServer, Handler, Limits, Session
from ivr.flow import Caller, Flow
from ivr.performer import FlowLimits
from ivr.runner import Runner

WISHES = "ARRAY(ACD_QUEUE,ACD_PRIORITY,ACD_NEEDS,ACD_AHEAD,ACD_WANTED)"
QUEUE = [f'SET VARIABLE "{WISHES}" "sales,,,,"']
TO_FALLBACK = ['SET CONTEXT "acd-fallback"', 'SET EXTENSION "s"', 'SET PRIORITY "1"']
TO_HOLD = ['SET CONTEXT "acd-hold"', 'SET EXTENSION "s"', 'SET PRIORITY "1"']
SORRY = ["ANSWER", 'STREAM FILE "/sounds/en/sorry" ""']


PATIENT = Limits(grace_ms=500)
QUICK = Limits(header_ms=500, reply_ms=500, grace_ms=200)


@asynccontextmanager
async def serving(limits: Limits = PATIENT, **routes: Handler) -> AsyncIterator[FastAgiServer]:
    server = FastAgiServer(routes, limits=limits)
    await server.start(port=0)
    try:
        yield server
    finally:
        await server.close()
        assert server.sessions == 0
        assert not server._headers


class Ends:
    """A handler that waits for an answer, and the way in which that wait ended."""

    def __init__(self, verb: Verb = "GET DATA", lasts_ms: int = 60_000) -> None:
        self.how: list[str] = []
        self.verb = verb
        self.lasts_ms = lasts_ms

    async def __call__(self, session: Session) -> None:
        try:
            await session.command(self.verb, lasts_ms=self.lasts_ms)
            await asyncio.sleep(60)
            self.how.append("answered")
        except BaseException as error:
            self.how.append(type(error).__name__)
            raise
        finally:
            self.how.append(session.end_reason)


async def echo(session: Session) -> None:
    """Ask for one key, and put it into a variable."""
    response = await session.command("GET DATA", "ask", 5_000, 1)
    await session.command("SET VARIABLE", "KEY", response.result)


async def call(server: FastAgiServer) -> list[str]:
    """One friendly call."""
    async with connect(server) as peer:
        peer.send(headers("echo"))
        return await peer.rest("200 result=7")


ECHOED = ['GET DATA "ask" "5000" "1"', 'SET VARIABLE "KEY" "7"']


class Sounds:
    """Prompts of which each is there, under a path made of language and name."""

    def __init__(self, missing: str = "") -> None:
        self.missing = missing

    async def find(self, name_or_text: str, language: str) -> str:
        if name_or_text == self.missing:
            raise LookupError("nothing to play")
        return f"/sounds/{language}/{name_or_text}"


FlowFunction = Callable[[Caller], Awaitable[None]]


@asynccontextmanager
async def running(
    tmp_path: Path,
    function: FlowFunction,
    *,
    limits: FlowLimits | None = None,
    missing: str = "",
    **others: FlowFunction,
) -> AsyncIterator[FastAgiServer]:
    """A server whose route `entry` runs a flow; the others it can call."""
    flows = {name: Flow(name, other) for name, other in others.items()}
    runner = Runner(
        flows, Sounds(missing), queues={"sales"}, recordings=tmp_path / "recordings", limits=limits or FlowLimits()
    )
    handlers = {
        "entry": runner.handler(Flow("entry", function)),
        "handset": runner.handler(Flow("entry", function), to_fallback=False),
    }
    server = FastAgiServer(handlers, limits=Limits(grace_ms=500))
    await server.start(port=0)
    try:
        yield server
    finally:
        await server.close()
        assert server.sessions == 0


async def dialogue(server: FastAgiServer, *answers: str, script: str = "entry") -> list[str]:
    """Answer the first commands as told, the rest by `200 result=0`; all commands, until the server closes."""
    async with connect(server) as peer:
        peer.send(headers(script))
        commands = []
        for answer in itertools.chain(answers, itertools.repeat("200 result=0")):
            commands.append(await peer.answer(answer))
            if not commands[-1]:
                return commands[:-1]
    raise AssertionError("not reached")


def without_parameters(module: dict[str, Any]) -> list[Any]:
    """All tests of a file that a loop of one's own can run."""
    tests = [value for name, value in module.items() if name.startswith("test_")]
    return [test for test in tests if inspect.iscoroutinefunction(test) and not inspect.signature(test).parameters]
