"""A running server under load, for the bench `ami`: the peer is Asterisk, on the other processor.

The server's process holds what the product holds: AmiSwitch, Dispatcher with its journal on disk, FastAgiServer, on the
loop and with the garbage collector as `callfloor up` has them. The peer answers its actions, plays callers and phones,
and pours in the events that nobody reads. Each of its writes carries the time (CLOCK_MONOTONIC is one for all processes
of a machine), so the server's side can tell how long bytes have waited for it:

    stall      from the last reading, or from the moment the oldest bytes were written if that was later, to the reading
    busy       the processor time that the server itself took from the last reading to this one: its share of a stall
    event to command
               from the reading of the bytes that say that an agent's leg hung up to the writing of the Originate that
               brings him the next caller; the journal's entry for it lies between

The peer tells the same as it sees it, the wire and its own turns included: from writing the one to reading the other.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

from acd.core import Core
from acd.core.events import AnyEvent, Configured, LogInAsked, Started
from acd.core.rules import QueueRule, SeatRule
from acd.dispatcher import Clock, Dispatcher
from acd.journal import Journal
from ivr import ami
from ivr.cli import configure_logs, loop_runner
from ivr.fastagi import FastAgiServer, Limits, Session
from ivr.process import set_garbage_aside
from ivr.switch import AmiSettings, AmiSwitch
from tests.bench.ami_stream import channel, unread, written
from tests.bench.measure import quantile

SEATS = 50
WAITING = 200
UNREAD_PER_CALL = 40
COMMANDS = 20
AGI_SESSIONS = 200
HANDSETS = {str(number): f"PJSIP/{number}" for number in range(101, 101 + SEATS)}
STAMP = b"Stamp: "


# The server's side


async def serve(ami_port: int, folder: str) -> None:
    """Run until SIGTERM, then tell how long the stream stood still."""
    stalls: list[tuple[float, float]] = []
    turns: list[float] = []
    ami._Protocol = watched(stalls, turns)  # type: ignore[misc]
    loop = asyncio.get_running_loop()
    clock = Clock()

    def submit(*events: AnyEvent) -> None:
        dispatcher.submit(*events)

    switch = AmiSwitch(
        AmiSettings(host="127.0.0.1", port=ami_port, user="u", secret="s"),
        HANDSETS,
        submit=submit,
        clock=clock,
    )
    dispatcher = Dispatcher(Core(), Journal(Path(folder) / "journal.sqlite3"), switch, clock=clock)
    agi = FastAgiServer({"bench": call}, limits=Limits(sessions=1_000, header_connections=1_000))
    await agi.start(port=0)
    queue = QueueRule(name="sales", wrap_up_ms=0)
    seats = tuple(SeatRule(name=seat, queues=("sales",)) for seat in HANDSETS)
    dispatcher.submit(Started(run="b"), Configured(queues=(queue,), seats=seats, look_ms=3_600_000))
    running = asyncio.create_task(switch.run())
    await switch.connected.wait()
    dispatcher.submit(*(LogInAsked(seat=seat, request=0, pin_matches=True) for seat in HANDSETS))
    set_garbage_aside()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    loop.add_signal_handler(signal.SIGUSR1, lambda: (stalls.clear(), turns.clear()))  # the load has begun
    print(agi.port, flush=True)
    await over.wait()
    running.cancel()
    stood, busy = zip(*stalls, strict=True)
    told = {
        "stall_ms_max": max(stood),
        "stall_ms_p99": quantile(stood, 0.99),
        "busy_ms_max": max(busy),
        "event_to_command_ms_p50": quantile(turns, 0.5),
        "event_to_command_ms_p99": quantile(turns, 0.99),
    }
    print(json.dumps({name: seconds * 1e3 for name, seconds in told.items()}), flush=True)


def watched(stalls: list[tuple[float, float]], turns: list[float]) -> type[ami._Protocol]:
    """The product's protocol, and a note of each reading, and of what is written because of it."""
    hung_up_at: dict[bytes, float] = {}

    class Wire:
        """The transport, with an eye on what is written."""

        def __init__(self, transport: asyncio.Transport) -> None:
            self._transport = transport

        def __getattr__(self, name: str) -> Any:
            return getattr(self._transport, name)

        def write(self, data: bytes) -> None:
            self._transport.write(data)
            now, rung = time.monotonic(), re.findall(rb"^Channel: (PJSIP/\d+)\r$", data, re.MULTILINE)
            turns.extend(now - hung_up_at.pop(handset) for handset in rung if handset in hung_up_at)

    class Watched(ami._Protocol):
        last = last_busy = 0.0

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(Wire(transport))

        def data_received(self, data: bytes) -> None:
            now, busy = time.monotonic(), time.thread_time()
            at = data.find(STAMP)
            if at >= 0 and len(data) > at + 32:
                stood = now - max(self.last, int(data[at + 7 : at + 27]) / 1e9)
                stalls.append((stood, min(stood, busy - self.last_busy)))
            self.last, self.last_busy = now, busy
            for handset in re.findall(rb"Event: Hangup\r\n(?:.+\r\n)*?Channel: (PJSIP/\d+)-", data):
                hung_up_at[handset] = now
            super().data_received(data)

    return Watched


