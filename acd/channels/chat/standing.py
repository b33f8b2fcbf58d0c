"""How a visitor's contact stands, as the core's state has it: his place, how long it will take, who has it."""

from collections.abc import Iterable, Mapping

from acd.channels.chat import protocol as say
from acd.channels.chat.office import Office
from acd.core import State
from acd.core.model import Call
from acd.core.rules import QueueRule
from acd.core.waits import range_ms


def places_of(calls: Iterable[Call]) -> dict[str, int]:
    """Say of each call that waits which place it has in its queue, from 1."""
    counts: dict[str, int] = {}
    found: dict[str, int] = {}
    for call in sorted((one for one in calls if one.state in {"waiting", "offered"}), key=lambda one: one.key):
        counts[call.queue] = found[call.id] = counts.get(call.queue, 0) + 1
    return found


def standing_of(
    state: State, name: str, office: Office, *, section: str, stage: say.Stage, places: Mapping[str, int]
) -> say.Standing:
    """Say how a contact stands.

    Args:
        state: the core's.
        name: the contact.
        office: the settings of the moment.
        section: of its chat.
        stage: how it stands if the core does not know it.
        places: as of `places_of`.

    """
    call, settings = state.calls.get(name), office.entrance(section)
    of = call.queue if call is not None else settings.queue if settings is not None else ""
    queue = state.queues.get(of)
    is_closed = queue is None or state.is_closed(queue)
    if call is None:
        return say.Standing(stage=stage, closed=is_closed)
    if call.state not in {"talking", "after"}:
        place = 0 if is_closed else places.get(call.id, 0)
        return _waiting(state, queue, place, is_closed=is_closed)
    offer = state.offers.get(call.offer or "")
    is_told = offer is not None and settings is not None and settings.show_agent
    return say.Standing(stage="talking", agent=office.agent(offer.seat) if offer is not None and is_told else "")


def _waiting(state: State, queue: QueueRule | None, place: int, *, is_closed: bool) -> say.Standing:
    """Tell what a caller in that queue may be told."""
    if queue is None or place == 0:
        return say.Standing(stage="waiting", closed=is_closed)
    least, most = (range_ms(state.waits.get(queue.name), place - 1) if queue.tell_wait else None) or (0, 0)
    return say.Standing(
        stage="waiting",
        position=place if queue.tell_position else 0,
        wait_least_ms=_rounded(least),
        wait_most_ms=_rounded(most),
    )


def _rounded(wait_ms: int) -> int:
    """Give a time as one says it: so that a page is not told anew for each second."""
    step_ms = 60_000 if wait_ms > 120_000 else 30_000
    return -(-wait_ms // step_ms) * step_ms
