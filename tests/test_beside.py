"""Tests beside each other: who runs when."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONFTEST = """\
from tests.beside import Beside

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
        print(os.environ["PYTEST_XDIST_WORKER"], {name!r}, begun, time.monotonic(), file=log)
"""
FILES = {"core/test_few.py": 3, "core/test_many.py": 20, "live/test_short.py": 2, "live/test_long.py": 9}
ALONE = {"bench/test_speed.py": 3, "live/test_load.py": 1}


def run(folder, files, workers):
    """Run files of so many tests each; gives worker, file, begin and end of each test, in order of their ends."""
    log = folder / "log"
    (folder / "conftest.py").write_text(CONFTEST)
    for name, tests in files.items():
        file = folder / "tests" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(TEST.format(tests=tests, name=name, log=str(log)))
    words = [sys.executable, "-m", "pytest", "-q", "-p", "xdist", "-n", str(workers), "-c", os.devnull]
    words += ["--rootdir", folder, folder]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"{sum(files.values())} passed in ")
    lines = [line.split() for line in log.read_text().splitlines()]
    return [(worker, name, float(begun), float(ended)) for worker, name, begun, ended in lines]


def test_a_file_is_one_workers_and_the_longest_begin_first(tmp_path):
    """No two workers share a file, and each begins with one of the longest; those of live tests are longer."""
    ran = run(tmp_path, FILES, 2)
    assert len({(worker, name) for worker, name, *_ in ran}) == len(FILES)
    first = {worker: name for worker, name, *_ in reversed(ran)}
    assert set(first.values()) == {"live/test_long.py", "live/test_short.py"}


def test_who_measures_runs_alone(tmp_path):
    """What is to run alone begins when all others have ended, on one worker, also if there is nothing else."""
    for number, files in enumerate((FILES | ALONE, {"core/test_few.py": 3} | ALONE, ALONE)):
        (folder := tmp_path / str(number)).mkdir()
        ran = run(folder, files, 3)
        alone = [one for one in ran if one[1] in ALONE]
        assert len({worker for worker, *_ in alone}) == 1
        assert ran[-len(alone) :] == alone
        others_end = max((ended for _, name, _, ended in ran if name not in ALONE), default=0)
        assert min(begun for _, _, begun, _ in alone) >= others_end
