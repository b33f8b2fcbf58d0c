"""What Asterisk's own test suite tries with its manager interface, and known holes of it, with us at the other end.

The table of situations is in tests/test_situations.py. Some of these are switched off in that suite: the limits to
connections that are not logged in, events as answers to actions, the time that answers take.
"""

import asyncio
import contextlib
import os
import re
import time
from hashlib import md5

import pytest
from structlog.testing import capture_logs

from acd.core import events as ev
from ivr.ami import Link, LinkError, clean, text
from ivr.softphone import SoftphoneError
from ivr.tones import read_wav, tone_level_db
from tests.live.floor import channels
from tests.live.manager import Manager, add_account, connection, headers
from tests.live.phones import Row, Sipp, caller
from tests.live.testsite import HERTZ, write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

STRANGER = "stranger"
LOUD_DB = -30.0
AT_ONCE = 15
"""Connections that knock; Asterisk takes a second to say no, and has twenty that are not logged in at most."""
FORGED = "exten => 700,1,UserEvent(CallArrived,Queue: sales)\n same => n,UserEvent(CallLeft)\n same => n,Wait(2)\n"
ASYNC = (
    "exten => 5550170,1,Answer()\n same => n,AGI(agi:async)\n"
    " same => n,Set(CALLERID(dnid)=5550102)\n same => n,Goto(5550102,1)\n"
)
LAG_S = int(os.environ.get("LAG_S", "6"))
"""How long callfloor reads nothing while crowds call, s; any time may be asked for."""
LAG_RATE = int(os.environ.get("LAG_RATE", "60"))
"""Calls a second meanwhile."""
NASTY = [
    "x\r\nAction: Command\r\nCommand: core stop now",
    "x\r\n\r\nAction: Originate\r\nChannel: Local/s@acd-hold/n",
    "x\rAction: Hangup",
    "x\nAction: Hangup",
    "x\x85Action: Hangup",
    "x\u2028Action: Hangup\u2029",
    "\ud800",
    "${SHELL(touch /tmp/x)}$[1+1]",
    '"\\;,|',
]


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory):
    """Give the test site with a stranger at the manager interface, and an extension that speaks like acd-hold.

    Another one has somebody's program lead the call by AsyncAGI, and goes on to a queue when that lets go.
    """
    changes = {"[from-seat]\n": "[from-seat]\n" + FORGED, "[from-trunk]\n": "[from-trunk]\n" + ASYNC}
    folder = write_site(tmp_path_factory.mktemp("ami") / "site", changes=changes)
    add_account(folder, STRANGER, "all")
    with (folder / "modules.conf").open("a") as file:
        file.write("load = app_mixmonitor.so\n")
    return folder


def port(floor):
    """Give the manager interface's port."""
    return floor.server.site.switch.ami_port


async def open_link(floor, secret):
    """Log in as callfloor does."""
    user = floor.server.site.switch.ami_user
    return await Link.open(
        host="127.0.0.1", port=port(floor), user=user, secret=secret, events="off", on_event=lambda _: None
    )


async def test_a_wrong_secret(floor):
    """Asterisk does not let us in, we say so, and neither secret is in the words or in a log."""
    with capture_logs() as logs, pytest.raises(LinkError, match="does not let 'callfloor' in") as refused:
        await open_link(floor, "not-the-secret")
    assert "not-the-secret" not in f"{refused.value}{logs}"
    assert floor.server.switch.connected.is_set()


async def test_who_is_not_on_the_list_of_addresses(floor):
    """From another address even the right secret opens nothing."""
    switch = floor.server.site.switch
    async with connection(port(floor), own="127.0.0.9") as (reader, writer):
        log_in = f"Action: Login\r\nUsername: {switch.ami_user}\r\nSecret: {switch.ami_secret}\r\n\r\n"
        writer.write(log_in.encode())
        assert b"Response: Error" in await reader.readuntil(b"\r\n\r\n")


