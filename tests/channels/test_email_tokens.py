"""Tokens asked for at a real endpoint: kept as long as they are good, none asked for twice, and no secret told."""

import asyncio
import logging
import stat
import time

import pytest
from structlog.testing import capture_logs

from acd.channels.email import tokens
from acd.channels.email.tokens import GrantError, Source, TokenError, Tokens
from acd.mailboxes import Grant, MailboxSettings, Place
from tests.channels.dovecot import certificate
from tests.channels.mail_house import until
from tests.channels.token_server import CLIENT, REFRESH, SCOPE, SECRET, TokenServer, answer


@pytest.fixture
def endpoint():
    with TokenServer() as made:
        yield made


def grant(endpoint, **more):
    return Grant(**{"url": endpoint.url, "client": CLIENT, "secret": SECRET, "scope": SCOPE, "refresh": "", **more})


async def failure(source, kind=TokenError):
    with pytest.raises(TokenError) as told:
        await source.token()
    assert type(told.value) is kind
    return str(told.value)


async def test_whoever_wants_one_at_the_same_time_has_the_same(endpoint, tmp_path):
    """One request, though one of them waits no more; then none while it is good, and a new one when it is refused."""
    source = Source(grant(endpoint), tmp_path)
    waiting = [asyncio.create_task(source.token()) for _ in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    got = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(got[0], asyncio.CancelledError)
    assert len(set(got[1:])) == 1
    token = await source.token()
    assert token == got[1]
    assert endpoint.asked == [
        {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET, "scope": SCOPE}
    ]
    source.refuse("another one")
    assert await source.token() == token
    source.refuse(token)
    assert await source.token() != token
    assert len(endpoint.asked) == 2


@pytest.mark.parametrize(("life", "kept_s"), [("3600", 3480), (60, 30), (1e300, 86_280), (-5, 0), (None, 480)])
async def test_a_token_is_kept_until_shortly_before_its_end(endpoint, tmp_path, life, kept_s):
    """Whatever the endpoint says of its life, as a number or in words."""
    endpoint.says = lambda handler: answer(handler, 200, {"access_token": "abc", "expires_in": life})
    source = Source(grant(endpoint), tmp_path)
    begun = time.monotonic()
    assert await source.token() == "abc"
    assert source._until - begun == pytest.approx(kept_s, abs=3)
    source._until = time.monotonic() - 1
    await source.token()
    assert len(endpoint.asked) == 2


async def test_a_refresh_token_that_is_replaced_is_not_lost(endpoint, tmp_path):
    """It is on the disk, for its owner alone, and the next server uses it; one that is written anew is used at once."""
    endpoint.rotates, folder, with_refresh = True, tmp_path / "oauth", grant(endpoint, refresh=REFRESH)
    for _ in range(2):
        source = Source(with_refresh, folder)
        for _ in range(2):
            source.refuse(await source.token())
        [kept] = folder.iterdir()
        assert kept.read_text() == f"{endpoint.refresh}\n"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len({one["refresh_token"] for one in endpoint.asked}) == 4
    assert {one["grant_type"] for one in endpoint.asked} == {"refresh_token"}
    endpoint.refresh = "refresh.another"
    source = Source(grant(endpoint, refresh="refresh.another"), folder)
    await source.token()
    assert endpoint.asked[-1]["refresh_token"] == "refresh.another"


async def test_a_full_disk_costs_no_refresh_token_while_the_server_lives(endpoint, tmp_path, monkeypatch):
    """It is told, the token is used, and the next request or the end of the server tries to write again."""

    def full(*_):
        raise OSError(28, "No space left on device")

    endpoint.rotates, folder = True, tmp_path / "oauth"
    monkeypatch.setattr("acd.private_file.write", full)
    source = Source(grant(endpoint, refresh=REFRESH), folder)
    with capture_logs() as logs:
        for _ in range(2):
            token = await source.token()
            assert endpoint.owner(token) == "sales"
            source.refuse(token)
    assert [(line["event"], line["log_level"]) for line in logs] == 2 * [("refresh token cannot be kept", "error")]
    assert endpoint.refresh not in str(logs)
    monkeypatch.undo()
    await source.close(1)
    assert [one.read_text() for one in folder.iterdir()] == [f"{endpoint.refresh}\n"]


async def test_what_is_being_asked_for_at_the_end_is_waited_for(endpoint, tmp_path):
    """An answer with a new refresh token comes while the server stops: it is kept."""

    def slowly(handler):
        time.sleep(0.3)
        said = {"access_token": "abc", "token_type": "bearer", "refresh_token": "refresh.late"}
        answer(handler, 200, said)

    endpoint.says = slowly
    known = Tokens(tmp_path / "oauth")
    mailbox = MailboxSettings(
        section="a",
        address="a@acme.example",
        queue="sales",
        name="A",
        smtp=Place("127.0.0.1", 25),
        oauth_url=endpoint.url,
        oauth_client=CLIENT,
        oauth_secret=SECRET,
        oauth_scope=SCOPE,
        oauth_refresh=REFRESH,
    )
    source = known.of(mailbox)
    assert source is known.of(mailbox)
    waiting = asyncio.create_task(source.token())
    await until(lambda: endpoint.asked)
    waiting.cancel()
    await known.close(5)
    assert [one.read_text() for one in (tmp_path / "oauth").iterdir()] == ["refresh.late\n"]


def _redirects(handler):
    answer(handler, 307, b"", location=f"http://127.0.0.2:{handler.server.server_address[1]}/token")


def _endless(handler):
    handler.send_response(200)
    handler.end_headers()
    with_token = b'{"access_token": "abc", "more": "'
    while True:
        handler.wfile.write(with_token)
        with_token = b"x" * 65_536


def _sent(status, said, **headers):
    return lambda handler: answer(handler, status, said, **headers)


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (_redirects, "it answers 307, and redirections are not followed"),
        (_sent(200, b"x" * 100_000), "it answers more than 65536 bytes"),
        (_sent(200, b"<html>Welcome to our portal"), "what it answers is no token"),
        (_sent(200, b"\xff\xfe"), "what it answers is no token"),
        (_sent(200, b'{"a":' * 10_000), "what it answers is no token"),
        (_sent(200, []), "what it answers is no token"),
        (_sent(200, {}), "what it answers is no token"),
        (_sent(200, {"access_token": 7}), "what it answers is no token"),
        (_sent(200, {"access_token": "a\x01b"}), "what it answers is no token"),
        (_sent(200, {"access_token": "a" * 20_000}), "what it answers is no token"),
        (_sent(200, {"access_token": "a", "refresh_token": "a\nb"}), "what it answers is no refresh token"),
        (_sent(200, {"access_token": "a", "token_type": "mac\n"}), "it gives a token of the type mac"),
        (_sent(200, b"\x1f\x8b", **{"content-encoding": "gzip"}), "what it answers is no token"),
        (_sent(500, b"oh"), "it answers 500"),
        (_sent(503, {"error": "invalid_grant"}), "invalid_grant"),
        (_sent(400, {"error": "temporarily\u202e_unavailable"}), "temporarily_unavailable"),
        (lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"), "illegal status line"),
        (lambda handler: None, "Server disconnected without sending a response."),
    ],
)
async def test_an_endpoint_that_is_out_of_order(endpoint, tmp_path, says, reason):
    """Any nonsense is told in a line, and asked for again the next time."""
    endpoint.says = says
    source = Source(grant(endpoint), tmp_path)
    told = await failure(source)
    assert told.startswith("no token from 127.0.0.1: ")
    assert reason in told
    assert "\n" not in told
    assert len(endpoint.asked) == 1
    endpoint.says = None
    assert endpoint.owner(await source.token()) == "sales"


