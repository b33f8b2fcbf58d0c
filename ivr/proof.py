"""Proves the menus of a site before a caller walks into them: whatever he presses, and if he presses nothing.

Theory of operation. A menu is a place; what can be pressed there leads to a place again, or out: to a person (a queue,
a seat), into a flow, or to the end of the call. Opening hours fork the ways by the clock, so all is looked at as it is
at a moment, and every moment of the coming year at which any hours open or close is tried; where the same hours are
open the ways are the same, so a few moments stand for all of them. At each, from every number that can be dialled, all
menus that any keys reach are visited, and in each it must hold:

* who presses nothing gets out, and within so many prompts (`most_prompts`);
* a key does something: what it stands for is not over before a word was said.

Flows in Python and AGI scripts are not looked into: they are taken for a way out.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from acd.conf import Section
from acd.hours import DAYS, Hours, Spread
from acd.options import origin_of
from acd.problems import Origin
from ivr import flow as steps
from ivr.actions import Actions, hours_flow, menu_flow

DAYS_AHEAD = 366

_HOURS, _MENU = hours_flow(""), menu_flow("")


class Finding(NamedTuple):
    """What cannot be proved."""

    origin: Origin
    message: str
    hint: str
    is_grave: bool = True
    """A caller is lost, or does not get where he wants; else something is written that can hardly be meant."""


class Entry(NamedTuple):
    """A way into the menus."""

    who: str
    """`a caller who dials 5550100`."""
    origin: Origin
    actions: Actions
    text: str
    """The actions as they were written."""


class MenuSettings(Struct, frozen=True):
    """A menu as it was read."""

    section: Section
    values: Mapping[str, Any]
    choices: Mapping[str, Actions]

    def choice_origin(self, keys: str) -> Origin:
        """Where a choice was written."""
        lines = (line for line in self.section.every("choice") if line.value.partition(",")[0].strip() == keys)
        return next((line.origin for line in lines), self.section.origin)


class OpeningHours(Struct, frozen=True):
    """Opening hours as they were read."""

    section: Section
    hours: Hours
    otherwise: Actions


Fault = tuple[str, object]
"""What tells one fault from others."""

NOTHING = "nothing"


class Ways(Struct, frozen=True, kw_only=True):
    """All that calls can go through."""

    entries: Sequence[Entry]
    menus: Mapping[str, MenuSettings]
    hours: Mapping[str, OpeningHours]
    texts: Mapping[str, str]
    """What each prompt says, in the site's language."""


class _Way(NamedTuple):
    """How a caller gets somewhere."""

    who: str
    pressed: tuple[str, ...] = ()

    def press(self, keys: str) -> "_Way":
        return _Way(self.who, (*self.pressed, keys))

    def __str__(self) -> str:
        return f"{self.who} and presses {', then '.join(self.pressed)}" if self.pressed else self.who


class _Outcome(NamedTuple):
    """Where a line of actions leaves a caller."""

    end: Literal["person", "hang-up", "menu", "over", "circle"]
    """over: it has no last word and is at its end. circle: hours lead to themselves while they are closed."""
    menu: str = ""
    prompts: int = 0
    is_heard: bool = False
    """Something was said, or done that nobody here can look into."""
    is_turned: bool = False
    """The language was changed."""
    may_end: bool = False
    """A flow or a script on the way may have ended it."""


class _Silence(NamedTuple):
    """What becomes of a caller who presses nothing from some menu on."""

    menus: tuple[str, ...]
    """Those he hears; the last one twice if they are a circle."""
    prompts: int


