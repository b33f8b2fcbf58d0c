"""What an agent's phone shows and how it rings before he answers, and what his lamp shows.

The caller's name and number are hostile text: `ivr.ami.clean` has taken their control characters away, and here what
would end a quoted name goes too. A ring of its own is asked of a SIP phone by the header Alert-Info (RFC 3261, 20.4),
whose value each make of phone reads in its own way; `Bellcore-dr1` to `-dr4` many do. chan_pjsip takes headers from
the function PJSIP_HEADER, which an Originate writes like a variable before its INVITE goes out. An analog phone is rung
in a cadence by `r` and its number behind the channel (chan_dahdi's dial string).
"""

import re

from acd.core.commands import SeatLook
from ivr.held import Held

NAME_MOST = 40
_ANALOG = re.compile(r"DAHDI/[0-9]{1,4}")
_NUMBERED = re.compile(r"[1-4]")
_SIP = "PJSIP/"

LAMPS: dict[SeatLook, str] = {
    "logged-out": "UNAVAILABLE",
    "ready": "NOT_INUSE",
    "ringing": "RINGING",
    "talking": "INUSE",
    "wrap-up": "BUSY",
    "paused": "ONHOLD",
}
"""What a lamp shows, as Asterisk's device states; phones light them each in their own way."""


def caller_id(caller: Held, known: str = "") -> str:
    """Say who calls and for what: `"Jan Kowalski (sales)" <5550201>`; without a name the number stands for it.

    As whom the customer file knows him comes before what the line says of his name.
    """
    shown = known or caller.name or caller.number or "unknown"
    name = "".join(char for char in shown if char.isprintable() and char not in '"<>\\').strip()
    queue = "".join(char for char in caller.queue if char.isprintable() and char not in '"<>\\')
    digits = "".join(char for char in caller.number if char in "0123456789+*#")
    return f'"{name[:NAME_MOST]} ({queue[:NAME_MOST]})" <{digits[:32]}>'


def rung(device: str, tone: str) -> str:
    """Give the device to dial so that it rings with a tone, which a SIP phone is told by `variables` instead."""
    return f"{device}r{tone}" if _NUMBERED.fullmatch(tone) and _ANALOG.fullmatch(device) else device


def variables(device: str, tone: str) -> list[str]:
    """Give the variables of an Originate that make a phone ring with a tone; empty for the phone's usual one."""
    if not tone or not device.startswith(_SIP):
        return []
    return [f"PJSIP_HEADER(add,Alert-Info)={f'Bellcore-dr{tone}' if _NUMBERED.fullmatch(tone) else tone}"]
