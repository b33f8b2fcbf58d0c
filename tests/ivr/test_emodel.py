"""The E-model against what ITU-T published of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.linetest.emodel import BEST_R, CODECS, G711, codec_named, mos, rating


def test_a_flawless_line():
    """With all defaults R is 93.2, as clause 7.7 of G.107 says, and the opinion 4.41."""
    assert rating(0, 0) == pytest.approx(BEST_R, abs=0.05)
    assert mos(rating(0, 0)) == pytest.approx(4.41, abs=0.005)


@pytest.mark.parametrize(("r", "opinion"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)])
def test_opinions_of_ratings(r, opinion):
    """The limits of the classes of quality (G.107 table B.1, G.109 table 1) have the opinions that stand there."""
    assert mos(r) == pytest.approx(opinion, abs=0.008)


@pytest.mark.parametrize(("percent", "ie"), [(0, 11), (1, 15), (2, 19), (3, 23), (4, 26)])
def test_loss_in_g729(percent, ie):
    """Loss impairs G.729A as the table of measured values in G.113 (2001, appendix I) has it, in whole numbers."""
    assert rating(0, 0) - rating(0, percent / 100, codec_named("g729")) == pytest.approx(ie, abs=0.6)


@pytest.mark.parametrize(("delay_ms", "least", "most"), [(150, 88, 91), (250, 78, 81), (400, 60, 64)])
def test_delay(delay_ms, least, most):
    """A long way costs what the curve of G.114 (figure 1) shows: next to nothing up to 150 ms, much at 400 ms."""
    assert least < rating(delay_ms, 0) < most


def test_a_codec_nobody_knows_is_judged_as_g711():
    """What has no row is no error: the line is judged by its delay and loss."""
    assert codec_named("opus") is G711


@given(
    delay_ms=st.floats(0, 2_000),
    more_ms=st.floats(0, 500),
    loss=st.floats(0, 1),
    more=st.floats(0, 1),
    codec=st.sampled_from(sorted(CODECS)),
)
def test_worse_is_never_better(delay_ms, more_ms, loss, more, codec):
    """More delay or more loss raises no rating that anybody would notice, and no opinion lies outside of 1.0 to 4.5."""
    before = rating(delay_ms, loss, CODECS[codec])
    assert rating(delay_ms + more_ms, loss, CODECS[codec]) <= before + 0.06  # below 10 ms, where Is falls a little
    assert rating(delay_ms, min(loss + more, 1), CODECS[codec]) <= before
    assert 1.0 <= mos(before) <= 4.5
