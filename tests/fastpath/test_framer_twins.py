"""Where one build frames and reads, the other must do the same: the naive twin is the oracle of the compiled one."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from _fastpath import ami_py

ami = pytest.importorskip("_fastpath.ami", reason="the compiled module was not built")

PIECES = [
    *(b"\r\n", b"\r\n\r\n", b"\r", b"\n", b": ", b":", b" ", b"\x00", b"\xff", b"\xc3", b"\xa9", b"\xe2\x84\xaa"),
    *(b"Event: ", b"event: ", b"Event:", b"ActionID: ", b"Response: ", b"Variable: ", b"ChanVariable: ", b"Hangup"),
    *(b"Uniqueid: 1.1", b"UNIQUEID: 2", b"EventList: start", b"A: ", b"a: ", b"b", b"x" * 9, b"y" * 70),
    *(b"Event: Hangup\r\nUniqueid: 1.1\r\n\r\n", b"Response: Success\r\nActionID: 7\r\n\r\n"),
]
STREAMS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join), st.binary(max_size=300))
ASKED = ["Event", "uniqueid", "A", "Variable", "", "é", "Hangup", "y" * 70]


def told(framer, stream, cuts):
    """All that can be asked of all messages that come of a stream cut there."""
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    found = [m for begin, end in pairwise(edges) for m in framer.feed(stream[begin:end])]
    return [
        (
            *(m.event, m.action_id, m.twice, m.raw, list(m.headers().items()), repr(m)),
            [(m.get(name), m.all(name), name in m) for name in ASKED],
        )
        for m in found
    ], framer.overlong


@settings(max_examples=1_500, deadline=None)
@given(
    STREAMS,
    st.lists(st.integers(0, 2_000), max_size=20),
    st.sampled_from([None, [], ["Hangup", ""]]),
    st.sampled_from([10, 64, 1 << 20]),
)
def test_any_split_of_any_bytes(stream, cuts, names, limit):
    """However any bytes are cut, both builds give the same messages as they do of the whole, and stop alike."""
    whole = told(ami_py.Framer(names, limit), stream, [])
    assert told(ami.Framer(names, limit), stream, []) == whole
    assert told(ami.Framer(names, limit), stream, cuts) == whole
    assert told(ami_py.Framer(names, limit), stream, cuts) == whole


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.text(max_size=9), st.one_of(st.text(max_size=9), st.lists(st.text(max_size=9)))))
def test_made_up_messages(headers):
    """A message made from any dictionary is the same in both builds, or refused by both."""
    made = []
    for build in (ami, ami_py):
        try:
            message = build.Message(headers)
        except ValueError as error:
            made.append(str(error))
        else:
            made.append((message.raw, message.headers(), message.twice, message.event, message.action_id))
    assert made[0] == made[1]


@pytest.mark.parametrize("seed", range(6))
def test_long_messages(seed):
    """Messages of up to hundreds of lines, with names that differ little and some that repeat, are read alike."""
    draw = random.Random(seed)
    stream = b""
    for _ in range(60):
        lines = [
            b"%b%d: %b"
            % (draw.choice([b"H", b"h", b"Variable", b"N" * draw.randrange(70)]), draw.randrange(10**6), b"v")
            for _ in range(draw.choice([3, 63, 64, 65, 400]))
        ]
        if draw.random() < 0.5:
            lines.append(draw.choice(lines).upper())
        stream += b"\r\n".join([b"Event: E", *lines]) + b"\r\n\r\n"
    cuts = [draw.randrange(len(stream)) for _ in range(200)]
    assert told(ami.Framer(), stream, cuts) == told(ami_py.Framer(), stream, [])