async def test_an_endpoint_that_is_away_or_slow_or_never_ends(endpoint, tmp_path, monkeypatch):
    """Nobody waits for it longer than a request may take, nor reads all that it sends."""
    source = Source(grant(endpoint), tmp_path)
    await asyncio.to_thread(endpoint.stop)
    assert "All connection attempts failed" in await failure(source)
    await asyncio.to_thread(endpoint.start)
    endpoint.says = _endless
    assert "it answers more than 65536 bytes" in await failure(source)
    monkeypatch.setattr(tokens, "ANSWER_S", 0.4)

    def drips(handler):
        handler.send_response(200)
        handler.end_headers()
        while not endpoint.over.wait(0.1):
            handler.wfile.write(b" ")

    for slow in (lambda _: endpoint.over.wait(20), drips):
        endpoint.says, begun = slow, time.monotonic()
        assert "no answer within 0.4 s" in await failure(source)
        assert time.monotonic() - begun < 10  # they would go on for twenty, or for ever


async def test_a_refusal_says_why_and_no_secret(endpoint, tmp_path, caplog):
    """The endpoint repeats what it was given, in its way: none of it stands in the error, or in any log."""
    caplog.set_level(logging.DEBUG)
    wrong = "wrong+geheim/" + "x" * 400
    with capture_logs() as logs:
        told = await failure(Source(grant(endpoint, secret=wrong), tmp_path), GrantError)
        assert told == "no token from 127.0.0.1: invalid_client: *** is wrong"
        refresh = "r" * 2_000
        told = await failure(Source(grant(endpoint, refresh=refresh), tmp_path), GrantError)
        assert told == "no token from 127.0.0.1: invalid_grant: no ***"
        hidden = f"{SECRET[:5]}\u200b{SECRET[5:]} wrong%2Bgeheim%2F" + "x" * 400 + "\n\x1b[2J" + "y" * 900
        endpoint.says = _sent(400, {"error": "invalid_scope", "error_description": hidden})
        told = await failure(Source(grant(endpoint), tmp_path), GrantError)
        assert told.startswith("no token from 127.0.0.1: invalid_scope: *** wrong")
        assert len(told) == 300
        assert told.isprintable()
        again = Source(grant(endpoint), tmp_path)
        endpoint.says = None
        await again.token()
    everything = caplog.text + str(logs) + repr(again._grant)
    assert "/token" in everything
    assert not [one for one in (*endpoint.secrets(), wrong, refresh) if one in everything]


async def test_an_endpoint_whose_certificate_is_not_trusted_hears_nothing(tmp_path, monkeypatch):
    """Then it is, and it does."""
    keys = certificate(tmp_path)
    with TokenServer(keys) as endpoint:
        source = Source(grant(endpoint), tmp_path)
        assert "CERTIFICATE_VERIFY_FAILED" in await failure(source)
        assert endpoint.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(keys[0]))
        assert endpoint.owner(await source.token()) == "sales"
