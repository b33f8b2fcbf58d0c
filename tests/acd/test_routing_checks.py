"""The rules of routing in acd.conf: every mistake is told with its line and a way to mend it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.core.rules import Step
from acd.problems import ConfigError
from acd.rule_text import SKILL, read_needs, read_queues, read_step, read_target, read_tiers
from acd.site import check_site, load_site

SITE = """
[general]
[switch]
fallback = 100
[sales]
type = queue
max_wait = 10m
[support]
type = queue
[100]
type = seat
agent = Anna
pin = 7391
queues = sales, support/2
skills = french 5, billing
[101]
type = seat
agent = Ben
pin = 8264
queues = sales
[trunk]
type = lines
lines = t1, t2
"""
"""Line 7 is the last of queue sales, line 9 the last of support, 15 the last of seat 100."""


def problems(folder: Path, *added: tuple[str, str]) -> list[str]:
    """What is wrong with SITE after lines were added behind others."""
    text = SITE
    for after, new in added:
        assert after in text
        text = text.replace(after, f"{after}\n{new}", 1)
    (folder / "acd.conf").write_text(text)
    return [str(problem) for problem in check_site(folder)]


def test_the_example_is_without_fault(tmp_path: Path):
    """What follows is told of the mistake alone."""
    assert problems(tmp_path) == []


SALES, SUPPORT, ANNA = "max_wait = 10m", "[support]\ntype = queue", "skills = french 5, billing"


@pytest.mark.parametrize(
    ("after", "line", "complaint"),
    [
        (
            SALES,
            "strategy = longest-idel",
            "8: strategy: 'longest-idel' is not known; did you mean 'longest-idle'?; it",
        ),
        (SALES, "needs = french 3 + ", "8: needs: '' is no skill; nothing stands beside + or |; it takes: skills with"),
        (SALES, "needs = french 11", "8: needs: level of 'french': 11 is out of range; levels are 1 to 10; it takes:"),
        (
            SALES,
            "needs = French",
            "8: needs: 'French' is no skill; small letters, digits, - and _, then the least level",
        ),
        (SALES, "needs = " + "+".join("abcdefghi"), "8: needs: 9 things are asked for; 8 are the most"),
        (SALES, "needs = " + "|".join("abcdefghi"), "has 9 alternatives; 8 are the most"),
        (SALES, "needs = a|a 3", "8: needs: 'a|a 3' names a skill twice"),
        (SALES, "tiers = 3-1", "8: tiers: 3-1: the lower tier comes first; it takes: tiers 0 to 99, such as 0-2"),
        (SALES, "tiers = 0-100", "8: tiers: 0-100: tiers are 0 to 99"),
        (SALES, "tiers = low", "8: tiers: 'low' is no window of tiers such as 2, 0-2 or 0-99 floor 3"),
        (SALES, "join_empty = pause", "8: join_empty: 'pause' is not known; did you mean 'paused'?; it takes: some of"),
        (
            SALES,
            "join_empty =",
            "8: join_empty: nothing is named; it takes: some of paused, busy, wrap-up, unreachable",
        ),
        (SALES, "closed = true", "8: closed: 'true' is not known; it takes: yes or no"),
        (SALES, "overflow = que support", "8: overflow: 'que support' is no place to go to; did you mean 'queue'?"),
        (SALES, "overflow = voicemail 5", "8: overflow: 'voicemail 5' is no place to go to; did you mean 'voicemail'?"),
        (SALES, "overflow = queue", "8: overflow: behind 'queue' belongs the name of a queue, not ''; it takes: queue"),
        (SALES, "overflow = number 12a", "8: overflow: behind 'number' belongs an extension: up to 20 of 0-9 * #"),
        (
            SALES,
            "overflow = queue suport",
            "8: queue 'sales' sends calls to queue 'suport', which does not exist; did you",
        ),
        (
            SALES,
            "overflow = seat 110",
            "8: queue 'sales' sends calls to seat '110', which does not exist; did you mean",
        ),
        (SALES, "overflow = queue sales", "8: queue 'sales' sends its calls to itself; raise max_wait if calls should"),
        (SALES, "step = after 9s, go queue sales", "8: queue 'sales' sends its calls to itself"),
        (
            SALES,
            "step = after 9s, go queue x",
            "8: queue 'sales' sends calls to queue 'x', which does not exist; known are",
        ),
        (SALES, "step = after 30s", "8: step: nothing follows 'after 30s'; write for instance after 30s, drop SKILL"),
        (SALES, "step = afer 30s, drop french", "8: step: 'afer 30s' is no condition; did you mean 'after'?; it takes"),
        (
            SALES,
            "step = when full, drop x",
            "8: step: 'when full' is no condition; a step begins with after TIME, when",
        ),
        (SALES, "step = when 0 wait, drop x", "8: step: 0 is out of range"),
        (
            SALES,
            "step = after 9s, dropp french",
            "8: step: 'dropp french' is no action of a step; did you mean 'drop'?",
        ),
        (SALES, "step = after 9s, tier 0-2", "8: step: 'tier 0-2' is no action of a step; did you mean 'tiers'?"),
        (SALES, "step = after 9s, drop", "8: step: drop: no skill is named"),
        (SALES, "step = after 9s, lower french", "8: step: lower: 'french' is not a skill and its new level, such as"),
        (SALES, "step = after 9s, tiers 2-1", "8: step: tiers: 2-1: the lower tier comes first"),
        (SALES, "step = after 9s, priority 5, priority 6", "8: step: 'priority' stands there twice"),
        (SALES, "step = after 9s, say x, go voicemail", "8: step: 'go' stands alone: who goes elsewhere leaves"),
        (SALES, "step = after 9s, say Hello!", "8: step: say: 'Hello!' is no name of a prompt"),
        (SALES, "\n".join(["step = after 9s, ahead 1s"] * 61), "68: queue 'sales' has 61 steps; 60 are the most"),
        (SALES, "serve_after = 20m", "8: calls of 'sales' leave after max_wait, before serve_after lets anybody have"),
        (SALES, "wrap_up_most = 5s", "8: wrap_up of 'sales' is longer than its wrap_up_most; raise wrap_up_most"),
        (
            ANNA,
            "lines = trnk",
            "16: seat '100' is reached over lines 'trnk', which do not exist; did you mean 'trunk'?",
        ),
        (ANNA, "queues = sales/x", "16: queues: tier in 'sales': 'x' is not a whole number; tiers are 0 to 99"),
        (ANNA, "queues = sales/1, sales/2", "16: queues: 'sales' stands there with two tiers"),
        (ANNA, "skills = french 0", "16: skills: of 'french', 0 is out of range; it takes: skills with their levels 1"),
        (ANNA, "skills = french 2, french 3", "16: skills: 'french' stands there twice"),
        (ANNA, "skills = french 2 billing 3", "16: skills: of 'french', '2 billing 3' is not a whole number"),
        (ANNA, "most = chta 4", "16: there is no medium 'chta'; did you mean 'chat'?"),
        (ANNA, "most = telex 4", "16: there is no medium 'telex'; write a section [medium-telex] with type = medium"),
        (ANNA, "set_aside_on = buzy", "16: set_aside_on: 'buzy' is not known; did you mean 'busy'?"),
        (ANNA, "[chat]\ntype = medium", "16: a medium cannot be named 'chat'; write medium- and the medium, as in"),
        (
            ANNA,
            "[medium-chat]\ntype = medium\ninterrupted_by = email",
            "18: chat and email would set each other aside, and neither would go on; let one of them go first",
        ),
        (ANNA, "[medium-chat]\ntype = medium\nblocks = vioce", "18: there is no medium 'vioce'; did you mean 'voice'?"),
        (ANNA, "[trunk2]\ntype = lines", "16: group of lines 'trunk2' has no 'lines'; write lines = names of lines"),
        (ANNA, "[trunk2]\ntype = lines\nlines = a 1 2", "18: lines: of 'a', '1 2' is not a whole number"),
        (ANNA, "[b]\ntype = lines\nlines = t1", "26: line 't1' is in 'b' and in 'trunk'; a line is in one group only"),
        (
            ANNA,
            "[b]\ntype = lines\nlines = x\nfault = 2h",
            "16: fault of 'b' is longer than its fault_most",
        ),
    ],
)
def test_what_cannot_be_meant_is_an_error(tmp_path: Path, after, line, complaint):
    """Each mistake keeps the site from loading, and is told with its line and what to write instead."""
    found = problems(tmp_path, (after, line))
    assert any(complaint in one for one in found), found
    with pytest.raises(ConfigError):
        load_site(tmp_path)


@pytest.mark.parametrize(
    ("after", "line", "warning"),
    [
        (SALES, "needs = frnech", "8: warning: queue 'sales' asks for skill 'frnech', which no seat has; did you mean"),
        (SALES, "needs = french 6", "8: warning: no seat of queue 'sales' has the skills that it needs; give them to"),
        (
            SALES,
            "tiers = 1-5",
            "15: warning: seat '100' is of tier 0 in 'sales' and never gets its calls; let tiers of",
        ),
        (
            SALES,
            "step = after 10m, ahead 1m",
            "8: warning: this step of 'sales' never comes: calls leave after max_wait",
        ),
        (
            SALES,
            "waiting_most = 5\nstep = when 6 wait, ahead 1m",
            "9: warning: this step of 'sales' never comes: no more than 5 can wait; raise waiting_most",
        ),
        (
            SALES,
            "step = after 9s, drop germn",
            "8: warning: skill 'germn' is asked for by no queue, and no seat has it",
        ),
        (SALES, "circle = 3", "8: warning: circle does nothing in queue 'sales'; it needs strategy = ring-circles"),
        (SALES, "tell_every = 60s", "8: warning: tell_every does nothing in queue 'sales'; it needs tell_first"),
        (
            SALES,
            "overflow_full = voicemail",
            "8: warning: overflow_full does nothing in queue 'sales'; it needs waiting",
        ),
        (
            SUPPORT,
            "overflow = queue sales\n[sales](+)\nstep = after 1m, go queue support",
            "12: warning: callers can be sent in a circle: sales -> support -> sales; after 10 times they leave",
        ),
        (
            ANNA,
            "[medium-email]\ntype = medium\ncost = 101",
            "10: warning: seat '100' never gets email: it costs 101 of a budget of 100; raise budget",
        ),
        (
            ANNA,
            "[b]\ntype = lines\nlines = x, y\nkeep_inbound = 2",
            "16: warning: all 2 lines of 'b' are kept: no seat is ever reached over one; keep fewer",
        ),
    ],
)
def test_what_will_not_be_liked_is_a_warning(tmp_path: Path, after, line, warning):
    """Rules that can be meant load, and what they lead to is said."""
    found = problems(tmp_path, (after, line))
    assert any(f"acd.conf:{warning}" in one for one in found), found
    load_site(tmp_path)


@pytest.mark.parametrize(
    "lines",
    [
        "needs = french 5 + billing|french 9",
        "needs = french 6\nstep = after 20s, lower french 5",
        "tiers = 0-2 floor 1",
        "tiers = 5-9\ntier_seats = 1",
        "tiers = 5-9\nstep = after 1m, tiers 0-9",
        "overflow = voicemail\noverflow_wait = flow x",
        "join_empty = nobody\noverflow_empty = menu closed",
        "overflow = queue support\nstep = when nobody, go number 100",
    ],
)
def test_what_is_sound_is_not_complained_of(tmp_path: Path, lines):
    """A need that a step eases, a tier that a step takes, and overflow that ends somewhere are no reason to warn."""
    assert problems(tmp_path, (SALES, lines)) == []


def test_a_template_may_hold_what_one_of_its_queues_does_not_use(tmp_path: Path):
    """An option that does nothing is told where the queue itself says it, not where it came from a template."""
    text = SITE.replace("[sales]\ntype = queue", "[q](!)\ntype = queue\ncircle = 3\n[sales](q)")
    (tmp_path / "acd.conf").write_text(text)
    assert check_site(tmp_path) == []


def test_steps_add_to_those_of_a_template_until_an_empty_one(tmp_path: Path):
    """A queue inherits steps and adds its own; an empty step forgets those above."""
    text = SITE.replace(
        "[sales]\ntype = queue",
        "[q](!)\ntype = queue\nstep = after 1m, ahead 1m\n[sales](q)\nstep = after 2m, ahead 2m",
    ).replace("[support]\ntype = queue", "[support](q)\nstep =\nstep = after 3m, ahead 3m")
    (tmp_path / "acd.conf").write_text(text)
    queues = load_site(tmp_path).queues
    assert [step.after_ms for step in queues["sales"].steps] == [60_000, 120_000]
    assert [step.after_ms for step in queues["support"].steps] == [180_000]


def test_a_long_value_is_not_repeated_whole():
    """A value of eight thousand characters makes a message that still fits on a screen."""
    for read in (read_needs, read_tiers, read_target, read_step, read_queues):
        with pytest.raises(ValueError, match=r"\.\.\.'") as caught:
            read("x" * 4_000 + "!" * 4_000)
        assert len(str(caught.value)) < 400


@given(st.sampled_from((read_needs, read_tiers, read_target, read_step, read_queues)), st.text())
def test_any_text_is_read_or_refused(read, text):
    """No text makes a reader fail in another way than by saying what is wrong."""
    try:
        read(text)
    except ValueError as error:
        said = str(error)
    else:
        said = "it is read"
    assert said


SKILLS = st.from_regex(SKILL, fullmatch=True)
NEEDS = st.lists(
    st.lists(st.tuples(SKILLS, st.integers(1, 10)), min_size=1, max_size=8, unique_by=lambda one: one[0]).map(tuple),
    max_size=8,
).map(tuple)


@given(NEEDS, st.sampled_from((" ", ":")), st.sampled_from(("+", " + ")))
def test_needs_are_read_as_they_are_written(needs, between, plus):
    """All-of, any-of and levels come back, however much room is left between them."""
    text = plus.join("|".join(f"{skill}{between}{level}" for skill, level in need) for need in needs)
    assert read_needs(text) == needs


def test_every_condition_and_action_of_a_step_is_read():
    """Conditions and actions become the fields of the core's rule; drop and lower may stand several times."""
    assert read_step("when 3 wait,drop a b, drop c ,lower d 2,lower e 1") == Step(
        when_waiting=3, drop=("a", "b", "c"), lower=(("d", 2), ("e", 1))
    )
    assert read_step("when 1 waits, ahead 90s") == Step(when_waiting=1, ahead_ms=90_000)
    assert read_step("when nobody, go number *99") == Step(when_nobody=True, go="number *99")
    assert read_step("after 0, tiers 1-4 floor 2, priority 0, say hello") == Step(
        after_ms=0, tiers=(1, 4, 2), priority=0, announce="hello"
    )
