"""The whole server beside a manager interface on loopback: start, restart, reload, and what it keeps to itself."""

import asyncio
import socket

import pytest
from msgspec import json
from msgspec.structs import replace
from structlog.testing import capture_logs

from acd.control import SOCKET, ControlError, ask
from acd.core import events as ev
from acd.journal import JournalError
from acd.problems import ConfigError
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


async def test_a_call_is_offered_stored_and_shown(house, peer):
    """What Asterisk tells reaches core, journal, Originate and the status that the command line asks for."""
    async with house.serve() as server:
        assert await server.desk.log_in("102", "1102") == "ok"
        arrived = seen(server, ev.CallArrived)
        peer.say(ARRIVAL)
        await arrived
        [originate] = await peer.asked("Originate")
        assert originate["Channel"] == "PJSIP/102"
        status = await asyncio.to_thread(ask, house.home, "status")
        [call] = status["calls"]
        assert (call["caller"], call["queue"], call["state"]) == ("555", "sales", "offered")
        assert {seat["name"]: seat["look"] for seat in status["seats"]}["102"] == "ringing"
        assert await asyncio.to_thread(ask, house.home, "invariants") == []
        assert server.faults() == []
    kinds = [type(event).__name__ for event in house.entries()]
    assert kinds[:2] == ["Started", "Configured"]
    assert {"Snapshot", "LogInAsked", "CallArrived"} <= set(kinds)
    assert not (house.home / SOCKET).exists()


async def test_who_waits_and_who_is_logged_in_survive_a_restart(house, peer):
    """The next server begins where this one was: seats stay logged in, a waiting caller keeps the time he came."""
    async with house.serve() as server:
        await server.desk.log_in("103", "1103")
        arrived = seen(server, ev.CallArrived)
        peer.say(ARRIVAL)
        await arrived
        before = server.dispatcher.core.state.calls["1.1"]
    peer.list_lines = HANDSETS + WAITING
    async with house.serve() as server:
        state = server.dispatcher.core.state
        assert state.seats["103"].shown == "ready"
        assert (state.calls["1.1"].due, state.calls["1.1"].number) == (before.due, before.number)
        assert server.status().connected


async def test_a_caller_who_left_meanwhile_is_gone_after_a_restart(house, peer):
    """The switch's word counts for what exists: no ghost waits."""
    async with house.serve() as server:
        arrived = seen(server, ev.CallArrived)
        peer.say(ARRIVAL)
        await arrived
    async with house.serve() as server:
        assert server.status().calls == []


async def test_a_reload_changes_rules_and_menus_and_drops_nobody(house, peer):
    """New times, a new seat and a new menu are in force; who waited waits on, who was logged in still is."""
    async with house.serve() as server:
        await server.desk.log_in("103", "1103")
        arrived = seen(server, ev.CallArrived)
        peer.say(ARRIVAL)
        await arrived
        routes, due = server.agi.routes, server.dispatcher.core.state.calls["1.1"].due
        house.change("acd.conf", "ring = 15", "ring = 7")
        house.change(
            "acd.conf", "[104](seat)", "[199](seat)\nagent = Eve Stone\npin = 90210\nqueues = sales\n\n[104](seat)"
        )
        house.change(
            "ivr.conf",
            "[line-check-number]",
            "[new-number]\ntype = number\nnumber = 5550123\ngo = queue sales\n\n[line-check-number]",
        )
        peer.list_lines = HANDSETS + WAITING
        done = seen(server, ev.Configured)
        said = await asyncio.to_thread(ask, house.home, "reload")
        assert "without error" in said
        await done
        state = server.dispatcher.core.state
        assert state.queues["sales"].ring_ms == 7_000
        assert state.seats["103"].shown == "ready"
        assert state.calls["1.1"].due == due
        assert server.agi.routes is not routes
        assert server.switch.channels.handsets.device_of("199") == "PJSIP/199"
        assert await server.desk.log_in("199", "90210") == "ok"