class Proof:
    """Everything that can be said of the menus of one site."""

    def __init__(self, ways: Ways, most_prompts: int) -> None:
        self.entries, self.menus, self.hours = ways.entries, ways.menus, ways.hours
        self.most_prompts = most_prompts
        self._open: Mapping[str, bool] = {}  # at the moment that is looked at

    def findings(self, now_s: float) -> list[Finding]:
        """Look at everything from now on; in the order of the files, each fault once, with a way to meet it."""
        found = [*self._unclear_keys(), *self._odd_hours(now_s)]
        moments = self._moments(now_s)
        met: dict[Fault, list[tuple[Finding, str]]] = {}
        for moment, self._open in moments:
            here: dict[Fault, Finding] = {}
            for fault, finding in self._look():  # the shortest way comes first
                here.setdefault(fault, finding)
            for fault, finding in here.items():
                met.setdefault(fault, []).append((finding, moment))
        for (finding, moment), *others in met.values():
            dated = "" if 1 + len(others) == len(moments) else f" (as on {moment})"
            found.append(finding._replace(message=finding.message + dated))
        return sorted(found, key=lambda finding: finding.origin)

    # Time

    def _moments(self, now_s: float) -> list[tuple[str, Mapping[str, bool]]]:
        """For each set of hours that are open together some time in the coming year, the first such moment."""
        first = datetime.fromtimestamp(now_s, UTC).date()
        begin = min((min(one.hours.turns(first, 1)) for one in self.hours.values()), default=now_s)
        is_open = {name: one.hours.is_open(begin) for name, one in self.hours.items()}
        turns = {(at, name) for name, one in self.hours.items() for at in one.hours.turns(first, DAYS_AHEAD)}
        found: dict[tuple[bool, ...], float] = {tuple(is_open.values()): begin}
        for at, turned in groupby(sorted(turns), itemgetter(0)):
            is_open |= {name: self.hours[name].hours.is_open(at) for _, name in turned}
            found.setdefault(tuple(is_open.values()), at)
        zone = next((one.hours.zone for one in self.hours.values()), UTC)
        return [
            (f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M}", dict(zip(self.hours, them, strict=True)))
            for them, at in found.items()
        ]

    def _odd_hours(self, now_s: float) -> Iterator[Finding]:
        first = datetime.fromtimestamp(now_s, UTC).date()
        for name, one in self.hours.items():
            if not any(one.hours.is_open(turn) for turn in one.hours.turns(first, DAYS_AHEAD)):
                hint = "mend its `open` and `closed`, or do without it"
                message = f"hours '{name}' are not open once in the coming year"
                yield Finding(one.section.origin, message, hint, is_grave=False)
            yield from self._hours_that_add_nothing(name, one)
            yield from _days_that_are_over(name, one, first)

    @staticmethod
    def _hours_that_add_nothing(name: str, one: OpeningHours) -> Iterator[Finding]:
        covered = [False] * (8 * 24 * 60)
        for variable, opening in zip(one.section.every("open"), one.hours.openings, strict=False):
            minutes = [
                (day * 1_440 + minute) % 10_080
                for day in opening.days
                for minute in range(opening.first, opening.end + (1_440 if opening.end <= opening.first else 0))
            ]
            if minutes and all(covered[minute] for minute in minutes):
                days = ",".join(DAYS[day] for day in sorted(opening.days))
                hint = "take it out, or mend its days"
                yield Finding(variable.origin, f"hours '{name}' are open then already ({days})", hint, is_grave=False)
            for minute in minutes:
                covered[minute] = True

    # Keys

    def _unclear_keys(self) -> Iterator[Finding]:
        """Choices that others begin with: who presses them waits, and who hesitates gets somewhere else."""
        for name, menu in self.menus.items():
            for keys in menu.choices:
                longer = [other for other in menu.choices if other != keys and other.startswith(keys)]
                if longer:
                    wait_s = menu.values["timeout_ms"] / 1_000
                    message = f"choice {keys} of menu '{name}' is the beginning of {', '.join(longer)}"
                    hint = f"who presses {keys} waits {wait_s:g} s, who is slow at {longer[0]} gets to {keys}"
                    yield Finding(menu.choice_origin(keys), message, f"{hint}: choose keys that differ")

    # Ways

    def _look(self) -> Iterator[tuple[Fault, Finding]]:
        """All that is wrong at the moment."""
        ways: dict[str, _Way] = {}
        for entry in self.entries:
            outcome, way = self._outcome(entry.actions), _Way(entry.who)
            yield from _dead(outcome._replace(is_turned=False), entry.origin, f"{way} is hung up on without a word")
            self._go(ways, outcome.menu, way)
        beyond = deque(ways)
        while beyond:
            name = beyond.popleft()
            menu, known = self.menus[name], len(ways)
            for keys, actions in menu.choices.items():
                outcome, way = self._outcome(actions), ways[name].press(keys)
                yield from _dead(outcome, menu.choice_origin(keys), f"{way} hears menu '{name}' again, and no more")
                self._go(ways, outcome.menu, way)
            outcome, way = self._outcome(menu.values["failure"]), ways[name].press(NOTHING)
            if outcome.end == "circle":  # over is no dead end here: it is the end of the call, and a menu was heard
                yield from _dead(outcome, self._failure(name), f"{way} is hung up on")
            self._go(ways, outcome.menu, way)
            beyond.extend(list(ways)[known:])
        for name, way in ways.items():
            yield from self._hush(name, way.press(NOTHING))

    def _go(self, ways: dict[str, _Way], menu: str, way: _Way) -> None:
        """Note how a menu is reached, if this is the first way to it."""
        if menu in self.menus:
            ways.setdefault(menu, way)

    def _hush(self, name: str, way: _Way) -> Iterator[tuple[Fault, Finding]]:
        """Press nothing from this menu on."""
        silence = self._silence(name)
        through = " -> ".join(silence.menus)
        if silence.menus[-1] in silence.menus[:-1]:
            circle = frozenset(silence.menus[silence.menus.index(silence.menus[-1]) :])
            if name in circle:  # else it is told of those in the circle
                hint = "let `failure` of one of them end with hangup, queue or transfer"
                yield ("circle", circle), Finding(self._failure(min(circle)), f"{way} never leaves: {through}", hint)
        elif silence.prompts > self.most_prompts:
            message = f"{way} hears {silence.prompts} prompts before he gets anywhere: {through}"
            hint = f"fewer prompts or `tries`, or more than {self.most_prompts} `most_prompts` in [general]"
            yield ("long", name), Finding(self._failure(name), message, hint)

    def _failure(self, menu: str) -> Origin:
        return origin_of(self.menus[menu].section, "failure")

    def _silence(self, menu: str) -> _Silence:
        path, prompts = [menu], 0
        while True:
            values = self.menus[path[-1]].values
            outcome = self._outcome(values["failure"])
            prompts += values["tries"] * len(values["prompt"]) + values["tries"] - 1 + outcome.prompts
            if outcome.end != "menu" or outcome.may_end or outcome.menu not in self.menus:
                return _Silence(tuple(path), prompts)
            path.append(outcome.menu)
            if outcome.menu in path[:-1]:
                return _Silence(tuple(path), prompts)

    def _outcome(self, actions: Actions, within: tuple[str, ...] = ()) -> _Outcome:
        """Carry out a line of actions at the moment that is looked at."""
        so_far = _Outcome("over")
        for step in actions.steps:
            match step:
                case steps.Play():
                    so_far = so_far._replace(prompts=so_far.prompts + 1, is_heard=True)
                case steps.SetLanguage():
                    so_far = so_far._replace(is_turned=True)
                case steps.CallFlow(name=name) if name.startswith(_HOURS):
                    if not self._open.get(name.removeprefix(_HOURS), True):
                        return self._closed(name.removeprefix(_HOURS), so_far, within)
                case steps.CallFlow() | steps.RunScript():
                    so_far = so_far._replace(is_heard=True, may_end=True)
                case steps.Enqueue() | steps.Transfer() | steps.HandOver(name="voicemail"):
                    return so_far._replace(end="person")
                case steps.HandOver(name=name):
                    return so_far._replace(end="menu", menu=name.removeprefix(_MENU))
                case steps.HangUp():
                    return so_far._replace(end="hang-up")
        return so_far

    def _closed(self, hours: str, so_far: _Outcome, within: tuple[str, ...]) -> _Outcome:
        """Do what these hours say for while they are closed; after it the caller is hung up on."""
        if hours in within:
            return so_far._replace(end="circle")
        then = self._outcome(self.hours[hours].otherwise, (*within, hours))
        is_heard = so_far.is_heard or then.is_heard
        return _Outcome(
            "hang-up" if then.end == "over" and is_heard else then.end,
            then.menu,
            so_far.prompts + then.prompts,
            is_heard=is_heard,
            is_turned=False,
            may_end=so_far.may_end or then.may_end,
        )


def _dead(outcome: _Outcome, origin: Origin, ends: str) -> Iterator[tuple[Fault, Finding]]:
    """Tell of actions that lead nowhere."""
    if outcome.end == "circle":
        message = ends.partition(" is ")[0].partition(" hears ")[0]
        hint = "let `otherwise` end with hangup, queue, transfer or another menu"
        yield ("hours", origin), Finding(origin, f"{message} goes round for ever between hours that are closed", hint)
    elif outcome.end == "over" and not (outcome.is_heard or outcome.is_turned):
        yield ("dead end", origin), Finding(origin, ends, "go on with queue, menu, transfer, or play and hangup")


def _days_that_are_over(name: str, one: OpeningHours, today: date) -> Iterator[Finding]:
    closed = one.section.every("closed")
    ends = [spread.last if isinstance(spread, Spread) else date.max for spread in one.hours.closed]
    if closed and ends and max(ends) < today:
        hint = "write the coming ones, or take the lines out"
        message = f"all days on which hours '{name}' are closed are over"
        yield Finding(closed[-1].origin, message, hint, is_grave=False)