async def test_silent_connections_are_few_and_end(floor):
    """Of forty that say nothing some are turned away, all are closed in seconds; our link is none of them."""
    readers, writers = [], []
    for _ in range(40):
        reader, writer = await asyncio.open_connection("127.0.0.1", port(floor))
        readers.append(reader)
        writers.append(writer)
    said = await asyncio.wait_for(asyncio.gather(*(closing(reader) for reader in readers)), 15)
    for writer in writers:
        writer.transport.abort()
    assert any(said)
    assert not all(said)
    link = await open_link(floor, floor.server.site.switch.ami_secret)
    link.close()
    assert not floor.seen(ev.SwitchLost)


async def closing(reader):
    """Read until the other side closes; a reset is one way to."""
    with contextlib.suppress(ConnectionError):
        return await reader.read(-1)
    return b""


async def test_a_flood_of_log_ins(floor):
    """Wrong passwords, and an answer to another challenge, open nothing, and a caller is served meanwhile."""
    secret = floor.server.site.switch.ami_secret
    stolen = md5(b"1" + secret.encode(), usedforsecurity=False).hexdigest()
    agent = await floor.agent("101", answer_after_ms=0)
    at_once = asyncio.Semaphore(AT_ONCE)

    async def knock(number):
        async with at_once, connection(port(floor)) as (reader, writer):
            if number % 2:
                writer.write(b"Action: Challenge\r\nAuthType: MD5\r\n\r\n")
                await reader.readuntil(b"\r\n\r\n")
                writer.write(f"Action: Login\r\nAuthType: MD5\r\nUsername: callfloor\r\nKey: {stolen}\r\n\r\n".encode())
            else:
                writer.write(f"Action: Login\r\nUsername: callfloor\r\nSecret: {number}\r\n\r\n".encode())
            return b"Response: Error" in await reader.readuntil(b"\r\n\r\n")

    knocking = asyncio.gather(*(knock(number) for number in range(100)))
    call, own = await floor.waiter()
    await floor.until(lambda: floor.call(own).state == "talking", "served")
    await floor.talk(call, agent.calls[0])
    assert all(await knocking)
    assert not floor.seen(ev.SwitchLost)


@pytest.mark.parametrize("value", NASTY, ids=range(len(NASTY)))
async def test_a_value_with_line_breaks(floor, value):
    """What holds a line break is one value of one header at the real Asterisk too: nothing else is done with it."""
    _, own = await floor.waiter()
    channel = floor.server.switch.channels.calls[floor.call(own).id].channel
    link = await open_link(floor, floor.server.site.switch.ami_secret)
    await link.ask("Setvar", Channel=channel, Variable="HOSTILE", Value=value)
    [answer] = await link.ask("Getvar", Channel=channel, Variable="HOSTILE")
    link.close()
    assert text(answer, "Value") == clean(value)
    assert channels(floor.server.instance) == [channel]
    assert floor.call(own).state == "waiting"


async def test_all_variables_of_a_channel(floor):
    """The state of a channel with hundreds of variables, hostile ones too, is one message; the next look is as ever."""
    _, own = await floor.waiter()
    channel = floor.server.switch.channels.calls[floor.call(own).id].channel
    link = await open_link(floor, floor.server.site.switch.ami_secret)
    for number in range(300):
        link.tell("Setvar", Channel=channel, Variable=f"V{number}", Value=NASTY[number % len(NASTY)])
    messages = await link.ask("Status", Channel=channel, AllVariables="true")
    link.close()
    [status] = [message for message in messages if message.event == "Status"]
    assert len([line for line in status.all("Variable") if re.match(r"V\d+=x|V\d+=\$|V\d+=\"|V\d+=$", line)]) == 300
    before = len(floor.seen(ev.Snapshot))
    floor.server.switch.take_snapshot()
    await floor.until(lambda: len(floor.seen(ev.Snapshot)) > before, "a look")
    assert [call.caller for call in floor.seen(ev.Snapshot)[-1].calls] == [own]


