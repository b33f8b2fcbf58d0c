"""Whether the rules of queues, seats, skills, lines and media go together.

`check_routing` finds what cannot be meant: places that do not exist, rules that contradict each other. `check_service`
finds what can be meant but will not be liked: calls that nobody may take, steps that never come, callers sent round in
a circle. The second is asked only where the first and everything before it found nothing.
"""

from collections.abc import Iterable, Iterator

from acd.conf import Variable
from acd.core.classes import eased, tiers_of
from acd.core.queueing import HOPS_MOST
from acd.core.rules import MediumRule, Needs, QueueRule, SeatRule, Step
from acd.options import counting
from acd.problems import Origin, did_you_mean
from acd.queue_options import overflows
from acd.rule_text import read_target
from acd.settings import Site
from acd.site_checks import Written

STEPS_MOST = 60
"""Of one queue: a call remembers those it has taken as the bits of one number."""


def check_routing(written: Written, site: Site) -> None:
    """Find what cannot be meant."""
    for rule in site.queues.values():
        _check_places(written, rule)
        _check_times(written, rule)
    _check_lines(written, site)
    _check_media(written, site)


def check_service(written: Written, site: Site) -> None:
    """Find what will not be liked."""
    served = {queue for seat in site.seats.values() for queue in seat.rule.queues}
    for name, rule in site.queues.items():
        if name in served:
            _check_needs(written, site, rule)
        else:
            written.problems.warning(written.sections[name].origin, f"no seat serves queue '{name}'")
        _check_steps(written, site, rule)
        _check_idle_options(written, rule)
    _check_circles(written, site)
    for name, seat in site.seats.items():
        if not seat.rule.queues:
            written.problems.warning(written.sections[name].origin, f"seat '{name}' serves no queue")
        _check_tiers(written, site, seat.rule)
        _check_budget(written, site, seat.rule)


# Queues


def _steps(written: Written, rule: QueueRule) -> list[tuple[Variable, Step]]:
    """Pair each step with its line; none where one of the lines was wrong."""
    lines = counting(written.sections[rule.name], "step")
    return list(zip(lines, rule.steps, strict=True)) if len(lines) == len(rule.steps) else []


def _ways(written: Written, rule: QueueRule) -> Iterator[tuple[Origin, str]]:
    """Yield every place that a queue sends calls to, with the line that says so."""
    for line in overflows(written.sections[rule.name]):
        try:
            yield line.origin, read_target(line.value)
        except ValueError:
            continue  # it has been complained of
    yield from ((line.origin, step.go) for line, step in _steps(written, rule) if step.go is not None)


def _check_places(written: Written, rule: QueueRule) -> None:
    known = {"queue": written.names("queue"), "seat": written.names("seat")}
    for origin, target in _ways(written, rule):
        verb, _, name = target.partition(" ")
        if target == f"queue {rule.name}":
            hint = "raise max_wait if calls should wait longer"
            written.problems.error(origin, f"queue '{name}' sends its calls to itself", hint)
        elif verb in known and name not in known[verb]:
            hint = did_you_mean(name, known[verb]) or f"known are {', '.join(known[verb][:20]) or 'none'}"
            written.problems.error(
                origin, f"queue '{rule.name}' sends calls to {verb} '{name}', which does not exist", hint
            )
    if len(rule.steps) > STEPS_MOST:
        origin = counting(written.sections[rule.name], "step")[STEPS_MOST].origin
        written.problems.error(origin, f"queue '{rule.name}' has {len(rule.steps)} steps; {STEPS_MOST} are the most")


def _check_times(written: Written, rule: QueueRule) -> None:
    if rule.serve_after_ms >= rule.max_wait_ms:
        hint = "let serve_after be shorter"
        message = f"calls of '{rule.name}' leave after max_wait, before serve_after lets anybody have them"
        written.problems.error(written.origin(rule.name, "serve_after"), message, hint)
    if rule.wrap_up_ms > rule.wrap_up_most_ms:
        message = f"wrap_up of '{rule.name}' is longer than its wrap_up_most"
        written.problems.error(written.origin(rule.name, "wrap_up_most"), message, "raise wrap_up_most")


