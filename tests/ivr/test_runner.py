"""Flows driven over real sockets against the switch's side of AGI, recorded or written down."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import structlog
from agi_peer import connect, headers, replay, transcript, until
from agi_server import QUEUE, TO_HOLD, WISHES, FlowFunction, Sounds, dialogue, running

from acd.site import load_site
from ivr import performer
from ivr.fastagi import FastAgiServer
from ivr.flow import (
    Answer,
    Caller,
    CallFlow,
    CallOverError,
    Collect,
    Enqueue,
    GetVariable,
    HandOver,
    HangUp,
    InLanguage,
    Menu,
    Play,
    Record,
    Recording,
    Say,
    SetLanguage,
    SetVariable,
    StepError,
    Transfer,
)
from ivr.flows.line_check import line_check
from ivr.menus import load_ivr
from ivr.runner import Runner, caller_of

SITE = Path(__file__).parents[2] / "asterisk-config"


def record(path: str) -> None:
    """What the switch does on RECORD FILE."""
    Path(f"{path}.wav").touch()


def commands_of(name: str) -> list[str]:
    return [line for mark, line in transcript(name) if mark == ">"]


@pytest.mark.parametrize("name", ["menu", "polish", "silent", "hangup"])
async def test_recorded_calls_through_the_sample_menu(tmp_path: Path, name: str) -> None:
    """What a real Asterisk and the sample ivr.conf said to each other is said again."""
    site = load_site(SITE)
    ivr = load_ivr(SITE, site)
    runner = Runner(ivr.flows, Sounds(), queues=site.queues, recordings=tmp_path)
    server = FastAgiServer({"entry": runner.handler(ivr.routes["entry"])})
    await server.start(port=0)
    assert await replay(server, name, "entry", tmp_path) == commands_of(name)
    await server.close()


async def odd(_caller: Caller) -> None:
    """The flow that the recorded dialogue `odd` was made with."""
    await Answer()
    assert await Menu("ask", choices="12#") == "#"
    assert await Collect("ask", max_digits=6) == "1234"
    assert await Menu("ask", choices=("1", "12"), tries=1, timeout_ms=1000) is None
    await SetVariable("X", 'a"b\\c ${EXTEN} $[1+1] é')
    assert await GetVariable("X") == 'a"b\\c ${EXTEN} $[1+1] é'
    assert await GetVariable("UNSET") is None
    await SetLanguage("pl")
    heard = await Record(max_ms=2000, silence_ms=1000)
    await Play(heard)
    with pytest.raises(StepError, match="STREAM FILE"):
        await Play(Recording("/no/such/file", 0))
    await Transfer("101")


async def boom(_caller: Caller) -> None:
    """The flow of the recorded dialogue `boom`."""
    raise RuntimeError("boom")


async def back(_caller: Caller) -> None:
    """The flow of the recorded dialogue `return`."""
    await Answer()
    await Play("ask")


@pytest.mark.parametrize(("name", "function"), [("odd", odd), ("boom", boom), ("return", back)])
async def test_recorded_calls_through_flows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, function: FlowFunction
) -> None:
    """Recorded dialogues of flows in Python are said again, and each step gave what the flow then checks."""
    monkeypatch.setattr(performer, "HUNG_UP_WITHIN_S", 0.01)
    async with running(tmp_path, function) as server:
        assert await replay(server, name, "entry", tmp_path) == commands_of(name)


async def test_a_recording_knows_its_length(tmp_path: Path) -> None:
    """The length follows from the samples the switch counted; its file lies in the folder of recordings."""
    got: list[Recording] = []

    async def leave_word(_caller: Caller) -> None:
        got.append(await Record(max_ms=9_000, beep=False, silence_ms=0))

    async with running(tmp_path, leave_word) as server:
        (record, _) = await dialogue(server, "200 result=0 (timeout) endpos=16000")
    assert got[0].length_ms == 2_000
    assert Path(got[0].path).parent == tmp_path / "recordings"
    assert record == f'RECORD FILE "{got[0].path}" "wav" "0123456789*#" "9000"'


async def test_enqueue(tmp_path: Path) -> None:
    """Queue and priority become channel variables, the call goes on at acd-hold, and the session ends."""

    async def urgent(_caller: Caller) -> None:
        await Enqueue("sales", 0)

    async with running(tmp_path, urgent) as server:
        assert await dialogue(server) == [f'SET VARIABLE "{WISHES}" "sales,0,,,"', *TO_HOLD]


async def test_enqueue_with_all_it_can_ask_for(tmp_path: Path) -> None:
    """Skills, head start in ms and seat are kept on the channel in one command, whichever way the flow wrote them."""

    async def choosy(_caller: Caller) -> None:
        await Enqueue("sales", needs="french 3 + billing|sales 5", head_start_ms=60_000, seat="101")

    async with running(tmp_path, choosy) as server:
        kept = "sales,,french:3+billing:1|sales:5,60000,101"
        assert await dialogue(server) == [f'SET VARIABLE "{WISHES}" "{kept}"', *TO_HOLD]
    assert Enqueue("sales", needs="french 3").needs == Enqueue("sales", needs=((("french", 3),),)).needs


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"needs": "french 11"}, "level of 'french': 11 is out of range"),
        ({"needs": "fr,ench"}, "is no skill"),
        ({"needs": ((("french", 0),),)}, "level of 'french': 0"),
        ({"head_start_ms": 86_400_001}, "head_start_ms"),
        ({"seat": "1'1"}, "a seat is named by its number"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_nonsense_is_refused_where_it_is_written(wish: dict[str, Any], reason: str) -> None:
    """What a call cannot ask for is a ValueError in the flow that asks, and never reaches the switch."""
    with pytest.raises(ValueError, match=reason):
        Enqueue("sales", **wish)


async def test_transfer(tmp_path: Path) -> None:
    """The call goes on at the extension, in the one context that is meant for it."""

    async def to_anna(_caller: Caller) -> None:
        await Transfer("101")

    async with running(tmp_path, to_anna) as server:
        assert await dialogue(server) == ['SET CONTEXT "ivr-transfer"', 'SET EXTENSION "101"', 'SET PRIORITY "1"']


async def test_hang_up_and_return(tmp_path: Path) -> None:
    """Both end the call, once."""

    async def bye(_caller: Caller) -> None:
        await HangUp()

    async def done(_caller: Caller) -> None:
        await SetLanguage("pl")

    async with running(tmp_path, bye) as server:
        assert await dialogue(server) == ["HANGUP"]
    async with running(tmp_path, done) as server:
        assert await dialogue(server) == ['SET VARIABLE "CHANNEL(language)" "pl"', "HANGUP"]


async def test_language(tmp_path: Path) -> None:
    """Prompts follow SetLanguage; one that has a language of its own does not."""

    async def hello(_caller: Caller) -> None:
        await Play("hello")
        await SetLanguage("pl")
        await Play("hello")
        await Play(InLanguage("en", "hello"))
        await Say("Dzień dobry")

    async with running(tmp_path, hello) as server:
        commands = await dialogue(server)
    assert [command for command in commands if command.startswith("STREAM")] == [
        'STREAM FILE "/sounds/en/hello" ""',
        'STREAM FILE "/sounds/pl/hello" ""',
        'STREAM FILE "/sounds/en/hello" ""',
        'STREAM FILE "/sounds/pl/Dzień dobry" ""',
    ]


async def test_what_was_pressed_is_not_logged(tmp_path: Path) -> None:
    """A PIN is in no line of the log, whether the flow succeeds or fails."""

    async def pin(_caller: Caller) -> None:
        await Collect("pin", max_digits=6)
        raise RuntimeError("later")

    with structlog.testing.capture_logs() as logs:
        async with running(tmp_path, pin) as server:
            await dialogue(server, "200 result=271828")
    assert logs
    assert "271828" not in str(logs)


async def test_call_flow_returns_and_hand_over_does_not(tmp_path: Path) -> None:
    """CallFlow comes back; HandOver does not, and the new flow starts after the old one's clean-up."""
    order: list[str] = []

    async def main(_caller: Caller) -> None:
        try:
            await CallFlow("sub")
            order.append("back")
            await HandOver("next")
        finally:
            order.append("cleaned up")

    async def sub(_caller: Caller) -> None:
        order.append("sub")
        await SetLanguage("pl")

    async def following(_caller: Caller) -> None:
        order.append("next")
        await Play("hello")
        await Enqueue("sales")

    async with running(tmp_path, main, sub=sub, next=following) as server:
        commands = await dialogue(server)
    assert order == ["sub", "back", "cleaned up", "next"]
    assert commands[1:] == ['STREAM FILE "/sounds/pl/hello" ""', *QUEUE, *TO_HOLD]


