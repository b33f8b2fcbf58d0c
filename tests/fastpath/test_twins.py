"""Where one build answers, the other must answer the same: the naive twin is the oracle of the compiled one."""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from _fastpath import match_py

match = pytest.importorskip("_fastpath.match", reason="the compiled module was not built")

ERRORS = (KeyError, ValueError, TypeError, OverflowError)


class Twins(RuleBasedStateMachine):
    """Both builds, told the same."""

    NUMBER = st.integers(0, 12)
    CLASS = st.integers(0, 4)
    ORDER = st.integers(-2, 2)

    def __init__(self) -> None:
        super().__init__()
        self.pair = (match.Matcher(), match_py.Matcher())
        self.lanes = 1

    def tell(self, method: str, *args: object) -> None:
        answers = []
        for build in self.pair:
            try:
                answers.append(getattr(build, method)(*args))
            except ERRORS as error:
                answers.append((type(error), str(error)))
        answers += [(build.waiting(), build.idle()) for build in self.pair]
        assert answers[::2] == answers[1::2]

    @initialize(lanes=st.integers(1, 3))
    def begin(self, lanes):
        self.lanes = lanes
        self.pair = (match.Matcher(lanes), match_py.Matcher(lanes))

    @rule(seat_class=CLASS, call_classes=st.lists(st.tuples(CLASS, ORDER)))
    def link(self, seat_class, call_classes):
        self.tell("link", seat_class, call_classes)

    @rule(call_class=CLASS, lane=st.integers(-1, 3))
    def lane(self, call_class, lane):
        self.tell("lane", call_class, lane)

    @rule(method=st.sampled_from(["close", "open", "drop_seat_class", "drop_call_class"]), number=CLASS)
    def of_class(self, method, number):
        self.tell(method, number)

    @rule(call=NUMBER, call_class=CLASS, rank=ORDER, due=ORDER)
    def wait(self, call, call_class, rank, due):
        self.tell("wait", call, call_class, rank, due)

    @rule(seat=NUMBER, seat_class=CLASS, keys=st.lists(ORDER, min_size=3, max_size=3), short=st.booleans())
    def free(self, seat, seat_class, keys, short):
        self.tell("free", seat, seat_class, *keys[: self.lanes - short])

    @rule(method=st.sampled_from(["leave", "busy"]), number=NUMBER)
    def go(self, method, number):
        self.tell(method, number)

    @rule(method=st.sampled_from(["bar", "unbar"]), call=NUMBER, seat=NUMBER)
    def refuse(self, method, call, seat):
        self.tell(method, call, seat)

    @rule(call_class=CLASS, barred=st.lists(NUMBER))
    def best_seat(self, call_class, barred):
        self.tell("best_seat", call_class, barred)

    @rule()
    def match(self):
        self.tell("match")


Twins.TestCase.settings = settings(max_examples=200, stateful_step_count=80, deadline=None)


class TestTwins(Twins.TestCase):  # type: ignore[misc,name-defined]  # hypothesis makes the base at run time
    """Any sequence of methods gets equal answers and equal errors from both builds."""


def acts_of_an_hour(draw: random.Random, classes: int, lanes: int) -> list[tuple[str, tuple[object, ...]]]:
    """Links, comings and goings, refusals and gates in any order, then as many matches as there can be pairs."""

    def cls() -> int:
        return draw.randrange(classes)

    def some(count: int) -> int:
        return draw.randrange(count)

    acts: list[tuple[str, tuple[object, ...]]] = []
    for number in range(classes):
        served = draw.sample(range(classes), some(classes // 3 + 2))
        acts.append(("link", (number, [(call_class, some(3)) for call_class in served])))
    acts += [("wait", (n, cls(), some(3), some(50))) for n in range(300)]
    acts += [("free", (n, cls(), *[some(50) for _ in range(lanes)])) for n in range(draw.choice([20, 100]))]
    acts += [("bar", (some(300), some(100))) for _ in range(draw.choice([0, 200, 4000]))]
    acts += [("leave", (some(300),)) for _ in range(100)] + [("match", ())] * draw.choice([0, 60])
    acts += [("lane", (cls(), some(lanes))) for _ in range(10)]
    acts += [("best_seat", (cls(), draw.sample(range(100), some(20)))) for _ in range(20)]
    for method in ("close", "open", "drop_seat_class", "drop_call_class"):
        acts += [(method, (cls(),)) for _ in range(classes // 2)]
    draw.shuffle(acts)
    return acts + [("match", ())] * 320


@pytest.mark.parametrize("seed", range(24))
def test_a_crowd_is_matched_alike(seed: int):
    """With hundreds of calls and seats, deep heaps and many bars, both builds make the same pairs all day long."""
    draw = random.Random(seed)
    lanes = draw.choice([1, 1, 2, 8])
    twins = (match.Matcher(lanes), match_py.Matcher(lanes))
    classes = draw.choice([3, 40])
    pairs = 0
    for _hour in range(4):
        for method, args in acts_of_an_hour(draw, classes, lanes):
            told = []
            for build in twins:
                try:
                    told.append(getattr(build, method)(*args))
                except (KeyError, ValueError) as error:
                    told.append(type(error))
            assert told[0] == told[1], (method, args)
            pairs += method == "match" and told[0] is not None
    assert pairs > 50
