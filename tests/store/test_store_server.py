"""The customer file of a running server: nothing waits for it, it makes up for what it missed, and old things go."""

import asyncio
import time

import pytest
from structlog.testing import capture_logs

from acd.core import events as ev
from acd.journal import Folder
from acd.problems import ConfigError
from acd.site import load_site
from acd.store import StoreError, StoreSettings, people, pop, timeline
from acd.store.database import Database
from acd.store.follower import Follower
from acd.store.store import Retention, Store
from ivr import server as module
from ivr.customers import FOLDER
from tests.acd.scribe import Scribe
from tests.ivr.ami_peer import ARRIVAL, AmiPeer
from tests.ivr.server_house import HANDSETS, House
from tests.store import postgres
from tests.store.conftest import made_in
from tests.store.test_store_people import NOON, PHONE, contact

FOREVER = Retention(contacts={}, bodies={})


@pytest.fixture
def scribe(tmp_path):
    made = Scribe(tmp_path / "journal")
    yield made
    made.journal.close()


def store_of(url, tmp_path):
    return Store(StoreSettings(database=url, files=tmp_path / "files"), lambda: NOON)


def running(store, scribe, keep=FOREVER):
    """The store's task, which follows a journal."""
    follower = lambda: Follower(Folder(scribe.journal.path), "PL", dict)  # noqa: E731 - as the server makes it
    return asyncio.create_task(store.run(follower, lambda: keep, lambda: False))


async def ended(task, store):
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await store.close()


async def until(check):
    """Wait until something is so."""
    for _ in range(600):
        if await check():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(check)


async def test_what_the_journal_says_is_stored_while_it_runs(url, tmp_path, scribe):
    """What was there before, and what comes."""
    scribe.arrive("1.1", caller="+48221234567")
    store = store_of(url, tmp_path)
    with pytest.raises(StoreError, match="not open yet"):
        await store.read(pop.screen_pop, PHONE, NOON)
    task = running(store, scribe)
    await asyncio.wait_for(store.caught_up.wait(), 60)
    scribe.arrive("1.2", caller="+48221234567")
    store.wake()

    async def both():
        found = await store.read(pop.screen_pop, PHONE, scribe.now)
        return found is not None and found.today == 2

    await until(both)
    await ended(task, store)


@pytest.mark.parametrize("turns", range(4))
async def test_it_ends_though_the_journal_grows_in_that_instant(turns, tmp_path, scribe):
    """A word of the journal and the end of the server come in the same turn of the event loop, or nearly."""
    store = store_of(f"sqlite:///{tmp_path / 'file.sqlite3'}", tmp_path)
    task = running(store, scribe)
    await asyncio.wait_for(store.caught_up.wait(), 60)
    store.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=20)
    assert task in done
    await store.close()


async def test_the_event_loop_never_waits_for_the_disk(url, tmp_path, scribe):
    """While another process keeps the file locked, a call's tick comes as it should; then the write goes through."""
    store = store_of(url, tmp_path)
    await store.open()
    person = await store.write(people.find_or_make, PHONE, NOON)

    def slow(session):
        timeline.note(session, person, "slow", NOON)
        time.sleep(1.0)

    writes = [
        asyncio.create_task(store.write(slow)),
        asyncio.create_task(store.write(timeline.note, person, "x", NOON)),
    ]
    await asyncio.sleep(0.1)
    began = time.perf_counter()
    assert (await store.read(people.find, PHONE)) == person
    ticks = 0
    while not writes[0].done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert ticks > 5
    assert time.perf_counter() - began > 0.3
    await asyncio.gather(*writes)
    assert len(await store.read(timeline.notes, person)) == 2
    await store.close()


async def test_a_database_that_is_away_is_made_up_for(tmp_path, scribe):
    """PostgreSQL is there, then gone; another one has what the journal says, from its beginning."""
    try:
        postgres.programs()
    except postgres.MissingError as reason:
        pytest.skip(str(reason))
    scribe.arrive("1.1", caller="+48221234567")
    with postgres.running() as server:
        url = made_in(server)
        store = store_of(url, tmp_path)
        task = running(store, scribe)
        await asyncio.wait_for(store.caught_up.wait(), 60)
    with capture_logs() as logs:
        scribe.arrive("1.2", caller="+48221234567")
        store.wake()

        async def fails():
            return store.failed is not None

        await until(fails)
        with pytest.raises(StoreError):
            await store.read(pop.screen_pop, PHONE, scribe.now)
    [said] = [one for one in logs if one["event"] == "customer file fails"]
    assert said["effect"] == "calls go on; it is made up for from the journal"
    await ended(task, store)
    with postgres.running() as server:
        store = store_of(made_in(server), tmp_path)
        task = running(store, scribe)
        await asyncio.wait_for(store.caught_up.wait(), 60)
        assert (await store.read(pop.screen_pop, PHONE, scribe.now)).today == 2
        await ended(task, store)


