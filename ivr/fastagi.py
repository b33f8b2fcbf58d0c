"""FastAGI: the asyncio skin of `ivr.agi`, and all its limits and time-outs (`ivr.peers`: addresses, dead hosts).

A connection lives through two phases. In the first it has to send its headers, fast; it has no task and costs little.
In the second it is a session: a task runs the handler that the routes name for its script, and that sends commands.
Both are served beside the loop's own transports, which would cost more than all the rest (`_fastpath.Reactor`), and a
handler goes on in the moment in which its answer comes (`Exchange.drive`).

What bounds a peer, friendly or not:

* who may connect: `peers`, by default this machine only, because FastAGI knows no password;
* the header phase lasts `header_ms` at most. `header_connections` may be in it; one more, and the address that holds
  most of them loses its oldest. Asterisk sends its headers within a few milliseconds, so among silent connections,
  however many, a real call is not the oldest;
* `sessions` run at once; the next is refused, and its caller goes on in the dialplan's fall-back;
* a command is answered within the time that it may rightfully last (the sender knows: a prompt's, a record's longest
  length) plus `reply_ms`. An answer that is later than that could not be told from the next one, so the session ends;
* one command is out at a time, so what we hold for a peer that does not read is one command.

When the caller hangs up, the connection breaks, or a rule is broken, the handler's task is cancelled, and with it
whatever waits for an answer. From then on `command` raises `CallOverError`, so a clean-up that still wants to talk
to the caller fails clearly. Nothing a peer does raises out of here, and refusals are logged at most once a second per
reason.
"""

import asyncio
import contextlib
import itertools
import math
import os
import socket
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextvars import Context, copy_context
from typing import Any

import structlog
from msgspec import Struct

from _fastpath import Exchange, Reactor
from ivr.agi import (
    COMMAND_BYTES_MAX,
    USUAL,
    VERBS,
    Codec,
    HungUp,
    PeerError,
    Request,
    Response,
    Verb,
    as_it_is,
    encode,
    shown,
)
from ivr.flow import CallOverError
from ivr.peers import LOOPBACK, Listener, Peers, Refusals

log = structlog.get_logger()


class Limits(Struct, frozen=True, kw_only=True):
    """How much a peer can ask of this server. The process needs a file descriptor for each connection counted here."""

    sessions: int = 500
    """Handlers that run at once."""
    header_connections: int = 400
    """Connections that have not sent all their headers."""
    header_ms: int = 5_000
    """From the connect to the last header."""
    reply_ms: int = 10_000
    """How late an answer may be."""
    grace_ms: int = 5_000
    """How long a cancelled handler may clean up; and how long `close` lets running sessions end by themselves."""


WATCH_S = 0.05
"""How often the server looks who is late; so much late may be seen to be later."""

Handler = Callable[["Session"], Coroutine[Any, Any, None]]
"""Serves one session. When it returns, the connection is closed and the call goes on in the dialplan."""


