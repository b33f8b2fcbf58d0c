"""A mailbox at a provider that takes no passwords: fetched from a real Dovecot, answered over a real SMTP server."""

import asyncio
import base64
import json
import logging

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from structlog.testing import capture_logs

from acd.channels.contact import Reply
from acd.channels.email import fetcher, tokens
from acd.site import load_site
from acd.site_secrets import fill_secrets
from tests.channels import dovecot
from tests.channels.imap_peer import ImapPeer
from tests.channels.mail_house import MailHouse, MailServer, until
from tests.channels.mails import mail
from tests.channels.token_server import REFRESH, SECRET, TokenServer, answer

BOTH = "xoauth2 oauthbearer"
_BEGIN = base64.b64encode(b"user=sales\1").decode()[:12]
REFUSED, FAILED, UNSENT = "IMAP login is refused", "mails cannot be fetched", "mail server cannot be used"


class _LongLines(SMTP):
    line_length_limit = 12_288  # of responses; that of commands stays 512


class TokenMailServer(MailServer):
    """Takes mails of those who show a token that the endpoint has made for them, and of nobody else."""

    kind = _LongLines

    def __init__(self, endpoint, offers=("XOAUTH2", "OAUTHBEARER")):
        super().__init__()
        self.endpoint, self.shown, self.ends = endpoint, [], []
        unwanted = {"LOGIN", "PLAIN", "XOAUTH2", "OAUTHBEARER"} - {*offers}
        self.more = {"auth_require_tls": False, "auth_exclude_mechanism": unwanted}
        self.refusal = None
        """What is said instead of the refusal of a token, of what was shown."""

    async def auth_XOAUTH2(self, server, args):  # noqa: N802 - aiosmtpd's name
        return await self._auth(server, args, "user=", b"")

    async def auth_OAUTHBEARER(self, server, args):  # noqa: N802 - aiosmtpd's name
        return await self._auth(server, args, "n,a=", b"\1")

    async def _auth(self, server, args, begin, end):
        said = base64.b64decode(args[1], validate=True) if len(args) == 2 else await server.challenge_auth("")
        first, *fields, one, other = said.decode().split("\1")
        assert first.startswith(begin)
        assert (one, other) == ("", "")
        user, token = first.removeprefix(begin).rstrip(","), fields[-1].removeprefix("auth=Bearer ")
        self.shown.append((args[0], len(args), user, token))
        if self.endpoint.owner(token) == user:
            return AuthResult(success=True)
        self.ends.append((await server.challenge_auth(json.dumps({"status": "401"})), end))
        message = self.refusal(token, base64.b64encode(said).decode()) if self.refusal else None
        return AuthResult(success=False, handled=False, message=message)

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        return await super().handle_RCPT(server, session, envelope, address, options)


@pytest.fixture
def endpoint():
    with TokenServer() as made:
        yield made


@pytest.fixture(params=[BOTH])
def server(request, endpoint):
    try:
        with dovecot.running(mechanisms=request.param, introspection=endpoint.introspection) as made:
            yield made
    except dovecot.MissingError as reason:
        pytest.skip(str(reason))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(fetcher, "AGAIN_S", 0.1)
    monkeypatch.setattr(fetcher, "AGAIN_MOST_S", 0.2)
    monkeypatch.setattr("acd.channels.email.outbox.AGAIN_MS", 50)


def settings(endpoint, port, refresh=""):
    way_in = f"imap = 127.0.0.1:{port}\nimap_tls = no\nimap_user = sales\n"
    return way_in + "smtp_user = sales\n" + endpoint.settings + (f"oauth_refresh = {refresh}\n" if refresh else "")


def one(number):
    return mail(body=f"mail {number}", Message_ID=f"<{number}@example.org>")


async def answered(house, call):
    await house.email.reply(call, "101", Reply(text=f"answer to {call}"))


def put_in_force(house, was, now):
    conf = house.folder / "acd.conf"
    assert was in conf.read_text()
    conf.write_text(conf.read_text().replace(was, now))
    house.site = fill_secrets(load_site(house.folder), house.home)
    house.written.use(house.folder)


@pytest.mark.parametrize(
    ("server", "how"),
    [
        (BOTH, (["XOAUTH2", "OAUTHBEARER"], 20, ("XOAUTH2", 2))),
        ("xoauth2", (["XOAUTH2"], 1_800, ("XOAUTH2", 1))),
        ("oauthbearer", (["OAUTHBEARER"], 20, ("OAUTHBEARER", 2))),
        ("oauthbearer", (["OAUTHBEARER"], 1_800, ("OAUTHBEARER", 1))),
    ],
    indirect=["server"],
)
async def test_from_the_first_mail_to_the_answer(endpoint, server, tmp_path, caplog, how):
    """By either mechanism, with tokens as short as Google's and as long as Microsoft's; one is made for both ways."""
    caplog.set_level(logging.DEBUG)
    offers, endpoint.size, shown = how
    with capture_logs() as logs:
        async with (
            TokenMailServer(endpoint, offers) as relay,
            MailHouse(tmp_path, relay.port, settings(endpoint, server.port)) as house,
        ):
            server.deliver("sales", one(1), "1")
            call = await until(lambda: next(iter(house.calls), None))
            await answered(house, call)
            await until(lambda: relay.got)
            assert relay.got[0][1] == ("jan@example.org",)
            assert [(mechanism, words, user) for mechanism, words, user, _ in relay.shown] == [(*shown, "sales")]
            await until(lambda: not server.mails("sales"))
    assert len(endpoint.asked) == 1
    assert endpoint.introspected == ["sales"]
    ours = str(logs) + "".join(line.getMessage() for line in caplog.records if not line.name.startswith("mail."))
    assert "fetching mails" in ours
    assert not [secret for secret in endpoint.secrets() if secret in ours]


