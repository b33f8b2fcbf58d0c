"""The step vocabulary: what a flow can do to a caller.

A flow is an `async def` with a name. Inside it, a step is performed by awaiting it; its answer is what the caller did:

    @flow("reception")
    async def reception(caller: Caller) -> None:
        await Answer()
        match await Menu("reception-menu", choices="12"):
            case "1":
                await Enqueue("sales")
            case "2":
                await Transfer("101")
        await Say("Goodbye.")

A step is a frozen value; it holds no channel. Which call it acts on is found, when it is awaited, through a context
variable that the runner sets, so helpers and tasks started by a flow act on the right call without handing it around.

Three ways a flow ends:

* it returns: it is done with the caller, who is hung up (in a flow called by `CallFlow`: the calling flow goes on);
* a last word (`Enqueue`, `Transfer`, `HandOver`, `HangUp`) raises `FlowEnded`. It is no `Exception`, so a flow's own
  `except Exception` cannot swallow it;
* the caller hangs up: the flow is cancelled (`asyncio.CancelledError`) wherever it waits.

In all three `finally` and `async with` run, and cannot perform steps any more: the call has left (`CallOverError`).
"""

import re
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import KW_ONLY, dataclass
from typing import Any, Generic, NoReturn, Protocol, TypeVar

from acd.core.rules import Needs
from acd.settings import SEAT_NAME
from ivr.flow_words import DIGITS, Caller, CallOverError, FlowEnded, InLanguage, Prompt, Recording, StepError
from ivr.needs import HEAD_START_MAX_MS, checked_needs

__all__ = ["DIGITS", "CallOverError", "Caller", "FlowEnded", "InLanguage", "Prompt", "Recording", "StepError"]

T = TypeVar("T")

_FLOW_NAME = re.compile(r"[a-z0-9][a-z0-9_/:-]{0,63}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_QUEUE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_RECORDING = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,159}")
_EXTENSION = re.compile(r"[0-9*#]{1,20}")
_DIALLED = re.compile(r"[A-Za-z0-9]+/[A-Za-z0-9_.@+/-]{1,120}")
_CALLER_ID = re.compile(r"(\+?[0-9]{1,20})?")
SCRIPT_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}"
"""A script is named by its file's plain name."""


class Performer(Protocol):
    """Performs the steps of one call: `ivr.runner`, or a script in a test."""

    async def perform(self, step: "Step[T]") -> T:
        """Do the step and give its answer, or raise what the module's introduction tells."""


_performer: ContextVar[Performer] = ContextVar("callfloor_performer")


@contextmanager
def performing(performer: Performer) -> Iterator[None]:
    """Let steps awaited inside, and in tasks started inside, be performed by this performer."""
    token = _performer.set(performer)
    try:
        yield
    finally:
        _performer.reset(token)


class Step(Generic[T]):
    """One thing done to a caller. Awaiting it performs it in the running call.

    Raises on await:
        RuntimeError: no call runs here.
        CallOverError: the call has left the flow.
        StepError: the switch could not do it.

    """

    __slots__ = ()

    def __await__(self) -> Generator[Any, Any, T]:
        performer = _performer.get(None)
        if performer is None:
            raise RuntimeError(f"{type(self).__name__} is awaited outside a running flow")
        return performer.perform(self).__await__()


def _check(what: str, value: str, pattern: re.Pattern[str], wanted: str) -> None:
    if not pattern.fullmatch(value):
        raise ValueError(f"{what} {value[:80]!r} cannot be used: {wanted}")


def _check_range(what: str, value: int, first: int, last: int) -> None:
    if not first <= value <= last:
        raise ValueError(f"{what} is {value}; it must lie between {first} and {last}")


def _check_recording(max_ms: int, silence_ms: int) -> None:
    _check_range("max_ms", max_ms, 1_000, 3_600_000)
    _check_range("silence_ms", silence_ms, 0, 60_000)
    if silence_ms % 1_000:
        raise ValueError(f"silence_ms is {silence_ms}; the switch counts silence in whole seconds (1000)")


def prompt_list(prompts: Prompt | Iterable[Prompt]) -> tuple[Prompt, ...]:
    """Take one prompt for a list of one."""
    return (prompts,) if isinstance(prompts, str | Recording | InLanguage) else tuple(prompts)


@dataclass(frozen=True, slots=True)
class Answer(Step[None]):
    """Take the call off hook. Harmless when it is already."""


@dataclass(frozen=True, slots=True)
class Play(Step[None]):
    """Play a prompt by its name, or a `Recording`, to its end. Keys are ignored; use `Menu` where they matter."""

    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Say(Step[None]):
    """Speak a text in the call's language."""

    text: str