async def test_a_full_disk_is_made_up_for(tmp_path, scribe):
    """SQLite may not grow: it fails, and when it may, what it missed is stored."""
    url = f"sqlite:///{tmp_path / 'customers.sqlite3'}"
    store = store_of(url, tmp_path)
    await store.open()
    pages = await store.read(lambda session: session.connection().exec_driver_sql("PRAGMA page_count").scalar())

    def limit(most):
        def set_limit(session):
            session.connection().exec_driver_sql(f"PRAGMA max_page_count = {most}")

        return set_limit

    await store.write(limit(pages))
    for number in range(400):
        scribe.arrive(f"1.{number}", caller=f"+4822123{number:04}")
    task = running(store, scribe)

    async def fails():
        return store.failed is not None and "full" in store.failed

    await until(fails)
    await store.write(limit(1_000_000))

    async def stored():
        return await store.read(people.find, people.Named("number", "+48221230399")) is not None

    await until(stored)
    assert store.failed is None
    await ended(task, store)


async def test_what_is_too_old_goes_by_itself(url, tmp_path, scribe):
    """Contacts beyond their days are deleted while the server runs."""
    store = store_of(url, tmp_path)
    await store.open()
    person = await store.write(people.find_or_make, PHONE, NOON)
    for number, days in enumerate((1, 40, 41)):
        at = NOON - days * 86_400_000
        await store.write(timeline.begin, contact(f"c{number}", person, at, ended_at=at))
    task = running(store, scribe, Retention(contacts={"voice": 30}, bodies={"all": 7}))

    async def gone():
        return [row.key for row in await store.read(timeline.contacts, person)] == ["c0"]

    await until(gone)
    await ended(task, store)


@pytest.fixture
async def peer():
    """Give an Asterisk's manager interface where all handsets are registered."""
    async with AmiPeer() as peer:
        peer.list_lines = HANDSETS
        yield peer


@pytest.fixture
def house(tmp_path, peer, monkeypatch):
    """The sample site in a house of its own, that speaks no prompts."""
    monkeypatch.setattr(module, "usable_engines", lambda _voice: [])
    return House(tmp_path, peer)


async def test_a_caller_of_a_real_server_is_in_its_customer_file(house, peer):
    """From the switch's word over the journal into the file, in the server's home, without a setting; restarts too."""
    named = people.Named("number", "555")
    async with house.serve() as server:
        peer.say(ARRIVAL)

        async def known():
            if server.customers.store.failed is not None:
                return False
            return await server.customers.store.read(people.find, named) is not None

        await until(known)
    async with house.serve() as server:
        await until(known)
    database = Database(f"sqlite:///{house.home / FOLDER / 'customers.sqlite3'}")
    person = database.read(people.find, named)
    rows = database.read(timeline.contacts, person)
    database.close()
    assert [(row.key, row.queue) for row in rows] == [("1.1", "sales")]
    assert rows[0].started_at <= next(event.at for event in house.entries() if isinstance(event, ev.CallArrived))


async def test_a_phone_shows_whom_the_file_knows(house, peer):
    """Not the offer that comes with a call waits for it, but who was looked up by then is named: callers, messages."""
    async with house.serve() as server:
        store, known = server.customers.store, server.customers.known

        async def opened():
            return store.failed is None

        await until(opened)
        await store.write(people.find_or_make, people.Named("number", "555"), NOON, name='Jan "K" Kowalski')
        peer.say(ARRIVAL)
        server.dispatcher.submit(
            ev.CallArrived(call="m", queue="support", caller="555", medium="voicemail"),
            ev.CallArrived(call="n", queue="support", caller="jan2026@example.org", medium="voicemail"),
        )

        async def named():
            return known.name("1.1") != "" != known.name("m")

        await until(named)
        assert await server.desk.log_in("102", "1102") == "ok"
        assert await server.desk.log_in("103", "1103") == "ok"
        assert await server.desk.log_in("101", "1101") == "ok"

        async def rung():
            return len([one for one in peer.actions if "CallerID" in one]) == 3

        await until(rung)
    assert sorted(one["CallerID"] for one in peer.actions if "CallerID" in one) == [
        '"Jan K Kowalski (sales)" <555>',
        '"voicemail from Jan K Kowalski" <555>',
        '"voicemail from jan2026@example.org" <>',
    ]


async def test_a_site_may_keep_no_customer_file(house):
    """`database = none` makes none."""
    house.change("acd.conf", "[switch]", "[store]\ndatabase = none\n\n[switch]")
    async with house.serve() as server:
        assert server.customers.store is None
    assert not (house.home / FOLDER).exists()


def test_what_a_site_says_of_its_customer_file(house):
    """Days by medium, the database's address with its password shown to nobody; the rest is an error."""
    said = "[store]\ndatabase = postgresql://u:geheim@db/x\nkeep_days = all 1095, chat 90\nkeep_bodies_days = sms 30\n"
    house.change("acd.conf", "[switch]", f"{said}\n[switch]")
    settings = load_site(house.folder).store
    assert dict(settings.keep_days) == {"all": 1095, "chat": 90}
    assert dict(settings.keep_bodies_days) == {"sms": 30}
    assert settings.database == "postgresql://u:geheim@db/x"
    assert "geheim" not in repr(settings)
    house.change("acd.conf", "postgresql://", "mysql://")
    with pytest.raises(ConfigError) as wrong:
        load_site(house.folder)
    assert "geheim" not in str(wrong.value.problems)


async def test_a_file_of_a_newer_callfloor_stops_no_server(house, peer):
    """Calls are taken; the customer file is left alone, and the log says why."""
    path = house.home / FOLDER / "customers.sqlite3"
    database = Database(f"sqlite:///{path}")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    async with house.serve() as server:

        async def refused():
            return "newer callfloor" in (server.customers.store.failed or "")

        await until(refused)
        assert server.status().connected
