"""The site's hardware as an admin describes it, in acd.conf, and what callfloor makes of it for Asterisk and DAHDI.

Span 1 is an E1 with ISDN from the exchange. Span 2 is a T1 to a channel bank, whose ports are telephones, analog lines
and E&M. Asterisk takes up channels at its start only, so these files are in the guest when it is frozen.
"""

import tempfile
from pathlib import Path

from acd.site import load_site
from ivr.asterisk import generated
from tests.live.testsite import SAMPLE, write_site

PHONES = {"101": 32, "102": 33, "103": 34, "104": 35}
"""Seats and the ports of their analog telephones."""
CHANNEL, LINE, TIE_LINE = 1, 36, 38
"""Our first channel of the PRI, our first analog line, and our first E&M channel."""
LINE_NUMBER = "5550100"
"""What callers dialled who come in over analog lines."""

_HANDSETS = "".join(f"[{seat}](+)\nhandset = DAHDI/{port}\n" for seat, port in PHONES.items())
ACD = f"""{_HANDSETS}
[office]
type = span
span = 1
kind = e1
[bank]
type = span
span = 2
kind = t1
signalling = em_w
digits = 7
channels = 38-40
[copper]
type = analog
fxo = 36-37
number = {LINE_NUMBER}
"""


def files() -> dict[str, str]:
    """Make them: what the guest has at its start of what is callfloor's, by the place where it lies there."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        site = load_site(write_site(folder / "site", acd=ACD))
        made = generated(site, folder)
    return {
        "etc/asterisk/chan_dahdi.conf": (SAMPLE / "chan_dahdi.conf").read_text(),
        "etc/asterisk/generated/chan_dahdi.conf": made["chan_dahdi.conf"],
        "etc/dahdi/site.conf": made["system.conf"],
    }


if __name__ == "__main__":
    for name, text in files().items():
        print(f"==== {name}\n{text}")
