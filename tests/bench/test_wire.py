"""The programs and streams of the benches `agi` and `ami`."""

import asyncio
import json
import subprocess
from collections import Counter

import pytest

from _fastpath import Framer
from tests.bench.agi import build, serving
from tests.bench.ami_stream import MIX, UNREAD, stream, unread
from tests.bench.neighbours import SERVERS, callfloor, panoramisk_ami


def test_load_and_floor_are_of_one_mind(tmp_path):
    """The floor serves the load's sessions to their end: no session is short, and each command takes some time."""
    load, floor = build("agi_load", tmp_path), build("agi_floor", tmp_path)
    with serving([str(floor)], 0) as (_, port):
        command = [load, str(port), "20", "10", "100"]
        done = [subprocess.run([*command, think], capture_output=True, check=True) for think in ("0", "20")]
    quick, thoughtful = (json.loads(one.stdout) for one in done)
    assert quick["faults"] == thoughtful["faults"] == 0
    assert quick["turn_p99_us"] >= quick["turn_p50_us"] > 0
    assert quick["commands_per_s"] > 0
    assert 0 < thoughtful["commands_per_s"] <= 2_200  # 20 sessions, 10 ms or more a command, and what was due before


def test_a_short_session_is_a_fault(tmp_path):
    """A server that sends other commands than the load expects is found out."""

    async def serve() -> dict[str, object]:
        async def wrong(reader, writer):
            await reader.readuntil(b"\n\n")
            writer.write(b"NOOP\n")
            await reader.readline()
            writer.close()

        server = await asyncio.start_server(wrong, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        load = build("agi_load", tmp_path)
        client = await asyncio.create_subprocess_exec(load, str(port), "2", "0", "50", stdout=subprocess.PIPE)
        told, _ = await client.communicate()
        server.close()
        return json.loads(told)

    assert asyncio.run(serve())["faults"] > 0


def test_the_stream_is_one_of_asterisk():
    """Its events are of the sizes and kinds that are said, none is refused, and panoramisk reads as many as we do."""
    events = stream(2_000)
    found = Framer().feed(b"".join(events))
    assert [message.twice for message in found] == [""] * 2_000
    assert Counter(message.event for message in found).keys() == MIX.keys()
    assert 450 < sum(map(len, events)) / 2_000 < 530
    assert 20 < sum(len(message.headers()) for message in found) / 2_000 < 24
    feed, count = panoramisk_ami()
    feed(b"".join(events))
    assert count == [2_000]


def test_what_nobody_reads_is_not_read():
    """The noise of the live bench holds no event that the product asks for."""
    from ivr.switch import EVENT_NAMES  # noqa: PLC0415 - the product's own list

    assert {message.event for message in Framer().feed(unread(300))} == set(UNREAD)
    assert not set(UNREAD) & EVENT_NAMES


@pytest.mark.parametrize("name", SERVERS)
def test_each_server_has_a_name(name):
    """The servers that the bench starts by name are functions of that name."""
    assert SERVERS[name].__name__ == name
    assert callfloor in SERVERS.values()
