"""What each option of a queue in queues.conf means in acd.conf.

A reader takes the draft of a queue and the line. It sets options of acd.conf, notes what is only alike, or both. An
option that says the same as leaving it out is not worth a note.
"""

import re
from collections.abc import Callable, Mapping

from msgspec import Struct, field

from acd.conf import Variable
from acd.importer.members import Member, is_yes
from acd.importer.notes import Notes
from acd.options import shown
from acd.problems import Origin, did_you_mean
from acd.settings import MUSIC_CLASS

DEFAULTS = {
    "strategy": "ring-all",
    "refusal": "5",
    "wrap_up": "0",
    "tell_wait": "no",
}
"""What holds in app_queue where a queue says nothing, and is another default here."""


class QueueDraft(Struct):
    """A queue in the making."""

    name: str
    origin: Origin
    options: dict[str, str] = field(default_factory=lambda: dict(DEFAULTS))
    remarks: list[str] = field(default_factory=list)
    """Lines of acd.conf that need something else first; written as comments."""
    members: list[Member] = field(default_factory=list)
    weight: int = 0
    weight_origin: Origin | None = None
    rule: str = ""
    rule_origin: Origin | None = None
    ring_in_use: bool = True
    autopause: bool = False
    autopause_on: set[str] = field(default_factory=set)
    periodic_s: int = 0
    periodic: str = ""
    announces: int = 0
    penalties_are_weights: bool = False


class Line(Struct, frozen=True):
    """One option as it is written."""

    name: str
    value: str
    origin: Origin
    notes: Notes

    def alike(self, text: str) -> None:
        """Note that it is not quite the same here."""
        self.notes.alike(self.origin, f"{self.said}: {text}")

    def missing(self, text: str) -> None:
        """Note that there is nothing of it here."""
        self.notes.missing(self.origin, f"{self.said}: {text}")

    @property
    def said(self) -> str:
        """The line, as a note repeats it."""
        value = self.value if len(self.value) <= 60 else f"{self.value[:60]}..."
        return f"{self.name} = {value}"

    def number(self, least: int, most: int) -> int | None:
        """Read a whole number as Asterisk's atoi does, within what acd.conf allows; None if there is none."""
        match = re.match(r"\s*([+-]?[0-9]{1,9})", self.value)
        if match is None:
            self.notes.unread(self.origin, f"{self.said}: not a number")
            return None
        value = int(match[1])
        if not least <= value <= most:
            nearest = min(max(value, least), most)
            self.alike(f"{nearest}, as {least} to {most} is possible here")
            return nearest
        return value


Reader = Callable[[QueueDraft, Line], None]

_STRATEGIES = {
    "ringall": ("ring-all", ""),
    "leastrecent": ("longest-idle", "who is idle longest, whichever queue he worked for last"),
    "fewestcalls": ("fewest-calls", "who logs in begins with the fewest of his colleagues"),
    "random": ("random", ""),
    "rrmemory": ("round-robin", ""),
    "roundrobin": ("round-robin", ""),
    "rrordered": ("round-robin", "the order of the file does not count after the first round"),
    "linear": ("ordered", ""),
    "wrandom": ("weighted-random", "the weight of a seat is made of its penalty so that it is about as likely"),
}

_EMPTY = {
    "paused": ("paused",),
    "penalty": ("tier",),
    "inuse": ("busy",),
    "ringing": ("busy",),
    "unavailable": ("unreachable",),
    "invalid": ("unreachable",),
    "unknown": ("unreachable",),
    "wrapup": ("wrap-up",),
    "strict": ("tier", "paused", "unreachable"),
    "loose": ("tier", "unreachable"),
}
_BROAD = ("tier", "paused", "unreachable")


def _strategy(queue: QueueDraft, line: Line) -> None:
    word = line.value.lower()
    if word not in _STRATEGIES:
        hint = did_you_mean(word, _STRATEGIES)
        line.notes.unread(
            line.origin, f"strategy {shown(line.value)}; Asterisk takes ringall instead; {hint}".rstrip("; ")
        )
        queue.options["strategy"] = "ring-all"
        queue.penalties_are_weights = False
        return
    queue.options["strategy"], difference = _STRATEGIES[word]
    queue.penalties_are_weights = word == "wrandom"
    if difference:
        line.alike(difference)


