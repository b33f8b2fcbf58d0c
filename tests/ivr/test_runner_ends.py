"""How calls leave a flow that fails, turns in a circle, or is hung up on."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import structlog
from agi_peer import Peer, connect, headers, until
from agi_server import QUEUE, SORRY, TO_FALLBACK, TO_HOLD, FlowFunction, dialogue, running

from ivr import performer
from ivr.flow import (
    Answer,
    Caller,
    CallFlow,
    Collect,
    Enqueue,
    GetVariable,
    HandOver,
    HangUp,
    Menu,
    Play,
    Record,
    Say,
    SetLanguage,
    SetVariable,
    StepError,
    Transfer,
)
from ivr.performer import FlowLimits

WHOSE = ['GET VARIABLE "UNIQUEID"', 'GET VARIABLE "ACD_DIALS"']
TO_OVER = ['SET CONTEXT "acd-given"', 'SET EXTENSION "over"', 'SET PRIORITY "1"']


async def boom(_caller: Caller) -> None:
    """A flow that fails."""
    raise RuntimeError("boom")


async def test_a_failing_flow_does_not_drop_the_caller(tmp_path: Path) -> None:
    """An exception is logged with its traceback; the caller hears that something went wrong and goes on elsewhere."""
    with structlog.testing.capture_logs() as logs:
        async with running(tmp_path, boom) as server:
            assert await dialogue(server) == [*SORRY, *TO_FALLBACK]
    (entry,) = logs
    assert entry["event"] == "flow failed"
    assert entry["exc_info"]
    assert entry["call"] == "1700000000.1"


async def test_a_failing_handset_flow_hangs_up(tmp_path: Path) -> None:
    """An agent who dialled a feature code is not sent to the callers' fall-back."""
    async with running(tmp_path, boom) as server:
        assert await dialogue(server, script="handset") == [*SORRY, *WHOSE, "HANGUP"]


@pytest.mark.parametrize("flow", [boom, asyncio.sleep])
@pytest.mark.parametrize("dialled", ["200 result=0", "200 result=1 (1700000000.1)"])
async def test_a_handset_flow_that_has_a_caller_by_now(tmp_path: Path, flow: Any, dialled: str) -> None:
    """An agent who hears why nobody answered has put his caller through just now: nobody is hung up."""

    async def main(_caller: Caller) -> None:
        await flow(0)

    async with running(tmp_path, main) as server:
        said = SORRY if flow is boom else []
        own, other = "200 result=1 (1700000000.1)", "200 result=1 (1700000000.2)"
        so_far = ["200 result=0"] * len(said)
        assert await dialogue(server, *so_far, own, dialled, script="handset") == [*said, *WHOSE, "HANGUP"]
        assert await dialogue(server, *so_far, other, dialled, script="handset") == [*said, *WHOSE, *TO_OVER]


async def test_a_handset_flow_that_had_a_caller_from_the_first(tmp_path: Path) -> None:
    """He was put through before the flow began: the dialplan has noted who dialled, and that was another one."""
    own, dialled = "200 result=1 (1700000000.1)", "200 result=1 (1700000000.0)"
    async with running(tmp_path, boom) as server:
        so_far = ["200 result=0"] * len(SORRY)
        assert await dialogue(server, *so_far, own, dialled, script="handset") == [*SORRY, *WHOSE, *TO_OVER]


async def test_no_sound_at_all(tmp_path: Path) -> None:
    """When even "sorry" cannot be played, the caller still goes on elsewhere."""
    async with running(tmp_path, boom, missing="sorry") as server:
        assert await dialogue(server) == ["ANSWER", *TO_FALLBACK]


@pytest.mark.parametrize("step", [CallFlow("nothing"), HandOver("nothing"), Enqueue("nothing"), Play("gone")])
async def test_what_does_not_exist_is_a_failure(tmp_path: Path, step: Any) -> None:
    """A flow, queue or prompt that is not there sends the caller to the fall-back, with the name in the log."""

    async def main(_caller: Caller) -> None:
        await step

    async with running(tmp_path, main, missing="gone") as server:
        assert await dialogue(server) == [*SORRY, *TO_FALLBACK]