def _check_steps(written: Written, site: Site, rule: QueueRule) -> None:
    """Warn of steps that no call ever takes, and of skills in them that nobody knows."""
    known = {skill for one in site.queues.values() for need in one.needs for skill, _ in need}
    known |= {skill for seat in site.seats.values() for skill, _ in seat.rule.skills}
    for line, step in _steps(written, rule):
        if step.after_ms is not None and step.after_ms >= rule.max_wait_ms:
            message = f"this step of '{rule.name}' never comes: calls leave after max_wait"
            written.problems.warning(line.origin, message, "raise max_wait, or let the step come sooner")
        if step.when_waiting is not None and 0 < rule.waiting_most < step.when_waiting:
            message = f"this step of '{rule.name}' never comes: no more than {rule.waiting_most} can wait"
            written.problems.warning(line.origin, message, "raise waiting_most, or let the step come sooner")
        for skill in (*step.drop, *(name for name, _ in step.lower)):
            if skill not in known:
                hint = did_you_mean(skill, known) or "calls may still ask for it in ivr.conf or a flow"
                message = f"skill '{skill}' is asked for by no queue, and no seat has it"
                written.problems.warning(line.origin, message, hint)


def _check_idle_options(written: Written, rule: QueueRule) -> None:
    """Warn of options that do nothing as things stand. In a template they may be meant for others."""
    empty = rule.join_empty is not None or rule.leave_empty is not None
    idle = {
        "circle": (rule.strategy == "ring-circles", "strategy = ring-circles"),
        "circle_every": (rule.strategy == "ring-circles", "strategy = ring-circles"),
        "tell_every": (rule.tell_first_ms > 0, "tell_first"),
        "overflow_full": (rule.waiting_most > 0, "waiting_most"),
        "overflow_too_long": (rule.expected_most_ms > 0, "expected_most"),
        "overflow_empty": (empty, "join_empty or leave_empty"),
    }
    for option, (works, needed) in idle.items():
        line = written.sections[rule.name].last(option)
        if line is not None and line.value not in {"", "0"} and not line.inherited and not works:
            message = f"{option} does nothing in queue '{rule.name}'"
            written.problems.warning(line.origin, message, f"it needs {needed}")


def _check_circles(written: Written, site: Site) -> None:
    """Warn of queues that send calls round and round, once for each circle."""
    ways: dict[str, dict[str, Origin]] = {}
    for name, rule in site.queues.items():
        targets = ((origin, target.partition(" ")) for origin, target in _ways(written, rule))
        ways[name] = {to: origin for origin, (verb, _, to) in targets if verb == "queue"}
    told: set[str] = set()
    for name in ways:
        circle = _circle(name, ways)
        if circle and not told.intersection(circle):
            told.update(circle)
            message = f"callers can be sent in a circle: {' -> '.join([*circle, name])}"
            hint = f"after {HOPS_MOST} times they leave for `overflow` of ivr.conf"
            written.problems.warning(ways[name][(*circle, name)[1]], message, hint)


def _circle(start: str, ways: dict[str, dict[str, Origin]]) -> list[str]:
    """Return the shortest way from a queue back to itself, without its end; empty if there is none."""
    paths, beyond, seen = {start: [start]}, [start], set[str]()
    while beyond:
        here = beyond.pop(0)
        for to in ways.get(here, ()):
            if to == start:
                return paths[here]
            if to not in seen:
                seen.add(to)
                paths[to] = [*paths[here], to]
                beyond.append(to)
    return []


# Skills and tiers


def _check_needs(written: Written, site: Site, rule: QueueRule) -> None:
    """Warn of skills that nobody has, and of a queue whose calls no seat may ever take."""
    origin = written.origin(rule.name, "needs")
    had = sorted({skill for seat in site.seats.values() for skill, _ in seat.rule.skills})
    for skill in [skill for need in rule.needs for skill, _ in need if skill not in had]:
        hint = did_you_mean(skill, had) or "give it to a seat: skills = " + skill
        written.problems.warning(origin, f"queue '{rule.name}' asks for skill '{skill}', which no seat has", hint)
    seats = [seat.rule for seat in site.seats.values() if rule.name in seat.rule.queues]
    needs = rule.needs
    for step in rule.steps:
        needs = eased(needs, step.drop, step.lower)
    if rule.needs and not any(_has(seat, needs) for seat in seats):
        message = f"no seat of queue '{rule.name}' has the skills that it needs"
        hint = "give them to one of its seats, or let a step drop or lower them"
        written.problems.warning(origin, message, hint)


