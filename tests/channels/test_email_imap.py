"""Mails fetched from a real IMAP server: none is lost, none is two contacts, and what is not taken stays as it was."""

import asyncio
import time

import pytest
from structlog.testing import capture_logs

from acd.channels.email import fetcher
from acd.site import load_site
from acd.site_secrets import fill_secrets
from tests.channels import dovecot
from tests.channels.mail_house import MailHouse, MailServer, until
from tests.channels.mails import mail

REFUSED = "IMAP login is refused"


@pytest.fixture
def server():
    try:
        with dovecot.running() as made:
            yield made
    except dovecot.MissingError as reason:
        pytest.skip(str(reason))


def settings(server, user="sales", **more):
    given = {
        "imap": f"127.0.0.1:{server.port}",
        "imap_tls": "no",
        "imap_user": user,
        "imap_secret": dovecot.PASSWORD,
        **more,
    }
    return "".join(f"{name} = {value}\n" for name, value in given.items())


def one(number):
    return mail(body=f"mail {number}", Message_ID=f"<{number}@example.org>")


async def settled(server, user="sales"):
    await until(lambda: not server.mails(user))


async def test_a_mail_that_comes_while_we_wait_is_a_call_at_once(server, tmp_path):
    """The server tells, it is not asked each half a minute: the call is there at once, the mail then in the archive."""
    server.deliver("sales", one(1), "1")
    async with MailHouse(tmp_path, more=settings(server)) as house:
        await until(lambda: house.calls)
        await settled(server)
        begun = time.monotonic()
        server.deliver("sales", mail(body="Now"), "2")
        await until(lambda: len(house.calls) == 2)
        assert time.monotonic() - begun < 5.0  # mostly 0.6 s, of which Dovecot takes 0.5
        card = await house.email.card(list(house.calls)[1])
        assert (card.sender, card.address, card.text) == ("Jan", "jan@example.org", "Now")
        await settled(server)
        assert len(server.mails("sales", "Archive")) == 2


async def test_a_batch_is_taken_once_each(server, tmp_path):
    """Two hundred mails of one mailbox, some of another."""
    for number in range(200):
        server.deliver("sales", one(number), str(number))
    for number in range(5):
        server.deliver("shop", one(number), str(number))
    more = "[shop]\ntype = mailbox\naddress = buy@acme.example\nqueue = sales\nsmtp = 127.0.0.1:9\nsmtp_tls = no\n"
    more = settings(server) + more + "lmtp = none\n" + settings(server, "shop")
    async with MailHouse(tmp_path, more=more) as house:
        await until(lambda: len(house.calls) == 205, 60)
        await settled(server)
        await settled(server, "shop")
        assert len(server.mails("sales", "Archive")) == 200
        assert len(server.mails("shop", "Archive")) == 5
        assert len(house.calls) == 205


@pytest.mark.parametrize(
    ("can", "left"), [("IMAP4rev1 UIDPLUS", 0), ("IMAP4rev1 IDLE", 1), ("IMAP4rev1 MOVE", 0), ("IMAP4rev1", 1)]
)
async def test_servers_that_can_less(tmp_path, monkeypatch, can, left):
    """No IDLE: it is asked now and then. No MOVE: copied and expunged. No UIDPLUS: marked as deleted, seen once."""
    monkeypatch.setattr(fetcher, "POLL_S", 0.1)
    try:
        with dovecot.running(lacks=can) as server:
            async with MailHouse(tmp_path, more=settings(server)) as house:
                for number in range(2):
                    server.deliver("sales", one(number), str(number))
                    await until(lambda count=number + 1: len(house.calls) == count)
                    await until(lambda count=number + 1: len(server.mails("sales", "Archive")) == count)
                await until(lambda: len(server.mails("sales")) == 2 * left)
                await until(lambda: server.flags("sales") == ["T", "T"][: 2 * left])
                assert len(house.calls) == 2
    except dovecot.MissingError as reason:
        pytest.skip(str(reason))


