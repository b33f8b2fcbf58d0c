"""All options of ivr.conf in one table: `ivr.menus` reads by it, the manual is printed from it."""

from acd.hours import read_zone
from acd.options import Kind, Option, duration, number, pattern, table, words
from acd.settings import LANGUAGE
from ivr.actions import ACTIONS, read_actions

PROMPT_NAME = r"[a-z0-9][a-z0-9_-]{0,39}"

_ACTIONS = Kind("actions", read_actions)
_PROMPT = pattern(PROMPT_NAME, "name of a prompt")

GENERAL = (
    Option("default", _ACTIONS, None, "What happens to a call for a number that no `type = number` section lists."),
    Option("after", _ACTIONS, "hangup", "What a caller hears when the agent has hung up first."),
    Option("overflow", _ACTIONS, "play sorry-try-later, hangup", "What happens after `max_wait` in a queue."),
    Option(
        "emergency",
        _ACTIONS,
        "hangup",
        "What happens to every call while a supervisor has closed the whole site (`*20`, then 0): after what he has "
        "recorded for that, or `sorry-try-later`.",
    ),
    Option(
        "most_prompts",
        number(1, 1_000),
        "20",
        "`callfloor check` tells of menus where a caller who presses nothing hears more than this before he gets to a "
        "person, a flow or the end of the call.",
    ),
    Option("script_time", duration("1s", "2h"), "10m", "How long an AGI script may run for a call.", "script_ms"),
    Option("scripts_at_once", number(1, 500), "20", "How many AGI scripts may run at a time."),
)
NUMBER = (Option("go", _ACTIONS, None, "What happens to a call for this number."),)
MENU = (
    Option("prompt", words(PROMPT_NAME, "names of prompts"), None, "What is said, in this order."),
    Option("tries", number(1, 10), "3", "How often it is said to a caller who presses nothing or something else."),
    Option("timeout", duration("1s", "60s"), "5s", "How long to wait for a key after it was said.", "timeout_ms"),
    Option("invalid", _PROMPT, "invalid", "Prompt after a key that is no choice."),
    Option("no_input", _PROMPT, "no-input", "Prompt when nothing was pressed."),
    Option("failure", _ACTIONS, "hangup", "What happens after the last try."),
    Option("language", pattern(f"({LANGUAGE})?", "language code"), "", "Language that this menu switches to."),
)
HOURS = (
    Option("zone", Kind("time zone, such as Europe/Warsaw", read_zone), None, "Where the clock hangs."),
    Option("otherwise", _ACTIONS, None, "What happens to a caller while it is closed."),
)
SECTIONS = {"general": GENERAL, "number": NUMBER, "menu": MENU, "hours": HOURS}
"""The options that stand once, by type of section."""
REPEATED = {
    "number": {"number": "A number that callers dial, as the line delivers it."},
    "menu": {"choice": "`KEYS, ACTIONS`: the keys 0-9 * # to press, and what happens then."},
    "hours": {
        "open": "`DAYS HH:MM-HH:MM`, such as `mon-fri 08:00-18:00` or `sat,sun 10:00-14:00`.",
        "closed": "A day that is closed, `2026-12-25`, days, `2026-12-24..2027-01-01`, or the public holidays of a "
        "country, `holidays PL`, or of a part of it, `holidays DE-BY`.",
    },
    "prompt": {
        "CODE": "What the prompt says in the language `CODE`, such as `en = Welcome.`",
        "language": "The one language it is always spoken in, such as an invitation in Polish in an English menu.",
    },
}
"""The options that may stand several times, and those of prompts."""


def manual() -> str:
    """Return the tables of the manual: the actions, then one for each type of section."""
    parts = ["### Actions\n\n" + "\n".join(f"- {line}" for line in ACTIONS.values())]
    for kind in [*SECTIONS, "prompt"]:
        head = f"[{kind}]" if kind == "general" else f"[NAME] with type = {kind}"
        lines = [f"- `{name}`: {meaning}" for name, meaning in REPEATED.get(kind, {}).items()]
        parts.append("\n\n".join([f"### `{head}`", *(["\n".join(lines)] if lines else []), *_table(kind)]))
    return "\n\n".join(parts)


def _table(kind: str) -> list[str]:
    return [table(SECTIONS[kind])] if kind in SECTIONS else []
