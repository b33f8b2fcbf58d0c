"""A server's texts without its calls: real sockets, a real customer file, a core with its journal."""

from pathlib import Path

from tests.channels.mail_house import WrittenHouse

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


class SmsHouse(WrittenHouse):
    """A house with a number that is written to."""

    def __init__(self, folder: Path, port: int, more: str = ""):
        self.folder, self.home = folder / "site", folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        (self.folder / "sms").mkdir(parents=True, exist_ok=True)
        (self.folder / "acd.conf").write_text(SITE.format(port=port, more=more))
        for name, text in TEMPLATES.items():
            (self.folder / "sms" / name).write_text(text)

    async def __aenter__(self):
        await super().__aenter__()
        self.sms, self.texting = self.written.channels["sms"], self.written.texting
        return self

    @property
    def call(self) -> str:
        """The only one."""
        (call,) = self.calls
        return call

    async def card(self, call: str | None = None):
        return await self.sms.card(call or self.call)
