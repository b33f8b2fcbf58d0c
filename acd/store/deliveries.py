"""What endpoints are still to be told: in which order, what became of it, and what is given up or too much."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from acd.store import StoreError, text
from acd.store.hook_schema import Delivery, Endpoint, Told
from acd.store.hooks import ASIDE, GIVEN_UP, WAITS

SAID_MOST = 300
KEPT_MS = 7 * 86_400_000
"""So long what is given up can be sent again after all."""
STOPPED_MS = 86_400_000
"""So long what waits for an endpoint that is stopped does so."""
AT_ONCE = 1_000
"""So many rows are changed in one transaction, so that no writer waits long."""


class Due(Struct, frozen=True, kw_only=True):
    """Something that an endpoint is to be told now."""

    id: int
    name: str
    """The `webhook-id`."""
    body: str
    tries: int
    made_at: int


class Agenda(Struct, frozen=True, kw_only=True):
    """What is to be done for an endpoint."""

    due: list[Due]
    next_at: int | None
    """When something is due that is not yet; None for nothing."""
    failing_since: int | None = None
    """Since when the oldest waits in vain; None while the endpoint takes what it is sent."""


class Standing(Struct, frozen=True, kw_only=True):
    """How an endpoint stands."""

    name: str
    stopped: str
    """Why it is told nothing; empty while it is."""
    waits: int
    given_up: int
    dropped: int
    oldest_at: int | None
    """Since when the oldest of what waits does."""
    sent: int
    sent_at: int | None
    failing_since: int | None
    said: str


class UnknownEndpointError(StoreError):
    """There is no such webhook."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"no webhook '{name}' is known: the server learns of it when it starts, or by callfloor reload"
        )


def _endpoint(session: Session, name: str) -> Endpoint:
    found = session.scalar(select(Endpoint).where(Endpoint.name == name))
    if found is None:
        raise UnknownEndpointError(name)
    return found


