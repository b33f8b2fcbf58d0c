"""Tokens to log in with at mail servers that take no passwords (OAuth 2.0, RFC 6749).

An endpoint makes them, for what the site's settings say: either for the client itself (client credentials, section 4.4)
or for a refresh token that a person's consent has given (section 6). A token is kept until shortly before it ends, or
until a mail server refuses it: providers take tokens back without a word. Whoever wants one while one is being asked
for waits for the same answer; what waits is the event loop's, so a thread that speaks IMAP is given its token.

Some providers give another refresh token with each token, and the former one is worth nothing then. It is on the disk
before the token that came with it is used, under a name made of the settings that it stands for: other settings have
nothing kept. It is read anew for each request, so that of two servers, in a takeover, none asks with a former one.

The endpoint's answers are as hostile as any: bounded in time and size, redirections not followed, and what is told of
them is one line in which no secret of ours stands.
"""

import asyncio
import contextlib
import hashlib
import re
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_plus, urlsplit

import msgspec
import structlog
from msgspec import Struct

from acd import private_file
from acd.channels.email.text import hushed
from acd.mailboxes import Grant, MailboxSettings

if TYPE_CHECKING:  # takes a while to load
    import httpx

log = structlog.get_logger()

ANSWER_S = 20.0
"""All of a request may take so long."""
ANSWER_MOST = 1 << 16
"""Bytes of an answer."""
UNTOLD_S, LIFE_MOST_S = 600.0, 86_400.0
"""So long a token lives of which that is not told; and none is kept for longer than that."""
EARLY_S = 120.0
"""So long before its end a token is used no more; a short-lived one is used for half of its life."""
REFUSALS = frozenset(
    {
        *("invalid_client", "invalid_grant", "invalid_request", "invalid_scope"),
        *("unauthorized_client", "unsupported_grant_type"),
    }
)
"""What an endpoint says of our settings, and will say again (RFC 6749, section 5.2)."""
_TOKEN = re.compile(r"[!-~]{1,16384}")


class TokenError(Exception):
    """There is no token at present; the message is one line, without secrets."""


class GrantError(TokenError):
    """And there will be none before the settings or the provider's are mended."""


class _Answer(Struct, frozen=True):
    """What an endpoint answered (RFC 6749, sections 5.1 and 5.2)."""

    access_token: str | None = None
    token_type: str | None = None
    expires_in: float | None = None
    refresh_token: str | None = None
    error: str | None = None
    error_description: str | None = None


