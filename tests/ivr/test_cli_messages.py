"""`callfloor messages`: with and without a server."""

import msgspec
import pytest
from cli_house import callfloor
from msgspec import json

from acd.control import Control
from acd.status import CallStatus, Status
from ivr.mailbox import CLOSED, RECORDINGS, Message

EMPTY = Status(at=0, connected=True, journal_failed=None, queues=[], seats=[], calls=[])


@pytest.fixture
def home(tmp_path):
    """Give a home with an open message and a closed one, of hostile numbers."""
    folder = tmp_path / RECORDINGS
    (folder / CLOSED).mkdir(parents=True)
    for number, place, closed_at in (("1", folder, None), ("2", folder / CLOSED, 99)):
        message = Message(
            id=f"voicemail-{number}",
            queue="sales",
            number=f"555{number}\x1b[2J",
            since=1,
            left_at=int(number) * 1_000,
            length_ms=61_000,
            closed_at=closed_at,
            closed_by="101" if closed_at else "",
            code="sold" if closed_at else "",
        )
        (place / f"{message.id}.json").write_bytes(json.encode(message))
        (place / f"{message.id}.wav").write_bytes(number.encode())
    return tmp_path


async def listed(home, *words):
    """What the list says, for programs."""
    ended = await callfloor("messages", "--home", home, "--json", *words)
    assert ended.code == 0, ended.err
    return [(one["id"], one["queue"], one["state"]) for one in json.decode(ended.out)]


async def test_open_ones_and_all(home):
    """Without a server it tells what lies there; of one queue alone, if it is asked for."""
    assert await listed(home) == [("voicemail-1", "sales", "kept")]
    assert await listed(home, "--closed") == [("voicemail-1", "sales", "kept"), ("voicemail-2", "sales", "closed")]
    assert await listed(home, "--queue", "support") == []


async def test_a_server_says_how_the_call_stands(home):
    """Its queue and state are those of now."""
    call = CallStatus(
        call="voicemail-1",
        caller="5551",
        queue="support",
        medium="voicemail",
        state="talking",
        waited_ms=0,
        offers=1,
    )
    status = msgspec.to_builtins(msgspec.structs.replace(EMPTY, calls=[call]))
    server = Control(home, {"status": lambda: status})
    await server.start()
    try:
        assert await listed(home) == [("voicemail-1", "support", "talking")]
    finally:
        await server.close()


async def test_for_people(home):
    """A table, in which no number can move the cursor."""
    ended = await callfloor("messages", "--home", home, "--closed")
    assert "closed by 101" in " ".join(ended.out.split())
    assert "\x1b[2J" not in ended.out


async def test_where_the_sound_is(home, tmp_path):
    """The path of one, or a copy of it; a name that is none is told."""
    ended = await callfloor("messages", "voicemail-2", "--home", home)
    assert ended.out.strip() == str(home / RECORDINGS / CLOSED / "voicemail-2.wav")
    copy = tmp_path / "copy.wav"
    await callfloor("messages", "voicemail-1", "--home", home, "--copy", copy)
    assert copy.read_bytes() == b"1"
    ended = await callfloor("messages", "voicemail-3", "--home", home)
    assert ended.code != 0
    assert "there is no message 'voicemail-3'" in ended.err
