"""Members become seats.

    member => interface[,penalty][,membername][,state_interface][,ringinuse][,wrapuptime][,paused]

A member is an interface; a seat has a number. `PJSIP/101` is seat 101, whose endpoint callfloor writes itself. Any
other interface keeps its name as the seat's handset, and gets the number that is in it or one that is free.
"""

import re

from msgspec import Struct, field

from acd.conf import Variable
from acd.importer.notes import Notes
from acd.options import shown
from acd.problems import Origin
from acd.settings import SEAT_NAME

HANDSET = r"[A-Za-z][A-Za-z0-9]*/[A-Za-z0-9][A-Za-z0-9_.@/+-]{0,79}"
FIRST_NUMBER = 7_001
"""Of those given to members without one."""

_YES = {"yes", "true", "y", "t", "1", "on"}
_NOT_IN_A_NAME = re.compile(r'["<>\\\x00-\x1f\x7f]+')


def is_yes(text: str) -> bool:
    """Read a truth value as Asterisk's `ast_true` does."""
    return text.strip().lower() in _YES


class Member(Struct, frozen=True):
    """One member of one queue."""

    interface: str
    penalty: int
    agent: str
    ring_in_use: bool | None
    """None where the queue's own counts."""
    origin: Origin


class SeatDraft(Struct):
    """A seat in the making."""

    number: str
    handset: str
    """Empty where it follows from the number."""
    agent: str
    origin: Origin
    queues: dict[str, int] = field(default_factory=dict)
    """Queue to the seat's tier there."""
    options: dict[str, str] = field(default_factory=dict)


def read_member(line: Variable, notes: Notes) -> Member | None:
    """Read a line `member =>`; None if it names no interface that could be rung."""
    fields = [*_split(line.value), *[""] * 7][:7]
    interface, penalty, name, state, in_use, wrap_up, paused = fields
    if not re.fullmatch(HANDSET, interface):
        notes.unread(line.origin, f"member {shown(interface)}: no technology/name that can be rung")
        return None
    if penalty and not re.fullmatch(r"-?[0-9]{1,9}", penalty):
        notes.unread(line.origin, f"penalty {shown(penalty)} of {interface}; Asterisk takes it for 0")
    agent = " ".join(_NOT_IN_A_NAME.sub(" ", name).split())[:80]
    if agent != name:
        notes.alike(line.origin, f"the name of {interface} is shortened to what can be shown")
    if state and state.lower() != interface.lower():
        text = f"{interface} has the state of {shown(state)}: here the handset's own state counts"
        notes.missing(line.origin, text)
    if wrap_up:
        notes.missing(line.origin, f"wrap-up of {interface} alone: here it is the queue's")
    if is_yes(paused):
        notes.missing(line.origin, f"{interface} begins paused: here agents log in before they get calls")
    return Member(
        interface=interface,
        penalty=int(penalty) if re.fullmatch("[0-9]{1,9}", penalty) else 0,
        agent=agent or interface,
        ring_in_use=is_yes(in_use) if in_use else None,
        origin=line.origin,
    )


def _split(text: str) -> list[str]:
    """Split at commas, as Asterisk does: not within quotes, and a backslash takes the next character as it is."""
    fields, quoted, escaped = [""], False, False
    for char in text:
        if escaped:
            fields[-1], escaped = fields[-1] + char, False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            fields.append("")
        else:
            fields[-1] += char
    return [one.strip() for one in fields]


class Seats:
    """Gives each interface a seat, and each seat a number of its own."""

    def __init__(self, members: list[Member], notes: Notes) -> None:
        self._notes = notes
        self._numbers: dict[str, str] = {}
        self._taken: set[str] = set()
        self._next = FIRST_NUMBER
        self.drafts: dict[str, SeatDraft] = {}
        for find in (_own_number, self._number_inside, self._next_number):
            for member in members:  # whoever has a number by his name keeps it, wherever he stands
                key = _key(member.interface)
                if key not in self._numbers and (number := find(member.interface)) is not None:
                    self._numbers[key] = number
                    self._taken.add(number)
                    self._note_number(member, number)

    def of(self, member: Member) -> SeatDraft:
        """Return the seat of a member."""
        number = self._numbers[_key(member.interface)]
        draft = self.drafts.get(number)
        if draft is None:
            handset = "" if _own_number(member.interface) == number else member.interface
            draft = SeatDraft(number=number, handset=handset, agent=member.agent, origin=member.origin)
            self.drafts[number] = draft
        elif member.agent not in {draft.agent, member.interface}:
            if draft.agent in {draft.handset, f"PJSIP/{number}"}:
                draft.agent = member.agent
            else:
                text = f"seat {number} is called {shown(member.agent)} here and {shown(draft.agent)} elsewhere"
                self._notes.alike(member.origin, text)
        return draft

    def _number_inside(self, interface: str) -> str | None:
        match = re.match(r"\D*([1-9][0-9]{2,7})(?!\d)", interface.partition("/")[2])
        return match[1] if match and match[1] not in self._taken else None

    def _next_number(self, _interface: str) -> str:
        while str(self._next) in self._taken:
            self._next += 1
        return str(self._next)

    def _note_number(self, member: Member, number: str) -> None:
        interface = member.interface
        if interface.lower().startswith("sip/"):
            self._notes.alike(member.origin, f"{interface}: chan_sip is gone from Asterisk; a PJSIP phone is meant")
        if _own_number(interface) is None:
            self._notes.alike(member.origin, f"{interface} is seat {number}: a seat has a number")
        if interface.lower().startswith(("local/", "agent/")):
            text = f"{interface}: whether the phone behind it is busy or there at all is not seen"
            self._notes.alike(member.origin, text)


def _own_number(interface: str) -> str | None:
    match = re.fullmatch(rf"(?:pj)?sip/({SEAT_NAME})", interface, re.IGNORECASE)
    return match[1] if match else None


def _key(interface: str) -> str:
    own = _own_number(interface)
    return f"pjsip/{own}" if own is not None else interface.lower()
