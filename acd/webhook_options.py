"""What webhooks and a CRM may say in acd.conf, and what is wrong with them only beside the other sections."""

import base64
import binascii
import ipaddress
import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from acd.happenings import TOLD
from acd.options import Kind, Option, duration, number, optional, pattern, words, yes_no
from acd.problems import did_you_mean
from acd.settings import GENERATE, QUEUE_NAME, Site
from acd.site_checks import Written
from acd.webhooks import CrmSettings, EndpointSettings, WebhookSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "whsec_"
ALL = "all"
SECRET_LEAST, SECRET_MOST = 24, 64
"""Bytes; of the specification."""
_URL = r"https?://([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?(/[!-~]*)?"


def web_address() -> Kind:
    """Return the kind of a URL; no message shows it, for it may hold a key."""

    def read(text: str) -> str:
        if not re.fullmatch(_URL, text) or "#" in text:
            raise ValueError("this is no URL such as https://crm.example.com/hooks")
        try:
            port = urlsplit(text).port
        except ValueError:
            port = 0
        if port == 0:
            raise ValueError("its port is out of range")
        return text

    return Kind("URL", read)


def _secret(*, empty: bool) -> Kind:
    """Return the kind of a signing secret."""

    def read(text: str) -> str:
        if (text == GENERATE and not empty) or (text == "" and empty):
            return ""
        try:
            size = len(base64.b64decode(text.removeprefix(PREFIX), validate=True))
        except binascii.Error:
            size = 0
        if not text.startswith(PREFIX) or not SECRET_LEAST <= size <= SECRET_MOST:
            raise ValueError("this value cannot be used")
        return text

    label = f"{PREFIX} and {SECRET_LEAST} to {SECRET_MOST} random bytes in base64"
    return Kind(label if empty else f"{label}; or {GENERATE}", read)


def _events() -> Kind:
    """Return the kind of a list of what can happen."""

    def read(text: str) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(re.split(r"[,\s]+", text.strip(", \t"))))
        if found == (ALL,):
            return ()
        for word in found:
            if word not in TOLD:
                hint = did_you_mean(word, [*TOLD, ALL])
                raise ValueError(f"'{word[:40]}' is not known" + (f"; {hint}" if hint else ""))
        return found

    return Kind(f"names of the table below, or {ALL}", read)


def _path() -> Kind:
    return optional(Kind("absolute path", lambda text: Path(pattern(r"/[!-~]{1,300}", "").read(text))))


def _shared(timeout: str) -> tuple[Option, ...]:
    return (
        Option(
            "url",
            web_address(),
            None,
            "Where it is. Redirections are not followed. `http://` is for loopback, and for networks that are yours.",
        ),
        Option(
            "secret",
            _secret(empty=False),
            GENERATE,
            "What requests are signed with; the other side needs the same. A generated one stands in `secrets.conf`.",
        ),
        Option(
            "old_secret",
            _secret(empty=True),
            "",
            "While the other side goes over to another secret: the old one. Both signatures are sent then.",
        ),
        Option(
            "timeout",
            duration("500ms", "1m"),
            timeout,
            "How long all of a request may take, answer included.",
            "timeout_ms",
        ),
        Option(
            "ca",
            _path(),
            "",
            "A file of certificates (PEM) that are trusted there instead of those that this machine trusts.",
        ),
        Option(
            "private",
            yes_no(),
            "no",
            "Whether the host's name may lead to an address of this machine or of a private network. An address that "
            "stands in `url` itself may always be one.",
        ),
        Option(
            "queues",
            words(QUEUE_NAME, "names of queues"),
            "",
            "Only contacts of these; left out, of all. What is of no queue, such as a seat or an appointment, is told "
            "anyway.",
        ),
    )


WEBHOOK = (
    *_shared("15s"),
    Option("events", _events(), ALL, "What is told."),
    Option(
        "give_up",
        duration("1m", "30d"),
        "1d",
        "What cannot be delivered for so long is given up: an alarm in `callfloor status`. It is kept for a week, for "
        "`callfloor webhook again`.",
        "give_up_ms",
    ),
    Option(
        "backlog",
        number(100, 1_000_000),
        "100000",
        "So many may wait; of more the oldest are dropped, and an alarm says how many.",
    ),
)
CRM = (
    *_shared("3s"),
    Option(
        "fresh",
        duration("1m", "365d"),
        "1d",
        "What it said of a customer holds so long; then it is asked again when he comes.",
        "fresh_ms",
    ),
)


def webhook(name: str, values: dict[str, Any]) -> WebhookSettings:
    """Make the settings of what was read."""
    return WebhookSettings(**values, section=name)


def crm(name: str, values: dict[str, Any]) -> CrmSettings:
    """Make the settings of what was read."""
    return CrmSettings(**values, section=name)


def check_webhooks(written: Written, site: Site) -> None:
    """See that there is a file to keep deliveries in, that queues exist, and that nothing secret goes in the open."""
    endpoints: Mapping[str, EndpointSettings] = {**site.webhooks, **site.crms}
    for name, one in endpoints.items():
        if site.store.database == "none":
            hint, message = "take database = none out of [store]", f"'{name}' needs a customer file"
            written.problems.error(written.sections[name].origin, message, hint)
        if one.url.startswith("http://") and not is_here(urlsplit(one.url).hostname or ""):
            message = f"what is said to '{name}' goes over the network unencrypted"
            written.problems.warning(written.origin(name, "url"), message, "write https://")
        if one.ca is not None:
            _check_ca(written, name, one.ca)
        for queue in one.queues:
            if queue not in written.names("queue"):
                hint = did_you_mean(queue, site.queues) or f"there are {', '.join(site.queues)}"
                written.problems.error(written.origin(name, "queues"), f"there is no queue '{queue}'", hint)


def _check_ca(written: Written, name: str, path: Path) -> None:
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:  # ssl.SSLError is one
        is_read = isinstance(error, ssl.SSLError)
        reason = "it holds no certificate in PEM form" if is_read else error.strerror
        written.problems.error(
            written.origin(name, "ca"), f"{path} cannot be used: {reason}", "name a file of certificates"
        )


def is_here(host: str) -> bool:
    """Tell whether a host is this machine, by loopback."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
