"""Load acd.conf: sections to settings, everything checked before anything is used.

A section says what it is by `type`, which it may inherit from a template, as in pjsip.conf; `[general]`, `[switch]`,
`[voicemail]`, `[store]`, `[web]`, `[pause-reasons]` and `[codes]` are known by name. First each section is read by its
table (`acd.site_options`), then what only shows between sections is checked (`acd.site_checks`, `acd.routing_checks`):
a seat's queue that does not exist, two seats with one handset, calls that overflow in a circle. Errors and warnings
are collected, so one run tells them all.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from acd.appointment_options import appointment, check_appointments
from acd.calling_options import calling_out, check_calling_out
from acd.chat_options import chat, check_chats
from acd.conf import Config, Section, read
from acd.core.rules import MEDIA, LineGroupRule, LineRule, MediumRule, QueueRule, SeatRule
from acd.hardware import Analog, spans
from acd.hardware_checks import check_hardware
from acd.hours import Hours
from acd.mail_options import check_mailboxes, mailbox
from acd.options import counting, take
from acd.problems import Origin, Problem, did_you_mean
from acd.queue_options import OVERFLOWS, overflows
from acd.routing_checks import check_routing, check_service
from acd.rule_text import line_names, read_target
from acd.settings import (
    GROUP_NAME,
    MEDIUM_NAME,
    PHONE_NAME,
    QUEUE_NAME,
    REASON,
    REASON_DIGIT,
    SEAT_NAME,
    CallingOutSettings,
    GeneralSettings,
    LineTestSettings,
    Mention,
    PhoneSettings,
    SeatSettings,
    Site,
    StoreSettings,
    SwitchSettings,
    TrunkSettings,
    VoicemailSettings,
)
from acd.site_checks import (
    Written,
    check_extensions,
    check_fallback,
    check_languages,
    check_phones,
    check_seats,
    check_switch,
    check_tests,
    check_trunks,
    check_voicemail,
)
from acd.site_options import SECTIONS
from acd.sms_options import check_smscs, gateway, smsc
from acd.web_options import check_web
from acd.web_settings import WebSettings
from acd.webhook_options import check_webhooks, crm, webhook
from acd.xmpp_options import check_xmpp, xmpp

FILE = "acd.conf"

MEDIUM_PREFIX = "medium-"
"""A queue for e-mails may well be called email; the section of the medium is [medium-email]."""

_NAMED = {
    "queue": (QUEUE_NAME, "queue", "begin with a small letter or digit; small letters, digits, - and _; up to 40"),
    "seat": (SEAT_NAME, "seat", "name it by its number, 2 to 8 digits"),
    "phone": (PHONE_NAME, "phone", "begin with a small letter or digit; small letters, digits, - and _; up to 40"),
    "medium": (MEDIUM_PREFIX + MEDIUM_NAME, "medium", "write medium- and the medium, as in [medium-email]"),
    "trunk": (GROUP_NAME, "trunk", "begin with a small letter or digit; small letters, digits, - and _"),
    "span": (GROUP_NAME, "span", "begin with a small letter or digit; small letters, digits, - and _"),
    "analog": (GROUP_NAME, "section of analog lines", "begin with a small letter; small letters, digits, - and _"),
    "lines": (GROUP_NAME, "group of lines", "begin with a small letter or digit; small letters, digits, - and _"),
    "mailbox": (GROUP_NAME, "mailbox", "begin with a small letter or digit; small letters, digits, - and _"),
    "sms-gateway": (GROUP_NAME, "gateway", "begin with a small letter or digit; small letters, digits, - and _"),
    "chat": (GROUP_NAME, "chat", "begin with a small letter or digit; small letters, digits, - and _; up to 40"),
    "xmpp": (GROUP_NAME, "component", "begin with a small letter or digit; small letters, digits, - and _; up to 40"),
    "appointment": (GROUP_NAME, "kind of appointment", "begin with a small letter; small letters, digits, - and _"),
    "webhook": (GROUP_NAME, "webhook", "begin with a small letter or digit; small letters, digits, - and _; up to 40"),
    "crm": (GROUP_NAME, "CRM", "begin with a small letter or digit; small letters, digits, - and _; up to 40"),
    "smsc": (GROUP_NAME, "message centre", "begin with a small letter or digit; small letters, digits, - and _"),
}
"""Type of section to what it may be named, what it is called in messages, and the hint."""
_TYPES = (
    "queue, seat, phone, medium, mailbox, smsc, sms-gateway, chat, xmpp, webhook, crm, appointment, lines, trunk, span "
    "or analog"
)


def load_site(folder: Path) -> Site:
    """Read acd.conf in a site's folder.

    Raises:
        ConfigError: it has errors; all of them, and the warnings, are in it.

    """
    config = read(folder / FILE)
    site = _Loader(config).site() if config.files else None
    config.problems.raise_errors()
    assert site is not None, "acd.conf was not read, and no error says so"
    return site


def examine_site(folder: Path) -> tuple[Site | None, list[Problem]]:
    """Return acd.conf as far as it can be understood, and all that is wrong with it or worth a look.

    With errors the site serves only to judge other files by: all its queues and languages are in it. None when not even
    that is known.
    """
    config = read(folder / FILE)
    site = _Loader(config).site() if config.files else None
    return site, list(config.problems)


def check_site(folder: Path) -> list[Problem]:
    """Return all that is wrong with acd.conf, and what is worth a look."""
    return examine_site(folder)[1]


_ONCE = ("general", "switch", "voicemail", "store", "web", "calling-out", "pause-reasons", "codes")
"""Sections that are known by name and stand once each."""


_CHECKS = (
    check_switch,
    check_seats,
    check_phones,
    check_trunks,
    check_tests,
    check_voicemail,
    check_mailboxes,
    check_appointments,
    check_smscs,
    check_chats,
    check_xmpp,
    check_web,
    check_webhooks,
    check_hardware,
    check_extensions,
    check_routing,
    check_calling_out,
)
"""What only shows between sections, in the order in which it is told."""


class _Loader:
    """Turns the sections of acd.conf into a `Site`."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.problems = config.problems
        self.sections: dict[str, Section] = {}
        self.kinds: dict[str, list[Section]] = {kind: [] for kind in (*SECTIONS, "pause-reasons", "codes")}

    def site(self) -> Site | None:
        """Read all. What it returns is whole only if there are no errors; None when [general] has any."""
        for section in self.config.live():
            self._sort(section)
        general_values = self._only("general")
        general = GeneralSettings(**general_values or {})
        queues = {name: (_queue(name, values or {}), values) for name, values in self._each("queue")}
        seats = enumerate(self._each("seat"))
        groups = list(self._each("lines"))
        site = Site(
            general=general,
            switch=SwitchSettings(**{"fallback": "", **(self._only("switch") or {})}),
            queues={name: rule for name, (rule, _) in queues.items()},
            **_beside_rules({name: values for name, (_, values) in queues.items() if values}),
            media=_all_media(_medium(name, values) for name, values in self._each("medium") if values),
            number_forms={name: values["numbers"] for name, values in groups if values},
            calling_out=calling_out(out) if (out := self._only("calling-out")) else CallingOutSettings(),
            line_tests={name: _line_test(values) for name, values in groups if values},
            spans=spans((name, values) for name, values in self._each("span") if values),
            analog={name: Analog(name=name, **values) for name, values in self._each("analog") if values},
            trunks={name: TrunkSettings(name=name, **values) for name, values in self._each("trunk") if values},
            seats={name: _seat(name, order, values, general.language) for order, (name, values) in seats if values},
            phones={name: _phone(name, values, general.language) for name, values in self._each("phone") if values},
            mailboxes={name: mailbox(name, values, general.name) for name, values in self._each("mailbox") if values},
            appointments={name: appointment(name, values) for name, values in self._each("appointment") if values},
            smscs={name: smsc(name, values) for name, values in self._each("smsc") if values},
            gateways={name: gateway(name, values) for name, values in self._each("sms-gateway") if values},
            chats={name: chat(name, values, general.name) for name, values in self._each("chat") if values},
            webhooks={name: webhook(name, values) for name, values in self._each("webhook") if values},
            crms={name: crm(name, values) for name, values in self._each("crm") if values},
            xmpp={name: xmpp(name, values) for name, values in self._each("xmpp") if values},
            voicemail=VoicemailSettings(**self._only("voicemail") or {}),
            store=StoreSettings(**self._only("store") or {}),
            web=WebSettings(**self._only("web") or {}),
            pause_reasons=self._words_by_digit("pause-reasons", "reason"),
            codes=self._words_by_digit("codes", "code"),
            mentions=tuple(
                mention
                for name, (rule, values) in queues.items()
                if values
                for mention in _mentions(self.sections[name], rule)
            ),
        )
        site = replace(site, line_groups=tuple(_line_group(name, values, site) for name, values in groups if values))
        written = Written(sections=self.sections, kinds=self.kinds, problems=self.problems)
        if general_values is not None:
            check_languages(written, site)
        for check in _CHECKS:
            check(written, site)
        if not self.problems.has_errors:  # else a seat may be missing only for its own mistake
            check_fallback(written, site)
            check_service(written, site)
        return site if general_values is not None else None

    def _sort(self, section: Section) -> None:
        """Find out what a section is, and whether its name is one for that."""
        name, kind = section.name, section.last("type")
        if name in self.sections:
            former = self.sections[name].origin
            hint = f"write [{name}](+) to go on with it"
            self.problems.error(section.origin, f"section '{name}' exists since {former.file}:{former.line}", hint)
            return
        self.sections[name] = section
        if name in _ONCE:
            self.kinds[name].append(section)
        elif kind is None:
            hint = did_you_mean(name, _ONCE) or f"write type = {_TYPES}"
            self.problems.error(section.origin, f"section '{name}' has no type", hint)
        elif kind.value not in _NAMED:
            hint = did_you_mean(kind.value, _NAMED) or f"there are {_TYPES}"
            self.problems.error(kind.origin, f"unknown type '{kind.value}' of section '{name}'", hint)
        elif not re.fullmatch(_NAMED[kind.value][0], name):
            _, noun, hint = _NAMED[kind.value]
            self.problems.error(section.origin, f"a {noun} cannot be named '{name}'", hint)
        else:
            self.kinds[kind.value].append(section)

    def _each(self, kind: str) -> Iterator[tuple[str, dict[str, Any] | None]]:
        """Yield name and values of each section of a type; None for the values of one with a fault."""
        for section in self.kinds[kind]:
            yield section.name, take(section, SECTIONS[kind], _NAMED[kind][1], self.problems, ignore=["type"])

    def _only(self, name: str) -> dict[str, Any] | None:
        """Read a section that exists once; left out, it is as if it stood there empty."""
        section = self.kinds[name][0] if self.kinds[name] else Section(name, Origin(FILE, 0))
        self.sections.setdefault(name, section)
        return take(section, SECTIONS[name], "section", self.problems)

    def _words_by_digit(self, name: str, noun: str) -> dict[str, str]:
        reasons: dict[str, str] = {}
        for variable in (v for section in self.kinds[name] for v in section.variables):
            if not re.fullmatch(REASON_DIGIT, variable.name):
                self.problems.error(variable.origin, f"'{variable.name}' is no digit", "write 1 = break")
            elif not re.fullmatch(REASON, variable.value):
                hint = "small letters, digits, blanks, - and _; up to 40"
                self.problems.error(variable.origin, f"'{variable.value}' cannot be a {noun}", hint)
            else:
                reasons[variable.name] = variable.value
        return reasons


