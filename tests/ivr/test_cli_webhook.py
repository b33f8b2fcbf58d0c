"""The command that tells how webhooks stand, tries one, and sends again what was given up, run as a person runs it."""

import pytest
from cli_house import callfloor
from msgspec import json

from acd.happenings import Happening
from acd.store import deliveries, hooks
from acd.store.database import Database
from acd.store.hooks import Wanted
from ivr.customers import FOLDER
from tests.hooks.endpoint import Endpoint, answer
from tests.hooks.hook_house import SITE, hook
from tests.hooks.test_crm import crm
from tests.hooks.test_hook_sender import verify

AT = 1_800_000_000_000


@pytest.fixture
async def endpoint():
    async with Endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def places(tmp_path, endpoint):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "acd.conf").write_text(SITE.format(more=hook(endpoint) + crm(endpoint)))
    return ("--site", tmp_path / "site", "--home", tmp_path / "home")


@pytest.fixture
def file(tmp_path):
    """A customer file whose webhook has given up something."""
    (tmp_path / "home").mkdir()
    database = Database(f"sqlite:///{tmp_path / 'home' / FOLDER / 'customers.sqlite3'}")
    database.write(hooks.sync, [Wanted(name="shop")], 0)
    for number in range(3):
        what = {"type": "contact-over", "call": f"1.{number}"}
        database.write(hooks.tell, Happening(at=AT, what=what), AT + number)
    first = database.read(deliveries.agenda, "shop", AT + 9, 5).due[0]
    said = deliveries.Failure(delivery=first.id, at=AT + 9, due_at=AT + 9_999, said="HTTP 503 \x1b[2J")
    database.write(deliveries.failed, "shop", said)
    assert database.write(deliveries.give_up, "shop", AT + 2, AT + 9) == 2
    yield database
    database.close()


async def test_list_again_and_forget(places, file):
    """What waits and what is given up, since when, why; both are as the words say, the second time there is nothing."""
    (line,) = (await callfloor("webhook", "list", *places)).out.splitlines()
    assert line.startswith("shop  0 delivered  1 wait since ")
    assert "  2 given up  fails since " in line
    assert line.endswith((": HTTP 503 �[2J", ": HTTP 503 [2J"))
    told = json.decode((await callfloor("webhook", "list", "--json", *places)).out)
    assert (told[0]["name"], told[0]["waits"], told[0]["given_up"]) == ("shop", 1, 2)
    again = await callfloor("webhook", "again", "shop", *places)
    assert (again.code, again.out.split(" ")[0]) == (0, "2")
    assert file.read(deliveries.standings)[0].waits == 3
    file.write(deliveries.give_up, "shop", AT * 2, AT)
    assert (await callfloor("webhook", "forget", "shop", *places)).out == "3 that were given up are forgotten\n"
    assert (await callfloor("webhook", "list", *places)).out == "shop  0 delivered  0 wait\n"
    nobody = await callfloor("webhook", "again", "shopp", *places)
    assert (nobody.code, nobody.err.startswith("callfloor: no webhook 'shopp' is known")) == (1, True)


async def test_a_test_is_sent_at_once(places, endpoint):
    """Signed as all is, to a webhook or a CRM; the answer is told, and its code is the command's."""
    done = await callfloor("webhook", "test", "shop", *places)
    assert (done.code, done.out) == (0, "delivered: HTTP 200\n")
    (one,) = endpoint.got
    verify(one)
    assert (one.type, one.data) == ("test", {"webhook": "shop"})
    endpoint.says = lambda _: answer(401)
    refused = await callfloor("webhook", "test", "crm", *places)
    assert (refused.code, refused.out) == (1, "not delivered: HTTP 401\n")
    await endpoint.__aexit__()
    away = await callfloor("webhook", "test", "shop", *places)
    assert (away.code, away.out.startswith("not delivered: ConnectError")) == (1, True)
    unknown = await callfloor("webhook", "test", "shopp", *places)
    assert (unknown.code, unknown.err) == (1, "callfloor: there is no webhook 'shopp': there are shop, crm\n")
