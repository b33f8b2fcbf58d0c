"""One visitor's talk: lines, tabs, who is there, and for how long. No clock, no socket."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from acd.channels.chat import protocol as say
from acd.channels.chat.talk import (
    BACK_MS,
    FRAMES,
    LINES,
    TABS_MOST,
    TYPING_MS,
    Drop,
    Fulfil,
    Gone,
    Keep,
    Load,
    Revoke,
    Send,
    Talk,
    Tell,
)

GRACE = 60_000


def talk(**known) -> Talk:
    made = Talk("t" * 43, 0, **known)
    made.grace_ms = GRACE
    return made


def line(seq, *, mine=True, text="hello", name="") -> say.Line:
    return say.Line(seq=seq, id=name or f"line-{seq:04}", mine=mine, at=seq, text=text)


def joined(made: Talk, *tabs: int) -> Talk:
    for tab in tabs:
        made.join(tab, 0, 0)
    made.loaded(0, [], made.last)
    return made


def sent(effects, tab):
    return [one.told for one in effects if isinstance(one, Send) and one.tab == tab]


def test_a_line_is_kept_before_anybody_hears_of_it():
    """What he says is asked to be stored, and no tab is told of it before that is done."""
    made = joined(talk(), 1, 2)
    assert made.receive(1, say.Say(id="abcdefgh", text=" hi "), 10) == [Keep(1, "abcdefgh", "hi")]
    stored = line(1, name="abcdefgh")
    assert made.stored(stored, 1) == [Send(1, stored), Send(2, stored), Tell("line")]


def test_a_line_that_is_said_twice_is_told_again_to_who_says_it():
    """He did not hear that it is stored; the other tab has it already."""
    made = joined(talk(), 1, 2)
    made.stored(line(1), 1)
    assert made.stored(line(1), 1) == [Send(1, line(1))]
    assert made.stored(line(1), 7) == []


def test_a_tab_comes_in_at_its_place():
    """It is welcomed, gets the lines that it lacks and no others, then how things stand."""
    made = talk(last=5)
    assert made.join(1, 3, 0) == [Load(3)]
    effects = made.loaded(3, [line(4), line(5)], 5)
    assert sent(effects, 1) == [
        say.Welcome(token="t" * 43, last=5, seen=0),
        line(4),
        line(5),
        say.Standing(stage="idle"),
    ]


def test_a_tab_without_lines_gets_the_latest():
    """A talk of thousands of lines is not sent whole to a page that is opened."""
    assert talk(last=1_000).join(1, 0, 0) == [Load(800)]
    assert talk(last=10).join(1, 0, 0) == [Load(0)]


def test_a_tab_that_has_more_than_there_is_begins_anew():
    """The customer file was set back to an older copy: what the tab has is not there any more."""
    assert talk(last=5).join(1, 9, 0) == [Load(0)]


def test_a_line_that_comes_while_a_tab_loads_reaches_it_once():
    """It is not sent before the older ones, and not lost."""
    made = talk(last=2)
    made.join(1, 0, 0)
    assert made.stored(line(3)) == [Tell("line")]
    effects = made.loaded(0, [line(1), line(2)], 2)
    assert [one.seq for one in sent(effects, 1) if isinstance(one, say.Line)] == [1, 2]
    assert effects[-1] == Load(2)
    effects = made.loaded(2, [line(3)], 3)
    assert sent(effects, 1) == [line(3), say.Standing(stage="idle")]


def test_a_missing_line_is_loaded():
    """Another server wrote a line that this one never heard of."""
    made = joined(talk(), 1)
    assert made.stored(line(2)) == [Load(0)]
    effects = made.loaded(0, [line(1), line(2)], 2)
    assert [one.seq for one in sent(effects, 1) if isinstance(one, say.Line)] == [1, 2]
    assert made.stored(line(3)) == [Send(1, line(3)), Tell("line")]


def test_many_lines_are_loaded_in_parts():
    """A tab that was away for long asks until it has all."""
    made = talk(last=4)
    made.join(1, 1, 0)
    assert made.loaded(1, [line(2), line(3)], 3)[-1] == Load(3)
    assert sent(made.loaded(3, [line(4)], 4), 1) == [line(4), say.Standing(stage="idle")]


def test_a_visitor_without_tabs_is_gone_after_the_grace_time():
    """Neither a reload nor the close of one of two tabs takes him out of the queue."""
    made = joined(talk(), 1, 2)
    made.part(1, 0)
    assert made.next_deadline() is None
    made.part(2, 1_000)
    assert made.next_deadline() == 1_000 + GRACE
    assert made.tick(999 + GRACE) == []
    made.join(3, 0, 2_000)
    assert made.next_deadline() is None
    made.part(3, 3_000)
    assert made.tick(3_000 + GRACE) == [Gone(), Tell("gone")]
    assert made.is_gone
    assert made.tick(9_000_000) == []


def test_who_comes_back_is_there_again():
    """His agent hears of it; nobody is told that he is gone a second time."""
    made = joined(talk(), 1)
    made.part(1, 0)
    made.tick(GRACE)
    assert made.join(2, 0, GRACE + 1) == [Tell("back"), Load(0)]
    assert not made.is_gone


def test_who_says_that_he_leaves_is_gone_at_once():
    """And his token is of no use any more, to him or to whoever sits at that machine next."""
    made = joined(talk(), 1)
    assert made.receive(1, say.Leave(), 0) == [Gone(), Tell("gone"), Revoke()]
    assert made.receive(1, say.Leave(), 1) == [Revoke()]


def test_after_a_restart_he_has_the_grace_time_to_come_again():
    """And at least as long as a page may take that tries ever more seldom."""
    made = talk(last=3)
    made.leave_unless_back(500)
    assert made.next_deadline() == 500 + BACK_MS > 500 + GRACE
    made.join(1, 3, 600)
    assert made.next_deadline() is None


def test_typing_is_told_once_and_ends_by_itself():
    """It is neither repeated to an agent for each key, nor left on for ever."""
    made = joined(talk(), 1)
    assert made.receive(1, say.Typing(), 0) == [Tell("typing")]
    assert made.receive(1, say.Typing(), 3_000) == []
    assert made.tick(TYPING_MS) == []
    assert made.tick(3_000 + TYPING_MS) == [Tell("typing-over")]
    assert made.we_type(0) == [Send(1, say.WeType(on=True))]
    assert made.we_type(1) == []
    assert made.tick(1 + TYPING_MS) == [Send(1, say.WeType(on=False))]


def test_a_line_ends_the_typing():
    """Nobody is told that somebody writes whose line is here."""
    made = joined(talk(), 1)
    made.we_type(0)
    made.stored(line(1, mine=False))
    assert made.next_deadline() is None
    made.receive(1, say.Typing(), 0)
    made.receive(1, say.Say(id="abcdefgh", text="hi"), 1)
    assert not made.he_types


def test_what_was_seen_only_grows():
    """No tab can say that it saw what is not there, or less than before."""
    made = joined(talk(last=5), 1)
    assert made.receive(1, say.Seen(seq=9), 0) == []
    assert len(made.receive(1, say.Seen(seq=4), 0)) == 2
    assert made.receive(1, say.Seen(seq=3), 0) == []
    assert made.we_have_seen(2) == [Send(1, say.WeSaw(seq=2))]
    assert made.we_have_seen(1) == []


def test_how_things_stand_is_told_when_it_changes():
    """To every tab that is ready; the others hear it when they are."""
    made = joined(talk(), 1)
    waiting = say.Standing(stage="waiting", position=2)
    assert made.stand(waiting) == [Send(1, waiting)]
    assert made.stand(waiting) == []
    made.join(2, 0, 0)
    assert sent(made.loaded(0, [], 0), 2)[-1] == waiting


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "\u202e\u200b\x00\x07"])
def test_an_empty_line_is_none(text):
    """Nor one of signs that nobody can see: it makes no contact."""
    made = joined(talk(), 1)
    effects = made.receive(1, say.Say(id="abcdefgh", text=text), 0)
    assert not [one for one in effects if isinstance(one, Keep)] or "\u200b" in text


def test_a_line_has_no_control_signs():
    """Signs that ring bells, move cursors or turn text about are gone before it is stored."""
    made = joined(talk(), 1)
    (keep,) = made.receive(1, say.Say(id="abcdefgh", text="a\x1b[2Jb\u202ec\r\nd"), 0)
    assert keep.text == "a[2Jbc\nd"


def test_a_visitor_who_says_too_much_is_slowed_down():
    """He may say it again after a moment; his socket lives."""
    made = joined(talk(), 1)
    for number in range(LINES.most):
        assert isinstance(made.receive(1, say.Say(id=f"abcdefg{number}", text="x"), 0)[0], Keep)
    assert made.receive(1, say.Say(id="abcdefgh", text="x"), 0) == [Send(1, say.Refused(id="abcdefgh", why="slow"))]
    assert isinstance(made.receive(1, say.Say(id="abcdefgh", text="x"), LINES.every_ms)[0], Keep)


def test_a_tab_that_is_faster_than_any_human_loses_its_socket():
    """A million pings are no work for the server."""
    made = joined(talk(), 1)
    assert all(made.receive(1, say.Ping(), 0) == [Send(1, say.Pong())] for _ in range(FRAMES.most))
    assert made.receive(1, say.Ping(), 0) == [Drop(1, "too-much")]


def test_wishes_are_slowed_down_too():
    """Each of them costs more than a line: a call, a mail."""
    made = joined(talk(), 1)
    wish = say.CallMe(id="abcdefgh", number="+48221234567")
    found = [made.receive(1, wish, 0) for _ in range(8)]
    assert found[0] == [Fulfil(1, wish)]
    assert found[-1] == [Send(1, say.Refused(id="abcdefgh", why="slow"))]


def test_there_are_so_many_tabs_and_no_more():
    """One visitor does not take the sockets of all."""
    made = talk()
    for tab in range(TABS_MOST):
        assert isinstance(made.join(tab, 0, 0)[-1], Load)
    assert made.join(99, 0, 0) == [Drop(99, "too-many")]
    assert made.receive(99, say.Ping(), 0) == []


def test_a_second_hello_is_a_fault():
    """A tab does not change into another visitor's."""
    assert joined(talk(), 1).receive(1, say.Hello(v=1, token="u" * 43), 0) == [Drop(1, "protocol")]


