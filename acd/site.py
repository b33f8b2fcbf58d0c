"""Load acd.conf: sections to settings, everything checked before anything is used.

A section says what it is by `type = queue` or `type = seat`, which it may inherit from a template, as in pjsip.conf;
`[general]`, `[switch]` and `[pause-reasons]` are known by name. First each section is read by its table
(`acd.settings`), then what only shows between sections is checked: a seat's queue that does not exist, two seats with
one handset, ports that collide. Errors and warnings are collected, so one run tells them all.
"""

import os
import re
import secrets
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from acd.conf import Config, Section, read, render
from acd.core.rules import QueueRule, SeatRule
from acd.options import origin_of, take
from acd.problems import Origin, Problem, did_you_mean
from acd.settings import (
    GENERATE,
    QUEUE_NAME,
    REASON,
    REASON_DIGIT,
    SEAT_NAME,
    SECTIONS,
    GeneralSettings,
    SeatSettings,
    Site,
    SwitchSettings,
)

FILE = "acd.conf"
SECRETS_FILE = "secrets.conf"
LOOPBACK = r"127(\.[0-9]{1,3}){3}|localhost"

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else: people type it into phones
_SECRET_CHARS = 16  # of 31 letters: 79 bits


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


def fill_secrets(site: Site, home: Path) -> Site:
    """Return the site with a secret wherever one is to be generated: kept in `home/secrets.conf`, made where missing.

    The file is readable by its owner alone. A secret stays there when its seat goes, so a seat that comes back finds
    its phone still set up.

    Raises:
        ConfigError: secrets.conf cannot be understood. It is not overwritten: phones know what it holds.
        OSError: it cannot be read or written.

    """
    path = home / SECRETS_FILE
    kept: dict[str, dict[str, str]] = {}
    if path.exists():
        path.chmod(0o600)
        config = read(path)
        config.problems.raise_errors()
        kept = {section.name: {one.name: one.value for one in section.variables} for section in config.sections}
    known = {section: dict(values) for section, values in kept.items()}

    def secret(section: str, name: str, given: str) -> str:
        if given:
            return given
        values = known.setdefault(section, {})
        values[name] = values.get(name) or "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_CHARS))
        return values[name]

    switch = replace(
        site.switch,
        ami_secret=secret("switch", "ami_secret", site.switch.ami_secret),
        agi_secret=secret("switch", "agi_secret", site.switch.agi_secret),
    )
    seats = {name: replace(seat, secret=secret(name, "secret", seat.secret)) for name, seat in site.seats.items()}
    if known != kept:
        _write_private(path, known)
    return replace(site, switch=switch, seats=seats)


def _write_private(path: Path, known: dict[str, dict[str, str]]) -> None:
    text = "; Secrets that callfloor made. Delete a line and restart to have a new one made.\n\n"
    text += render((section, values.items()) for section, values in known.items())
    draft = path.with_suffix(".new")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