@dataclass(frozen=True, slots=True)
class Menu(Step["str | None"]):
    """Play prompts and let the caller choose; the answer is the choice, or None after the last try.

    A key pressed during any of the prompts counts and cuts them short.
    """

    prompts: Prompt | Iterable[Prompt]
    choices: Iterable[str]
    """What can be pressed. A string counts key by key: `"120"` is the three choices 1, 2 and 0."""
    _: KW_ONLY
    tries: int = 3
    timeout_ms: int = 5_000
    """How long to wait for a key after the prompts, and between the keys of a longer choice."""
    invalid: Prompt = "invalid"
    """Said when no choice fits, before the next try."""
    no_input: Prompt = "no-input"
    """Said when nothing was pressed, before the next try."""

    def __post_init__(self) -> None:
        choices = tuple(self.choices)
        object.__setattr__(self, "prompts", prompt_list(self.prompts))
        object.__setattr__(self, "choices", choices)
        if not choices:
            raise ValueError("a Menu needs at least one choice")
        for choice in choices:
            _check("choice", choice, _EXTENSION, "a choice is 1 to 20 of the keys 0-9 * #")
            if len(choice) > 1 and "#" in choice:
                raise ValueError(f"choice {choice!r} cannot be used: # ends an entry, so it can only stand alone")
        _check_range("tries", self.tries, 1, 20)
        _check_range("timeout_ms", self.timeout_ms, 100, 60_000)


@dataclass(frozen=True, slots=True)
class Collect(Step["str | None"]):
    """Play prompts and collect digits, ended by #, by `max_digits`, or by silence; None after the last try.

    Digits pressed during the prompts count. What was pressed is never logged: it may be a PIN or a card number.
    """

    prompts: Prompt | Iterable[Prompt]
    _: KW_ONLY
    max_digits: int
    min_digits: int = 1
    tries: int = 3
    timeout_ms: int = 5_000
    """How long to wait for the first digit, and for each next one."""
    invalid: Prompt = "invalid"
    """Said when there were too few digits, or a *, before the next try."""
    no_input: Prompt = "no-input"
    """Said when nothing was pressed, before the next try."""
    star: bool = False
    """Whether a * may come first, with or without digits after it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "prompts", prompt_list(self.prompts))
        _check_range("max_digits", self.max_digits, 1, 64)
        _check_range("min_digits", self.min_digits, 1, self.max_digits)
        _check_range("tries", self.tries, 1, 20)
        _check_range("timeout_ms", self.timeout_ms, 100, 60_000)


@dataclass(frozen=True, slots=True)
class Record(Step[Recording]):
    """Record the caller until a key, a silence, or the longest length; the answer names the file."""

    _: KW_ONLY
    max_ms: int = 60_000
    silence_ms: int = 3_000
    """Silence that ends it, in whole seconds; 0 for never."""
    beep: bool = True
    name: str = ""
    """Name of the file in the site's folder of recordings; one that nobody guesses if not given. An older file of that
    name is overwritten."""

    def __post_init__(self) -> None:
        if self.name:
            _check("recording", self.name, _RECORDING, "it is named by letters, digits, - and _, up to 160")
        _check_recording(self.max_ms, self.silence_ms)


@dataclass(frozen=True, slots=True)
class LeaveMessage(Step[bool]):
    """Record a message that agents of a queue will hear, and say whether there is anything to hear.

    It stands where its caller would stand in the queue. Who hangs up while he speaks has left a message too.
    """

    queue: str = ""
    """Left out, the `queue` of [voicemail]."""
    _: KW_ONLY
    max_ms: int = 180_000
    silence_ms: int = 5_000

    def __post_init__(self) -> None:
        if self.queue:
            _check("queue", self.queue, _QUEUE, "a queue's name is lower-case letters, digits, - and _")
        _check_recording(self.max_ms, self.silence_ms)


@dataclass(frozen=True, slots=True)
class Recorded(Step["Recording | None"]):
    """Find what was recorded under a name; None if nothing was, or it is empty."""

    name: str

    def __post_init__(self) -> None:
        _check("recording", self.name, _RECORDING, "it is named by letters, digits, - and _, up to 160")


@dataclass(frozen=True, slots=True)
class SetVariable(Step[None]):
    """Set a variable of the caller's channel. The value is stored as it is, never evaluated."""

    name: str
    value: str

    def __post_init__(self) -> None:
        _check("variable", self.name, _VARIABLE, "a name is letters, digits and _, and begins with a letter")


@dataclass(frozen=True, slots=True)
class GetVariable(Step["str | None"]):
    """Read a variable of the caller's channel; None when it is not set."""

    name: str

    def __post_init__(self) -> None:
        _check("variable", self.name, _VARIABLE, "a name is letters, digits and _, and begins with a letter")


