"""Where one build answers, the other must answer the same: the naive twin is the oracle of the compiled one."""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from _fastpath import match_py

match = pytest.importorskip("_fastpath.match", reason="the compiled module was not built")


class Twins(RuleBasedStateMachine):
    """Both builds, told the same."""

    NUMBER = st.integers(0, 12)
    CLASS = st.integers(0, 4)
    ORDER = st.integers(-2, 2)

    def __init__(self) -> None:
        super().__init__()
        self.pair = (match.Matcher(), match_py.Matcher())

    def tell(self, method: str, *args: object) -> None:
        answers = []
        for build in self.pair:
            try:
                answers.append(getattr(build, method)(*args))
            except (KeyError, ValueError) as error:
                answers.append((type(error), str(error)))
        answers += [(build.waiting(), build.idle()) for build in self.pair]
        assert answers[::2] == answers[1::2]

    @rule(seat_class=CLASS, call_classes=st.lists(CLASS))
    def link(self, seat_class, call_classes):
        self.tell("link", seat_class, call_classes)

    @rule(call=NUMBER, call_class=CLASS, rank=ORDER, due=ORDER)
    def wait(self, call, call_class, rank, due):
        self.tell("wait", call, call_class, rank, due)

    @rule(seat=NUMBER, seat_class=CLASS, key=ORDER)
    def free(self, seat, seat_class, key):
        self.tell("free", seat, seat_class, key)

    @rule(method=st.sampled_from(["leave", "busy"]), number=NUMBER)
    def go(self, method, number):
        self.tell(method, number)

    @rule(method=st.sampled_from(["bar", "unbar"]), call=NUMBER, seat=NUMBER)
    def refuse(self, method, call, seat):
        self.tell(method, call, seat)

    @rule()
    def match(self):
        self.tell("match")


Twins.TestCase.settings = settings(max_examples=150, stateful_step_count=80, deadline=None)


class TestTwins(Twins.TestCase):  # type: ignore[misc,name-defined]  # hypothesis makes the base at run time
    """Any sequence of methods gets equal answers and equal errors from both builds."""


@pytest.mark.parametrize("seed", range(12))
def test_a_crowd_is_matched_alike(seed: int):
    """With hundreds of calls and seats, deep heaps and many bars, both builds make the same pairs all day long."""
    draw = random.Random(seed)
    twins = (match.Matcher(), match_py.Matcher())
    classes = draw.choice([3, 40])
    pairs = 0
    for _hour in range(6):
        acts: list[tuple[str, tuple[object, ...]]] = [
            ("link", (number, draw.sample(range(classes), draw.randrange(classes // 3 + 2))))
            for number in range(classes)
        ]
        acts += [("wait", (n, draw.randrange(classes), draw.randrange(3), draw.randrange(50))) for n in range(300)]
        acts += [("free", (n, draw.randrange(classes), draw.randrange(50))) for n in range(draw.choice([20, 100]))]
        acts += [("bar", (draw.randrange(300), draw.randrange(100))) for _ in range(draw.choice([0, 200, 4000]))]
        acts += [("leave", (draw.randrange(300),)) for _ in range(100)] + [("match", ())] * 60
        draw.shuffle(acts)
        for method, args in acts + [("match", ())] * 320:
            told = []
            for build in twins:
                try:
                    told.append(getattr(build, method)(*args))
                except (KeyError, ValueError) as error:
                    told.append(type(error))
            assert told[0] == told[1]
            pairs += method == "match" and told[0] is not None
    assert pairs > 50