def _timeout(queue: QueueDraft, line: Line) -> None:
    if line.value.strip() == "0":
        line.alike("a seat rings for ever there, and 5 minutes here")
        queue.options["ring"] = "5m"
    elif (seconds := line.number(3, 300)) is not None:
        queue.options["ring"] = str(seconds)


def _set_number(option: str, least: int, most: int) -> Reader:
    def read(queue: QueueDraft, line: Line) -> None:
        if (value := line.number(least, most)) is not None:
            queue.options[option] = str(value)

    return read


def _weight(queue: QueueDraft, line: Line) -> None:
    queue.weight, queue.weight_origin = line.number(0, 10**9) or 0, line.origin


def _empty(option: str) -> Reader:
    def read(queue: QueueDraft, line: Line) -> None:
        absences: list[str] = []
        for word in line.value.lower().replace(" ", "").split(","):
            if word in {"yes", "no"} or (word not in _EMPTY and is_yes(word)):
                # "yes" means: join although it is empty, but: leave when it is empty
                strict = (word == "no") == (option == "join_empty")
                absences += _BROAD if strict else ()
            elif word in _EMPTY:
                absences += _EMPTY[word]
            elif word:
                line.notes.unread(line.origin, f"{line.said}: {shown(word)} is no reason to count as absent")
        queue.options.pop(option, None)  # what its template says counts no more
        if absences:
            queue.options[option] = ", ".join(dict.fromkeys(absences))
        if ("inuse" in line.value) != ("ringing" in line.value):
            line.alike("a phone that rings and one that is in use are both `busy` here")

    return read


def _autopause(queue: QueueDraft, line: Line) -> None:
    queue.autopause = line.value.lower() == "all" or is_yes(line.value)
    if queue.autopause and line.value.lower() != "all":
        line.alike("the seat is paused in all its queues")


def _autopause_on(outcome: str) -> Reader:
    def read(queue: QueueDraft, line: Line) -> None:
        if is_yes(line.value):
            queue.autopause_on.add(outcome)

    return read


def _ring_in_use(queue: QueueDraft, line: Line) -> None:
    queue.ring_in_use = is_yes(line.value)


def _announce_frequency(queue: QueueDraft, line: Line) -> None:
    queue.announces = line.number(0, 3_600) or 0


def _announce_position(queue: QueueDraft, line: Line) -> None:
    word = line.value.lower()
    queue.options["tell_position"] = "yes" if word in {"limit", "more"} or is_yes(word) else "no"
    if word in {"limit", "more"}:
        line.alike("every position is told")


def _announce_holdtime(queue: QueueDraft, line: Line) -> None:
    word = line.value.lower()
    queue.options["tell_wait"] = "yes" if word == "once" or is_yes(word) else "no"
    if word == "once":
        line.alike("it is told each time")


def _periodic_frequency(queue: QueueDraft, line: Line) -> None:
    queue.periodic_s = line.number(0, 86_400) or 0


def _periodic(queue: QueueDraft, line: Line) -> None:
    queue.periodic = line.value
    line.missing("said once by a step: `step = after 60s, say PROMPT`, with a prompt of that name in ivr.conf")


def _music(queue: QueueDraft, line: Line) -> None:
    if re.fullmatch(MUSIC_CLASS, line.value):
        queue.options["music"] = line.value
    elif line.value:
        line.notes.unread(line.origin, f"{line.said}: no class can be named so here")


def _autofill(_queue: QueueDraft, line: Line) -> None:
    if not is_yes(line.value):
        line.alike("callers are served at the same time as far as seats are free")


def _rule(queue: QueueDraft, line: Line) -> None:
    queue.rule, queue.rule_origin = line.value, line.origin


def _none(text: str, *, unless: tuple[str, ...] = ("0", "no", "")) -> Reader:
    def read(_queue: QueueDraft, line: Line) -> None:
        if line.value.lower() not in unless:
            line.missing(text)

    return read


def _needless(_queue: QueueDraft, _line: Line) -> None:
    """What it asks for is always so here."""


def _sound(_queue: QueueDraft, line: Line) -> None:
    if line.value != line.name:  # else it is Asterisk's own recording
        line.missing("the sentences are callfloor's own")


_ROUND = _none("a wait is told as a range of minutes")
_RECORDING = _none("calls are not recorded by the queue")
_VARIABLES = _none("no variables of the queue are set; the journal holds all of it")

