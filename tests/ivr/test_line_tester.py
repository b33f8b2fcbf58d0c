"""Tests of lines that come by themselves, and the near end's part, without a switch."""

import socket
import threading
import time
from datetime import datetime
from types import SimpleNamespace
from uuid import UUID

import numpy as np
import pytest

from acd.core.line import Line
from acd.core.model import State
from acd.core.rules import LineGroupRule, LineRule
from acd.settings import GeneralSettings, LineTestSettings, Site, SwitchSettings
from ivr.ami import Message
from ivr.audio import to_pcm16
from ivr.channels import Channels
from ivr.linetest.call import UntestedError
from ivr.linetest.history import History
from ivr.linetest.near_end import HANG_UP, ID, SOUND, Stream, called, measure
from ivr.linetest.probe import FRAME, FRAME_MS, probe
from ivr.linetest.report import LineTest
from ivr.linetest.tester import RETRY_MS, LineTester

NOW = 1_795_950_000_000
HOUR_MS = 3_600_000
OURS = UUID("12345678-1234-5678-1234-567812345678")


def site(**test) -> Site:
    lines = tuple(LineRule(name=name) for name in ("carrier:1", "carrier:2", "DAHDI/1"))
    return Site(
        general=GeneralSettings(),
        switch=SwitchSettings(fallback="101"),
        line_groups=(LineGroupRule(name="outside", lines=lines), LineGroupRule(name="other", lines=lines[2:])),
        line_tests={"outside": LineTestSettings(**test)},
    )


HOUSE = SimpleNamespace(core=SimpleNamespace(state=State()), clock=lambda: NOW)


class Away:
    """A switch whose link stands and over which nothing is ever asked."""

    link = object()
    listeners = ()
    channels = Channels({})


def made(home, **test) -> LineTester:
    return LineTester(Away(), lambda: HOUSE, lambda: site(**test), home)


def remembered(line, *, at, alarming=False) -> LineTest:
    return LineTest(
        at=at, line=line, group="outside", number="600", verdict="failed", reasons=("no echo",), alarming=alarming
    )


def due(one: LineTester, at=NOW) -> list[str]:
    return one.due(datetime.fromtimestamp(at / 1000))  # noqa: DTZ006 - as the server does


def test_a_trunk_is_one_line(tmp_path):
    """Its lines are one like the other: it is tested once; each channel of hardware is tested."""
    assert due(made(tmp_path, number="600", every_ms=HOUR_MS)) == ["carrier", "DAHDI/1"]
    assert due(made(tmp_path, every_ms=HOUR_MS)) == []
    assert due(made(tmp_path, number="600")) == []


def test_what_was_tested_is_not_due(tmp_path):
    """The last test counts, also one of before the start, whichever line of the trunk it took."""
    History(tmp_path).add(remembered("carrier:2", at=NOW - HOUR_MS + 1_000))
    assert due(made(tmp_path, number="600", every_ms=HOUR_MS)) == ["DAHDI/1"]
    assert due(made(tmp_path, number="600", every_ms=HOUR_MS - 2_000)) == ["carrier", "DAHDI/1"]


async def test_what_could_not_be_tested_is_tried_later(tmp_path):
    """A refusal, here that nothing is known of the lines, is no result; the next try comes after a while."""
    one = made(tmp_path, number="600", every_ms=HOUR_MS)
    await one._test_by_itself("carrier")
    assert due(one) == ["DAHDI/1"]
    one._dispatcher = lambda: SimpleNamespace(clock=lambda: NOW + RETRY_MS)
    assert due(one, NOW + RETRY_MS) == ["carrier", "DAHDI/1"]
    assert History(tmp_path).read() == []


def test_alarms_are_of_lines_that_are_there(tmp_path):
    """The last test of a line tells whether there is one; a line that is gone from acd.conf has none."""
    log = History(tmp_path)
    for line, alarming in (("carrier:1", True), ("DAHDI/1", True), ("DAHDI/1", False), ("gone:1", True)):
        log.add(remembered(line, at=NOW, alarming=alarming))
    [alarm] = made(tmp_path).alarms
    assert alarm.startswith("carrier, tested 20")
    assert alarm.endswith(": no echo")


