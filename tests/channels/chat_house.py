"""A server's chats without its calls: a real web server on loopback, a real customer file, a core with its journal."""

import asyncio
import contextlib
import json
from pathlib import Path

import websockets

from acd.core.events import (
    CloseAsked,
    Connected,
    HandsetChanged,
    LogInAsked,
    OfferAnswered,
    OfferEnded,
    Snapshot,
    Started,
)
from acd.desk.web.serve import Door
from acd.dispatcher import Dispatcher
from acd.journal import Journal
from acd.mailboxes import Place
from acd.site import load_site
from acd.site_changes import configured
from acd.site_secrets import fill_secrets
from ivr.customers import Customers
from ivr.written import Written
from tests.channels.mail_house import NoSwitch, until
from tests.ports import free_port

ORIGIN = "https://www.acme.example"
SITE = """
[general]
name = Acme
languages = en, pl
[switch]
fallback = 101
[sales]
type = queue
wrap_up = 0
[101]
type = seat
agent = Anna Nowak
pin = 8642
queues = sales
[calling-out]
country = PL
lines = lines-out
[web]
listen = 127.0.0.1:{port}
[lines-out]
type = lines
lines = carrier*2
[carrier]
type = trunk
host = 127.0.0.1
register = no
[sales-mail]
type = mailbox
address = sales@acme.example
queue = sales
smtp = 127.0.0.1:{smtp}
smtp_tls = no
lmtp = 127.0.0.1:{lmtp}
[shop]
type = chat
queue = sales
origins = {origin}, http://127.0.0.1:{page}
callback = yes
mailbox = sales-mail
{grace}
{more}
"""
TEMPLATES = {
    "greeting.en.txt": "Hello! This is ${site}.\n",
    "closed.en.txt": "We are here from nine to five.\n",
    "opening-hours.en.txt": "We open at nine, ${customer}. ${agent}\n",
    "opening-hours.pl.txt": "Otwieramy o dziewiątej, ${customer}.\n",
}


class ChatHouse:
    """What `ivr.written.Written` needs of a server, with a web server, in a folder that outlives it."""

    def __init__(self, folder: Path, *, more="", smtp=9, port=0, page=1):
        self.folder, self.home = folder / "site", folder / "home"
        self.port = port or free_port()
        self.home.mkdir(exist_ok=True)
        (self.folder / "chat").mkdir(parents=True, exist_ok=True)
        site = SITE.format(
            smtp=smtp,
            lmtp=free_port(),
            origin=ORIGIN,
            port=self.port,
            page=page,
            more=more,
            grace="" if "grace" in more else "grace = 5s",
        )
        (self.folder / "acd.conf").write_text(site)
        for name, text in TEMPLATES.items():
            (self.folder / "chat" / name).write_text(text)

    async def __aenter__(self):
        self.site = fill_secrets(load_site(self.folder), self.home)
        self.journal = Journal(self.home / "journal")
        self.switch = NoSwitch()
        self.dispatcher = Dispatcher(self.journal.restore(None), self.journal, self.switch)
        self.customers = Customers(self.home, self.home / "journal", self)
        self.written = Written(self)
        self.chat, self.chatting = self.written.channels["chat"], self.written.chatting
        self.dispatcher.media["chat"] = self
        self.offers = []
        self.dispatcher.before = self.customers.returning.before
        self.dispatcher.watchers += [self.customers.watch, self.written.watch]
        self.dispatcher.submit(Started(run="run"), configured(self.site))
        self.dispatcher.submit(Snapshot(asked=self.dispatcher.clock(), calls=(), legs=(), handsets=()))
        self.written.use(self.folder)
        place, app = Place("127.0.0.1", self.port), self.chatting.app()
        self.door = Door(app, place, behind=False, frame_most=self.chatting.frame_most, more=4_000)
        is_open = asyncio.Event()
        self.tasks = [
            asyncio.create_task(self.customers.run(lambda: False)),
            asyncio.create_task(self.written.run()),
            asyncio.create_task(self.door.run(is_open)),
        ]
        await is_open.wait()
        await until(lambda: self.written.is_ready)
        return self

    async def __aexit__(self, *_):
        await self.written.stop()
        await self.door.stop()
        await asyncio.wait({self.tasks[2]}, timeout=5)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.dispatcher.close()
        self.journal.close()

    # An agent's hands: `acd.ports.Medium`

    def offer(self, command):
        self.offers.append(command)

    def withdraw(self, command):
        self.dispatcher.submit(OfferEnded(offer=command.offer, outcome="withdrawn"))

    async def sit_down(self):
        self.dispatcher.submit(HandsetChanged(seat="101", reachable=True, busy=False))
        await self.dispatcher.ask(LogInAsked(seat="101", pin_matches=True))

    async def pick_up(self) -> str:
        """Have the agent take what he is offered; gives the contact."""
        offer = (await until(lambda: self.offers and [self.offers.pop(0)]))[0]
        self.dispatcher.submit(OfferAnswered(offer=offer.offer), Connected(offer=offer.offer))
        return offer.call

    async def close(self, call: str) -> None:
        """Have him be done with a contact."""
        await self.chat.closed(call, "101", "")
        offer = self.calls[call].offer
        await self.dispatcher.ask(CloseAsked(seat="101", offer=offer))
        self.dispatcher.submit(OfferEnded(offer=offer, outcome="hung-up"))

    @property
    def calls(self):
        return self.dispatcher.core.state.calls

    @property
    def store(self):
        return self.customers.store

    @property
    def url(self):
        return f"127.0.0.1:{self.port}/chat/shop"

    def page(self, **more):
        return Page(self.url, **more)


class Page:
    """A visitor's page, as far as it is the protocol."""

    def __init__(self, url, *, token="", last=0, origin=ORIGIN, language="en", own="127.0.0.1"):
        self.own = own
        self.url, self.token, self.last, self.origin, self.language = url, token, last, origin, language
        self.heard = []

    async def __aenter__(self):
        where = {"local_addr": (self.own, 0), "origin": self.origin}
        self.socket = await websockets.connect(f"ws://{self.url}/ws", compression=None, **where)
        await self.send(t="hello", v=1, token=self.token, last=self.last, language=self.language)
        self.reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_):
        await self.socket.close()
        await asyncio.gather(self.reader, return_exceptions=True)

    async def _read(self):
        with contextlib.suppress(websockets.ConnectionClosed):
            async for frame in self.socket:
                told = json.loads(frame)
                if told["t"] == "welcome":
                    self.token = told["token"]
                if told["t"] == "line":
                    self.last = told["seq"]
                self.heard.append(told)

    async def send(self, **said):
        await self.socket.send(json.dumps(said))

    async def hear(self, kind, **values):
        """Wait for something that it is told."""

        def found():
            fits = (one for one in self.heard if one["t"] == kind)
            return next((one for one in fits if all(one.get(name) == value for name, value in values.items())), None)

        return await until(found, within_s=10)

    async def say(self, text, name=""):
        self.count = getattr(self, "count", 0) + 1
        await self.send(t="say", id=name or f"line-{id(self)}-{self.count}", text=text)
        return await self.hear("line", text=text)

    @property
    def lines(self):
        return [(one["seq"], one.get("text", "")) for one in self.heard if one["t"] == "line"]
