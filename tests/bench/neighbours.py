"""What callfloor is measured beside: panoramisk and pyst2, each used as its manual says. The one importer of them here.

`python -m tests.bench.neighbours KIND` serves FastAGI as one of `SERVERS`, prints the port and runs until it is killed.
Each serves the same call: 20 times SET VARIABLE by the library's own method, then the end.
"""

import asyncio
import signal
import socketserver
import sys
from collections.abc import Callable
from typing import Any

import uvloop

from ivr.cli import loop_runner
from ivr.fastagi import FastAgiServer, Limits, Session
from ivr.process import set_garbage_aside

COMMANDS = 20


def callfloor() -> None:
    """Our own, set up as `callfloor up` does, with room for all that come and every other limit in force."""

    async def handler(session: Session) -> None:
        for _ in range(COMMANDS):
            await session.command("SET VARIABLE", "step", "7")

    async def serve() -> None:
        server = FastAgiServer({"bench": handler}, limits=Limits(sessions=1_000, header_connections=1_000))
        await server.start(port=0)
        set_garbage_aside()
        print(server.port, flush=True)
        await asyncio.Event().wait()

    with loop_runner() as runner:
        runner.run(serve())


def panoramisk_uvloop() -> None:
    """The Application of panoramisk; it runs on asyncio's loop by default, and is quickest on uvloop."""
    from panoramisk.fast_agi import Application  # noqa: PLC0415 - each server loads what it needs alone

    async def handler(request: Any) -> None:
        for _ in range(COMMANDS):
            await request.send_command('SET VARIABLE step "7"')

    async def serve() -> None:
        application = Application(loop=asyncio.get_running_loop())
        application.add_route("bench", handler)
        server = await asyncio.start_server(application.handler, "127.0.0.1", 0, backlog=1_024)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    uvloop.run(serve())


def pyst2() -> None:
    """pyst2's AGI, a thread a call, over the standard library's server: its own knows Python 2 only."""
    import asterisk.agi  # noqa: PLC0415 - as above

    signal.signal = lambda *_: None  # type: ignore[assignment]  # each AGI sets one, which only the main thread may

    class Text:
        """The class writes text, a socket takes bytes."""

        def __init__(self, file: Any) -> None:
            self.file = file

        def write(self, text: str) -> None:
            self.file.write(text.encode())

        def flush(self) -> None:
            self.file.flush()

    class Silence(Text):
        """It traces each line to standard error; this one costs nothing."""

        def write(self, text: str) -> None:
            pass

        def flush(self) -> None:
            pass

    class Handler(socketserver.StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self) -> None:
            agi = asterisk.agi.AGI(stdin=self.rfile, stdout=Text(self.wfile), stderr=Silence(None))
            for _ in range(COMMANDS):
                agi.set_variable("step", "7")

    class Server(socketserver.ThreadingTCPServer):
        request_queue_size = 1_024
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


def panoramisk_ami() -> tuple[Callable[[bytes], None], list[int]]:
    """The manager of panoramisk with one reader of all events: give it bytes; the list's one number counts events."""
    from panoramisk.ami_protocol import AMIProtocol  # noqa: PLC0415 - as above
    from panoramisk.manager import Manager  # noqa: PLC0415 - as above

    count = [0]

    def seen(_manager: Manager, _event: Any) -> None:
        count[0] += 1

    manager = Manager()
    manager.register_event("*", seen)
    protocol = AMIProtocol()
    protocol.connection_made(None)
    protocol.factory, protocol.encoding, protocol.version = manager, "utf8", "11.0.0"
    return protocol.data_received, count


SERVERS: dict[str, Callable[[], None]] = {
    "callfloor": callfloor,
    "panoramisk_uvloop": panoramisk_uvloop,
    "pyst2": pyst2,
}


if __name__ == "__main__":
    SERVERS[sys.argv[1]]()
