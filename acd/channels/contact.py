"""A contact that was written, as whoever answers it sees it, and what he answers. One shape for all media.

A medium (`acd.ports.Channel`) makes a `Card` of what it received; a desk shows it, a handset reads it aloud. The answer
is a `Reply`, which the medium sends in its own way; what we say unasked is a `Notice`. Texts of a customer are hostile:
they hold no control characters and no signs that turn text about, and `html` has been made safe, but they are shown and
spoken, never run.
"""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct


class File(Struct, frozen=True, kw_only=True):
    """Something that came with a contact."""

    name: str
    """Made safe: no path, no control characters."""
    kind: str
    """Its media type, as found in its first bytes."""
    size: int
    """Bytes."""
    path: Path | None = None
    """Where it is kept; None if it is kept no more."""


class Card(Struct, frozen=True, kw_only=True):
    """A contact before the one who answers it."""

    call: str
    medium: str
    sender: str
    """A name, or else the address."""
    address: str
    """Where an answer would go."""
    subject: str = ""
    text: str = ""
    """What is new in it."""
    quoted: str = ""
    """What it repeats of earlier ones."""
    html: str = ""
    """All of it as the sender laid it out, made safe; empty if he wrote plain text."""
    language: str = ""
    """In which the text is, where that can be told."""
    files: tuple[File, ...] = ()
    arrived: int = 0
    """Epoch, ms."""
    person: int | None = None
    """Who it is, in the customer file."""
    case: int | None = None
    marks: tuple[str, ...] = ()
    """What is worth knowing before one answers: `auto`, `list`, `spf-fail`, `not-parsed`."""


class Choice(Struct, frozen=True):
    """A reply that the site has ready. At a handset it is chosen by its number, counted from 1."""

    name: str
    title: str


class Reply(Struct, frozen=True, kw_only=True):
    """What is answered: a text, or a reply that the site has ready; with it what goes along."""

    text: str = ""
    choice: str = ""
    files: tuple[Path, ...] = ()


class Notice(Struct, frozen=True, kw_only=True):
    """Something that we say of ourselves: instructions, a reminder, an invitation."""

    key: str
    """Names it for ever: told twice it is sent once."""
    to: str
    """The address in the medium."""
    name: str = ""
    """Whose it is."""
    queue: str = ""
    """Whose address or number it comes from."""
    language: str = ""
    subject: str = ""
    text: str = ""
    choice: str = ""
    """A reply that the site has ready, said before the text."""
    values: Mapping[str, str] = {}
    """What is said in it, by the names that such replies may use."""
    calendar: tuple[str, str] | None = None
    """An iTIP method and a calendar; left out by a medium that knows none."""
    person: int | None = None
    """Who it is, in the customer file; None for nobody of ours."""
    case: int | None = None
    """To which it belongs; None for the person's open one, or a new one."""


class ReplyError(Exception):
    """A reply cannot be sent, and never could; the message says why. A peer that is away is no such reason."""
