"""Free ports, so that several private instances run side by side on one machine.

Who is given a port often binds it only seconds later, when its Asterisk has booted. So a port given here is kept, for
this process until it ends: no other process of callfloor is given it meanwhile.
"""

import functools
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
    """Return the site with SIP, AMI, AGI and voice on ports that are free on this machine, and kept for this process.

    Two instances of one process have the same range for voice: Asterisk takes another port of it when one is in use.
    Those of other processes have other ranges as long as there are any, so that what is still on its way to a call that
    is over reaches no call of theirs.

    Raises:
        AsteriskError: no free port was found.

    """
    sip, ami, agi = (free_port(site.switch.sip_host, "127.0.0.1") for _ in range(3))
    first = _first_of_voice()
    switch = replace(
        site.switch, sip_port=sip, ami_port=ami, agi_port=agi, rtp_first=first, rtp_last=first + _VOICE_PORTS - 1
    )
    return replace(site, switch=switch)


def free_port(*hosts: str) -> int:
    """Find a port where nobody listens at any of these addresses, UDP and TCP, and keep it for this process.

    Raises:
        AsteriskError: no free port was found.

    """
    for port in random.sample(range(*_SINGLE), _TRIES):
        if all(is_free(host, port) for host in hosts) and _keep(f"port/{port}"):
            return port
    raise AsteriskError(f"{', '.join(hosts)}: no free port between {_SINGLE[0]} and {_SINGLE[1]}")


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


@functools.cache
def _first_of_voice() -> int:
    firsts = random.sample(range(*_VOICE, _VOICE_PORTS), len(range(*_VOICE, _VOICE_PORTS)))
    return next((first for first in firsts if _keep(f"voice/{first}")), firsts[0])


def _keep(name: str) -> bool:
    """Keep something for this process until it ends, however it ends; False if it is kept already.

    By an abstract socket (unix(7)): bound in one step, dropped by the system, seen where the machine's ports are.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as keeper:
        try:
            keeper.bind(f"\0callfloor/{name}")
        except OSError:
            return False
        keeper.detach()  # stays open; programs that are run do not inherit it
    return True
