"""The framer's contract (ami.pyi), over both builds."""

import ast
import inspect
import sys
import tracemalloc
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
HANGUP = b"Event: Hangup\r\nPrivilege: call,all\r\nChannel: PJSIP/101-00000001\r\nUniqueid: 1.1\r\nCause: 16"
END = b"\r\n\r\n"


@pytest.fixture(params=[pytest.param("ami", id="compiled"), pytest.param("ami_py", id="python")])
def build(request: pytest.FixtureRequest) -> ModuleType:
    """Give each of both modules in turn."""
    if request.param == "ami":
        pytest.importorskip("_fastpath.ami", reason="the compiled module was not built")
    return import_module(f"_fastpath.{request.param}")


def one(build, raw):
    """Read the one message that stands there."""
    [message] = build.Framer().feed(raw + END)
    return message


def test_a_message_is_read_on_demand(build):
    """Name, id, single headers and all of them are those of its lines, by names in either case."""
    message = one(build, HANGUP + b"\r\nActionID: a/1")
    assert (message.event, message.action_id, message.twice) == ("Hangup", "a/1", "")
    assert message.raw == HANGUP + b"\r\nActionID: a/1"
    assert [message.get("Uniqueid"), message["UNIQUEID"], message.get("uniqueID", "x")] == ["1.1"] * 3
    assert message.headers() == {
        "Event": "Hangup",
        "Privilege": "call,all",
        "Channel": "PJSIP/101-00000001",
        "Uniqueid": "1.1",
        "Cause": "16",
        "ActionID": "a/1",
    }
    assert "cause" in message
    assert "Causes" not in message
    assert 16 not in message
    assert message.get("Causes") == ""
    assert message.get("Causes", "none") == "none"
    assert message.all("Causes") == []
    with pytest.raises(KeyError, match="Causes"):
        message["Causes"]


def test_several_messages_in_one_piece(build):
    """All complete messages of a piece come at once and in order; what is begun comes with its end."""
    framer = build.Framer()
    data = b"".join(b"Event: E%d%b" % (number, END) for number in range(300))
    assert [message.event for message in framer.feed(data + HANGUP)] == [f"E{number}" for number in range(300)]
    assert framer.feed(b"\r\n\r") == []
    assert [message.raw for message in framer.feed(b"\n")] == [HANGUP]


def test_no_character_is_split(build):
    """A character of four bytes that comes in four pieces is whole; what is no UTF-8 becomes a mark."""
    framer = build.Framer()
    found = []
    for byte in "Event: Hangup\r\nCallerIDName: Zoë 📞\r\nX: ".encode() + b"\xff\xc3(\x80" + END:
        found += framer.feed(bytes([byte]))
    assert found[0].get("CallerIDName") == "Zoë 📞"
    assert found[0].get("X") == "\ufffd\ufffd(\ufffd"


@pytest.mark.parametrize(
    ("lines", "headers"),
    [
        (b"A:1", {}),
        (b"A: ", {"A": ""}),
        (b"A: b: c", {"A": "b: c"}),
        (b"A:b: c", {"A:b": "c"}),
        (b": x", {"": "x"}),
        (b"A: x\r", {"A": "x\r"}),
        (b"A: x\ny\rz", {"A": "x\ny\rz"}),
        (b"\nA: x", {"\nA": "x"}),
        (b"A: " + b"x" * 100_000, {"A": "x" * 100_000}),
        (b"A" * 100_000 + b": x", {"A" * 100_000: "x"}),
        ("Ä: 1\r\nä: 2".encode(), {"Ä": "1", "ä": "2"}),
        (b"\xff: 1", {"\ufffd": "1"}),
    ],
)
def test_odd_lines(build, lines, headers):
    """A line ends at CR LF alone, and the first colon with a blank parts it; one without is no header."""
    assert one(build, b"Event: E\r\n" + lines).headers() == {"Event": "E", **headers}


