"""Mailboxes of a whole server: from its start, after a reload, and from one server to the next."""

import asyncio
import contextlib

import pytest

from acd.channels.contact import Reply
from ivr import server as module
from tests.channels.imap_peer import ImapPeer
from tests.channels.mail_house import MailServer, listens, until
from tests.channels.mails import mail
from tests.channels.test_email_killed import brought
from tests.ivr.ami_peer import AmiPeer
from tests.ivr.server_house import HANDSETS, House
from tests.ports import free_port

MAILBOX = """
[sales-mail]
type = mailbox
address = sales@acme.example
queue = sales
lmtp = 127.0.0.1:{lmtp}
smtp = 127.0.0.1:{smtp}
smtp_tls = no
"""


@pytest.fixture
async def house(tmp_path, monkeypatch):
    """Give the sample site, and speak no prompts: what is spoken is heard in the live tests."""
    monkeypatch.setattr(module, "usable_engines", lambda _voice: [])
    async with AmiPeer() as peer:
        peer.list_lines = HANDSETS
        yield House(tmp_path, peer)


def add_mailbox(house, smtp=9, more=""):
    """Write a mailbox into acd.conf; gives the port where mails come in."""
    lmtp, path = free_port(), house.folder / "acd.conf"
    path.write_text(path.read_text() + MAILBOX.format(lmtp=lmtp, smtp=smtp) + more)
    return lmtp


async def bring(port, raw):
    """Bring a mail as soon as somebody listens; gives its call's id."""
    for _ in range(500):
        with contextlib.suppress(ConnectionRefusedError):
            return await asyncio.to_thread(brought, port, raw)
        await asyncio.sleep(0.02)
    raise AssertionError("nobody listens")


async def test_a_server_takes_mails_and_answers_them(house):
    """A mail is a call of its queue; an answer goes out; the timeline has both."""
    async with MailServer() as relay:
        port = add_mailbox(house, relay.port)
        async with house.serve() as server:
            call = await bring(port, mail())
            assert server.dispatcher.core.state.calls[call].queue == "sales"
            email = server.channels["email"]
            await email.reply(call, "101", Reply(text="Here."))
            await until(lambda: relay.got)
            assert (await email.card(call)).person is not None


async def test_a_mailbox_comes_and_goes_with_a_reload(house):
    """Nobody is kept waiting for it: its place is open after the reload that names it, and closed after the next."""
    async with house.serve() as server:
        before = (house.folder / "acd.conf").read_text()
        port = add_mailbox(house)
        server.reload_soon()
        assert await bring(port, mail()) in server.dispatcher.core.state.calls
        (house.folder / "acd.conf").write_text(before)
        server.reload_soon()
        await until(lambda: not server.written._listener._doors)
        assert not listens(port)


async def test_the_next_server_goes_on_with_the_mails(house):
    """The place changes hands; what was brought before is the same call, what is brought then is taken."""
    port = add_mailbox(house)
    async with house.serve():
        call = await bring(port, mail())
        async with house.serve(takeover=True) as new:
            assert call in new.dispatcher.core.state.calls
            assert await bring(port, mail()) == call
            other = await bring(port, mail(body="Another"))
            assert set(new.dispatcher.core.state.calls) == {call, other}


async def test_the_next_server_fetches_the_mails(house):
    """One fetches at a time; what the first one has taken is the same call."""
    async with ImapPeer() as peer:
        add_mailbox(house, more=peer.settings)
        peer.arrive(1, mail())
        async with house.serve():
            await until(lambda: peer.moved)
            async with house.serve(takeover=True) as new:
                assert len(new.dispatcher.core.state.calls) == 1
                peer.arrive(2, mail(body="Another"))
                await until(lambda: len(peer.moved) == 2)
                assert len(new.dispatcher.core.state.calls) == 2
                assert peer.connections == 2


async def test_a_site_without_a_customer_file_has_no_mails(house):
    """And serves calls all the same."""
    (house.folder / "acd.conf").write_text((house.folder / "acd.conf").read_text() + "\n[store]\ndatabase = none\n")
    async with house.serve() as server:
        assert server.channels == {}