class EveryTabHasEveryLine(RuleBasedStateMachine):
    """Lines, tabs that come and go, loads that end late: no tab misses a line, has one twice, or in disorder."""

    def __init__(self):
        super().__init__()
        self.talk, self.file, self.tabs, self.loads, self.untold, self.next_tab = talk(), [], {}, [], [], 0

    def _do(self, effects):
        for effect in effects:
            if isinstance(effect, Load):
                found = [one for one in self.file if one.seq > effect.after][:3]
                known = self.talk.last if len(found) < 3 else 0
                self.loads.append((effect.after, found, max(found[-1].seq if found else effect.after, known)))
            elif isinstance(effect, Send) and isinstance(effect.told, say.Line):
                self.tabs[effect.tab].append(effect.told.seq)

    @rule(mine=st.booleans())
    def write(self, mine):
        self.file.append(line(len(self.file) + 1, mine=mine))
        self.untold.append(self.file[-1])

    @rule(lost=st.integers(0, 9))
    def tell(self, lost):
        if self.untold:
            told = self.untold.pop(0)
            if lost:
                self._do(self.talk.stored(told))

    @rule()
    def load(self):
        if self.loads:
            after, found, last = self.loads.pop(0)
            self._do(self.talk.loaded(after, found, last))

    @rule()
    def open(self):
        if self.talk.tabs < TABS_MOST:
            self.next_tab += 1
            self.tabs[self.next_tab] = []
            self._do(self.talk.join(self.next_tab, 0, 0))

    @rule(last=st.integers(0, 5))
    def come_again(self, last):
        if self.tabs:
            name = min(self.tabs)
            has = self.tabs.pop(name)
            self.talk.part(name, 0)
            self.next_tab += 1
            self.tabs[self.next_tab] = has[: len(has) - last] if last else has
            self._do(self.talk.join(self.next_tab, max(self.tabs[self.next_tab], default=0), 0))

    @invariant()
    def lines_come_in_order(self):
        for has in self.tabs.values():
            assert has == list(range(1, len(has) + 1))

    def teardown(self):
        self.write(True)
        while self.untold or self.loads:
            self.tell(1)
            self.load()
        assert all(len(has) == len(self.file) for has in self.tabs.values())


TestEveryTabHasEveryLine = EveryTabHasEveryLine.TestCase
