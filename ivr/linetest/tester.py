"""Tests lines when somebody asks, and by themselves when their time has come; one at a time.

The number that is called is the site's (`test_number`) or one that the admin gave with his command, no other. From the
choice of a line to the word that it is in use nothing is waited for, so the core cannot give it away in between.
"""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog
from msgspec import Struct

from acd.control import ControlError
from acd.dispatcher import Dispatcher
from acd.settings import TEST_NUMBER, LineTestSettings, Site
from ivr.linetest.call import KEYS, EchoCall, Switch, UntestedError
from ivr.linetest.choice import choose, lines_named
from ivr.linetest.history import History
from ivr.linetest.hold import Holder
from ivr.linetest.report import LineTest, Measured, judge, way_of

log = structlog.get_logger()

LOOK_S: Final = 20.0
"""How often it is looked whose time has come."""
RETRY_MS: Final = 300_000
"""After a test that could not be, for want of a free line above all."""
TEST_S: Final = 150.0
"""No test lasts longer."""


class Asked(Struct, frozen=True, kw_only=True):
    """What the command line wants."""

    target: str = ""
    number: str = ""


class LineTester:
    """Tests the lines of a site."""

    def __init__(
        self,
        switch: Switch,
        dispatcher: Callable[[], Dispatcher],
        site: Callable[[], Site],
        home: Path,
    ) -> None:
        """Prepare it; `dispatcher` and `site` give those of the moment."""
        self._switch, self._dispatcher, self._site = switch, dispatcher, site
        self._lines = Holder(switch.channels, lambda *events: dispatcher().submit(*events))
        self._history = History(home)
        self._tried: dict[str, int] = {}
        self.running = ""
        """The line that is tested now."""

    @property
    def alarms(self) -> list[str]:
        """What the last test of each line found wrong enough for an alarm."""
        ways = {way_of(line.name) for group in self._site().line_groups for line in group.lines}
        return [_alarm(test) for way, test in self._history.last.items() if test.alarming and way in ways]

    async def asked(self, question: str) -> Any:
        """Test what the command line names.

        Raises:
            ControlError: there was no test, and why.

        """
        try:
            asked = msgspec.json.decode(question, type=Asked)
            return msgspec.to_builtins(await self.test(asked.target, asked.number))
        except (UntestedError, msgspec.MsgspecError) as error:
            raise ControlError(str(error)) from error

    async def test(self, target: str, number: str = "", *, by_itself: bool = False) -> LineTest:
        """Test a line: of those that are named the first one that is free. A trunk that is not there has failed.

        Raises:
            UntestedError: there was no test, and why.

        """
        if self.running:
            raise UntestedError(f"a test of {self.running} is going on; try again in half a minute")
        if number and not re.fullmatch(TEST_NUMBER, number):
            raise UntestedError(f"{number[:40]!r} is not a number to dial: 0-9 * #, up to 32 of them")
        site = self._site()
        state = self._dispatcher().core.state
        named = lines_named(state, site.line_tests, target)
        dead = not any(self._switch.channels.trunks.answers(line.rule.name) for line in named)
        line = named[0] if dead else choose(state, named, target)
        settings = site.line_tests.get(line.group, LineTestSettings())
        if not (number := number or settings.number):
            raise UntestedError(f"the lines of {line.group} have no test_number in acd.conf; give one with --number")
        at = self._dispatcher().clock()
        if dead:
            measured = Measured(failure="its other side does not answer (qualify); nobody was called")
        else:
            measured = await self._measure(line.rule.name, number, settings)
        keys = KEYS if settings.keys else ""
        test = judge(measured, settings, at=at, line=line.rule.name, group=line.group, number=number, keys=keys)
        return self._remember(msgspec.structs.replace(test, by_itself=by_itself))

    async def _measure(self, line: str, number: str, settings: LineTestSettings) -> Measured:
        """Call over a line, which nobody else has meanwhile."""
        call = EchoCall(self._switch, self._site().switch.agi_host)
        self.running = line
        try:
            self._lines.hold(call.unique, line)
            return await call.run(line, number, wait_ms=settings.wait_ms, keys=settings.keys)
        finally:
            self._lines.let_go(call.unique)
            self.running = ""

    def _remember(self, test: LineTest) -> LineTest:
        say = log.warning if test.alarming else log.info
        say("line tested", line=test.line, verdict=test.verdict, mos=test.mos, reasons=list(test.reasons))
        try:
            self._history.add(test)
        except OSError as error:
            log.warning("line test not kept", reason=str(error))
        return test

    # By themselves

    async def run(self) -> None:
        """Test each line when its time has come, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            for way in self.due(datetime.now()):  # noqa: DTZ005 - test_at is in the machine's own time
                await self._test_by_itself(way)

    async def _test_by_itself(self, way: str) -> None:
        self._tried[way] = self._dispatcher().clock()
        try:
            await self.test(way, by_itself=True)
        except UntestedError as error:
            log.info("line not tested", line=way, reason=str(error), retry_s=RETRY_MS // 1000)
        except Exception:  # the next one, and this one the next time
            log.exception("line test failed", line=way)

    def due(self, now: datetime) -> list[str]:
        """Name the trunks and channels whose time has come, by the machine's wall clock."""
        if self._switch.link is None:
            return []
        site, at = self._site(), self._dispatcher().clock()
        found: dict[str, None] = {}
        for group in site.line_groups:
            settings = site.line_tests.get(group.name, LineTestSettings())
            for way in {way_of(line.name): None for line in group.lines}:
                last = self._history.last.get(way)
                then = datetime.fromtimestamp(last.at / 1000) if last else None  # noqa: DTZ006 - as in `run`
                waits = at - self._tried.get(way, at - RETRY_MS) < RETRY_MS
                if settings.number and not waits and is_due(settings, now, then):
                    found[way] = None
        return list(found)


def is_due(settings: LineTestSettings, now: datetime, last: datetime | None) -> bool:
    """Whether the time of a test has come; with `test_at`, one of a grid that goes through that time of the day."""
    if not settings.every_ms:
        return False
    every = timedelta(milliseconds=settings.every_ms)
    if settings.minute is None:
        return last is None or now - last >= every
    first = datetime(2000, 1, 1) + timedelta(minutes=settings.minute)  # noqa: DTZ001 - wall clock on both sides
    due = first + (now - first) // every * every
    if last is None:
        return now - due < timedelta(hours=1)  # a site that has just been set up waits for its hour
    return last < due


def _alarm(test: LineTest) -> str:
    when = datetime.fromtimestamp(test.at / 1000).strftime("%Y-%m-%d %H:%M")  # noqa: DTZ006 - the viewer's own zone
    return f"{test.way}, tested {when}: {'; '.join(test.reasons)}"