async def test_mails_can_be_deleted_instead(server, tmp_path):
    """With `imap_done = delete` nothing is left of it there."""
    async with MailHouse(tmp_path, more=settings(server, imap_done="delete")) as house:
        server.deliver("sales", one(1), "1")
        await until(lambda: house.calls)
        await settled(server)
        assert not server.mails("sales", "Archive")


@pytest.mark.parametrize(("done", "folder"), [("Archive", "Archive"), ("delete", "")])
async def test_a_mail_that_is_too_large_is_told_and_kept(server, tmp_path, done, folder):
    """Its header is the call, and says so; the whole of it is at the server, unread, and is no second call."""
    large = mail(Subject="Plans", body="x" * 76 + "\n") + (b"y" * 76 + b"\n") * 20_000
    large = large.replace(b"\n\n", b"\nContent-Type: text/html\n\n", 1)
    more = "size_most = 1\n" + settings(server, imap_done=done)
    server.deliver("sales", large, "1")
    for _ in range(2):  # another server finds the same call
        async with MailHouse(tmp_path, more=more) as house:
            call = await until(lambda: next(iter(house.calls), None))
            card = await house.email.card(call)
            assert (card.subject, card.sender) == ("Plans", "Jan")
            assert "too large" in card.text
            server.deliver("sales", one(1), "2")
            await until(lambda: len(house.calls) == 2)
            await until(lambda: large in server.mails("sales", folder))
            assert "S" not in "".join(server.flags("sales"))


async def test_a_mail_is_the_same_call_when_it_could_not_be_put_aside(server, tmp_path, monkeypatch):
    """Stored, and then the server went: fetched again, recognised, put aside."""
    monkeypatch.setattr(fetcher, "AGAIN_S", 0.1)
    tries = []

    async def fails(session, uid):
        tries.append(uid)
        raise ConnectionResetError("gone")

    monkeypatch.setattr("acd.channels.email.imap.Session.put_aside", fails)
    server.deliver("sales", one(1), "1")
    async with MailHouse(tmp_path, more=settings(server)) as house:
        await until(lambda: len(tries) > 1)
        assert len(house.calls) == 1
        monkeypatch.undo()
        await settled(server)
        assert len(house.calls) == 1
        assert len(server.mails("sales", "Archive")) == 1


async def test_a_mail_that_cannot_be_kept_stays_there(server, tmp_path, monkeypatch):
    """A full disk: nothing is put aside, the mail is as unread as it was, and later it is taken."""
    monkeypatch.setattr(fetcher, "KEEP_AGAIN_S", 0.1)
    tries = []

    def full(*_):
        tries.append(1)
        raise OSError(28, "No space left on device")

    async with MailHouse(tmp_path, more=settings(server)) as house:
        monkeypatch.setattr("acd.store.files.Files._write", full)
        server.deliver("sales", one(1), "1")
        await until(lambda: len(tries) > 1)
        assert not house.calls
        assert server.flags("sales") == [""]
        monkeypatch.undo()
        await settled(server)
        assert len(house.calls) == 1


async def test_a_server_that_was_restarted(server, tmp_path, monkeypatch):
    """What came while it was away is taken when it is back."""
    monkeypatch.setattr(fetcher, "AGAIN_S", 0.1)
    monkeypatch.setattr(fetcher, "AGAIN_MOST_S", 0.2)
    async with MailHouse(tmp_path, more=settings(server)) as house:
        server.deliver("sales", one(1), "1")
        await until(lambda: house.calls)
        await settled(server)
        with capture_logs() as logs:
            await asyncio.to_thread(server.stop)
            server.deliver("sales", one(2), "2")
            await until(lambda: any(line["event"] == "mails cannot be fetched" for line in logs))
            await asyncio.to_thread(server.start)
            await until(lambda: len(house.calls) == 2)
        await settled(server)


