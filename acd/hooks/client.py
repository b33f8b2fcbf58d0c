"""One request to an endpoint, within limits: of time, of what is read, of where it may lead.

Redirections are not followed, proxies of the environment not asked, answers not unpacked. A name is looked up here, in
a thread of the endpoint's own, and what is connected to is one of the addresses that were looked at: so no second
answer of the name's server leads elsewhere. The certificate must be the name's.
"""

import asyncio
import ipaddress
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from msgspec import Struct

from acd.hooks.signing import headers
from acd.webhooks import EndpointSettings

if TYPE_CHECKING:  # takes a while to load
    import httpx

log = structlog.get_logger()

READ_MOST = 65_536
"""So much of an answer is read."""
ADDRESSES_MOST = 4
"""So many addresses of a name are tried."""
RETRY_AFTER_MOST_S = 3_600


class Unreached(Exception):  # noqa: N818 - it is what happened
    """There was no answer; the message says why."""


class Answer(Struct, frozen=True):
    """What an endpoint answered."""

    status: int
    retry_after_s: int
    """So long it asks to be left alone; 0 where it does not say."""
    body: bytes
    """Hostile, `READ_MOST` at most."""
    is_whole: bool


class Client:
    """Speaks to one endpoint.

    Args:
        settings: which.

    """

    def __init__(self, settings: EndpointSettings) -> None:
        self.settings = settings
        self._client: httpx.AsyncClient | None = None
        self._names: ThreadPoolExecutor | None = None
        self._uses, self._is_over = 0, False
        self._making = asyncio.Lock()

    async def post(self, name: str, body: bytes) -> Answer:
        """Send something.

        Args:
            name: the `webhook-id`.
            body: JSON.

        Raises:
            Unreached: there was no answer, or none that HTTP knows.

        """
        self._uses += 1
        try:
            client = await self._ready()
            async with asyncio.timeout(self.settings.timeout_ms / 1000):
                return await self._post(client, name, body)
        except TimeoutError:
            raise Unreached(f"no answer within {self.settings.timeout_ms / 1000:g} s") from None
        except Unreached:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the other side made a library stumble over
            raise self._unreached(error) from None
        finally:
            self._uses -= 1
            await self._shut()

    async def _ready(self) -> "httpx.AsyncClient":
        async with self._making:
            if self._client is None:
                self._client = await asyncio.to_thread(self._made)
            return self._client

    def _unreached(self, error: Exception) -> Unreached:
        import httpx  # noqa: PLC0415 - is loaded

        if isinstance(error, OSError | httpx.HTTPError | httpx.InvalidURL):
            return Unreached(_reason(error))
        log.error("webhook cannot be sent", webhook=self.settings.section, exc_info=error)
        return Unreached(type(error).__name__)

    async def _post(self, client: "httpx.AsyncClient", name: str, body: bytes) -> Answer:
        import httpx  # noqa: PLC0415 - is loaded

        url = httpx.URL(self.settings.url)
        tried: Exception = Unreached(f"{url.host} has no address")
        for address in await self._addresses(url):
            try:
                return await self._exchange(client, url.copy_with(host=address), self._request(url, name, body), body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                tried = error
        raise tried

    def _request(self, url: "httpx.URL", name: str, body: bytes) -> dict[str, str]:
        return {
            **headers(self.settings, name, body, int(time.time())),
            "host": url.netloc.decode("ascii"),
            "content-type": "application/json",
            "user-agent": _agent(),
            "accept-encoding": "identity",
        }

    async def _exchange(
        self, client: "httpx.AsyncClient", place: "httpx.URL", said: dict[str, str], body: bytes
    ) -> Answer:
        more = {"sni_hostname": urlsplit(self.settings.url).hostname}  # whose certificate it must be
        async with client.stream("POST", place, content=body, headers=said, extensions=more) as answer:
            read, is_whole = bytearray(), True
            async for some in answer.aiter_raw():
                read += some
                if len(read) > READ_MOST:
                    is_whole = False
                    break
            after = answer.headers.get("retry-after", "")
            after_s = (
                min(int(after), RETRY_AFTER_MOST_S) if after.isascii() and after.isdigit() and len(after) < 9 else 0
            )
            is_plain = answer.headers.get("content-encoding", "identity") == "identity"
            return Answer(answer.status_code, after_s, bytes(read[:READ_MOST]), is_whole and is_plain)

    def _made(self) -> "httpx.AsyncClient":
        import httpx  # noqa: PLC0415 - takes a while to load: this is called in a thread

        trusted = ssl.create_default_context(cafile=self.settings.ca)
        limits = httpx.Limits(max_connections=4, max_keepalive_connections=1, keepalive_expiry=30)
        timeout = self.settings.timeout_ms / 1000
        return httpx.AsyncClient(
            verify=trusted, timeout=timeout, limits=limits, trust_env=False, follow_redirects=False, cookies=None
        )

    # Where it leads

    async def _addresses(self, url: "httpx.URL") -> list[str]:
        """Give the addresses of a host that may be connected to.

        Raises:
            Unreached: it has none.

        """
        host = url.host
        if _is_address(host):
            return [host]  # as it stands in acd.conf
        if host == "localhost":
            return ["127.0.0.1", "::1"]
        if self._names is None:
            self._names = ThreadPoolExecutor(1, "webhook-names")
        port = url.port or 0
        loop = asyncio.get_running_loop()
        look = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        try:
            found = await loop.run_in_executor(self._names, look)
        except OSError as error:
            raise Unreached(f"{host} is not known: {error.strerror}") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        allowed = [one for one in addresses if self.settings.private or is_public(one)]
        if addresses and not allowed:
            raise Unreached(f"{host} leads to a private address; write private = yes if it should")
        return allowed[:ADDRESSES_MOST]

    async def close(self) -> None:
        """Let go of it, when nobody waits for an answer any more."""
        self._is_over = True
        await self._shut()

    async def _shut(self) -> None:
        if self._uses or not self._is_over:
            return
        if self._client is not None:
            await self._client.aclose()
        if self._names is not None:
            self._names.shutdown(wait=False, cancel_futures=True)


@cache
def _agent() -> str:
    return f"callfloor/{version('callfloor')}"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_public(text: str) -> bool:
    """Tell whether an address is one of the world's: neither this machine's nor a private network's."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        nat64 = ipaddress.ip_address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
        if (inside := inner or nat64) is not None:
            return is_public(str(inside))
    return address.is_global and not address.is_multicast


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _reason(error: Exception) -> str:
    """Say what went wrong, in words without the URL."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
