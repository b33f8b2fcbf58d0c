"""What tests of XMPP have in common: a Prosody, a house that is its component, a customer, another component."""

import pytest

from tests.apt import MissingError
from tests.channels import prosody
from tests.channels.xmpp_house import Customer, Neighbour, XmppHouse


@pytest.fixture(scope="module")
def xmpp_server():
    """A Prosody for a file of tests."""
    try:
        with prosody.running() as made:
            yield made
    except MissingError as error:
        pytest.skip(str(error))


@pytest.fixture
async def net(tmp_path, xmpp_server):
    """A house that is its component; whatever was done to it, the next customer is served."""
    async with XmppHouse(tmp_path, xmpp_server.inside) as made:
        yield made
        async with Customer("ola", xmpp_server.port) as well:
            await well.write("still served")


@pytest.fixture
async def jan(xmpp_server):
    """A customer."""
    async with Customer("jan", xmpp_server.port) as made:
        yield made


@pytest.fixture
async def neighbour(xmpp_server):
    """Another component of the same server."""
    async with Neighbour(xmpp_server.inside) as made:
        yield made