@pytest.mark.parametrize("last", ["enqueue", "hand over"])
async def test_after_the_last_word_no_step_works(tmp_path: Path, last: str) -> None:
    """A clean-up, or a flow that swallows its own last word, cannot touch the call any more."""
    said: list[str] = []

    async def stubborn(_caller: Caller) -> None:
        try:
            await (Enqueue("sales") if last == "enqueue" else HandOver("queue"))
        except BaseException:  # noqa: BLE001 - what a stubborn flow does is the point
            with pytest.raises(CallOverError) as caught:
                await Play("more")
            said.append(str(caught.value))

    async def queue(_caller: Caller) -> None:
        await Enqueue("sales")

    async with running(tmp_path, stubborn, queue=queue) as server:
        assert await dialogue(server) == [*QUEUE, *TO_HOLD]
    assert said[0].startswith("Play cannot be performed: the call has left this flow")


async def test_the_last_word_in_a_task_group(tmp_path: Path) -> None:
    """A task of the flow may say the last word; the others are cancelled, and nothing is reported as a failure."""
    cancelled: list[bool] = []

    async def other() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.append(True)

    async def word() -> None:
        await Enqueue("sales")

    async def both(_caller: Caller) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(other())
            group.create_task(word())

    with structlog.testing.capture_logs() as logs:
        async with running(tmp_path, both) as server:
            assert await dialogue(server) == [*QUEUE, *TO_HOLD]
    assert cancelled == [True]
    assert [entry["event"] for entry in logs] == ["flow ended"]


