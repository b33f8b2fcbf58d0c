"""Hostile words from the telephone network, through the real Asterisk: caller's numbers, names, dialled numbers.

Whatever a caller sends, nothing else happens (no shell, no dialplan expression, no second channel, no forged event),
his call is not lost, and what he sent is kept and shown as the text that it is. That nothing is left over, and that the
journal tells the story as it was, the fixture `floor` sees to after each test.
"""

import asyncio
import re
import sys
from contextlib import AsyncExitStack
from urllib.parse import quote

import msgspec
import pytest
import pytest_asyncio

from acd.core.events import CallArrived, CallEnded, Connected, DeadlineReached, Snapshot
from acd.status import Status
from tests.live.floor import channels
from tests.live.wire import Wire

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

CANARY = "callfloor-was-here"
"""A file of this name would be made by a shell that evaluates what it is given."""

FORGED = "1\r\n\r\nEvent: Hangup\r\nUniqueid: {}"
BARE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e]")
"""What must not reach a terminal."""

NUMBERS = {
    "expression": ("${SHELL(touch " + CANARY + ")}", "${SHELL(touch " + CANARY + ")}"),
    "shell": ("$(touch " + CANARY + ")`touch " + CANARY + "`", "$(touch " + CANARY + ")`touch " + CANARY + "`"),
    "quotes": ("\"')|,}]x", "\"')|,}]x"),
    "sql": ("1') OR 1=1 --", "1') OR 1=1 --"),
    "parameters": ("7;DROP TABLE event", "7"),
    "html": ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
    "markup": ("[bold red]7[/]", "[bold red]7[/]"),
    "path": ("../../etc/passwd", "../../etc/passwd"),
    "agi header": ("7\nagi_context: internal", "7agi_context: internal"),
    "agi header twice": ("7\nagi_uniqueid: 1.1", "7agi_uniqueid: 1.1"),
    "agi end": ("7\n\nHANGUP\n", "7HANGUP"),
    "ami header": ("7\r\nUniqueid: offer-1", "7Uniqueid: offer-1"),
    "ami action": ("7\r\n\r\nAction: Command\r\nCommand: x", "7Action: CommandCommand: x"),
    "ami lone return": ("7\rUniqueid: offer-1", "7Uniqueid: offer-1"),
    "ami lone feed": ("7\nUniqueid: offer-1", "7Uniqueid: offer-1"),
    "next line": ("7\x85Uniqueid: offer-1", "7Uniqueid: offer-1"),
    "line separator": ("7\u2028Uniqueid: offer-1\u2029", "7Uniqueid: offer-1"),
    "escape": ("\x1b[2J\x1b]0x\x07", "[2J]0x"),
    "direction": ("7\u202e8\u2066", "78"),
    "emoji": ("\U0001f600", "\U0001f600"),
    "long": ("7" * 10_000, "7" * 64),
}
"""A caller's number as it is sent, percent-encoded, and as it is to be kept."""

NAMES = {
    "expression": b'"${SHELL(touch callfloor-was-here)}$[1+1]"',
    "shell": b'"$(touch callfloor-was-here)`touch callfloor-was-here`;id|id&"',
    "quotes": b'"a\\"b\\\\c\'d"',
    "sql": b'"\'); DROP TABLE event; --"',
    "html": b'"<script>alert(1)</script>"',
    "escape": b'"\x1b[31mred\x07"',
    "return": b'"a\ragi_context: internal"',
    "not utf-8": b'"\xff\xfe\xc3\x28 \xf0\x9f\x98"',
    "direction": '"\u202egnp.exe"'.encode(),
    "line separator": '"x\u2028\u2029"'.encode(),
    "next line": '"x\x85\x85"'.encode(),
    "emoji": '"\U0001f600"'.encode(),
    "long": b'"' + b"N" * 10_000 + b'"',
}


@pytest_asyncio.fixture(loop_scope="module")
async def several():
    """Give a place for callers who all hang up at the end of the test."""
    async with AsyncExitStack() as stack:
        yield stack


def port(floor):
    """Give the SIP port of the floor's Asterisk."""
    return floor.server.site.switch.sip_port


def number(text, name=b""):
    """Write a From with this number; what an address may not hold is percent-encoded."""
    return name + b" <sip:" + quote(text, safe="").encode() + b"@127.0.0.1>"


def nothing_else(floor):
    """Assert that no shell ran and Asterisk holds one channel."""
    assert not list(floor.server.home.rglob(CANARY))
    assert len(channels(floor.server.instance)) == 1


def happened(floor):
    """Name what happened so far, but for the looks at the switch, which happen by the clock."""
    return [type(event) for event, _ in floor.history if not isinstance(event, DeadlineReached | Snapshot)]


