"""What a component of an XMPP server may say in acd.conf, and what is wrong with it only beside the other sections."""

import re
from typing import Any

from acd.chat_settings import XmppEntry, XmppSettings
from acd.mail_options import place
from acd.options import Kind, Option, duration, pattern, secret, shown, yes_no
from acd.problems import did_you_mean
from acd.settings import QUEUE_NAME, Site
from acd.site_checks import LOOPBACK, Written

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*"
_LOCAL = r"[a-z0-9][a-z0-9._+-]{0,39}"


def _entry() -> Kind:
    """Return the kind of an entry with its queue."""

    def read(text: str) -> XmppEntry:
        words = text.split()
        if len(words) != 2 or not re.fullmatch(_LOCAL, words[0]) or not re.fullmatch(QUEUE_NAME, words[1]):
            raise ValueError(f"{shown(text)} is not a name and a queue such as info sales, in small letters")
        return XmppEntry(*words)

    return Kind("NAME QUEUE", read)


XMPP = (
    Option(
        "address",
        pattern(_DOMAIN, "domain, such as chat.example.com"),
        None,
        "The component's name at the server; what stands before the `@` in front of it is an entry.",
    ),
    Option(
        "secret",
        secret(r"[!-~]{8,200}", "8 to 200 visible ASCII characters"),
        None,
        "What proves to the server who we are.",
    ),
    Option(
        "entry",
        _entry(),
        None,
        "What stands before the `@` in an address that customers write to, and the queue where their contacts wait. "
        "What is written to other names is refused.",
        "entries",
        many=True,
    ),
    Option("host", place(none=False), "127.0.0.1:5347", "Where the server listens for components."),
    Option("show_agent", yes_no(), "yes", "Whether customers are told the name of the agent who answers."),
    Option(
        "notices",
        yes_no(),
        "yes",
        "Whether customers are told, in a message, that they wait, who is with them, and that the conversation is "
        "over: four at once to one address, and then one in a quarter of an hour.",
    ),
    Option(
        "give_up",
        duration("1m", "30d"),
        "1d",
        "An answer that cannot be given to the server for so long comes back to its queue, as one that is refused does "
        "at once.",
        "give_up_ms",
    ),
)


def xmpp(name: str, values: dict[str, Any]) -> XmppSettings:
    """Make the settings of what was read."""
    return XmppSettings(**values, section=name)


def check_xmpp(written: Written, site: Site) -> None:
    """See that each address is one component's, and that its contacts find a queue and a file to be kept in."""
    owners: dict[str, str] = {}
    problems = written.problems
    for name, one in site.xmpp.items():
        if site.store.database == "none":
            hint = "take database = none out of [store]"
            problems.error(written.sections[name].origin, f"'{name}' needs a customer file for its chats", hint)
        if not one.entries:
            problems.error(written.sections[name].origin, f"'{name}' has no 'entry'", "write entry = info sales")
        if owners.setdefault(one.address, name) != name:
            message = f"{one.address} is the address of '{owners[one.address]}' already"
            problems.error(
                written.origin(name, "address"), message, "a component is written once; it may have many entries"
            )
        seen = set[str]()
        for entry in one.entries:
            if entry.queue not in written.names("queue"):
                hint = did_you_mean(entry.queue, site.queues) or f"there are {', '.join(site.queues)}"
                problems.error(written.origin(name, "entry"), f"there is no queue '{entry.queue}'", hint)
            if entry.name in seen:
                problems.error(written.origin(name, "entry"), f"entry '{entry.name}' stands there twice")
            seen.add(entry.name)
        if not re.fullmatch(f"{LOOPBACK}|::1", one.host.host):
            message = f"the chats of '{name}' go over the network unencrypted"
            problems.warning(written.origin(name, "host"), message, "guard that way by a tunnel")