async def test_hostile_text_reaches_the_switch_as_text(tmp_path: Path) -> None:
    """A caller's name full of quotes and expressions is one quoted argument; nothing is evaluated, nothing is added."""
    name = '"$(touch x)" ${SHELL(id)} $[1+1] `id` \\ \'; DROP TABLE--<img src=x onerror=1>'

    async def main(caller: Caller) -> None:
        assert caller.name == name
        await SetVariable("NAME", caller.name)

    async with running(tmp_path, main) as server, connect(server) as peer:
        peer.send(headers(calleridname=name))
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        assert await peer.rest() == [f'SET VARIABLE "NAME" "{escaped}"', "HANGUP"]


@pytest.mark.parametrize("text", ["a\x1b[2Jb", "a\u202eb", "a\u200bb", "a\x00b", "a\x85b", "a\u2028b"])
def test_a_caller_is_readable(text: str) -> None:
    """Controls and marks that turn the direction of writing are gone from a caller's number and name."""
    caller = caller_of({"callerid": text, "calleridname": text}, "en")
    assert caller.name == caller.number
    assert caller.name in {"ab", "a[2Jb"}


def test_who_calls() -> None:
    """`unknown` is nothing, an absurd name is cut, a language that is none is replaced, dnid goes before extension."""
    caller = caller_of(
        {"callerid": "unknown", "calleridname": "n" * 999, "language": "../x", "extension": "entry"}, "pl"
    )
    assert caller.number == ""
    assert len(caller.name) == 128
    assert caller.language == "pl"
    assert caller.dialled == "entry"
    assert caller_of({"dnid": "5550100", "extension": "entry"}, "en").dialled == "5550100"


async def test_the_line_check_keeps_no_recording(tmp_path: Path) -> None:
    """The caller hears what he said, and the file is gone, also when he hangs up meanwhile."""
    for hang_up in (False, True):
        async with running(tmp_path, line_check) as server, connect(server) as peer:
            peer.send(headers())
            await peer.answer()
            assert await peer.answer("200 result=1") == 'GET DATA "/sounds/en/line-check-begin" "6000" "1"'
            path = (await peer.command()).split('"')[1]
            record(path)
            peer.send(b"200 result=0 (timeout) endpos=800\n")
            assert await peer.command() == f'STREAM FILE "{path}" ""'
            peer.send(b"HANGUP\n" if hang_up else b"200 result=0\n")
            await until(lambda: not list((tmp_path / "recordings").iterdir()))