async def circle(_caller: Caller) -> None:
    """A flow that turns in a circle and swallows every exception."""
    while True:
        try:
            await SetVariable("X", "1")
        except Exception:  # noqa: BLE001 - what a careless flow does is the point
            return


async def deep(_caller: Caller) -> None:
    """A flow that calls itself."""
    await CallFlow("deep")


async def relay(_caller: Caller) -> None:
    """A flow that hands over to itself."""
    await HandOver("relay")


async def sleeper(_caller: Caller) -> None:
    """A flow that waits for something that never comes."""
    await asyncio.sleep(60)


@pytest.mark.parametrize("function", [circle, deep, relay, sleeper])
async def test_no_flow_holds_a_caller_for_ever(tmp_path: Path, function: FlowFunction) -> None:
    """Steps, depth and time of a call are bounded; at the bound the caller goes to the fall-back."""
    limits = FlowLimits(steps=50, depth=5, call_ms=500)
    async with running(tmp_path, function, limits=limits, deep=deep, relay=relay) as server:
        commands = await dialogue(server)
    assert commands[-5:] == [*SORRY, *TO_FALLBACK]
    assert len(commands) <= 55


async def at(peer: Peer, count: int) -> None:
    """Go on with the call until the command of this number is out and unanswered."""
    for _ in range(count):
        await peer.answer("200 result=1")
    assert await peer.command()


EVERY_STEP = [
    Answer(),
    Play("a"),
    Say("a"),
    Menu(["a", "b"], choices="12"),
    Collect("a", max_digits=4),
    Record(),
    SetVariable("X", "1"),
    GetVariable("X"),
    SetLanguage("pl"),
    CallFlow("sub"),
    Enqueue("sales"),
    Transfer("101"),
    HangUp(),
]


@pytest.mark.parametrize("step", EVERY_STEP, ids=lambda step: type(step).__name__)
@pytest.mark.parametrize("hang_up", ["HANGUP", "end of stream", "-1 and HANGUP"])
async def test_hang_up_in_every_step(tmp_path: Path, step: Any, hang_up: str) -> None:
    """Wherever the caller hangs up, the flow is cancelled there, its clean-up runs, and no session is left."""
    ended: list[str] = []

    async def main(_caller: Caller) -> None:
        try:
            await step
            await asyncio.sleep(60)
        except BaseException as error:
            ended.append(type(error).__name__)
            raise
        finally:
            ended.append("cleaned up")

    async def sub(_caller: Caller) -> None:
        await Play("a")

    async with running(tmp_path, main, sub=sub) as server, connect(server) as peer:
        peer.send(headers())
        await at(peer, 0)
        if hang_up == "end of stream":
            peer.writer.close()
        else:
            peer.send(b"HANGUP\n" if hang_up == "HANGUP" else b"200 result=-1\nHANGUP\n")
        await until(lambda: len(ended) == 2)
        await until(lambda: server.sessions == 0)
    assert ended == ["CancelledError", "cleaned up"]


async def test_a_failure_without_hang_up_is_a_step_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused command raises in the flow, which can deal with it and go on."""
    monkeypatch.setattr(performer, "HUNG_UP_WITHIN_S", 0.01)
    said: list[str] = []

    async def main(_caller: Caller) -> None:
        for _ in range(3):
            try:
                await Answer()
            except StepError as error:
                said.append(str(error))
        await Enqueue("sales")

    async with running(tmp_path, main) as server:
        commands = await dialogue(server, "510 Invalid", "511 Not Permitted", "200 result=-1")
    assert commands == ["ANSWER"] * 3 + QUEUE + TO_HOLD
    assert said == [
        f"the switch answered ANSWER with {what}" for what in ("510 Invalid", "511 Not Permitted", "200 -1")
    ]
