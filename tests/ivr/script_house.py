"""A FastAGI server whose only flow runs one AGI script, for tests; see `agi_peer` for the switch's side."""

import contextlib
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from agi_peer import Peer, connect, headers
from structlog.typing import EventDict

from ivr.fastagi import FastAgiServer, Limits
from ivr.flow import Caller, Flow, Play, RunScript, SetLanguage, StepError
from ivr.runner import Runner
from ivr.scripts import ScriptLimits, Scripts

QUICK = ScriptLimits(lasts_ms=10_000, grace_ms=200)


class Sounds:
    """Prompts of which each is there."""

    async def find(self, name_or_text: str, language: str) -> str:
        return f"/sounds/{language}/{name_or_text}"


class House:
    """A server whose route `entry` runs the script x.py, then plays a prompt; and its log."""

    def __init__(self, server: FastAgiServer, scripts: Scripts, logs: list[EventDict]) -> None:
        self.server, self.scripts, self.logs = server, scripts, logs

    def said(self, event: str) -> list[EventDict]:
        return [entry for entry in self.logs if entry["event"] == event]

    @property
    def failure(self) -> str:
        """Why the script failed."""
        [entry] = self.said("script failed")
        return str(entry["reason"])

    @asynccontextmanager
    async def call(self, **other: str) -> AsyncIterator[Peer]:
        async with connect(self.server) as peer:
            peer.send(headers("entry", **other))
            yield peer


@asynccontextmanager
async def house(
    folder: Path, script: str, *args: str, limits: ScriptLimits = QUICK, language: str = "", goes_on: bool = True
) -> AsyncIterator[House]:
    """Start it; x.py holds the text."""
    (folder / "x.py").write_text(textwrap.dedent(script))

    async def run(_: Caller) -> None:
        if language:
            await SetLanguage(language)
        with contextlib.suppress(*([StepError] if goes_on else [])):
            await RunScript("x.py", args)
        await Play("bye")

    scripts = Scripts(folder, limits)
    runner = Runner({}, Sounds(), scripts=scripts, queues=(), recordings=folder)
    server = FastAgiServer({"entry": runner.handler(Flow("entry", run))}, limits=Limits(grace_ms=2_000))
    await server.start(port=0)
    with structlog.testing.capture_logs() as logs:
        try:
            yield House(server, scripts, logs)
        finally:
            await server.close()
    assert server.sessions == 0
    assert scripts._running == 0
