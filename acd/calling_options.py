"""What `[calling-out]` may say, and what is wrong with it only beside the other sections."""

import re
from typing import Any

from acd.core.rules import OutRule
from acd.numbers import COUNTRY, ENTRY, Plan, emergency_numbers, is_country
from acd.options import Option, duration, number, pairs, pattern, words, yes_no
from acd.problems import did_you_mean
from acd.settings import GROUP_NAME, PHONE_NUMBER, CallingOutSettings, Site
from acd.site_checks import Written

SECTION = "calling-out"

CALLING_OUT = (
    Option(
        "country",
        pattern(f"({COUNTRY})?", "two capital letters, such as PL"),
        "",
        "Where the site is (ISO 3166): how numbers are read, which are for emergencies. Left out, nobody calls out.",
    ),
    Option(
        "lines",
        words(GROUP_NAME, "names of sections with type = lines"),
        "",
        "What calls go over: the first group that has a line free.",
        "groups",
    ),
    Option("prefix", pattern("[0-9]{0,3}", "up to three digits"), "0", "What is dialled before a number outside."),
    Option(
        "caller_id",
        PHONE_NUMBER,
        "",
        "The number that is shown to who is called, where the queue of the talk, or the seat's first, has none.",
    ),
    Option(
        "allow",
        words(ENTRY, "countries, prefixes and short numbers, such as PL, +4420, 116117"),
        "",
        "What may be called; left out, the own country. Where several entries of this and of `deny` fit, the longest "
        "counts.",
    ),
    Option("deny", words(ENTRY, "countries, prefixes and short numbers, such as +4917"), "", "What may not be called."),
    Option(
        "premium",
        yes_no(),
        "no",
        "Whether numbers that cost more than a call may be called: premium rate, shared cost, personal, pagers.",
    ),
    Option("hour_most", number(0, 1_000_000), "600", "So many calls in any hour; 0 for any number."),
    Option("seat_hour_most", number(0, 100_000), "60", "So many of one seat in any hour; 0 for any number."),
    Option("number_day_most", number(0, 100_000), "10", "So many to one number in any 24 hours; 0 for any number."),
    Option(
        "rates",
        pairs(r"\+[0-9]{0,15}", "prefixes with what a minute costs, such as +48 2, + 90", number(0, 1_000_000), 0),
        "",
        "What a minute costs, in any unit; the longest prefix that fits counts, and `+` fits all.",
    ),
    Option(
        "spend_day_most",
        number(0, 999_999_999),
        "0",
        "So much may be spent in any 24 hours, in the unit of `rates`: a talk is cut where it ends. 0 for any sum.",
    ),
    Option(
        "tries",
        number(1, 20),
        "3",
        "So many lines are tried for one call, if a line or its network fails, lets the call not through (403) or says "
        "nothing at all.",
    ),
    Option("ring", duration("5s", "5m"), "60s", "How long the other side rings.", "ring_ms"),
    Option("longest", duration("1m", "24h"), "4h", "How long a talk may be.", "longest_ms"),
)


def calling_out(values: dict[str, Any]) -> CallingOutSettings:
    """Make the settings of what was read."""
    plan = Plan(**{name: value for name, value in values.items() if name in Plan.__struct_fields__})
    rule = {name: value for name, value in values.items() if name in OutRule.__struct_fields__}
    return CallingOutSettings(
        plan=plan if plan.country else None,
        rule=OutRule(**rule),
        prefix=values["prefix"],
        caller_id=values["caller_id"],
        rates=dict(values["rates"]),
    )


def check_calling_out(written: Written, site: Site) -> None:
    """See that countries and groups exist, that numbers can be told apart, and that an emergency finds a line."""
    settings, problems = site.calling_out, written.problems
    plan, rule = settings.plan, settings.rule
    for group in rule.groups:
        if group not in written.names("lines"):
            hint = did_you_mean(group, written.names("lines")) or "write a section with type = lines"
            problems.error(written.origin(SECTION, "lines"), f"there is no group of lines '{group}'", hint)
    if plan is None:
        return
    if not rule.groups:
        hint = "name the groups of lines that calls go over"
        problems.error(written.origin(SECTION, "country"), "calling out has no lines", hint)
    if not _check_countries(written, plan):
        return
    _check_emergencies(written, site, emergency_numbers(plan.country))
    if rule.spend_day_most and "+" not in settings.rates:
        hint = "add `+` and what the dearest minute costs"
        problems.error(written.origin(SECTION, "spend_day_most"), "not every number has a rate", hint)
    groups = {group.name: group for group in site.line_groups}
    if not any(groups[group].keep_emergency for group in rule.groups if group in groups):
        hint = "keep_emergency = 1 in a group of lines"
        problems.warning(written.origin(SECTION, "lines"), "no line is kept for emergencies", hint)


def _check_countries(written: Written, plan: Plan) -> bool:
    """See that each country exists; gives whether they do."""
    by_option = {"country": (plan.country,), "allow": plan.allow, "deny": plan.deny}
    unknown = [
        (option, entry)
        for option, entries in by_option.items()
        for entry in entries
        if re.fullmatch(COUNTRY, entry) and not is_country(entry)
    ]
    for option, entry in unknown:
        hint = "ISO 3166, such as DE, PL, GB, US"
        written.problems.error(written.origin(SECTION, option), f"no country has the code '{entry}'", hint)
    return not unknown


def _check_emergencies(written: Written, site: Site, numbers: tuple[str, ...]) -> None:
    """See that nobody has a number for emergencies."""
    for seat in numbers:
        if seat in site.seats:
            message = f"seat '{seat}' has the number for emergencies"
            written.problems.error(written.sections[seat].origin, message, "give it another number")
    for queue, extension in site.extensions.items():
        if extension in numbers:
            message = f"queue '{queue}' has the number for emergencies"
            written.problems.error(written.origin(queue, "extension"), message, "give it another extension")
