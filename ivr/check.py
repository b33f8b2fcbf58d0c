"""`callfloor check`: every file of a site, before anything is started or reloaded.

acd.conf and ivr.conf are read as the server reads them. Asterisk's own files go through the same reader, which finds
what Asterisk would skip with a line in its log; only extensions.conf is looked at more closely (`ivr.dialplan`). What
callfloor generates may be absent. A file that another one includes is read where it is included, not by itself.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct
from rich.console import Console
from rich.text import Text

from acd.channels.chat.office import FOLDER as CHAT_FOLDER
from acd.channels.email import templates as mail_templates
from acd.channels.sms.office import FOLDER as SMS_FOLDER
from acd.conf import Config, read
from acd.options import origin_of
from acd.problems import Problem, Problems, did_you_mean
from acd.settings import Site
from acd.site import FILE as ACD_FILE
from acd.site import examine_site
from ivr import dialplan
from ivr.asterisk import find_asterisk, lacking
from ivr.asterisk.hardware import DIALPLAN, has_doors, r2_crashes, templates
from ivr.codes import check_codes
from ivr.menus import FILE as IVR_FILE
from ivr.menus import check_ivr
from ivr.recognisers import RecogniserError, chosen
from ivr.voices import VoiceError, choose_engines

MUSIC_FILE = "musiconhold.conf"
SIP_FILE = "pjsip.conf"
HARDWARE_FILE = "chan_dahdi.conf"
LINE_TEMPLATES = ("line", "line-identify", "line-aor", "line-auth", "line-registration")
"""What the sections of a trunk are generated from."""

GENERATED = "generated"
"""The folder, seen from the site's, that callfloor fills itself."""

NEEDED = ("extensions.conf", "manager.conf", "modules.conf", "pjsip.conf")
"""Files that an Asterisk of callfloor's own takes from the site's folder and cannot work without."""


class Report(Struct, frozen=True):
    """What a check found."""

    files: int
    """How many files were read."""
    site: Site | None
    """What acd.conf says; whole only if there are no errors."""
    problems: list[Problem]

    @property
    def errors(self) -> int:
        """How many problems keep the site from being used."""
        return sum(problem.severity == "error" for problem in self.problems)


def check(folder: Path) -> list[Problem]:
    """Return all that is wrong with a site's files, or worth a look: acd.conf first, then ivr.conf, then Asterisk's."""
    return examine(folder).problems


def examine(folder: Path) -> Report:
    """Check all files of a site."""
    site, problems = examine_site(folder)
    if site:
        problems += check_ivr(folder, site)
        problems += _check_words(folder, site)
    if site and site.switch.mode == "private":
        hint = "take it over from the sample site"
        missing = [name for name in NEEDED if not (folder / name).is_file()]
        problems += [Problem(name, 0, "there is no such file, and Asterisk needs it", hint) for name in missing]
    ours = [read(folder / name) for name in (ACD_FILE, IVR_FILE)]
    theirs = [_read_theirs(path) for path in sorted(folder.glob("*.conf")) if path.name not in {ACD_FILE, IVR_FILE}]
    parts = {path.resolve() for config in (*ours, *theirs) for path in config.files[1:]}
    for config in theirs:
        if config.files and config.files[0].resolve() in parts:
            continue
        problems += [problem for problem in config.problems if problem not in problems]
    if site:
        problems += _check_engines(site, ours[0])
        problems += _check_music(site, ours[0], theirs)
        problems += _check_templates(site, ours[0], theirs)
        problems += _check_hardware(folder, site, ours[0], theirs)
        problems += _check_r2(site, theirs)
    read_files = {path.resolve() for config in (*ours, *theirs) for path in config.files}
    return Report(files=len(read_files), site=site, problems=problems)


def _check_words(folder: Path, site: Site) -> list[Problem]:
    """Return what is wrong with the templates of mails, texts and chats."""
    problems = Problems()
    for each in (mail_templates.FOLDER, SMS_FOLDER, CHAT_FOLDER):
        mail_templates.load(folder, site.queues, site.general.languages, problems, each)
    return list(problems)


def _check_engines(site: Site, acd: Config) -> list[Problem]:
    """Return a warning for each speech engine that this machine lacks: the server does without it."""
    general = next((section for section in acd.live() if section.name == "general"), None)
    if general is None:
        return []
    found = []
    for option, look in (("voice", choose_engines), ("recogniser", chosen)):
        try:
            look(getattr(site.general, option))
        except (VoiceError, RecogniserError) as error:
            origin = origin_of(general, option)
            found.append(Problem(origin.file, origin.line, str(error), severity="warning"))
    return found


def _check_music(site: Site, acd: Config, theirs: list[Config]) -> list[Problem]:
    """Return a warning for each queue whose class of music does not exist: its callers would hear the default one."""
    classes = {section.name for config in theirs for section in config.live() if config.files[0].name == MUSIC_FILE}
    if not classes:  # an Asterisk that the admin runs has its own file elsewhere
        return []
    found = []
    for section in acd.live():
        music = site.music.get(section.name)
        if music is not None and music not in classes:
            origin = origin_of(section, "music")
            hint = did_you_mean(music, classes) or f"known are {', '.join(sorted(classes - {'general'}))}"
            message = f"there is no class of music '{music}' in {MUSIC_FILE}"
            found.append(Problem(origin.file, origin.line, message, hint, severity="warning"))
    return found


