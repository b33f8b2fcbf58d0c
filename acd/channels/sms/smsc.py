"""A session with a message centre: bound, kept alive, bound again when it breaks.

What is brought is handed on one at a time, in its order, and answered when that is done: so with `deliver_sm_resp` and
its status the centre hears whether the message is on our disk. Answers of the centre do not wait for that.

Of what we send so many are on their way at once (`window`), at most so many a second (`rate`); a centre that says it is
throttled has a rest.
"""

import asyncio
import contextlib
import random
import secrets
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from acd.channels.sms import addresses
from acd.channels.sms import pdu as smpp
from acd.channels.sms.alphabet import DATA_CODINGS
from acd.channels.sms.parts import cut
from acd.channels.sms.pdu import Framer, Message, Pdu, PduError
from acd.smscs import SmscSettings

log = structlog.get_logger()

TIMEOUT_S = 30.0
"""So long the centre may take to answer."""
CONNECT_S = 15.0
AGAIN_S, AGAIN_MOST_S = 1.0, 60.0
"""Between two attempts to bind, twice as long each time, a fifth more or less by chance."""
REST_S = 1.0
"""Of a centre that says it is throttled."""
WAITING_MOST = 200
"""So many messages brought may wait to be stored; more are refused for now."""

Take = Callable[[Message, str], Awaitable[int]]
"""Stores a message that a session brought; gives the status it is answered with. Never raises."""


class Away(Exception):  # noqa: N818 - it is a state of the peer
    """It was not sent, for certain."""


class Doubt(Exception):  # noqa: N818 - it is a state of the peer
    """It was sent, and no answer came: the centre may have it, or not."""


class Refused(Exception):  # noqa: N818 - it is the peer's word
    """It is not taken: `is_for_good`, or not now; `is_throttled`: because there were too many."""

    def __init__(self, status: int, words: str = "", *, is_for_good: bool | None = None) -> None:
        super().__init__(words or smpp.status_words(status))
        self.is_throttled = status in {smpp.RTHROTTLED, smpp.RMSGQFUL}
        said = not self.is_throttled and status != smpp.RSYSERR
        self.is_for_good = said if is_for_good is None else is_for_good


class _Broken(Exception):  # noqa: N818 - never leaves this file
    """The session is over; the message says why."""


