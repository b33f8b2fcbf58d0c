"""Hostile peers of the place where mails come in: nothing is smuggled, relayed, held for ever or logged as it came."""

import asyncio
import contextlib

import pytest
import uvloop

from acd.channels.email import listener
from tests.channels.mail_house import MailHouse, listens, until
from tests.channels.mails import HANGING, mail
from tests.ports import free_port

LHLO = b"LHLO x\r\n"
BEGIN = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<sales@acme.example>\r\n"


@pytest.fixture
async def house(tmp_path):
    async with MailHouse(tmp_path) as made:
        yield made


async def talk(port, *parts):
    """Say each part, and hear what is said until it is quiet; gives all of that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = b""
    for part in parts:
        with contextlib.suppress(ConnectionError):
            writer.write(part)
            await writer.drain()
        with contextlib.suppress(TimeoutError, ConnectionError):
            heard += await asyncio.wait_for(reader.read(65_536), 5)
            while data := await asyncio.wait_for(reader.read(65_536), 0.6):
                heard += data
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return heard.decode()


def test_on_uvloop(tmp_path):
    """Mails come in on uvloop too, the loop that the server runs on; its transports are of a class of their own."""

    async def brought():
        async with MailHouse(tmp_path) as house:
            call = await house.bring(mail(body="Hello"))
            await until(lambda: call in house.calls)

    uvloop.run(brought())


@pytest.mark.parametrize(
    "ending", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n\n.\r\n", b"\r\n\0.\r\n"]
)
async def test_no_mail_is_smuggled_in_another(house, ending):
    """Whatever ends a mail for others ends none here: one call, with all that was sent in its text."""
    inner = ending + BEGIN + b"DATA\r\nSubject: forged\r\n\r\nforged"
    heard = await talk(house.lmtp, LHLO + BEGIN + b"DATA\r\n", mail(body=b"first") + inner + b"\r\n.\r\n")
    assert heard.count("250 2.0.0 OK") == 1
    assert len(house.calls) == 1
    card = await house.email.card(next(iter(house.calls)))
    assert card.subject == "Hi"
    assert "forged" in card.text


async def test_a_command_that_ends_in_a_bare_line_feed_is_none(house):
    """Nothing is done of it."""
    heard = await talk(house.lmtp, LHLO, BEGIN.replace(b"\r\n", b"\n"))
    assert heard.count("500 Error: bad syntax") == 2
    assert "2.1.5" not in heard


async def test_who_does_not_wait_for_the_answer_to_data_is_shut_out(house):
    """What he sent on is neither a mail nor commands."""
    heard = await talk(house.lmtp, LHLO + BEGIN + b"DATA\r\n" + mail() + b"\r\n.\r\n" + BEGIN)
    assert "503 5.5.0" in heard
    assert "354" not in heard
    assert heard.rstrip().endswith("Wait for the answer to DATA")
    assert not house.calls


async def test_a_page_in_a_browser_cannot_bring_mails(house):
    """An HTTP request whose body speaks LMTP is shut out before that."""
    body = LHLO + BEGIN + b"DATA\r\n"
    head = b"POST / HTTP/1.1\r\nHost: x\r\nOrigin: y\r\nUser-Agent: z\r\nContent-Type: text/plain\r\n\r\n"
    heard = await talk(house.lmtp, head + body, mail() + b"\r\n.\r\n")
    assert "goodbye" in heard
    assert "250" not in heard
    assert not house.calls


async def test_nothing_is_relayed(house):
    """Mails to others, to no address, and from none are refused."""
    for wrong in ("jan@example.org", "sales@other.example", "sales", "sales@acme.example@x"):
        heard = await talk(house.lmtp, LHLO + b"MAIL FROM:<a@b.example>\r\n", f"RCPT TO:<{wrong}>\r\n".encode())
        assert heard.splitlines()[-1].startswith("55"), heard
    heard = await talk(house.lmtp, LHLO, b"MAIL FROM:<a b@c>\r\n", b"MAIL FROM:<((((((((@x>\r\n")
    assert "2.1.0" not in heard
    assert not house.calls


async def test_a_mail_for_several_is_answered_for_each(house):
    """As LMTP wants it, for good news and for bad."""
    both = BEGIN + b"RCPT TO:<shop+1@acme.example>\r\nDATA\r\n"
    heard = await talk(house.lmtp, LHLO + both, mail() + b"\r\n.\r\n")
    assert heard.count("250 2.0.0 OK") == 2
    assert len(house.calls) == 1
    heard = await talk(house.lmtp, LHLO + both, b"x" * 200_000 + b"\r\n.\r\n", b"NOOP\r\n")
    assert heard.count("500 Line too long") == 2
    assert heard.endswith("250 OK\r\n")


async def test_smtp_is_answered_once(tmp_path):
    """Where it is spoken: for two recipients one answer."""
    port = free_port()
    async with MailHouse(tmp_path, more=f"smtp_in = 127.0.0.1:{port}") as house:
        await until(lambda: listens(port))
        both = b"EHLO x\r\n" + BEGIN + b"RCPT TO:<shop@acme.example>\r\nDATA\r\n"
        heard = await talk(port, both, mail() + b"\r\n.\r\n")
        assert heard.count("250 2.0.0 OK") == 1
        assert len(house.calls) == 1


async def test_what_is_too_much_is_refused(house):
    """Recipients beyond a hundred, and commands beyond a kilobyte."""
    many = b"".join(b"RCPT TO:<sales+%d@acme.example>\r\n" % one for one in range(102))
    heard = await talk(house.lmtp, LHLO + b"MAIL FROM:<a@b.example>\r\n" + many)
    assert heard.count("250 2.1.5") == 100
    assert heard.count("452 4.5.3") == 2
    heard = await talk(house.lmtp, LHLO + b"MAIL FROM:<" + b"a" * 3_000 + b"@b.example>\r\n", b"x" * 300_000 + b"\r\n")
    assert heard.count("500 Command line too long") == 2


async def test_a_mail_without_end_has_one(tmp_path):
    """Read on for a while, so that the peer hears why it is refused; then it is cut."""
    async with MailHouse(tmp_path, more="size_most = 1") as house:
        heard = await talk(house.lmtp, LHLO + BEGIN + b"DATA\r\n", (b"x" * 70 + b"\r\n") * 20_000 + b".\r\n")
        assert "552" in heard
        _, writer = await asyncio.open_connection("127.0.0.1", house.lmtp)
        writer.write(LHLO + BEGIN + b"DATA\r\n")
        with pytest.raises(ConnectionError):
            await flood(writer)
        writer.close()
        assert not house.calls


async def flood(writer):
    for _ in range(4_000):
        writer.write((b"x" * 70 + b"\r\n") * 100)
        await writer.drain()
        await asyncio.sleep(0)


async def test_sessions_have_a_number_and_an_end(tmp_path, monkeypatch):
    """Who stays and says nothing is shut out after a while; meanwhile others hear that it is too much."""
    monkeypatch.setattr(listener, "SESSIONS_MOST", 3)
    monkeypatch.setattr(listener, "SESSION_S", 1.5)
    async with MailHouse(tmp_path) as house:
        door = await until(lambda: next(iter(house.written._listener._doors.values()), None))
        await until(lambda: not door.sessions)
        held = [await asyncio.open_connection("127.0.0.1", house.lmtp) for _ in range(3)]
        await until(lambda: len(door.sessions) == 3)
        assert (await talk(house.lmtp, LHLO)).startswith("421 4.3.2")
        await until(lambda: not door.sessions)
        assert await house.bring(mail()) in house.calls
        for _, writer in held:
            writer.close()


async def test_who_comes_and_goes_at_once_holds_no_place(house):
    """A port scan keeps nobody out."""
    door = await until(lambda: next(iter(house.written._listener._doors.values()), None))
    for _ in range(3 * listener.SESSIONS_MOST):
        listens(house.lmtp)
    await until(lambda: door.sessions)
    await until(lambda: not door.sessions)
    assert await house.bring(mail()) in house.calls


async def test_a_peer_that_hangs_up_leaves_no_half_mail(house):
    """In the midst of a mail: nothing. While it is kept: it is kept, and brought again it is the same call."""
    await talk(house.lmtp, LHLO + BEGIN + b"DATA\r\n", b"Subject: x\r\n\r\nhalf")
    assert not house.calls
    reader, writer = await asyncio.open_connection("127.0.0.1", house.lmtp)
    writer.write(LHLO + BEGIN + b"DATA\r\n")
    while b"354" not in await reader.read(1_000):
        pass
    writer.write(mail() + b"\r\n.\r\n")
    await writer.drain()
    writer.transport.abort()
    call = await until(lambda: next(iter(house.calls), None))
    assert await house.bring(mail() + b"\r\n") == call


@pytest.mark.parametrize(
    "name", ["brackets in To", "angles in Message-ID", "messages in messages", "multiparts in multiparts"]
)
async def test_a_mail_that_hangs_parsers_is_a_call_all_the_same(house, name):
    """Nothing of it is lost: what was sent can be had from its card."""
    call = await house.bring(HANGING[name].replace(b"\n", b"\r\n"))
    assert call in house.calls
    card = await house.email.card(call)
    assert card is not None
    if "not-parsed" in card.marks:
        assert card.files[-1].path.read_bytes().count(b"\n") >= HANGING[name].count(b"\n")


async def test_what_a_peer_says_is_not_logged_as_it_is(house, capfd):
    """Neither signs of control nor a name of a command."""
    await talk(house.lmtp, b"LHLO \x1b[31mred\r\n", b"\x1b]0;title\x07 x\r\n", BEGIN + b"DATA\r\n")
    await talk(house.lmtp, LHLO + b"MAIL FROM:<a@b.example>\r\nRCPT TO:<\x1bred@acme.example>\r\n")
    out = "".join(capfd.readouterr())
    assert "\x1b]0" not in out
    assert "red" not in out