@pytest.mark.parametrize(
    ("name", "old", "new", "where"),
    [
        ("acd.conf", "ring = 15", "rinng = 15", r"acd\.conf:\d+: .*rinng"),
        ("ivr.conf", "choice = 1, queue sales", "choice = 1, queue sails", r"ivr\.conf:\d+: .*sails"),
        ("acd.conf", "[switch]", "[swit", r"acd\.conf:\d+: "),
    ],
)
async def test_files_with_errors_change_nothing(house, name, old, new, where):
    """The error names file and line; site, menus, rules and journal are what they were."""
    async with house.serve() as server:
        before = (server.site, server.ivr, server.agi.routes, server.desk.site)
        house.change(name, old, new)
        with pytest.raises(ConfigError, match=where):
            server.reload_soon()
        with pytest.raises(ControlError, match=where):
            await asyncio.to_thread(ask, house.home, "reload")
        now = (server.site, server.ivr, server.agi.routes, server.desk.site)
        assert all(one is other for one, other in zip(before, now, strict=True))
    assert sum(isinstance(event, ev.Configured) for event in house.entries()) == 1


async def test_a_reload_of_seats_alone_leaves_the_queues_alone(house):
    """The core is told of the seats that changed, and of no queue; a reload that changes nothing is no event."""
    async with house.serve() as server:
        before, done = len(house.entries()), seen(server, ev.SeatsConfigured)
        house.change("acd.conf", "queues = support\n", "queues = support, sales/2\n")
        server.reload_soon()
        await done
        assert server.dispatcher.core.state.seats["103"].rule.tiers == (0, 2)
        told = seen(server, ev.Snapshot)
        server.reload_soon()
        await told
        news = [event for event in house.entries()[before:] if isinstance(event, ev.Configured | ev.SeatsConfigured)]
    assert [(type(event), [seat.name for seat in event.seats]) for event in news] == [(ev.SeatsConfigured, ["103"])]


async def test_no_secret_is_ever_stored_logged_or_shown(house, peer):
    """PINs right and wrong, SIP passwords and the manager's secret are in no journal entry, log line or status."""
    for seat in (101, 102, 103, 104):  # long ones: four digits can stand in a time by chance
        house.change("acd.conf", f"pin = {seat + 1000}", f"pin = 97531{seat}")
    with capture_logs() as logs:
        async with house.serve() as server:
            seats = server.site.seats.values()
            switch = server.site.switch
            hidden = {switch.ami_secret, switch.agi_secret, "8642086420"}
            hidden |= {seat.pin for seat in seats} | {seat.secret for seat in seats}
            for seat, settings in server.site.seats.items():
                await server.desk.log_in(seat, "8642086420")
                await server.desk.log_in(seat, settings.pin)
            done = seen(server, ev.Configured)
            house.change("acd.conf", "ring = 15", "ring = 16")
            server.reload_soon()
            await done
            shown = json.encode(server.status()).decode() + repr(server.site)
            peer.drop()
            await seen(server, ev.Snapshot)
    assert len(hidden) == 11
    stored = "".join(path.read_bytes().decode(errors="replace") for path in house.home.glob(JOURNAL + "/*"))
    for secret in hidden:
        assert secret not in stored + shown + repr(logs)
    assert {secret for secret in hidden if secret in (house.home / "secrets.conf").read_text()} >= {
        server.site.switch.ami_secret
    }


async def test_a_second_server_is_refused_and_leaves_the_first_one_alone(house, peer):
    """On one home there is one server: the other one says so, stores nothing and takes no socket away."""
    async with house.serve() as server:
        arrived = seen(server, ev.CallArrived)
        peer.say(ARRIVAL)
        await arrived

        def stored():
            return {file.name: file.read_bytes() for file in (house.home / JOURNAL).iterdir()}

        before = stored()
        second = house.make()
        with pytest.raises(ControlError, match="runs here already"):
            await second.__aenter__()
        assert stored() == before
        assert [call["call"] for call in (await asyncio.to_thread(ask, house.home, "status"))["calls"]] == ["1.1"]


