"""SMPP without a network: what is cut from a stream, and what is read of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.channels.sms import pdu as smpp
from acd.channels.sms.addresses import Address
from acd.channels.sms.parts import Place
from acd.channels.sms.pdu import Framer, Message, Pdu, PduError, message_body, read_message
from tests.channels.smsc_raw import Submitted, body, tlv

PDUS = st.builds(Pdu, *[st.integers(0, 2**32 - 1)] * 3, st.binary(max_size=300))


@given(st.lists(PDUS, max_size=6), st.lists(st.integers(1, 40), min_size=1))
def test_pdus_come_whole_however_a_stream_is_cut(pdus, cuts):
    """Octet by octet or all at once."""
    stream, framer, found, at = b"".join(one.octets() for one in pdus), Framer(), [], 0
    while at < len(stream):
        size = cuts[at % len(cuts)]
        found += framer.feed(stream[at : at + size])
        at += size
    assert found == pdus


@pytest.mark.parametrize("length", [0, 4, 15, 70_001, 2**31, 0x414D5150, 0x48545450])
def test_a_length_that_cannot_be_ends_the_stream(length):
    """Zero, less than a header, 2 GB, and the first letters of AMQP and HTTP."""
    with pytest.raises(PduError, match="this is no SMPP"):
        list(Framer().feed(length.to_bytes(4, "big") + b"\0" * 40))


@given(st.binary(max_size=400), st.sampled_from([smpp.DELIVER_SM, smpp.DATA_SM]))
def test_any_body_is_read_or_refused(octets, command):
    """By the one error that there is for it."""
    try:
        found = read_message(Pdu(command, 0, 1, octets))
    except PduError:
        return
    assert len(found.text) <= len(octets)


@given(st.integers(0, 80))
def test_a_body_that_is_cut_is_refused_or_lacks_only_tlvs(at):
    """Wherever it is cut."""
    whole = body(b"Hello", tlvs=tlv(0x1E, b"abc\0"))
    try:
        found = read_message(Pdu(smpp.DELIVER_SM, 0, 1, whole[:at]))
    except PduError:
        assert at < len(body(b"Hello"))
    else:
        assert found.text == b"Hello"


def test_a_message_is_read():
    """Addresses, text, and the TLVs that matter."""
    sar = tlv(0x20C, b"\1\2") + tlv(0x20E, b"\3") + tlv(0x20F, b"\2")
    told = sar + tlv(0x1E, b"name\0") + tlv(0x427, b"\2") + tlv(0x9999, b"?")
    found = read_message(Pdu(smpp.DELIVER_SM, 0, 1, body(b"Hello", esm=4, coding=8, tlvs=told)))
    assert (found.source, found.destination) == (Address(1, 1, "48601602603"), Address(1, 1, "48221234567"))
    assert (found.text, found.data_coding, found.place) == (b"Hello", 8, Place(0x102, 3, 2, wide=True))
    assert (found.receipted, found.state, found.is_receipt, found.is_sound) == ("name", 2, True, True)


@pytest.mark.parametrize(
    ("octets", "text", "is_sound"),
    [
        (body(b"", tlvs=tlv(0x424, b"long")), b"long", True),
        (body(b"short", tlvs=tlv(0x424, b"long")), b"shortlong", False),
        (body(b"x", tlvs=b"\x04\x24\xff\xffabc"), b"x", False),  # a TLV longer than its PDU
        (body(b"x", tlvs=b"\x04"), b"x", False),
        (body(b"x" * 255), b"x" * 255, True),  # one more than there may be
        (body(b""), b"", True),
    ],
)
def test_where_a_text_stands(octets, text, is_sound):
    """In short_message, in message_payload, in both against the rules: nothing of it is lost."""
    found = read_message(Pdu(smpp.DELIVER_SM, 0, 1, octets))
    assert (found.text, found.is_sound) == (text, is_sound)


def test_a_text_shorter_than_it_says_is_refused():
    """sm_length 255 with five octets."""
    with pytest.raises(PduError, match="shorter"):
        read_message(Pdu(smpp.DELIVER_SM, 0, 1, body(b"Hello", length=255)))


def test_what_is_sent_is_what_another_reads():
    """By a reader that shares nothing with the writer; what does not fit is not sent."""
    made = Message(
        source=Address(5, 0, "ACME"), destination=Address(1, 1, "48601602603"), text=b"Hello", wants_receipt=True
    )
    read = Submitted(message_body(made))
    assert (read.source, read.to, read.text, read.registered) == ("ACME", "48601602603", "Hello", 1)
    for bad in (Address(1, 1, "1" * 21), Address(1, 1, "1\x002")):
        with pytest.raises(PduError):
            message_body(Message(source=bad, destination=bad))
    with pytest.raises(PduError):
        message_body(Message(source=read_any(), destination=read_any(), text=b"x" * 255))


def read_any():
    return Address(1, 1, "1")