class Smsc:
    """The sessions with one centre, one after the other.

    Args:
        settings: where it is.
        take: stores what it brings.
        on_bound: called when something can be sent.

    """

    def __init__(self, settings: SmscSettings, take: Take, on_bound: Callable[[], None] = lambda: None) -> None:
        self.settings = settings
        self.session = ""
        """Names the present one, different each time; empty while there is none."""
        self._take, self._on_bound = take, on_bound
        self._writer: asyncio.StreamWriter | None = None
        self._waits: dict[int, asyncio.Future[Pdu]] = {}
        self._sequence = 0
        self._window, self._pacing = asyncio.Semaphore(settings.window), asyncio.Lock()
        self._brought: asyncio.Queue[Pdu] = asyncio.Queue(WAITING_MOST)
        self._next_at = 0.0
        """When the next message may be sent, in the loop's time."""
        self._heard_at = 0.0
        self._loop = asyncio.get_running_loop()
        self._is_over = False

    @property
    def can_send(self) -> bool:
        """Whether it is bound, and for that."""
        return bool(self.session) and self.settings.bind != "receiver" and not self._is_over

    # Sessions

    async def run(self) -> None:
        """Bind, and again, until cancelled."""
        wait_s = AGAIN_S
        while not self._is_over:
            try:
                await self._one_session()
            except (_Broken, PduError, OSError, TimeoutError) as error:
                if self._heard_at:
                    wait_s = AGAIN_S
                reason = str(error) or type(error).__name__
                log.warning("message centre is away", smsc=self.settings.section, reason=reason, again_s=wait_s)
            except Exception:
                log.exception("session with a message centre failed", smsc=self.settings.section)
            await asyncio.sleep(wait_s * random.uniform(0.8, 1.2))  # noqa: S311 - so that not all come at once
            wait_s = min(wait_s * 2, AGAIN_MOST_S)

    async def _one_session(self) -> None:
        place, self._heard_at = self.settings.host, 0.0
        context = ssl.create_default_context() if self.settings.tls else None
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(place.host, place.port, ssl=context)
        self._writer = writer
        try:
            await self._talk(reader)
        finally:
            self.session, self._writer = "", None
            for answer in self._waits.values():
                if not answer.done():
                    answer.set_exception(Doubt("the session broke"))
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader) -> None:
        self._brought = asyncio.Queue(WAITING_MOST)
        session = secrets.token_hex(8)
        tasks = [
            asyncio.create_task(work, name=f"smsc {self.settings.section}")
            for work in (self._read(reader), self._bind_and_keep(session), self._store(session))
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _bind_and_keep(self, session: str) -> None:
        settings = self.settings
        body = smpp.bind_body(settings.user, settings.secret, settings.system_type)
        answer = await self._ask(smpp.BIND[settings.bind], body)
        if answer.status not in {smpp.ROK, smpp.RALYBND} or answer.command == smpp.GENERIC_NACK:
            raise _Broken(f"it does not let us bind: {smpp.status_words(answer.status)}")
        self.session, self._heard_at = session, self._loop.time()
        log.info("message centre is bound", smsc=settings.section, bind=settings.bind)
        self._on_bound()
        every_s = settings.enquire_ms / 1000
        while True:
            await asyncio.sleep(max(0.01, self._heard_at + every_s - self._loop.time()))
            if self._loop.time() - self._heard_at >= every_s:
                await self._ask(smpp.ENQUIRE_LINK, b"")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        framer = Framer()
        while octets := await reader.read(65_536):
            for pdu in framer.feed(octets):
                if self.session:
                    self._heard_at = self._loop.time()
                if pdu.command & smpp.RESP:
                    self._answered(pdu)
                else:
                    self._asked(pdu)
            if self._writer is not None:  # who asks without end and does not read our answers is not read either
                await self._writer.drain()
        raise _Broken("it has closed the connection")

    def _answered(self, pdu: Pdu) -> None:
        waits = self._waits.get(pdu.sequence)
        if waits is None or waits.done():
            log.info("answer to nothing", smsc=self.settings.section, command=f"0x{pdu.command:x}")
        else:
            waits.set_result(pdu)

    def _asked(self, pdu: Pdu) -> None:
        if pdu.command in {smpp.DELIVER_SM, smpp.DATA_SM}:
            try:
                self._brought.put_nowait(pdu)
            except asyncio.QueueFull:
                self._answer(pdu, smpp.RMSGQFUL)
        elif pdu.command == smpp.ENQUIRE_LINK:
            self._answer(pdu, smpp.ROK)
        elif pdu.command == smpp.UNBIND:
            self._answer(pdu, smpp.ROK)
            raise _Broken("it has unbound us")
        elif pdu.command not in {smpp.ALERT, smpp.OUTBIND}:
            self._send(Pdu(smpp.GENERIC_NACK, smpp.RINVCMDID, pdu.sequence))

    async def _store(self, session: str) -> None:
        """Hand on what is brought, in its order."""
        while True:
            pdu = await self._brought.get()
            try:
                message = smpp.read_message(pdu)
            except PduError as error:
                log.warning("message cannot be read", smsc=self.settings.section, reason=str(error))
                self._answer(pdu, smpp.RINVMSGLEN)
                continue
            status = await self._take(message, session)
            self._answer(pdu, status)

    # What is sent

    def _answer(self, pdu: Pdu, status: int) -> None:
        body = b"\0" if pdu.command in {smpp.DELIVER_SM, smpp.DATA_SM} else b""
        self._send(Pdu(pdu.command | smpp.RESP, status, pdu.sequence, body))

    def _send(self, pdu: Pdu) -> None:
        if self._writer is not None:
            self._writer.write(pdu.octets())

    async def _ask(self, command: int, body: bytes) -> Pdu:
        """Send a request and wait for its answer.

        Raises:
            Away, Doubt: as they say.

        """
        if self._writer is None:
            raise Away("it is not bound")
        self._sequence = self._sequence % smpp.SEQUENCE_MOST + 1
        sequence, answer = self._sequence, asyncio.Future[Pdu](loop=self._loop)
        self._waits[sequence] = answer
        try:
            self._send(Pdu(command, 0, sequence, body))
            async with asyncio.timeout(TIMEOUT_S):
                return await answer
        except TimeoutError:
            if command != smpp.SUBMIT_SM:
                raise _Broken("it does not answer") from None
            raise Doubt("it does not answer") from None
        except Doubt:
            if command != smpp.SUBMIT_SM:
                raise _Broken("the session broke") from None
            raise
        finally:
            del self._waits[sequence]

    def pieces(self, own: str, theirs: str, body: str, ref: int) -> list[Message]:
        """Give the messages that a text is sent as.

        Raises:
            ValueError: there can be none.

        """
        return [
            Message(
                source=addresses.write(own),
                destination=addresses.write(theirs),
                esm_class=smpp.UDHI if part.place is not None else 0,
                data_coding=DATA_CODINGS[part.coding],
                text=part.octets,
                wants_receipt=True,
            )
            for part in cut(body, ref)
        ]

    async def submit(self, message: Message, before: Callable[[], Coroutine[Any, Any, None]]) -> str:
        """Send a message; gives the name that the centre gave it.

        Args:
            message: what is sent.
            before: is awaited when it is its turn, just before: from then on it is in doubt.

        Raises:
            Away: it was not sent. What `before` did holds nonetheless.
            Doubt: nobody knows.
            Refused: the centre does not take it.

        """
        body = smpp.message_body(message)
        async with self._window:
            await self._pace()
            if not self.can_send:
                raise Away("it is not bound")
            await before()
            if not self.can_send:
                raise Away("it is not bound")
            answer = await self._ask(smpp.SUBMIT_SM, body)
        if answer.status != smpp.ROK or answer.command == smpp.GENERIC_NACK:
            if answer.status in {smpp.RTHROTTLED, smpp.RMSGQFUL}:
                self._next_at = max(self._next_at, self._loop.time() + REST_S)
            raise Refused(answer.status)
        return smpp.name_of(answer)

    async def _pace(self) -> None:
        """Wait until something may be sent; whoever asks first goes first."""
        async with self._pacing:
            if (wait_s := self._next_at - self._loop.time()) > 0:
                await asyncio.sleep(wait_s)
            self._next_at = self._loop.time() + 1 / self.settings.rate

    async def close(self) -> None:
        """Say good-bye, as far as anybody listens."""
        self._is_over = True
        if self.session:
            with contextlib.suppress(_Broken, Away, Doubt, OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._ask(smpp.UNBIND, b"")