async def test_a_token_that_is_taken_back_is_replaced(endpoint, server, tmp_path):
    """Both servers refuse it once: another one is made, each mail is one call, and each answer goes out once."""
    async with (
        TokenMailServer(endpoint) as relay,
        MailHouse(tmp_path, relay.port, settings(endpoint, server.port)) as house,
    ):
        with capture_logs() as logs:
            for number in range(1, 4):
                server.deliver("sales", one(number), str(number))
                await until(lambda count=number: len(house.calls) == count, 30)
                await until(lambda: not server.mails("sales"))
                await answered(house, list(house.calls)[-1])
                await until(lambda count=number: len(relay.got) == count)
                endpoint.issued.clear()  # all are worth nothing, which nobody is told
                if number == 2:  # over IMAP it shows with the next connection, over SMTP with the next mail
                    await asyncio.to_thread(server.stop)
                    await asyncio.to_thread(server.start)
        assert not [line for line in logs if line["event"] == UNSENT or line["log_level"] == "error"]
        assert len(relay.got) == len({raw for _, _, raw in relay.got}) == 3
        assert len(server.mails("sales", "Archive")) == 3
        assert None in endpoint.introspected  # Dovecot has refused one
        assert relay.ends == [(b"", b"")]
        assert len(endpoint.asked) == 3


async def test_a_refresh_token_that_is_replaced_survives_a_restart(endpoint, server, tmp_path):
    """The one in acd.conf is worth nothing any more; mails come in and go out all the same."""
    endpoint.rotates = True
    more = settings(endpoint, server.port, REFRESH)
    async with TokenMailServer(endpoint) as relay:
        for number in range(1, 4):
            async with MailHouse(tmp_path, relay.port, more, lmtp=0) as house:
                server.deliver("sales", one(number), str(number))
                await until(lambda count=number: len(house.calls) == count)
                await answered(house, list(house.calls)[-1])
                await until(lambda count=number: len(relay.got) == count)
    assert len({one["refresh_token"] for one in endpoint.asked}) == len(endpoint.asked) == 3
    [kept] = (tmp_path / "home" / "oauth").iterdir()
    assert kept.read_text().strip() == endpoint.refresh


@pytest.mark.parametrize("fault", ["away", "slow", "nonsense"])
async def test_an_endpoint_out_of_order_costs_time_and_no_mail(endpoint, server, tmp_path, monkeypatch, fault):
    """What comes stays where it is, as unread as it was, and what goes out waits; then all goes on by itself."""
    if fault == "slow":
        monkeypatch.setattr(tokens, "ANSWER_S", 0.3)
    reason = {
        "away": "All connection attempts failed",
        "slow": "no answer within",
        "nonsense": "what it answers is no",
    }[fault]
    if fault == "away":
        endpoint.stop()
    waits, babbles = lambda _: endpoint.over.wait(5), lambda handler: answer(handler, 200, b"<html>Welcome")
    endpoint.says = {"slow": waits, "nonsense": babbles}.get(fault)
    async with (
        TokenMailServer(endpoint) as relay,
        MailHouse(tmp_path, relay.port, settings(endpoint, server.port)) as house,
    ):
        with capture_logs() as logs:
            server.deliver("sales", one(1), "1")
            await answered(house, await house.bring(one(0)))
            for event in (FAILED, UNSENT):
                told = await until(lambda event=event: [line for line in logs if line["event"] == event])
                assert "no token from 127.0.0.1: " in told[0]["reason"]
                assert reason in told[0]["reason"]
        assert len(server.mails("sales")) == 1
        assert (len(house.calls), relay.got) == (1, [])
        monkeypatch.undo()
        endpoint.says = None
        if fault == "away":
            endpoint.start()
        await until(lambda: len(house.calls) == 2 and not server.mails("sales"))
        await until(lambda: relay.got)
        assert (len(server.mails("sales", "Archive")), len(relay.got)) == (1, 1)


