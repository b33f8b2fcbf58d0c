"""What became of each contact, asked of everybody but callfloor's program: who was answered what, where, how often.

Asked are the customers' mailboxes, the message centre, the provider, the visitors, sipp on both sides, and the customer
file as it lies on the disk. Each gives its complaints; none is a good sign.
"""

import email
import email.policy
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from tests.blend.agents import TOKEN
from tests.blend.ends import Visitor, thanks
from tests.blend.plan import Contact, Scale
from tests.channels.postfix import ALL

JUST_MS = 1_000
"""What a start sees in the switch may be so old."""
WINDOW = 10
"""Texts that may be on their way at once (`window` of the message centre, and of the provider's round)."""


class Heard:
    """What customers were answered: who, in which medium, which words; each time."""

    def __init__(self) -> None:
        self.answers = Counter[tuple[str, str, str]]()
        """(medium and way, who, words) -> how often."""
        self.twice: list[str] = []
        """What came twice, as the same thing: a mail under one Message-ID, a text under one name."""

    def mails(self, boxes: Path) -> None:
        """Read the customers' mailbox."""
        seen = set[tuple[str, str]]()
        for path in boxes.glob(f"{ALL}/*/*"):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            who, name = mail["Delivered-To"].removesuffix("@example.org"), mail["Message-ID"]
            if (who, name) in seen:
                self.twice.append(f"mail {name} to {who}")
                continue
            seen.add((who, name))
            words = mail.get_body(("plain",)).get_content().strip()
            in_thread = re.fullmatch(r"<(.*)@example\.org>", mail["In-Reply-To"] or "")
            answer = next((line for line in words.splitlines() if line.startswith("Answer")), words)
            token = in_thread[1] if in_thread else "no thread"
            self.answers["email", who, answer if f" {token}." in answer else f"{answer} (in {token})"] += 1

    def texts(self, way: str, told: Sequence[tuple[str, str, str]]) -> None:
        """Take what a message centre or provider was given: to whom, which words, under which name."""
        named = Counter(told)
        for (to, words, _), count in named.items():
            self.answers[way, to.lstrip("+"), words] += 1
            if count > 1:
                self.twice.append(f"{way} to {to}: {count} times")

    def chats(self, visitors: Sequence[Visitor]) -> Iterator[str]:
        """Take what visitors saw, and complain of holes, of repetitions, and of lines that changed."""
        for one in visitors:
            yield from one.said_otherwise
            if sorted(one.lines) != list(range(1, len(one.lines) + 1)):
                yield f"{one.contact.who} saw lines {sorted(one.lines)}"
            mine = [words for is_mine, words in one.lines.values() if is_mine]
            if mine != [f"What about {one.contact.token}?", thanks(one.contact)]:
                yield f"{one.contact.who} is said to have said {mine}"
            for words in (words for is_mine, words in one.lines.values() if not is_mine and words):
                self.answers["socket", one.contact.who, words] += 1

    def faults(self, contacts: Sequence[Contact], *, twice_most: int) -> Iterator[str]:
        """Each is answered once, in his medium, with his words, and nobody is told anything else."""
        wanted = {
            ("email" if one.medium == "email" else one.way, one.who, one.answer)
            for one in contacts
            if one.medium != "voice"
        }
        for missing in sorted(wanted - self.answers.keys()):
            yield f"not answered: {missing}"
        for more in sorted(self.answers.keys() - wanted):
            yield f"answered what nobody should be: {more}"
        for answer, count in self.answers.items():
            if count > 1:
                yield f"answered {count} times: {answer}"
        if len(self.twice) > twice_most or any("3 times" in one for one in self.twice):
            yield f"sent again: {self.twice}"


