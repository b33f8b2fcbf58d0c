"""A server's webhooks without its calls: real sockets, a real customer file, a core with its journal."""

from pathlib import Path

from acd.core import events as ev
from acd.store import deliveries
from tests.channels.mail_house import WrittenHouse, until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SITE = """
[general]
name = Acme
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
[codes]
1 = sold
{more}
"""


def hook(endpoint, more: str = "", name: str = "shop") -> str:
    """A webhook of acd.conf."""
    return f"[{name}]\ntype = webhook\nurl = {endpoint.url}\nsecret = {SECRET}\n{more}\n"


class HookHouse(WrittenHouse):
    """A house whose acd.conf has webhooks."""

    def __init__(self, folder: Path, more: str):
        self.folder, self.home = folder / "site", folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write(more)

    def write(self, more: str):
        (self.folder / "acd.conf").write_text(SITE.format(more=more))

    async def __aenter__(self):
        await super().__aenter__()
        await until(lambda: self.written.is_ready)
        await until(self.is_in_force)
        return self

    async def is_in_force(self):
        """Whether the customer file knows the webhooks."""
        return {one.name for one in await self.store.read(deliveries.standings)} >= set(self.site.webhooks)

    def arrive(self, call: str, queue: str = "sales", caller: str = "+48601602603"):
        self.dispatcher.submit(ev.CallArrived(call=call, queue=queue, caller=caller))

    def leave(self, call: str):
        self.dispatcher.submit(ev.CallEnded(call=call))
