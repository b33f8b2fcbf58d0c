"""All options of acd.conf by type of section: `SECTIONS`, the one table, and the manual that is printed from it.

`acd.site` reads by it, and a test holds table, manual and settings together. The options of a queue and a seat map one
to one onto the core's rules; what the core must not see (agent, PIN, handset, password, language) stands beside them.
"""

import re
from typing import get_args

from acd.appointment_options import APPOINTMENT
from acd.base_options import GENERAL, SWITCH, VOICEMAIL
from acd.calling_options import CALLING_OUT
from acd.chat_options import CHAT
from acd.core.outcomes import OfferOutcome
from acd.core.rules import MEDIA, MediumRule
from acd.happenings import TOLD
from acd.hardware import ANALOG, SPAN
from acd.mail_options import MAILBOX
from acd.options import (
    Kind,
    Option,
    choice,
    duration,
    number,
    optional,
    pairs,
    pattern,
    secret,
    shown,
    some_of,
    table,
    words,
    yes_no,
)
from acd.queue_options import QUEUE
from acd.rule_text import LEVEL, QUEUES, SKILL
from acd.rule_text import LINES as LINE_TEXT
from acd.settings import (
    GENERATE,
    GROUP_NAME,
    HOST,
    LANGUAGE,
    MEDIUM_NAME,
    PHONE_NUMBER,
    PORT,
    SECRET,
    TEST_NUMBER,
    TEXT,
)
from acd.sms_options import GATEWAY, SMSC
from acd.web_options import WEB
from acd.webhook_options import CRM, WEBHOOK
from acd.xmpp_options import XMPP

ALL, NOTHING = "all", "nothing"

_OUTCOMES = tuple(word for word in get_args(OfferOutcome) if word != "withdrawn")


def _media(*, wholly: bool) -> Kind:
    """Return the kind of a list of media. `nothing` is the empty list, and `all` may stand for every medium."""
    names = words(MEDIUM_NAME, "names of media")

    def read(text: str) -> tuple[str, ...]:
        if wholly and text == ALL:
            return ("*",)
        found: tuple[str, ...] = () if text == NOTHING else names.read(text)
        return found

    return Kind(f"names of media, {'all, ' if wholly else ''}or nothing", read)


def _time_of_day() -> Kind:
    """Return the kind of a wall-clock time; its value is minutes since midnight, None for none."""

    def read(text: str) -> int | None:
        if not text:
            return None
        match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text)
        if not match:
            raise ValueError(f"{shown(text)} is not a time of day such as 03:00")
        return 60 * int(match[1]) + int(match[2])

    return Kind("time of day, such as 03:00", read)


def _opinion() -> Kind:
    """Return the kind of a mean opinion score."""

    def read(text: str) -> float:
        if not re.fullmatch(r"[1-4](\.[0-9]{1,2})?", text) or float(text) > 4.5:
            raise ValueError(f"{shown(text)} is not a number from 1.0 to 4.5")
        return float(text)

    return Kind("number 1.0 to 4.5", read)


HANDSET = pattern(r"([A-Za-z][A-Za-z0-9]*/[A-Za-z0-9][A-Za-z0-9_.@/+-]{0,79})?", "technology/name, such as DAHDI/5")

SEAT = (
    Option("queues", QUEUES, "", "Queues that the seat serves; behind the slash its tier there, lower tiers go first."),
    Option(
        "agent",
        TEXT,
        None,
        "Who sits there: spoken to the agent, shown to others.",
    ),
    Option("pin", secret(r"[0-9]{4,12}", "4 to 12 digits"), None, "What the agent keys in to log in."),
    Option(
        "handset",
        HANDSET,
        "",
        "The phone that rings. Left out, it is `PJSIP/` and the seat's number, and callfloor writes that endpoint; "
        "`DAHDI/5` is an analog telephone at channel 5, which it writes too. "
        "The word LINE stands for the trunk line that a call to it takes: `PJSIP/5550123@LINE`.",
    ),
    Option("secret", SECRET, GENERATE, "The handset's SIP password."),
    Option(
        "supervisor",
        yes_no(),
        "no",
        "May close and open queues by *20, take the next call by *22, listen to talks by *23.",
    ),
    Option("location", optional(TEXT), "", "Where it is: told when it calls for help."),
    Option(
        "emergency_id",
        PHONE_NUMBER,
        "",
        "The number that is shown when it calls for help; left out, that of `[calling-out]`.",
    ),
    Option(
        "language", pattern(f"({LANGUAGE})?", "language code"), "", "What the handset speaks; left out, the site's."
    ),
    Option(
        "skills",
        pairs(SKILL, "skills with their levels 1 to 10, such as french 5, billing 8", LEVEL, 1),
        "",
        "What the agent can do and how well; a skill without a level has level 1.",
    ),
    Option("weight", number(1, 1_000), "1", "weighted-random: how likely the seat is, beside the others."),
    Option("budget", number(0, 1_000), "100", "What its contacts cost together stays within this."),
    Option(
        "most",
        pairs(MEDIUM_NAME, "media with numbers, such as chat 4, email 1", number(0, 100), 1),
        "",
        "So many contacts of a medium at a time, where it is another number than the site's.",
    ),
    Option(
        "lines",
        pattern(f"({GROUP_NAME})?", "name of a section with type = lines"),
        "",
        "Its handset is reached over a trunk line of this group, and not rung while none is free.",
        "line_group",
    ),
    Option("ring_in_use", yes_no(), "no", "Rung although its handset is in a call of its own."),
    Option(
        "set_aside_after",
        number(0, 100),
        "3",
        "This many offers in a row unanswered, and the seat is paused as `not-answering`; 0 for never.",
    ),
    Option(
        "set_aside_on",
        some_of(_OUTCOMES, none=NOTHING),
        "no-answer, refused, hung-up",
        "What counts as unanswered.",
    ),
    Option(
        "pin_tries",
        number(1, 100),
        "3",
        "Wrong PINs in a row before the seat is locked; ten at another phone lock that phone instead.",
    ),
    Option("lock", duration("0", "24h"), "5m", "How long a seat stays locked.", "lock_ms"),
)

