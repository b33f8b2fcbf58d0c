"""What a kind of appointment may say in acd.conf, and what is wrong with it only beside the other sections."""

import re
from typing import Any

from acd.appointments import AppointmentKind, Telling
from acd.options import Kind, Option, counting, duration, pattern, shown, some_of
from acd.problems import did_you_mean
from acd.settings import MEDIUM_NAME, QUEUE_NAME, TEXT, Site
from acd.site_checks import Written

SAYS = r"[a-z0-9][a-z0-9_-]{0,39}"
NONE = "none"
MEDIA = {
    "email": (("mailbox",), "a mailbox to write from"),
    "sms": (("smsc", "sms-gateway"), "a message centre or a gateway to send by"),
}
"""By which something can be told: the types of section of which it needs one, and what that is."""
_BEFORE = duration("5m", "30d")
_TELLING = re.compile(rf"(customer|host) by ({MEDIUM_NAME}) ({SAYS})(?: ([0-9]{{1,9}} ?[a-z]*) before)?")


def _telling() -> Kind:
    """Return the kind of something that somebody is told."""

    def read(text: str) -> Telling:
        match = _TELLING.fullmatch(text)
        if match is None:
            raise ValueError(f"{shown(text)} is not like customer by email preparation")
        before = _BEFORE.read(match[4]) if match[4] else None
        return Telling("host" if match[1] == "host" else "customer", match[2], match[3], before)

    return Kind("customer or host, by MEDIUM TEMPLATE, and TIME before, or at once", read)


APPOINTMENT = (
    Option("title", TEXT, None, "What it is, such as `Visit at the practice`: calendars show it."),
    Option(
        "queue",
        pattern(QUEUE_NAME, "name of a queue"),
        None,
        "Whose mailbox and number it is told from; answers wait there.",
    ),
    Option("length", duration("5m", "24h"), "30m", "How long it takes, unless that is said.", "length_ms"),
    Option("place", pattern(r"[^\x00-\x1f\x7f]{0,120}", "text"), "", "Where it is, unless that is said."),
    Option(
        "invite",
        some_of(("customer", "host"), none=NONE),
        NONE,
        "Who gets it by e-mail into his calendar (iTIP), and is told there when it is moved or cancelled. The mail "
        "says `mail/invitation.LANGUAGE.txt`, where there is one.",
    ),
    Option(
        "tell",
        _telling(),
        "",
        "What is said because of it, when it is made or moved, or some time before: `customer by email preparation`, "
        "`customer by sms reminder 2h before`, `host by sms soon 1h before`.",
        "tellings",
        many=True,
    ),
    Option(
        "cancelled",
        pattern(f"({SAYS})?", "name of a template"),
        "",
        "What those are told who were told anything, when it is cancelled.",
    ),
)


def appointment(name: str, values: dict[str, Any]) -> AppointmentKind:
    """Make the settings of what was read."""
    return AppointmentKind(**{**values, "section": name})


def check_appointments(written: Written, site: Site) -> None:
    """See that what is told can be told: a queue with a mailbox, a medium, a file in which it is kept."""
    for name, kind in site.appointments.items():
        problems = written.problems
        if kind.queue not in written.names("queue"):
            hint = did_you_mean(kind.queue, site.queues) or f"there are {', '.join(site.queues)}"
            problems.error(written.origin(name, "queue"), f"there is no queue '{kind.queue}'", hint)
        if site.store.database == NONE:
            hint = "take database = none out of [store]"
            problems.error(written.sections[name].origin, f"appointment '{name}' needs a customer file", hint)
        media = {telling.medium for telling in kind.tellings} | ({"email"} if kind.invite else set())
        for types, what in (MEDIA[medium] for medium in sorted(media & MEDIA.keys())):
            if not any(map(written.names, types)):
                message, hint = f"appointment '{name}' needs {what}", f"make a section with type = {types[0]}"
                problems.error(written.sections[name].origin, message, hint)
        told = set[Telling]()
        for line, telling in zip(counting(written.sections[name], "tell"), kind.tellings, strict=True):
            if telling in told:
                problems.error(line.origin, "the same is told twice", "take one out")
            told.add(telling)
            if telling.medium not in MEDIA:
                hint = did_you_mean(telling.medium, MEDIA) or f"there is {', '.join(MEDIA)}"
                problems.error(line.origin, f"nothing can be told by '{telling.medium}'", hint)
