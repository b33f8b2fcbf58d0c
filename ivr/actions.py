"""The actions of ivr.conf: what happens to a caller, as one line of text.

    choice = 1, queue sales priority 2
    choice = 9, language pl, menu main
    closed = play closed, hangup

Actions are carried out in order. Each is a step of `ivr.flow`, so a line becomes a tuple of steps and needs no other
machinery. What it names is noted, to be looked up when the whole file is read.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from acd.core.rules import Needs
from acd.problems import did_you_mean
from acd.settings import SEAT_NAME
from ivr import flow as steps
from ivr.flow import Step, StepError
from ivr.needs import read_head_start, read_needs

ACTIONS = {
    "queue": "`queue NAME`: wait for an agent. Last word. May go on with `priority N`: class 0 is served first; "
    "`needs SKILL LEVEL + SKILL|SKILL`: all that `+` parts, of each any one that `|` parts, a level 1 to 10 being the "
    "lowest that will do, 1 if left out; `ahead TIME`: as if it had come so much earlier; `seat NUMBER`: that seat is "
    "preferred.",
    "menu": "`menu NAME`: go to a menu. Last word.",
    "flow": "`flow NAME`: run a flow written in Python; if it returns, the next action follows.",
    "hours": "`hours NAME`: go on while it is open, else do what that section says under `otherwise`.",
    "language": "`language CODE`: speak this language from now on.",
    "play": "`play NAME`: play a prompt.",
    "script": "`script FILE` or `script FILE ARGUMENT ...`: run an AGI script of the folder `agi-bin`; when it ends, "
    "well or not, the next action follows.",
    "transfer": "`transfer NUMBER`: ring this extension of the context `ivr-transfer` in extensions.conf. Last word.",
    "voicemail": "`voicemail` or `voicemail QUEUE`: leave a message, which agents of that queue hear; left out, of the "
    "queue in which the caller has waited. Last word.",
    "hangup": "`hangup`: end the call. Last word.",
}
"""Each action with its line for the manual."""

VOICEMAIL = "voicemail"
"""The flow that takes a message; a site's own flow of that name goes before the built-in one."""
MESSAGE_FOR = "ACD_MESSAGE_FOR"
"""The variable that tells it for which queue."""

Noun = Literal["queue", "seat", "menu", "flow", "hours", "language", "prompt", "script"]

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
        if self.steps and isinstance(self.steps[-1], steps.HandOver) and self.references[-1].noun == "menu":
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
    found: list[tuple[Step[Any], list[Reference]]] = []
    for part in text.split(","):
        words = part.split()
        if not words:
            raise ValueError("there is an empty action; actions are parted by single commas")
        if found and isinstance(found[-1][0], _LAST_WORDS):
            raise ValueError(f"'{part.strip()}' is never reached: the action before it is a last word")
        found += _read_voicemail(words[1:]) if words[0] == "voicemail" else [_read_action(words[0], words[1:])]
    return Actions(tuple(step for step, _ in found), tuple(chain.from_iterable(named for _, named in found)))


def _read_action(verb: str, words: list[str]) -> tuple[Step[Any], list[Reference]]:
    if verb not in ACTIONS:
        hint = did_you_mean(verb, ACTIONS) or f"known are {', '.join(ACTIONS)}"
        raise ValueError(f"there is no action '{verb}'; {hint}")
    if verb in _NAMING and len(words) == 1:
        noun, make = _NAMING[verb]
        return make(_name(noun, words[0])), [Reference(noun, words[0])]
    if verb == "queue" and words[1:] and words[1] in _QUEUE_WORDS:
        wishes = _read_wishes(words[1:])
        references = [Reference("queue", words[0]), *([Reference("seat", wishes["seat"])] if "seat" in wishes else [])]
        return steps.Enqueue(_name("queue", words[0]), **wishes), references
    if verb == "script" and words:
        return steps.RunScript(words[0], tuple(words[1:])), [Reference("script", words[0])]
    if verb == "transfer" and len(words) == 1:
        return steps.Transfer(words[0]), []
    if verb == "hangup" and not words:
        return steps.HangUp(), []
    usage = ACTIONS[verb].partition(": ")[0].replace("`", "'")
    raise ValueError(f"'{' '.join([verb, *words])}' is not complete, or has too much; write {usage}")


def _read_voicemail(words: list[str]) -> list[tuple[Step[Any], list[Reference]]]:
    if len(words) > 1:
        raise ValueError(f"'{' '.join(['voicemail', *words])}' has too much; write 'voicemail' or 'voicemail QUEUE'")
    queue = [(steps.SetVariable(MESSAGE_FOR, _name("queue", word)), [Reference("queue", word)]) for word in words]
    return [*queue, (steps.HandOver(VOICEMAIL), [Reference("flow", VOICEMAIL)])]


def _read_wishes(words: Sequence[str]) -> dict[str, Any]:
    """Read what a `queue` asks for besides, as fields of `Enqueue`; each word stands once, in any order."""
    starts = [number for number, word in enumerate(words) if word in _QUEUE_WORDS]
    wishes: dict[str, Any] = {}
    for start, end in zip(starts, [*starts[1:], len(words)], strict=True):
        word, value = words[start], " ".join(words[start + 1 : end])
        field, read = _QUEUE_WORDS[word]
        if field in wishes:
            raise ValueError(f"'{word}' stands twice")
        try:
            wishes[field] = read(value)
        except ValueError as error:
            raise ValueError(f"{word}: {error}" if value else f"'{word}' has nothing after it") from None
    return wishes


def _read_class(text: str) -> int:
    if not re.fullmatch("[0-9]{1,2}", text):
        raise ValueError(f"'{text}' is no priority class: a number 0 to 99")
    return int(text)


def _read_needs(text: str) -> Needs:
    if not text:
        raise ValueError("nothing is needed")
    return read_needs(text)


def _read_seat(text: str) -> str:
    if not re.fullmatch(SEAT_NAME, text):
        raise ValueError(f"'{text}' is no seat: it is named by its number")
    return text


_QUEUE_WORDS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "priority": ("priority", _read_class),
    "needs": ("needs", _read_needs),
    "ahead": ("head_start_ms", read_head_start),
    "seat": ("seat", _read_seat),
}
"""What can follow a queue's name: the field of `Enqueue`, and how the value is read."""


def _name(noun: Noun, text: str) -> str:
    if noun != "language" and not _NAME.fullmatch(text):
        raise ValueError(f"'{text}' is no name: small letters, digits, - and _, up to 40")
    return text