PHONE = (
    Option(
        "handset",
        HANDSET,
        "",
        "The device. Left out, it is `PJSIP/` and the section's name, and callfloor writes that endpoint.",
    ),
    Option("secret", SECRET, GENERATE, "Its SIP password."),
    Option("location", optional(TEXT), "", "Where it is: told when it calls for help, whoever is logged in there."),
    Option(
        "emergency_id",
        PHONE_NUMBER,
        "",
        "The number that is shown when it calls for help; left out, that of `[calling-out]`.",
    ),
    Option(
        "language",
        pattern(f"({LANGUAGE})?", "language code"),
        "",
        "What it speaks before it is known who logs in; left out, the site's.",
    ),
)

MEDIUM = (
    Option("most", optional(number(1, 100)), "", "So many contacts at a time on one seat."),
    Option("cost", optional(number(0, 1_000)), "", "Taken out of the seat's `budget` while a contact lasts."),
    Option("blocks", optional(_media(wholly=True)), "", "Media of which nothing new comes to the seat meanwhile."),
    Option(
        "interrupted_by",
        optional(_media(wholly=False)),
        "",
        "Media that come in spite of it: it is set aside, and goes on at the same seat afterwards.",
    ),
)

LINE_TEST = (
    Option(
        "test_number",
        pattern(f"({TEST_NUMBER})?", "number"),
        "",
        "A number whose far end echoes sound and keys: for `callfloor line test`. Another callfloor has one by "
        "`flow line-echo`.",
        "number",
    ),
    Option("test_wait", duration("0", "30s"), "0", "How long the far end speaks before it echoes.", "wait_ms"),
    Option("test_keys", yes_no(), "yes", "Whether keys come back too.", "keys"),
    Option(
        "test_every",
        duration("0", "30d"),
        "0",
        "How often each line is tested by itself, a trunk as one line; 0 for never.",
        "every_ms",
    ),
    Option(
        "test_at", _time_of_day(), "", "From which time of the day that counts; left out, from the last test.", "minute"
    ),
    Option("test_mos_least", _opinion(), "3.5", "A line that sounds worse is an alarm (MOS, 1.0 to 4.5).", "mos_least"),
)

LINES = (
    Option(
        "lines",
        pairs(
            LINE_TEXT,
            "names of lines, each with its cost where they differ, such as span1, DAHDI/40 5, carrier*30",
            number(0, 1_000_000),
            0,
        ),
        None,
        "The lines of the group: a section with type = span or analog for all its lines; channels of hardware as "
        "Asterisk names them; a SIP trunk, which is an endpoint of pjsip.conf, with so many calls as it carries at a "
        "time. What a call costs is in any unit that is one for the group.",
    ),
    Option(
        "pick",
        choice("ordered", "reverse", "least-cost", "round-robin", "least-recent"),
        "ordered",
        "Which of several free lines is taken; among those of equal cost the first one. `reverse`: the last one, for "
        "lines on which callers come from the first one up.",
    ),
    Option(
        "numbers",
        choice("plus", "digits", "national"),
        "plus",
        "How a number outside is dialled on them: `+4930123`, `4930123`, or as in the site's country, `030123`.",
    ),
    Option("keep_inbound", number(0, 1_000), "0", "So many lines are left to callers."),
    Option("keep_emergency", number(0, 1_000), "0", "So many lines are left to emergency calls."),
    Option("keep_callback", number(0, 1_000), "0", "So many lines are left to promised callbacks."),
    Option(
        "fault",
        duration("1s", "24h"),
        "30s",
        "A line that failed is left alone this long, twice as long after each failure in a row.",
        "fault_ms",
    ),
    Option("fault_most", duration("1s", "7d"), "1h", "And at most this long.", "fault_most_ms"),
    *LINE_TEST,
)

