"""Compose the acd.conf: queues, rule sets as templates, seats, and at its head what there is to know."""

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from acd.conf import Config, Section, escaped, read
from acd.importer.members import SeatDraft, Seats, is_yes, read_member
from acd.importer.notes import Note, Notes
from acd.importer.options import GENERAL, QueueDraft, take_line
from acd.importer.penalties import Change, Tiers, read_rule
from acd.options import shown
from acd.problems import ConfigError, Origin, did_you_mean
from acd.settings import QUEUE_NAME

WEIGHT_MOST = 1_000
PRIORITY = 10
"""Class of the lightest queues, callfloor's default."""
PIN_DIGITS = 6
_LINE_CHARS = 3_000
"""Longer values are continued by `+=`: a line has an end (`acd.conf`)."""
_NOTE_CHARS = 200
_RESERVED = {"general", "switch", "pause-reasons", "queue", "seat"}


class Imported(Struct, frozen=True):
    """What came of an import."""

    text: str
    """An acd.conf that `callfloor check` finds no error in."""
    notes: list[Note]
    """What has no counterpart, what is only alike, what could not be read; in the order of the files."""
    pins: dict[str, str]
    """Seat to the PIN that was made for it."""


def random_pin(seat: str) -> str:
    """Make a PIN that is neither guessed from the seat's number nor a plain row of digits."""
    while True:
        pin = "".join(str(secrets.randbelow(10)) for _ in range(PIN_DIGITS))
        steps = {(int(later) - int(former)) % 10 for former, later in pairwise(pin)}
        if seat not in pin and len(steps) > 1:
            return pin


def import_queues(queues: Path, rules: Path | None = None, *, make_pin: Callable[[str], str] = random_pin) -> Imported:
    """Read queues.conf and queuerules.conf with all they include, and make an acd.conf of them.

    What Asterisk skips is noted and skipped here too.

    Raises:
        ConfigError: one of the files is not there, or cannot be read at all.

    """
    notes = Notes()
    drafts = _read_queues(_read(queues, notes), notes)
    changes = _read_rules(_read(rules, notes), notes) if rules is not None else {}
    return _Page(drafts, changes, notes, make_pin).imported()


def _read(path: Path, notes: Notes) -> Config:
    config = read(path)
    if not config.files:
        raise ConfigError(config.problems)
    for problem in config.problems:
        notes.unread(Origin(problem.file, problem.line), problem.message[:_NOTE_CHARS])
    return config


def _read_queues(config: Config, notes: Notes) -> list[QueueDraft]:
    drafts: dict[str, QueueDraft] = {}
    for section in config.live():
        if section.name.lower() == "general":
            _read_general(section, notes)
        elif section.name in drafts:
            notes.alike(section.origin, f"queue '{section.name}' stands there twice; the first one is taken")
        else:
            drafts[section.name] = _read_queue(section, notes)
    return list(drafts.values())


def _read_general(section: Section, notes: Notes) -> None:
    for line in section.variables:
        name = line.name.lower()
        if name not in GENERAL:
            hint = did_you_mean(name, GENERAL) or "Asterisk takes options of queues from a template only"
            notes.unread(line.origin, f"{shown(line.name)} in [general]; {hint}")
        elif name == "autofill" and not is_yes(line.value):
            notes.alike(
                line.origin, "autofill is off: here callers are served at the same time as far as seats are free"
            )
        elif GENERAL[name] and is_yes(line.value):
            notes.alike(line.origin, f"{name}: {GENERAL[name]}")


def _read_queue(section: Section, notes: Notes) -> QueueDraft:
    draft = QueueDraft(name=section.name, origin=section.origin)
    known: set[str] = set()
    for line in section.variables:
        if line.name.lower() != "member":
            take_line(draft, line, notes)
        elif (member := read_member(line, notes)) is not None:
            if member.interface.lower() in known:
                notes.alike(line.origin, f"{member.interface} is in '{section.name}' already; the last line counts")
                draft.members = [one for one in draft.members if one.interface.lower() != member.interface.lower()]
            known.add(member.interface.lower())
            draft.members.append(member)
    return draft


def _read_rules(config: Config, notes: Notes) -> dict[str, list[Change]]:
    rules: dict[str, list[Change]] = {}
    for section in config.live():
        if section.name.lower() == "general":
            for line in section.variables:
                if is_yes(line.value):
                    notes.missing(line.origin, f"{shown(line.name)}: rules in a database")
        elif section.name.lower() not in rules:
            rules[section.name.lower()] = read_rule(section, notes)
    return rules