async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_running(house):
    """When FastAGI cannot listen the start fails, and home and socket are free for the next try."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", house.agi_port))
        taken.listen()
        with pytest.raises(
            OSError,
            match=rf"^port {house.agi_port} of 127.0.0.1 is taken, .*callfloor.* agi_port in \[switch\] of acd.conf$",
        ):
            await house.make().__aenter__()
    assert not (house.home / SOCKET).exists()
    async with house.serve() as server:
        assert server.status().connected


async def test_an_asterisk_that_is_not_there_is_waited_for(house, peer):
    """The server is up without its switch: it answers questions, says that it is out of sight, and connects later."""
    good, peer.greeting = peer.greeting, b"SSH-2.0\r\n"
    async with house.make() as server:
        assert (await asyncio.to_thread(ask, house.home, "status"))["connected"] is False
        peer.greeting = good
        await asyncio.wait_for(server.switch.connected.wait(), 20)
        assert (await asyncio.to_thread(ask, house.home, "status"))["connected"] is True


async def test_files_that_cannot_be_used_are_said_before_anything_starts(house):
    """A site with errors is an error of the constructor, a broken journal one of the start; no socket is left."""
    (house.home / JOURNAL).mkdir(parents=True)
    (house.home / JOURNAL / "00000000000000000001.log").write_text("no journal " * 1000)
    with pytest.raises(JournalError, match=r"move .*/journal away to begin a new journal"):
        await house.make().__aenter__()
    assert not (house.home / SOCKET).exists()
    house.change("acd.conf", "fallback = 101", "")
    with pytest.raises(ConfigError, match="fallback"):
        house.make()


async def test_with_an_asterisk_of_the_admins_own_only_our_folder_is_written(house):
    """In mode existing callfloor fills generated/ and touches no other file; secrets there are not for everybody."""
    before = {path: path.read_bytes() for path in house.folder.rglob("*") if path.is_file()}
    async with house.serve() as server:
        secret = server.site.seats["101"].secret
    after = {path: path.read_bytes() for path in house.folder.rglob("*") if path.is_file()}
    new = set(after) - set(before)
    assert new
    assert {path.parent.name for path in new} == {"generated"}
    assert before == {path: after[path] for path in before}
    telling = [path for path in new if secret.encode() in after[path]]
    assert telling
    assert not any(path.stat().st_mode & 0o007 for path in telling)


async def test_only_who_knows_the_secret_path_is_served(house):
    """Another program of this machine that plays Asterisk is turned away, whichever script it asks for."""
    async with house.serve() as server:
        secret = server.site.switch.agi_secret
        assert len(secret) >= 12
        answers = {}
        for script in ("handset/log-out", f"{secret}/handset/log-out"):
            reader, writer = await asyncio.open_connection("127.0.0.1", house.agi_port)
            writer.write(f"agi_network_script: {script}\nagi_channel: PJSIP/102-1\n\n".encode())
            answers[script] = await asyncio.wait_for(reader.readline(), 10)
            writer.close()
        assert answers == {"handset/log-out": b"", f"{secret}/handset/log-out": b"ANSWER\n"}


async def test_reload_names_what_must_wait_for_a_restart(house):
    """A new port would cut Asterisk off from the server that listens on the old one: it waits, and that is said."""
    async with house.serve() as server:
        before, done = server.site.switch, seen(server, ev.Configured)
        house.change("acd.conf", "ring = 15", "ring = 16")
        house.change("acd.conf", "fallback = 101", "fallback = 102\nsip_port = 5999\nrtp_last = 12000")
        answer = await asyncio.to_thread(ask, house.home, "reload")
        await done
        assert answer.endswith(
            "except for sip_port, rtp_last: in force from the next start of callfloor and its Asterisk"
        )
        assert server.site.switch == replace(before, fallback="102")
