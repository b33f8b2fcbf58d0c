"""Asks a CRM who it is that comes, if the customer file does not know or what it knows is old. Nobody waits for it.

The question is signed like all that is sent (`customer-lookup`); the answer, within the time and size that are allowed,
is JSON: `external_id`, `name`, `language`, `attributes` (a flat object), `link`; all may be left out. 404 or 204 says
that he is not known there. A CRM that does not answer is left alone for a while, so that it finds its feet.
"""

import asyncio
import re
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import structlog
from msgspec import Meta, Struct

from acd.core.events import AnyEvent, CallArrived
from acd.hooks.client import Answer, Client, Unreached
from acd.hooks.sender import House
from acd.store import StoreError
from acd.store.store import Store
from acd.webhooks import CrmSettings

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from acd.store.handles import Named
    from acd.store.outside import Question, Said

log = structlog.get_logger()

AT_ONCE, WAIT_MOST = 4, 100
"""So many questions are asked at a time, and so many callers may wait to be asked about; the others are not."""
ALONE_S, ALONE_MOST_S = 5.0, 60.0
ATTRIBUTES_MOST = 50
_LINK = re.compile(r"https?://[!-~]{1,1990}")
_Short = Annotated[str, Meta(max_length=200)]


class Body(Struct, frozen=True, kw_only=True):
    """An answer, as far as it is read."""

    external_id: _Short | int = ""
    name: _Short = ""
    language: Annotated[str, Meta(pattern=r"^([a-z]{2,3}(_[A-Z]{2})?)?$")] = ""
    link: Annotated[str, Meta(max_length=2_000)] = ""
    attributes: Annotated[
        dict[
            Annotated[str, Meta(min_length=1, max_length=40)],
            Annotated[str, Meta(max_length=1_000)] | int | float | bool | None,
        ],
        Meta(max_length=ATTRIBUTES_MOST),
    ] = {}


class AnswerError(ValueError):
    """The answer is none."""


def read(answer: Answer) -> "Said":
    """Read an answer.

    Raises:
        AnswerError: it is none; the message says why, without a word of it.

    """
    from acd.store.outside import Said  # noqa: PLC0415 - is loaded

    if answer.status != 200:
        raise AnswerError(f"HTTP {answer.status}")
    if not answer.is_whole:
        raise AnswerError("it is too long, or packed")
    try:
        found = msgspec.json.decode(answer.body, type=Body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise AnswerError(str(error) if isinstance(error, msgspec.ValidationError) else "it is no JSON") from None
    if found.link and not _LINK.fullmatch(found.link):
        raise AnswerError("`link` is no http(s) URL")
    return Said(
        external_id=str(found.external_id),
        name=found.name,
        language=found.language,
        link=found.link,
        attributes={name: _word(value) for name, value in found.attributes.items()},
    )


def _word(value: str | float | bool | None) -> str:  # noqa: FBT001 - a value of JSON
    if value is None:
        return ""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


class Lookup:
    """Asks the CRMs of one server.

    Args:
        house: the server.
        store: the customer file.
        learned: is told of which call more is known now.

    """

    def __init__(self, house: House, store: Store, learned: Callable[[str], None]) -> None:
        self._house, self._store, self._learned = house, store, learned
        self._tasks: set[asyncio.Task[None]] = set()
        self._window = asyncio.Semaphore(AT_ONCE)
        self._clients: dict[str, Client] = {}
        self._alone: dict[str, tuple[float, float]] = {}
        """CRM -> until when it is left alone, and for how long that was."""
        self._asking: set[tuple[str, str]] = set()

    def watch(self, event: AnyEvent) -> None:
        """See who has come."""
        if not isinstance(event, CallArrived) or not event.caller or len(self._tasks) >= WAIT_MOST:
            return
        crms = [one for one in self._house.site.crms.values() if not one.queues or event.queue in one.queues]
        if crms:
            task = asyncio.create_task(self._look(crms, event), name=f"CRM of {event.call}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _look(self, crms: list[CrmSettings], event: CallArrived) -> None:
        try:
            async with self._window:
                for crm in crms:
                    if not self._is_alone(crm.section):
                        await self._look_in(crm, event)
        except StoreError:
            return  # the customer file says why
        except Exception:
            log.exception("CRM cannot be asked", call=event.call)

    async def _look_in(self, crm: CrmSettings, event: CallArrived) -> None:
        since = self._house.dispatcher.clock() - crm.fresh_ms
        country = self._store.settings.country
        question = await self._store.read(_question, event.caller, crm.section, since, country)
        if question is None or (key := (crm.section, question.named.value)) in self._asking:
            return
        self._asking.add(key)
        try:
            found = await self._ask(crm, event, question)
            if found is not None:
                now = self._house.dispatcher.clock()
                place = {"name": crm.section, "call": event.call, "queue": event.queue}
                await self._store.write(_take, question.named, found[0], place, now)
                self._learned(event.call)
        finally:
            self._asking.discard(key)

    async def _ask(self, crm: CrmSettings, event: CallArrived, question: "Question") -> "tuple[Said | None] | None":
        """Ask; gives what it said (None: it knows nobody of that number), or None if it said nothing that is of use."""
        from acd.store.hooks import body  # noqa: PLC0415 - is loaded

        data: dict[str, Any] = {"call": event.call, "medium": event.medium, "queue": event.queue}
        data |= {"kind": question.named.kind, "value": question.named.value}
        data |= {"customer": question.person, "external_id": question.external_id}
        asked = body("customer-lookup", self._house.dispatcher.clock(), data).encode()
        try:
            answer = await (await self._client(crm)).post(f"msg_{secrets.token_hex(16)}", asked)
            if answer.status in {204, 404}:
                self._alone.pop(crm.section, None)
                return (None,)
            said = read(answer)
        except (Unreached, AnswerError) as error:
            self._leave_alone(crm.section, str(error))
            return None
        self._alone.pop(crm.section, None)
        return (said,)

    async def _client(self, crm: CrmSettings) -> Client:
        known = self._clients.get(crm.section)
        if known is not None and known.settings == crm:
            return known
        made = self._clients[crm.section] = Client(crm)
        if known is not None:
            await known.close()
        return made

    def _is_alone(self, name: str) -> bool:
        return name in self._alone and asyncio.get_running_loop().time() < self._alone[name][0]

    def _leave_alone(self, name: str, why: str) -> None:
        for_s = min(2 * self._alone[name][1], ALONE_MOST_S) if name in self._alone else ALONE_S
        self._alone[name] = asyncio.get_running_loop().time() + for_s, for_s
        log.warning("CRM does not say who it is", crm=name, reason=why, again_s=for_s)

    async def close(self) -> None:
        """Ask nothing more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(client.close() for client in self._clients.values()))


def _question(session: Any, caller: str, source: str, since: int, country: str) -> "Question | None":
    """Find out what to ask, in a thread of the customer file's."""
    from acd.store import handles, outside  # noqa: PLC0415 - loads SQLAlchemy

    try:
        named = handles.email(caller) if "@" in caller else handles.number(caller, country)
    except handles.HandleError:
        return None
    return outside.question(session, named, source, since)


def _take(session: Any, named: "Named", said: "Said | None", place: dict[str, str], now: int) -> None:
    from acd.store import hooks, outside  # noqa: PLC0415 - as above

    outside.take(session, named, said, hooks.Source(**place), now)
