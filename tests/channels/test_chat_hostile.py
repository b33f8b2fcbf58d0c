"""Bad input to chats, over real sockets: what comes of each, and that the visitor beside it is served all the same."""

import asyncio
import contextlib
import json
import socket

import httpx
import pytest
import websockets

from acd.channels.chat import protocol, web
from acd.channels.chat.talk import Send
from acd.channels.contact import Reply
from acd.channels.email.templates import Template
from acd.store import chats
from tests.channels.chat_house import ORIGIN, ChatHouse, Page
from tests.channels.mail_house import until

XSS = [
    "<img src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<svg><style><script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "data:text/html,<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "${EXTEN} ${SHELL(id)} $[1+1]\\nUserEvent: x",
    "'; DROP TABLE messages; --",
    "=cmd|' /C calc'!A0",
    "{{7*7}} ${7*7} %s %n",
]


@pytest.fixture
async def house(tmp_path):
    async with ChatHouse(tmp_path) as made:
        yield made
        async with made.page(own="127.0.0.9") as well:  # whatever was done before, the next visitor is served
            await well.say("still served")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://www.acme.example", "https://www.acme.example:8443", "null", None, "*"]
)
async def test_a_page_of_a_foreign_origin_is_refused(house, origin):
    """Before there is a socket: another site, another scheme, another port, none at all."""
    with pytest.raises(websockets.InvalidStatus, match="403"):
        await Page(house.url, origin=origin).__aenter__()


async def test_two_origins_are_none(house):
    """A header that is there twice is not chosen from."""
    with pytest.raises(websockets.InvalidStatus, match=r"40[03]"):
        await websockets.connect(f"ws://{house.url}/ws", additional_headers=[("Origin", ORIGIN), ("Origin", ORIGIN)])


async def test_a_section_that_is_none_is_not_found(house):
    """Neither a path nor a name of another type of section is one."""
    for section in ("sales", "..%2fshop", "shop%00", "sales-mail"):
        with pytest.raises(websockets.InvalidStatus):
            await Page(house.url.replace("shop", section)).__aenter__()


async def test_a_token_in_an_address_counts_for_nothing(house):
    """Addresses are in logs: who has one from there has nothing."""
    async with house.page() as page:
        await page.say("secret")
        async with Page(f"{house.url}/ws?token={page.token}&x=") as other:
            await other.hear("welcome", last=0)
            assert other.lines == []


async def test_a_token_that_was_ended_is_of_no_use(house):
    """Not in another tab, not later, not for files; both tabs that knew it are closed."""
    async with house.page() as page, house.page() as stranger:
        await page.say("secret")
        async with house.page(token=page.token) as other:
            await other.hear("line", text="secret")
            await page.send(t="leave")
            await other.hear("bye", why="gone")
        await until(lambda: not house.calls)
        async with house.page(token=page.token) as again:
            welcome = await again.hear("welcome", last=0)
            assert again.lines == []
            assert welcome["token"] != page.token
        await stranger.say("I am another")


async def test_a_token_is_of_no_use_from_the_moment_it_is_ended(house, monkeypatch):
    """Not even while the file has yet to say so: a disk may be slow."""
    is_slow, store = asyncio.Event(), house.store
    write = store.write

    async def slow(what, *told, **more):
        if what is chats.revoke:
            await is_slow.wait()
        return await write(what, *told, **more)

    monkeypatch.setattr(store, "write", slow)
    async with house.page() as page:
        await page.say("secret")
        await page.send(t="leave")
        await page.hear("bye", why="gone")
    async with house.page(token=page.token) as again:
        welcome = await again.hear("welcome", last=0)
        assert welcome["token"] != page.token
        assert again.lines == []
        is_slow.set()
        await again.say("I am another")


async def test_nobody_guesses_a_token(house):
    """One that was never given is not taken: its page gets another, and sees nothing."""
    async with house.page(token="A" * 43) as page:
        assert (await page.hear("welcome"))["token"] != "A" * 43


async def test_a_frame_of_a_gigabyte_is_not_waited_for(house):
    """Its length alone ends the socket."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    await shake_hands(reader, writer)
    writer.write(b"\x81\xff" + (1 << 30).to_bytes(8, "big") + b"\0\0\0\0" + b"x" * 100_000)
    with contextlib.suppress(ConnectionError):
        await writer.drain()
        async with asyncio.timeout(10):
            await reader.read()
    writer.close()


async def shake_hands(reader, writer):
    writer.write(
        f"GET /chat/shop/ws HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n".encode()
    )
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 101")
    return answer


async def test_a_bomb_of_deflate_has_no_fuse(house):
    """Compression is not agreed to, whoever offers it: what comes is as long as it is."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    assert b"deflate" not in (await shake_hands(reader, writer)).lower()
    writer.close()


async def test_a_million_pings_end_a_socket(house):
    """Long before a million: no human is as fast."""
    async with house.page() as page:
        await page.hear("welcome")
        with contextlib.suppress(websockets.ConnectionClosed):
            for _ in range(5_000):
                await page.send(t="ping")
        await page.hear("bye", why="too-much")
        assert sum(one["t"] == "pong" for one in page.heard) < 200