async def call(session: Session) -> None:
    """What the bench `agi` does."""
    for _ in range(COMMANDS):
        await session.command("SET VARIABLE", "step", "7")


# Asterisk's side


class Switch(asyncio.Protocol):
    """The peer.

    Attributes:
        talk_s: how long a talk lasts.
        turns: from an agent's hang-up to his next call, as the peer sees it, s.
        calls: talks that have ended.

    """

    def __init__(self) -> None:
        self.talk_s = 0.0
        self.turns: list[float] = []
        self.calls = 0
        self._pending = b""
        self._hung_up_at: dict[str, float] = {}
        self._callers = 0
        self._noise = unread(UNREAD_PER_CALL)
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(b"Asterisk Call Manager/11.0.0\r\n")

    def data_received(self, data: bytes) -> None:
        *actions, self._pending = (self._pending + data).split(b"\r\n\r\n")
        for action in actions:
            fields = dict(re.findall(r"^([^:\r\n]+): ?(.*?)\r?$", action.decode(), re.MULTILINE))
            number = fields.get("ActionID")
            begin = "Response: Success\r\n" + (f"ActionID: {number}\r\n" if number else "")
            match fields.get("Action"):
                case "Status" | "DeviceStateList" as name:
                    self._list(name, begin, str(number))
                case "Originate":
                    self._say(f"{begin}Message: Originate successfully queued\r\n\r\n".encode())
                    variables = re.findall(rb"(?m)^Variable: ACD_CALL=(.*?)\r?$", action)
                    self._ring(fields["Channel"], fields["ChannelId"], variables[0].decode(), str(number))
                case _:
                    self._say(f"{begin}Value: {int(time.time() * 1e3)}\r\n\r\n".encode())

    def arrive(self, count: int) -> None:
        """Let callers come into the queue."""
        for _ in range(count):
            self._callers += 1
            of_channel = dict(channel(self._callers)) | {"Context": "acd-hold"}
            headers = [*of_channel.items(), ("UserEvent", "CallArrived"), ("Queue", "sales")]
            self._say(written("UserEvent", headers))

    def _say(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        stamp = b"Event: Stamp\r\n%b%020d\r\n\r\n" % (STAMP, time.monotonic_ns())
        self._transport.write(stamp + data)

    def _list(self, name: str, begin: str, number: str) -> None:
        said = f"{begin}EventList: start\r\nMessage: will follow\r\n\r\n".encode()
        for handset in HANDSETS.values() if name == "DeviceStateList" else ():
            said += written("DeviceStateChange", [("ActionID", number), ("Device", handset), ("State", "NOT_INUSE")])
        self._say(said + written(f"{name}Complete", [("ActionID", number), ("EventList", "Complete")]))

    def _ring(self, handset: str, offer: str, caller: str, number: str) -> None:
        """A phone rings and is answered at once; the talk begins."""
        if (since := self._hung_up_at.pop(handset, 0.0)) > 0:
            self.turns.append(time.monotonic() - since)
        leg = channel(0, offer, f"{handset}-00000001")
        half = len(self._noise) // 2
        half += self._noise[half:].find(b"\r\n\r\n") + 4
        said = written("Newchannel", channel(0, offer, f"{handset}-00000001", 0))
        said += written("Newstate", channel(0, offer, f"{handset}-00000001", 5)) + self._noise[:half]
        said += written("Newstate", leg) + written("BridgeEnter", [("BridgeUniqueid", f"b-{offer}"), *leg])
        said += written("BridgeEnter", [("BridgeUniqueid", f"b-{offer}"), *channel(0, caller)]) + self._noise[half:]
        self._say(said + written("OriginateResponse", [("ActionID", number), ("Response", "Success")]))
        self._loop.call_later(self.talk_s, self._hang_up, handset, offer, caller)

    def _hang_up(self, handset: str, offer: str, caller: str) -> None:
        self.calls += 1
        self.arrive(1)
        self._hung_up_at[handset] = time.monotonic()
        self._say(written("Hangup", [*channel(0, offer, f"{handset}-00000001"), ("Cause", 16)]))
        self._say(written("Hangup", [*channel(0, caller), ("Cause", 16)]))


async def load(agi_load: Path, *, talk_s: float, think_ms: int, run_s: float) -> dict[str, float]:
    """Put a load on a server, and tell what came of it.

    Args:
        agi_load: the program that plays the AGI sessions.
        talk_s: how long a talk lasts; 0 for the most calls there can be.
        think_ms: what Asterisk takes for an AGI command; 0 for the most commands there can be.
        run_s: how long it is measured.

    """
    loop = asyncio.get_running_loop()
    peers: list[Switch] = []

    def accept() -> Switch:
        peers.append(Switch())
        peers[-1].talk_s = talk_s
        return peers[-1]

    listening = await loop.create_server(accept, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        async with server(port, folder) as (process, agi_port):
            [peer] = peers
            warm_s = 1.0 + talk_s
            command = [agi_load, str(agi_port), str(AGI_SESSIONS), str(int(warm_s * 1e3)), str(int(run_s * 1e3))]
            agi = await asyncio.create_subprocess_exec(*command, str(think_ms), stdout=subprocess.PIPE)
            for _ in range(WAITING):
                peer.arrive(1)
                await asyncio.sleep(warm_s / WAITING / 2)
            await asyncio.sleep(warm_s / 2)
            process.send_signal(signal.SIGUSR1)
            peer.turns.clear()
            calls = peer.calls
            await asyncio.sleep(run_s)
            calls = peer.calls - calls
            turns = list(peer.turns)
            agi_told = json.loads((await agi.communicate())[0])
            process.terminate()
            told = json.loads(await process.stdout.readline())
    listening.close()
    return {
        **told,
        "calls_per_s": calls / run_s,
        "events_per_s": calls * (UNREAD_PER_CALL + 10) / run_s,
        "agi_commands_per_s": agi_told["commands_per_s"],
        "wire_to_wire_ms_p50": quantile(turns, 0.5) * 1e3,
        "wire_to_wire_ms_p99": quantile(turns, 0.99) * 1e3,
    }


@asynccontextmanager
async def server(ami_port: int, folder: str) -> AsyncIterator[tuple[Any, int]]:
    """Run the server's process on the first processor, and this one on the last."""
    processors = sorted(os.sched_getaffinity(0))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.ami_live", str(ami_port), folder, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        os.sched_setaffinity(process.pid, processors[:1])
        os.sched_setaffinity(0, processors[-1:])
        yield process, int(await process.stdout.readline())
    finally:
        os.sched_setaffinity(0, processors)
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def measured(agi_load: Path, **what: float) -> dict[str, float]:
    """As `load`, on a loop of its own."""
    with loop_runner() as runner:
        return runner.run(load(agi_load, **what))  # type: ignore[arg-type]


if __name__ == "__main__":
    configure_logs("error")
    with loop_runner() as main:
        main.run(serve(int(sys.argv[1]), sys.argv[2]))
