"""The two builds of the matcher, and both event loops, for every test that wants both."""

import asyncio
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import pytest
import uvloop

from _fastpath.match_py import Matcher


def load(name: str) -> ModuleType:
    if name == "match":
        pytest.importorskip("_fastpath.match", reason="the compiled module was not built")
    return import_module(f"_fastpath.{name}")


@pytest.fixture(params=[pytest.param("match", id="compiled"), pytest.param("match_py", id="python")])
def build(request: pytest.FixtureRequest) -> ModuleType:
    """Give each of both modules in turn."""
    return load(request.param)


@pytest.fixture
def matcher(build: ModuleType) -> Matcher:
    """Give an empty matcher of each build in turn."""
    made: Matcher = build.Matcher()
    return made


@pytest.fixture
def compiled() -> type[Matcher]:
    """Give the compiled class; skips the test where it was not built."""
    made: type[Matcher] = load("match").Matcher
    return made


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    """Give a runner on each loop in turn."""
    with asyncio.Runner(loop_factory=request.param) as made:
        yield made
