"""Blocks of headers, in both builds: what is taken, what is left, what can be asked."""

from collections.abc import Mapping
from importlib import import_module

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from _fastpath import headers_py

BUILDS = [pytest.param("headers", id="compiled"), pytest.param("headers_py", id="python")]
BLOCK = b"agi_network: yes\nagi_callerid: 555\nagi_name:Zo\xc3\xab\nagi_empty:\nagi_blank: \nagi_two:  x\n\n"


def load(name):
    if name == "headers":
        pytest.importorskip("_fastpath.headers", reason="the compiled module was not built")
    return import_module(f"_fastpath.{name}")


@pytest.fixture(params=BUILDS)
def read(request):
    """Give each function in turn."""
    return lambda data, **other: load(request.param).read_headers(
        data, b"agi_", **{"line_max": 40, "count_max": 9, **other}
    )


def test_a_block_is_a_mapping(read):
    """Values by name, in order, one blank after the colon left out; a name that is not there is a KeyError."""
    headers = read(BLOCK)
    values = {"network": "yes", "callerid": "555", "name": "Zoë", "empty": "", "blank": "", "two": " x"}
    assert isinstance(headers, Mapping)
    assert list(headers.items()) == list(values.items())
    assert headers == values
    assert repr(headers) == repr(values)
    assert {**headers} == values
    assert "network" in headers
    assert headers.get("net", "none") == "none"
    for name in ("net", "networks", "agi_network", "", "é", "\ud800", 7):
        with pytest.raises(KeyError):
            headers[name]
        assert name not in headers


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\n", b"\n\n", BLOCK[:-1], BLOCK + b"x", b"\n" + BLOCK, BLOCK + BLOCK, b"agi_a: 1\n\n\n"),
        *(b"agi_a: 1\r\n\r\n", b"agi_a: \r\n\n", b"agi_A: 1\n\n", b"agi_: 1\n\n", b"agi_a 1\n\n", b"agi-a: 1\n\n"),
        *(b"agi_a\n\n", b"agi\n\n", b"agi_a: 1\nGET / HTTP\n\n", b"agi_\xc3\xa9: 1\n\n", b"agi_a" * 20 + b": 1\n\n"),
        *(b"agi_a: 1\nagi_a: 2\n\n", b"agi_a: 1\nagi_b: 1\nagi_a: 1\n\n", b"agi_a: " + b"x" * 34 + b"\n\n"),
        b"".join(b"agi_%d: \n" % number for number in range(10)) + b"\n",
    ],
)
def test_what_is_not_usual_is_left(read, data):
    """No end, no header, half a header, too long, too many, twice."""
    assert read(data) is None


def test_the_longest_that_are_usual(read):
    """The limits themselves are within the limits."""
    assert read(b"agi_a: " + b"x" * 33 + b"\n\n") == {"a": "x" * 33}
    assert len(read(b"".join(b"agi_%d: \n" % number for number in range(9)) + b"\n")) == 9
    assert read(b"agi_" + b"a" * 64 + b": 1\n\n", line_max=100) == {"a" * 64: "1"}
    assert read(b"agi_" + b"a" * 65 + b": 1\n\n", line_max=100) is None
    many = b"".join(b"agi_%d: \n" % number for number in range(192)) + b"\n"
    assert len(read(many, count_max=1_000)) == 192
    assert read(many[:-1] + b"agi_x: \n\n", count_max=1_000) is None


PIECES = [
    *(b"agi_a: 1\n", b"agi_b:\n", b"agi_c:  \xff\n", b"agi_d: \xe2\x84\n", b"agi_e: \xc3\n", b"agi_e: \xc3", b"\xa9\n"),
    *(
        b"agi_longer_name_1: x\n",
        b"agi_longer_name_2: x\n",
        b"agi_",
        b"a",
        b"_",
        b":",
        b" ",
        b"\n",
        b"\r",
        b"\x00",
        b"A",
    ),
]


@settings(max_examples=2_000, deadline=None)
@given(
    st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join), st.binary(max_size=60)),
    st.sampled_from([b"", b"\n", b"\n\n"]),
    st.sampled_from([b"agi_", b"a", b""]),
    st.integers(0, 30),
    st.integers(0, 5),
)
@example(b"agi_a: 1\x00\n", b"\n", b"agi_", 30, 5)
def test_both_builds_take_and_leave_the_same(block, end, prefix, line_max, count_max):
    """Any bytes are the same headers, or left to others, in both builds."""
    told = load("headers").read_headers(block + end, prefix, line_max, count_max)
    oracle = headers_py.read_headers(block + end, prefix, line_max, count_max)
    assert (told is None) == (oracle is None)
    if told is not None:
        assert list(told.items()) == list(oracle.items())
        assert len(told) == len(oracle)
