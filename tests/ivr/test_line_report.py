"""What is thought of a measured line, what is remembered."""

import re

import pytest

from acd.settings import LineTestSettings
from ivr.linetest import history
from ivr.linetest.call import KEYS, read_rtcp
from ivr.linetest.history import FILE, History, read_tests
from ivr.linetest.probe import Echo
from ivr.linetest.report import LineTest, Measured, judge

GOOD = Echo(delay_ms=40, late_ms=5, jitter_ms=2, sent_db=-18, heard_db=-20, noise_db=-70, likeness=0.99, lost=0.0)
RTCP = {"rlp": 0, "txcount": 600, "rtt": 0.03}


def judged(echo=GOOD, *, keys=KEYS, least=3.5, rtcp=RTCP, **measured) -> LineTest:
    return judge(
        Measured(echo=echo, keys=keys, rtcp=rtcp, codec="alaw", post_dial_ms=100, answer_ms=900, **measured),
        LineTestSettings(mos_least=least),
        at=1_000,
        line="carrier:1",
        group="outside",
        number="600",
        keys=KEYS,
    )


def test_a_good_line():
    """Nothing is wrong, and nothing is said."""
    found = judged()
    assert (found.verdict, found.reasons, found.alarming) == ("ok", (), False)
    assert found.mos > 4.3
    assert found.rtcp_round_trip_ms == 30


@pytest.mark.parametrize(
    ("change", "keys", "told", "alarming"),
    [
        ({"heard_db": -34}, KEYS, "16 dB too quiet", False),
        ({"heard_db": -11}, KEYS, "7 dB too loud", False),
        ({"noise_db": -35}, KEYS, "noise of -35 dB", False),
        ({}, "159", "of the keys 159[*] came back 159", False),
        ({}, "", "came back none", False),
        ({"lost": 0.021}, KEYS, "2.1% of the sound was lost", False),
        ({"delay_ms": 900}, KEYS, "sounds like MOS 1.99, wanted is 3.5", True),
    ],
)
def test_what_is_wrong_is_said(change, keys, told, alarming):
    """Each fault has its sentence; only what is below the wanted opinion is an alarm."""
    found = judged(GOOD._replace(**change), keys=keys, rtcp={"rlp": 6, "txcount": 600, "rtt": 0.03})
    assert found.verdict == "degraded"
    assert found.alarming is alarming
    assert len(found.reasons) == 1
    assert re.search(told, found.reasons[0])


@pytest.mark.parametrize("failure", ["not answered: User busy", ""])
def test_a_failure(failure):
    """Without an echo the test failed: by what was seen, or because nothing came back."""
    found = judged(None, failure=failure)
    assert (found.verdict, found.alarming, found.mos) == ("failed", True, None)
    assert found.reasons == (failure or "nothing of the sound came back",)


def test_the_worse_direction_counts():
    """With RTCP the loss is the worse direction's; without, each direction has its share of what was lost in all."""
    lossy = GOOD._replace(lost=0.19)
    even = judged(lossy, rtcp={})
    same = judged(lossy, rtcp={"rlp": 60, "txcount": 600, "rtt": 0.03})
    there = judged(lossy, rtcp={"rlp": 108, "txcount": 600, "rtt": 0.03})
    assert even.lost_there is None
    assert (same.lost_there, there.lost_there) == (0.1, 0.18)
    assert even.mos == pytest.approx(same.mos, abs=0.01)
    assert there.mos < same.mos


@pytest.mark.parametrize("rtcp", [{"rlp": 99_999, "txcount": 5, "rtt": 1}, {"rlp": -5, "txcount": 5, "rtt": 1}])
def test_nonsense_of_the_far_end(rtcp):
    """Whatever the far end reports of loss, a share lies between none and all."""
    assert 0 <= judged(rtcp=rtcp).lost_there <= 1
    assert 1 <= judged(rtcp=rtcp).mos <= 4.5


def test_rtcp_is_read():
    """Asterisk's line is read; what is no number, or none at all, is left out."""
    assert read_rtcp("ssrc=1;lp=0;rtt=0.0718;txjitter=x;=;rlp=27") == {"ssrc": 1, "lp": 0, "rtt": 0.0718, "rlp": 27}
    assert read_rtcp("") == {}
    assert read_rtcp("rtt=nan;rlp=inf") == {}


def test_tests_are_remembered(tmp_path):
    """What was added is there for the next start and for the command line, the last one of each trunk at hand."""
    log = History(tmp_path)
    assert (log.read(), log.last) == ([], {})
    first, second = judged(), judged(None)
    log.add(first)
    log.add(second)
    assert read_tests(tmp_path) == [first, second]
    assert History(tmp_path).last == {"carrier": second}


def test_a_damaged_history(tmp_path):
    """Half a line, and lines that are none, cost themselves alone; the next test stands on a line of its own."""
    log = History(tmp_path)
    log.add(judged())
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'\xff\xfe\n{"at": 1}\n{"at":12,"li')
    log.add(judged(None))
    assert [test.verdict for test in read_tests(tmp_path)] == ["ok", "failed"]


def test_a_long_history_lets_its_older_half_go(tmp_path, monkeypatch):
    """The file stays below its limit, and the newest tests are in it."""
    monkeypatch.setattr(history, "BYTES_MAX", 4_000)
    log = History(tmp_path)
    for _ in range(50):
        log.add(judged())
    assert (tmp_path / FILE).stat().st_size < 5_000
    assert len(read_tests(tmp_path)) > 3
