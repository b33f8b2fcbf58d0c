"""The demo's customers in the customer file: put there as a site puts its own, looked at when the story is over."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from rich.table import Table
from rich.text import Text

from acd.reports.words import safe
from acd.store.store import Store

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from sqlalchemy.orm import Session

CALLERS = {"5550201": "Maria", "5550202": "Tom", "5550203": "Eve", "5550204": "Paweł", "5550205": "Olga"}
WRITER, WRITES_AS = "5550201", "maria@example.org"
"""The customer who also writes: her number, for calls and texts, and her address."""
NAMES = {**CALLERS, WRITES_AS: CALLERS[WRITER]}
FILE = "customers.csv"
CONTACTS_MOST, SAID_MOST = 20, 46
SETTLE_S, AGAIN_S = 15.0, 0.2
"""The customer file follows the journal: so long is waited for it, looked at so often."""
MEDIA = {"voice": "call", "email": "e-mail", "sms": "SMS", "chat": "chat"}
"""How she comes, and what that is called."""
STYLES = {"in": "", "out": "bright_blue"}


class Contact(Struct, frozen=True, kw_only=True):
    """A contact, as it is told."""

    at: int
    medium: str
    agent: str
    case: int | None
    waited_ms: int | None
    """None for one that nobody answered."""
    is_over: bool
    said: tuple[tuple[str, str], ...]
    """Direction and words of each message."""


def import_customers(session: "Session", folder: Path, country: str, at: int) -> None:
    """Put them into the file, by the way of `callfloor customer import`.

    Args:
        session: to write in.
        folder: where the CSV file that says who they are is left to be seen.
        country: where the site is.
        at: now.

    """
    from acd.store import intake  # noqa: PLC0415 - loads SQLAlchemy

    rows = [f"{name},{number},{WRITES_AS if number == WRITER else ''}" for number, name in CALLERS.items()]
    file = folder / FILE
    file.write_text("\n".join(["name,number,email", *rows, ""]), encoding="utf-8")
    intake.take(session, intake.read(file)[0], file.name, country, at)


def contacts_of(session: "Session", number: str) -> list[Contact]:
    """Give the contacts of whoever has a number, oldest first."""
    from acd.store import handles, people, timeline  # noqa: PLC0415 - load SQLAlchemy

    person = people.find(session, handles.number(number))
    rows = timeline.contacts(session, person, CONTACTS_MOST) if person is not None else []
    return [
        Contact(
            at=row.started_at,
            medium=row.medium,
            agent=row.agent,
            case=row.case_id,
            waited_ms=row.answered_at - row.started_at if row.answered_at is not None else None,
            is_over=row.ended_at is not None,
            said=tuple((one.direction, one.body or "") for one, _ in timeline.messages(session, row.id)),
        )
        for row in reversed(rows)
    ]


async def settled(store: Store, count: int) -> list[Contact]:
    """Give the writer's contacts when so many are over; after a while, as they are then.

    Raises:
        StoreError: the file cannot be read.

    """
    until = asyncio.get_running_loop().time() + SETTLE_S
    while True:
        found = await store.read(contacts_of, WRITER)
        if sum(one.is_over for one in found) >= count or asyncio.get_running_loop().time() > until:
            return found
        await asyncio.sleep(AGAIN_S)


def timeline_table(found: list[Contact]) -> Table:
    """Show somebody's contacts in all media, each with what was said."""
    cases = sorted({one.case for one in found if one.case is not None})
    of = f"case {', '.join(map(str, cases))}" if cases else "no case"
    title = f"What the customer file says of {CALLERS[WRITER]}: one person, {len(found)} contacts, {of}"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, header_style="bright_black")
    for column in ("at", "medium", "agent", "what was said"):
        table.add_column(column, no_wrap=True)
    for one in found:
        at = time.strftime("%H:%M:%S", time.localtime(one.at / 1000))
        table.add_row(at, MEDIA.get(one.medium, one.medium), Text(safe(one.agent)), _said(one))
    return table


def _said(contact: Contact) -> Text:
    if not contact.said:
        waited = contact.waited_ms
        return Text("not answered" if waited is None else f"answered after {waited / 1000:.1f} s", "bright_black")
    lines = [
        Text(f"{'<' if way == 'out' else '>'} {safe(' '.join(words.split()), SAID_MOST)}", STYLES[way])
        for way, words in contact.said
    ]
    return Text("\n").join(lines)