class _Page:
    """Puts the drafts into the words of acd.conf."""

    def __init__(
        self,
        queues: list[QueueDraft],
        rules: Mapping[str, list[Change]],
        notes: Notes,
        make_pin: Callable[[str], str],
    ) -> None:
        self._queues, self._rules, self._notes = queues, rules, notes
        members = [member for queue in queues for member in queue.members]
        self._seats = Seats(members, notes)
        self._priorities = _priorities({queue.weight for queue in queues})
        self._tiers = Tiers(self._penalties())
        if not self._tiers.exact:
            text = "penalties above 99 are numbered in their order, as tiers are 0 to 99"
            notes.alike(queues[0].origin, text)
        self._weigh()
        for queue in queues:
            self._seat_members(queue)
        self._compare_orders()
        self._pins = {number: make_pin(number) for number in self._seats.drafts}
        self._names = _names(queues, set(self._seats.drafts), notes)
        self._rule_names = {name: f"rule-{_plain(name)}-{place}" for place, name in enumerate(rules, 1)}

    def _penalties(self) -> Iterator[int]:
        for queue in self._queues:
            yield from (member.penalty for member in queue.members if not queue.penalties_are_weights)
        for changes in self._rules.values():
            for change in changes:
                yield from (value for value in (change.least, change.most, change.floor) if value < 1 << 31)

    def _weigh(self) -> None:
        for queue in self._queues:
            if self._priorities[queue.weight] != max(self._priorities.values()):
                text = f"weight = {queue.weight} of '{queue.name}': its calls always go before those of lighter queues"
                self._notes.alike(queue.weight_origin or queue.origin, text)

    def _seat_members(self, queue: QueueDraft) -> None:
        for member in queue.members:
            seat = self._seats.of(member)
            weighs = queue.penalties_are_weights
            seat.queues[queue.name] = 0 if weighs else self._tiers.tier(member.penalty)
            wanted = {
                "ring_in_use": _word(queue.ring_in_use if member.ring_in_use is None else member.ring_in_use),
                "set_aside_after": "1" if queue.autopause else "0",
                "set_aside_on": ", ".join(["no-answer", "refused", "hung-up", *sorted(queue.autopause_on)]),
            }
            if weighs and any(one.penalty for one in queue.members):
                wanted["weight"] = str(max(1, round(WEIGHT_MOST / (1 + member.penalty))))
            self._agree(seat, wanted, member.origin)

    def _agree(self, seat: SeatDraft, wanted: dict[str, str], origin: Origin) -> None:
        """A seat has one of each of these, for all its queues; in app_queue each membership has its own."""
        for option, value in wanted.items():
            former = seat.options.setdefault(option, value)
            if former != value:
                text = f"{option} of seat {seat.number} is {former} for all its queues, though this one has {value}"
                self._notes.alike(origin, text)

    def _compare_orders(self) -> None:
        """Seats stand in the order in which the queues first name them; another queue may have had another."""
        places = {number: place for place, number in enumerate(self._seats.drafts)}
        for queue in self._queues:
            order = [places[self._seats.of(member).number] for member in queue.members]
            if queue.options["strategy"] == "ordered" and order != sorted(order):
                text = f"'{queue.name}' is linear, and its members stood in another order than in the queues above it"
                self._notes.alike(queue.origin, text)

    # Writing

    def imported(self) -> Imported:
        """Write all of it."""
        body = [*self._rule_templates(), *self._queue_sections(), *self._seat_sections()]
        notes = self._notes.all()
        return Imported(text="\n".join([*self._head(notes), *body]) + "\n", notes=notes, pins=self._pins)

    def _head(self, notes: list[Note]) -> Iterator[str]:
        yield "; acd.conf, made of an existing queues.conf by `callfloor import`. After a change run `callfloor check`."
        yield ";"
        if notes:
            yield "; What is not as it was:"
            yield from (f"; {note}" for note in notes)
        else:
            yield "; Everything has its counterpart."
        if self._pins:
            yield ";"
            yield "; PINs cannot be known from queues.conf: each seat below has one that was made at random. Agents"
            yield "; log in by *11 and their PIN; nobody is logged in by the file, as app_queue's static members are."
        yield ""
        yield from _section("general", "", [("language", "en")])
        yield "; How long a caller waits at most was an argument of Queue(). Here it is max_wait of his queue: an"
        yield "; hour if left out. His priority was QUEUE_PRIO, and is said by ivr.conf: queue NAME priority N."
        fallback = next(iter(self._seats.drafts), "100")
        yield from _section("switch", "", [("mode", "private"), ("fallback", fallback)])

    def _rule_templates(self) -> Iterator[str]:
        used = {queue.rule.lower() for queue in self._queues}
        for name, changes in self._rules.items():
            if name not in used:
                yield f"; No queue has this as its defaultrule; give it to one: [sales](queue,{self._rule_names[name]})"
            steps = [("step", f"after {one.after_s}s, tiers {self._tiers.window(one)}") for one in changes]
            yield from _section(self._rule_names[name], "(!)", steps)

    def _queue_sections(self) -> Iterator[str]:
        written = {queue.name: dict(self._queue_options(queue)) for queue in self._queues}
        common = _common(written.values())
        yield from _section("queue", "(!)", [("type", "queue"), *common.items()])
        for queue in self._queues:
            templates = ["queue"]
            if queue.rule and queue.rule.lower() in self._rules:
                templates.append(self._rule_names[queue.rule.lower()])
            elif queue.rule:
                text = f"defaultrule = {shown(queue.rule)}: there is no such rule"
                self._notes.unread(queue.rule_origin or queue.origin, text)
            yield from _section(
                self._names[queue.name], f"({','.join(templates)})", _others(written[queue.name], common)
            )
            yield from (f";{remark}" for remark in _remarks(queue))
            yield ""

    def _queue_options(self, queue: QueueDraft) -> Iterator[tuple[str, str]]:
        options = dict(queue.options)
        priority = self._priorities[queue.weight]
        if priority != PRIORITY:
            options["priority"] = str(priority)
        heard = options["tell_wait"] == "yes" or options.get("tell_position", "yes") == "yes"
        if queue.announces and heard:
            options |= {"tell_first": "1", "tell_every": str(queue.announces)}
        else:
            options.pop("tell_wait")
            options.pop("tell_position", None)
        if not any(member for member in queue.members):
            options.pop("tier_seats", None)
        yield from options.items()

    def _seat_sections(self) -> Iterator[str]:
        common = _common(seat.options for seat in self._seats.drafts.values())
        kept = [(name, value) for name, value in common.items() if value != _SEAT_DEFAULTS.get(name)]
        yield from _section("seat", "(!)", [("type", "seat"), ("secret", "generate"), *kept])
        for seat in self._seats.drafts.values():
            served = [
                f"{self._names[name]}/{tier}" if tier else self._names[name] for name, tier in seat.queues.items()
            ]
            options = [("agent", seat.agent), ("pin", self._pins[seat.number])]
            options += [("handset", seat.handset)] if seat.handset else []
            own = _others(seat.options, common)
            options += [(name, value) for name, value in own if value != _SEAT_DEFAULTS.get(name)]
            yield from _section(seat.number, "(seat)", [*options, *_in_pieces("queues", served)])


