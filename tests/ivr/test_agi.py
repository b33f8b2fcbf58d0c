"""The AGI codec: bytes in, events out."""

from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from agi_peer import TRANSCRIPTS, headers, transcript
from hypothesis import given, settings
from hypothesis import strategies as st

from _fastpath import CommandError
from ivr.agi import (
    COMMAND_BYTES_MAX,
    HEADER_BYTES_MAX,
    HEADER_COUNT_MAX,
    HEADER_LINE_MAX,
    RESPONSE_BYTES_MAX,
    Closed,
    Codec,
    HungUp,
    PeerError,
    Request,
    Response,
    encode,
)

NAMES = sorted(path.stem.removeprefix("agi-") for path in TRANSCRIPTS.glob("agi-*.txt"))


def ready() -> Codec:
    codec = Codec()
    codec.receive(headers())
    return codec


def waiting() -> Codec:
    codec = ready()
    codec.expect()
    return codec


def res_agi_words(line: bytes) -> list[str]:
    """Words of a command line, as parse_args of res_agi.c finds them: the rules, written down a second time."""
    words: list[str] = []
    quoted = escaped = False
    blank = True
    for char in line.decode().removesuffix("\n"):
        if char == '"' and not escaped:
            quoted = not quoted
            if quoted and blank:
                words.append("")
                blank = False
        elif char in " \t" and not quoted and not escaped:
            blank = True
        elif char == "\\" and not escaped:
            escaped = True
            continue
        else:
            if blank:
                words.append("")
                blank = False
            words[-1] += char
        escaped = False
    return words


@pytest.mark.parametrize("name", NAMES)
def test_recorded_dialogues_are_understood(name: str) -> None:
    """Every line that a real Asterisk sent is an event, and every command can be rendered again byte by byte."""
    codec = Codec()
    for mark, line in transcript(name):
        if mark == "<":
            codec.receive(line.encode() + b"\n")
        else:
            words = res_agi_words(line.encode())
            assert any(encode(" ".join(words[:n]), *words[n:]).decode() == f"{line}\n" for n in (2, 1))
            codec.expect()


def test_there_are_recorded_dialogues() -> None:
    """The folder of transcripts is there and not empty."""
    assert len(NAMES) >= 7


def test_headers_become_a_request() -> None:
    """The block up to the empty line becomes one event; the script is the path without slash and query."""
    (request,) = Codec().receive(headers("/handset/log-in?x=1"))
    assert isinstance(request, Request)
    assert request.script == "handset/log-in"
    assert request.headers["callerid"] == "5550123"
    assert request.headers["accountcode"] == ""
    assert request.cut == ()


@pytest.mark.parametrize(
    ("line", "response"),
    [
        ("200 result=0", Response(200, "0")),
        ("200 result=1 (a (b) c)", Response(200, "1", "a (b) c")),
        ("200 result=1 ()", Response(200, "1", "")),
        ("200 result= (timeout)", Response(200, "", "timeout")),
        ("200 result=12*", Response(200, "12*")),
        ("200 result=-1 endpos=18240", Response(200, "-1", None, 18_240)),
        ("200 result=35 (dtmf) endpos=0", Response(200, "35", "dtmf", 0)),
        ("510 Invalid or unknown command", Response(510, text="Invalid or unknown command")),
        ("511 Command Not Permitted on a dead channel", Response(511, text="Command Not Permitted on a dead channel")),
    ],
)
def test_responses(line: str, response: Response) -> None:
    """Each form of a response gives its parts."""
    assert waiting().receive(line.encode() + b"\n") == [response]


def test_a_usage_text_is_one_response() -> None:
    """The lines between 520- and 520 belong together, whatever stands in them."""
    codec = waiting()
    data = b"520-Invalid command syntax.\nUsage: ANSWER\n200 result=1\nHANGUP\n520 End of proper usage.\n"
    assert codec.receive(data) == [Response(520, text="End of proper usage.")]
    assert codec.may_command


