"""What only shows between the sections of acd.conf, as far as it is about names, languages, ports and secrets.

How queues, seats, skills and lines go together is checked in `acd.routing_checks`.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from acd.conf import Section
from acd.options import origin_of
from acd.problems import Origin, Problems, did_you_mean
from acd.settings import GENERATE, Site

TAKEN = frozenset({"trunk", "handset", "line", "udp", "tcp", "global", "system", "transport"})
"""Sections of the sample's pjsip.conf; a second one of a name would not be loaded."""
LOOPBACK = r"127(\.[0-9]{1,3}){3}|localhost"


class Written(Struct, frozen=True):
    """What stands in the file, for whoever has to say where."""

    sections: Mapping[str, Section]
    kinds: Mapping[str, Sequence[Section]]
    """By type, faulty ones too: a queue with a mistake of its own does exist."""
    problems: Problems

    def origin(self, section: str, option: str) -> Origin:
        """Return where an option was written, or the header of its section."""
        return origin_of(self.sections[section], option)

    def names(self, kind: str) -> list[str]:
        """Return the names of all sections of a type."""
        return [section.name for section in self.kinds[kind]]


def check_languages(written: Written, site: Site) -> None:
    """See that all languages that somebody uses are the site's."""
    general = site.general
    users = [("general", general.language)] + [(name, seat.language) for name, seat in site.seats.items()]
    users += [(name, phone.language) for name, phone in site.phones.items()]
    for name, language in users:
        if language not in general.languages:
            hint = did_you_mean(language, general.languages) or "add it to languages in [general]"
            message = f"language '{language}' is not among the site's languages"
            written.problems.error(written.origin(name, "language"), message, hint)


def check_switch(written: Written, site: Site) -> None:
    """See that ports do not collide, and that what has no password or encryption stays on this machine."""
    switch, problems = site.switch, written.problems
    if switch.rtp_first >= switch.rtp_last:
        message = f"rtp_last {switch.rtp_last} must be above rtp_first {switch.rtp_first}"
        problems.error(written.origin("switch", "rtp_last"), message)
    if switch.rtp_first <= switch.sip_port <= switch.rtp_last:
        message = f"sip_port {switch.sip_port} lies among the ports for sound"
        problems.error(written.origin("switch", "sip_port"), message)
    if switch.ami_port == switch.agi_port and switch.ami_host == switch.agi_host:
        problems.error(written.origin("switch", "agi_port"), f"ami_port and agi_port are both {switch.agi_port}")
    if switch.mode == "existing" and not switch.ami_secret:
        hint = "write the secret of this account in your manager.conf"
        problems.error(written.origin("switch", "mode"), "mode = existing needs ami_secret", hint)
    for name, why in (("agi_host", "FastAGI knows no password"), ("ami_host", "AMI is not encrypted")):
        if not re.fullmatch(LOOPBACK, getattr(switch, name)):
            message = f"{name} is not on loopback, and {why}"
            problems.warning(written.origin("switch", name), message, "guard that network")
    _check_secret(written, "switch", "ami_secret", switch.ami_secret)


def check_fallback(written: Written, site: Site) -> None:
    """See whether somebody is known to sit where callers go when callfloor is away."""
    if site.switch.fallback not in site.seats:
        hint = "make sure that it is in the context [seats] of extensions.conf"
        message = f"fallback {site.switch.fallback} is not the number of a seat"
        written.problems.warning(written.origin("switch", "fallback"), message, hint)


def _check_secret(written: Written, section: str, name: str, secret: str) -> None:
    if 0 < len(secret) < 12:
        hint = f"take 12 characters or more, or {name} = {GENERATE}"
        written.problems.warning(written.origin(section, name), f"{name} of '{section}' is short", hint)


def check_seats(written: Written, site: Site) -> None:
    """See that handsets, PINs and secrets are sound, and that a seat's queues exist."""
    handsets: dict[str, str] = {}
    queues = written.names("queue")
    for name, seat in site.seats.items():
        other = handsets.setdefault(seat.handset.lower(), name)
        if other != name:
            message = f"seats '{other}' and '{name}' have the same handset {seat.handset}"
            written.problems.error(written.origin(name, "handset"), message)
        for queue in seat.rule.queues:
            if queue not in queues:
                hint = did_you_mean(queue, queues) or f"known are {', '.join(queues)}"
                message = f"seat '{name}' serves queue '{queue}', which does not exist"
                written.problems.error(written.origin(name, "queues"), message, hint)
        if reason := _weakness(seat.pin, name):
            message = f"the PIN of seat '{name}' {reason}"
            written.problems.warning(written.origin(name, "pin"), message, "change it before going live")
        _check_secret(written, name, "secret", seat.secret)


