"""Who asks, and what he may: API tokens for programs, session cookies for pages.

A cookie goes along with whatever a browser sends, so what comes with one must come from our own page: its `Origin` is
looked at for everything that changes something, and for a WebSocket. A token is sent on purpose, and needs none of it.
No other origin may read an answer (there is no CORS).

Wrong tokens and PINs are counted by the address they come from; a seat's own lock after wrong PINs is the core's.
"""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from fastapi import Request
from msgspec import Struct
from starlette.requests import HTTPConnection

from acd.desk.web.problems import ProblemError
from acd.desk.web.sessions import Sessions
from acd.desk.web.tokens import Scope, TokenFile, hashed
from acd.settings import Site

COOKIE = "callfloor_session"
FAILURES_MOST = 20
FAILURES_MS = 60_000
"""So many wrong tokens and PINs in this time from one address; then none is looked at until it is over."""
ADDRESSES_MOST = 10_000
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Principal(Struct, frozen=True, kw_only=True):
    """Who asks."""

    name: str
    """For the record: the token's, or the agent's."""
    scopes: frozenset[Scope]
    seat: str = ""
    session: str = ""
    """The hash of the cookie; empty of a token."""
    key: str
    """Tells one from another."""

    def may(self, *scopes: Scope) -> bool:
        """Whether he has one of these scopes."""
        return not self.scopes.isdisjoint(scopes)


class Access:
    """Knows tokens and sessions.

    Args:
        tokens: the file of tokens.
        sessions: of agents' browsers.
        site: the settings of the moment.
        clock: the time, ms since the epoch.

    """

    def __init__(
        self, tokens: TokenFile, sessions: Sessions, site: Callable[[], Site], clock: Callable[[], int]
    ) -> None:
        self._tokens, self._sessions, self._site, self._clock = tokens, sessions, site, clock
        self._failures: dict[str, list[int]] = {}

    # Sessions

    async def begin(self, seat: str) -> str:
        """Begin a session of a seat whose PIN was right; gives the cookie's value."""
        site = self._site()
        return await asyncio.to_thread(self._sessions.begin, seat, site.seats[seat].pin, site.web.session_ms)

    async def end(self, session: str) -> None:
        """End a session."""
        await asyncio.to_thread(self._sessions.end, session)

    # Who is it

    async def principal(self, asked: HTTPConnection) -> Principal:
        """Say who asks.

        Raises:
            ProblemError: nobody, or somebody who has tried too often.

        """
        scheme, _, secret = asked.headers.get("authorization", "").partition(" ")
        if scheme:
            return await self._of_token(asked, secret if scheme.lower() == "bearer" else "")
        cookie = asked.cookies.get(COOKIE, "")
        found = await self._of_cookie(cookie) if cookie else None
        if found is None:
            raise ProblemError(
                401, "no token and no session", "log in at POST /api/v1/session, or send Authorization: Bearer"
            )
        if asked.scope["type"] == "websocket" or asked.scope["method"] not in SAFE:
            self.check_origin(asked)
        return found

    async def _of_token(self, asked: HTTPConnection, secret: str) -> Principal:
        token = await asyncio.to_thread(self._tokens.find, secret)
        if token is None or (token.seat and token.seat not in self._site().seats):
            self.check_failures(asked)  # a right one is let in all the same: nobody guesses 256 bits
            self.failed(asked)
            raise ProblemError(401, "the token is not known", "make one with `callfloor token add`")
        return Principal(name=token.name, scopes=frozenset(token.scopes), seat=token.seat, key=token.hash)

    async def _of_cookie(self, cookie: str) -> Principal | None:
        key = hashed(cookie)
        if self._sessions.get(key) is None:  # the server before this one may have begun it
            await asyncio.to_thread(self._sessions.look)
        found = self._of_session(key)
        if (
            found is None and self._sessions.get(key) is not None
        ):  # of another PIN: should that return, it is over still
            await self.end(key)
        return found

    def _of_session(self, key: str) -> Principal | None:
        session = self._sessions.get(key)
        settings = self._site().seats.get(session.seat) if session is not None else None
        if session is None or settings is None or not session.is_of(settings.pin):
            return None
        scopes: set[Scope] = {"agent", "customers", *(("supervisor",) if settings.supervisor else ())}
        return Principal(name=settings.agent, scopes=frozenset(scopes), seat=session.seat, session=key, key=key)

    async def still(self, principal: Principal) -> bool:
        """Whether he may what he might when he came."""
        if principal.session:
            return self._of_session(principal.session) is not None
        tokens = await asyncio.to_thread(self._tokens.all)
        return any(token.hash == principal.key for token in tokens)

    def check_origin(self, asked: HTTPConnection) -> None:
        """See that what a browser sends comes from a page of ours.

        Raises:
            ProblemError: it does not, or does not say so.

        """
        origin = urlsplit(asked.headers.get("origin", ""))
        own = urlsplit(self._site().web.url or f"//{asked.headers.get('host', '')}")
        if not origin.netloc or origin.netloc.lower() != own.netloc.lower() or own.scheme not in {"", origin.scheme}:
            raise ProblemError(403, "this does not come from a page of callfloor", "see url of [web] in acd.conf")

    # Too often

    def check_failures(self, asked: HTTPConnection) -> None:
        """See that not too much was wrong from there.

        Raises:
            ProblemError: it was.

        """
        since = self._clock() - FAILURES_MS
        recent = [at for at in self._failures.get(_address(asked), ()) if at > since]
        if len(recent) >= FAILURES_MOST:
            wait_s = max(1, (recent[0] - since) // 1_000 + 1)
            headers = {"Retry-After": str(wait_s)}
            raise ProblemError(429, "too many wrong tokens or PINs", f"wait {wait_s} seconds", headers=headers)

    def failed(self, asked: HTTPConnection) -> None:
        """Note that a token or a PIN was wrong."""
        now, address = self._clock(), _address(asked)
        recent = [at for at in self._failures.pop(address, ()) if at > now - FAILURES_MS]
        self._failures[address] = [*recent[-FAILURES_MOST:], now]
        if len(self._failures) > ADDRESSES_MOST:
            del self._failures[next(iter(self._failures))]


def _address(asked: HTTPConnection) -> str:
    return asked.client.host if asked.client is not None else ""


def allowed(*scopes: Scope) -> Callable[[Request], "object"]:
    """Make a dependency: who asks must have one of these scopes."""

    async def check(request: Request) -> Principal:
        access: Access = request.app.state.access
        principal = await access.principal(request)
        if not principal.may(*scopes):
            raise ProblemError(403, f"this needs the scope {' or '.join(scopes)}", "make a token with that scope")
        return principal

    return check