class Source:
    """Where the tokens of one grant come from; belongs to one event loop.

    Args:
        grant: what they are made for.
        folder: where refresh tokens are kept.

    """

    def __init__(self, grant: Grant, folder: Path) -> None:
        self._grant = grant
        of = msgspec.json.encode([grant.url, grant.client, grant.refresh])
        self._path = folder / hashlib.sha256(of).hexdigest()[:32]
        self._token, self._until = "", 0.0
        self._asking: asyncio.Task[str] | None = None
        self._unkept = ""
        """A refresh token that could not be written."""

    async def token(self) -> str:
        """Give one that should be good.

        Raises:
            GrantError: the endpoint refuses what it is asked with.
            TokenError: there is none at present.

        """
        if self._token and time.monotonic() < self._until:
            return self._token
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name="token")
            self._asking.add_done_callback(_seen)
        return await asyncio.shield(self._asking)  # who waits no more does not undo what others wait for

    def refuse(self, token: str) -> None:
        """Say that a mail server does not take it."""
        if token == self._token:
            self._token = ""

    async def close(self, within_s: float) -> None:
        """Let an answer come that may hold a refresh token, if it takes no longer than this."""
        if self._asking is not None and not self._asking.done():
            await asyncio.wait([self._asking], timeout=within_s)
            self._asking.cancel()
        await self._keep()

    async def _ask(self) -> str:
        refresh = await self._refresh() if self._grant.refresh else ""
        form = {"client_id": self._grant.client, "grant_type": "refresh_token" if refresh else "client_credentials"}
        more = {"client_secret": self._grant.secret, "scope": self._grant.scope, "refresh_token": refresh}
        form |= {name: value for name, value in more.items() if value}
        asked = time.monotonic()
        try:
            answer = _understood(*await self._exchange(form))
        except TokenError as error:
            secrets = [word for one in (self._grant.secret, self._grant.refresh, refresh) for word in _written(one)]
            said = hushed(f"no token from {urlsplit(self._grant.url).hostname}: {error}", secrets, 300)
            raise type(error)(said) from None
        if refresh and answer.refresh_token not in (None, "", refresh):
            self._unkept = answer.refresh_token or ""
        await self._keep()
        life = UNTOLD_S if answer.expires_in is None else min(max(0.0, answer.expires_in), LIFE_MOST_S)
        self._token, self._until = answer.access_token or "", asked + max(life - EARLY_S, life / 2)
        return self._token

    # Spoken

    async def _exchange(self, form: dict[str, str]) -> tuple[int, bytes]:
        """Ask; gives status and body.

        Raises:
            TokenError: there was no answer, or too much of one.

        """
        client = await asyncio.to_thread(_client)
        import httpx  # noqa: PLC0415 - is loaded

        said, body = {"accept": "application/json", "accept-encoding": "identity"}, bytearray()
        try:
            async with (
                asyncio.timeout(ANSWER_S),
                client,
                client.stream("POST", self._grant.url, data=form, headers=said) as answer,
            ):
                async for some in answer.aiter_raw():
                    body += some
                    if len(body) > ANSWER_MOST:
                        break
        except (TimeoutError, httpx.TimeoutException):
            raise TokenError(f"no answer within {ANSWER_S:g} s") from None
        except Exception as error:  # noqa: BLE001 - whatever the other side made a library stumble over
            raise TokenError(str(error) or type(error).__name__) from None
        if len(body) > ANSWER_MOST:
            raise TokenError(f"it answers more than {ANSWER_MOST} bytes")
        return answer.status_code, bytes(body)

    # Kept

    async def _refresh(self) -> str:
        """Give the refresh token that is good now.

        Raises:
            TokenError: it cannot be read.

        """
        if self._unkept:
            return self._unkept
        try:
            kept = (await asyncio.to_thread(self._path.read_text, "ascii")).strip()
        except FileNotFoundError:
            return self._grant.refresh
        except (OSError, UnicodeDecodeError) as error:
            raise TokenError(f"the refresh token that is kept in {self._path} cannot be read: {error}") from None
        return kept if _TOKEN.fullmatch(kept) else self._grant.refresh

    async def _keep(self) -> None:
        """Write down a refresh token that came in place of the former one."""
        if not self._unkept:
            return
        try:
            await asyncio.to_thread(private_file.write, self._path, f"{self._unkept}\n".encode())
        except OSError as error:  # mails go on; each token that is asked for tries again
            log.error(  # noqa: TRY400 - it says all
                "refresh token cannot be kept",
                path=str(self._path),
                reason=error.strerror,
                hint="a restart would lose it",
            )
        else:
            self._unkept = ""


def _client() -> "httpx.AsyncClient":
    """Make a client; called in a thread, for httpx and the certificates take a while to load."""
    import httpx  # noqa: PLC0415 - see above

    trusted = ssl.create_default_context()
    return httpx.AsyncClient(verify=trusted, timeout=ANSWER_S, trust_env=False, follow_redirects=False)


def _understood(status: int, body: bytes) -> _Answer:
    """Read an answer.

    Raises:
        GrantError, TokenError: there is no token in it.

    """
    try:
        answer = msgspec.json.decode(body, type=_Answer, strict=False)  # some write numbers as strings
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        answer = None
    if answer is not None and answer.error:
        kind = GrantError if answer.error in REFUSALS and 400 <= status < 500 else TokenError
        raise kind(f"{answer.error}: {answer.error_description}" if answer.error_description else answer.error)
    if status != 200:
        raise TokenError(
            f"it answers {status}" + (", and redirections are not followed" if 300 <= status < 400 else "")
        )
    if answer is None or not _TOKEN.fullmatch(answer.access_token or ""):
        raise TokenError("what it answers is no token")
    if answer.refresh_token and not _TOKEN.fullmatch(answer.refresh_token):
        raise TokenError("what it answers is no refresh token")
    if (answer.token_type or "bearer").lower() != "bearer":
        raise TokenError(f"it gives a token of the type {answer.token_type}")
    return answer


def _written(secret: str) -> tuple[str, str]:
    return secret, quote_plus(secret)


def _seen(asking: "asyncio.Task[str]") -> None:
    """Take note of how it ended, though nobody may wait for it any more."""
    with contextlib.suppress(asyncio.CancelledError):
        asking.exception()


class Tokens:
    """The sources of one server's tokens.

    Args:
        folder: where refresh tokens are kept; made when one comes.

    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sources: dict[Grant, Source] = {}

    def of(self, mailbox: MailboxSettings) -> Source | None:
        """Tell where a mailbox has its tokens from, the same for all with the same grant; None if it has passwords."""
        grant = mailbox.grant
        if grant is None:
            return None
        if grant not in self._sources:
            self._sources[grant] = Source(grant, self._folder)
        return self._sources[grant]

    async def close(self, within_s: float) -> None:
        """Ask for no more."""
        await asyncio.gather(*(source.close(within_s) for source in self._sources.values()))
