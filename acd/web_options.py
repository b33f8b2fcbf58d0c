"""What `[web]` may say in acd.conf, and what is wrong with it only beside the other sections."""

import re

from acd.mail_options import place
from acd.options import Option, duration, pattern
from acd.settings import Site
from acd.site_checks import LOOPBACK, Written

WEB = (
    Option(
        "listen",
        place(none=True),
        "none",
        "Where callfloor listens for the web desk and its API, by HTTP; `none`: nowhere. Keep it on loopback, behind a "
        "server that speaks TLS to the world.",
    ),
    Option(
        "url",
        pattern(r"(https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?)?", "address such as https://desk.example.com"),
        "",
        "How browsers reach it, if that is not where it listens. With `https` the cookie of a session is sent over TLS "
        "only.",
    ),
    Option("session", duration("1m", "30d"), "12h", "How long an agent stays signed in at the web desk.", "session_ms"),
    Option(
        "absent",
        duration("10s", "24h"),
        "15m",
        "A contact that an agent has taken at the web desk waits again when no page of his was open for this long.",
        "absent_ms",
    ),
)


def check_web(written: Written, site: Site) -> None:
    """See that what is said over the network is meant to be, and that nothing else listens there."""
    listen = site.web.listen
    if listen is None:
        return
    origin = written.origin("web", "listen")
    doors = {one: name for name, box in site.mailboxes.items() for one in (box.lmtp, box.smtp_in) if one is not None}
    if listen in doors:
        written.problems.error(origin, f"{listen} is for mailbox '{doors[listen]}' already", "take another port")
    if (listen.port, listen.host) == (site.switch.agi_port, site.switch.agi_host):
        written.problems.error(origin, f"{listen} is agi_port already", "take another port")
    if not re.fullmatch(f"{LOOPBACK}|::1", listen.host):
        message = "the web desk is not on loopback, and PINs, tokens and mails go over the network unencrypted"
        written.problems.warning(origin, message, "listen on 127.0.0.1, behind a server that speaks TLS")
