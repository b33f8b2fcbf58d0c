"""An XMPP server that does not do as it should: the component lives on, and nothing is sent for ever."""

import asyncio
import contextlib
import re

import pytest
from msgspec.structs import replace

from acd.channels.chat.xmpp import component, outbox
from acd.channels.contact import Reply
from acd.site import load_site
from acd.site_secrets import fill_secrets
from acd.store import chat_out
from tests.channels.chat_house import ChatHouse
from tests.channels.mail_house import until
from tests.channels.prosody import ADDRESS
from tests.channels.xmpp_house import US, section

HEADER = (
    "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' "
    f"xmlns='jabber:component:accept' from='{ADDRESS}' id='4711'>"
)
HELLO = f"<message from='jan@example.org/x' to='{US}' type='chat' id='1'><body>Hello</body></message>"


class Server:
    """Says what it is told to say, stanza by stanza: `says` to the handshake, then it hears, until it `chokes`."""

    def __init__(self, says=("<handshake/>",), *, echoes=False, chokes="\0"):
        self.says, self.echoes, self.chokes = list(says), echoes, chokes
        self.heard, self.sessions, self.writers = "", 0, []

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for writer in self.writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader, writer):
        self.sessions += 1
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b">")
            writer.write(HEADER.encode())
            await reader.readuntil(b"</handshake>")
            for one in self.says:
                writer.write(one.encode())
            while data := (await reader.read(65_536)).decode():
                self.heard += data
                if self.chokes in data:
                    break
                for own in re.findall(r"<iq[^>]*id=['\"]([0-9a-f]+)['\"]", data) if self.echoes else ():
                    writer.write(f"<iq from='{ADDRESS}' to='{ADDRESS}' type='result' id='{own}'/>".encode())
        writer.close()


@pytest.fixture
def quick(monkeypatch):
    """Make it impatient."""
    for name, value in (("AGAIN_S", 0.05), ("AGAIN_MOST_S", 0.1), ("ECHO_S", 0.5), ("CONNECT_S", 1.0)):
        monkeypatch.setattr(component, name, value)


def house_of(tmp_path, port):
    return ChatHouse(tmp_path, more=section(port))


@pytest.mark.usefixtures("quick")
async def test_a_server_that_never_shows_what_it_has(tmp_path):
    """A line goes to it three times under one id; then its agent is told, and it goes no more."""
    async with Server(["<handshake/>", HELLO]) as server, house_of(tmp_path, server.port) as house:
        (call,) = await until(lambda: list(house.calls))
        await house.chat.reply(call, "101", Reply(text="Yes?"))

        async def told():
            return (await house.chat.card(call)).marks == ("undelivered",)

        await until(told)
        ids = re.findall(r"id=\"(out-[0-9a-f]+)\"[^>]*><body>Yes\?", server.heard)
        assert (len(ids), len(set(ids))) == (3, 1)
        assert "sent three times without answer" in (await house.chat.card(call)).text
        before = server.sessions
        await until(lambda: server.sessions > before + 2)
        assert server.heard.count("Yes?") == 3


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "says",
    [
        ["<handshake/>", "<message><body>", "\0\0\0"],
        ["<handshake/>", "</stream:stream>"],
        ["<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"],
        ["no XML at all"],
        [],
    ],
)
async def test_a_session_that_breaks_is_begun_again(tmp_path, says):
    """Whatever it said last: half a stanza, an end, an error, nonsense, nothing."""
    async with Server(says) as server, house_of(tmp_path, server.port) as house:
        await until(lambda: server.sessions > 2)
        server.says, server.echoes = ["<handshake/>", HELLO], True
        (call,) = await until(lambda: list(house.calls))
        await house.chat.reply(call, "101", Reply(text="Yes?"))
        await until(lambda: "Yes?" in server.heard)