async def test_who_says_no_hello_does_not_stay(house, monkeypatch):
    """A socket that says nothing is closed, one that says something else at once."""
    monkeypatch.setattr(web, "HELLO_S", 0.3)
    async with websockets.connect(f"ws://{house.url}/ws", origin=ORIGIN) as silent:
        assert json.loads(await silent.recv()) == {"t": "bye", "why": "silent"}
    for frame in ('{"t":"say","id":"abcdefgh","text":"x"}', b'{"t":"hello","v":1}', "hello", "", "\ufeff{}"):
        async with websockets.connect(f"ws://{house.url}/ws", origin=ORIGIN) as rude:
            await rude.send(frame)
            assert json.loads(await rude.recv()) == {"t": "bye", "why": "protocol"}
    async with websockets.connect(f"ws://{house.url}/ws", origin=ORIGIN) as old:
        await old.send('{"t":"hello","v":99}')
        assert json.loads(await old.recv()) == {"t": "bye", "why": "version"}


async def test_who_begins_to_ask_and_never_ends_keeps_nobody_out(house):
    """Hundreds of requests that stop in the midst of their first lines."""
    writers = []
    for _ in range(300):
        _, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(b"GET /chat/shop/ws HTTP/1.1\r\nHost: x\r\nUpgrade: webs")
        writers.append(writer)
    async with house.page() as page:
        await page.say("hello")
    for writer in writers:
        writer.close()


async def test_a_file_that_comes_too_slowly_is_given_up(house, monkeypatch):
    """It holds none of the places in which files come in for ever."""
    monkeypatch.setattr(web, "UPLOAD_S", 0.3)

    async def slowly():
        yield b"\x89PNG"
        await asyncio.sleep(2)
        yield b"more"

    async with house.page() as page:
        await page.say("hello")
        assert (await upload(house, page, content=slowly())).status_code == 408
        assert (await upload(house, page)).status_code == 204


async def test_one_address_takes_so_many_sockets(house):
    """And no more; the next address is let in."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(20):
            await stack.enter_async_context(house.page())
        with pytest.raises(websockets.InvalidStatus, match="403"):
            await house.page().__aenter__()
        await stack.enter_async_context(house.page(own="127.0.0.2"))
    await until(lambda: not house.chatting.rooms.rooms)
    async with house.page():
        pass


async def test_a_page_that_does_not_read_is_let_go(house):
    """What waits for it is bounded; its agent and all others notice nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    await shake_hands(reader, writer)
    hello = b'{"t":"hello","v":1}'
    writer.write(b"\x81" + bytes([0x80 | len(hello)]) + b"\0\0\0\0" + hello)
    say = b'{"t":"say","id":"abcdefgh","text":"x"}'
    writer.write(b"\x81" + bytes([0x80 | len(say)]) + b"\0\0\0\0" + say)
    await until(lambda: house.calls)
    (call,) = house.calls
    (room,) = house.chatting.rooms.rooms.values()
    (tab,) = room.tabs.values()
    reader._transport.pause_reading()
    say_line = protocol.Line(seq=9, id="out-00001", mine=False, at=1, text="y" * 9_999)
    for _ in range(3_000):  # what the kernel takes in between is megabytes
        house.chatting.rooms.do(room, [Send(tab.number, say_line)])
        await asyncio.sleep(0)
        if tab.over:
            break
    assert tab.over == "too-slow"
    assert tab._bytes < 100
    await house.chat.reply(call, "101", Reply(text="hello"))
    writer.transport.abort()
    await until(lambda: not room.tabs)


@pytest.mark.parametrize("text", XSS)
async def test_what_he_writes_is_text_and_stays_text(house, text):
    """As line, as name: stored, shown to the agent and sent back as it was, in JSON, and never a part of anything."""
    async with house.page() as page:
        await page.hear("welcome")
        await page.send(t="who", id="who-00001", name=text)
        await page.hear("done", id="who-00001")
        line = await page.say(text)
        (call,) = house.calls.values()
        card = await house.chat.card(call.id)
        assert (card.text, card.html, card.sender) == (text, "", text)
        assert (line["text"], call.caller) == (text, "")
        house.chatting.office.templates._by_key["", "hi", "en"] = Template("hi", "en", "", "", "Dear ${customer}\n")
        await house.chat.reply(call.id, "101", Reply(choice="hi"))
        await page.hear("line", text=f"Dear {text}")


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ({"email": "a@b@c"}, "no-address"),
        ({"email": "x@example.org\nBcc: all@example.org"}, "no-address"),
        ({"email": '"<script>"@example.org'}, "no-address"),
        ({"number": "not a number"}, "no-address"),
        ({"number": "1\r\nAction: Originate"}, "no-address"),
    ],
)
async def test_what_is_no_address_is_refused(house, who, why):
    """And nothing of it is kept."""
    async with house.page() as page:
        await page.hear("welcome")
        await page.send(t="who", id="who-00001", **who)
        assert (await page.hear("refused", id="who-00001"))["why"] == why


