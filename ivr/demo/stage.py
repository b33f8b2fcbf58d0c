"""The demo's site: the sample, on free ports, with a desk in a browser, and with what is written in the same queue."""

import contextlib
import ipaddress
import secrets
import shutil
import socket
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from acd.control import ControlError, is_answered
from acd.settings import SeatSettings, Site, SwitchSettings
from ivr.asterisk import AsteriskError, on_free_ports
from ivr.asterisk.ports import free_port, is_free
from ivr.customers import FOLDER as CUSTOMERS
from ivr.demo.invitation import YOURS
from ivr.server import JOURNAL

SAMPLE = Path(__file__).parents[2] / "asterisk-config"
HOME = Path(".callfloor/demo")
MAILBOX, NUMBER, SHOP = "sales@example.com", "5550111", "https://www.example.com"
"""Where customers write to: an address, a number for texts, a web page with a chat."""
GATEWAY, CHAT = "operator", "shop"
HOST = "127.0.0.1"
WEB_PORT = 8080
"""Of the desk, where it is free."""
FORGOTTEN = (JOURNAL, CUSTOMERS, "desk")
"""What an earlier demo has kept."""

_CUSTOMER_CONF = """
; Added for the demo: an account with which your own SIP phone can call in as a customer.
[customer](handset)
context = from-trunk
auth = customer
aors = customer
[customer](handset-auth)
username = customer
password = {password}
[customer](handset-aor)
"""

_WRITTEN_CONF = """
; Added for the demo: a desk in a browser, and mails, texts and chats in the queue of those who call.
[web]
listen = 127.0.0.1:{web}
[sales-mail]
type = mailbox
address = {mailbox}
queue = sales
lmtp = none
smtp_in = 127.0.0.1:{mail_in}
smtp = 127.0.0.1:{mail_out}
smtp_tls = no
[{gateway}]
type = sms-gateway
listen = 127.0.0.1:{texts_in}
secret = {secret}
number = {number} sales
url = http://127.0.0.1:{texts_out}/messages
[{chat}]
type = chat
queue = sales
origins = {shop}
; Ben has a telephone alone, and answers texts on it; Dawid has a desk, and answers mails and chats there.
[102](+)
most = email 0, chat 0
[104](+)
queues = sales
most = sms 0
"""

_READY = "It is done. Is there anything else? ${agent}\n"
"""The reply to a text that Ben picks by its number."""


class Places(Struct, frozen=True):
    """Ports on loopback by which what is written comes and goes."""

    mail_in: int
    texts_in: int
    mail_out: int
    """Of the customers' mail server."""
    texts_out: int
    """Of the provider of their texts."""
    web: int
    secret: str
    """By which the provider signs texts."""

    @classmethod
    def choose(cls) -> "Places":
        """Choose free ones.

        Raises:
            AsteriskError: there are none.

        """
        web = WEB_PORT if is_free(HOST, WEB_PORT) else free_port(HOST)
        mail_in, texts_in, mail_out, texts_out = (free_port(HOST) for _ in range(4))
        return cls(mail_in, texts_in, mail_out, texts_out, web, secrets.token_hex(16))

    @property
    def desk(self) -> str:
        """The desk's address."""
        return f"http://{HOST}:{self.web}"


def customer_password() -> str:
    """Make it once: the customer's phone stays set up from one demo to the next."""
    file = HOME / "customer.secret"
    HOME.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    if not file.read_text():
        file.write_text(secrets.token_hex(6))
    return file.read_text().strip()


def set_stage(password: str, places: Places) -> Path:
    """Copy the sample site, add to it what the demo needs, forget what an earlier demo kept.

    Raises:
        ControlError: a demo runs here.

    """
    if is_answered(HOME):
        raise ControlError(f"a demo runs here already, in {HOME}")
    folder = HOME / "site"
    shutil.rmtree(folder, ignore_errors=True)
    for kept in FORGOTTEN:
        shutil.rmtree(HOME / kept, ignore_errors=True)
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("generated"))
    with (folder / "pjsip.conf").open("a", encoding="utf-8") as file:
        file.write(_CUSTOMER_CONF.format(password=password))
    added = {"mailbox": MAILBOX, "number": NUMBER, "gateway": GATEWAY, "chat": CHAT, "shop": SHOP}
    with (folder / "acd.conf").open("a", encoding="utf-8") as file:
        file.write(_WRITTEN_CONF.format(**msgspec.structs.asdict(places), **added))
    (folder / "sms").mkdir()
    (folder / "sms" / "done.en.txt").write_text(_READY)
    return folder


class Rules:
    """Prepares the settings of each load: the same ports, and English on the phone of the person who watches.

    While the story is told, in less than a minute, phones ring shortly and that person's seat serves no queue: he may
    register and log in meanwhile, and neither takes a caller from the cast nor is rung by one who is about to give up.
    """

    def __init__(self, listen: str) -> None:
        self.hurried = True
        self._listen = listen
        self._switch: SwitchSettings | None = None

    def __call__(self, site: Site) -> Site:
        """Change the site's settings."""
        if self._switch is None:
            self._switch = _ports(site, self._listen).switch
        site = msgspec.structs.replace(site, switch=self._switch, seats=_with_yours(site, language="en"))
        return _hasten(site) if self.hurried else site


def _hasten(site: Site) -> Site:
    queues = {
        name: msgspec.structs.replace(rule, ring_ms=4_000, wrap_up_ms=2_000) for name, rule in site.queues.items()
    }
    idle = msgspec.structs.replace(site.seats[YOURS].rule, queues=())
    return msgspec.structs.replace(site, queues=queues, seats=_with_yours(site, rule=idle))


def _with_yours(site: Site, **changes: Any) -> dict[str, SeatSettings]:
    return {**site.seats, YOURS: msgspec.structs.replace(site.seats[YOURS], **changes)}


def _ports(site: Site, listen: str) -> Site:
    """Take the usual ports if they are free, so that a phone needs no port typed in; else others."""
    site = msgspec.structs.replace(site, switch=msgspec.structs.replace(site.switch, sip_host=listen))
    switch = site.switch
    usual = ((listen, switch.sip_port), (switch.ami_host, switch.ami_port), (switch.agi_host, switch.agi_port))
    return site if all(is_free(host, port) for host, port in usual) else on_free_ports(site)


def check_address(listen: str) -> None:
    """See that phones can be listened for there.

    Raises:
        AsteriskError: it is no address of this machine.

    """
    try:
        own = is_free(str(ipaddress.IPv4Address(listen)), 0)  # port 0 is any: only the address can be at fault
    except ValueError:
        own = False
    if not own:
        raise AsteriskError(
            f"--listen {listen}: not an IPv4 address of this machine; `ip address` lists them, 0.0.0.0 takes them all"
        )


def reachable(listen: str) -> str:
    """Give an address of this machine that a phone elsewhere can use."""
    if listen != "0.0.0.0":  # noqa: S104 - recognised, not bound
        return listen
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: asks the kernel which address it would use
        return str(probe.getsockname()[0])
    return socket.gethostname()