def test_hang_up_comes_at_any_time() -> None:
    """HANGUP is told when no command is out, and before a response that is due."""
    assert ready().receive(b"HANGUP\n") == [HungUp()]
    assert waiting().receive(b"HANGUP\n511 Command Not Permitted\n") == [
        HungUp(),
        Response(511, text="Command Not Permitted"),
    ]


def test_end_of_stream() -> None:
    """No bytes are the end, in every state."""
    for codec in (Codec(), ready(), waiting()):
        assert codec.receive(b"") == [Closed()]


@given(st.lists(st.integers(0, 2_000), max_size=12))
def test_splitting_changes_nothing(cuts: list[int]) -> None:
    """However the stream is cut into pieces, the same events come out."""
    dialogue = [headers(calleridname="Zoë 📞" + "x" * 1_500), b"200 result=1 (\xff)\n", b"520-a\nb\n520 c\nHANGUP\n"]

    def run(*, split: bool) -> list[object]:
        codec, events = Codec(), []
        for data in dialogue:
            edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))}) if split else [0, len(data)]
            for start, end in pairwise(edges):
                events += codec.receive(data[start:end])
            if data is not dialogue[-1]:
                codec.expect()
        return events

    assert run(split=True) == run(split=False)


HEADER_PIECES = [
    *(b"agi_a: 1\n", b"agi_b:\n", b"agi_c: \xff\n", b"agi_d: x\r\n", b"agi_e: y\rz\n", b"\n", b"\r\n", b"agi_A: 1\n"),
    *(b"agi_f: " + b"x" * size + b"\n" for size in (1_016, 1_017, 1_018, 2_000)),
    b"".join(b"agi_arg_%d: \n" % number for number in range(HEADER_COUNT_MAX - 3)),
    b"".join(b"agi_arg_%d: \n" % number for number in range(HEADER_COUNT_MAX)),
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(HEADER_PIECES), max_size=8))
def test_headers_at_once_are_headers_one_by_one(pieces: list[bytes]) -> None:
    """Headers that come in one piece are read, and refused, just as if they came byte by byte."""

    def read(parts: list[bytes]) -> list[object]:
        codec, events = Codec(), []
        try:
            for part in parts:
                events += codec.receive(part)
        except PeerError as error:
            return [error.reason, error.excerpt]
        return [*events, codec._state, codec._bytes]

    block = b"".join([*pieces, b"\n"])
    assert read([block]) == read([bytes([byte]) for byte in block])


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=40), max_size=5))
def test_what_is_sent_arrives_as_it_is(texts: list[str]) -> None:
    """Quoting and res_agi's reading undo each other: quotes, backslashes, ${...}, blanks and empty texts arrive."""
    assert res_agi_words(encode("SET VARIABLE", *texts)) == ["SET", "VARIABLE", *texts]


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"])
def test_control_characters_are_refused(bad: str) -> None:
    """Nothing that could end the line, or an ESC, is ever sent."""
    with pytest.raises(CommandError, match="cannot be sent"):
        encode("SET VARIABLE", "X", f"a{bad}HANGUP")


def test_longest_command() -> None:
    """8,191 bytes pass, one more is refused: res_agi would take the rest for a second command."""
    room = COMMAND_BYTES_MAX - len(encode("SET VARIABLE", "X", ""))
    assert len(encode("SET VARIABLE", "X", "a" * room)) == COMMAND_BYTES_MAX
    with pytest.raises(CommandError, match="8192 bytes"):
        encode("SET VARIABLE", "X", "a" * (room + 1))


