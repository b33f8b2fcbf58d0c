"""Forwards of handsets as the switch tells of them: the channel that came of one is named, and no other."""

import pytest

from ivr.forwards import Forwards
from tests.ivr.test_channels import message

LEGS = {"offer-t-1": None}


def fresh(name, unique, **more):
    return message("Newchannel", Channel=name, Uniqueid=unique, **{"Linkedid": unique, "ChannelState": "0", **more})


def forwarded(to, leg="offer-t-1"):
    return message("DialEnd", DestUniqueid=leg, DialStatus="CANCEL", Forward=to)


@pytest.mark.parametrize("to", ["PJSIP/0048700123456@carrier", "pjsip/103", "PJSIP/carrier/sip:0048@host"])
def test_the_channel_that_came_of_it(to):
    """The last one of its technology that nobody asked for."""
    forwards = Forwards()
    assert not forwards.take(fresh("PJSIP/105-1", "offer-t-1"), LEGS)
    assert not forwards.take(fresh("PJSIP/carrier-2", "1.2"), LEGS)
    assert not forwards.take(fresh("DAHDI/1-1", "1.3"), LEGS)
    assert forwards.take(forwarded(to), LEGS) == ["1.2"]


def test_what_is_none():
    """A number, which is looked up where there is none; the end of another dialling; channels that others asked for."""
    forwards = Forwards()
    forwards.take(fresh("PJSIP/carrier-2", "1.2", Linkedid="1.1"), LEGS)
    forwards.take(fresh("PJSIP/101-2", "1.4", ChannelState="4"), LEGS)
    assert forwards.take(forwarded("PJSIP/0048@carrier"), LEGS) == []
    forwards.take(fresh("PJSIP/carrier-5", "1.5"), LEGS)
    assert forwards.take(forwarded("0048700123456"), LEGS) == []
    assert forwards.take(forwarded("PJSIP/0048@carrier", "1.9"), LEGS) == []
