"""Fixtures of the hardware lab. Its tests run by `make test-lab`; `make lab` makes what they need."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.live.lab import cache
from tests.live.lab.site import LabFloor, open_lab

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before those with or without the mark are chosen
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests here as the lab's."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("lab")


@pytest.fixture(scope="session")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that host and guests share."""
    if not cache.is_ready():
        pytest.skip("there is no hardware lab; make it: make lab")
    return tmp_path_factory.mktemp("lab")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab_house(share: Path, request: pytest.FixtureRequest) -> AsyncIterator[LabFloor]:
    """Give a thawed lab for all tests of a module; they use it through `lab`."""
    async with open_lab(share, request.module.__name__.rpartition(".")[2]) as floor:
        yield floor


@pytest_asyncio.fixture(loop_scope="module")
async def lab(lab_house: LabFloor) -> AsyncIterator[LabFloor]:
    """Give the lab, with nobody on it; after the test it must be so again."""
    lab_house.begin()
    yield lab_house
    print(await lab_house.logs())  # shown of a test that failed
    await lab_house.clear()