async def test_user_events_of_strangers(floor):
    """Who may write at the manager interface conjures no call up and ends none by user events; the log names them."""
    _, own = await floor.waiter()
    call = floor.call(own).id
    before = len(floor.history)
    lies = [
        ("CallArrived", "Uniqueid: 9.9", "Queue: sales"),
        ("CallArrived", "Uniqueid: 9.9", "Queue: sales", "Channel: PJSIP/trunk-9", "Context: acd-hold"),
        ("CallLeft", f"Uniqueid: {call}"),
        ("CallLeft", f"Uniqueid: {call}", "Channel: PJSIP/trunk-1", "Context: acd-fallback"),
    ]
    with capture_logs() as logs:
        async with Manager.at(port(floor), STRANGER, events="user") as manager:
            for name, *rest in lies:
                await manager.ask("UserEvent", f"UserEvent: {name}", *rest)
            assert list(headers(await manager.log_off(), "UserEvent")) == [name for name, *_ in lies]
        phone = await floor.handset("103")
        dialled = await phone.dial("700")
        await floor.until(lambda: len([e for e in logs if e["event"] == "user event refused"]) == 6, "six refusals")
        await dialled.hang_up()
    told = [type(event) for event, _ in floor.history[before:]]
    assert ev.CallArrived not in told
    assert ev.CallEnded not in told
    assert floor.call(own).state == "waiting"


async def test_answers_keep_their_actions(floor, tmp_path):
    """Two hundred actions at once, while callers come and go: each has its own answer, and soon."""
    rows = [Row("5550102", f"55562{number:02}") for number in range(20)]
    link = await open_link(floor, floor.server.site.switch.ami_secret)
    async with await Sipp.start(caller(stay_ms=500), tmp_path, floor.address, rows=rows, calls=40, rate=20) as crowd:
        began = time.monotonic()
        asked = [link.ask("Getvar", Variable=f"LEN({'x' * number})") for number in range(200)]
        answers = await asyncio.gather(*asked)
        took = time.monotonic() - began
        assert (await crowd.finished()).failed == 0
    link.close()
    assert [text(answer, "Value") for [answer] in answers] == [str(number) for number in range(200)]
    assert took < 5


async def test_a_program_that_leads_a_call_lets_it_go(floor):
    """AsyncAGI: while somebody's program has the caller he is nobody's call here; after its break he waits as any."""
    caller, own = await floor.caller("5550170")
    async with Manager.at(port(floor), STRANGER) as manager:
        await floor.until(lambda: bool(channels(floor.server.instance)), "a channel")
        [channel] = channels(floor.server.instance)
        for command in ("EXEC NoOp held", 'SET VARIABLE ACD_QUEUE "support"', "GET VARIABLE CHANNEL"):
            assert b"Success" in await manager.ask("AGI", f"Channel: {channel}", f"Command: {command}")
        assert not floor.seen(ev.CallArrived)
        await manager.ask("AGI", f"Channel: {channel}", "Command: ASYNCAGI BREAK")
    assert (await floor.sees(ev.CallArrived, caller=own)).queue == "sales"
    await floor.hears(caller, "music")


async def test_keys_that_somebody_plays(floor):
    """PlayDTMF: a caller in a menu hears them and has pressed none; then he presses one."""
    caller, _ = await floor.caller("5550101")
    await floor.hears(caller, "long-menu")
    async with Manager.at(port(floor), STRANGER) as manager:
        [channel] = channels(floor.server.instance)
        for digit in "12":
            said = await manager.ask("PlayDTMF", f"Channel: {channel}", f"Digit: {digit}", "Duration: 100")
            assert b"Success" in said
        assert not floor.seen(ev.CallArrived)
        await caller.dtmf("2")
        assert (await floor.sees(ev.CallArrived)).queue == "support"