class _Loader:
    """Turns the sections of acd.conf into a `Site`."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.problems = config.problems
        self.sections: dict[str, Section] = {}
        self.kinds: dict[str, list[Section]] = {kind: [] for kind in (*SECTIONS, "pause-reasons")}

    def site(self) -> Site | None:
        """Read all. What it returns is whole only if there are no errors; None when [general] has any."""
        for section in self.config.live():
            self._sort(section)
        general_values = self._only("general")
        general = GeneralSettings(**general_values or {})
        queues = dict(self._each("queue"))
        site = Site(
            general=general,
            switch=SwitchSettings(**{"fallback": "", **(self._only("switch") or {})}),
            queues={name: _queue(name, values) for name, values in queues.items()},
            music={name: values["music"] for name, values in queues.items() if values},
            seats={name: _seat(name, values, general.language) for name, values in self._each("seat") if values},
            pause_reasons=self._pause_reasons(),
        )
        if general_values is not None:
            self._check_languages(site)
        self._check_switch(site)
        self._check_seats(site)
        if not self.problems.has_errors:  # else a seat may be missing only for its own mistake
            self._check_service(site)
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
        if name in {"general", "switch", "pause-reasons"}:
            self.kinds[name].append(section)
        elif kind is None:
            hint = did_you_mean(name, ["general", "switch", "pause-reasons"]) or "write type = queue or type = seat"
            self.problems.error(section.origin, f"section '{name}' has no type", hint)
        elif kind.value not in {"queue", "seat"}:
            hint = did_you_mean(kind.value, ["queue", "seat"]) or "there are queue and seat"
            self.problems.error(kind.origin, f"unknown type '{kind.value}' of section '{name}'", hint)
        elif kind.value == "queue" and not re.fullmatch(QUEUE_NAME, name):
            hint = "begin with a small letter or digit; small letters, digits, - and _; up to 40"
            self.problems.error(section.origin, f"a queue cannot be named '{name}'", hint)
        elif kind.value == "seat" and not re.fullmatch(SEAT_NAME, name):
            self.problems.error(
                section.origin, f"a seat cannot be named '{name}'", "name it by its number, 2 to 8 digits"
            )
        else:
            self.kinds[kind.value].append(section)

    def _each(self, kind: str) -> Iterator[tuple[str, dict[str, Any] | None]]:
        """Yield name and values of each section of a type; None for the values of one with a fault."""
        for section in self.kinds[kind]:
            yield section.name, take(section, SECTIONS[kind], kind, self.problems, ignore=["type"])

    def _only(self, name: str) -> dict[str, Any] | None:
        """Read a section that exists once; left out, it is as if it stood there empty."""
        section = self.kinds[name][0] if self.kinds[name] else Section(name, Origin(FILE, 0))
        self.sections.setdefault(name, section)
        return take(section, SECTIONS[name], "section", self.problems)

    def _pause_reasons(self) -> dict[str, str]:
        reasons: dict[str, str] = {}
        for variable in (v for section in self.kinds["pause-reasons"] for v in section.variables):
            if not re.fullmatch(REASON_DIGIT, variable.name):
                self.problems.error(variable.origin, f"'{variable.name}' is no digit", "write 1 = break")
            elif not re.fullmatch(REASON, variable.value):
                hint = "small letters, digits, blanks, - and _; up to 40"
                self.problems.error(variable.origin, f"'{variable.value}' cannot be a reason", hint)
            else:
                reasons[variable.name] = variable.value
        return reasons

    def _check_languages(self, site: Site) -> None:
        general = site.general
        users = [("general", general.language)] + [(name, seat.language) for name, seat in site.seats.items()]
        for name, language in users:
            if language not in general.languages:
                hint = did_you_mean(language, general.languages) or "add it to languages in [general]"
                origin = origin_of(self.sections[name], "language")
                self.problems.error(origin, f"language '{language}' is not among the site's languages", hint)

    def _check_switch(self, site: Site) -> None:
        switch, section = site.switch, self.sections["switch"]
        if switch.rtp_first >= switch.rtp_last:
            message = f"rtp_last {switch.rtp_last} must be above rtp_first {switch.rtp_first}"
            self.problems.error(origin_of(section, "rtp_last"), message)
        if switch.rtp_first <= switch.sip_port <= switch.rtp_last:
            origin = origin_of(section, "sip_port")
            self.problems.error(origin, f"sip_port {switch.sip_port} lies among the ports for sound")
        if switch.ami_port == switch.agi_port and switch.ami_host == switch.agi_host:
            self.problems.error(origin_of(section, "agi_port"), f"ami_port and agi_port are both {switch.agi_port}")
        if switch.mode == "existing" and not switch.ami_secret:
            hint = "write the secret of this account in your manager.conf"
            self.problems.error(origin_of(section, "mode"), "mode = existing needs ami_secret", hint)
        for name, why in (("agi_host", "FastAGI knows no password"), ("ami_host", "AMI is not encrypted")):
            if not re.fullmatch(LOOPBACK, getattr(switch, name)):
                message = f"{name} is not on loopback, and {why}"
                self.problems.warning(origin_of(section, name), message, "guard that network")
        self._check_secret(section, "ami_secret", switch.ami_secret)

    def _check_secret(self, section: Section, name: str, secret: str) -> None:
        if 0 < len(secret) < 12:
            hint = f"take 12 characters or more, or {name} = {GENERATE}"
            self.problems.warning(origin_of(section, name), f"{name} of '{section.name}' is short", hint)

    def _check_seats(self, site: Site) -> None:
        handsets: dict[str, str] = {}
        for name, seat in site.seats.items():
            section = self.sections[name]
            other = handsets.setdefault(seat.handset.lower(), name)
            if other != name:
                message = f"seats '{other}' and '{name}' have the same handset {seat.handset}"
                self.problems.error(origin_of(section, "handset"), message)
            for queue in seat.rule.queues:
                known = [one.name for one in self.kinds["queue"]]
                if queue not in known:
                    hint = did_you_mean(queue, known) or f"known are {', '.join(known)}"
                    message = f"seat '{name}' serves queue '{queue}', which does not exist"
                    self.problems.error(origin_of(section, "queues"), message, hint)
            if reason := _weakness(seat.pin, name):
                self.problems.warning(
                    origin_of(section, "pin"), f"the PIN of seat '{name}' {reason}", "change it before going live"
                )
            self._check_secret(section, "secret", seat.secret)

    def _check_service(self, site: Site) -> None:
        if site.switch.fallback not in site.seats:
            origin = origin_of(self.sections["switch"], "fallback")
            hint = "make sure that it is in the context [seats] of extensions.conf"
            self.problems.warning(origin, f"fallback {site.switch.fallback} is not the number of a seat", hint)
        served = {queue for seat in site.seats.values() for queue in seat.rule.queues}
        for section in self.kinds["queue"]:
            if section.name not in served:
                self.problems.warning(section.origin, f"no seat serves queue '{section.name}'")
        for name, seat in site.seats.items():
            if not seat.rule.queues:
                self.problems.warning(self.sections[name].origin, f"seat '{name}' serves no queue")


def _queue(name: str, values: dict[str, Any] | None) -> QueueRule:
    values = values or {}
    return QueueRule(name=name, **{field: values[field] for field in QueueRule.__struct_fields__ if field in values})


def _seat(name: str, values: dict[str, Any], language: str) -> SeatSettings:
    rule = {field: values[field] for field in SeatRule.__struct_fields__ if field in values}
    own = {field: value for field, value in values.items() if field not in rule}
    own["handset"] = own["handset"] or f"PJSIP/{name}"
    own["language"] = own["language"] or language
    return SeatSettings(rule=SeatRule(name=name, **rule), **own)


def _weakness(pin: str, seat: str) -> str:
    """Say why a PIN is easily guessed; empty when it is not."""
    if seat in pin:
        return "holds the seat's number"
    steps = {(int(later) - int(former)) % 10 for former, later in pairwise(pin)}
    if steps in ({0}, {1}, {9}):
        return "is a plain row of digits"
    return ""