async def test_a_grant_that_is_refused_is_a_refused_login(endpoint, server, tmp_path):
    """It is told as an error and tried again after long; mails are kept; with other settings it goes on at once."""
    async with TokenMailServer(endpoint) as relay:
        more = settings(endpoint, server.port, "refresh.of-yesterday")
        with capture_logs() as logs:
            async with MailHouse(tmp_path, relay.port, more) as house:
                server.deliver("sales", one(1), "1")
                await answered(house, await house.bring(one(0)))
                told = await until(lambda: [line for line in logs if line["event"] == REFUSED])
                await until(lambda: [line for line in logs if line["event"] == UNSENT])
                assert (told[0]["log_level"], told[0]["again_s"]) == ("error", fetcher.REFUSED_S)
                assert told[0]["reason"] == "no token from 127.0.0.1: invalid_grant: no ***"
                assert not server.log().count("Login")
                assert not relay.shown
                put_in_force(house, "refresh.of-yesterday", REFRESH)
                await until(lambda: len(house.calls) == 2)
                await until(lambda: relay.got)
                assert len([line for line in logs if line["event"] == REFUSED]) == 1
        assert not [secret for secret in (*endpoint.secrets(), "refresh.of-yesterday") if secret in str(logs)]


@pytest.mark.parametrize(
    ("server", "offers"), [("xoauth2", ["XOAUTH2"]), ("oauthbearer", ["OAUTHBEARER"])], indirect=["server"]
)
async def test_tokens_that_nobody_takes(endpoint, server, tmp_path, offers):
    """They are another's: two are shown, then it is a refused login, and no server makes us repeat a secret."""
    endpoint.user = "somebody-else"
    async with TokenMailServer(endpoint, offers) as relay:
        relay.refusal = "535 5.7.3 {} {}".format
        with capture_logs() as logs:
            async with MailHouse(tmp_path, relay.port, settings(endpoint, server.port)) as house:
                await answered(house, await house.bring(one(0)))
                await until(lambda: [line for line in logs if line["event"] == REFUSED])
                told = await until(lambda: [line for line in logs if line["event"] == UNSENT])
                assert told[0]["reason"].endswith("535 5.7.3 *** ***")
                assert len({token for *_, token in relay.shown[:2]}) == 2
                assert all(answered == wanted for answered, wanted in relay.ends[:2])
                assert endpoint.introspected == ["somebody-else"] * 2
        assert not [secret for secret in endpoint.secrets() if secret in str(logs)]


async def test_servers_that_take_no_tokens_or_nonsense(endpoint, tmp_path):
    """A server without these mechanisms, one that refuses for now, one that challenges without end."""

    def hungry(writer, tag):
        return b"+ \r\n" * 50

    peer = ImapPeer("IMAP4rev1 IDLE MOVE UIDPLUS")
    async with peer, TokenMailServer(endpoint, []) as relay:
        with capture_logs() as logs:
            async with MailHouse(tmp_path, relay.port, settings(endpoint, peer.port)) as house:

                def reasons(event):
                    return "\n".join(line["reason"] for line in logs if line["event"] == event)

                await answered(house, await house.bring(one(0)))
                lets_nobody = "it lets nobody in with a token"
                await until(lambda: lets_nobody in reasons(FAILED) and lets_nobody in reasons(UNSENT))
                assert not peer.count("AUTHENTICATE")
                peer.can += " AUTH=XOAUTH2"
                peer.says["AUTHENTICATE"] = lambda _, tag: f"{tag} NO [UNAVAILABLE] later {SECRET}\r\n".encode()
                await until(lambda: "[UNAVAILABLE] later" in reasons(FAILED))
                assert len(endpoint.asked) == 1
                peer.says["AUTHENTICATE"] = hungry
                begun = peer.connections
                await until(lambda: peer.connections > begun + 2)
                assert 0 < peer.count(_BEGIN) <= peer.count("AUTHENTICATE")  # no token is shown twice
                del peer.says["AUTHENTICATE"]
                repeats = f"{{}} NO {{}} {next(iter(endpoint.told))}\r\n"
                peer.says["SHOWN"] = lambda _, tag: repeats.format(tag, peer.heard[-1]).encode()
                await until(lambda: "*** ***" in reasons(REFUSED))
        assert not [one for one in (*endpoint.told, _BEGIN) if one in str(logs)]


@pytest.mark.parametrize("how", ["tls", "starttls"])
async def test_over_encrypted_ways(endpoint, tmp_path, monkeypatch, how):
    """What the server offers is read anew when the way to it is encrypted, and a token goes over no other."""
    try:
        with dovecot.running(has_tls=True, mechanisms="oauthbearer", introspection=endpoint.introspection) as server:
            monkeypatch.setenv("SSL_CERT_FILE", str(server.folder / "cert.pem"))
            port = server.tls if how == "tls" else server.port
            more = settings(endpoint, port).replace("imap = 127.0.0.1", "imap = localhost")
            more = more.replace("imap_tls = no", f"imap_tls = {how}")
            server.deliver("sales", one(1), "1")
            async with MailHouse(tmp_path, more=more) as house:
                await until(lambda: house.calls)
                await until(lambda: not server.mails("sales"))
            assert "method=OAUTHBEARER" in server.log()
            assert ", TLS, " in server.log()
    except dovecot.MissingError as reason:
        pytest.skip(str(reason))