def agenda(session: Session, name: str, now: int, most: int) -> Agenda:
    """Return what an endpoint is to be told: what waits in its order, and what stands aside when it is due.

    While the first that waits is not due none behind it is.
    """
    row = session.scalar(select(Endpoint).where(Endpoint.name == name))
    if row is None or row.stopped:
        return Agenda(due=[], next_at=None)
    columns = (Delivery.id, Told.name, Told.body, Delivery.tries, Delivery.made_at, Delivery.due_at)
    wanted = select(*columns).join(Told, Delivery.event_id == Told.id).where(Delivery.webhook_id == row.id)
    waits = session.execute(wanted.where(Delivery.state == WAITS).order_by(Delivery.id).limit(most)).all()
    later = [waits[0].due_at] if waits and waits[0].due_at > now else []
    aside = wanted.where(Delivery.state == ASIDE, Delivery.due_at <= now).order_by(Delivery.due_at, Delivery.id)
    again = session.execute(aside.limit(max(1, most // 4))).all()
    rows = [*(waits[: most - len(again)] if not later else ()), *again]
    of_aside = select(func.min(Delivery.due_at)).where(Delivery.webhook_id == row.id, Delivery.state == ASIDE)
    later += [at] if (at := session.scalar(of_aside)) is not None else []
    due = [Due(id=one.id, name=one.name, body=one.body, tries=one.tries, made_at=one.made_at) for one in rows]
    oldest = waits[0].made_at if waits and row.failing_since is not None else None
    return Agenda(due=due, next_at=min(later, default=None), failing_since=oldest)


def sent(session: Session, name: str, ids: Sequence[int], at: int) -> None:
    """Note that an endpoint has taken these."""
    row = _endpoint(session, name)
    row.sent, row.sent_at, row.failing_since, row.said = row.sent + len(ids), at, None, ""
    _remove(session, ids)


def _remove(session: Session, ids: Sequence[int]) -> None:
    gone = delete(Delivery).where(Delivery.id.in_(ids)).returning(Delivery.event_id)
    events = set(session.scalars(gone))
    needed = select(Delivery.id).where(Delivery.event_id == Told.id).exists()
    session.execute(delete(Told).where(Told.id.in_(events), ~needed))


class Failure(Struct, frozen=True, kw_only=True):
    """That an endpoint did not take something."""

    delivery: int
    at: int
    due_at: int
    said: str
    is_refused: bool = False
    """It counts as a try of this one: the endpoint is there, and does not take it."""
    steps_aside: bool = False
    """It holds up no others any more."""
    rest_until: int | None = None
    """But nothing of what waits is tried before that: too much was refused."""


def failed(session: Session, name: str, failure: Failure) -> None:
    """Note it."""
    row = _endpoint(session, name)
    said = text.line(failure.said, SAID_MOST)
    row.said, row.failing_since = said, row.failing_since if row.failing_since is not None else failure.at
    values = {"due_at": failure.due_at, "said": said, "tries": Delivery.tries + int(failure.is_refused)}
    if failure.steps_aside:
        values["state"] = ASIDE
    session.execute(update(Delivery).where(Delivery.id == failure.delivery).values(values))
    if failure.rest_until is not None:
        first = select(func.min(Delivery.id)).where(Delivery.webhook_id == row.id, Delivery.state == WAITS)
        session.execute(
            update(Delivery).where(Delivery.id == first.scalar_subquery()).values(due_at=failure.rest_until)
        )


def give_up(session: Session, name: str, before: int, now: int, only: int | None = None) -> int:
    """Give up what an endpoint did not take since then; gives how many that are, `AT_ONCE` at most.

    Args:
        session: to write in.
        name: the endpoint.
        before: what was there before.
        now: the time.
        only: this one alone.

    """
    return _give_up(session, _endpoint(session, name).id, before, now, only)


def _give_up(session: Session, webhook: int, before: int, now: int, only: int | None = None) -> int:
    old = select(Delivery.id).where(Delivery.webhook_id == webhook, Delivery.state.in_((WAITS, ASIDE)))
    if only is not None:
        old = old.where(Delivery.id == only)
    ids = session.scalars(old.where(Delivery.made_at < before).order_by(Delivery.id).limit(AT_ONCE)).all()
    session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(state=GIVEN_UP, due_at=now))
    return len(ids)


def stop(session: Session, name: str, why: str) -> None:
    """Tell an endpoint nothing more: it has said that it is gone. What waits for it is given up in time."""
    row = _endpoint(session, name)
    row.stopped = row.said = text.line(why, SAID_MOST)


def again(session: Session, name: str, now: int) -> int:
    """Have what is given up sent again, at its old place, and what is stopped go on; gives how many wait for that."""
    row = _endpoint(session, name)
    row.stopped, row.failing_since, row.said, row.dropped = "", None, "", 0
    back = update(Delivery).where(Delivery.webhook_id == row.id, Delivery.state == GIVEN_UP)
    values = {"state": WAITS, "due_at": now, "made_at": now, "tries": 0}
    count = len(session.scalars(back.values(values).returning(Delivery.id)).all())
    # And what waits for its next try is tried now.
    session.execute(update(Delivery).where(Delivery.webhook_id == row.id, Delivery.due_at > now).values(due_at=now))
    return count


def forget(session: Session, name: str) -> int:
    """Forget what is given up, and what was dropped; gives how many were given up."""
    row = _endpoint(session, name)
    row.dropped = 0
    ids = session.scalars(select(Delivery.id).where(Delivery.webhook_id == row.id, Delivery.state == GIVEN_UP)).all()
    for begin in range(0, len(ids), AT_ONCE):
        _remove(session, ids[begin : begin + AT_ONCE])
    return len(ids)


def sweep(session: Session, backlogs: Mapping[str, int], now: int) -> dict[str, int]:
    """Drop what is too much and forget what was given up long ago; gives how many each endpoint lost.

    Args:
        session: to write in.
        backlogs: by endpoint, how many may wait.
        now: the time.

    """
    old = select(Delivery.id).where(Delivery.state == GIVEN_UP, Delivery.due_at < now - KEPT_MS).limit(AT_ONCE)
    _remove(session, session.scalars(old).all())
    lost: dict[str, int] = {}
    for row in session.scalars(select(Endpoint)).all():
        if row.stopped:
            _give_up(session, row.id, now - STOPPED_MS, now)
        of_it = (Delivery.webhook_id == row.id, Delivery.state.in_((WAITS, ASIDE)))
        count = session.scalar(select(func.count()).select_from(Delivery).where(*of_it)) or 0
        surplus = min(count - backlogs.get(row.name, count), AT_ONCE)
        if surplus > 0:
            _remove(
                session, session.scalars(select(Delivery.id).where(*of_it).order_by(Delivery.id).limit(surplus)).all()
            )
            lost[row.name] = surplus
            row.dropped += surplus
    return lost


def standings(session: Session) -> list[Standing]:
    """Return how each endpoint stands."""
    columns = (Delivery.webhook_id, Delivery.state, func.count(), func.min(Delivery.made_at))
    rows = session.execute(select(*columns).group_by(Delivery.webhook_id, Delivery.state))
    counts = {(one[0], one[1]): (one[2], one[3]) for one in rows}
    found = []
    for row in session.scalars(select(Endpoint).order_by(Endpoint.name)):
        open_ones = [counts[row.id, state] for state in (WAITS, ASIDE) if (row.id, state) in counts]
        same = ("name", "stopped", "dropped", "sent", "sent_at", "failing_since", "said")
        found.append(
            Standing(
                **{name: getattr(row, name) for name in same},
                waits=sum(count for count, _ in open_ones),
                oldest_at=min((at for _, at in open_ones), default=None),
                given_up=counts.get((row.id, GIVEN_UP), (0, None))[0],
            )
        )
    return found
