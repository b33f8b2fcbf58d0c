"""Which phone is whose, and what is said of it."""

from acd.core import events as ev
from ivr.handsets import Handsets

SEATS = {"101": "PJSIP/101", "102": "DAHDI/2"}
PHONES = {"lobby": "PJSIP/lobby"}


def state(handsets, seat):
    return handsets.state(seat).reachable, handsets.state(seat).busy


def test_a_seat_stands_as_the_phone_stands_at_which_it_is():
    """What was told of a phone before anybody sat there counts as soon as somebody does."""
    handsets = Handsets(SEATS, PHONES)
    handsets.reachable["PJSIP/lobby"] = True
    handsets.own["PJSIP/lobby"] = {"1.1"}
    assert (state(handsets, "101"), state(handsets, "102")) == ((False, False), (True, False))
    handsets.place("101", "lobby")
    assert (handsets.device_of("101"), state(handsets, "101")) == ("PJSIP/lobby", (True, True))
    assert handsets.at("PJSIP/lobby-00000001") == "101"
    assert handsets.at("PJSIP/101-00000001") is None
    handsets.place("101", "101")
    assert (handsets.device_of("101"), handsets.at("PJSIP/lobby-1")) == ("PJSIP/101", None)


def test_who_has_logged_in_goes_before_whose_own_it_is():
    """Both are told how the phone stands."""
    handsets = Handsets(SEATS, PHONES)
    handsets.place("102", "101")
    assert handsets.at("PJSIP/101-1") == "102"
    handsets.reachable["PJSIP/101"] = True
    assert list(handsets.changed("PJSIP/101")) == [
        ev.HandsetChanged(seat=seat, reachable=True, busy=False) for seat in ("102", "101")
    ]
    assert list(handsets.changed("DAHDI/2")) == []


def test_new_files_keep_who_sits_where():
    """Unless seat or phone is gone: then it is rung nowhere, and a phone that comes back is his again."""
    handsets = Handsets(SEATS, PHONES)
    handsets.place("101", "lobby")
    handsets.learn(SEATS, PHONES)
    assert handsets.device_of("101") == "PJSIP/lobby"
    handsets.learn(SEATS, {})
    assert (handsets.device_of("101"), state(handsets, "101")) == (None, (False, False))
    handsets.learn(SEATS, PHONES)
    assert handsets.device_of("101") == "PJSIP/lobby"
    handsets.learn({"102": "DAHDI/2"}, PHONES)
    handsets.learn(SEATS, PHONES)
    assert handsets.device_of("101") == "PJSIP/101"
    assert handsets.device_of("999") is None