def check_extensions(written: Written, site: Site) -> None:
    """See that what an agent dials is one thing: a seat, or one queue."""
    taken = {number: f"seat '{number}'" for number in written.names("seat")}
    for queue, number in site.extensions.items():
        other = taken.setdefault(number, f"queue '{queue}'")
        if other != f"queue '{queue}'":
            message = f"extension {number} of queue '{queue}' is {other} already"
            written.problems.error(written.origin(queue, "extension"), message, "give it a number of its own")


def check_phones(written: Written, site: Site) -> None:
    """See that a phone is no seat's own and no other's, and can be told from all else that Asterisk knows."""
    owners = {seat.handset.lower(): f"seat '{name}'" for name, seat in site.seats.items()}
    for name, phone in site.phones.items():
        if name in TAKEN or name.startswith(("line-", "handset-")):
            hint = "pjsip.conf has a section of that name, or may have"
            written.problems.error(written.sections[name].origin, f"a phone cannot be named '{name}'", hint)
        other = owners.setdefault(phone.handset.lower(), f"phone '{name}'")
        if other != f"phone '{name}'":
            message = f"{other} and phone '{name}' have the same handset {phone.handset}"
            hint = "a seat's own phone needs no section: anybody can log in there while its seat is logged out"
            written.problems.error(written.origin(name, "handset"), message, hint)
        _check_secret(written, name, "secret", phone.secret)


def check_trunks(written: Written, site: Site) -> None:
    """See that a trunk can be told from all else that Asterisk knows, and that what it says fits together."""
    sources: dict[str, str] = {}
    for name, trunk in site.trunks.items():
        if name in TAKEN or name.startswith(("line-", "handset-")):
            hint = "pjsip.conf has a section of that name, or may have"
            written.problems.error(written.sections[name].origin, f"a trunk cannot be named '{name}'", hint)
        if trunk.password and not trunk.user:
            written.problems.error(written.origin(name, "password"), f"trunk '{name}' has a password and no user")
        if trunk.user and not trunk.password:
            hint = "write its password, or leave user out where addresses are enough"
            written.problems.warning(written.origin(name, "user"), f"trunk '{name}' has a user and no password", hint)
        for source in trunk.match or (trunk.host,):
            other = sources.setdefault(source.lower(), name)
            if other != name:
                message = f"calls from {source} could be of trunk '{other}' and of '{name}'"
                hint = "write under match of each what tells them apart"
                written.problems.error(written.origin(name, "match"), message, hint)


def check_tests(written: Written, site: Site) -> None:
    """See that a test that comes by itself has somebody to call."""
    for name, test in site.line_tests.items():
        if test.every_ms and not test.number:
            hint = "write test_number, a number that echoes"
            written.problems.error(
                written.origin(name, "test_every"), f"the lines of '{name}' have no test_number", hint
            )
        if test.minute is not None and not test.every_ms:
            hint = "write test_every = 24h"
            written.problems.warning(written.origin(name, "test_at"), f"test_at of '{name}' has no effect", hint)


def _weakness(pin: str, seat: str) -> str:
    """Say why a PIN is easily guessed; empty when it is not."""
    if seat in pin:
        return "holds the seat's number"
    steps = {(int(later) - int(former)) % 10 for former, later in pairwise(pin)}
    if steps in ({0}, {1}, {9}):
        return "is a plain row of digits"
    return ""


def check_voicemail(written: Written, site: Site) -> None:
    """See that messages go to a queue that exists."""
    name = site.voicemail.queue
    if name and name not in written.names("queue"):
        hint = did_you_mean(name, site.queues) or f"there are {', '.join(site.queues)}"
        written.problems.error(written.origin("voicemail", "queue"), f"there is no queue '{name}'", hint)