def _queue(name: str, values: dict[str, Any]) -> QueueRule:
    """Make the rule of what was read. `overflow` is what the options of the single reasons fall back to."""
    rule = {field: value for field, value in values.items() if field in QueueRule.__struct_fields__}
    to = {reason: values.get(option) or values.get("overflow") for option, reason in OVERFLOWS.items() if reason}
    rule["overflow"] = {reason: target for reason, target in to.items() if target}
    return QueueRule(name=name, **rule)


def _beside_rules(queues: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What queues say that the core need not know: a field of `Site` each, of the queues that say it."""
    hours = {name: values["callback_hours"] for name, values in queues.items() if values["callback_hours"]}
    return {
        "music": {name: values["music"] for name, values in queues.items()},
        "extensions": {name: values["extension"] for name, values in queues.items() if values.get("extension")},
        "caller_ids": {name: values["caller_id"] for name, values in queues.items()},
        "ring_tones": {name: values["ring_tone"] for name, values in queues.items() if values["ring_tone"]},
        "callback_hours": {name: Hours(zone=None, openings=openings) for name, openings in hours.items()},
    }


def _medium(section: str, values: dict[str, Any]) -> MediumRule:
    name = section.removeprefix(MEDIUM_PREFIX)
    known = next((rule for rule in MEDIA if rule.name == name), MediumRule(name=name))
    return replace(known, **{field: value for field, value in values.items() if value is not None})


def _all_media(own: Iterable[MediumRule]) -> tuple[MediumRule, ...]:
    return tuple(({rule.name: rule for rule in MEDIA} | {rule.name: rule for rule in own}).values())


def _line_group(name: str, values: dict[str, Any], site: Site) -> LineGroupRule:
    hardware = site.hardware_lines
    lines = tuple(
        LineRule(name=one, cost=cost)
        for line, cost in values["lines"]
        for one in hardware.get(line) or line_names(line)
    )
    rule = {field: values[field] for field in LineGroupRule.__struct_fields__ if field in values}
    return LineGroupRule(**{**rule, "name": name, "lines": lines})


def _line_test(values: dict[str, Any]) -> LineTestSettings:
    return LineTestSettings(**{name: values[name] for name in LineTestSettings.__struct_fields__})


def _seat(name: str, order: int, values: dict[str, Any], language: str) -> SeatSettings:
    queues = values["queues"]
    rule = {field: values[field] for field in SeatRule.__struct_fields__ if field in values}
    rule |= {
        "order": order,
        "queues": tuple(queue for queue, _ in queues),
        "tiers": tuple(tier for _, tier in queues) if any(tier for _, tier in queues) else (),
        "most": dict(values["most"]),
    }
    own = {field: value for field, value in values.items() if field in SeatSettings.__struct_fields__}
    own["handset"] = own["handset"] or f"PJSIP/{name}"
    own["language"] = own["language"] or language
    return SeatSettings(rule=SeatRule(name=name, **rule), **own)


def _phone(name: str, values: dict[str, Any], language: str) -> PhoneSettings:
    own = {**values, "handset": values["handset"] or f"PJSIP/{name}", "language": values["language"] or language}
    return PhoneSettings(**own)


def _mentions(section: Section, rule: QueueRule) -> Iterator[Mention]:
    """Name what a queue's rule needs of the other files, and where it says so."""
    written = [(line.origin, read_target(line.value)) for line in overflows(section)]
    for variable, step in zip(counting(section, "step"), rule.steps, strict=True):
        if step.announce:
            yield Mention(variable.origin, "prompt", step.announce)
        if step.go:
            written.append((variable.origin, step.go))
    for origin, target in written:
        noun, _, name = target.partition(" ")
        if noun == "flow":
            yield Mention(origin, "flow", name)
        elif noun == "menu":
            yield Mention(origin, "menu", name)
