"""Performs the steps of one call: each becomes AGI commands, each answer a value.

Keys. Prompts are played by commands that end at the first key, and the last prompt by the command that collects digits
(GET DATA), so a key pressed during any of them counts. Asterisk drops the keys that come between two commands, so there
are as few boundaries as can be: with one prompt none, up to the last digit.

A command that the switch refuses is a `StepError` in the flow, unless the caller hung up, which cancels the flow first.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Protocol

from msgspec import Struct

from ivr import flow as steps
from ivr.agi import Response, Verb
from ivr.fastagi import Session
from ivr.flow import Caller, CallOverError, Flow, FlowEnded, InLanguage, Prompt, Recording, Step, StepError, prompt_list
from ivr.listen import CONTEXT, SPIED, Listen
from ivr.mailbox import Message
from ivr.needs import write_needs
from ivr.scripts import Relay

HUNG_UP_WITHIN_S = 1.0
"""How long after a failed command the switch may take to say that the caller hung up, the usual cause."""

WAV_HEAD, WAV_BYTES_A_MS = 44, 16
"""Of a file that Asterisk records as wav: 8,000 samples of 16 bits a second."""


class Prompts(Protocol):
    """Finds what to play; see `ivr.prompts`."""

    async def find(self, name_or_text: str, language: str) -> str:
        """Give the path, without extension, of a sound file."""


class Scripts(Protocol):
    """Runs AGI scripts; see `ivr.scripts`."""

    async def run(self, name: str, args: Sequence[str], headers: Mapping[str, str], relay: Relay) -> bool:
        """Run one to its end; gives whether it told the switch where the call goes on."""


class Mailbox(Protocol):
    """Keeps messages; see `ivr.mailbox`."""

    def begin(self, caller: Caller, queue: str, arrived: str) -> Message:
        """Make room for one."""

    async def take(self, message: Message) -> bool:
        """Make a call of it, if there is anything to hear."""

    def take_soon(self, message: Message) -> None:
        """The same when the switch has finished the file."""


class FlowLimits(Struct, frozen=True, kw_only=True):
    """What the flows of one call may take."""

    steps: int = 1_000
    """Steps, all flows of the call together."""
    depth: int = 16
    """Flows that call flows that call flows."""
    call_ms: int = 7_200_000
    """How long flows may hold the call."""
    prompt_ms: int = 600_000
    """The longest prompt."""


class Surroundings(Protocol):
    """What a call needs of its runner."""

    flows: Mapping[str, Flow]
    prompts: Prompts
    scripts: Scripts | None
    queues: Collection[str]
    recordings: Path
    mailbox: Mailbox | None
    limits: FlowLimits


class Call:
    """Performs the steps of one flow and of the flows it calls. See `ivr.flow.Performer`."""

    def __init__(self, runner: Surroundings, session: Session, caller: Caller) -> None:
        self.caller = caller
        self.language = caller.language
        self.last_word = ""
        self.limit_reached = ""
        self.successor: Flow | None = None
        self._runner = runner
        self._session = session
        self._steps = 0
        self._depth = 0

    @property
    def has_left(self) -> bool:
        """Whether the call is elsewhere already."""
        return bool(self.last_word) and not self.limit_reached and self.successor is None

    def successor_call(self) -> "Call":
        """Begin anew for the flow that was handed the caller; what is left of the old flow cannot touch it."""
        call = Call(self._runner, self._session, self.caller)
        call.language, call._steps = self.language, self._steps
        return call

    async def perform(self, step: Step[Any]) -> Any:
        """Perform a step; see `ivr.flow.Performer`."""
        name = type(step).__name__
        if over := self._session.end_reason or self.last_word:
            raise CallOverError(f"{name} cannot be performed: the call has left this flow ({over})")
        self._steps += 1
        if self._steps > self._runner.limits.steps:
            self._limit(f"more than {self._runner.limits.steps} steps in one call; does the flow turn in a circle?")
        return await self._perform[type(step)](self, step)

    def _limit(self, reached: str) -> NoReturn:
        self.limit_reached = self.last_word = reached
        raise FlowEnded(reached)

    async def _command(self, verb: Verb, *args: str | int, lasts_ms: int = 0) -> Response:
        """Send a command; a failure that is no hang-up is a StepError."""
        response = await self._session.command(verb, *args, lasts_ms=lasts_ms)
        if response.code != 200 or response.result == "-1":
            await asyncio.sleep(HUNG_UP_WITHIN_S)  # a hang-up cancels us here
            raise StepError(f"the switch answered {verb} with {response.code} {response.text or response.result}")
        return response

    async def _find(self, prompt: Prompt) -> str:
        match prompt:
            case Recording():
                return prompt.path
            case InLanguage():
                return await self._runner.prompts.find(prompt.prompt, prompt.language)
            case str():
                return await self._runner.prompts.find(prompt, self.language)

    async def _answer(self, _: steps.Answer) -> None:
        await self._command("ANSWER")

    async def _play(self, step: steps.Play) -> None:
        await self._stream(await self._find(step.prompt), "")

    async def _say(self, step: steps.Say) -> None:
        await self._stream(await self._find(step.text), "")

    async def _stream(self, path: str, keys: str) -> str:
        """Play a file up to one of the keys; the key, or nothing."""
        response = await self._command("STREAM FILE", path, keys, lasts_ms=self._runner.limits.prompt_ms)
        return "" if response.result in {"", "0"} else _key(response.result)

    async def _digits(self, path: str, timeout_ms: int, count: int) -> tuple[str, bool]:
        """Play a file, or nothing, and collect digits; whether complete: by count, or by a # that is cut off."""
        lasts_ms = self._runner.limits.prompt_ms + count * timeout_ms
        response = await self._command("GET DATA", path, timeout_ms, count, lasts_ms=lasts_ms)
        return response.result, response.value != "timeout"

    async def _entry(self, prompts: Sequence[Prompt], timeout_ms: int, count: int) -> tuple[str, bool]:
        """Play prompts and collect up to `count` digits; a # with nothing before it is the entry `#`."""
        paths = [await self._find(prompt) for prompt in prompts] or [""]
        for path in paths[:-1]:
            if pressed := await self._stream(path, steps.DIGITS):
                if pressed == "#" or count == 1:
                    return pressed, True
                return await self._more(pressed, timeout_ms, count - 1)
        digits, complete = await self._digits(paths[-1], timeout_ms, count)
        return (digits or "#", True) if complete else (digits, False)

    async def _more(self, pressed: str, timeout_ms: int, count: int) -> tuple[str, bool]:
        digits, complete = await self._digits("", timeout_ms, count)
        return pressed + digits, complete

    async def _menu(self, step: steps.Menu) -> str | None:
        choices = tuple(step.choices)
        shortest = min(map(len, choices))
        complaint: tuple[Prompt, ...] = ()
        for _ in range(step.tries):
            prompts = (*complaint, *prompt_list(step.prompts))
            pressed, complete = await self._entry(prompts, step.timeout_ms, shortest)
            while complete and len(pressed) >= shortest and any(_begins(choice, pressed) for choice in choices):
                # Another choice goes on from here: wait for one more key.
                longer, complete = await self._more(pressed, step.timeout_ms, 1)
                complete = complete and longer != pressed
                pressed = longer
            if pressed in choices:
                return pressed
            complaint = (step.invalid if pressed else step.no_input,)
        return None

    async def _collect(self, step: steps.Collect) -> str | None:
        complaint: tuple[Prompt, ...] = ()
        for _ in range(step.tries):
            prompts = (*complaint, *prompt_list(step.prompts))
            pressed, _complete = await self._entry(prompts, step.timeout_ms, step.max_digits)
            if len(pressed) >= step.min_digits and pressed.isdigit():
                return pressed
            if step.star and pressed[:1] == "*" and (pressed[1:] or "0").isdigit():
                return pressed
            complaint = (step.invalid if pressed else step.no_input,)
        return None

    async def _record(self, step: steps.Record) -> Recording:
        self._runner.recordings.mkdir(parents=True, exist_ok=True)
        path = str(self._runner.recordings.absolute() / (step.name or secrets.token_hex(12)))
        extra = [*(["BEEP"] if step.beep else []), *([f"s={step.silence_ms // 1_000}"] if step.silence_ms else [])]
        response = await self._command(
            "RECORD FILE", path, "wav", steps.DIGITS, step.max_ms, *extra, lasts_ms=step.max_ms
        )
        return Recording(path, (response.endpos or 0) // 8)  # wav holds 8 samples a millisecond, of 2 bytes each

    async def _leave_message(self, step: steps.LeaveMessage) -> bool:
        mailbox = self._runner.mailbox
        if mailbox is None:
            raise StepError("no message can be left: this runner has no mailbox")
        arrived = await self._get_variable(steps.GetVariable("ACD_ARRIVED"))
        message = mailbox.begin(self.caller, step.queue, arrived or "")
        try:
            await self._record(steps.Record(max_ms=step.max_ms, silence_ms=step.silence_ms, name=message.id))
        except BaseException:  # a hang-up, which cancels us, for one: what he has said by then is said
            mailbox.take_soon(message)
            raise
        return await mailbox.take(message)

    async def _recorded(self, step: steps.Recorded) -> Recording | None:
        path = self._runner.recordings.absolute() / step.name
        try:
            size = path.with_name(f"{step.name}.wav").stat().st_size
        except OSError:
            return None
        return Recording(str(path), (size - WAV_HEAD) // WAV_BYTES_A_MS) if size > WAV_HEAD else None

    async def _set_variable(self, step: steps.SetVariable) -> None:
        await self._command("SET VARIABLE", step.name, step.value)

    async def _get_variable(self, step: steps.GetVariable) -> str | None:
        response = await self._command("GET VARIABLE", step.name)
        return response.value if response.result == "1" else None

    async def _set_language(self, step: steps.SetLanguage) -> None:
        await self._command("SET VARIABLE", "CHANNEL(language)", step.language)
        self.language = step.language

    def _flow(self, name: str) -> Flow:
        if name not in self._runner.flows:
            raise StepError(f"there is no flow {name!r}; there are {', '.join(sorted(self._runner.flows))}")
        return self._runner.flows[name]

    async def _call_flow(self, step: steps.CallFlow) -> None:
        flow = self._flow(step.name)
        if self._depth >= self._runner.limits.depth:
            self._limit(f"flows call flows more than {self._runner.limits.depth} deep; the last one is {step.name!r}")
        self._depth += 1
        try:
            await flow(self.caller)
        finally:
            self._depth -= 1

    async def _hand_over(self, step: steps.HandOver) -> NoReturn:
        self.successor = self._flow(step.name)
        self._leave(f"HandOver to {step.name}")

    async def _run_script(self, step: steps.RunScript) -> None:
        if self._runner.scripts is None:
            raise StepError(f"script {step.name!r} cannot be run: this runner has no scripts")
        headers = {**self.caller.headers, "language": self.language}
        if await self._runner.scripts.run(step.name, step.args, headers, self._session.relay):
            self._leave(f"RunScript {step.name}")

    async def _enqueue(self, step: steps.Enqueue) -> NoReturn:
        if step.queue not in self._runner.queues:
            raise StepError(f"there is no queue {step.queue!r}; there are {', '.join(sorted(self._runner.queues))}")
        assert not isinstance(step.needs, str), "the step has read them"
        wishes = {
            "ACD_QUEUE": step.queue,
            "ACD_PRIORITY": "" if step.priority is None else str(step.priority),
            "ACD_NEEDS": write_needs(step.needs),
            "ACD_AHEAD": str(step.head_start_ms or ""),
            "ACD_WANTED": step.seat,
        }
        # All in one command; also the empty ones, for he may have waited before. No value can hold a comma.
        await self._command("SET VARIABLE", f"ARRAY({','.join(wishes)})", ",".join(wishes.values()))
        await go_on_at(self._command, "acd-hold", "s")
        self._leave(f"Enqueue in {step.queue}")

    async def _transfer(self, step: steps.Transfer) -> NoReturn:
        await go_on_at(self._command, "ivr-transfer", step.extension)
        self._leave(f"Transfer to {step.extension}")

    async def _wait_on(self, _: steps.WaitOn) -> NoReturn:
        await go_on_at(self._command, "acd-hold", "again")
        self._leave("WaitOn")

    async def _go_on(self, _: steps.GoOn) -> NoReturn:
        self._leave("GoOn")

    async def _dial_out(self, step: steps.DialOut) -> NoReturn:
        values = {
            "ACD_DIAL": step.dial,
            "ACD_LEG": step.leg,
            "ACD_LINE": step.line,
            "ACD_RING": str(-(-step.ring_ms // 1_000)),
            "ACD_LONGEST": str(step.longest_ms // 1_000),
            "ACD_HELP": step.help_number,
        }
        await self._command("SET VARIABLE", f"ARRAY({','.join(values)})", ",".join(values.values()))
        await self._command("SET VARIABLE", "CALLERID(num)", step.caller_id)
        await self._command("SET VARIABLE", "CALLERID(name)", "")
        await go_on_at(self._command, "acd-out", "s")
        self._leave(f"DialOut over {step.line}")

    async def _listen(self, step: Listen) -> NoReturn:
        await self._command("SET VARIABLE", SPIED, step.leg)
        await go_on_at(self._command, CONTEXT, "1")
        self._leave(f"Listen to {step.leg}")

    async def _hang_up(self, _: steps.HangUp) -> NoReturn:
        await self._command("HANGUP")
        self._leave("HangUp")

    def _leave(self, last_word: str) -> NoReturn:
        self.last_word = last_word
        raise FlowEnded(last_word)

    _perform: ClassVar[Mapping[type[Step[Any]], Callable[["Call", Any], Awaitable[Any]]]] = {
        steps.Answer: _answer,
        steps.Play: _play,
        steps.Say: _say,
        steps.Menu: _menu,
        steps.Collect: _collect,
        steps.Record: _record,
        steps.LeaveMessage: _leave_message,
        steps.Recorded: _recorded,
        steps.SetVariable: _set_variable,
        steps.GetVariable: _get_variable,
        steps.SetLanguage: _set_language,
        steps.CallFlow: _call_flow,
        steps.HandOver: _hand_over,
        steps.RunScript: _run_script,
        steps.Enqueue: _enqueue,
        steps.Transfer: _transfer,
        steps.WaitOn: _wait_on,
        steps.GoOn: _go_on,
        steps.DialOut: _dial_out,
        Listen: _listen,
        steps.HangUp: _hang_up,
    }
    """Each step and who performs it."""


async def go_on_at(command: Callable[..., Awaitable[Response]], context: str, extension: str) -> None:
    """Tell where the dialplan goes on with the call when the session closes."""
    await command("SET CONTEXT", context)
    await command("SET EXTENSION", extension)
    await command("SET PRIORITY", 1)


def _begins(choice: str, pressed: str) -> bool:
    return choice != pressed and choice.startswith(pressed)


def _key(result: str) -> str:
    """Read the key of STREAM FILE's answer: its ASCII code in decimal."""
    if not result.isdecimal() or not (key := chr(int(result[:3]))).isascii():
        raise StepError(f"the switch named a key that does not exist: {result[:20]!r}")
    return key