@pytest.mark.parametrize(
    ("lines", "twice"),
    [
        (b"A: 1\r\nB: 2\r\na: 3", "a"),
        (b"Uniqueid: 1\r\nUNIQUEID: 1", "uniqueid"),
        (b"EVENT: x", "event"),
        (b"A: 1\r\nB: 2\r\nB: 3\r\nA: 4", "b"),
        (b"Variable: 1\r\nvariable: 2\r\nChanVariable: 3\r\nCHANVARIABLE: 4", ""),
        (b"Variable: 1\r\nVariable: 2\r\nA: 1\r\nA: 2", "a"),
        (b"forged\r\nforged", "forged"),
        (b"A: 1\r\na", "a"),
        (b"\r\n".join(b"H%d: x" % number for number in range(500)), ""),
        (b"\r\n".join(b"H%d: x" % (number % 400) for number in range(500)), "h0"),
        (b"\r\n".join(b"Variable: %d" % number for number in range(500)), ""),
        (b"\r\n".join(b"Variable: %d" % number for number in range(500)) + b"\r\nA: 1\r\na: 2", "a"),
        (b"Lin\xe2\x84\xaaedid: 1\r\nLinkedid: 2", ""),  # the Kelvin sign is no k
    ],
)
def test_a_header_twice_is_seen(build, lines, twice):
    """The first name that repeats an earlier one is told, however many lines there are; names in -variable may."""
    assert one(build, b"Event: E\r\n" + lines).twice == twice


def test_repeated_headers(build):
    """Of a repeated header `get` gives the first, `all` each, and the dictionary a list under the first spelling."""
    message = one(build, b"Event: E\r\nVariable: A=1\r\nX: y\r\nvariable: B=2\r\nVARIABLE: C=3")
    assert message.get("Variable") == "A=1"
    assert message.all("variable") == ["A=1", "B=2", "C=3"]
    assert message.headers() == {"Event": "E", "Variable": ["A=1", "B=2", "C=3"], "X": "y"}


def test_empty_lines_before_a_message_are_nothing(build):
    """However many empty lines part two messages, there are two."""
    for count in range(1, 6):
        framer = build.Framer()
        found = framer.feed(b"\r\n" * 3 + b"Event: A" + b"\r\n" * (count + 1) + b"Event: B" + END)
        assert [message.raw for message in found] == [b"Event: A", b"Event: B"]


def test_what_is_no_message_is_passed_over(build):
    """Lines with neither an Event nor a Response are nothing; either makes a message, wherever it stands."""
    blocks = [
        b"A: 1",
        b"no header",
        b"\x00\x01",
        b"Events: 1",
        b"Event:1",
        b"A: 1\r\nrESPONSE: Error",
        b"B: 2\r\nEvent: E",
    ]
    found = build.Framer().feed(END.join(blocks) + END)
    assert [message.raw for message in found] == blocks[-2:]


def test_only_wanted_events_come(build):
    """Events of other names are passed over, but for those with an ActionID; answers always come."""
    framer = build.Framer(["Hangup", "Newstate"])
    blocks = [
        *(b"Event: VarSet", b"Event: Hangup", b"Event: hangup", b"Event: ", b"Event: Newstate\r\nEvent: VarSet"),
        *(b"Event: Status\r\nActionID: 7", b"Response: Success", b"A: Hangup\r\nEvent: VarSet"),
    ]
    found = framer.feed(END.join(blocks) + END)
    assert [message.event for message in found] == ["Hangup", "Newstate", "Status", ""]
    assert build.Framer([]).feed(END.join(blocks[:5]) + END) == []


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("cut", [b"", b"\r", b"\r\n", b"\r\n\r", END])
def test_a_message_without_an_end_is_given_up(build, size, cut):
    """`limit` bytes are a message; with one more nothing is read from then on. Its end does not count."""
    for length, is_read in ((50, True), (51, False)):
        framer = build.Framer(limit=50)
        data = (b"Event: A" + END + b"Event: " + b"x" * (length - 7)) + cut
        found = [message for at in range(0, len(data), size) for message in framer.feed(data[at : at + size])]
        assert framer.overlong is not is_read
        assert len(found) == 1 + (cut == END and is_read)
        later = framer.feed(END[len(cut) :] + b"Event: B" + END)
        assert [message.event for message in later][-1:] == (["B"] if is_read else [])


