"""Takes people in from a file: CSV or vCard. The file is hostile.

It is read to its end before anything is written, so a file that is none of its kind changes nothing. Then each person
is taken whole or not at all, and the report says of each who was not, where he stands and why. Taking the same file in
again changes nothing: who has one of the numbers or addresses is that person, and only what is not known of him is
filled in. Webhooks are not told of it: who has a file of people to give knows them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct, field
from sqlalchemy.orm import Session

from acd.store import StoreError, hooks, people
from acd.store.handles import HandleError, Named, handle
from acd.store.people import TakenError

BYTES_MOST = 256 * 1024 * 1024
PEOPLE_MOST = 2_000_000
HANDLES_MOST = 20
"""Numbers and addresses of one person."""
BATCH = 500
"""So many people are one transaction."""


class Given(Struct, kw_only=True):
    """A person as the file gives him. All texts are hostile."""

    line: int
    name: str = ""
    language: str = ""
    handles: list[tuple[str, str, str]] = field(default_factory=list)
    """Kind, as it is written, label."""
    attributes: dict[str, str] = field(default_factory=dict)


class Left(Struct, frozen=True):
    """Something that was not taken."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.why}"


class Report(Struct, kw_only=True):
    """What came of it."""

    made: int = 0
    """New people."""
    known: int = 0
    """People who were known."""
    left: list[Left] = field(default_factory=list)


class IntakeError(StoreError):
    """The file cannot be taken in; nothing was."""

    def __init__(self, file: Path, line: int, why: str) -> None:
        super().__init__(f"{file.name}:{line}: {why}; nothing was taken in")


def read(file: Path) -> tuple[list[Given], list[Left]]:
    """Read a file, CSV or vCard by its suffix.

    Raises:
        IntakeError: it is none, or too large.
        OSError: it cannot be read.

    """
    from acd.store import csv_people, vcards  # noqa: PLC0415 - both are built upon this

    if file.stat().st_size > BYTES_MOST:
        raise IntakeError(file, 1, f"it is larger than {BYTES_MOST // 1024 // 1024} MiB; split it")
    readers = {".csv": csv_people.read, ".vcf": vcards.read, ".vcard": vcards.read}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise IntakeError(file, 1, "it must be named *.csv or *.vcf")
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise IntakeError(file, line, "it is not UTF-8; save it as that") from None
    given, left = reader(file, text)
    if len(given) > PEOPLE_MOST:
        raise IntakeError(file, given[PEOPLE_MOST].line, f"it has more than {PEOPLE_MOST:,} people; split it")
    return given, left


def batches(given: Sequence[Given]) -> Iterator[Sequence[Given]]:
    """Return what is taken in at once."""
    return (given[begin : begin + BATCH] for begin in range(0, len(given), BATCH))


def take(session: Session, given: Sequence[Given], file: str, country: str, at: int) -> Report:
    """Take people in; the report tells what came of each."""
    report = Report()
    for one in given:
        try:
            with session.begin_nested():
                is_new = _take(session, one, country, at)
        except (StoreError, HandleError) as error:
            report.left.append(Left(file, one.line, str(error)))
        else:
            report.made += is_new
            report.known += not is_new
    hooks.hush(session)
    return report


def _take(session: Session, one: Given, country: str, at: int) -> bool:
    named = _handles(one, country)
    owners = {named_: people.find(session, named_) for named_, _ in named}
    found = {owner: named_ for named_, owner in owners.items() if owner is not None}
    if len(found) > 1:
        words = " and ".join(f"{named_.value} is customer {owner}'s" for owner, named_ in sorted(found.items()))
        raise StoreError(f"it is of two customers: {words}; merge them first")
    is_new = not found
    person = people.make(session, at) if is_new else next(iter(found))
    known = people.profile(session, person)
    people.rename(session, person, one.name if not known.name else None, one.language if not known.language else None)
    for named_, label in named:
        if not people.give(session, person, named_, at, label) and is_new:
            raise TakenError(named_, person)
    for name, value in one.attributes.items():
        if value and name not in known.attributes:
            people.set_attribute(session, person, name, value, at)
    return is_new


def _handles(one: Given, country: str) -> list[tuple[Named, str]]:
    if len(one.handles) > HANDLES_MOST:
        raise StoreError(f"it has more than {HANDLES_MOST} numbers and addresses")
    found: dict[Named, str] = {}
    for kind, written, label in one.handles:
        try:
            found.setdefault(handle(kind, written, country), label)
        except HandleError as error:
            raise HandleError(f"{kind} {written[:40]!r}: {error}") from None
    if not found:
        raise StoreError("it has no number and no address, so it could not be told from another")
    return list(found.items())
