"""The customer file: who it is, and everything that was ever said with him, in every medium.

    schema      the tables                        database   opens one, SQLite or PostgreSQL, and brings it up to date
    handles     numbers and addresses, normal     people     finds or makes who has one; names, attributes, consent
    timeline    interactions, messages, cases     pop        who it is, at a glance: for a screen or a handset
    merging     duplicates, and undoing it        privacy    export, erasure, retention       files   large attachments
    mails       e-mails as work, and what goes out texts      short messages as work        texts_out  those that go out
    intake      CSV and vCard, to take people in  store      all of it from asyncio code
    projection  journal entries to facts          follower   writes these facts, and remembers how far it has come
    telling     journal entries to happenings     hooks      these, and changes, put down for webhooks: deliveries
    outside     what a CRM says of a customer

Theory of operation. What can be done is a function of a *session*, one transaction: it is done whole or not at all, and
nothing here opens one by itself. Programs that may wait, such as commands and tests, use `Database.read` and `.write`.
A server must not wait: its `Store` runs each transaction in a thread, the writing ones one after the other in a single
thread, so that they never wait for each other inside SQLite, and the reading ones beside it.

The journal is the truth and this file is a projection of it, as reports are. Nothing of a call waits for it. The
follower reads the journal from the entry that it stored last, whose number is kept in the same transaction as the facts
themselves: a disk that is full, a database that is gone, a `kill -9` in the midst cost time and no fact, as long as the
journal keeps the entries (`journal_keep`). Each fact is written so that writing it twice changes nothing.

Merged people are not moved together: each row stays where it was, and the merged one names who he is now (`root`). All
questions are asked of the group. So undoing is exact: what belonged to either belongs to him again, and what was added
in between stays with the survivor, to whom it was added.

Bodies of messages are kept here and never in the journal: of them this file is the truth, and so it is of which mails
and texts are open, and which go out. Attachments of some size are files beside the database, named by the hash of what
is in them, written whole before the row that names them, and swept when no row does.

Nothing that comes with `import acd.store` loads SQLAlchemy: commands that need no customer file start without it.
"""

from pathlib import Path

from msgspec import Struct


class StoreError(Exception):
    """The customer file cannot be opened or used as asked; the message says how to mend it."""


class StoreSettings(Struct, frozen=True, kw_only=True):
    """Where the customer file is, and how it reads numbers."""

    database: str
    """A URL: `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`."""
    files: Path
    """The folder of large attachments."""
    country: str = ""
    """Where the site is (ISO 3166): numbers without a country are read as one would dial them there."""
