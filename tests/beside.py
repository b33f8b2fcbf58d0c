"""Tests beside each other (`make test JOBS=2`, pytest-xdist): who gets which file, and when.

A file is one worker's, whole and in its order, as its Asterisk is. One worker, the first there is, has the telephones:
tests that telephone do so in real time, and would disturb each other. The others have what does not telephone, and run
behind it (`step_back`). Those files that take longest begin first, so that no worker is left with a long one at the
end. Those that measure a time, or load the machine so that others would, run after all others, when one worker is left.
"""

import os
from typing import Final

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

LIVE: Final = "tests/live/"
ALONE: Final = (
    "tests/bench/",
    *(
        "tests/live/test_audio.py",
        "tests/live/test_blend.py",
        "tests/live/test_line_test.py",
        "tests/live/test_load.py",
    ),
    *("tests/live/test_phones.py", "tests/live/test_takeover_live.py"),
)
"""What runs with nothing beside it."""


def step_back() -> None:
    """Let the worker with the telephones go first, in any other: what is late on a telephone is heard."""
    if os.environ.get("PYTEST_XDIST_WORKER", "gw0") != "gw0":
        os.nice(10)


class Beside(LoadScopeScheduling):
    """Hands whole files to workers, the longest first."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0]

    def _assign_work_unit(self, node: WorkerController) -> None:
        if (file := self._next(node)) is None:
            return
        self.workqueue.move_to_end(file, last=False)
        super()._assign_work_unit(node)
        if self._pending_of(self.assigned_work[node]) < 2:  # it begins a test when it knows what comes after
            self._reschedule(node)

    def _reschedule(self, node: WorkerController) -> None:
        if self.workqueue and self._next(node) is None and node is not self._first and not node.shutting_down:
            node.shutdown()  # when it has done what it was given
        else:
            super()._reschedule(node)

    def remove_node(self, node: WorkerController) -> str | None:
        """Forget a worker that has ended; the last one left may go on alone."""
        crashed = super().remove_node(node)
        for left in self.nodes:
            self._reschedule(left)
        return crashed

    @property
    def _first(self) -> WorkerController:
        """The one with the telephones: the first that there is, gw0 as long as it lives, whoever was ready before."""
        return min(self.nodes, key=lambda node: int(node.gateway.id.removeprefix("gw")))

    def _next(self, node: WorkerController) -> str | None:
        """Name the file that this worker is to have next; none if it must wait, or has nothing more to do."""
        first = node is self._first
        able = [file for file in self.workqueue if not file.startswith(ALONE) and (first or not file.startswith(LIVE))]
        if not able and first and len(self.nodes) == 1:
            able = list(self.workqueue)
        return max(able, key=self._length, default=None)

    def _length(self, file: str) -> tuple[bool, int]:
        return file.startswith(LIVE), len(self.workqueue[file])
