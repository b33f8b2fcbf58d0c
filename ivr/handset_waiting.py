"""Who waits, by telephone: *21 tells an agent of his next call, by *22 a supervisor pulls one to his own phone.

By *8 and a seat anybody picks up what rings there.

A caller's number is said digit by digit, each a text of its own: so the cache of spoken texts holds ten of them and not
every number that ever called.
"""

from collections.abc import Awaitable, Callable, Collection
from itertools import islice
from typing import Protocol

import structlog

from acd.core.commands import Answer
from acd.desk.agents import NextCall
from acd.settings import SeatSettings, Site
from ivr import phrases, phrases_desk
from ivr.flow import Menu, Play, Say
from ivr.letter_phrases import TITLES

log = structlog.get_logger()

QUEUES_MOST = 9
"""As many as there are keys beside 0, which stands for all."""
ALL_OF_HIS = "0"


class WaitingView(Protocol):
    """What can be told of those who wait; see `acd.desk.agents`."""

    def waiting(self, seat: str) -> tuple[int, int]:
        """Tell how many calls wait in a seat's queues, and how long the first of them has, ms."""

    def next_call(self, seat: str) -> NextCall | None:
        """Tell which call the seat would be offered next; None if none waits that it may serve."""


class Puller(Protocol):
    """Pulls; see `acd.ports.Desk`."""

    async def pull(self, seat: str, queue: str) -> Answer:
        """Have the call that waited longest go to a seat next."""


Introduce = Callable[[str, str], Awaitable[None]]
"""Says who somebody is, if that is known: of a call, in a language."""


async def tell_next(view: WaitingView, seat: str, language: str, introduce: Introduce) -> None:
    """Tell how many wait, and who is next: queue, wait, medium, name if it is known, number."""
    (count, _), call = view.waiting(seat), view.next_call(seat)
    if call is None:
        await (Say(phrases_desk.none_is_for_you(count, language)) if count else Play("handset-none-waiting"))
        return
    await Say(phrases.calls_waiting(max(count, 1), language))
    await Say(phrases_desk.next_call(call.queue, call.medium, language))
    await Say(phrases_desk.has_waited(call.waited_ms, language))
    await introduce(call.call, language)
    if not call.number:
        if call.medium not in TITLES:  # who wrote need not have one
            await Say(phrases_desk.number_unknown(language))
        return
    await Say(phrases_desk.number_follows(language))
    for digit in call.number:
        await Say(phrases_desk.digit(digit, language))


async def ask_pull(desk: Puller, site: Callable[[], Site], seat: SeatSettings, language: str) -> Answer | None:
    """Ask for the queue and pull the call that waited longest there; None if nothing was chosen."""
    queues = dict(zip("123456789", islice(site().queues, QUEUES_MOST), strict=False))
    digit: str | None = ALL_OF_HIS
    if len(site().queues) > 1:
        digit = await Menu(phrases_desk.pull_menu(queues, language), choices=(ALL_OF_HIS, *queues))
    if digit is None:
        await Play("handset-unchanged")
        return None
    queue = queues.get(digit, "") if len(site().queues) > 1 else ""
    answer = await desk.pull(seat.rule.name, queue)
    log.info("call pulled by telephone", seat=seat.rule.name, queue=queue or "all", answer=answer)
    return answer


def seat_behind(dialled: str, seats: Collection[str]) -> str:
    """Name the seat that was dialled behind a code, the longest if it can be read in several ways; empty if none is."""
    return next((dialled[at:] for at in range(1, len(dialled)) if dialled[at:] in seats), "")