async def test_a_wrong_password_is_told_and_not_tried_often(server, tmp_path):
    """Once, and not again before a quarter of an hour has gone, or another one is written."""
    with capture_logs() as logs:
        async with MailHouse(tmp_path, more=settings(server, imap_secret="wrong-secret")) as house:
            told = await until(lambda: [line for line in logs if line["event"] == REFUSED])
            assert told[0]["log_level"] == "error"
            assert told[0]["mailbox"] == "sales-mail"
            server.deliver("sales", one(1), "1")
            conf = house.folder / "acd.conf"
            conf.write_text(conf.read_text().replace("wrong-secret", dovecot.PASSWORD))
            house.site = fill_secrets(load_site(house.folder), house.home)
            house.written.use(house.folder)
            await until(lambda: house.calls)
            assert server.log().count("auth failed") == 1
    assert "wrong-secret" not in str(logs)
    assert dovecot.PASSWORD not in str(logs)


async def test_settings_that_change_are_put_in_force(server, tmp_path):
    """Another folder, then none: what was fetched before is fetched no more."""
    async with MailHouse(tmp_path, more=settings(server)) as house:
        server.deliver("sales", one(1), "1")
        await until(lambda: house.calls)
        conf = house.folder / "acd.conf"
        was = conf.read_text()
        for text, count in ((was.replace("= sales\nimap_secret", "= shop\nimap_secret"), 1), (was, 2)):
            conf.write_text(text)
            house.site = fill_secrets(load_site(house.folder), house.home)
            house.written.use(house.folder)
            server.deliver("shop" if text != was else "sales", one(count + 1), str(count + 1))
            await until(lambda count=count: len(house.calls) == count + 1)
        conf.write_text(was.replace("imap = ", "imap = none\n;"))
        house.site = fill_secrets(load_site(house.folder), house.home)
        house.written.use(house.folder)
        await until(lambda: not house.written._fetchers._running)


async def test_it_ends_at_once(server, tmp_path):
    """Though it waits for a server that has nothing to say."""
    async with MailHouse(tmp_path, more=settings(server)) as house:
        server.deliver("sales", one(1), "1")
        await until(lambda: house.calls)
        await settled(server)
        begun = time.monotonic()
        await house.written._fetchers.close(30)
        assert time.monotonic() - begun < 3.0
        server.deliver("sales", one(2), "2")
        await asyncio.sleep(0.7)
        assert len(house.calls) == 1


async def test_a_sender_is_told_where_his_server_said_who_he_is(server, tmp_path):
    """Return-Path, as the server that delivered wrote it down; without it nobody is answered by a machine."""
    async with (
        MailServer() as relay,
        MailHouse(tmp_path, relay.port, "acknowledge = yes\n" + settings(server)) as house,
    ):
        server.deliver("sales", one(1), "1")
        server.deliver("sales", b"Return-Path: <jan@example.org>\n" + one(2), "2")
        await until(lambda: len(house.calls) == 2)
        await until(lambda: relay.got)
        await settled(server)
        assert [to for _, to, _ in relay.got] == [("jan@example.org",)]


@pytest.mark.parametrize("how", ["tls", "starttls"])
async def test_encrypted_and_verified(tmp_path, monkeypatch, how):
    """A certificate that this machine trusts; one that it does not hears no password."""
    monkeypatch.setattr(fetcher, "AGAIN_S", 0.1)
    monkeypatch.setattr(fetcher, "AGAIN_MOST_S", 0.1)
    try:
        with dovecot.running(has_tls=True) as server:
            port = server.tls if how == "tls" else server.port
            more = settings(server, imap=f"localhost:{port}", imap_tls=how)
            server.deliver("sales", one(1), "1")
            with capture_logs() as logs:
                async with MailHouse(tmp_path, more=more) as house:
                    await until(lambda: any("CERTIFICATE_VERIFY_FAILED" in str(line) for line in logs))
                    assert not house.calls
                    assert "Login:" not in server.log()
                    monkeypatch.setenv("SSL_CERT_FILE", str(server.folder / "cert.pem"))
                    await until(lambda: house.calls)
                    await settled(server)
                    server.deliver("sales", one(2), "2")
                    await until(lambda: len(house.calls) == 2)
    except dovecot.MissingError as reason:
        pytest.skip(str(reason))
