"""The command table of the handset: each feature code once, with what it does, who may dial it, and what it is for.

The dialplan `from-seat` is text that an admin reads and edits; `dialplan_lines` gives the lines that the sample has,
and `check_codes` holds a site's against the table. The flows (`ivr.handset`), the story that the demo tells, the manual
and `callfloor codes` take the codes from here.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, get_args

from msgspec import Struct

from acd.conf import Config
from acd.problems import Origin, Problem, did_you_mean
from ivr.dialplan_steps import Extension, Step, extensions_of, read_dialplan

Action = Literal[
    "log-in",
    "log-out",
    "ready",
    "pause",
    "end-wrap-up",
    "more-wrap-up",
    "code",
    "my-state",
    "figures",
    "queues",
    "next-call",
    "pull",
    "listen",
    "pick-up",
]
ACTIONS: tuple[Action, ...] = get_args(Action)

BESIDES = frozenset({"dial", "dialled", "give-out"})
"""Flows that a handset asks for by no code, see `ivr.calling_out`."""

Who = Literal["agent", "supervisor"]

FILE = "extensions.conf"
CONTEXT = "from-seat"
_ROUTE = "agi://${CALLFLOOR_AGI}/handset/"


class Code(Struct, frozen=True, kw_only=True):
    """One feature code."""

    dial: str
    action: Action
    who: Who = "agent"
    help: str
    """The rest of its line in the manual: what comes of it."""
    digit: bool = False
    """A digit may be dialled behind it: *141."""
    seat: bool = False
    """The number of a seat is dialled behind it."""

    @property
    def patterns(self) -> tuple[str, ...]:
        """The extensions that it takes in the dialplan."""
        if self.seat:
            return (f"_{self.dial}X.",)
        return (self.dial, f"_{self.dial}X") if self.digit else (self.dial,)

    @property
    def shown(self) -> str:
        """What the manual says that one dials."""
        return f"`{self.dial}` and a seat" if self.seat else f"`{self.dial}`"


CODES: Mapping[Action, Code] = {
    code.action: code
    for code in (
        Code(
            dial="*11",
            action="log-in",
            help="your PIN and `#`: logged in. Three wrong ones lock the seat for a while. At another's phone: `*`, "
            "your seat and `#` first",
        ),
        Code(dial="*12", action="log-out", help="logged out, after the present call if there is one"),
        Code(dial="*13", action="ready", help="ready; ends a pause, ends wrap-up"),
        Code(
            dial="*14",
            action="pause",
            help="pause: press the reason's digit, or dial it at once (`*141`)",
            digit=True,
        ),
        Code(dial="*15", action="end-wrap-up", help="wrap-up is done"),
        Code(dial="*16", action="my-state", help="how you stand, and who waits"),
        Code(dial="*17", action="more-wrap-up", help="one more minute of wrap-up, as far as the queue allows"),
        Code(
            dial="*18",
            action="code",
            help="what the call was about: press the code's digit, or dial it at once (`*181`); ends a wrap-up that "
            "waits for it",
            digit=True,
        ),
        Code(
            dial="*19",
            action="figures",
            help="your figures: calls of today, talk, wrap-up, and how busy you have been since log-in",
        ),
        Code(
            dial="*20",
            action="queues",
            who="supervisor",
            help="close a queue or the whole site, open it, record what callers hear while it is closed",
        ),
        Code(
            dial="*21",
            action="next-call",
            help="who waits, and your next call: queue, wait, customer, number",
        ),
        Code(
            dial="*22",
            action="pull",
            who="supervisor",
            help="take the call that has waited longest, of all your queues or of one: hang up, and it rings you",
        ),
        Code(
            dial="*23",
            action="listen",
            who="supervisor",
            help="listen to a talk: key in the seat and `#`; then 1 to listen, 2 to speak to the agent, 3 to both",
        ),
        Code(
            dial="*8",
            action="pick-up",
            help="take the call that rings at that seat (`*8101`), if you serve its queue: hang up, and it rings you",
            seat=True,
        ),
    )
}
"""The one table, in the order in which it is shown."""


def manual() -> str:
    """Return the table of the manual."""
    rows = [
        f"| {code.shown} | {'for supervisors: ' if code.who == 'supervisor' else ''}{code.help} |"
        for code in CODES.values()
    ]
    return "\n".join(["| dial | and then |", "| --- | --- |", *rows])


def dialplan_lines(code: Code) -> str:
    """Return the lines of a code in `from-seat`."""
    return "".join(
        f"exten => {pattern},1,AGI({_ROUTE}{code.action})\n same => n,Goto(away,1)\n" for pattern in code.patterns
    )


def dialled(config: Config) -> dict[str, str]:
    """Return what a site's dialplan has a handset dial, pattern -> the action that its flow is asked for."""
    found: dict[str, str] = {}
    for extension in extensions_of(read_dialplan(config), CONTEXT):
        for _, action in _asked(extension):
            found.setdefault(extension.name, action)
    return found


def _asked(extension: Extension) -> Iterator[tuple[Step, str]]:
    for step in extension.steps:
        _, found, action = step.words.partition("/handset/")
        if step.kind == "agi" and found:
            yield step, action.partition(",")[0].strip()


def check_codes(config: Config) -> None:
    """Add to a dialplan's problems what keeps a code of the table from being dialled, and what leads to no flow.

    An admin may give an action another number, or take it away; so one that is missing is a warning.
    """
    contexts = read_dialplan(config)
    if CONTEXT not in contexts:  # which is told already
        return
    for extension in extensions_of(contexts, CONTEXT):
        for step, action in _asked(extension):
            if action not in ACTIONS and action not in BESIDES:
                hint = did_you_mean(action, ACTIONS) or f"there are {', '.join(ACTIONS)}"
                message = f"'{extension.name}' asks for handset/{action}, which is no flow"
                config.problems.error(step.origin, message, hint)
    if not contexts[CONTEXT].is_open:  # else a switch, or a file that is made later, may bring them
        config.problems.add(_missing(config))


def _missing(config: Config) -> Iterator[Problem]:
    there = dialled(config)
    section = next(section for section in config.live() if section.name == CONTEXT)
    for code in CODES.values():
        for pattern in code.patterns:
            leads_to = there.get(pattern)
            if leads_to == code.action:
                continue
            elsewhere = [name for name, action in there.items() if action == code.action]
            if pattern == code.patterns[0] and elsewhere and leads_to is None:  # under another number
                break
            yield _lacking(section.origin, code, pattern, leads_to)
            break


def _lacking(origin: Origin, code: Code, pattern: str, leads_to: str | None) -> Problem:
    said = f"leads to {leads_to}" if leads_to else "is missing"
    message = f"{pattern} {said} in [{CONTEXT}]: handsets cannot ask for '{code.action}' by it"
    hint = f"write exten => {pattern},1,AGI({_ROUTE}{code.action})"
    return Problem(origin.file, origin.line, message, hint, severity="warning")
