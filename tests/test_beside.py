"""Tests beside each other: who runs when."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONFTEST = """\
from tests.beside import Beside, step_back

def pytest_configure(config):
    step_back()

def pytest_xdist_make_scheduler(config, log):
    return Beside(config, log)
"""
TEST = """\
import os, time
import pytest

@pytest.mark.parametrize("number", range({tests}))
def test_it(number):
    begun = time.monotonic()
    time.sleep(0.05)
    with open({log!r}, "a") as log:
        print(os.environ["PYTEST_XDIST_WORKER"], {name!r}, begun, time.monotonic(), os.nice(0) - {nice}, file=log)
"""
FILES = {"core/test_few.py": 3, "core/test_many.py": 20, "live/test_short.py": 2, "live/test_long.py": 9}
ALONE = {"bench/test_speed.py": 3, "live/test_load.py": 1}


def run(folder, files, workers):
    """Run files of so many tests each; gives worker, file, begin, end and niceness of each, in order of their ends."""
    log = folder / "log"
    (folder / "conftest.py").write_text(CONFTEST)
    for name, tests in files.items():
        file = folder / "tests" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(TEST.format(tests=tests, name=name, log=str(log), nice=os.nice(0)))
    words = [sys.executable, "-m", "pytest", "-q", "-p", "xdist", "-n", str(workers), "-c", os.devnull]
    words += ["--rootdir", folder, folder]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}  # no worker's
    environment = {**ours, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"{sum(files.values())} passed in ")
    lines = [line.split() for line in log.read_text().splitlines()]
    return [(worker, name, float(begun), float(ended), nice) for worker, name, begun, ended, nice in lines]


def test_a_file_is_one_workers_and_the_longest_begin_first(tmp_path):
    """No two workers share a file, and each begins with the longest of its kind."""
    ran = run(tmp_path, FILES, 2)
    assert len({(worker, name) for worker, name, *_ in ran}) == len(FILES)
    first = {worker: name for worker, name, *_ in reversed(ran)}
    assert first == {"gw0": "live/test_long.py", "gw1": "core/test_many.py"}


def test_one_worker_has_the_telephones(tmp_path):
    """It has them all, and helps the others when they have rung; the others run with less claim to the processor."""
    many = {f"core/test_{number}.py": 30 for number in range(4)}
    ran = run(tmp_path, FILES | many, 3)
    assert {worker for worker, name, *_ in ran if name.startswith("live/")} == {"gw0"}
    assert {worker for worker, name, *_ in ran if name.startswith("core/")} == {"gw0", "gw1", "gw2"}
    back = str(min(10, 19 - os.nice(0)))  # this worker may have stepped back itself
    assert {worker: nice for worker, _, _, _, nice in ran} == {"gw0": "0", "gw1": back, "gw2": back}


def test_who_measures_runs_alone(tmp_path):
    """What is to run alone begins when all others have ended, on one worker, also if there is nothing else."""
    for number, files in enumerate((FILES | ALONE, {"core/test_few.py": 3} | ALONE, ALONE)):
        (folder := tmp_path / str(number)).mkdir()
        ran = run(folder, files, 3)
        alone = [one for one in ran if one[1] in ALONE]
        assert len({worker for worker, *_ in alone}) == 1
        assert ran[-len(alone) :] == alone
        others_end = max((ended for _, name, _, ended, _ in ran if name not in ALONE), default=0)
        assert min(begun for _, _, begun, *_ in alone) >= others_end