async def test_a_trunk_that_is_not_there_has_failed(tmp_path):
    """Its lines look as if all were in use; but nobody is on them, and the admin is to hear of it."""
    one = made(tmp_path, number="600", every_ms=HOUR_MS)
    state = State()
    state.fresh = True
    state.lines = {
        name: Line(rule=LineRule(name=name), group="outside", in_use=True) for name in ("carrier:1", "carrier:2")
    }
    switch = Away()
    switch.channels = Channels({})
    switch.channels.trunks.set_lines(state.lines)
    one._switch = switch
    one._dispatcher = lambda: SimpleNamespace(core=SimpleNamespace(state=state), clock=lambda: NOW)
    with pytest.raises(UntestedError, match="all lines of carrier are in use"):
        await one.test("carrier")
    gone = Message({"Event": "DeviceStateChange", "Device": "PJSIP/carrier", "State": "UNAVAILABLE"})
    switch.channels.trunks.take(gone, ())
    found = await one.test("carrier")
    assert (found.verdict, found.alarming) == ("failed", True)
    assert "does not answer" in one.alarms[0]


# The near end


def message(kind, data=b""):
    return bytes([kind]) + len(data).to_bytes(2, "big") + data


def frames(count):
    sound = to_pcm16(probe())
    return [sound[2 * FRAME * number :][: 2 * FRAME] for number in range(count)]


def echoing(connection, *, after):
    """Be Asterisk: give each frame back, in two halves on the wire, and hang up after so many."""
    with connection:
        data, count = b"", 0
        while count < after and (part := connection.recv(4096)):
            data += part
            while len(data) >= 3 + 2 * FRAME and count < after:
                whole, data = data[: 3 + 2 * FRAME], data[3 + 2 * FRAME :]
                count += 1
                connection.sendall(whole[:100])
                connection.sendall(whole[100:])


@pytest.mark.parametrize(("sent", "after", "whole"), [(80, 80, True), (80, 60, False)])
def test_frames_go_out_in_time(sent, after, whole):
    """One each 20 ms, to the end or until the far end is gone; what comes back at once is found at once."""
    ours, theirs = socket.socketpair()
    switch = threading.Thread(target=echoing, args=(theirs,), kwargs={"after": after})
    switch.start()
    begun = time.monotonic()
    with ours:
        outcome = measure(Stream(ours), frames(sent))
    lasted_ms = 1000 * (time.monotonic() - begun)
    switch.join()
    assert outcome.whole is whole
    assert abs(outcome.sent - after) <= 2
    assert lasted_ms >= (after - 2) * FRAME_MS
    assert outcome.echo.delay_ms < FRAME_MS
    assert outcome.echo.heard_db == pytest.approx(outcome.echo.sent_db, abs=0.5)


@pytest.mark.parametrize(
    "stranger", [message(ID, bytes(16)), message(SOUND, bytes(320)), message(HANG_UP), b"GET / HTTP/1.1\r\n\r\n", b""]
)
def test_only_the_call_gets_in(stranger):
    """Who does not show the ID is sent away, and the call that comes after him is served."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def come():
            for words in (stranger, message(ID, OURS.bytes)):
                with socket.create_connection(listener.getsockname()) as peer:
                    peer.sendall(words)
                    peer.recv(1)

        caller = threading.Thread(target=come)
        caller.start()
        stream = called(listener, OURS, 10)
        assert stream is not None
        stream.close()
        caller.join()


def test_nobody_comes():
    """The call did not come about: it is waited for so long, and not longer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert called(listener, OURS, 0.05) is None


def test_messages_come_in_pieces():
    """However the stream is cut, the messages are the same."""
    words = message(ID, OURS.bytes) + message(SOUND, bytes(range(200))) + message(HANG_UP)
    for size in (1, 2, 7, 500):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            stream, read = Stream(ours), []
            for start in range(0, len(words), size):
                theirs.sendall(words[start : start + size])
                read += stream.read(time.monotonic() + 1)
        assert read == [(ID, OURS.bytes), (SOUND, bytes(range(200))), (HANG_UP, b"")]
        assert stream.ended


def test_levels_reach_full_scale():
    """16-bit samples are cut off at full scale, and do not turn over."""
    loud = probe()._replace(samples=np.array([2.0, -2.0]))
    assert np.frombuffer(to_pcm16(loud), "<i2").tolist() == [32_767, -32_768]