async def test_a_talk_that_somebody_records(floor, tmp_path):
    """MixMonitor: started and stopped by its id on a caller's channel, it has both voices, and the talk goes on."""
    agent = await floor.agent("101", answer_after_ms=0)
    caller, own = await floor.waiter()
    await floor.until(lambda: floor.call(own).state == "talking", "they talk")
    await floor.talk(caller, agent.calls[0])
    channel = floor.server.switch.channels.calls[floor.call(own).id].channel
    async with Manager.at(port(floor), STRANGER) as manager:
        file = tmp_path / "talk.wav"
        said = await manager.ask("MixMonitor", f"Channel: {channel}", f"File: {file}", "options: i(MARK)")
        [mark] = headers(said, "MixMonitorID")
        await asyncio.sleep(1)
        assert b"Success" in await manager.ask("StopMixMonitor", f"Channel: {channel}", f"MixMonitorID: {mark}")
        assert b"Error" in await manager.ask("StopMixMonitor", f"Channel: {channel}", f"MixMonitorID: {mark}")
    sound = read_wav(file)
    assert min(tone_level_db(sound, HERTZ[voice]) for voice in ("caller", "agent")) > LOUD_DB
    await floor.talk(caller, agent.calls[0])
    assert floor.call(own).state == "talking"


async def test_a_reader_that_stops_for_a_while(floor, tmp_path):
    """While callfloor does not read for seconds callers come: none is lost, and they are served as they came."""
    for seat in ("101", "102"):
        await floor.agent(seat, answer_after_ms=0, talk_ms=50)
    rows = [Row("5550102", f"55563{number:02}") for number in range(60)]
    async with await Sipp.start(caller(stay_ms=60_000), tmp_path, floor.address, rows=rows, calls=60, rate=30) as crowd:
        await floor.sees(ev.CallArrived)
        time.sleep(3)  # noqa: ASYNC251 - the loop itself is what stops
        tally = await crowd.finished()
    assert (tally.successful, tally.failed) == (60, 0), crowd.errors()
    arrivals = [event.caller for event in floor.seen(ev.CallArrived)]
    assert sorted(arrivals) == [row.name for row in rows]
    assert [number for number, _ in floor.offers()] == arrivals


async def test_a_reader_that_stops_for_long(floor, tmp_path):
    """While nothing is read crowds come and go: who waited before is served first, then those who came among them."""
    first, own = await floor.waiter()
    crowd = await Sipp.start(
        caller(stay_ms=200),
        tmp_path,
        floor.address,
        rows=[Row("5550102", f"55564{number:02}") for number in range(100)],
        calls=LAG_RATE * LAG_S,
        rate=LAG_RATE,
    )
    async with crowd:
        stays = await Sipp.start(
            caller(stay_ms=1_000 * (LAG_S + 60)),
            tmp_path,
            floor.address,
            rows=[Row("5550102", f"55565{number:02}") for number in range(5)],
            calls=5,
            rate=1,
        )
        async with stays:
            time.sleep(LAG_S)  # noqa: ASYNC251 - the loop itself is what stops
            await crowd.finished()
            await floor.until(lambda: len(floor.state.calls) == 6, "six wait", within_s=LAG_S + 20)
            numbers = [call.caller for call in sorted(floor.state.calls.values(), key=lambda call: call.key)]
            assert numbers[0] == own
            assert sorted(numbers[1:]) == [f"55565{number:02}" for number in range(5)]
            for seat in ("101", "102"):
                await floor.agent(seat, answer_after_ms=0, talk_ms=50)
            await floor.until(lambda: len(floor.offers()) == 6, "all served", within_s=60)
            assert [number for number, _ in floor.offers()] == numbers
    assert floor.server.faults() == []
    with contextlib.suppress(SoftphoneError):  # he has been served
        await first.hang_up()
