"""`callfloor line test` and `history`, run as a person runs them, against a server that answers what the test says."""

import msgspec
import pytest

from acd.control import Control, ControlError
from ivr.linetest.history import History
from ivr.linetest.report import LineTest
from ivr.linetest.tester import Asked
from tests.ivr.cli_house import callfloor

pytestmark = pytest.mark.asyncio

GOOD = LineTest(
    at=1_795_950_000_000,
    line="carrier:1",
    group="outside",
    number="600",
    verdict="ok",
    post_dial_ms=312,
    answer_ms=1_840,
    round_trip_ms=148.3,
    late_ms=9.6,
    jitter_ms=4.1,
    sent_db=-18.0,
    heard_db=-24.3,
    noise_db=-67.1,
    lost=0.034,
    lost_there=0.009,
    rtcp_round_trip_ms=71.2,
    codec="alaw",
    keys_sent="159*",
    keys_heard="159*",
    mos=2.86,
)
FAILED = LineTest(
    at=1_795_950_060_000,
    line="DAHDI/1",
    group="analog",
    number="601",
    verdict="failed",
    reasons=("not answered: User \x1b[2Jbusy",),
    alarming=True,
)


async def test_all_figures_are_shown(tmp_path):
    """What was asked for comes to the server, what it found to the terminal; ok ends with 0."""
    asked = []

    def answer(question):
        asked.append(msgspec.json.decode(question, type=Asked))
        return msgspec.to_builtins(GOOD)

    server = Control(tmp_path, {}, {"line-test": answer})
    await server.start()
    try:
        ended = await callfloor("line", "test", "carrier", "--number", "600", "--home", tmp_path)
        as_json = await callfloor("line", "test", "carrier", "--json", "--home", tmp_path)
    finally:
        await server.close()
    assert asked == [Asked(target="carrier", number="600"), Asked(target="carrier")]
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "carrier:1 to 600: ok",
        "  answer            rings after 312 ms, answers after 1840 ms",
        "  opinion           MOS 2.86 (E-model, ITU-T G.107), codec alaw",
        "  round trip        148.3 ms by echo; 71.2 ms by RTCP",
        "  jitter            4.1 ms; 19 of 20 packets at most 9.6 ms late",
        "  lost              3.4% there and back; 0.9% there, as the far end says",
        "  level             sent -18 dBFS, came back -24.3 dBFS, noise -67.1 dBFS",
        "  keys              sent 159*, came back 159*",
    ]
    assert msgspec.json.decode(as_json.out, type=LineTest) == GOOD


@pytest.mark.parametrize(("verdict", "code"), [("degraded", 3), ("failed", 4)])
async def test_the_exit_status_tells_the_verdict(tmp_path, verdict, code):
    """And nothing that came over the line moves the cursor."""
    found = msgspec.structs.replace(FAILED, verdict=verdict)
    server = Control(tmp_path, {}, {"line-test": lambda _: msgspec.to_builtins(found)})
    await server.start()
    try:
        ended = await callfloor("line", "test", "--home", tmp_path)
    finally:
        await server.close()
    assert ended.code == code
    assert "\x1b" not in ended.out
    assert r"not answered: User \x1b[2Jbusy" in ended.out


async def test_a_refusal_is_no_verdict(tmp_path):
    """Where there was no test the reason is told, and the status is 1."""

    def refuse(_question):
        raise ControlError("the free lines of outside are kept for others")

    server = Control(tmp_path, {}, {"line-test": refuse})
    await server.start()
    try:
        ended = await callfloor("line", "test", "--home", tmp_path)
    finally:
        await server.close()
    assert (ended.code, ended.err) == (1, "callfloor: the free lines of outside are kept for others\n")


async def test_history_without_a_server(tmp_path):
    """All tests, those of a line, a trunk or a group, the last so many, for people and for programs."""
    ended = await callfloor("line", "history", "--home", tmp_path)
    assert ended.out == "no line was tested yet\n"
    log = History(tmp_path)
    log.add(GOOD)
    log.add(FAILED)
    ended = await callfloor("line", "history", "--home", tmp_path)
    assert [word in ended.out for word in ("carrier:1", "148.3 ms", "3.4%", "DAHDI/1", "failed")] == [True] * 5
    assert "\x1b" not in ended.out
    for name in ("carrier", "carrier:1", "outside"):
        ended = await callfloor("line", "history", name, "--json", "--home", tmp_path)
        assert msgspec.json.decode(ended.out, type=list[LineTest]) == [GOOD]
    ended = await callfloor("line", "history", "-n", "1", "--json", "--home", tmp_path)
    assert msgspec.json.decode(ended.out, type=list[LineTest]) == [FAILED]
    ended = await callfloor("line", "history", "nobody", "--home", tmp_path)
    assert ended.out == "no test of nobody is known\n"
