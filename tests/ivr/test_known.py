"""Who it is that comes: looked up when he comes, shown and spoken if it was there in time."""

import asyncio
from types import SimpleNamespace

import pytest

from acd.core.events import CallArrived, Snapshot
from acd.settings import GeneralSettings
from acd.store import StoreSettings, people, timeline
from acd.store.people import TIER
from acd.store.store import Store
from acd.store.timeline import Contact
from ivr import phrases_desk
from ivr.flow import Play, performing
from ivr.known import LOOKS_MOST, Acquaintance
from tests.ivr.speaking import Engine as Tones
from tests.ivr.speaking import NotingSpeaker

NOW = 1_800_019_500_000
PHONE = people.Named("number", "+48601602603")
MAIL = people.Named("email", "jan@example.org")


@pytest.fixture
async def store(tmp_path):
    """A customer file in which Jan Kowalski, who is gold, has come twice today."""
    url = f"sqlite:///{tmp_path / 'file.sqlite3'}"
    opened = Store(StoreSettings(database=url, files=tmp_path / "files", country="PL"), lambda: NOW)
    await opened.open()
    jan = await opened.write(people.find_or_make, PHONE, NOW, name="Jan Kowalski")
    await opened.write(people.give, jan, MAIL, NOW)
    await opened.write(people.set_attribute, jan, TIER, "gold", NOW)
    for number in range(2):
        contact = Contact(key=f"c{number}", person=jan, medium="voice", direction="in", at=NOW - 60_000 * (number + 1))
        await opened.write(timeline.begin, contact)
    yield opened
    await opened.close()


class House:
    """What it needs of the server."""

    def __init__(self, tmp_path):
        self.calls = {}
        self.site, self.engines = SimpleNamespace(general=GeneralSettings()), [Tones()]
        self.dispatcher = SimpleNamespace(
            clock=lambda: NOW, core=SimpleNamespace(state=SimpleNamespace(calls=self.calls))
        )
        self.speaker = NotingSpeaker(tmp_path / "spoken", self)

    def comes(self, known, name, caller, medium="voice"):
        self.calls[name] = SimpleNamespace(id=name, caller=caller, medium=medium)
        known.watch(CallArrived(call=name, queue="sales", caller=caller, medium=medium))


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def looked(at):
    """A look at the switch."""
    return Snapshot(asked=at, calls=(), legs=(), handsets=())


async def looked_up(known):
    while known._looks:
        await asyncio.gather(*known._looks.values())
        await asyncio.sleep(0)


async def told(known, house, call, language="en"):
    """What an agent hears of a call."""
    played = []

    class Agent:
        async def perform(self, step):
            assert isinstance(step, Play)
            played.append(house.speaker.said[step.prompt.path])

    with performing(Agent()):
        await known.tell(call, language)
    return played


@pytest.mark.parametrize(("caller", "medium"), [("601602603", "voice"), ("jan@example.org", "email")])
async def test_shown_and_spoken(store, house, caller, medium):
    """By his number as the line gives it, or his address: name, the third contact of the day, tier."""
    known = Acquaintance(store, house)
    house.comes(known, "1", caller, medium)
    assert known.name("1") == ""  # nobody waits for it
    assert await told(known, house, "1") == []
    await looked_up(known)
    assert known.name("1") == "Jan Kowalski"
    assert await told(known, house, "1") == [("Jan Kowalski, third contact today, gold.", "en")]
    assert await told(known, house, "1", "pl") == [("Jan Kowalski, trzeci kontakt dzisiaj, gold.", "pl")]


@pytest.mark.parametrize("caller", ["", "anonymous", "+48221112233", "nobody@example.org", "a@b@c", "\x00'; DROP"])
async def test_nobody_that_is_known(store, house, caller):
    """Nothing is shown or said."""
    known = Acquaintance(store, house)
    house.comes(known, "1", caller)
    await looked_up(known)
    assert known.name("1") == ""
    assert await told(known, house, "1") == []


async def test_what_a_contact_says_of_its_sender(store, house):
    """Where the customer file knows no name; a medium that fails names nobody."""
    known = Acquaintance(store, house)

    async def sender(call):
        if call == "3":
            raise OSError(call)
        return "Jan K."

    known.senders["email"] = sender
    house.comes(known, "1", "jan@example.org", "email")
    house.comes(known, "2", "other@example.org", "email")
    house.comes(known, "3", "third@example.org", "email")
    await looked_up(known)
    assert [known.name(call) for call in "123"] == ["Jan Kowalski", "Jan K.", ""]
    without = Acquaintance(None, house)
    without.senders["email"] = sender
    house.comes(without, "4", "other@example.org", "email")
    await looked_up(without)
    assert without.name("4") == "Jan K."


async def test_those_who_were_there_before(store, house):
    """After a restart the switch tells who waits; who has gone is forgotten. A file that is shut is asked again."""
    known = Acquaintance(store, house)
    house.calls["1"] = SimpleNamespace(id="1", caller=PHONE.value, medium="voice")
    database, store._database = store._database, None
    known.watch(looked(0))
    await looked_up(known)
    assert known.name("1") == ""
    store._database = database
    known.watch(looked(1))
    await looked_up(known)
    assert known.name("1") == "Jan Kowalski"
    house.calls.clear()
    known.watch(looked(2))
    assert known.name("1") == ""


async def test_a_flood_of_calls_is_not_looked_up(store, house):
    """So many at a time, and no more: the others go without a name."""
    known = Acquaintance(store, house)
    for number in range(LOOKS_MOST + 50):
        house.comes(known, f"{number}", PHONE.value)
    assert len(known._looks) == LOOKS_MOST
    await looked_up(known)
    assert known.name("0") == "Jan Kowalski"
    assert known.name(f"{LOOKS_MOST + 49}") == ""


@pytest.mark.parametrize(
    ("name", "today", "tier", "en", "pl"),
    [
        ("Jan", 1, "", "Jan.", "Jan."),
        ("Jan", 2, "", "Jan, second contact today.", "Jan, drugi kontakt dzisiaj."),
        ("", 10, "gold", "tenth contact today, gold.", "dziesiąty kontakt dzisiaj, gold."),
        ("Jan", 11, "", "Jan, contact number 11 today.", "Jan, kontakt numer 11 dzisiaj."),
        ("", 1, "", "", ""),
        ("", 0, "", "", ""),
    ],
)
def test_who_it_is_in_words(name, today, tier, en, pl):
    """What is empty is not said, nor that it is the first time."""
    assert phrases_desk.person(name, today, tier, "en") == en
    assert phrases_desk.person(name, today, tier, "pl") == pl