class FastAgiServer:
    """Listens for Asterisk. `routes` names the handler of each script; it can be replaced while calls run."""

    def __init__(
        self, routes: Mapping[str, Handler], *, peers: Iterable[str] = LOOPBACK, limits: Limits | None = None
    ) -> None:
        """Prepare it.

        Raises:
            ValueError: an entry of `peers` is no address and no network.

        """
        self.routes = routes
        self.limits = limits or Limits()
        self._peers = Peers(peers)
        self._listener: Listener | None = None
        self._headers: dict[str, dict[Session, None]] = {}  # by peer, oldest first
        self._sessions: set[Session] = set()
        self._refusals = Refusals()
        self.loop = asyncio.get_running_loop()
        self._reactor = Reactor(self.loop)
        self._watch: asyncio.TimerHandle | None = None  # while somebody is there

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        assert self._listener is not None, "the server was not started"
        return self._listener.port

    @property
    def sessions(self) -> int:
        """How many handlers run."""
        return len(self._sessions)

    async def start(self, host: str = "127.0.0.1", port: int = 4573) -> None:
        """Begin to listen; port 0 takes a free one.

        Raises:
            OSError: the address is taken or is none of this machine's.

        """
        listener = Listener(self._welcome)
        await listener.open(host, port)
        self._listener = listener

    def adopt(self, listener: socket.socket) -> None:
        """Begin to listen on a socket on which another server listened: who connects meanwhile just waits a moment."""
        self._listener = Listener(self._welcome)
        self._listener.adopt(listener)

    def let_go(self) -> list[int]:
        """Stop listening, and give descriptors of the sockets, for another server to `adopt`. Sessions go on."""
        return [] if self._listener is None else self._listener.let_go()

    async def finish(self, wait_ms: int) -> None:
        """Wait until nobody is left, those without headers yet included; so long at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_ms / 1_000):
                while self._headers or self._sessions:  # noqa: ASYNC110 - once in a process's life
                    await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Take no more sessions, let running ones end, cancel those that do not."""
        if self._listener is None:
            return
        self._listener.close()
        for session in [session for waiting in self._headers.values() for session in waiting]:
            session.end("server closes")
        await self._sessions_end_within(self.limits.grace_ms)
        for session in list(self._sessions):
            session.end("server closes")
        await self._sessions_end_within(2 * self.limits.grace_ms)  # clean-ups are cut short after one
        if self._sessions:
            log.error("agi sessions would not end", count=len(self._sessions))
        self._reactor.close()
        self._refusals.close()
        if self._watch is not None:
            self._watch.cancel()

    async def _sessions_end_within(self, wait_ms: int) -> None:
        if tasks := {session.task for session in self._sessions if session.task is not None}:
            await asyncio.wait(tasks, timeout=wait_ms / 1_000)

    def admits(self, peer: str) -> bool:
        """Whether this address may connect."""
        return self._peers.admits(peer)

    def _welcome(self, connection: int, peer: str) -> None:
        """Let a peer in, if it may."""
        if not self.admits(peer):
            self.note_refusal("address is not admitted", peer=peer)
            os.close(connection)
            return
        session = Session(self, peer)
        try:
            self._reactor.add(session, connection)
        except OSError as error:
            self.note_refusal("the system can watch no more connections", peer=peer, error=str(error))
            os.close(connection)
            return
        session.late_at = self.loop.time() + self.limits.header_ms / 1_000
        self.enter_headers(session)

    def enter_headers(self, session: "Session") -> None:
        """Note a new connection, and make room for it if need be."""
        self._headers.setdefault(session.peer, {})[session] = None
        if self._watch is None:
            self._watch = self.loop.call_later(WATCH_S, self._look)
        if sum(map(len, self._headers.values())) > self.limits.header_connections:
            crowd = max(self._headers.values(), key=len)
            next(iter(crowd)).refuse("too many connections without headers; the oldest gives way")

    def leave_headers(self, session: "Session") -> None:
        """Forget a connection: its headers are complete, or it is gone."""
        waiting = self._headers.get(session.peer, {})
        waiting.pop(session, None)
        if not waiting:
            self._headers.pop(session.peer, None)

    def enter_session(self, session: "Session") -> Handler | None:
        """Find the handler, or refuse the session and return None."""
        if len(self._sessions) >= self.limits.sessions:
            session.refuse("too many sessions")
            return None
        handler = self.routes.get(session.request.script)
        if handler is None:
            session.refuse("no such script", script=_route(session.request.script))
            return None
        self._sessions.add(session)
        return handler

    def leave_session(self, session: "Session") -> None:
        """Forget a session whose handler is done."""
        self._sessions.discard(session)

    def _look(self) -> None:
        """End those who are late. One timer for all: one each, set and cancelled, is a tenth of what a call costs."""
        self._watch = None
        now = self.loop.time()
        everybody = [*self._sessions, *itertools.chain.from_iterable(self._headers.values())]
        for session in everybody:
            if session.late_at <= now:
                session.lose_patience()
        if everybody:
            self._watch = self.loop.call_later(WATCH_S, self._look)

    def note_refusal(self, reason: str, **details: object) -> None:
        """Log it, at most once a second for each reason."""
        self._refusals.note(reason, details)