def _has(seat: SeatRule, needs: Needs) -> bool:
    levels = dict(seat.skills)
    return all(any(levels.get(skill, 0) >= level for skill, level in need) for need in needs)


def _check_tiers(written: Written, site: Site, seat: SeatRule) -> None:
    """Warn of a seat that never gets calls of a queue, because its tier is not among those that the queue takes."""
    for queue, tier in tiers_of(seat.queues, seat.tiers).items():
        rule = site.queues[queue]
        windows = [rule.tiers, *(step.tiers for step in rule.steps if step.tiers)]
        if not rule.tier_seats and not any(least <= tier <= most for least, most, _ in windows):
            message = f"seat '{seat.name}' is of tier {tier} in '{queue}' and never gets its calls"
            hint = "let tiers of the queue, or one of its steps, take that tier"
            written.problems.warning(written.origin(seat.name, "queues"), message, hint)


# Lines and media


def _check_lines(written: Written, site: Site) -> None:
    groups = written.names("lines")
    owners: dict[str, str] = {}
    for group in site.line_groups:
        names = [line.name for line in group.lines]
        for twice in sorted({name for name in names if names.count(name) > 1}):
            message = f"line '{twice}' is twice in '{group.name}'"
            written.problems.error(written.origin(group.name, "lines"), message, "name each line, and each trunk, once")
        for line in group.lines:
            owner = owners.setdefault(line.name, group.name)
            if owner != group.name:
                message = f"line '{line.name}' is in '{owner}' and in '{group.name}'"
                written.problems.error(written.origin(group.name, "lines"), message, "a line is in one group only")
        kept = group.keep_inbound + group.keep_emergency + group.keep_callback
        if 0 < len(group.lines) <= kept:
            message = f"all {len(group.lines)} lines of '{group.name}' are kept: no seat is ever reached over one"
            written.problems.warning(written.sections[group.name].origin, message, "keep fewer")
        if group.fault_ms > group.fault_most_ms:
            origin = written.origin(group.name, "fault_most")
            written.problems.error(origin, f"fault of '{group.name}' is longer than its fault_most")
    for name, seat in site.seats.items():
        if seat.rule.line_group and seat.rule.line_group not in groups:
            hint = did_you_mean(seat.rule.line_group, groups) or "write a section with type = lines"
            message = f"seat '{name}' is reached over lines '{seat.rule.line_group}', which do not exist"
            written.problems.error(written.origin(name, "lines"), message, hint)


def _check_media(written: Written, site: Site) -> None:
    known = [rule.name for rule in site.media]
    known += [name.partition("-")[2] for name in written.names("medium")]

    def check(names: Iterable[str], section: str, option: str) -> None:
        for name in names:
            if name not in known and name != "*":
                hint = did_you_mean(name, known) or f"write a section [medium-{name}] with type = medium"
                written.problems.error(written.origin(section, option), f"there is no medium '{name}'", hint)

    for rule in site.media:
        section = f"medium-{rule.name}"
        if section in written.sections:
            check(rule.blocks, section, "blocks")
            check(rule.interrupted_by, section, "interrupted_by")
            if (other := _sets_aside_in_turn(site, rule)) is not None:
                message = f"{rule.name} and {other} would set each other aside, and neither would go on"
                written.problems.error(written.origin(section, "interrupted_by"), message, "let one of them go first")
    for name, seat in site.seats.items():
        check(seat.rule.most, name, "most")


def _sets_aside_in_turn(site: Site, rule: MediumRule) -> str | None:
    """Name a medium that interrupts this one, and is interrupted by it, itself or by way of others."""
    by = {medium.name: medium.interrupted_by for medium in site.media}
    for first in rule.interrupted_by:
        met, ahead = {first}, [first]
        while ahead:
            for name in by.get(ahead.pop(), ()):
                if name == rule.name:
                    return first
                if name not in met:
                    met.add(name)
                    ahead.append(name)
    return None


def _check_budget(written: Written, site: Site, seat: SeatRule) -> None:
    for medium in site.media:
        if medium.cost > seat.budget:
            message = (
                f"seat '{seat.name}' never gets {medium.name}: it costs {medium.cost} of a budget of {seat.budget}"
            )
            written.problems.warning(written.origin(seat.name, "budget"), message, "raise budget, or lower the cost")