@pytest.mark.parametrize(
    "number", ["112", "999", "+48112", "0", "", "*21*+48601601601#", "+882 16 5550000", "700880000"]
)
async def test_nobody_has_the_house_call_what_it_may_not(house, number):
    """No emergency, no premium rate, no satellite, no feature code; as if an agent dialled it."""
    async with house.page() as page:
        await page.hear("welcome")
        await page.send(t="call-me", id="call-0001", number=number)
        assert (await page.hear("refused", id="call-0001"))["why"] == "no-number"
        assert not house.calls


async def test_one_address_asks_for_so_many_calls(house):
    """From however many tabs and talks."""
    found = []
    for at in range(5):
        async with house.page() as page:
            await page.hear("welcome")
            await page.send(t="call-me", id="call-0001", number=f"+4860160160{at}")
            await until(lambda page=page: any(one["t"] in {"done", "refused"} for one in page.heard))
            found.append(page.heard[-1]["t"])
    assert found.count("done") == 3
    assert len(house.calls) == 3


# Files


async def upload(
    house, page, *, content=b"\x89PNG\r\n\x1a\nxxxx", name="a.png", line="file-0001", origin=ORIGIN, **more
):
    headers = {"Origin": origin, "Authorization": f"Bearer {page.token}", "X-Callfloor-Id": line}
    headers |= {"X-Callfloor-Name": name, "Content-Type": "image/png"} | more
    async with httpx.AsyncClient() as client:
        return await client.post(f"http://{house.url}/files", content=content, headers=headers)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"Authorization": "Bearer " + "A" * 43}, 403),
        ({"Authorization": "Basic x"}, 403),
        ({"line": "../../x"}, 400),
        ({"content": b""}, 415),
        ({"content": b"<html><script>alert(1)</script>"}, 415),
        ({"content": b"<svg onload=alert(1)>", "Content-Type": "image/svg+xml", "name": "a.svg"}, 415),
        ({"content": b"MZ\x90\0", "name": "photo.jpg"}, 415),
        ({"content": b"\x89PNG\r\n\x1a\n", "name": "photo.png.exe"}, 415),
        ({"content": b"PK\x03\x04" + b"\0" * 50, "Content-Type": "application/zip"}, 415),
        ({"content": b"\x89PNG\r\n\x1a\n" + b"\0" * (10 << 20)}, 413),
    ],
)
async def test_a_file_that_may_not_come_does_not(house, more, status):
    """Of a foreign page, of no talk, that runs, that says that it is something else, that is too large."""
    async with house.page() as page:
        await page.say("hello")
        assert (await upload(house, page, **more)).status_code == status
        assert len(page.lines) == 1


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E.png", "_img src_x onerror_alert(1)_.png"),
        ("gpj%E2%80%AE.txt", "gpj.txt"),
        ("a%0D%0AX-Evil%3A%201.png", "a X-Evil_ 1.png"),
        ("", "file"),
        ("con.png", "_con.png"),
    ],
)
async def test_the_name_of_a_file_is_no_path_and_no_header(house, name, kept):
    """Its talk gets it back under that name, to be saved and not to be shown; nobody else gets it."""
    async with house.page() as page, house.page() as stranger:
        await page.say("hello")
        await stranger.say("hello")
        assert (await upload(house, page, name=name)).status_code == 204
        line = await page.hear("line", seq=2)
        assert line["files"] == [{"name": kept, "kind": "image/png", "size": 12}]
        url, headers = f"http://{house.url}/files/2/0", {"Origin": ORIGIN}
        async with httpx.AsyncClient(headers=headers) as client:
            answer = await client.get(url, headers={"Authorization": f"Bearer {page.token}"})
            assert answer.content == b"\x89PNG\r\n\x1a\nxxxx"
            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
            assert "sandbox" in answer.headers["content-security-policy"]
            assert (await client.get(url, headers={"Authorization": f"Bearer {stranger.token}"})).status_code == 404
            assert (await client.get(url)).status_code == 404
            for other in ("2/1", "3/0", "0/0", "99999999999999999999/0", "2/-1"):
                answer = await client.get(
                    f"http://{house.url}/files/{other}", headers={"Authorization": f"Bearer {page.token}"}
                )
                assert answer.status_code == 404
            assert (await client.get(url, headers={"Origin": "https://evil.example"})).status_code == 403


async def test_a_file_said_twice_is_one(house):
    """The page did not hear that it is here, and brings it again."""
    async with house.page() as page:
        await page.say("hello")
        assert (await upload(house, page)).status_code == 204
        assert (await upload(house, page)).status_code == 204
        await page.say("done")
        assert [seq for seq, _ in page.lines] == [1, 2, 3]


async def test_the_script_holds_no_markup_of_the_site(house):
    """Whatever the title of the section is, in the script it is a string, and nothing ends it."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://{house.url}/widget.js")
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
        again = await client.get(f"http://{house.url}/widget.js", headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert (await client.get(f"http://{house.url}/../acd.conf")).status_code == 404
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
        assert forbidden not in answer.text