@pytest.mark.usefixtures("quick")
async def test_stanzas_that_no_server_lets_through(tmp_path):
    """Without a sender, with one that is none, to somebody else, of another kind: dropped, and the next is read."""
    bad = [
        f"<message to='{US}'><body>x</body></message>",
        f"<message from='@@' to='{US}'><body>x</body></message>",
        f"<message from='a@b@c/d' to='{US}'><body>x</body></message>",
        f"<message from='{'x' * 5_000}@example.org' to='{US}'><body>x</body></message>",
        "<message from='jan@example.org' to='sales@elsewhere.example'><body>x</body></message>",
        f"<message from='jan@example.org' to='{US}' xml:lang='{'x' * 9_999}'/>",
        f"<presence from='&#x7f;@example.org' to='{US}' type='subscribe'/>",
        "<presence/>",
        "<iq/>",
        f"<iq from='jan@example.org' to='{US}' type='get' id='q'/>",
        "<unheard-of xmlns='x'/>",
        f"<message from='jan@example.org/x' to='{US}'>{'<x>' * 400}{'</x>' * 400}</message>",
    ]
    async with Server(["<handshake/>", *bad, HELLO], echoes=True) as server, house_of(tmp_path, server.port) as house:
        (call,) = await until(lambda: list(house.calls))
        assert (await house.chat.card(call)).text == "Hello"
        assert server.sessions == 1


@pytest.mark.usefixtures("quick")
async def test_the_secret_is_not_said(tmp_path):
    """Only a hash of it with the server's own word (XEP-0114)."""
    async with Server() as server, house_of(tmp_path, server.port):
        await until(lambda: server.sessions)
        assert "geheim" not in server.heard


@pytest.mark.usefixtures("quick")
async def test_a_line_that_a_server_chokes_on_holds_nothing_up(tmp_path):
    """It is tried three times; those that went with it are sent once more and have come, and later ones go out."""
    async with Server([], echoes=True, chokes="poison") as server, house_of(tmp_path, server.port) as house:
        server.says = ["<handshake/>", HELLO]
        (call,) = await until(lambda: list(house.calls))
        server.says = []
        server.writers[-1].close()
        await until(lambda: not house.chatting.components["net"].can_send)
        for text in ("one", "poison", "two"):
            await house.chat.reply(call, "101", Reply(text=text))
        server.says = ["<handshake/>"]

        async def told():
            return (await house.chat.card(call)).marks == ("undelivered",)

        await until(told)
        await until(lambda: "<body>two</body>" in server.heard.rpartition("poison")[2])
        text = (await house.chat.card(call)).text
        assert text.count("Not delivered") == 1
        assert text.endswith("poison")
        assert server.heard.count("poison") == 3


@pytest.mark.usefixtures("quick")
async def test_what_cannot_be_sent_for_too_long_comes_back(tmp_path):
    """The server is away, and stays so: the agent is told, and it is not sent when it comes again."""
    async with Server(["<handshake/>", HELLO], echoes=True) as server, house_of(tmp_path, server.port) as house:
        (call,) = await until(lambda: list(house.calls))
        server.says = []
        server.writers[-1].close()
        await until(lambda: not house.chatting.components["net"].can_send)
        components = house.chatting.office.components
        components["net"] = replace(components["net"], give_up_ms=-1)
        await house.chat.reply(call, "101", Reply(text="Yes?"))

        async def told():
            return (await house.chat.card(call)).marks == ("undelivered",)

        await until(told)
        assert (await house.chat.card(call)).text.startswith(
            "Not delivered to xmpp:jan@example.org: the server is away"
        )
        server.says = ["<handshake/>"]
        await until(lambda: house.chatting.components["net"].can_send)
        assert "Yes?" not in server.heard


@pytest.mark.usefixtures("quick")
async def test_what_waits_for_a_section_that_is_gone_is_dropped(tmp_path, monkeypatch):
    """Nobody is left to send it, or to be told; it does not wait for ever."""
    async with Server(["<handshake/>", HELLO], echoes=True) as server, house_of(tmp_path, server.port) as house:
        (call,) = await until(lambda: list(house.calls))
        conf = (house.folder / "acd.conf").read_text()
        (house.folder / "acd.conf").write_text(conf[: conf.index("[net]")])
        house.site = fill_secrets(load_site(house.folder), house.home)
        house.written.use(house.folder)
        await until(lambda: not house.chatting.components)
        monkeypatch.setattr(outbox, "GIVE_UP_MS", -1)
        await house.chat.reply(call, "101", Reply(text="Yes?"))

        async def is_dropped():
            return not await house.store.read(chat_out.sections)

        await until(is_dropped)
        assert (await house.chat.card(call)).marks == ()
