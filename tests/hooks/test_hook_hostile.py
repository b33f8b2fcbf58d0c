"""Endpoints that misbehave, and names that lead where they should not: nothing else happens, and it is told later."""

import asyncio
import contextlib
import os
import socket

import pytest
from structlog.testing import capture_logs

from acd.hooks import client as of_client
from acd.hooks import office, sender
from acd.hooks.client import is_public
from acd.store import deliveries
from tests.channels.mail_house import until
from tests.hooks.certificates import Authority
from tests.hooks.endpoint import OK, Endpoint, answer
from tests.hooks.hook_house import SECRET, HookHouse, hook
from tests.hooks.test_hook_sender import fails, is_idle, standing, verify

NAME = "crm.example.com"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """What failed is tried again soon."""
    monkeypatch.setattr(sender, "AGAIN_S", 0.05)
    monkeypatch.setattr(sender, "AGAIN_MOST_S", 0.4)
    monkeypatch.setattr(sender, "REST_S", 0.2)
    monkeypatch.setattr(office, "LOOK_S", 0.2)


async def flood(writer, octets, until_s=30):
    """Write for ever, as long as somebody reads."""
    with contextlib.suppress(OSError):
        async with asyncio.timeout(until_s):
            while True:
                writer.write(octets)
                await writer.drain()


async def hang(_writer):
    await asyncio.sleep(60)


async def drip(writer):
    """An answer, an octet now and then: each step is in time, the whole is not."""
    for octet in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000:
        writer.write(bytes([octet]))
        await writer.drain()
        await asyncio.sleep(0.02)


async def garbage(writer):
    writer.write(os.urandom(4096))


