"""What a widget may say, and what it may not: everything that comes over the socket is hostile."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.channels.chat import protocol as say
from acd.channels.chat.limits import KNOWN_MOST, Bucket, Buckets, Rate, neighbourhood


def test_what_a_widget_says_is_read():
    """Each kind, with what may be left out."""
    assert say.decode('{"t":"hello","v":1}') == say.Hello(v=1)
    assert say.decode('{"t":"say","id":"abcdefgh","text":"hi"}') == say.Say(id="abcdefgh", text="hi")
    assert say.decode('{"t":"ping"}') == say.Ping()


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "null",
        "[]",
        "{}",
        "1e400",
        '{"t":"welcome"}',
        '{"t":"say"}',
        '{"t":"say","id":"short","text":"x"}',
        '{"t":"say","id":"abcdefgh\\n","text":"x"}',
        '{"t":"say","id":"../../etc/x","text":"x"}',
        '{"t":"say","id":"abcdefgh","text":5}',
        '{"t":"say","id":"abcdefgh","text":"x","seq":7}',
        '{"t":"say","t":"ping","id":"abcdefgh"}',
        '{"t":"hello","v":"1"}',
        '{"t":"hello","v":1,"token":"short"}',
        '{"t":"hello","v":1,"last":-1}',
        '{"t":"hello","v":1,"last":1e99}',
        '{"t":"hello","v":1,"language":"en\\u0000"}',
        '{"t":"seen","seq":18446744073709551616}',
        json.dumps({"t": "say", "id": "abcdefgh", "text": "x" * (say.TEXT_MOST + 1)}),
        json.dumps({"t": "who", "id": "abcdefgh", "name": "x" * 201}),
        '{"t":"say","id":"abcdefgh","text":"' + "x" * say.FRAME_MOST + '"}',
        "[" * 20_000,
        '{"t":' * 4_000,
        '{"t":"say","id":"abcdefgh","text":"\ud800"}',
    ],
)
def test_anything_else_is_refused(frame):
    """By one error, whatever it is: no frame ends a server."""
    with pytest.raises(say.ProtocolError):
        say.decode(frame)


def test_the_longest_line_fits_into_a_frame():
    """Every sign of it escaped, as some libraries do, and all that stands around it."""
    frame = json.dumps({"t": "say", "id": "a" * 40, "text": "\u00e9" * say.TEXT_MOST})
    assert len(frame) > 6 * say.TEXT_MOST
    assert say.decode(frame).text == "\u00e9" * say.TEXT_MOST


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=30),
        lambda some: st.lists(some) | st.dictionaries(st.sampled_from(["t", "id", "text", "v", "seq"]), some),
    )
)
def test_any_json_is_read_or_refused(value):
    """Nothing else comes of it."""
    try:
        say.decode(json.dumps(value))
    except say.ProtocolError:
        return
    assert value["t"] in {"hello", "say", "typing", "seen", "who", "call-me", "transcript", "leave", "ping"}


@given(st.text(max_size=100))
def test_what_we_say_is_json_whatever_is_in_it(text):
    """The text comes out as it went in."""
    told = say.Line(seq=1, id="abcdefgh", mine=True, at=1, text=text)
    assert json.loads(say.encode(told)).get("text", "") == text


def test_a_bucket_runs_full_again_and_never_over():
    """So much at once, so much in the long run; a clock that goes back gives nothing."""
    bucket = Bucket(Rate(2, 1_000), 0)
    assert [bucket.take(0) for _ in range(3)] == [True, True, False]
    assert not bucket.take(999)
    assert bucket.take(1_000)
    assert not bucket.take(500)
    assert [bucket.take(1_000_000) for _ in range(3)] == [True, True, False]


def test_addresses_are_remembered_up_to_a_number():
    """A flood from many addresses takes no memory without end, and the busy one is not the one forgotten."""
    buckets = Buckets(Rate(1, 3_600_000))
    assert buckets.take("busy", 0)
    for number in range(KNOWN_MOST + 10):
        buckets.take(str(number), 0)
        assert number % 1_000 or not buckets.take("busy", 0)
    assert len(buckets) == KNOWN_MOST
    assert not buckets.take("busy", 0)


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::"),
        ("no address", "no address"),
    ],
)
def test_an_address_is_one_neighbours(address, whose):
    """Who has a network of IPv6 addresses is one, and not 2^64."""
    assert neighbourhood(address) == whose
