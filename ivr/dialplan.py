"""Look over extensions.conf: what Asterisk would only murmur about in its log while calls already fail.

Asterisk skips a dialplan line that it cannot understand and starts all the same. So here each line of a context is held
against the forms that `pbx/pbx_config.c` takes, and the contexts that callfloor sends calls to must be there. What the
lines then do to a call is looked at by `ivr.dialplan_lint`.
"""

import re

from acd.conf import Config, Section, Variable
from acd.problems import Origin, did_you_mean
from ivr.dialplan_lint import lint
from ivr.dialplan_steps import EXTEN_LINE, NOT_CONTEXTS, SAME_LINE

FILE = "extensions.conf"

CONTEXTS = {
    "from-trunk": "calls come in there",
    "from-seat": "handsets dial there",
    "ivr-transfer": "menus transfer calls there",
    "acd-hold": "callers wait there",
    "acd-seat": "an agent and a caller are joined there",
    "acd-after": "callers go on there after the agent hung up",
    "acd-overflow": "callers who waited too long go there",
    "acd-listen": "supervisors listen to talks there",
    "acd-fallback": "callers go there when callfloor cannot be reached",
}
"""The contexts that callfloor needs, and what for."""

_OTHER_KEYS = {"include", "switch", "lswitch", "eswitch", "ignorepat", "autohints"}
_KEYS = {"exten", "same", *_OTHER_KEYS}


def check_dialplan(config: Config) -> None:
    """Add what is wrong with a site's extensions.conf to its problems."""
    names = {section.name for section in config.live()}
    for context, purpose in CONTEXTS.items():
        if context not in names:
            hint = did_you_mean(context, names) or "take it over from the sample site"
            config.problems.error(Origin(FILE, 0), f"there is no context [{context}]: {purpose}", hint)
    check_any_dialplan(config)


def check_any_dialplan(config: Config) -> None:
    """Add what is wrong with any extensions.conf, be it a site's or not."""
    contexts = [section for section in config.live() if section.name not in NOT_CONTEXTS]
    names = {section.name for section in contexts}
    for section in contexts:
        _check_context(config, section, names)
    lint(config)


def _check_context(config: Config, section: Section, names: set[str]) -> None:
    has_extension = False
    for variable in section.variables:
        key = variable.name.lower()
        if key not in _KEYS:
            hint = did_you_mean(key, _KEYS) or "write exten => EXTENSION,PRIORITY,APPLICATION"
            config.problems.error(variable.origin, f"unknown key '{variable.name}' in context [{section.name}]", hint)
        elif key == "include":
            _check_include(config, variable, names)
        elif key == "same" and not has_extension:
            config.problems.error(variable.origin, "'same' follows no 'exten' in this context")
        elif key in {"exten", "same"}:
            has_extension = True
            _check_step(config, variable, EXTEN_LINE if key == "exten" else SAME_LINE)


def _check_include(config: Config, variable: Variable, names: set[str]) -> None:
    name = variable.value.partition(",")[0].strip()  # times may follow
    if name not in names:
        hint = did_you_mean(name, names) or "unless a module makes it"
        config.problems.warning(variable.origin, f"there is no context '{name}' to include", hint)


def _check_step(config: Config, variable: Variable, form: re.Pattern[str]) -> None:
    match = form.fullmatch(variable.value)
    if not match:
        what = "PRIORITY,APPLICATION" if form is SAME_LINE else "EXTENSION,PRIORITY,APPLICATION"
        message = f"'{variable.value}' cannot be followed: it has no priority or no application"
        config.problems.error(variable.origin, message, f"write {variable.name} => {what}")
    elif "(" in match["application"] and not match["application"].endswith(")"):
        config.problems.error(variable.origin, "the last ')' of the application is missing")
