"""What holds of the builds themselves: their memory, their manual, and the switch between them."""

import ast
import inspect
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]


def run(program: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_waiting_call_takes_at_most_90_bytes(compiled):
    """The memory of 100,000 waiting calls in 2,000 classes stays within what the manual says."""
    tracemalloc.start()
    matcher = compiled()
    for call in range(100_000):
        matcher.wait(call, call % 2_000, call % 7, call)
    taken, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / 100_000 <= 90 + 2_000 * 150 / 100_000


def test_memory_does_not_grow_with_time(compiled):
    """Days of coming, going, refusing and dropping take no more memory than the first; the end gives all back."""

    def day(matcher: Any) -> None:
        for number in range(500):
            matcher.link(number % 9, [(number % 5, 0), (number % 11, number)])
            matcher.bar(number, number + 1)
            matcher.wait(number, number % 11, 0, number)
            matcher.free(number, number % 9, number)
        while matcher.match():
            pass
        for number in range(500):
            matcher.link(number + 100, [(number + 200, 0), (number % 11, 1)])
        for number in range(500):
            matcher.close(number + 200)
            matcher.drop_call_class(number + 200)
            matcher.drop_seat_class(number + 100)
            matcher.unbar(number, number + 1)
            matcher.link(number % 9, enumerate(range(11)))
        while matcher.match():
            pass
        assert (matcher.waiting(), matcher.idle()) == (0, 0)

    tracemalloc.start()
    day(compiled())  # fills Python's own lists of free objects, which keep what they have
    before = tracemalloc.get_traced_memory()[0]
    matcher = compiled()
    day(matcher)
    first = tracemalloc.get_traced_memory()[0]
    for _ in range(30):
        day(matcher)
    last = tracemalloc.get_traced_memory()[0]
    del matcher
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert last - first < 2_000
    assert after - before < 2_000


def test_no_memory_is_an_error_and_no_damage(compiled):
    """When memory runs out, `wait` raises MemoryError and everybody who was there is served in order."""
    done = run("""
import resource
from _fastpath.match import Matcher
matcher = Matcher()
matcher.link(0, [(0, 0)])
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 64_000_000, resource.RLIM_INFINITY))
call = 0
try:
    while True:
        matcher.wait(call, 0, 0, -call)
        call += 1
except MemoryError:
    pass
assert matcher.waiting() == call > 100_000, call
for back in range(1, 50_000):
    matcher.free(0, 0, 0)
    assert matcher.match() == (call - back, 0)
print("whole")
""")
    assert done.stdout == "whole\n", done.stderr


def test_the_manual_names_every_method_and_argument(build: ModuleType):
    """The stub and each build have the same public methods with the same arguments."""
    stub = ast.parse((ROOT / "_fastpath/match.pyi").read_text()).body[-1]
    assert isinstance(stub, ast.ClassDef)
    said = {
        node.name: [arg.arg for arg in (*node.args.args, node.args.vararg) if arg]
        for node in stub.body
        if isinstance(node, ast.FunctionDef) and node.name != "__init__"
    }
    made = vars(build.Matcher)
    assert said == {name: list(inspect.signature(made[name]).parameters) for name in made if not name.startswith("_")}


def test_the_compiled_build_is_the_default(compiled):
    """Where the compiled module was built, it is what `_fastpath` gives."""
    done = run("import _fastpath as f; print(f.BUILD, f.Matcher.__module__)", FASTPATH="")
    assert done.stdout.split() == ["compiled", "_fastpath.match"]


def test_the_pure_build_can_be_forced():
    """FASTPATH=python gives the pure build wherever it is set."""
    done = run("import _fastpath as f; print(f.BUILD, f.Matcher.__module__)", FASTPATH="python")
    assert done.stdout.split() == ["python", "_fastpath.match_py"]


def test_an_unknown_build_is_refused():
    """A misspelt FASTPATH is an error that says how to mend it."""
    done = run("import _fastpath", FASTPATH="Python")
    assert done.returncode == 1
    assert "say FASTPATH=python" in done.stderr
