"""Free ports, so that several private instances run side by side on one machine."""

import random
import socket
from typing import Final

from msgspec.structs import replace

from acd.settings import Site

from .errors import AsteriskError

# Below Linux's ephemeral range (32768 and up), where any program's outgoing connection may sit a moment later.
_SINGLE: Final = (10_000, 19_999)
_VOICE: Final = (20_000, 32_000)
_VOICE_PORTS: Final = 2_000  # a leg takes two: 500 joined calls
_TRIES: Final = 200


def on_free_ports(site: Site) -> Site:
    """Return the site with SIP, AMI, AGI and voice on ports that are free on this machine now.

    Ranges for voice of two instances may overlap: Asterisk takes another port of the range when one is in use.

    Raises:
        AsteriskError: no free port was found.

    """
    sip, ami, agi = _free(site.switch.sip_host, 3)
    first = random.randrange(*_VOICE, _VOICE_PORTS)  # noqa: S311 - no secret
    switch = replace(
        site.switch, sip_port=sip, ami_port=ami, agi_port=agi, rtp_first=first, rtp_last=first + _VOICE_PORTS - 1
    )
    return replace(site, switch=switch)


def _free(host: str, count: int) -> list[int]:
    found: list[int] = []
    for port in random.sample(range(*_SINGLE), _TRIES):
        if len(found) < count and all(is_free(h, port) for h in {host, "127.0.0.1"}):
            found.append(port)
    if len(found) < count:
        raise AsteriskError(f"{host}: no free port between {_SINGLE[0]} and {_SINGLE[1]}")
    return found


def is_free(host: str, port: int) -> bool:
    """Tell whether nobody listens on a port, UDP and TCP. True for now only: nothing keeps it free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(family, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True
