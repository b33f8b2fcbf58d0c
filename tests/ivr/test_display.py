"""What an agent's phone shows, and how it rings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.queue_options import QUEUE
from ivr import display
from ivr.held import Held


def held(number="5550201", name="", queue="sales"):
    return Held(channel="PJSIP/trunk-1", number=number, name=name, queue=queue)


@pytest.mark.parametrize(
    ("caller", "shown"),
    [
        (held(name="Jan Kowalski"), '"Jan Kowalski (sales)" <5550201>'),
        (held(), '"5550201 (sales)" <5550201>'),
        (held(number=""), '"unknown (sales)" <>'),
        (held(name='J"a<n>\\ '), '"Jan (sales)" <5550201>'),
        (held(name="Żółć\x1b[2J\u202e"), '"Żółć[2J (sales)" <5550201>'),
        (held(name="N" * 90, queue="q" * 40), f'"{"N" * 40} ({"q" * 40})" <5550201>'),
    ],
)
def test_who_calls_and_for_what(caller, shown):
    """Name, or else number, and the queue, which a long name does not push off the display."""
    assert display.caller_id(caller) == shown


@pytest.mark.parametrize(
    ("known", "shown"),
    [("Jan Kowalski", "Jan Kowalski"), ('J"a<n>\\\u202e', "Jan"), ("", "WIRELESS CALLER")],
)
def test_whom_the_customer_file_knows_comes_first(known, shown):
    """Before the name that the line gives; what would end a quoted name goes from it too."""
    assert display.caller_id(held(name="WIRELESS CALLER"), known) == f'"{shown} (sales)" <5550201>'


@given(st.text(), st.text(), st.text(), st.text())
def test_a_caller_id_is_one_quoted_name_and_one_number(number, name, queue, known):
    """Whatever the caller sent: no second quote, no bracket within, no line end."""
    shown = display.caller_id(held(number, name, queue), known)
    assert shown.count('"') == 2
    assert shown.isprintable()
    quoted, _, digits = shown.rpartition(" ")
    assert not set(quoted[1:-1]) & set('"<>\\')
    assert set(digits) <= set("<>0123456789+*#")


@pytest.mark.parametrize(
    ("device", "tone", "dialled", "variables"),
    [
        ("PJSIP/101", "", "PJSIP/101", []),
        ("PJSIP/101", "2", "PJSIP/101", ["PJSIP_HEADER(add,Alert-Info)=Bellcore-dr2"]),
        ("PJSIP/5550123@carrier", "info=x", "PJSIP/5550123@carrier", ["PJSIP_HEADER(add,Alert-Info)=info=x"]),
        ("DAHDI/5", "2", "DAHDI/5r2", []),
        ("DAHDI/5", "info=x", "DAHDI/5", []),
        ("DAHDI/5", "", "DAHDI/5", []),
        ("DAHDI/g1/5550123", "2", "DAHDI/g1/5550123", []),
    ],
)
def test_how_it_rings(device, tone, dialled, variables):
    """A SIP phone by a header, an analog one by a cadence, and any other as ever."""
    assert display.rung(device, tone) == dialled
    assert display.variables(device, tone) == variables


@pytest.mark.parametrize("value", ["5", "a,b", 'a"b', "a\nb", "${X}", "x" * 121, "0", "22", "a\\b", "a|b"])
def test_what_cannot_be_a_ring_tone(value):
    """Nothing that parts variables, ends a line or is evaluated."""
    [option] = [option for option in QUEUE if option.name == "ring_tone"]
    with pytest.raises(ValueError, match=r"^$|."):
        option.kind.read(value)
