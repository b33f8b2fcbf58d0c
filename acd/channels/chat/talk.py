"""One visitor's talk: what comes in becomes what is to be done. It waits for nothing and reads no clock.

    a tab      joined -> its lines are loaded -> ready: from then on it is sent every line in its order, once
    a line     said -> `Keep` -> stored, with its number -> sent to every tab that is ready, the one that said it too
    a visitor  there, while a tab is; gone, when none was for `grace`, or when he says so

Lines come back from the file in the order of their numbers. Should one be missing (another server wrote it, or ours was
cut off between writing and telling) all tabs load from where they are: what is stored is the truth, not what was told.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from acd.channels.chat import protocol as say
from acd.channels.chat.limits import Bucket, Rate
from acd.channels.email.text import lines as clean

TABS_MOST = 10
SHOWN_AT_FIRST = 200
"""A tab that has no line yet gets so many of the latest."""
BACK_MS = 90_000
"""After a restart of ours a page has at least so long to come again: it does not try every second."""
TYPING_MS = 7_000
"""Somebody who writes has stopped when he does not say so again for this long."""
FRAMES = Rate(60, 100)
"""Of one tab: no human is faster, so a tab that is has lost its socket."""
LINES = Rate(8, 1_500)
ASKS = Rate(6, 20_000)
"""Of one talk."""

News = Literal["line", "typing", "typing-over", "seen", "gone", "back", "who"]


class Send(Struct, frozen=True):
    """Tell a tab."""

    tab: int
    told: say.AnyTold


class Drop(Struct, frozen=True):
    """Close a tab's socket."""

    tab: int
    why: say.Over


class Load(Struct, frozen=True):
    """Read the lines after this one, then `loaded`."""

    after: int


class Keep(Struct, frozen=True):
    """Store a line, then `stored`, or `refused`."""

    tab: int
    id: str
    text: str


class NoteSeen(Struct, frozen=True):
    """Store that he has seen our lines up to this one."""

    seq: int


class Fulfil(Struct, frozen=True):
    """Do what he asks for, then `done`, or `refused`."""

    tab: int
    wish: say.Who | say.CallMe | say.Transcript


class Tell(Struct, frozen=True):
    """Tell whoever has his contact before him."""

    news: News


class Gone(Struct, frozen=True):
    """He is gone: if his contact waits, it is withdrawn."""


class Revoke(Struct, frozen=True):
    """He has ended it: nobody takes it up again by its token, and all sockets are closed."""


Effect = Send | Drop | Load | Keep | NoteSeen | Fulfil | Tell | Gone | Revoke


class _Tab:
    """One of his tabs."""

    __slots__ = ("frames", "is_known", "is_ready", "sent")

    def __init__(self, sent: int, at: int) -> None:
        self.sent = sent
        self.is_known = False
        """It was welcomed."""
        self.is_ready = False
        """It has all lines."""
        self.frames = Bucket(FRAMES, at)


