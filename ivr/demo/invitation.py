"""What the demo says to the person who watches: how to take part, and where to go from there."""

from pathlib import Path

from rich.panel import Panel
from rich.text import Text

from acd.settings import Site

NUMBER = "5550100"
"""What callers dial."""
YOURS = "101"
"""The seat that is left for the person who watches."""
CUSTOMER = "customer"
"""The account with which that person can call in."""


def invitation(site: Site, address: str) -> Panel:
    """Say how to be an agent, when one can and before the story takes the eye away."""
    text = Text.assemble(
        *_as_agent(site, address),
        "    now if you like, while the story runs; callers ring you when it is over",
    )
    return _panel(text, "The site is up, and stays until Ctrl-C")


def next_steps(site: Site, address: str, password: str, home: Path, desk: str) -> Panel:
    """Say what can be done while the demo goes on.

    Args:
        site: its settings.
        address: where phones register.
        password: the customer's.
        home: the demo's.
        desk: address of the web desk.

    """
    seat = site.seats[YOURS]
    text = Text.assemble(
        *_as_agent(site, address),
        "    *16 says how you stand, *14 pauses, *12 logs out\n",
        "    *13 makes ready, also after three calls rang in vain\n",
        ("Have what is written in a browser, and not on your phone:\n", "bold"),
        f"    {desk}   seat {YOURS}   PIN {seat.pin}\n",
        ("Or call in as a customer:\n", "bold"),
        f"    server {address}   user {CUSTOMER}   password {password}\n    dial {NUMBER}\n",
        ("See the floor live, in another terminal:\n", "bold"),
        f"    .venv/bin/callfloor status --home {home}\n",
        ("And what is known of a customer:\n", "bold"),
        f"    .venv/bin/callfloor customer show 5550201 --home {home}\n",
        ("End it: ", "bold"),
        "Ctrl-C",
    )
    return _panel(text, "It goes on: a caller every few seconds, now and then a text")


def _as_agent(site: Site, address: str) -> list[str | tuple[str, str]]:
    seat = site.seats[YOURS]
    return [
        (f"Be agent {YOURS}, that is {seat.agent}, with a SIP phone of your own:\n", "bold"),
        f"    server {address}   user {YOURS}   password {seat.secret}   (UDP)\n",
        "    dial *11, then PIN ",
        (f"{seat.pin}#", "bold"),
        "; that call says how it went, and ends by itself\n",
    ]


def farewell() -> Panel:
    """Say that nothing is left of it: no password is shown that opens nothing any more."""
    text = Text.assemble(
        ("make demo STAY=1", "bold"),
        "  keeps it running, for a SIP phone of your own\n",
        ("Then make it yours: ", "bold"),
        "edit asterisk-config/acd.conf and ivr.conf,\n    .venv/bin/callfloor check, .venv/bin/callfloor up",
    )
    return _panel(text, "The demo has ended: its server and its phones are gone")


def _panel(text: Text, title: str) -> Panel:
    return Panel(text, title=title, title_align="left", border_style="bright_black", expand=False)