class Calls:
    """What sipp noted on both sides.

    Args:
        contacts: all of them.
        ended: when each caller was hung up on by an agent, epoch in ms.
        answered: whom the agents' telephones answered, and when.
        blind: from when to when nobody saw the switch, epoch in ms.

    """

    def __init__(
        self,
        contacts: Sequence[Contact],
        ended: dict[str, float],
        answered: Sequence[tuple[str, float]],
        blind: Sequence[tuple[float, float]],
    ) -> None:
        self.callers = {one.who for one in contacts if one.medium == "voice"}
        self.ended, self.blind = ended, blind
        self.late = [(who, at) for who, at in answered if at > ended.get(who, at)]
        """Whose telephone rang, and was answered, in the moment in which they had gone."""
        began = {who: at for who, at in answered if (who, at) not in self.late}
        self.counts = Counter(who for who, at in answered if (who, at) not in self.late)
        self.unseen = {
            who
            for who, at in ended.items()
            if any(since <= began.get(who, 0) and at <= until for since, until in blind)
        }
        """Whose whole talk fell into a time in which the program was dead: it cannot tell that he was answered."""

    def faults(self) -> Iterator[str]:
        """Each caller was answered by one telephone, once, and hung up on by it."""
        if self.callers != self.ended.keys():
            yield f"callers who were not served: {sorted(self.callers - self.ended.keys())}"
        wrong = {who: self.counts[who] for who in self.callers | self.counts.keys()}
        if wrong := {who: count for who, count in wrong.items() if count != (who in self.callers)}:
            yield f"callers answered otherwise than once: {wrong}"
        for who, at in self.late:  # a start may find him in the switch as he leaves
            if not any(since <= at <= until + JUST_MS for since, until in self.blind):
                yield f"{who} had gone when a telephone rang for him at {at}"

    def stored(self, rows: dict[str, list[tuple]]) -> Iterator[str]:
        """Each is on the timeline of his own, once."""
        for who in sorted(self.callers):
            own = rows.get(who, [])
            outcomes = [row[:3] for row in own]
            if len(own) != 1 or (outcomes != [("voice", "in", "answered")] and who not in self.unseen):
                yield f"{who} is in the customer file as {own}"
            elif own[0][5] or (who not in self.unseen and not (own[0][3] and own[0][4])):
                yield f"{who} has a code, or is not known to have been at a seat and to have gone: {own}"


OF_TOKEN = """
SELECT interactions.id, interactions.medium, interactions.direction, interactions.outcome, interactions.code,
  interactions.seat, interactions.person_id, interactions.ended_at, messages.direction, messages.body
FROM messages JOIN interactions ON interactions.id = messages.interaction_id ORDER BY messages.id"""
OF_CALLERS = """
SELECT interactions.medium, interactions.direction, interactions.outcome, interactions.seat, interactions.ended_at,
  interactions.code, handles.value
FROM interactions JOIN handles ON handles.person_id = interactions.person_id
WHERE interactions.medium = 'voice' AND handles.kind = 'number'"""


def stored_faults(contacts: Sequence[Contact], calls: Calls, file: Path, codes: dict[str, str]) -> Iterator[str]:
    """Each is one contact of one customer in the customer file, answered, with all that was written in it."""
    with closing(sqlite3.connect(file)) as database:
        written, called = database.execute(OF_TOKEN).fetchall(), database.execute(OF_CALLERS).fetchall()
    by_token: dict[str, list[tuple]] = {}
    for row in written:
        for token in set(TOKEN.findall(row[-1] or "")):
            by_token.setdefault(token, []).append(row)
    of_callers: dict[str, list[tuple]] = {}
    for row in called:
        of_callers.setdefault(row[-1].lstrip("+"), []).append(row)
    yield from calls.stored(of_callers)
    people = Counter[int]()
    for one in (one for one in contacts if one.medium != "voice"):
        rows = by_token.get(one.token, [])
        yield from _written_faults(one, rows, codes[one.medium])
        if one.medium != "chat":  # of whom nobody knows who he is
            people.update({row[6] for row in rows})
    if several := [person for person, count in people.items() if person is None or count > 1]:
        yield f"customers of several contacts, or none: {several}"


def _written_faults(contact: Contact, rows: list[tuple], code: str) -> Iterator[str]:
    """All that was written is in one contact, which ended as it should."""
    if len({row[0] for row in rows}) != 1:
        yield f"{contact} is in the customer file as {rows}"
        return
    ended = {row[1:5] for row in rows}
    if ended != {(contact.medium, "in", "answered", code)} or not all(row[5] and row[7] for row in rows):
        yield f"{contact} ended in the customer file as {rows}"
    told = Counter((row[8], _first(row[9])) for row in rows)
    expected = Counter({("in", "asked"): 1, ("out", contact.answer): 1})
    expected.update({("in", thanks(contact)): 1} if contact.medium == "chat" else {})
    if told != expected:
        yield f"{contact} wrote and was written in the customer file: {told}"


def _first(body: str) -> str:
    lines = [line for line in body.splitlines() if TOKEN.search(line)]
    return "asked" if lines[0].lower().startswith("what about") else lines[0]


def twice_most(scale: Scale) -> int:
    """What a kill may have sent again: what was on its way in that moment."""
    return scale.kills * WINDOW
