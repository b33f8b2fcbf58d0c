"""Waits that were given up: who left a queue before he was answered, and has not come to it by another medium since."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from acd.store import people
from acd.store.handles import Named
from acd.store.projection import ABANDONED
from acd.store.schema import Interaction

MEDIA = ("voice", "video", "chat")
"""Those in which a customer waits, and can see the end of it."""
WAIT_MOST_MS = 86_400_000
"""Waits that are longer are not looked for."""


class GivenUp(Struct, frozen=True, kw_only=True):
    """A wait that was given up."""

    call: str
    queue: str
    medium: str
    started_at: int
    ended_at: int
    handles: tuple[Named, ...]
    """His numbers and addresses."""


def handles_of(session: Session, named: Named) -> tuple[Named, ...]:
    """Return all numbers and addresses of whoever has this one; none of nobody's."""
    person = people.find(session, named)
    return () if person is None else people.profile(session, person).handles


def recent(session: Session, since: int, most: int) -> Sequence[GivenUp]:
    """Return waits that were given up since then, oldest first."""
    other = aliased(Interaction)
    came_again = select(other.id).where(
        other.person_id == Interaction.person_id,
        other.queue == Interaction.queue,
        other.medium != Interaction.medium,
        other.started_at >= Interaction.ended_at,
    )
    wanted = select(Interaction).where(
        Interaction.medium.in_(MEDIA),
        Interaction.started_at >= since - WAIT_MOST_MS,
        Interaction.ended_at >= since,
        Interaction.direction == "in",
        Interaction.outcome == ABANDONED,
        Interaction.answered_at.is_(None),
        Interaction.person_id.is_not(None),
        ~came_again.exists(),
    )
    return [
        GivenUp(
            call=row.call,
            queue=row.queue,
            medium=row.medium,
            started_at=row.started_at,
            ended_at=row.ended_at or row.started_at,
            handles=people.profile(session, row.person_id or 0).handles,
        )
        for row in session.scalars(wanted.order_by(Interaction.ended_at).limit(most))
    ]