READERS: Mapping[str, Reader] = {
    "strategy": _strategy,
    "timeout": _timeout,
    "retry": _set_number("refusal", 0, 3_600),
    "wrapuptime": _set_number("wrap_up", 0, 3_600),
    "maxlen": _set_number("waiting_most", 0, 10_000),
    "penaltymemberslimit": _set_number("tier_seats", 0, 1_000),
    "weight": _weight,
    "joinempty": _empty("join_empty"),
    "leavewhenempty": _empty("leave_empty"),
    "autopause": _autopause,
    "autopausebusy": _autopause_on("busy"),
    "autopauseunavail": _autopause_on("unreachable"),
    "autopausedelay": _none("a seat is set aside at once"),
    "ringinuse": _ring_in_use,
    "announce-frequency": _announce_frequency,
    "announce-position": _announce_position,
    "announce-holdtime": _announce_holdtime,
    "periodic-announce-frequency": _periodic_frequency,
    "periodic-announce": _periodic,
    "musicclass": _music,
    "music": _music,
    "musiconhold": _music,
    "defaultrule": _rule,
    "autofill": _autofill,
    "announce": _none("the agent hears no name of a queue"),
    "queue-callerannounce": _none("caller and agent are joined at once"),
    "servicelevel": _none("it is asked for by the reports, not by the queue"),
    "context": _none("a waiting caller cannot leave by a key"),
    "timeoutpriority": _none("max_wait ends a wait whether a seat rings or not", unless=("app",)),
    "timeoutrestart": _none("each ring has its own time"),
    "memberdelay": _none("caller and agent are joined at once"),
    "reportholdtime": _none("the agent does not hear how long the caller waited"),
    "min-announce-frequency": _none("announcements come at the times of tell_first and tell_every", unless=("15",)),
    "announce-position-limit": _none("every position is told", unless=("0", "5")),
    "announce-position-only-up": _none("a position is told whether it improved or not"),
    "announce-to-first-user": _none("the first caller is told too; an offer interrupts it"),
    "announce-round-seconds": _ROUND,
    "periodic-announce-startdelay": _none("write the time into the step that says it"),
    "random-periodic-announce": _none("a step says one prompt"),
    "relative-periodic-announce": _none("a step is said once"),
    "monitor-format": _RECORDING,
    "monitor-type": _none("calls are not recorded by the queue", unless=("mixmonitor", "")),
    "setinterfacevar": _VARIABLES,
    "setqueueentryvar": _VARIABLES,
    "setqueuevar": _VARIABLES,
    "membergosub": _none("nothing of the dialplan runs when an agent answers"),
    "membermacro": _none("nothing of the dialplan runs when an agent answers"),
    "eventwhencalled": _needless,
    "eventmemberstatus": _needless,
    "reconfigure": _needless,
} | dict.fromkeys(
    (
        *("queue-youarenext", "queue-thereare", "queue-callswaiting", "queue-quantity1", "queue-quantity2"),
        *("queue-holdtime", "queue-minute", "queue-minutes", "queue-seconds", "queue-thankyou", "queue-reporthold"),
        *("queue-lessthan", "queue-less-than", "sound"),
    ),
    _sound,
)
"""Option of queues.conf -> what it means here."""

GENERAL: Mapping[str, str] = {
    "persistentmembers": "",
    "keepstats": "",
    "monitor-type": "",
    "updatecdr": "",
    "log_membername_as_agent": "",
    "log-caller-id-name": "",
    "log-restricted-caller-id": "",
    "log_unpause_on_reason_change": "",
    "shared_lastcall": "",  # wrap-up is the seat's, whichever queue it came from
    "negative_penalty_invalid": "a member with a negative penalty is of tier 0",
    "force_longest_waiting_caller": "",  # always so: one order of waiting over all queues
    "autofill": "",
}
"""Options of [general], with what is to be said of them where they are not off; nothing where it is always so."""


def take_line(queue: QueueDraft, variable: Variable, notes: Notes) -> None:
    """Read one option of a queue."""
    line = Line(name=variable.name.lower(), value=variable.value, origin=variable.origin, notes=notes)
    reader = READERS.get(line.name)
    if reader is None:
        hint = did_you_mean(line.name, READERS)
        text = f"unknown option {shown(variable.name)} of queue '{queue.name}'"
        notes.unread(variable.origin, f"{text}; {hint}" if hint else text)
    else:
        reader(queue, line)
