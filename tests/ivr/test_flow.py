"""The step vocabulary by itself, performed by a script."""

import asyncio
import inspect
from typing import Any

import pytest

from ivr import flow as vocabulary
from ivr.flow import (
    Answer,
    Caller,
    CallFlow,
    Collect,
    Enqueue,
    Flow,
    FlowEnded,
    GetVariable,
    InLanguage,
    Menu,
    Play,
    Record,
    Recording,
    Say,
    SetLanguage,
    SetVariable,
    Step,
    Transfer,
    flow,
    performing,
    prompt_list,
)


class Script:
    """Performs every step by noting it and giving the next prepared answer."""

    def __init__(self, *answers: Any) -> None:
        self.steps: list[Step[Any]] = []
        self.answers = list(answers)

    async def perform(self, step: Step[Any]) -> Any:
        self.steps.append(step)
        await asyncio.sleep(0)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, BaseException):
            raise answer
        return answer


async def test_awaiting_a_step_performs_it() -> None:
    """The answer of the performer is the value of the await."""
    script = Script(None, "2")
    with performing(script):
        await Answer()
        assert await Menu("main", choices="12") == "2"
    assert script.steps == [Answer(), Menu("main", choices="12")]


async def test_a_step_outside_a_flow_is_a_clear_error() -> None:
    """Without a call there is nothing to act on."""
    with pytest.raises(RuntimeError, match="Answer is awaited outside a running flow"):
        await Answer()


async def test_steps_find_their_call_in_tasks() -> None:
    """Two calls at once, each with tasks of its own, never mix."""
    scripts = [Script(), Script()]

    async def one_call(script: Script, text: str) -> None:
        with performing(script):
            await asyncio.gather(*(Say(f"{text}{number}") for number in range(5)))

    await asyncio.gather(one_call(scripts[0], "a"), one_call(scripts[1], "b"))
    assert scripts[0].steps == [Say(f"a{number}") for number in range(5)]
    assert scripts[1].steps == [Say(f"b{number}") for number in range(5)]


async def test_the_last_word_is_no_exception() -> None:
    """A flow's `except Exception` does not catch FlowEnded, its `finally` runs."""
    ran: list[str] = []

    @flow("careless")
    async def careless(_caller: Caller) -> None:
        try:
            await Enqueue("sales")
        except Exception:  # noqa: BLE001 - what a careless flow does is the point
            ran.append("caught")
        finally:
            ran.append("cleaned up")

    with performing(Script(FlowEnded())), pytest.raises(FlowEnded):
        await careless(Caller())
    assert ran == ["cleaned up"]


def test_the_decorator_names_a_flow() -> None:
    """A flow has the name it was given and the function it was made of."""

    async def hello(caller: Caller) -> None: ...

    assert flow("hello")(hello) == Flow("hello", hello)


@pytest.mark.parametrize("name", ["", "Hello", "a b", "a,b", "-a", "a\n", "x" * 65])
def test_a_bad_name_of_a_flow_is_refused(name: str) -> None:
    """A name that ivr.conf could not write is refused at the decorator."""
    with pytest.raises(ValueError, match="flow"):
        flow(name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Menu("m", choices=""), "at least one choice"),
        (lambda: Menu("m", choices=["a"]), "choice 'a'"),
        (lambda: Menu("m", choices=["1#"]), "ends an entry"),
        (lambda: Menu("m", choices="1", tries=0), "tries is 0"),
        (lambda: Menu("m", choices="1", timeout_ms=5), "timeout_ms is 5"),
        (lambda: Collect("c", max_digits=0), "max_digits is 0"),
        (lambda: Collect("c", max_digits=3, min_digits=4), "min_digits is 4"),
        (lambda: Record(max_ms=0), "max_ms is 0"),
        (lambda: Record(silence_ms=1_500), "whole seconds"),
        (lambda: SetVariable("CHANNEL(language)", "x"), "variable"),
        (lambda: SetVariable("__INHERITED", "x"), "variable"),
        (lambda: GetVariable("SHELL(id)"), "variable"),
        (lambda: SetLanguage("../en"), "language"),
        (lambda: Enqueue("a,b"), "queue"),
        (lambda: Enqueue("sales", -1), "priority is -1"),
        (lambda: Transfer("500&PJSIP/itsp/1416"), "extension"),
        (lambda: Transfer("1" * 21), "extension"),
        (lambda: Transfer("101\n"), "extension"),
        (lambda: CallFlow(""), "flow"),
    ],
)
def test_what_cannot_be_performed_cannot_be_written(make: Any, message: str) -> None:
    """A wrong value is refused where the step is made, with the value and what is wanted."""
    with pytest.raises(ValueError, match=message):
        make()


def test_a_string_of_choices_is_read_key_by_key() -> None:
    """`choices="12"` and `choices=("1", "2")` are the same menu; one prompt is a list of one."""
    assert Menu("m", choices="12") == Menu(["m"], choices=("1", "2"))
    assert prompt_list(Recording("/r", 1)) == (Recording("/r", 1),)
    assert prompt_list(InLanguage("pl", "m")) == (InLanguage("pl", "m"),)


def test_steps_are_values() -> None:
    """A step cannot be changed, and can be used again in another call."""
    with pytest.raises(AttributeError):
        Play("a").prompt = "b"  # type: ignore[misc]


def test_every_step_is_documented() -> None:
    """Each step of the vocabulary says what it does."""
    steps = [value for value in vars(vocabulary).values() if inspect.isclass(value) and issubclass(value, Step)]
    assert len(steps) >= 15
    assert all(step.__doc__ and not step.__doc__.startswith(f"{step.__name__}(") for step in steps)