def forged(stream):
    """Give the messages of an AMI stream that Asterisk did not make: its events name their class in the second line."""
    messages = stream.split(b"\r\n\r\n")
    return [m for m in messages if not re.match(rb"Event: \w+\r\nPrivilege: |Response: \w+\r\n|$", m)]


async def ami_stream(floor):
    """Log in as callfloor does; gives the stream of events as bytes."""
    switch = floor.server.site.switch
    reader, writer = await asyncio.open_connection("127.0.0.1", switch.ami_port)
    log_in = f"Action: Login\r\nUsername: {switch.ami_user}\r\nSecret: {switch.ami_secret}\r\nEvents: on\r\n\r\n"
    writer.write(log_in.encode())
    await reader.readuntil(b"Authentication accepted\r\n\r\n")
    return reader, writer


@pytest.mark.parametrize(("sent", "kept"), NUMBERS.values(), ids=NUMBERS)
async def test_numbers(floor, sent, kept):
    """A hostile caller's number waits in the queue as plain text, without its control characters."""
    async with await Wire.open(port(floor), number(sent)) as caller:
        assert await caller.dial() == 200
        arrived = await floor.sees(CallArrived)
        assert arrived.caller == kept
        nothing_else(floor)
        assert happened(floor) == [CallArrived]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
async def test_names(floor, name):
    """A hostile caller's name does no harm, and he waits in the queue."""
    async with await Wire.open(port(floor), number("5550200", name)) as caller:
        assert await caller.dial() == 200
        assert (await floor.sees(CallArrived)).caller == "5550200"
        nothing_else(floor)
        assert happened(floor) == [CallArrived]


@pytest.mark.parametrize(
    "extra",
    [
        b'P-Asserted-Identity: "n" <sip:77%0d%0aUniqueid%3a%20offer-1@127.0.0.1>\r\n',
        b'P-Asserted-Identity: "n" <sip:77%0aagi_uniqueid%3a%201.1@127.0.0.1>\r\n',
        b'Remote-Party-ID: "n" <sip:77%0d%0a%0d%0aEvent%3a%20Hangup@127.0.0.1>\r\n',
        b'Diversion: "n" <sip:77%0aagi_uniqueid%3a%201.1@127.0.0.1>\r\n',
        b"Subject: a\r\n agi_context: internal\r\n\tagi_extension: 9\r\n",
        b"X-Name: \xff\xfe${SHELL(touch callfloor-was-here)}\r\nUser-Agent: `touch callfloor-was-here`\r\n",
    ],
)
async def test_other_headers(floor, extra):
    """What other headers say of the caller is as hostile and as harmless."""
    async with await Wire.open(port(floor)) as caller:
        assert await caller.dial(extra=extra) == 200
        await floor.sees(CallArrived)
        nothing_else(floor)
        assert happened(floor) == [CallArrived]


@pytest.mark.parametrize(
    ("user", "status"),
    [
        (b"500&PJSIP/itsp/14165551212", 200),
        (b"300&DAHDI/g1/14165551212", 200),
        (b"5%0d%0a%0d%0aEvent%3a%20Hangup%0d%0aUniqueid%3a%20offer-1", 200),
        (b"5%0aagi_uniqueid%3a%201.1", 200),
        (b"5" * 2000, 200),
        (b"5550102%00", 200),
        (b"s,1,System(id)", 404),
        (b"%24%7bSHELL(touch%20callfloor-was-here)%7d", 404),
        (b"acd-fallback", 404),
        (b"entry%0a", 404),
    ],
)
async def test_dialled_numbers(floor, user, status):
    """A hostile dialled number leads to no other extension: it is refused, or is a number like any other."""
    async with await Wire.open(port(floor)) as caller:
        assert await caller.dial(user) == status
        if status == 200 and not user.endswith(b"%00"):
            await asyncio.wait_for(caller.over.wait(), 20)  # "there is no such number", then a BYE
        assert not list(floor.server.home.rglob(CANARY))
        assert set(happened(floor)) <= {CallArrived}


@pytest.mark.parametrize(
    "sender",
    [
        b'"a\r\n b" <sip:1@127.0.0.1>',
        b'"a\r\nagi_context: internal" <sip:1@127.0.0.1>',
        b'"a\x00b" <sip:1@127.0.0.1>',
        b'"open <sip:1@127.0.0.1>',
        b"<sip:\xff\xfe\x00@127.0.0.1>",
        b"<sip:1@127.0.0.1\r\nVia: x>",
    ],
)
async def test_broken_senders(floor, sender):
    """A From that is no SIP is refused or dropped; the floor hears nothing of it, or of a call like any other."""
    async with await Wire.open(port(floor), sender) as caller:
        status = await caller.dial(within_s=1)
        assert status in {0, 200, 400}
        assert set(happened(floor)) <= {CallArrived}
        assert len(channels(floor.server.instance)) == (status == 200)


