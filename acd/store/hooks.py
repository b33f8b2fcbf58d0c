"""What happens, put down for whoever wants to be told: in the transaction in which it happens, so that none is lost.

What the journal says comes from the follower, which notes in the same transaction how far it has come; what is changed
here is told by the functions that change it. Each endpoint (a webhook of acd.conf) that wants it has a delivery of its
own; the text is kept once, as it will be signed. Where nobody wants anything, nothing is kept.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from acd.happenings import Happening
from acd.store.hook_schema import Delivery, Endpoint, Outside, Told
from acd.store.schema import Handle, Interaction, Person

log = structlog.get_logger()

WAITS, ASIDE, GIVEN_UP = "waits", "aside", "given-up"
_ENDPOINTS, _CHANGES, _SOURCE, _TOLD, _QUEUED = "webhooks", "changes", "source", "told", "queued"


class Wanted(Struct, frozen=True, kw_only=True):
    """A webhook as acd.conf has it."""

    name: str
    events: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    url: str = ""
    """A digest of it."""


class _Wants(Struct, frozen=True):
    id: int
    events: frozenset[str]
    queues: frozenset[str]
    since: int

    def __contains__(self, one: Happening) -> bool:
        return (
            (not self.events or one.what["type"] in self.events)
            and (not self.queues or not one.queue or one.queue in self.queues)
            and one.at >= self.since
        )


# Who wants to be told


def sync(session: Session, wanted: Sequence[Wanted], since: int) -> None:
    """Put the webhooks of acd.conf in force: a new one is told what happens from `since` on.

    One that is not there any more is told nothing more; what waits for it waits, in case that it comes back.
    """
    known = {one.name: one for one in session.scalars(select(Endpoint))}
    for one in wanted:
        row = known.pop(one.name, None)
        if row is None:
            row = Endpoint(name=one.name, since=since, stopped="", sent=0, dropped=0, said="", url=one.url)
            session.add(row)
        elif row.stopped == NOT_THERE or row.url != one.url:
            row.stopped, row.since = "", max(row.since, since)
        row.events, row.queues, row.url = " ".join(one.events), " ".join(one.queues), one.url
    for gone in known.values():
        gone.stopped = NOT_THERE
    session.flush()
    session.info.pop(_ENDPOINTS, None)


def told_until(session: Session, at: int) -> None:
    """Tell nothing that happened until then: it was told, and is read once more."""
    session.execute(update(Endpoint).where(Endpoint.since <= at).values(since=at + 1))
    session.info.pop(_ENDPOINTS, None)


NOT_THERE = "it is not in acd.conf any more"


def _wanting(session: Session, one: Happening) -> list[_Wants]:
    found = session.info.get(_ENDPOINTS)
    if found is None:
        columns = (Endpoint.id, Endpoint.events, Endpoint.queues, Endpoint.since)
        rows = session.execute(select(*columns).where(Endpoint.stopped == ""))
        found = [_Wants(row[0], frozenset(row[1].split()), frozenset(row[2].split()), row[3]) for row in rows]
        session.info[_ENDPOINTS] = found
    return [wants for wants in found if one in wants]


# What is told


def tell(session: Session, one: Happening, now: int, *, is_live: bool = True) -> None:
    """Have everybody told who wants to be.

    Args:
        session: of the transaction in which it happens.
        one: what.
        now: the time, from which deliveries age.
        is_live: pages are told as well; those of the journal they know.

    """
    if is_live:
        session.info.setdefault(_TOLD, []).append(one)
    wanting = _wanting(session, one)
    if not wanting:
        return
    person = one.person if one.person is not None else _person_of(session, one.call)
    data = {name: value for name, value in (one.what | one.more).items() if name != "type"}
    if person is not None:
        data.setdefault("customer", person)
        if "external" not in data and (ids := external(session, person)):
            data["external"] = ids
    values = {"name": f"msg_{secrets.token_hex(16)}", "person_id": person}
    made = insert(Told).values(**values, body=body(one.what["type"], one.at, data))
    event = session.scalars(made.returning(Told.id)).one()
    rows = [
        {
            "webhook_id": wants.id,
            "event_id": event,
            "state": WAITS,
            "made_at": now,
            "due_at": now,
            "tries": 0,
            "said": "",
        }
        for wants in wanting
    ]
    session.execute(insert(Delivery), rows)
    session.info[_QUEUED] = True


def tell_all(session: Session, told: Sequence[Happening], now: int) -> None:
    """Have told what the journal says. What cannot be told, by a fault of ours, costs no more than itself.

    Raises:
        OperationalError, InterfaceError: the database fails.

    """
    for one in told:
        if not _wanting(session, one):
            continue
        try:
            with session.begin_nested():
                tell(session, one, now, is_live=False)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("happening cannot be told", type=one.what["type"], call=one.call)


def body(kind: str, at: int, data: dict[str, Any]) -> str:
    """Return what is sent: `timestamp` is when it happened."""
    stamp = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.json.encode({"type": kind, "timestamp": stamp, "data": data}).decode()


def _person_of(session: Session, call: str) -> int | None:
    if not call:
        return None
    owner = select(Person.root).join(Interaction, Interaction.person_id == Person.id)
    return session.scalar(owner.where(Interaction.key == call))


def message(session: Session, kind: str, interaction: int, name: int, at: int) -> None:
    """Tell of a message, `message-received` or `message-sent`."""
    row = session.execute(
        select(Interaction.call, Interaction.medium, Interaction.queue, Person.root)
        .outerjoin(Person, Interaction.person_id == Person.id)
        .where(Interaction.id == interaction)
    ).one()
    what = {"type": kind, "message": name, "call": row.call, "medium": row.medium}
    person: int | None = row.root
    if person is not None:
        what["customer"] = person
    tell(session, Happening(at=at, what=what, queue=row.queue, call=row.call, person=person), at)


# Changes of customers


class Source(Struct, frozen=True, kw_only=True):
    """Where a change comes from, if not from here."""

    name: str
    call: str = ""
    queue: str = ""


def came_from(session: Session, source: Source) -> None:
    """Say so of all changes of this transaction."""
    session.info[_SOURCE] = source


def changed(session: Session, person: int, **what: Any) -> None:
    """Note that a customer is changed: he is told of once, when the transaction ends. Lists and mappings add up."""
    known = session.info.setdefault(_CHANGES, {}).setdefault(person, {})
    for name, value in what.items():
        if isinstance(value, dict):
            known.setdefault(name, {}).update(value)
        elif isinstance(value, list):
            known.setdefault(name, []).extend(value)
        else:
            known[name] = value


def hush(session: Session) -> None:
    """Tell nobody of the changes so far: a whole file of people was taken in."""
    session.info.pop(_CHANGES, None)


def settle(session: Session, now: int) -> None:
    """Tell of the customers who were changed."""
    source: Source = session.info.get(_SOURCE) or Source(name="")
    for person, more in session.info.pop(_CHANGES, {}).items():
        root = session.scalar(select(Person.root).where(Person.id == person))
        if root is None:
            continue  # erased since
        what = {"type": "customer-changed", "customer": root, "changed": sorted(more)}
        if source.name:
            what |= {"source": source.name, "call": source.call}
        one = Happening(at=now, what=what, queue=source.queue, call=source.call, person=root)
        if _wanting(session, one):
            if "handles" in more:
                more["handles"] = _handles(session, root)
            one = replace(one, more={**more, "external": external(session, root)})
        tell(session, one, now)


def erased(session: Session, ids: Sequence[int], now: int) -> None:
    """Tell that a customer is gone, and forget what of him waits to be told. Before his rows are deleted."""
    ids_elsewhere = external(session, ids[0])
    session.execute(delete(Told).where(Told.person_id.in_(ids)))
    session.execute(delete(Outside).where(Outside.person_id.in_(ids)))
    session.info.pop(_CHANGES, None)
    what = {"type": "customer-erased", "customer": ids[0]}
    tell(session, Happening(at=now, what=what, more={"external": ids_elsewhere}), now)


def external(session: Session, root: int) -> dict[str, str]:
    """Return a person's ids elsewhere, by source."""
    wanted = select(Outside.source, Outside.external_id).join(Person, Outside.person_id == Person.id)
    rows = session.execute(wanted.where(Person.root == root, Outside.external_id != "").order_by(Outside.id))
    return {row.source: row.external_id for row in rows}


def _handles(session: Session, root: int) -> list[dict[str, str]]:
    wanted = select(Handle.kind, Handle.value).join(Person, Handle.person_id == Person.id)
    rows = session.execute(wanted.where(Person.root == root).order_by(Handle.id))
    return [{"kind": kind, "value": value} for kind, value in rows]


# After the transaction


class News(Struct, frozen=True):
    """What a transaction has to tell, once it is done."""

    live: list[Happening]
    is_queued: bool
    """Something waits to be delivered."""


def news(session: Session) -> News | None:
    """Return it; None for nothing."""
    live, is_queued = session.info.pop(_TOLD, []), session.info.pop(_QUEUED, False)
    return News(live, is_queued) if live or is_queued else None
