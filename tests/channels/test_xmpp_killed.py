"""A component that is killed in the midst of its work, and the next one: what XMPP can promise is kept."""

import asyncio

import pytest

from acd.store import chats
from acd.store.database import Database
from tests.channels.mail_house import free_port, until
from tests.channels.test_chat_killed import Program
from tests.channels.xmpp_house import Customer, refused


def kept(session):
    """Give all lines of the one talk, in their order."""
    (open_contact,) = chats.still_open(session)
    return chats.lines(session, open_contact.token, 0, 10_000)


def lines_of(folder):
    database = Database(f"sqlite:///{folder / 'home' / 'customers' / 'customers.sqlite3'}")
    try:
        return database.read(kept)
    finally:
        database.close()


@pytest.mark.parametrize("moment", range(3))
async def test_what_was_confirmed_is_there_after_a_kill(tmp_path, xmpp_server, moment):
    """He writes while the component is killed, and says again what has no receipt: all is there, each line once."""
    port = free_port()
    said = {f"line-{moment}-{number:04}": f"{moment} {number}" for number in range(12)}
    async with Customer("jan", xmpp_server.port) as jan:
        async with Program(tmp_path, port, xmpp_server.inside) as first:

            async def talk():
                for name, text in said.items():
                    jan.say(text, name=name)
                    await asyncio.sleep(0.05)

            talking = asyncio.create_task(talk())
            await until(lambda: len(jan.confirmed) > 2 + moment)
            await asyncio.sleep(0.011 * moment)
            await first.kill()
            await talking
        before = list(jan.confirmed)
        await until(lambda: any(refused(one) for one in jan.heard))  # a server without its component says so
        async with Program(tmp_path, port, xmpp_server.inside) as second:
            for name, text in said.items():
                while name not in jan.confirmed:
                    jan.say(text, name=name)
                    await asyncio.sleep(0.3)
            assert len(await second.ask("calls")) == 1
            await second.kill()
    theirs = [one.body for one in lines_of(tmp_path) if one.is_theirs]
    assert sorted(theirs) == sorted(said.values())
    first_ones = [said[name] for name in before]
    assert theirs[: len(first_ones)] == first_ones


@pytest.mark.parametrize("moment", range(3))
async def test_what_was_answered_is_sent_after_a_kill(tmp_path, xmpp_server, moment):
    """Every answer that an agent gave reaches him, in their order; what was on its way comes again under its id."""
    port, answered = free_port(), 0
    async with Customer("ewa", xmpp_server.port) as ewa:
        async with Program(tmp_path, port, xmpp_server.inside) as first:
            await ewa.write("Hello")
            answered = await first.ask("talk")
            while answered < 20 + moment:
                answered = await first._said()
            await asyncio.sleep(0.007 * moment)
            await first.kill()
        ours = [one for one in lines_of(tmp_path) if not one.is_theirs]
        assert len(ours) > answered
        async with Program(tmp_path, port, xmpp_server.inside):
            await ewa.reads(ours[-1].body)
            await ewa.write("Thanks")
    read = [(name, words) for name, words in ewa.lines if words.startswith("answer")]
    assert list(dict.fromkeys(read)) == [(one.name, one.body) for one in ours]
    again = len(read) - len(ours)
    print("sent twice:", again)
    assert again <= 50  # no more than what is sent at a time