class Talk:
    """A talk that is live.

    Args:
        token: how its visitor is known.
        last: number of the last line that is stored.
        we_saw: of the last line of his that one of us has seen.
        he_saw: of the last line of ours that he has seen.
        at: now.

    """

    def __init__(self, token: str, at: int, *, last: int = 0, we_saw: int = 0, he_saw: int = 0) -> None:
        self.token = token
        self.last, self.we_saw, self.he_saw = last, we_saw, he_saw
        self.standing = say.Standing(stage="idle")
        self.greeting = self.hours = ""
        self.grace_ms = 0
        self.is_gone = False
        self._tabs: dict[int, _Tab] = {}
        self._lines, self._asks = Bucket(LINES, at), Bucket(ASKS, at)
        self._gone_at: int | None = None
        self._he_types_until: int | None = None
        self._we_type_until: int | None = None

    @property
    def tabs(self) -> int:
        """How many there are."""
        return len(self._tabs)

    @property
    def he_types(self) -> bool:
        """Whether he writes something."""
        return self._he_types_until is not None

    # Tabs

    def join(self, tab: int, last: int, at: int) -> list[Effect]:
        """Take a tab in that has the lines up to `last`."""
        if len(self._tabs) >= TABS_MOST:
            return [Drop(tab, "too-many")]
        # What it claims to have and does not exist it does not have: it is of a file that was set back.
        after = last if 0 < last <= self.last else max(0, self.last - SHOWN_AT_FIRST)
        self._tabs[tab] = _Tab(after, at)
        self._gone_at = None
        return [*self._is_back(), Load(after)]

    def _is_back(self) -> list[Effect]:
        was_gone, self.is_gone = self.is_gone, False
        return [Tell("back")] if was_gone else []

    def part(self, tab: int, at: int) -> list[Effect]:
        """Forget a tab."""
        if self._tabs.pop(tab, None) is not None and not self._tabs and not self.is_gone:
            self._gone_at = at + self.grace_ms
        return []

    def leave_unless_back(self, at: int) -> None:
        """Have the grace time begin now: the server came up, and nobody is here yet."""
        if not self._tabs:
            self._gone_at = at + max(self.grace_ms, BACK_MS)

    # Lines

    def stored(self, line: say.Line, tab: int | None = None) -> list[Effect]:
        """Say that a line is stored: by a tab, or by one of us."""
        if line.seq <= self.last:  # said twice: who says it again has not heard of it
            return [Send(tab, line)] if tab is not None and tab in self._tabs else []
        if line.seq > self.last + 1:
            self.last = line.seq
            for one in self._tabs.values():
                one.is_ready = False
            return [Load(min(one.sent for one in self._tabs.values()))] if self._tabs else []
        self.last = line.seq
        if not line.mine:
            self._we_type_until = None
        found: list[Effect] = []
        for name, one in self._tabs.items():
            if one.is_ready:
                one.sent = line.seq
                found.append(Send(name, line))
        return [*found, Tell("line")] if line.mine else found

    def loaded(self, after: int, lines: Sequence[say.Line], last: int) -> list[Effect]:
        """Give lines that were read, in order.

        Args:
            after: the number that was asked for.
            lines: those after it.
            last: there are no others up to this number.

        """
        self.last = max(self.last, last)
        found: list[Effect] = []
        behind: list[int] = []
        for name, tab in self._tabs.items():
            if tab.sent >= after:  # else another load is on its way to it
                found += self._catch_up(name, tab, lines, last)
            if not tab.is_ready:
                behind.append(tab.sent)
        return [*found, Load(min(behind))] if behind else found

    def _catch_up(self, name: int, tab: _Tab, lines: Sequence[say.Line], last: int) -> Iterator[Effect]:
        if not tab.is_known:
            tab.is_known = True
            yield Send(name, self._welcome())
        yield from (Send(name, line) for line in lines if line.seq > tab.sent)
        tab.sent = max(tab.sent, last)
        was_ready, tab.is_ready = tab.is_ready, tab.sent == self.last
        if tab.is_ready and not was_ready:
            yield Send(name, self.standing)

    def _welcome(self) -> say.Welcome:
        return say.Welcome(token=self.token, last=self.last, seen=self.we_saw, greeting=self.greeting, hours=self.hours)

    # What he says

    def receive(self, tab: int, said: say.AnySaid, at: int) -> list[Effect]:
        """Take in what a tab says."""
        one = self._tabs.get(tab)
        if one is None:
            return []
        if not one.frames.take(at):
            return [Drop(tab, "too-much")]
        match said:
            case say.Say():
                return self._say(tab, said, at)
            case say.Typing():
                return self.types(at + TYPING_MS)
            case say.Seen():
                return self._seen(said.seq)
            case say.Leave():
                return [*self.end(), Revoke()]
            case say.Ping():
                return [Send(tab, say.Pong())]
            case say.Hello():
                return [Drop(tab, "protocol")]
        return [Fulfil(tab, said)] if self._asks.take(at) else [Send(tab, say.Refused(id=said.id, why="slow"))]

    def _say(self, tab: int, said: say.Say, at: int) -> list[Effect]:
        text = clean(said.text).strip()
        if not text:
            return [Send(tab, say.Refused(id=said.id, why="empty"))]
        if not self._lines.take(at):
            return [Send(tab, say.Refused(id=said.id, why="slow"))]
        self._he_types_until = None
        return [*self._is_back(), Keep(tab, said.id, text)]

    def may_bring_file(self, at: int) -> bool:
        """Whether he may bring a file now: it is a line as others are."""
        return self._lines.take(at)

    def types(self, until: int | None) -> list[Effect]:
        """He writes, until then unless he says so again; None: he does so no more."""
        was_typing, self._he_types_until = self.he_types, until
        if was_typing == self.he_types:
            return []
        return [Tell("typing" if self.he_types else "typing-over")]

    def _seen(self, seq: int) -> list[Effect]:
        if not self.he_saw < seq <= self.last:
            return []
        self.he_saw = seq
        return [NoteSeen(seq), Tell("seen")]

    def end(self) -> list[Effect]:
        """Say that he is gone for good, or has been for too long."""
        if self.is_gone:
            return []
        self.is_gone, self._gone_at, self._he_types_until = True, None, None
        return [Gone(), Tell("gone")]

    def answer(self, tab: int, told: say.Done | say.Refused) -> list[Effect]:
        """Say what came of what a tab asked for."""
        return [Send(tab, told)] if tab in self._tabs else []

    # What he is told of us

    def stand(self, standing: say.Standing) -> list[Effect]:
        """Say how his contact stands now."""
        if standing == self.standing:
            return []
        self.standing = standing
        if standing.stage != "talking":
            self._we_type_until = None
        return list(self._to_all(standing))

    def we_type(self, at: int) -> list[Effect]:
        """One of us writes."""
        was_typing, self._we_type_until = self._we_type_until is not None, at + TYPING_MS
        return [] if was_typing else list(self._to_all(say.WeType(on=True)))

    def we_have_seen(self, seq: int) -> list[Effect]:
        """One of us was shown all lines up to this one."""
        if seq <= self.we_saw:
            return []
        self.we_saw = seq
        return list(self._to_all(say.WeSaw(seq=seq)))

    def _to_all(self, told: say.AnyTold) -> Iterator[Effect]:
        return (Send(name, told) for name, tab in self._tabs.items() if tab.is_ready)

    # Time

    def next_deadline(self) -> int | None:
        """When something is due though nobody says anything, ms; None for never."""
        times = (self._gone_at, self._he_types_until, self._we_type_until)
        return min((one for one in times if one is not None), default=None)

    def tick(self, at: int) -> list[Effect]:
        """Do what is due."""
        found: list[Effect] = []
        if self._he_types_until is not None and at >= self._he_types_until:
            self._he_types_until = None
            found.append(Tell("typing-over"))
        if self._we_type_until is not None and at >= self._we_type_until:
            self._we_type_until = None
            found += self._to_all(say.WeType(on=False))
        if self._gone_at is not None and at >= self._gone_at:
            found += self.end()
        return found
