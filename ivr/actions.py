"""The actions of ivr.conf: what happens to a caller, as one line of text.

    choice = 1, queue sales priority 2
    choice = 9, language pl, menu main
    closed = play closed, hangup

Actions are carried out in order. Each is a step of `ivr.flow`, so a line becomes a tuple of steps and needs no other
machinery. What it names is noted, to be looked up when the whole file is read.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from acd.problems import did_you_mean
from ivr import flow as steps
from ivr.flow import Step, StepError

ACTIONS = {
    "queue": "`queue NAME` or `queue NAME priority N`: wait for an agent; class 0 is served first. Last word.",
    "menu": "`menu NAME`: go to a menu. Last word.",
    "flow": "`flow NAME`: run a flow written in Python; if it returns, the next action follows.",
    "hours": "`hours NAME`: go on while it is open, else do what that section says under `otherwise`.",
    "language": "`language CODE`: speak this language from now on.",
    "play": "`play NAME`: play a prompt.",
    "script": "`script FILE` or `script FILE ARGUMENT ...`: run an AGI script of the folder `agi-bin`; when it ends, "
    "well or not, the next action follows.",
    "transfer": "`transfer NUMBER`: ring this extension of the context `ivr-transfer` in extensions.conf. Last word.",
    "hangup": "`hangup`: end the call. Last word.",
}
"""Each action with its line for the manual."""

Noun = Literal["queue", "menu", "flow", "hours", "language", "prompt", "script"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_LAST_WORDS = (steps.Enqueue, steps.HandOver, steps.Transfer, steps.HangUp)


class Reference(NamedTuple):
    """Something that a line names and that must exist."""

    noun: Noun
    name: str


class Actions(Struct, frozen=True):
    """One line of actions."""

    steps: Sequence[Step[Any]]
    references: Sequence[Reference]

    @property
    def menu(self) -> str | None:
        """The menu that the caller ends in, if it is one."""
        if self.steps and isinstance(self.steps[-1], steps.HandOver):
            return self.references[-1].name
        return None

    @property
    def is_final(self) -> bool:
        """Whether nothing comes after it."""
        return bool(self.steps) and isinstance(self.steps[-1], _LAST_WORDS)

    async def perform(self) -> None:
        """Do it all in the present call. A script that fails is passed over, unless nothing follows it."""
        for step in self.steps:
            try:
                await step
            except StepError:
                if not isinstance(step, steps.RunScript) or step is self.steps[-1]:
                    raise


def menu_flow(name: str) -> str:
    """Name the flow that a menu becomes. The colon keeps it apart from flows written in Python."""
    return f"menu:{name}"


def hours_flow(name: str) -> str:
    """Name the flow that opening hours become: it returns while they are open."""
    return f"hours:{name}"


_NAMING: Mapping[str, tuple[Noun, Callable[[str], Step[Any]]]] = {
    "queue": ("queue", steps.Enqueue),
    "menu": ("menu", lambda name: steps.HandOver(menu_flow(name))),
    "flow": ("flow", steps.CallFlow),
    "hours": ("hours", lambda name: steps.CallFlow(hours_flow(name))),
    "language": ("language", steps.SetLanguage),
    "play": ("prompt", steps.Play),
}
"""Actions that name one thing: what it is, and the step they become."""


def read_actions(text: str) -> Actions:
    """Read a line of actions.

    Raises:
        ValueError: says what is wrong with it.

    """
    found: list[tuple[Step[Any], Reference | None]] = []
    for part in text.split(","):
        words = part.split()
        if not words:
            raise ValueError("there is an empty action; actions are parted by single commas")
        if found and isinstance(found[-1][0], _LAST_WORDS):
            raise ValueError(f"'{part.strip()}' is never reached: the action before it is a last word")
        found.append(_read_action(words[0], words[1:]))
    return Actions(tuple(step for step, _ in found), tuple(reference for _, reference in found if reference))


def _read_action(verb: str, words: list[str]) -> tuple[Step[Any], Reference | None]:
    if verb not in ACTIONS:
        hint = did_you_mean(verb, ACTIONS) or f"known are {', '.join(ACTIONS)}"
        raise ValueError(f"there is no action '{verb}'; {hint}")
    if verb in _NAMING and len(words) == 1:
        noun, make = _NAMING[verb]
        return make(_name(noun, words[0])), Reference(noun, words[0])
    if verb == "queue" and words[1:2] == ["priority"] and re.fullmatch("[0-9]{1,2}", " ".join(words[2:])):
        return steps.Enqueue(_name("queue", words[0]), int(words[2])), Reference("queue", words[0])
    if verb == "script" and words:
        return steps.RunScript(words[0], tuple(words[1:])), Reference("script", words[0])
    if verb == "transfer" and len(words) == 1:
        return steps.Transfer(words[0]), None
    if verb == "hangup" and not words:
        return steps.HangUp(), None
    usage = ACTIONS[verb].partition(": ")[0].replace("`", "'")
    raise ValueError(f"'{' '.join([verb, *words])}' is not complete, or has too much; write {usage}")


def _name(noun: Noun, text: str) -> str:
    if noun != "language" and not _NAME.fullmatch(text):
        raise ValueError(f"'{text}' is no name: small letters, digits, - and _, up to 40")
    return text
