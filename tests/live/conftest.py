"""Fixtures of the live tests: the program once, private instances of the sample site on free ports."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from acd.site import fill_secrets, load_site
from ivr.asterisk import Asterisk, Instance, on_free_ports, provision

SAMPLE = Path(__file__).parents[2] / "asterisk-config"

MakeInstance = Callable[..., Instance]


@pytest.fixture(scope="session")
def asterisk() -> Asterisk:
    """Give the Asterisk to test with: this machine's, or a private copy, fetched once."""
    return provision()


@pytest.fixture(scope="session")
def make_instance(asterisk: Asterisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeInstance]:
    """Give a factory of private instances, each with its own home and free ports; all are stopped at the end."""
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
