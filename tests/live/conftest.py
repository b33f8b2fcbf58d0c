"""Fixtures of the live tests: the program once, private instances of the sample site on free ports."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from acd.site import load_site
from acd.site_secrets import fill_secrets
from ivr.asterisk import Asterisk, Instance, on_free_ports, provision
from tests.live.floor import Floor, open_floor
from tests.live.program import Site, open_program
from tests.live.testsite import write_site

SAMPLE = Path(__file__).parents[2] / "asterisk-config"

MakeInstance = Callable[..., Instance]


@pytest.fixture(scope="session")
def asterisk() -> Asterisk:
    """Give the Asterisk to test with: this machine's, or a private copy, fetched once."""
    return provision()


@pytest.fixture(scope="module")
def make_instance(asterisk: Asterisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeInstance]:
    """Give a factory of private instances, each with its own home and free ports; all are stopped after the module."""
    made: list[Instance] = []

    def make(
        name: str = "site", *, site_folder: Path = SAMPLE, modules: Iterable[str] = (), start: bool = True
    ) -> Instance:
        """Make one and, unless told otherwise, boot it. Its ports and secrets stand in `instance.site`."""
        home = tmp_path_factory.mktemp(name)
        site = on_free_ports(fill_secrets(load_site(site_folder), home))
        instance = Instance(home, site_folder, site, modules=modules, tied=True, asterisk=asterisk)
        made.append(instance)
        if start:
            instance.start()
        return instance

    yield make
    for instance in made:
        instance.stop()


@pytest.fixture(scope="session")
def site_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the files of the test site."""
    return write_site(tmp_path_factory.mktemp("live") / "site")


@pytest.fixture(scope="session")
def prompt_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for spoken prompts, so that each is spoken once for all tests."""
    return tmp_path_factory.mktemp("prompts")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    site_folder: Path, prompt_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Floor]:
    """Give a floor for all tests of a module; they use it through `floor`."""
    async with open_floor(site_folder, tmp_path_factory.mktemp("house"), prompt_cache) as floor:
        yield floor


@pytest_asyncio.fixture(loop_scope="module")
async def floor(house: Floor) -> AsyncIterator[Floor]:
    """Give the floor, with nobody on it; after the test it must be so again."""
    house.begin()
    yield house
    await house.clear()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def up(prompt_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Give a running program; it is used through `site`."""
    async with open_program(tmp_path_factory.mktemp("program"), prompt_cache) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="module")
async def site(up: Site) -> AsyncIterator[Site]:
    """Give the site, up and with nobody on it; after the test it must be so again."""
    yield up
    await up.clear()