class Session(Exchange[Verb, Response]):
    """One connection. Handlers use `request`, `command` and `end_reason`; the rest belongs to the server."""

    __slots__ = ("_clean_up_end", "_codec", "_server", "peer", "request", "task")

    request: Request

    def __init__(self, server: FastAgiServer, peer: str) -> None:
        super().__init__(server.loop, VERBS, USUAL, server.limits.reply_ms, COMMAND_BYTES_MAX)
        self.peer = peer
        self.task: asyncio.Task[None] | None = None
        self._server = server
        self._codec = Codec()
        self._clean_up_end: asyncio.TimerHandle | None = None

    async def relay(self, line: bytes, *, lasts_ms: int) -> str:
        """Send a line that somebody else wrote, as it is; gives the answer as it comes, without its last line feed.

        Raises:
            CommandError: it cannot be sent; see `ivr.agi.as_it_is`.
            CallOverError, asyncio.CancelledError: as `command`.

        """
        line = as_it_is(line)
        if self.is_taken or self.end_reason:
            await self._turn("a relayed line")
        self._codec.expect(relayed=True)
        return (await self.send(line, "a relayed line", lasts_ms, plain=False)).text

    async def command_in_turn(self, verb: str, words: tuple[str | int, ...], lasts_ms: int) -> Response:
        """Send a command when all before it are answered."""
        line = encode(verb, *words)
        await self._turn(verb)
        return await self.send(line, verb, lasts_ms)

    async def _turn(self, what: str) -> None:
        """Wait until the answer to every earlier command is there, be it wanted by anybody still or not."""
        if self.is_taken and not self.end_reason:
            turn = self.wait_for_turn()
            try:
                await turn
            except asyncio.CancelledError:
                if not turn.cancelled():  # it came, but too late
                    self.pass_turn()
                raise
        if self.end_reason:
            raise CallOverError(f"{what} cannot be performed: the call has left this flow ({self.end_reason})")

    def end(self, reason: str) -> None:
        """End the session: cancel its handler, close the connection. Only the first reason counts."""
        if self.end_reason:
            return
        self.give_up(reason)
        self._server.leave_headers(self)
        if self.task is not None:
            self.task.cancel()
            self._clean_up_end = self._server.loop.call_later(self._server.limits.grace_ms / 1_000, self._stop_clean_up)
        self.close()

    def refuse(self, reason: str, **details: object) -> None:
        """End it because the peer broke a rule or met a limit."""
        self._server.note_refusal(reason, peer=self.peer, **details)
        self.end(reason)

    def unusual(self, data: bytes) -> None:
        """Feed the codec, act on its events. The usual answers to a command do not come here: `Exchange`."""
        if self.end_reason:
            return
        if self.is_out and self._codec.may_command:
            self._codec.expect()
        try:
            events = self._codec.receive(data)
        except PeerError as error:
            self.refuse(error.reason, received=error.excerpt)
            return
        self.is_between_lines = self._codec.is_between_lines
        for event in events:
            if isinstance(event, Response):
                self.answered(event)
            elif isinstance(event, Request):
                self._begin(event)
            elif isinstance(event, HungUp):
                self.end("hung up")
            else:
                self.end("connection closed")

    def connection_lost(self, reason: str) -> None:
        """Note that nothing more will come."""
        self.end(f"connection lost: {reason}")

    def _begin(self, request: Request) -> None:
        self.request = request
        self.late_at = math.inf
        self._server.leave_headers(self)
        if request.cut:
            log.warning("agi headers cut", names=request.cut, call=shown(request.headers.get("uniqueid", "")))
        if handler := self._server.enter_session(self):
            context = copy_context()
            self.task = self._server.loop.create_task(self._run(handler, context), context=context)
            self.task.add_done_callback(self._ran)

    async def _run(self, handler: Handler, context: Context) -> None:
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await self.drive(handler(self), context)
        except Exception:
            log.exception(
                "agi handler failed", script=_route(self.request.script), call=self.request.headers.get("uniqueid")
            )

    def _ran(self, _task: "asyncio.Task[None]") -> None:
        """Leave in order. Not a part of `_run`: one that is cancelled before its first step never runs at all."""
        self._server.leave_session(self)
        self.task = None
        if self._clean_up_end is not None:
            self._clean_up_end.cancel()
        self.end("done")

    def lose_patience(self) -> None:
        """End it because what is due is late."""
        self.refuse(f"no answer to {self.late_what} in time" if self.is_out else "no complete headers in time")

    def _stop_clean_up(self) -> None:
        if self.task is not None:
            log.error(
                "clean-up of an agi handler takes too long", script=_route(self.request.script), ended=self.end_reason
            )
            self.task.cancel()


def _route(script: str) -> str:
    """Return a script's name for a log: before the first slash stands the secret of who may ask for it."""
    return shown(script.partition("/")[2] or script)