def _check_templates(site: Site, acd: Config, theirs: list[Config]) -> list[Problem]:
    """Return an error for each trunk that lacks a template: Asterisk would load no SIP at all."""
    there = {
        one.name for config in theirs if config.files[0].name == SIP_FILE for one in config.sections if one.template
    }
    lacking = [name for name in LINE_TEMPLATES if name not in there]
    if not there or not lacking:  # an Asterisk that the admin runs has its own file elsewhere
        return []
    hint = f"take over from the sample site's {SIP_FILE}: {', '.join(f'[{name}](!)' for name in lacking)}"
    return [
        Problem(section.origin.file, section.origin.line, f"trunk '{section.name}' needs templates of {SIP_FILE}", hint)
        for section in acd.live()
        if section.name in site.trunks
    ]


def _check_hardware(folder: Path, site: Site, acd: Config, theirs: list[Config]) -> list[Problem]:
    """Return what keeps the hardware of acd.conf from Asterisk: a missing template or include, or a missing module."""
    first = next((one for one in acd.live() if one.name in {*site.spans, *site.analog, *site.analog_handsets}), None)
    if first is None:
        return []

    def problem(message: str, hint: str, severity: Literal["error", "warning"] = "error") -> Problem:
        return Problem(first.origin.file, first.origin.line, message, hint, severity=severity)

    found = []
    is_ours = site.switch.mode == "private"
    config = next((one for one in theirs if one.files and one.files[0].name == HARDWARE_FILE), None)
    there = {section.name for section in config.sections if section.template} if config is not None else set()
    if (is_ours or config is not None) and (missing := sorted(templates(site) - there)):
        hint = f"take over from the sample site's {HARDWARE_FILE}: {', '.join(f'[{name}](!)' for name in missing)}"
        found.append(problem(f"'{first.name}' and its like need templates of {HARDWARE_FILE}", hint))
    for name, file, needed in ((HARDWARE_FILE, HARDWARE_FILE, True), (dialplan.FILE, DIALPLAN, has_doors(site))):
        path, line = folder / name, f"#include {GENERATED}/{file}"
        if needed and path.is_file() and line not in path.read_text(encoding="utf-8", errors="replace"):
            found.append(problem(f"{name} does not take up what follows from '{first.name}'", f"let it end in {line}"))
    program = find_asterisk() if is_ours else None
    if program is not None and (what := lacking(program, site)):
        found.append(problem(f"the hardware cannot be used without {what['lacks']}", what["mend"], "warning"))
    return found


def _check_r2(site: Site, theirs: list[Config]) -> list[Problem]:
    """Return a warning if the admin has lines with MFC/R2 and an Asterisk that does not survive a key on them."""
    written = (
        variable
        for config in theirs
        if config.files and config.files[0].name == HARDWARE_FILE
        for section in config.sections
        for variable in section.variables
        if variable.name.lower() in {"signalling", "signaling"} and variable.value.lower() == "mfcr2"
    )
    if (first := next(written, None)) is None:
        return []
    program = find_asterisk() if site.switch.mode == "private" else None
    if program is not None and not r2_crashes(program.version):
        return []
    which = f"Asterisk {program.release}" if program is not None else "Asterisk from 20.16, 21.11, 22.6 and 23.0 on"
    message = f"{which} crashes at the first key that is pressed on a line with MFC/R2"
    hint = "take an older one, or mend chan_dahdi.c: see MFC/R2 in README.md"
    return [Problem(first.origin.file, first.origin.line, message, hint, severity="warning")]


def _read_theirs(path: Path) -> Config:
    config = read(path, supplied=GENERATED)
    if path.name == dialplan.FILE and config.files:
        dialplan.check_dialplan(config)
        check_codes(config)
    return config


def print_report(report: Report, console: Console) -> None:
    """Print each problem in a line of its own, then a summary."""
    counted = [_count(report.files, "file")]
    if report.site:
        counted += [_count(len(report.site.queues), "queue"), _count(len(report.site.seats), "seat")]
    else:
        counted.append(f"{IVR_FILE} not checked: {ACD_FILE} must be readable first")
    print_problems(report.problems, ", ".join(counted), console)


def print_problems(problems: Sequence[Problem], read_what: str, console: Console) -> None:
    """Print each problem in a line of its own, then how many there are in what was read."""
    for problem in problems:
        style = "red" if problem.severity == "error" else "yellow"
        console.print(Text(str(problem), style=style), soft_wrap=True)
    errors = sum(problem.severity == "error" for problem in problems)
    verdict = f"{read_what}: {_count(errors, 'error')}, {_count(len(problems) - errors, 'warning')}"
    console.print(Text(verdict, style="red" if errors else "green"), soft_wrap=True)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
