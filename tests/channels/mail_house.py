"""A server's mails without its calls: real sockets, a real customer file, a core with its journal; and mail servers."""

import asyncio
import contextlib
import smtplib
import socket
from pathlib import Path
from types import MappingProxyType

from aiosmtpd.smtp import SMTP

from acd.dispatcher import Dispatcher
from acd.journal import Journal
from acd.site import load_site
from acd.site_changes import configured
from acd.site_secrets import fill_secrets
from ivr.customers import Customers
from ivr.written import Written
from tests.ports import free_port

SITE = """
[general]
name = Acme
languages = en, pl
[switch]
fallback = 101
[sales]
type = queue
[101]
type = seat
agent = Anna Nowak
pin = 8642
queues = sales
[sales-mail]
type = mailbox
address = sales@acme.example
aliases = shop@acme.example
queue = sales
smtp = 127.0.0.1:{smtp}
smtp_tls = no
lmtp = 127.0.0.1:{lmtp}
{more}
"""
TEMPLATES = {
    "acknowledgement.en.txt": "Subject: We have it, ${customer}\n\nCase ${case}.\n",
    "signature.en.txt": "${agent}\n${site}\n",
    "opening-hours.en.txt": "We open at nine, ${customer}.\n",
}


class NoSwitch:
    """Has no calls."""

    def __getattr__(self, name):
        return lambda *_: None


class WrittenHouse:
    """What `ivr.written.Written` needs of a server, in a folder that outlives it."""

    async def __aenter__(self):
        self.site = fill_secrets(load_site(self.folder), self.home)
        self.journal = Journal(self.home / "journal")
        self.switch = NoSwitch()
        self.dispatcher = Dispatcher(self.journal.restore(None), self.journal, self.switch)
        self.dispatcher.submit(configured(self.site))
        self.customers = Customers(self.home, self.home / "journal", self)
        self.written = Written(self)
        self.dispatcher.before = self.customers.returning.before
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


class MailHouse(WrittenHouse):
    """A house with a mailbox."""

    def __init__(self, folder: Path, smtp: int = 9, more: str = "", lmtp: int = 0):
        self.folder, self.home, self.lmtp = folder / "site", folder / "home", lmtp or free_port()
        self.home.mkdir(exist_ok=True)
        (self.folder / "mail").mkdir(parents=True, exist_ok=True)
        (self.folder / "acd.conf").write_text(SITE.format(smtp=smtp, lmtp=self.lmtp, more=more))
        for name, text in TEMPLATES.items():
            (self.folder / "mail" / name).write_text(text)

    async def __aenter__(self):
        await super().__aenter__()
        self.email = self.written.channels["email"]
        await until(lambda: listens(self.lmtp))
        return self

    async def bring(self, raw: bytes, sender="jan@example.org", to="sales@acme.example"):
        """Bring a mail as a mail server would, by LMTP; gives its call's id."""
        return await asyncio.to_thread(self._bring, raw, sender, to)

    def _bring(self, raw, sender, to):
        with smtplib.LMTP("127.0.0.1", self.lmtp) as client:
            client.ehlo()
            client.mail(sender)
            code, said = client.rcpt(to)
            if code == 250:
                code, said = client.data(raw)
        assert code == 250, said
        return said.decode().split()[-1]


class MailServer:
    """A mail server that takes what it is brought, or answers as it is told: `says` by recipient."""

    kind, more = SMTP, MappingProxyType({})

    def __init__(self):
        self.got, self.says, self.server = [], {}, None
        self.port = free_port()

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        answer = self.says.get(address, "250 OK")
        if callable(answer):
            answer = answer()
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.got.append((envelope.mail_from, tuple(envelope.rcpt_tos), envelope.original_content))
        return "250 queued"

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        self.peers = []

        def peer():
            self.peers.append(self.kind(self, hostname="relay", enable_SMTPUTF8=True, loop=loop, **self.more))
            return self.peers[-1]

        self.server = await loop.create_server(peer, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for one in self.peers:
            if one.transport is not None:
                one.transport.close()
        await asyncio.sleep(0.05)


def listens(port: int) -> bool:
    with contextlib.closing(socket.socket()) as made:
        return made.connect_ex(("127.0.0.1", port)) == 0


async def until(check, within_s: float = 20):
    """Wait until something is so; gives what it gave."""
    for _ in range(int(within_s / 0.02)):
        found = check()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(check)
