"""Which line a test takes, and whether it may. It reads the core's state and changes nothing.

A test is nobody's call: it goes over a line only while more are free than are kept for callers, emergency calls and
callbacks together, as a seat's leg does. A line that is left alone since it failed, in trouble or out of service, is
none that others would get: who names it may test it.
"""

from collections.abc import Mapping, Sequence

from acd.core.line import Line
from acd.core.model import State
from acd.problems import did_you_mean
from acd.settings import LineTestSettings
from ivr.linetest.call import UntestedError
from ivr.linetest.report import way_of


def choose(state: State, named: Sequence[Line], target: str) -> Line:
    """Find a line that is free for a test, among those that `target` names.

    Raises:
        UntestedError: there is none.

    """
    free = [line for line in named if _is_free(line)]
    if not free and target in state.lines and not _is_taken(named[0]):
        return named[0]
    if not free:
        what = f"line {target} is" if target in state.lines else f"all lines of {target or named[0].group} are"
        raise UntestedError(f"{what} in use, left alone or out of order; nobody was called")
    spare = [line for line in free if _spare(state, line.group) > 0]
    if not spare:
        group = state.groups[free[0].group]
        kept = group.keep_inbound + group.keep_emergency + group.keep_callback
        raise UntestedError(f"the free lines of {group.name} are kept for others (keep_*: {kept}); nobody was called")
    return spare[0]


def lines_named(state: State, tests: Mapping[str, LineTestSettings], target: str) -> list[Line]:
    """Find the lines that a name is for.

    Args:
        state: the core's.
        tests: how the lines of each group are tested.
        target: a line, a trunk or a group; empty for the one group that has a test number.

    Raises:
        UntestedError: what is named is not there.

    """
    if not state.fresh:
        raise UntestedError("Asterisk is out of sight")
    if not target:
        groups = [name for name, test in tests.items() if test.number and name in state.groups]
        if len(groups) != 1:
            known = ", ".join(groups) or "none"
            raise UntestedError(f"say which line; groups with a test_number in acd.conf: {known}")
        target = groups[0]
    if target in state.lines:
        return [state.lines[target]]
    lines = list(state.lines.values())
    if found := [line for line in lines if line.group == target] or [
        line for line in lines if way_of(line.rule.name) == target
    ]:
        return found
    known_names = [*state.groups, *(way_of(name) for name in state.lines), *state.lines]
    hint = did_you_mean(target, known_names) or f"there are {', '.join(dict.fromkeys(known_names[:20])) or 'none'}"
    raise UntestedError(f"no line, trunk or group of lines is named {target!r}; {hint}")


def _is_taken(line: Line) -> bool:
    return bool(line.offer) or line.in_use


def _is_free(line: Line) -> bool:
    return line.look == "free"


def _spare(state: State, name: str) -> int:
    """Count the free lines of a group that nobody has kept."""
    group = state.groups[name]
    free = sum(_is_free(state.lines[line.name]) for line in group.lines)
    return free - group.keep_inbound - group.keep_emergency - group.keep_callback
