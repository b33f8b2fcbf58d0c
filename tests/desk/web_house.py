"""A server's web desk without its calls: real sockets, a real core with its journal, mail, customer file and pages."""

import asyncio
import contextlib
import json

import httpx
from websockets.asyncio.client import connect

from acd.core import events as ev
from acd.desk.agents import AgentDesk
from acd.desk.web.tokens import TokenFile
from acd.status import status_of
from ivr.web import Web
from tests.channels.mail_house import MailHouse, until
from tests.ports import free_port

PIN = "8642"
MORE = """
[102]
type = seat
agent = Ben Carter
pin = 9753
queues = support
supervisor = yes
[support]
type = queue
[web]
listen = 127.0.0.1:{web}
absent = 10s
[codes]
1 = sold
[pause-reasons]
1 = break
"""
MAIL = b"""From: "Jan <script>alert(1)</script>" <jan@example.org>
To: sales@acme.example
Subject: Where is <img src=x onerror=alert(1)>?
Message-ID: <one@example.org>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

My parcel </pre><script>alert(2)</script> is late.
--b
Content-Type: text/html
Content-Disposition: attachment; filename="../../evil\\".html"

<script>alert(3)</script>
--b--
"""


class Handset:
    """Notes for which offers it is rung."""

    def __init__(self):
        self.rung, self.withdrawn = [], []

    def offer(self, command):
        self.rung.append(command.offer)

    def withdraw(self, command):
        self.withdrawn.append(command.offer)


class Listener:
    """Hears the events of a web desk on this machine."""

    def __init__(self, port):
        self.port, self.url = port, f"http://127.0.0.1:{port}"

    @contextlib.asynccontextmanager
    async def page(self, client, **query):
        """What a page of that browser hears."""
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        async with self.listens({"Cookie": cookie}, origin=self.url, **query) as page:
            yield page

    @contextlib.asynccontextmanager
    async def listens(self, headers, origin=None, **query):
        words = "&".join(f"{name}={value}" for name, value in query.items())
        place = f"ws://127.0.0.1:{self.port}/api/v1/events?{words}"
        async with connect(place, additional_headers=headers, origin=origin, proxy=None) as socket:
            yield Page(socket)


class WebHouse(MailHouse, Listener):
    """A mail house with its web desk."""

    def __init__(self, folder, smtp=9, lmtp=0, web=0, more=""):
        Listener.__init__(self, web or free_port())
        MailHouse.__init__(self, folder, smtp, MORE.format(web=self.port) + more, lmtp)
        self.handset, self.is_plugged = Handset(), True

    async def __aenter__(self):
        await super().__aenter__()
        self.desk = AgentDesk(self.dispatcher, self.site)
        self.channels = self.written.channels
        self.web = Web(self)
        self.web.wire(self.handset)
        self.dispatcher.watchers.append(self.web.watch)
        self.dispatcher.submit(ev.Started(run="w"))
        self.look()
        self.tasks.append(asyncio.create_task(self.web.run()))
        await asyncio.wait_for(self.web.is_open.wait(), 20)
        await until(lambda: self.written.is_ready)
        self.tokens = TokenFile(self.home)
        return self

    async def __aexit__(self, *details):
        await self.web.stop()
        await super().__aexit__(*details)

    def look(self):
        """The switch is looked at: it holds handsets, if they are plugged in, and no leg of its own."""
        plugged = self.is_plugged
        reachable = [ev.HandsetState(seat=seat, reachable=plugged, busy=False) for seat in self.site.seats]
        now = self.dispatcher.clock()
        legs = self.web.offers.legs()
        self.dispatcher.submit(ev.Snapshot(asked=now, calls=(), legs=legs, handsets=tuple(reachable)))

    def status(self):
        agents = {name: seat.agent for name, seat in self.site.seats.items()}
        return status_of(self.dispatcher.core.state, agents, self.dispatcher.clock(), None, [])

    def token(self, *scopes, seat="", name=""):
        """A program with a token of these scopes."""
        secret = self.tokens.add(name or f"t{len(self.tokens.all())}", scopes, seat, 0)
        return Program(self, secret)

    @contextlib.asynccontextmanager
    async def browser(self, seat="101", pin=PIN, cookies=None):
        """An agent's browser, logged in; with cookies it was before."""
        async with httpx.AsyncClient(base_url=self.url, headers={"Origin": self.url}, cookies=cookies) as client:
            if cookies is not None:
                yield client
                return
            answer = await client.post("/api/v1/session", json={"seat": seat, "pin": pin})
            assert answer.status_code == 201, answer.text
            yield client


class Page:
    """Hears events."""

    def __init__(self, socket):
        self.socket = socket

    async def hears(self, kind, within_s=5, **fields):
        """The next event of a kind that has these values."""
        async with asyncio.timeout(within_s):
            while True:
                told = json.loads(await self.socket.recv())
                if told["type"] == kind and fields.items() <= told.items():
                    return told


class Program:
    """Asks with a token."""

    def __init__(self, house, secret):
        self.house, self.secret = house, secret
        self.headers = {"Authorization": f"Bearer {secret}"}

    async def ask(self, method, path, **more):
        async with httpx.AsyncClient(base_url=self.house.url, headers=self.headers) as client:
            return await client.request(method, f"/api/v1{path}", **more)
