"""What can be seen of a running server, and the questions that the command line may ask it."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from acd.control import Control, ControlError
from acd.core import invariants
from acd.desk.supervisor import SupervisorDesk
from acd.dispatcher import Dispatcher
from acd.reports.words import safe
from acd.settings import Site
from acd.status import LineTests, Status, status_of
from acd.why.waiting import call_named, waiting


class View:
    """Looks at the dispatcher and the site of the moment."""

    def __init__(
        self,
        dispatcher: Callable[[], Dispatcher],
        site: Callable[[], Site],
        line_tests: LineTests,
        hooks: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._hooks = hooks
        self._dispatcher = dispatcher
        self._line_tests = line_tests
        self._site = site
        self.supervisor = SupervisorDesk(dispatcher, lambda: self._site().hardware_lines)

    def status(self) -> Status:
        """What the floor looks like now."""
        dispatcher = self._dispatcher()
        agents = {name: seat.agent for name, seat in self._site().seats.items()}
        failed, alarms = dispatcher.journal_failed, dispatcher.all_alarms
        state, at, tests = dispatcher.core.state, dispatcher.clock(), self._line_tests
        return status_of(state, agents, at, failed, alarms, tests=tests, hooks=self._hooks())

    def why_waiting(self, name: str) -> Any:
        """Why a call waits, named by the switch's id or the caller's number.

        Raises:
            ControlError: no such call is in the house.

        """
        dispatcher = self._dispatcher()
        call = call_named(dispatcher.core.state, name)
        if call is None:
            raise ControlError(f"no call and no caller '{safe(name)}' is here now")
        return msgspec.to_builtins(waiting(dispatcher.core.state, call, dispatcher.clock(), live=True))

    def faults(self) -> list[str]:
        """Every invariant that does not hold; there should be none."""
        return list(invariants.broken(self._dispatcher().core.state))

    def control(
        self,
        home: Path,
        reload: Callable[[], str],
        hand_over: Callable[[], Awaitable[Any]],
        line_test: Callable[[str], Awaitable[Any]],
    ) -> Control:
        """Make the socket at which the command line asks."""
        return Control(
            home,
            {
                "status": lambda: msgspec.to_builtins(self.status()),
                "reload": reload,
                "invariants": self.faults,
                "hand-over": hand_over,
            },
            {
                "why-waiting": self.why_waiting,
                "close-queue": self.supervisor.close_queue,
                "open-queue": self.supervisor.open_queue,
                "move-call": self.supervisor.move,
                "line-test": line_test,
                "set-lines": self.supervisor.set_lines,
            },
        )
