"""ivr.conf: from the lines of an admin to flows, with everything checked before a caller hears any of it.

    type = number    which number leads where         -> the flow of the route `entry`
    type = menu      what is said, what can be pressed -> a flow `menu:NAME`
    type = hours     when a place is open             -> a flow `hours:NAME`, which returns while it is open
    type = prompt    what a prompt says, in each language

A menu becomes a flow of the same steps that flows in Python use (`ivr.actions`), so a call is held in one way only, and
within one set of limits. What a file can get wrong is found here: targets that do not exist, prompts that lack a
language, menus that nobody reaches; and where a caller could get lost, `ivr.proof` tells.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct

from acd.conf import Config, Section, Variable, read
from acd.hours import Hours, read_closed, read_opening
from acd.options import origin_of, take
from acd.problems import Origin, Problem, Problems, did_you_mean
from acd.settings import Site
from ivr import phrases, scripts
from ivr.actions import Actions, Reference, hours_flow, menu_flow, read_actions
from ivr.flow import Caller, Flow, HangUp, InLanguage, Menu, Play, Prompt, SetLanguage
from ivr.flows import FlowFiles, load_flows
from ivr.menu_flows import NOT_IN_A_NUMBER, compile_actions, compile_entry, compile_hours
from ivr.menu_options import PROMPT_NAME, REPEATED, SECTIONS
from ivr.overflow import overflow_flow
from ivr.prompts import SUFFIXES
from ivr.proof import Entry, MenuSettings, OpeningHours, Proof, Ways
from ivr.scripts import ScriptLimits

log = structlog.get_logger()

FILE = "ivr.conf"

_ENTRIES = {
    "default": "a caller who dials another number",
    "after": "a caller whose agent has hung up",
    "overflow": "a caller whose wait is over",
    "emergency": "a caller while the whole site is closed",
}
"""Options of [general] that a call can begin with, and whose."""


class Ivr(Struct, frozen=True, kw_only=True):
    """What ivr.conf and the flow files say, checked."""

    texts: Mapping[str, Mapping[str, str]]
    """All prompts: name -> language -> what it says."""
    flows: Mapping[str, Flow]
    """Flows by name: those in Python, `menu:NAME` and `hours:NAME`."""
    routes: Mapping[str, Flow]
    """The flows that the dialplan starts: `entry`, `after`, `overflow`."""
    scripts: ScriptLimits
    """What AGI scripts may take."""
    warnings: tuple[Problem, ...]


def load_ivr(
    folder: Path, site: Site, *, now_s: Callable[[], float] = time.time, is_closed: Callable[[], bool] = lambda: False
) -> Ivr:
    """Read ivr.conf and the flow files in a site's folder.

    `now_s` is the clock of the opening hours; `is_closed` says whether the whole site is closed by hand.

    Raises:
        ConfigError: it has errors; all of them, and the warnings, are in it.

    """
    loader = _loaded(folder, site)
    loader.problems.raise_errors()
    return loader.compile(now_s, is_closed)


def check_ivr(folder: Path, site: Site, *, now_s: float | None = None) -> list[Problem]:
    """Return all that is wrong with ivr.conf and the flow files, and what is worth a look.

    Beyond what keeps `load_ivr` from using the files, the menus are proved as they will be from `now_s` on.
    """
    loader = _loaded(folder, site)
    if not loader.problems.has_errors:  # they come first
        proof = Proof(loader.ways(), loader.general["most_prompts"])
        for finding in proof.findings(time.time() if now_s is None else now_s):
            tell = loader.problems.error if finding.is_grave else loader.problems.warning
            tell(finding.origin, finding.message, finding.hint)
    return list(loader.problems)


def read_ways(folder: Path, site: Site) -> Ways:
    """Read what calls can go through, to draw it.

    Raises:
        ConfigError: the files have errors.

    """
    loader = _loaded(folder, site)
    loader.problems.raise_errors()
    return loader.ways()


def _loaded(folder: Path, site: Site) -> "_Loader":
    config = read(folder / FILE)
    loader = _Loader(config, folder, site)
    if config.files:
        loader.read()
    return loader


class _Loader:
    """Reads the sections, checks what they name, and makes flows of them."""

    def __init__(self, config: Config, folder: Path, site: Site) -> None:
        self.problems: Problems = config.problems
        self.config = config
        self.folder = folder
        self.site = site
        self.files = FlowFiles()
        self.general: Mapping[str, Any] = {}
        self.numbers: dict[str, Entry] = {}
        self.menus: dict[str, MenuSettings] = {}
        self.hours: dict[str, OpeningHours] = {}
        self.texts: dict[str, dict[str, str]] = {}
        self.fixed: dict[str, str] = {}  # prompts that are always in one language
        self.used: list[tuple[Origin, Reference]] = []
        self.named: dict[str, set[str]] = {}  # from each section to the menus and hours that it names

    def read(self) -> None:
        """Read everything; what is wrong is then in `problems`."""
        self.files = load_flows(self.folder, self.problems)
        for name, texts in [*phrases.TEXTS.items(), *self.files.texts.items()]:
            self.texts.setdefault(name, {}).update(texts)
        readers = {"number": self._number, "menu": self._menu, "hours": self._hours, "prompt": self._prompt}
        seen: dict[str, Origin] = {}
        for section in self.config.live():
            if former := seen.get(section.name):
                self.problems.error(section.origin, f"[{section.name}] exists already, in line {former.line}")
                continue
            seen[section.name] = section.origin
            kind = section.last("type")
            if section.name == "general":
                self._general(section)
            elif kind is None:
                self.problems.error(section.origin, f"[{section.name}] has no type", f"one of {', '.join(readers)}")
            elif kind.value not in readers:
                hint = did_you_mean(kind.value, readers) or f"known are {', '.join(readers)}"
                self.problems.error(kind.origin, f"there is no type '{kind.value}'", hint)
            elif not re.fullmatch(PROMPT_NAME, section.name):
                hint = "small letters, digits, - and _, up to 40"
                self.problems.error(section.origin, f"a {kind.value} cannot be named '{section.name}'", hint)
            else:
                readers[kind.value](section)
        if "general" not in seen:
            self.problems.error(Origin(FILE, 0), "there is no [general]", "it must at least say default = ACTIONS")
        for origin, noun, name in self.site.mentions:
            self._use(Section("general", origin), origin, [Reference(noun, name)])
        self._check_references()
        self._check_reached()

    def _take(self, kind: str, section: Section) -> Mapping[str, Any] | None:
        noun = "section" if kind == "general" else kind
        values = take(section, SECTIONS[kind], noun, self.problems, ignore=["type", *REPEATED.get(kind, ())])
        for option in SECTIONS[kind] if values else ():
            value = (values or {})[option.field or option.name]
            if isinstance(value, Actions):
                self._use(section, origin_of(section, option.name), value.references)
        return values

    def _use(self, section: Section, origin: Origin, references: Iterable[Reference]) -> None:
        for reference in references:
            self.used.append((origin, reference))
            if reference.noun in {"menu", "hours"}:
                self.named.setdefault(section.name, set()).add(reference.name)

    def _each(self, section: Section, key: str, reader: Callable[[str], Any]) -> Iterator[tuple[Variable, Any]]:
        """Read a key that may stand several times, reporting what cannot be read; at least one is needed."""
        variables = section.every(key)
        if not variables and key != "closed":
            self.problems.error(section.origin, f"[{section.name}] has no '{key}'", f"write {key} = ...")
        for variable in variables:
            try:
                yield variable, reader(variable.value)
            except ValueError as error:
                self.problems.error(variable.origin, f"{key}: {error}")

    def _general(self, section: Section) -> None:
        self.general = self._take("general", section) or {}

    def _number(self, section: Section) -> None:
        values = self._take("number", section)
        for variable, dialled in self._each(section, "number", _read_number):
            if dialled in self.numbers:
                self.problems.error(variable.origin, f"number {variable.value} is in use already")
            elif values:
                who = f"a caller who dials {variable.value}"
                written = section.last("go")
                text = written.value if written else ""
                self.numbers[dialled] = Entry(who, origin_of(section, "go"), values["go"], text)

    def _menu(self, section: Section) -> None:
        values = self._take("menu", section)
        choices: dict[str, Actions] = {}
        for variable, (keys, actions) in self._each(section, "choice", _read_choice):
            if keys in choices:
                self.problems.error(variable.origin, f"choice {keys} exists already in menu '{section.name}'")
            choices[keys] = actions
            self._use(section, variable.origin, actions.references)
        if values is None:
            return
        for option in ("prompt", "invalid", "no_input"):
            names = values[option] if option == "prompt" else [values[option]]
            self._use(section, origin_of(section, option), [Reference("prompt", name) for name in names])
        if values["language"]:
            self._use(section, origin_of(section, "language"), [Reference("language", values["language"])])
        self.menus[section.name] = MenuSettings(section, values, choices)

    def _hours(self, section: Section) -> None:
        values = self._take("hours", section)
        openings = [opening for _, opening in self._each(section, "open", read_opening)]
        closed = [spread for _, spread in self._each(section, "closed", read_closed)]
        if values:
            hours = Hours(zone=values["zone"], openings=openings, closed=closed)
            self.hours[section.name] = OpeningHours(section, hours, values["otherwise"])

    def _prompt(self, section: Section) -> None:
        texts = self.texts.setdefault(section.name, {})
        for variable in section.variables:
            if variable.name == "language":
                self.fixed[section.name] = variable.value
                self._use(section, variable.origin, [Reference("language", variable.value)])
            elif variable.name in self.site.general.languages:
                texts[variable.name] = variable.value
            elif variable.name != "type":
                hint = f"the site's languages are {', '.join(self.site.general.languages)} (acd.conf, [general])"
                self.problems.error(variable.origin, f"'{variable.name}' is no language of this site", hint)

    def _check_references(self) -> None:
        known: Mapping[str, Iterable[str]] = {
            "queue": self.site.queues,
            "seat": self.site.seats,
            "menu": self.menus,
            "hours": self.hours,
            "flow": self.files.flows,
            "language": self.site.general.languages,
            "script": scripts.names(self.folder / scripts.FOLDER),
        }
        written = {section.name for section in self.config.live()}  # a menu with a mistake of its own exists
        for origin, (noun, name) in self.used:
            if noun == "prompt":
                self._check_prompt(origin, name)
            elif name not in known[noun] and not (noun in {"menu", "hours"} and name in written):
                hint = did_you_mean(name, known[noun]) or f"known are {', '.join(known[noun]) or 'none'}"
                self.problems.error(origin, f"there {'are' if noun == 'hours' else 'is'} no {noun} '{name}'", hint)
            elif noun == "script" and (fault := scripts.fault(self.folder / scripts.FOLDER, name)):
                where = Origin(f"{scripts.FOLDER}/{name}", fault[0])
                self.problems.error(where, f"this script cannot be run: {fault[1]}", "it must be Python 3")

    def _check_prompt(self, origin: Origin, name: str) -> None:
        fixed = self.fixed.get(name)
        wanted = (fixed,) if fixed else self.site.general.languages
        lacking = [language for language in wanted if not self._can_say(name, language)]
        if name not in self.texts and len(lacking) == len(wanted):
            hint = did_you_mean(name, self.texts) or f"write a section [{name}] with type = prompt"
            self.problems.error(origin, f"there is no prompt '{name}'", hint)
        elif lacking:
            hint = f"write {lacking[0]} = TEXT in [{name}], or record sounds/{lacking[0]}/{name}.wav"
            self.problems.error(origin, f"prompt '{name}' has nothing to say in {', '.join(lacking)}", hint)

    def _can_say(self, name: str, language: str) -> bool:
        stem = self.folder / "sounds" / language / name
        return language in self.texts.get(name, ()) or any(stem.with_suffix(suffix).is_file() for suffix in SUFFIXES)

    def _check_reached(self) -> None:
        """Warn of what nobody reaches."""
        reached: set[str] = set()
        beyond = {"general", *(section.name for section in self._sections("number"))}
        while beyond:
            reached |= beyond
            beyond = {name for start in beyond for name in self.named.get(start, ())} - reached
        for kind in ("menu", "hours"):
            for section in self._sections(kind):
                if section.name not in reached:
                    self.problems.warning(section.origin, f"no call ever gets to {kind} '{section.name}'")

    def ways(self) -> Ways:
        """Give all that calls can go through. Everything was found to be right."""
        (general,) = (section for section in self.config.live() if section.name == "general")
        entries = list(self.numbers.values())
        for option, who in _ENTRIES.items():
            actions, text = self.general[option], general.last(option)
            entries.append(Entry(who, origin_of(general, option), actions, text.value if text else ""))
        for origin, noun, name in self.site.mentions:
            if noun == "menu":
                go = f"menu {name}"
                entries.append(Entry(_ENTRIES["overflow"], origin, read_actions(go), go))
        language = self.site.general.language
        texts = {name: said.get(self.fixed.get(name, language), "") for name, said in self.texts.items()}
        return Ways(entries=entries, menus=self.menus, hours=self.hours, texts=texts)

    def _sections(self, kind: str) -> list[Section]:
        return [one for one in self.config.live() if (variable := one.last("type")) and variable.value == kind]

    def compile(self, now_s: Callable[[], float], is_closed: Callable[[], bool]) -> Ivr:
        """Make the flows. Everything was found to be right. `is_closed` says whether the whole site is."""
        flows = dict(self.files.flows)
        for name, one in self.hours.items():
            flows[hours_flow(name)] = compile_hours(name, one.hours, self._said(one.otherwise), now_s)
        for name, menu in self.menus.items():
            flows[menu_flow(name)] = self._compile_menu(name, menu)
        numbers = {number: self._said(entry.actions) for number, entry in self.numbers.items()}
        default, otherwise = (self._said(self.general[option]) for option in ("default", "emergency"))
        routes = {
            "entry": compile_entry(numbers, default, otherwise, is_closed),
            "after": compile_actions("after", self._said(self.general["after"])),
            "overflow": overflow_flow(self._said(self.general["overflow"])),
        }
        limits = ScriptLimits(at_once=self.general["scripts_at_once"], lasts_ms=self.general["script_ms"])
        return Ivr(texts=self.texts, flows=flows, routes=routes, scripts=limits, warnings=tuple(self.problems))

    def _compile_menu(self, name: str, menu: MenuSettings) -> Flow:
        values = menu.values
        ask = Menu(
            [self._spoken(prompt) for prompt in values["prompt"]],
            tuple(menu.choices),
            tries=values["tries"],
            timeout_ms=values["timeout_ms"],
            invalid=self._spoken(values["invalid"]),
            no_input=self._spoken(values["no_input"]),
        )

        choices = {keys: self._said(actions) for keys, actions in menu.choices.items()}
        failure = self._said(values["failure"])

        async def run(_caller: Caller) -> None:
            if values["language"]:
                await SetLanguage(values["language"])
            while pressed := await ask:
                await choices[pressed].perform()  # a last word ends it here; else the menu is said again
            await failure.perform()
            await HangUp()

        return Flow(menu_flow(name), run)

    def _said(self, actions: Actions) -> Actions:
        """Let prompts that have one language be played in it."""
        said = [Play(self._spoken(one.prompt)) if isinstance(one, Play) else one for one in actions.steps]
        return Actions(said, actions.references)

    def _spoken(self, prompt: Prompt) -> Prompt:
        if isinstance(prompt, str) and prompt in self.fixed:
            return InLanguage(self.fixed[prompt], prompt)
        return prompt


def _read_number(text: str) -> str:
    if not re.fullmatch(r"\+?[0-9*# ().-]{1,40}", text) or not (number := NOT_IN_A_NUMBER.sub("", text)):
        raise ValueError(f"'{text}' is no number")
    return number


def _read_choice(text: str) -> tuple[str, Actions]:
    keys, comma, actions = text.partition(",")
    keys = keys.strip()
    if not re.fullmatch(r"#|[0-9*]{1,20}", keys):
        raise ValueError(f"'{keys}' cannot be pressed; the keys are 0-9 and *, several in a row, or # alone")
    if not comma:
        raise ValueError(f"nothing happens on {keys}; write {keys}, queue NAME")
    return keys, read_actions(actions)
