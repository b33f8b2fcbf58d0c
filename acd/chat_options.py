"""What a chat may say in acd.conf, and what is wrong with it only beside the other sections."""

import re
from typing import Any

from acd.chat_settings import ChatSettings
from acd.options import Kind, Option, duration, number, optional, pattern, shown, some_of, yes_no
from acd.problems import did_you_mean
from acd.settings import GROUP_NAME, QUEUE_NAME, TEXT, Site
from acd.site_checks import LOOPBACK, Written

NOTHING = "nothing"
_HOST = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
_ORIGIN = re.compile(rf"(https?)://({_HOST}|\[[0-9a-f:.]{{2,45}}\])(:[0-9]{{1,5}})?")
_OWN_PORT = {"https": ":443", "http": ":80"}


def _origins() -> Kind:
    """Return the kind of a list of origins, as browsers send them."""

    def read(text: str) -> tuple[str, ...]:
        found = []
        for word in re.split(r"[,\s]+", text.strip(", \t").lower()):
            match = _ORIGIN.fullmatch(word)
            if match is None:
                raise ValueError(f"{shown(word)} is not an origin such as https://www.example.com, without a path")
            found.append(word.removesuffix(_OWN_PORT[match[1]]) if match[3] == _OWN_PORT[match[1]] else word)
        return tuple(dict.fromkeys(found))

    return Kind("origins, such as https://www.example.com", read)


CHAT = (
    Option("queue", pattern(QUEUE_NAME, "name of a queue"), None, "Where its contacts wait."),
    Option(
        "origins",
        _origins(),
        None,
        "The web sites whose pages may have it: what a browser shows before the first `/` of an address. `www` or not "
        "are two. Pages of others are refused.",
    ),
    Option("title", optional(TEXT), "", "What stands above it; left out, the name of the site."),
    Option(
        "ask",
        some_of(("name", "email", "number"), none=NOTHING),
        "name, email",
        "What a visitor is asked before his first line; he may leave it empty.",
    ),
    Option(
        "grace",
        duration("5s", "24h"),
        "2m",
        "A visitor whose page was closed for so long is gone: his contact waits no more, or its agent is told.",
        "grace_ms",
    ),
    Option("show_agent", yes_no(), "yes", "Whether visitors are told the name of the agent who answers."),
    Option("files", yes_no(), "yes", "Whether visitors may send files: pictures, PDF, plain text, office documents."),
    Option("file_most", number(1, 40), "10", "So many MiB may a file have."),
    Option(
        "callback",
        yes_no(),
        "no",
        "Whether visitors may ask to be called, in the same queue and at its place; needs `[calling-out]`.",
    ),
    Option(
        "mailbox",
        pattern(f"({GROUP_NAME})?", "name of a section with type = mailbox"),
        "",
        "The mailbox that sends visitors their talk when they ask for it; left out, they cannot.",
    ),
    Option("sockets_most", number(1, 50_000), "4000", "So many pages have it open at a time, together."),
    Option("address_most", number(1, 10_000), "20", "So many of one address, or of one IPv6 network (/64)."),
)


def chat(name: str, values: dict[str, Any], site_name: str) -> ChatSettings:
    """Make the settings of what was read."""
    return ChatSettings(**{**values, "section": name, "title": values["title"] or site_name})


def check_chats(written: Written, site: Site) -> None:
    """See that chats find a queue, a file to be kept in, and all that they offer."""
    for name, one in site.chats.items():
        if one.queue not in written.names("queue"):
            hint = did_you_mean(one.queue, site.queues) or f"there are {', '.join(site.queues)}"
            written.problems.error(written.origin(name, "queue"), f"there is no queue '{one.queue}'", hint)
        if site.web.listen is None:
            message = f"chat '{name}' can be had nowhere: callfloor listens for no browser"
            written.problems.error(written.sections[name].origin, message, "write listen in [web]")
        if site.store.database == "none":
            hint = "take database = none out of [store]"
            written.problems.error(written.sections[name].origin, f"chat '{name}' needs a customer file", hint)
        if one.mailbox and one.mailbox not in written.names("mailbox"):
            hint = did_you_mean(one.mailbox, site.mailboxes) or "write a section with type = mailbox"
            written.problems.error(written.origin(name, "mailbox"), f"there is no mailbox '{one.mailbox}'", hint)
        if one.callback and site.calling_out.plan is None:
            message = f"chat '{name}' offers calls, and nobody calls out"
            written.problems.error(written.origin(name, "callback"), message, "write a section [calling-out]")
        for origin in one.origins:
            if origin.startswith("http:") and not re.match(rf"http://({LOOPBACK}|\[::1\])(:|$)", origin):
                message = f"pages of {origin} are not encrypted: whoever is on their way can read and change them"
                written.problems.warning(written.origin(name, "origins"), message, "write https://")