async def test_forged_events(floor):
    """A caller cannot end another's call, nor conjure one up, by events in his number; Asterisk does not send them."""
    async with await Wire.open(port(floor)) as victim:
        await victim.dial()
        call = (await floor.sees(CallArrived)).call
        reader, writer = await ami_stream(floor)
        forgeries = [
            FORGED.format(call),
            f"1\r\nUniqueid: {call}",
            f"1\r\n\r\nEvent: UserEvent\r\nUserEvent: CallLeft\r\nUniqueid: {call}",
            "1\r\n\r\nEvent: UserEvent\r\nUserEvent: CallArrived\r\nUniqueid: ghost\r\nQueue: sales",
        ]
        for forgery in forgeries:
            for sender, user in ((number(forgery), b"5550102"), (number("5550202"), quote(forgery, safe="").encode())):
                async with await Wire.open(port(floor), sender) as attacker:
                    await attacker.dial(user)
        await floor.until(lambda: len(floor.state.calls) == 1, "alone with the victim")
        assert floor.state.calls[call].state == "waiting"
        assert {event.call for event in floor.seen(CallEnded)} == {e.call for e in floor.seen(CallArrived)} - {call}
        writer.write(b"Action: Logoff\r\n\r\n")
        stream = await asyncio.wait_for(reader.read(-1), 20)
        writer.close()
        assert forged(stream) == []
        assert b"Event: Newstate" in stream


async def test_another_identity_during_the_call(floor):
    """A re-INVITE that claims a hostile identity changes nothing for the one he talks to."""
    agent = await floor.agent("101", answer_after_ms=0)
    async with await Wire.open(port(floor)) as caller:
        await caller.dial()
        await floor.sees(Connected)
        reader, writer = await ami_stream(floor)
        assert await caller.again(b'P-Asserted-Identity: "n" <sip:7%0d%0a%0d%0aEvent%3a%20Hangup@127.0.0.1>\r\n') == 200
        await caller.hang_up()
        await floor.sees(CallEnded)
        writer.write(b"Action: Logoff\r\n\r\n")
        stream = await asyncio.wait_for(reader.read(-1), 20)
        writer.close()
        assert forged(stream) == []
        assert b"Event: Hangup" in stream
    assert agent.registered


@pytest.mark.parametrize(
    ("sender", "shown"),
    [
        (number("5550200", b'"${SHELL(id)} $[1+1]"'), '"${SHELL(id)} $[1+1] (sales)" <sip:5550200@'),
        (number("5550200", b'"a\\"b\\\\<c>"'), '"abc (sales)" <sip:5550200@'),
        (number("5550200", b'"\x1b[31m\xff"'), None),
        (number("7\r\nTo: <sip:x@x>"), None),
        (number("555'0200;x=y"), '"555\'0200 (sales)" <sip:5550200@'),
        (number("anonymous", b'"' + b"N" * 10_000 + b'"'), '"' + "N" * 40 + ' (sales)" <sip:'),
    ],
)
async def test_what_the_agent_sees(floor, sender, shown):
    """The agent's phone shows caller and queue as text of a sane length, whatever the caller sent."""
    await floor.agent("101")
    async with await Wire.open(port(floor), sender) as caller:
        await caller.dial()
        ring = await floor.rings("101")
        assert not BARE.search(ring.remote)
        assert len(ring.remote) < 140
        assert ring.remote.startswith(shown or '"')
        assert ' (sales)" <sip:' in ring.remote


async def test_status(floor, several):
    """`callfloor status` shows hostile callers as text, on a screen without control characters, and in JSON."""
    for sent, _ in NUMBERS.values():
        caller = await several.enter_async_context(await Wire.open(port(floor), number(sent)))
        assert await caller.dial() == 200
    await floor.until(lambda: len(floor.state.calls) == len(NUMBERS), "all waiting")

    async def status(option):
        words = ("status", option, "--site", floor.server.folder, "--home", floor.server.home)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from ivr.cli import main; main()", *words, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        return out.decode()

    screen, as_json = await status("--once"), await status("--json")
    assert not BARE.search(screen)
    assert not BARE.search(as_json)
    assert "[bold red]7[/]" in screen
    shown = msgspec.json.decode(as_json, type=Status)
    assert sorted(call.caller for call in shown.calls) == sorted(kept for _, kept in NUMBERS.values())
