"""The runner of the benches, and that the bench of the matcher runs."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.bench.simulate import Day, bytes_per_waiting_call

ROOT = Path(__file__).parents[2]


def bench(*names: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.bench", *names]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_an_unknown_bench_is_refused():
    """A name that no bench has ends with status 2 and the list of those there are."""
    done = bench("core_mach")
    assert done.returncode == 2
    assert "core_mach" in done.stderr
    assert "core_match" in done.stderr.split("there are:")[1]


@pytest.mark.skipif(find_spec("_fastpath.match") is None, reason="the compiled module was not built")
def test_the_last_line_is_the_figures():
    """core_match finds all three matchers of one mind and ends with one JSON object of its name and figures."""
    done = bench("core_match")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["bench"] == "core_match"
    assert figures["decision_p50_ns"] > 0


def test_a_simulated_day_loses_nobody():
    """Each of three thousand calls is answered or hangs up, and nothing is left of any but the last notes."""
    day = Day(3_000)
    day.live()
    assert day.answered + day.abandoned == 3_000
    assert day.core.state.calls == {}
    assert {offer.state for offer in day.core.state.offers.values()} <= {"wrap-up"}


def test_a_waiting_call_is_small():
    """A caller who waits costs no more than 1 KiB, his strings included; no field or number comes by unseen."""
    assert bytes_per_waiting_call() <= 1_024
