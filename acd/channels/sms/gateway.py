"""A provider that speaks HTTP, as the outbox sees it: like a message centre, but a text goes whole.

A provider that could not be reached has nothing; one that did not answer is in doubt, as is one that answers nonsense;
429 and 5xx are "not now", other statuses refuse for good. Redirections are not followed: they could lead anywhere.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import structlog
from msgspec import Struct

from acd.channels.sms import webhook
from acd.channels.sms.pdu import RSUBMITFAIL, RTHROTTLED
from acd.channels.sms.smsc import Away, Doubt, Refused
from acd.smscs import GatewaySettings

if TYPE_CHECKING:  # takes a while to load
    import httpx

log = structlog.get_logger()

AT_ONCE = 10
ANSWER_MOST = 65_536


class Whole(Struct, frozen=True):
    """A text that goes in one."""

    own: str
    theirs: str
    body: str
    ref: int


class Gateway:
    """What goes out by one provider.

    Args:
        settings: where it is, and what it wants to hear.

    """

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.can_send = True
        self._client: httpx.AsyncClient | None = None
        self._window, self._pacing, self._next_at = asyncio.Semaphore(AT_ONCE), asyncio.Lock(), 0.0

    def pieces(self, own: str, theirs: str, body: str, ref: int) -> list[Whole]:
        """Give what a text is sent as."""
        return [Whole(own, theirs, body, ref)]

    async def submit(self, piece: Whole, before: Callable[[], Coroutine[Any, Any, None]]) -> str:
        """Send a text; gives the name that the provider gave it. As `Smsc.submit`."""
        values = {"from": piece.own, "to": piece.theirs, "text": piece.body, "id": f"callfloor-{piece.ref}"}
        made = webhook.request(self.settings, values)
        async with self._window:
            await self._pace()
            await before()
            status, body = await self._exchange(made)
        if 200 <= status < 300:
            return webhook.answered(self.settings, body) or values["id"]
        log.warning("text is refused", gateway=self.settings.section, status=status)
        raise Refused(RTHROTTLED if status == 429 else RSUBMITFAIL, f"HTTP {status}", is_for_good=status < 500)

    async def _exchange(self, made: webhook.Request) -> tuple[int, bytes]:
        import httpx  # noqa: PLC0415 - takes a while to load

        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self.settings.timeout_ms / 1000, trust_env=False)
        try:
            async with self._client.stream(
                made.method, made.url, headers=made.headers, content=made.body or None
            ) as answer:
                body = b""
                async for some in answer.aiter_bytes():
                    body = (body + some)[:ANSWER_MOST]
                    if len(body) == ANSWER_MOST:
                        break
                return answer.status_code, body
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.PoolTimeout) as error:
            raise Away(str(error) or type(error).__name__) from None
        except httpx.HTTPError as error:
            raise Doubt(f"the provider does not answer: {type(error).__name__}") from None

    async def _pace(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._pacing:
            if (wait_s := self._next_at - loop.time()) > 0:
                await asyncio.sleep(wait_s)
            self._next_at = loop.time() + 1 / self.settings.rate

    async def close(self) -> None:
        """Let go of the provider."""
        self.can_send = False
        if self._client is not None:
            await self._client.aclose()