def test_a_made_up_message_is_like_a_read_one(build):
    """A message made from a dictionary has its headers, its name, its id, and knows a header that comes twice."""
    message = build.Message({"Event": "E", "ActionID": "a", "Variable": ["A=1", "B=2"], "Empty": []})
    assert message.raw == b"Event: E\r\nActionID: a\r\nVariable: A=1\r\nVariable: B=2"
    assert (message.event, message.action_id, message.twice) == ("E", "a", "")
    assert message.all("Variable") == ["A=1", "B=2"]
    assert build.Message({"A": "1", "a": "2"}).twice == "a"
    assert build.Message({}).headers() == {}
    assert repr(build.Message({"Event": "E\x1b"})) == r"Message({'Event': 'E\x1b'})"


@pytest.mark.parametrize("headers", [{"A\r\nB": "1"}, {"A: B": "1"}, {"A": "1\r\nB: 2"}, {"A": ["1", "2\r\n"]}])
def test_no_header_is_made_up_that_is_two(build, headers):
    """A name or value that would be read as something else is refused."""
    with pytest.raises(ValueError, match="not a header"):
        build.Message(headers)


def test_what_is_no_bytes_is_refused(build):
    """A piece that is no bytes, and a name that is no str, are type errors, and change nothing."""
    framer = build.Framer()
    framer.feed(HANGUP)
    for wrong in ("text", None, bytearray(b"x"), 5):
        with pytest.raises(TypeError):
            framer.feed(wrong)
    assert len(framer.feed(END)) == 1
    with pytest.raises(TypeError):
        build.Framer([b"Hangup"])


def test_a_message_is_not_to_be_changed():
    """What was read stays as it was read; of the pure build a type checker alone sees to that."""
    message = one(pytest.importorskip("_fastpath.ami", reason="the compiled module was not built"), HANGUP)
    for name in ("event", "action_id", "twice", "raw"):
        with pytest.raises(AttributeError):
            setattr(message, name, "x")


def test_the_manual_names_every_method_and_argument(build):
    """The stub and each build have the same public methods with the same arguments, and the same attributes."""
    stub = ast.parse((ROOT / "_fastpath/ami.pyi").read_text())
    for node in stub.body:
        if not isinstance(node, ast.ClassDef):
            continue
        made = getattr(build, node.name)
        said = {part.name: [a.arg for a in part.args.args] for part in node.body if isinstance(part, ast.FunctionDef)}
        has = {name for name in vars(made) if not name.startswith("_") and callable(vars(made)[name])}
        assert has == {name for name in said if not name.startswith("_")}
        for name in has:
            assert said[name] == list(inspect.signature(getattr(made, name)).parameters)
        instance = build.Framer() if node.name == "Framer" else one(build, HANGUP)
        attributes = {part.target.id for part in node.body if isinstance(part, ast.AnnAssign)}  # type: ignore[union-attr]
        assert attributes <= set(dir(instance))


def test_memory_does_not_grow_with_time():
    """A stream of ever new names and long messages takes no more memory after an hour than after a minute."""
    ami = pytest.importorskip("_fastpath.ami", reason="the compiled module was not built")
    framer = ami.Framer(["Hangup"])

    def stream(first: int) -> None:
        for number in range(first, first + 3_000):
            for message in framer.feed(b"Event: E%d\r\nActionID: 1\r\nH%d: x%b" % (number, number, END)):
                message.headers()
        framer.feed(b"Event: Hangup\r\nX: " + b"x" * 500_000)
        framer.feed(END)

    tracemalloc.start()
    stream(0)
    before = tracemalloc.get_traced_memory()[0]
    for number in range(1, 10):
        stream(number * 3_000)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 10_000


def test_a_message_takes_little_more_than_its_bytes():
    """Memory of a kept message is its bytes and at most 120 more, as the manual says."""
    ami = pytest.importorskip("_fastpath.ami", reason="the compiled module was not built")
    framer = ami.Framer()
    assert sys.getsizeof(framer.feed(HANGUP + END)[0]) <= 80
    tracemalloc.start()
    kept = framer.feed((HANGUP + END) * 10_000)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(kept) == 10_000
    assert taken / 10_000 <= len(HANGUP) + 120 + 8 + 110  # 8 for the list, 110 for the stream's buffer
