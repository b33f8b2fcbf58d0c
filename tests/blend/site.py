"""The site of the blend: an Asterisk, seats whose telephones are sipp's, and every way by which one can write to it."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from acd.desk.web.tokens import TokenFile
from acd.site import load_site
from acd.site_secrets import fill_secrets
from ivr.asterisk import Instance, on_free_ports
from ivr.audio import to_wav
from ivr.tones import tone
from tests.bench.site import _static
from tests.blend.plan import Scale
from tests.channels.chat_house import ORIGIN
from tests.channels.dovecot import PASSWORD
from tests.channels.test_sms_gateway import SECRET
from tests.live.program import Site
from tests.ports import free_port

SAMPLE = Path(__file__).parents[2] / "asterisk-config"
PIN, NUMBER, WRITTEN_BY_SMPP, WRITTEN_BY_HTTP = "80617", "5550110", "48221234567", "48221234568"
CODES = {"voice": "", "email": "solved", "sms": "information", "chat": "solved"}

ACD = """
[general]
name = Blend
languages = en
snapshot_interval = 5s
[switch]
fallback = 101
{ports}
[web]
listen = 127.0.0.1:{web}
[codes]
1 = solved
2 = information

[queue](!)
type = queue
ring = 15s
wrap_up = {wrap_up}ms
refusal = 500ms
[calls](queue)
priority = 1
[chats](queue)
priority = 2
strategy = ordered
wrap_up = 0
[texts](queue)
priority = 3
strategy = ordered
wrap_up = 0
[mails](queue)
priority = 5

[box](!)
type = mailbox
queue = mails
smtp = 127.0.0.1:{smtp}
smtp_tls = no
[office](box)
address = office@acme.example
lmtp = 127.0.0.1:{lmtp}
[info](box)
address = info@acme.example
lmtp = none
imap = 127.0.0.1:{imap}
imap_tls = no
imap_user = info
imap_secret = {imap_secret}
[operator]
type = smsc
host = 127.0.0.1:{smsc}
user = acme
secret = geheim
number = +{by_smpp} texts
rate = 1000
[cloud]
type = sms-gateway
listen = 127.0.0.1:{gateway}
secret = {gateway_secret}
number = +{by_http} texts
url = http://127.0.0.1:{provider}/send
answer_id = data.id
rate = 1000
[shop]
type = chat
queue = chats
origins = {origin}
address_most = 10000
grace = 10m

[seat](!)
type = seat
secret = generate
pin = {pin}
"""
SEAT = """
[{name}](seat)
agent = Agent {name}
handset = PJSIP/desk{name}
queues = {queues}
"""
SERVE = ("calls, mails", "chats, texts, mails", "calls, chats, texts, mails")
"""What a third of the seats each serve."""

AGAIN = {"MusicOnHold(default,10)": "MusicOnHold(default,1)", "% 6 = 0]": "% 60 = 0]"}
"""Who calls while callfloor is gone tries again each second, and so often that nobody is rung past the queue."""

IVR = f"""
[general]
default = menu main
after = hangup
overflow = hangup
[main-number]
type = number
number = {NUMBER}
go = menu main
[main]
type = menu
prompt = choose
choice = 1, queue calls
tries = 3
timeout = 1s
failure = queue calls
[choose]
type = prompt
en = Press 1.
"""


class BlendSite(Site):
    """The site, and the program that serves it; nobody is on a softphone."""

    def __init__(self, settings, folder: Path, ports: dict[str, int]) -> None:
        super().__init__(None, settings, folder)
        self.ports = ports
        self.home = folder / "home"
        tokens = TokenFile(self.home)
        self.tokens = {seat: tokens.add(f"desk-{seat}", ("agent", "customers"), seat, 0) for seat in settings.seats}


def seats_of(scale: Scale) -> dict[str, str]:
    """Name the seats, each with the queues that it serves."""
    return {str(101 + number): SERVE[min(number * 3 // scale.seats, 2)] for number in range(scale.seats)}


def write(folder: Path, scale: Scale, ports: dict[str, int]) -> Path:
    """Write its files into a new folder."""
    seats = seats_of(scale)
    switch = on_free_ports(load_site(SAMPLE)).switch
    names = ("sip_port", "ami_port", "agi_port", "rtp_first", "rtp_last")
    acd = ACD.format(
        **ports,
        ports="".join(f"{name} = {getattr(switch, name)}\n" for name in names),
        wrap_up=round(1_000 * scale.by_clock(5)),
        imap_secret=PASSWORD,
        gateway_secret=SECRET,
        by_smpp=WRITTEN_BY_SMPP,
        by_http=WRITTEN_BY_HTTP,
        origin=ORIGIN,
        pin=PIN,
    )
    shutil.copytree(SAMPLE, folder)
    acd += "".join(SEAT.format(name=name, queues=queues) for name, queues in seats.items())
    (folder / "acd.conf").write_text(acd)
    (folder / "ivr.conf").write_text(IVR)
    prompt = folder / "sounds/en/choose.wav"
    prompt.parent.mkdir(parents=True, exist_ok=True)
    prompt.write_bytes(to_wav(tone(440, duration_ms=1_500, level_db=-20)))
    handsets = "".join(_static(seat, f"127.0.0.1:{ports['agents']}") for seat in seats)
    _change(folder / "pjsip.conf", {"rtp_timeout = 60 ": "rtp_timeout = 0 "}, handsets)  # sipp sends no voice
    _change(folder / "extensions.conf", AGAIN)
    return folder


def _change(file: Path, changes: dict[str, str], more: str = "") -> None:
    text = file.read_text()
    for old, new in changes.items():
        assert old in text, f"{file.name} has no {old!r} any more"
        text = text.replace(old, new)
    file.write_text(text + more)


@contextlib.asynccontextmanager
async def opened(
    folder: Path, scale: Scale, others: dict[str, int], cache: Path | None = None
) -> AsyncIterator[BlendSite]:
    """Start it in an empty folder, beside mail servers, message centre and provider at their ports."""
    ports = {**others, "web": free_port(), "gateway": free_port(), "agents": free_port()}
    write(folder / "site", scale, ports)
    (folder / "home").mkdir()
    if cache is not None:
        (folder / "home/prompts").symlink_to(cache)
    settings = fill_secrets(load_site(folder / "site"), folder / "home")
    site = BlendSite(settings, folder, ports)
    site.instance = Instance(folder / "home", folder / "site", settings)
    try:
        await site.up()
        async with asyncio.timeout(120):
            while not site.told("prompts ready"):  # noqa: ASYNC110 - a line in a file
                await asyncio.sleep(0.1)
        yield site
    finally:
        await site.down()
        await asyncio.to_thread(site.instance.stop)
