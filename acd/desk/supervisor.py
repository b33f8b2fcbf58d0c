"""A supervisor's side of the distributor: queues closed and opened, calls moved, lines taken out of service."""

from collections.abc import Callable, Mapping

import msgspec

from acd.control import ControlError
from acd.core.events import CallSet, LinesSet, QueueSet
from acd.core.rules import SLOT
from acd.dispatcher import Dispatcher
from acd.problems import did_you_mean
from acd.reports.words import safe
from acd.rule_text import read_target
from acd.why.waiting import call_named


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What is to become of a call that waits; what is None stays."""

    call: str
    """The switch's id, or the caller's number."""
    priority: int | None = None
    queue: str | None = None
    to: str | None = None
    """Out of its queue, to one of the places of `overflow`."""


class LineOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Lines to be taken out of service, or put back."""

    name: str
    """A line, a trunk, or a group of lines."""
    out: bool
    why: str = ""


WHY_MOST = 200
"""So many characters say why a line is out of service."""


class SupervisorDesk:
    """What a supervisor asks for, put to the dispatcher of the moment."""

    def __init__(
        self, dispatcher: Callable[[], Dispatcher], hardware: Callable[[], Mapping[str, tuple[str, ...]]] = dict
    ) -> None:
        """See the class; `hardware` tells which lines a span, or a section of analog lines, is."""
        self._of = dispatcher
        self._hardware = hardware

    @property
    def _dispatcher(self) -> Dispatcher:
        return self._of()

    def is_closed(self, name: str) -> bool:
        """Whether calls do not join a queue, by its rule or by hand; without a name, whether the whole site is so."""
        state = self._dispatcher.core.state
        rule = state.queues.get(name)
        return state.is_closed(rule) if rule is not None else state.closed.get(name, False)

    def close_queue(self, name: str) -> str:
        """Let nobody new join a queue, or without a name any; who waits goes on waiting.

        Raises `ControlError` as all of these.
        """
        return self._set_queue(name, closed=True)

    def open_queue(self, name: str) -> str:
        """Let calls join it again."""
        return self._set_queue(name, closed=False)

    def _set_queue(self, name: str, *, closed: bool) -> str:
        if name:
            self._known_queue(name)
        self._dispatcher.submit(QueueSet(queue=name, closed=closed))
        if not name:
            return f"the whole site is {'closed: who calls hears so' if closed else 'open'}"
        return f"queue {name} is {'closed: nobody new joins it' if closed else 'open'}"

    def move(self, text: str) -> str:
        """Move a call that waits; `text` is a `Move` as JSON."""
        try:
            wanted = msgspec.json.decode(text, type=Move)
        except msgspec.DecodeError as error:
            raise ControlError(f"not understood: {error}") from error
        call = call_named(self._dispatcher.core.state, wanted.call)
        if call is None or not (call.state in {"waiting", "offered"} or (call.virtual and call.state == "after")):
            raise ControlError(f"no call and no caller '{wanted.call}' waits now")
        if wanted.priority is not None and not 0 <= wanted.priority <= 99:
            raise ControlError(f"priority {wanted.priority} is out of range: it takes 0 to 99, 0 first")
        if wanted.queue is not None:
            self._known_queue(wanted.queue)
        if (wanted.queue is not None or wanted.to is not None) and call.state == "offered":
            raise ControlError(f"a phone rings for '{wanted.call}' at this moment; ask again if nobody answers it")
        if wanted.to is not None and call.virtual and not wanted.to.startswith(("queue ", "seat ")):
            raise ControlError(f"'{wanted.call}' is a {call.medium}: it can go to another queue or seat, nowhere else")
        if wanted.to is not None:
            try:
                read_target(wanted.to)
            except ValueError as error:
                raise ControlError(str(error)) from error
        self._dispatcher.submit(CallSet(call=call.id, priority=wanted.priority, queue=wanted.queue, withdraw=wanted.to))
        return "done"

    def set_lines(self, text: str) -> str:
        """Take lines out of service or put them back; `text` is a `LineOrder` as JSON."""
        try:
            wanted = msgspec.json.decode(text, type=LineOrder)
        except msgspec.DecodeError as error:
            raise ControlError(f"not understood: {error}") from error
        if len(wanted.why) > WHY_MOST or not wanted.why.isprintable():
            raise ControlError(f"the reason must be one line of at most {WHY_MOST} characters")
        found = self._lines_named(wanted.name)
        self._dispatcher.submit(LinesSet(lines=found, out=wanted.out, why=wanted.why))
        what = f"line {found[0]} is" if len(found) == 1 else f"all {len(found)} lines of {wanted.name} are"
        if not wanted.out:
            return f"{what} in service"
        lines = self._dispatcher.core.state.lines
        busy = sum(lines[name].look in {"ours", "in-use"} for name in found)
        return f"{what} out of service" + (f"; {busy} with a call, which goes on to its end" if busy else "")

    def _lines_named(self, name: str) -> tuple[str, ...]:
        """Find the lines of a name: of a group, one line, all those of a SIP trunk or of a piece of hardware."""
        state = self._dispatcher.core.state
        if name in state.groups:
            return tuple(line.name for line in state.groups[name].lines)
        hardware = self._hardware()
        names = {name, *hardware.get(name, ())}
        found = tuple(line for line in state.lines if line in names or line.partition(SLOT)[0] == name)
        if not found:
            known = [
                *state.groups,
                *hardware,
                *dict.fromkeys(line.partition(SLOT)[0] for line in state.lines),
                *state.lines,
            ]
            hint = did_you_mean(name, known) or ("`callfloor lines` names them" if known else "this site has none")
            raise ControlError(f"no line, trunk or group of lines is called '{safe(name)}'; {hint}")
        return found

    def _known_queue(self, name: str) -> None:
        queues = self._dispatcher.core.state.queues
        if name not in queues:
            hint = did_you_mean(name, queues) or f"there are {', '.join(queues)}"
            raise ControlError(f"no queue is called '{name}'; {hint}")
