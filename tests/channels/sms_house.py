"""A server's texts without its calls: real sockets, a real customer file, a core with its journal."""

import asyncio
from pathlib import Path

from acd.dispatcher import Dispatcher
from acd.journal import Journal
from acd.site import fill_secrets, load_site
from acd.site_changes import configured
from ivr.customers import Customers
from ivr.written import Written
from tests.channels.mail_house import NoSwitch

SITE = """
[general]
name = Acme
languages = en, pl
[switch]
fallback = 101
[calling-out]
country = PL
lines = outside
[outside]
type = lines
lines = carrier*2
[carrier]
type = trunk
host = sip.example.com
[sales]
type = queue
[support]
type = queue
[101]
type = seat
agent = Anna Nowak
pin = 8642
queues = sales, support
[centre](!)
type = smsc
host = 127.0.0.1:{port}
user = acme
secret = geheim
number = +48221234567 sales
number = 7171 support
enquire = 1s
rate = 1000
[operator](centre)
{more}
"""
TEMPLATES = {
    "acknowledgement.en.txt": "We have it, case ${case}.\n",
    "opt-out.en.txt": "No more texts from ${site}.\n",
    "opening-hours.en.txt": "We open at nine. ${agent}\n",
}


async def says(house, words: str) -> bool:
    """Tell whether the only card has these words."""
    return words in (await house.card()).text


class SmsHouse:
    """What `ivr.written.Written` needs of a server, in a folder that outlives it."""

    def __init__(self, folder: Path, port: int, more: str = ""):
        self.folder, self.home = folder / "site", folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        (self.folder / "sms").mkdir(parents=True, exist_ok=True)
        (self.folder / "acd.conf").write_text(SITE.format(port=port, more=more))
        for name, text in TEMPLATES.items():
            (self.folder / "sms" / name).write_text(text)

    async def __aenter__(self):
        self.site = fill_secrets(load_site(self.folder), self.home)
        self.journal = Journal(self.home / "journal")
        self.switch = NoSwitch()
        self.dispatcher = Dispatcher(self.journal.restore(None), self.journal, self.switch)
        self.dispatcher.submit(configured(self.site))
        self.customers = Customers(self.home, self.home / "journal", self)
        self.written = Written(self)
        self.sms, self.texting = self.written.channels["sms"], self.written.texting
        self.dispatcher.watchers += [self.customers.watch, self.written.watch]
        self.written.use(self.folder)
        self.tasks = [
            asyncio.create_task(self.customers.run(lambda: False)),
            asyncio.create_task(self.written.run()),
        ]
        return self

    async def __aexit__(self, *_):
        await self.written.stop()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.dispatcher.close()
        self.journal.close()

    @property
    def store(self):
        return self.customers.store

    @property
    def calls(self):
        return self.dispatcher.core.state.calls

    @property
    def call(self) -> str:
        """The only one."""
        (call,) = self.calls
        return call

    async def card(self, call: str | None = None):
        return await self.sms.card(call or self.call)