@dataclass(frozen=True, slots=True)
class SetLanguage(Step[None]):
    """From now on prompts, and what the dialplan plays, are in this language."""

    language: str

    def __post_init__(self) -> None:
        _check("language", self.language, _LANGUAGE, "write it like en, pl or pt_BR")


@dataclass(frozen=True, slots=True)
class CallFlow(Step[None]):
    """Run another flow, then go on here."""

    name: str

    def __post_init__(self) -> None:
        _check("flow", self.name, _FLOW_NAME, "a flow's name is lower-case letters, digits, - and _")


@dataclass(frozen=True, slots=True)
class RunScript(Step[None]):
    """Run one of the site's AGI scripts, `agi-bin/<name>`, to its end; see `ivr.scripts`.

    A last word if the script says by SET CONTEXT, SET EXTENSION or SET PRIORITY where the dialplan goes on.
    """

    name: str
    args: tuple[str, ...] = ()
    """What the script finds in `sys.argv` and as `agi_arg_1` and so on."""

    def __post_init__(self) -> None:
        _check("script", self.name, re.compile(SCRIPT_NAME), "it is named by a file's name, without a path")
        for arg in self.args:
            if not arg.isprintable():
                raise ValueError(f"argument {arg[:80]!r} cannot be used: it holds a control character")


@dataclass(frozen=True, slots=True)
class Enqueue(Step[NoReturn]):
    """Last word: the caller waits in this queue, in the hands of the switch."""

    queue: str
    priority: int | None = None
    """Priority class, 0 is served first; None takes the queue's own."""
    needs: Needs | str = ()
    """All of these, each any one of (skill, minimum level 1-10); or as in ivr.conf: `french 3 + billing|sales`."""
    head_start_ms: int = 0
    """The call counts as if it had come so much earlier."""
    seat: str = ""
    """The seat that is preferred for it, by its number."""

    def __post_init__(self) -> None:
        _check("queue", self.queue, _QUEUE, "a queue's name is lower-case letters, digits, - and _")
        if self.priority is not None:
            _check_range("priority", self.priority, 0, 1_000_000)
        object.__setattr__(self, "needs", checked_needs(self.needs))
        _check_range("head_start_ms", self.head_start_ms, 0, HEAD_START_MAX_MS)
        if self.seat:
            _check("seat", self.seat, re.compile(SEAT_NAME), "a seat is named by its number, 2 to 8 digits")


@dataclass(frozen=True, slots=True)
class Transfer(Step[NoReturn]):
    """Last word: the caller goes on at this extension of the dialplan context `ivr-transfer`."""

    extension: str

    def __post_init__(self) -> None:
        _check("extension", self.extension, _EXTENSION, "an extension is 1 to 20 of the keys 0-9 * #")


@dataclass(frozen=True, slots=True)
class WaitOn(Step[NoReturn]):
    """Last word: back to the queue where the caller waited before, at his old place."""


@dataclass(frozen=True, slots=True)
class GoOn(Step[NoReturn]):
    """Last word: the dialplan goes on with the call where it called this flow."""


@dataclass(frozen=True, slots=True)
class DialOut(Step[NoReturn]):
    """Last word: the channel calls out, in the dialplan context `acd-out`. What is dialled is the core's choice."""

    dial: str
    _: KW_ONLY
    leg: str
    line: str
    caller_id: str
    ring_ms: int
    longest_ms: int
    help_number: str = ""  # of a call for help: where the dialplan goes on by itself, should callfloor be gone then

    def __post_init__(self) -> None:
        _check("what is dialled", self.dial, _DIALLED, "it is a technology, a line and a number")
        _check("caller ID", self.caller_id, _CALLER_ID, "a caller ID is digits, with a + before them or not")


@dataclass(frozen=True, slots=True)
class HandOver(Step[NoReturn]):
    """Last word: another flow takes the caller, and does not return. Its flow starts after this one's clean-up."""

    name: str

    def __post_init__(self) -> None:
        _check("flow", self.name, _FLOW_NAME, "a flow's name is lower-case letters, digits, - and _")


@dataclass(frozen=True, slots=True)
class HangUp(Step[NoReturn]):
    """Last word: the call ends."""


FlowFunction = Callable[[Caller], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow with its name."""

    name: str
    function: FlowFunction

    async def __call__(self, caller: Caller) -> None:
        """Run it in the present call."""
        await self.function(caller)


def flow(name: str) -> Callable[[FlowFunction], Flow]:
    """Make an `async def name(caller)` a flow, known to ivr.conf, `CallFlow` and `HandOver` by this name."""
    _check("flow", name, _FLOW_NAME, "a flow's name is lower-case letters, digits, - and _")
    return lambda function: Flow(name, function)