def test_commands_take_turns() -> None:
    """A command before the headers, or before the last one's response, is our mistake."""
    for codec in (Codec(), waiting()):
        with pytest.raises(AssertionError, match="a command was sent while"):
            codec.expect()


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (headers(calleridname="x\nagi_uniqueid: other"), "comes twice"),
        (headers(calleridname="x\nGET / HTTP/1.1"), "not an AGI header"),
        (b"GET / HTTP/1.1\r\n\r\n", "not an AGI header"),
        (b"\x16\x03\x01\x02\x00\n", "not an AGI header"),
        (b"agi_Network: yes\n", "not an AGI header"),
        (headers(**{f"arg_{n}": "" for n in range(HEADER_COUNT_MAX)}), "more than 192 headers"),
        (b"agi_x: " + b"a" * HEADER_BYTES_MAX, "bytes of headers"),
    ],
)
def test_hostile_headers(block: bytes, reason: str) -> None:
    """What is no header block, forges a header, or has no end, is refused."""
    with pytest.raises(PeerError, match=reason):
        Codec().receive(block)


def test_a_caller_with_an_absurd_name_is_still_a_caller() -> None:
    """A long line is cut, the cut is told, and the other headers are there."""
    (request,) = Codec().receive(headers(calleridname="n" * 65_536))
    assert isinstance(request, Request)
    assert request.cut == ("calleridname",)
    assert len(request.headers["calleridname"]) == HEADER_LINE_MAX - len("agi_calleridname: ")
    assert request.headers["dnid"] == "5550100"


def test_invalid_text_is_replaced() -> None:
    """Bytes that are no UTF-8, and half a character at the cut, become marks; nothing fails later on them."""
    (request,) = Codec().receive(headers().replace(b"unknown", b"\xff\xc3(\x80", 1))
    assert isinstance(request, Request)
    assert request.headers["calleridname"].encode().decode() == "��(�"


@pytest.mark.parametrize(
    "data",
    [
        b"200\n",
        b"200 ok\n",
        b"200 result=one\n",
        b"20 result=1\n",
        b"result=1\n",
        b"200 result=1 (two\nlines)\n",
        b"200 result=1 (x)\n200 result=1 (forged)\n",
        b"200 result=0" + b"0" * RESPONSE_BYTES_MAX,
        b"520-x\n" + b"usage\n" * RESPONSE_BYTES_MAX,
        b"\0\0\0\0\n",
    ],
)
def test_hostile_responses(data: bytes) -> None:
    """What is no response, or one too many, ends the session; so a value with a line break forges no second answer."""
    with pytest.raises(PeerError):
        waiting().receive(data)


def test_a_gigabyte_takes_no_memory() -> None:
    """A line without end is dropped as it comes, up to the limit of the block."""
    codec = Codec()
    piece = b"a" * 65_000
    for _ in range(HEADER_BYTES_MAX // len(piece) - 1):
        assert codec.receive(piece) == []
        assert len(codec._line) <= HEADER_LINE_MAX
    with pytest.raises(PeerError):
        [codec.receive(piece) for _ in range(3)]
    assert len(codec._line) == 0


@given(st.lists(st.binary(max_size=200), max_size=8), st.booleans(), st.booleans())
def test_any_bytes_are_events_or_a_peer_error(pieces: list[bytes], start: bool, command: bool) -> None:
    """Whatever comes, in whatever state, nothing else than PeerError is raised."""
    codec = (waiting() if command else ready()) if start else Codec()
    with suppress(PeerError):
        for piece in filter(None, pieces):
            codec.receive(piece)
    assert len(codec._line) <= RESPONSE_BYTES_MAX


def test_transcripts_hold_no_path_of_a_machine() -> None:
    """A transcript is part of the project: it names no folder of the machine it was made on."""
    for path in TRANSCRIPTS.glob("agi-*.txt"):
        assert str(Path.home()) not in path.read_text()
        assert "/tmp/" not in path.read_text()


def test_nonsense_is_fit_for_a_log() -> None:
    """What a peer sent goes into an error without terminal controls, and not at length."""
    with pytest.raises(PeerError) as caught:
        Codec().receive(b"\x1b[2J" + b"a" * 500 + b"\n")
    assert caught.value.excerpt == "\\x1b[2J" + "a" * 76