_ADDRESS = r"[0-9A-Za-z][0-9A-Za-z.:/-]{0,252}"

TRUNK = (
    Option("host", HOST, None, "The other side: your provider's address, or another switch."),
    Option("port", PORT, "5060", "Its port."),
    Option("protocol", choice("udp", "tcp"), "udp", "What SIP is spoken over."),
    Option("user", pattern(r"([A-Za-z0-9+][A-Za-z0-9+_.-]{0,79})?", "name"), "", "Who we are there; often a number."),
    Option("password", secret(r"[!-~]{0,80}", "visible ASCII characters"), "", "Our password there."),
    Option("register", yes_no(), "yes", "Whether the other side is told where we are; needs a `user`."),
    Option(
        "match",
        words(_ADDRESS, "addresses, networks or host names"),
        "",
        "Where its calls come from; left out, from `host`. Whoever calls from there is a caller.",
    ),
    Option(
        "qualify",
        duration("0", "1h"),
        "60s",
        "How often it is asked whether it is there; a trunk that does not answer has no lines. 0 for never.",
        "qualify_ms",
    ),
)

_DAYS = pairs(MEDIUM_NAME, "media with days, such as all 1095, chat 90", number(0, 36_500), 0)

STORE = (
    Option(
        "database",
        secret(r"sqlite|none|postgresql://[!-~]{1,400}", "sqlite, none, or postgresql://USER:PASSWORD@HOST/NAME"),
        "sqlite",
        "Where the customer file is: `sqlite` in the server's home; a PostgreSQL 13 or later, which needs `pip install "
        "callfloor[postgres]`; or `none` is kept.",
    ),
    Option(
        "keep_days",
        _DAYS,
        "",
        "For how many days contacts stay in it, by medium; `all` for media that are not named, 0 for ever. Left out, "
        "nothing is deleted.",
    ),
    Option("keep_bodies_days", _DAYS, "", "And what was written in them, with its attachments: the contacts stay."),
)

SECTIONS: dict[str, tuple[Option, ...]] = {
    "general": GENERAL,
    "switch": SWITCH,
    "voicemail": VOICEMAIL,
    "store": STORE,
    "web": WEB,
    "queue": QUEUE,
    "seat": SEAT,
    "phone": PHONE,
    "medium": MEDIUM,
    "mailbox": MAILBOX,
    "smsc": SMSC,
    "sms-gateway": GATEWAY,
    "appointment": APPOINTMENT,
    "chat": CHAT,
    "webhook": WEBHOOK,
    "crm": CRM,
    "xmpp": XMPP,
    "lines": LINES,
    "trunk": TRUNK,
    "calling-out": CALLING_OUT,
    "span": SPAN,
    "analog": ANALOG,
}
"""The one table of all options, by type of section. `[pause-reasons]` has no options: its keys are digits."""

HEADS = {
    "queue": "[NAME] with type = queue",
    "seat": "[NUMBER] with type = seat",
    "phone": "[NAME] with type = phone",
    "medium": "[medium-NAME] with type = medium",
    "mailbox": "[NAME] with type = mailbox",
    "smsc": "[NAME] with type = smsc",
    "sms-gateway": "[NAME] with type = sms-gateway",
    "appointment": "[NAME] with type = appointment",
    "chat": "[NAME] with type = chat",
    "webhook": "[NAME] with type = webhook",
    "crm": "[NAME] with type = crm",
    "xmpp": "[NAME] with type = xmpp",
    "lines": "[NAME] with type = lines",
    "trunk": "[NAME] with type = trunk",
    "span": "[NAME] with type = span",
    "analog": "[NAME] with type = analog",
}


def manual() -> str:
    """Return the tables of the manual, one for each type of section, and what holds of media by itself."""
    parts = []
    for kind, options in SECTIONS.items():
        parts.append(f"### `{HEADS.get(kind, f'[{kind}]')}`\n\n{table(options)}")
        if kind == "webhook":
            parts.append(f"What can be told, and what is said of it:\n\n{_told_table()}")
        if kind == "medium":
            parts.append(f"Where a section or an option is left out, this holds:\n\n{_media_table()}")
    return "\n\n".join(parts)


def _told_table() -> str:
    rows = [f"| `{name}` | {said} |" for name, said in TOLD.items()]
    return "\n".join(["| event | meaning, and what is in `data` |", "| --- | --- |", *rows])


def _media_table() -> str:
    other = MediumRule(name="any other")
    rows = ["| medium | `most` | `cost` | `blocks` | `interrupted_by` |", "| --- | --- | --- | --- | --- |"]
    for rule in (*MEDIA, other):
        blocks, interrupted_by = (_written(names) for names in (rule.blocks, rule.interrupted_by))
        rows.append(f"| {rule.name} | {rule.most} | {rule.cost} | {blocks} | {interrupted_by} |")
    return "\n".join(rows)


def _written(media: tuple[str, ...]) -> str:
    return ALL if media == ("*",) else ", ".join(media) or NOTHING