_SEAT_DEFAULTS = {"ring_in_use": "no", "set_aside_on": "no-answer, refused, hung-up"}


def _section(name: str, templates: str, options: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f"[{name}]{templates}"
    for key, value in options:
        yield f"{key}= {escaped(value)}" if key.endswith("+") else f"{key} = {escaped(value)}"
    yield ""


def _in_pieces(name: str, values: list[str]) -> Iterator[tuple[str, str]]:
    """Write a long list in several lines, each of which adds to the one before."""
    piece, sign = "", ""
    for value in values:
        if len(piece) + len(value) > _LINE_CHARS:
            yield f"{name}{sign}", piece
            piece, sign = "", " +"
        piece = f"{piece}, {value}" if piece else value
    if piece:
        yield f"{name}{sign}", piece


def _remarks(queue: QueueDraft) -> Iterator[str]:
    if queue.periodic_s and queue.periodic:
        prompt = _plain(queue.periodic.split(",")[0].rpartition("/")[2]) or "still-busy"
        yield f"step = after {queue.periodic_s}s, say {prompt}"


def _common(options: Iterable[dict[str, str]]) -> dict[str, str]:
    """Return what all say alike, if there are several: it goes into their template."""
    sections = list(options)
    if len(sections) < 2:
        return {}
    return dict(item for item in sections[0].items() if all(item in other.items() for other in sections[1:]))


def _others(options: dict[str, str], common: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in options.items() if name not in common]


def _priorities(weights: set[int]) -> dict[int, int]:
    """Give each weight a priority class: the heaviest is served first, the lightest has the default."""
    ordered = sorted(weights)
    if len(ordered) <= PRIORITY + 1:
        return {weight: PRIORITY - place for place, weight in enumerate(ordered)}
    return {weight: min(len(ordered) - 1 - place, 99) for place, weight in enumerate(ordered)}


def _plain(name: str) -> str:
    """Make of any name one that acd.conf allows, or nothing."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:30]


def _names(queues: list[QueueDraft], seats: set[str], notes: Notes) -> dict[str, str]:
    """Give each queue a name that acd.conf allows and that is nobody else's."""
    taken = {*_RESERVED, *seats}
    names: dict[str, str] = {}
    sure = {queue.name for queue in queues if re.fullmatch(QUEUE_NAME, queue.name) and queue.name not in taken}
    for queue in queues:
        name = queue.name
        if name not in sure:
            plain = _plain(name)
            plain = f"queue-{plain}".rstrip("-") if plain in {*_RESERVED, *seats, ""} else plain
            name, number = plain, 2
            while name in taken or name in sure:
                name, number = f"{plain}-{number}", number + 1
            notes.alike(queue.origin, f"queue '{queue.name}' is '{name}' here")
        taken.add(name)
        names[queue.name] = name
    return names


def _word(value: bool) -> str:  # noqa: FBT001 - it is the value itself
    return "yes" if value else "no"