async def headers_without_end(writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    await flood(writer, b"X-More: " + b"x" * 1000 + b"\r\n")


async def cut_in_the_head(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")


async def cut_in_the_body(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


async def nothing(_writer):
    """Hang up."""


async def smuggle(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\nokok")


@pytest.mark.parametrize(
    ("says", "said"),
    [
        (hang, "no answer within 0.5 s"),
        (drip, "no answer within 0.5 s"),
        (garbage, "ProtocolError"),
        (headers_without_end, "ProtocolError"),
        (cut_in_the_head, "ProtocolError"),
        (cut_in_the_body, "ProtocolError"),
        (nothing, "ProtocolError"),
        (smuggle, "ProtocolError"),
        (answer(307, b"", "Location: /elsewhere"), "a redirection"),
        (answer(101), "ProtocolError"),
        (answer(999), "HTTP 999"),
    ],
    ids=lambda one: getattr(one, "__name__", "") or "",
)
async def test_whatever_it_answers_it_is_told_when_it_is_well(tmp_path, says, said):
    """The reason is shown; nothing is lost, nothing is told elsewhere."""
    well = []
    made = Endpoint(lambda _: OK if well else says)
    async with made as endpoint, HookHouse(tmp_path, hook(endpoint, "timeout = 500ms")) as house:
        house.arrive("1.1")
        await fails(house, said)
        well.append(True)
        await is_idle(house)
        assert {one.line for one in endpoint.got} == {"POST /hooks HTTP/1.1"}
        assert len({one.id for one in endpoint.of("contact-waits")}) == 1


async def test_a_body_without_end_is_not_read_to_it(tmp_path):
    """The status counts; of what follows no more than a little is taken in, packed or not."""
    written = []

    async def body(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                await writer.drain()
                written.append(True)

    async with Endpoint(lambda _: body) as endpoint, HookHouse(tmp_path, hook(endpoint)) as house:
        house.arrive("1.1")
        await until(lambda: endpoint.got)
        await is_idle(house)
        assert (await standing(house)).sent >= 1
        assert len(written) < 1_000


async def test_a_redirection_leads_nowhere(tmp_path):
    """Another server, whatever it is, hears nothing."""
    async with Endpoint() as inside:
        made = Endpoint(lambda _: answer(302, b"", f"Location: {inside.url}"))
        async with made as endpoint, HookHouse(tmp_path, hook(endpoint)) as house:
            house.arrive("1.1")
            await until(lambda: len(endpoint.got) > 2)
            assert inside.got == []


async def test_who_asks_to_be_left_alone_is(tmp_path):
    """`Retry-After` is kept to, and no longer than an hour whatever it says."""
    made = Endpoint(lambda _: answer(429, b"", "Retry-After: 99999999"))
    async with made as endpoint, HookHouse(tmp_path, hook(endpoint)) as house:
        house.arrive("1.1")
        with capture_logs() as logs:
            await fails(house, "HTTP 429")
        (note,) = [one for one in logs if one["event"] == "webhook not delivered"]
        assert note["again_s"] == of_client.RETRY_AFTER_MOST_S
        agenda = await house.store.read(deliveries.agenda, "shop", house.dispatcher.clock(), 5)
        assert agenda.due == []
        assert len(endpoint.got) == 1


async def test_no_secret_stands_in_a_log(tmp_path):
    """Neither the signing secret nor the URL, which may hold a key, whatever goes wrong."""
    async with Endpoint(lambda _: garbage) as endpoint:
        more = hook(endpoint).replace("/hooks", "/hooks?key=geheim")
        with capture_logs() as logs:
            async with HookHouse(tmp_path, more) as house:
                house.arrive("1.1")
                await fails(house, "ProtocolError")
                assert "geheim" not in repr(house.site)
                assert SECRET not in repr(house.site)
                shown = repr(await standing(house))
    assert "geheim" not in repr(logs) + shown
    assert SECRET[6:] not in repr(logs) + shown


# TLS and addresses


def at(monkeypatch, *addresses):
    """Have a name lead to these addresses."""

    def look(host, port, *_more, **_named):
        assert host == NAME
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(of_client.socket, "getaddrinfo", look)


def by_name(endpoint, more=""):
    return hook(endpoint, more).replace("127.0.0.1", NAME)


async def test_the_certificate_must_be_the_names(tmp_path, monkeypatch):
    """A name's is taken though an address is connected to; another's, or nobody's, is not: nothing is sent then."""
    at(monkeypatch, "127.0.0.1")
    authority = Authority(tmp_path)
    more = f"private = yes\nca = {authority.path}"
    (tmp_path / "right").mkdir()
    right = Endpoint(tls=authority.server(NAME))
    async with right as endpoint, HookHouse(tmp_path / "right", by_name(endpoint, more)) as house:
        house.arrive("1.1")
        (one,) = await until(lambda: endpoint.of("contact-waits"))
        verify(one)
        assert one.headers["host"] == f"{NAME}:{endpoint.port}"
    for other, name, wanted in (
        (authority.server("crm.example.org"), "wrong", more),
        (authority.server(NAME), "nobody", "private = yes"),
    ):
        (tmp_path / name).mkdir()
        wrong = Endpoint(tls=other)
        async with wrong as endpoint, HookHouse(tmp_path / name, by_name(endpoint, wanted)) as house:
            house.arrive("1.1")
            await fails(house, "its certificate is not trusted")
            assert endpoint.got == []


async def test_a_server_without_tls_is_told_nothing_by_https(tmp_path):
    """What is meant to be encrypted never goes out plain."""
    made = Endpoint()
    async with made as endpoint, HookHouse(tmp_path, hook(endpoint).replace("http://", "https://")) as house:
        house.arrive("1.1")
        await fails(house, "ConnectError")
        assert endpoint.got == []


async def test_a_name_that_leads_inside_is_not_followed(tmp_path, monkeypatch):
    """Unless acd.conf says that it may; the first time as the second, whatever its server answers in between."""
    at(monkeypatch, "127.0.0.1")
    (tmp_path / "allowed").mkdir()
    async with Endpoint() as endpoint:
        async with HookHouse(tmp_path, by_name(endpoint)) as house:
            house.arrive("1.1")
            await fails(house, "leads to a private address")
            assert endpoint.got == []
        async with HookHouse(tmp_path / "allowed", by_name(endpoint, "private = yes")) as house:
            house.arrive("1.1")
            await until(lambda: endpoint.got)


async def test_the_next_address_of_a_name_is_tried(tmp_path, monkeypatch):
    """Where nobody answers at the first one."""
    async with Endpoint() as endpoint:
        at(monkeypatch, "127.0.0.2", "127.0.0.1")
        async with HookHouse(tmp_path, by_name(endpoint, "private = yes")) as house:
            house.arrive("1.1")
            await until(lambda: endpoint.got)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *("::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
        *("64:ff9b::a00:1", "2002:a00:1::1"),
    ],
)
def test_what_is_no_address_of_the_world(address):
    """Addresses of this machine, of private networks, and whatever leads into them in another form."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_is_one(address):
    """Everybody's."""
    assert is_public(address)
