"""Tests beside each other (`make test`, pytest-xdist): who gets which file, and when.

A file is one worker's, whole and in its order, as its Asterisk is. Those that take longest begin first, so that no
worker is left with a long one at the end. Those that measure a time, or load the machine so that others would, run
after all others, when one worker is left.
"""

from typing import Final

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

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


class Beside(LoadScopeScheduling):
    """Hands whole files to workers, the longest first."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0]

    def _assign_work_unit(self, node: WorkerController) -> None:
        file = self._next()
        if file.startswith(ALONE) and len(self.nodes) > 1:
            return
        self.workqueue.move_to_end(file, last=False)
        super()._assign_work_unit(node)
        if self._pending_of(self.assigned_work[node]) < 2:  # it begins a test when it knows what comes after
            self._reschedule(node)

    def _reschedule(self, node: WorkerController) -> None:
        last = all(other is node or other.shutting_down for other in self.nodes)
        if self.workqueue and self._next().startswith(ALONE) and not (last or node.shutting_down):
            node.shutdown()  # when it has done what it was given
        else:
            super()._reschedule(node)

    def remove_node(self, node: WorkerController) -> str | None:
        """Forget a worker that has ended; the last one left may go on alone."""
        crashed = super().remove_node(node)
        for left in self.nodes:
            self._reschedule(left)
        return crashed

    def _next(self) -> str:
        return max(self.workqueue, key=self._length)

    def _length(self, file: str) -> tuple[bool, float]:
        tests = len(self.workqueue[file])
        return not file.startswith(ALONE), tests * 20 if file.startswith("tests/live/") else tests
