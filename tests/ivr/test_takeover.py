"""One server after the other on one home: what is handed over, and that nothing falls between them."""

import asyncio
import socket

import pytest
from structlog.testing import capture_logs

from acd.control import SOCKET, ControlError, ask
from acd.core import events as ev
from acd.dispatcher import RefusedError
from acd.journal import Folder, JournalError, compare
from ivr import server as module
from ivr.server import JOURNAL
from tests.ivr.ami_peer import ARRIVAL, AmiPeer
from tests.ivr.server_house import HANDSETS, WAITING, House, seen


@pytest.fixture
async def peer():
    """Give an Asterisk's manager interface where all handsets are registered."""
    async with AmiPeer() as peer:
        peer.list_lines = HANDSETS
        yield peer


@pytest.fixture(autouse=True)
def _silence(monkeypatch):
    """Speak no prompts: what is spoken is heard in the live tests."""
    monkeypatch.setattr(module, "usable_engines", lambda _voice: [])


@pytest.fixture
def house(tmp_path, peer):
    """Give the sample site in a house of its own."""
    return House(tmp_path, peer)


async def session(house, secret, script="entry"):
    """Begin an AGI session, as Asterisk does for a caller; gives its streams after the first command has come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.agi_port)
    headers = {"network_script": f"{secret}/{script}", "channel": "PJSIP/trunk-1", "uniqueid": "9.9", "extension": "1"}
    writer.write("".join(f"agi_{name}: {value}\n" for name, value in headers.items()).encode() + b"\n")
    return reader, writer


async def line(reader):
    """What the server says next."""
    return await asyncio.wait_for(reader.readline(), 10)


async def test_the_next_server_goes_on_where_this_one_was(house, peer):
    """Seats stay logged in, who waits keeps his place; the old one has let go of journal, socket and switch."""
    async with house.serve() as old:
        assert await old.desk.log_in("103", "1103") == "ok"
        arrived = seen(old, ev.CallArrived)
        peer.say(ARRIVAL)
        await arrived
        before = old.dispatcher.core.state.calls["1.1"]
        peer.list_lines = HANDSETS + WAITING
        with capture_logs() as logs:
            async with house.serve(takeover=True) as new:
                assert old.handed_over.is_set()
                state = new.dispatcher.core.state
                assert state.seats["103"].shown == "ready"
                assert (state.calls["1.1"].due, state.calls["1.1"].number) == (before.due, before.number)
                assert (await asyncio.to_thread(ask, house.home, "status"))["connected"] is True
                await old.close()
                assert (house.home / SOCKET).exists(), "the old one took the new one's socket away"
                assert await new.desk.log_in("102", "1102") == "ok"
        [took] = [entry for entry in logs if entry["event"] == "took over"]
        assert 0 <= took["gap_ms"] < 1_000
    kinds = [type(event).__name__ for event in house.entries()]
    assert kinds.count("Started") == 2
    assert kinds[kinds.index("SwitchLost") : kinds.index("SwitchLost") + 3] == ["SwitchLost", "Started", "Configured"]
    assert compare(Folder(house.home / JOURNAL)).difference == ""


async def test_who_connects_in_that_moment_is_served(house):
    """The listening socket itself changes hands: a call that came between the two servers is served by the new one."""
    async with house.serve() as old:
        secret, listener = old.site.switch.agi_secret, old.agi
        let_go = listener.let_go
        waiting = []

        def let_go_and_call():
            files = let_go()
            caller = socket.create_connection(("127.0.0.1", house.agi_port), timeout=10)
            caller.sendall(f"agi_network_script: {secret}/handset/log-out\nagi_channel: PJSIP/102-1\n\n".encode())
            waiting.append(caller)
            return files

        listener.let_go = let_go_and_call
        async with house.serve(takeover=True) as new:
            assert await asyncio.to_thread(waiting[0].recv, 100) == b"ANSWER\n"
            assert (new.agi.sessions, old.agi.sessions) == (1, 0)
            waiting[0].close()


async def test_a_caller_in_a_menu_is_not_dropped(house):
    """A menu that runs goes on in the old server, which is done when it has ended."""
    async with house.serve() as old:
        reader, writer = await session(house, old.site.switch.agi_secret)
        first = await line(reader)
        async with house.serve(takeover=True) as new:
            finished = asyncio.create_task(old.finish())
            writer.write(b"200 result=0\n")
            second = await line(reader)
            assert first
            assert second
            assert (new.agi.sessions, old.agi.sessions) == (0, 1)
            await asyncio.sleep(0.05)
            assert not finished.done()
            writer.close()
            await asyncio.wait_for(finished, 10)
            assert old.agi.sessions == 0


async def test_a_caller_who_has_just_connected_is_not_dropped(house):
    """Who reached the old server but has not yet said what he wants is served by it, and waited for."""
    async with house.serve() as old:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.agi_port)
        writer.write(b"agi_channel: PJSIP/trunk-1\n")
        async with asyncio.timeout(10):
            while not old.agi._headers:  # noqa: ASYNC110 - the kernel's work
                await asyncio.sleep(0.01)
        async with house.serve(takeover=True):
            finished = asyncio.create_task(old.finish())
            await asyncio.sleep(0.1)
            assert not finished.done()
            writer.write(f"agi_network_script: {old.site.switch.agi_secret}/entry\n\n".encode())
            assert await line(reader)
            writer.close()
            await asyncio.wait_for(finished, 10)


async def test_an_agent_at_the_keypad_of_the_old_server_is_not_left_hanging(house):
    """A wish that comes to a server which has handed over fails at once, for nobody there could decide it."""
    async with house.serve() as old, house.serve(takeover=True):
        with pytest.raises(RefusedError):
            await asyncio.wait_for(old.desk.log_in("102", "1102"), 5)
        with pytest.raises(ControlError, match="another server has taken over"):
            old.reload_soon()


async def test_with_no_server_to_follow_it_is_a_plain_start(house):
    """`--takeover` where nothing runs starts as without it, so a service file can always say it."""
    async with house.serve(takeover=True) as server:
        assert server.status().connected


async def test_a_server_that_cannot_hand_over_is_left_alone(house, monkeypatch):
    """The new one says why and ends; the old one serves on."""
    async with house.serve() as old:
        old._tied = True
        with pytest.raises(ControlError, match=r"does not hand over: .* stop it, then start anew"):
            await house.make(takeover=True).__aenter__()
        old._tied = False
        assert not old.handed_over.is_set()
        assert (await asyncio.to_thread(ask, house.home, "status"))["connected"] is True
        assert await old.desk.log_in("102", "1102") == "ok"


async def test_files_with_errors_take_over_nothing(house):
    """A new server that would not start is refused before the old one hears of it."""
    async with house.serve() as old:
        file = next((house.home / JOURNAL).glob("*.log"))
        with file.open("r+b") as opened:
            opened.seek(200)
            opened.write(b"\0\0\0")
        with pytest.raises(JournalError, match="damaged at byte"):
            await house.make(takeover=True).__aenter__()
        assert not old.handed_over.is_set()
        assert old.status().connected
