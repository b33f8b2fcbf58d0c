"""`callfloor customer`: the customer file, beside a running server or without one."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from acd.reports.words import safe, stamp
from acd.site import load_site
from acd.store import StoreError, StoreSettings
from ivr.cli_options import SITE, Home, SiteFolder, home_of
from ivr.customers import store_settings

if TYPE_CHECKING:
    from acd.store.agenda import Appointment
    from acd.store.database import Database
    from acd.store.people import Profile
    from acd.store.schema import Interaction

# SQLAlchemy takes a third of a second to load: each command loads what it needs when it runs.

customer_app = typer.Typer(no_args_is_help=True, help="The customer file: who it is, and all that was ever said.")

Who = Annotated[str, typer.Argument(help="A customer's number in the file, a telephone number or an address.")]
By = Annotated[str, typer.Option("--by", help="Who does it, for the record.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
TEXT_MAX = 4_000


@contextmanager
def open_file(site: Path, home: Path | None) -> Iterator[tuple["Database", StoreSettings]]:
    """Open a site's customer file.

    Raises:
        StoreError: it keeps none.

    """
    from acd.store.database import Database  # noqa: PLC0415 - see above

    settings = store_settings(load_site(site), home_of(site, home))
    if settings is None:
        raise StoreError("this site keeps no customer file: [store] of acd.conf says database = none")
    database = Database(settings.database)
    try:
        yield database, settings
    finally:
        database.close()


def now_ms() -> int:
    """Return the time, ms since the epoch."""
    return time.time_ns() // 1_000_000


def which(database: "Database", who: str, country: str) -> int:
    """Return which customer is meant."""
    from acd.store import people  # noqa: PLC0415 - see above

    if who.isdecimal() and len(who) <= 9:
        try:
            return database.read(people.root_of, int(who))
        except people.UnknownPersonError:
            pass
    found = database.read(people.search, who, country)
    if len(found) != 1:
        many = f"{len(found)} customers are" if found else "no customer is"
        raise StoreError(f"{many} '{safe(who)}'; callfloor customer find tells who there is")
    return found[0]


@customer_app.command()
def find(
    who: Annotated[str, typer.Argument(help="A telephone number, an address, or a part of a name.")],
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Find customers: each with his number in the file, name, numbers and addresses."""
    from acd.store import people  # noqa: PLC0415 - see above

    with open_file(site, home) as (database, settings):
        ids = database.read(people.search, who, settings.country)
        found = [database.read(people.profile, one) for one in ids]
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    for profile in found:
        print(_line(profile))
    if not found:
        print("nobody is found")
        raise typer.Exit(1)


def _line(profile: "Profile") -> str:
    handles = ", ".join(safe(one.value) for one in profile.handles)
    return f"{profile.id}  {safe(profile.name) or '(no name)'}  {handles}"


@customer_app.command()
def show(who: Who, site: SiteFolder = SITE, home: Home = None, *, as_json: AsJson = False) -> None:
    """Show a customer: what is known of him, his latest contacts and notes."""
    from acd.store import outside, people, timeline  # noqa: PLC0415 - see above

    with open_file(site, home) as (database, settings):
        person = which(database, who, settings.country)
        profile = database.read(people.profile, person)
        elsewhere = database.read(outside.elsewhere, [person, *profile.merged])
        contacts = database.read(timeline.contacts, person)
        notes = database.read(timeline.notes, person)
    if as_json:
        told = {
            "customer": profile,
            "elsewhere": elsewhere,
            "contacts": [columns(row) for row in contacts],
            "notes": [columns(row) for row in notes],
        }
        print(msgspec.json.encode(told).decode())
        return
    print(_line(profile))
    for name, value in profile.attributes.items():
        print(f"  {safe(name)}: {safe(value)}")
    for said in profile.consents:
        word = "agreed to" if said.given else "refused"
        print(f"  {word} {safe(said.purpose)} by {safe(said.medium)} {stamp(said.at)}  {safe(said.how)}")
    for one in elsewhere:
        print(f"  in {one.source}: {safe(one.external_id)}  {safe(one.link, TEXT_MAX)}".rstrip())
    if profile.merged:
        print(f"  merged into him: {', '.join(map(str, profile.merged))}")
    for row in contacts:
        print(_contact(row))
    for note in notes:
        print(f"  {stamp(note.at)}  note by {safe(note.by) or 'nobody'}: {safe(note.text, TEXT_MAX)}")


def _contact(row: "Interaction") -> str:
    words = [row.medium, row.direction, row.queue, row.agent or row.seat, row.outcome or "lasts", row.code, row.subject]
    return f"  {stamp(row.started_at)}  " + "  ".join(safe(word) for word in words if word)


def columns(row: Any) -> dict[str, Any]:
    """Return a row for JSON."""
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}


@customer_app.command()
def note(
    who: Who,
    text: Annotated[str, typer.Argument(help="What to remember.")],
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    by: By = "",
) -> None:
    """Write something down about a customer."""
    from acd.store import timeline  # noqa: PLC0415 - see above

    with open_file(site, home) as (database, settings):
        person = which(database, who, settings.country)
        database.write(timeline.note, person, text, now_ms(), by=by)
    print(f"noted of customer {person}")


@customer_app.command()
def merge(
    duplicate: Annotated[int, typer.Argument(help="Number in the file of the customer who goes.")],
    survivor: Annotated[int, typer.Argument(help="And of him who he is.")],
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    by: By = "",
) -> None:
    """Make two customers one who are one; unmerge undoes it."""
    from acd.store import merging  # noqa: PLC0415 - see above

    with open_file(site, home) as (database, _):
        database.write(merging.merge, duplicate, survivor, now_ms(), by)
    print(f"customer {duplicate} is customer {survivor} now")


@customer_app.command()
def unmerge(
    person: Annotated[int, typer.Argument(help="Number in the file of the customer who was merged.")],
    site: SiteFolder = SITE,
    home: Home = None,
) -> None:
    """Undo a merge: what was added meanwhile stays with the survivor."""
    from acd.store import merging  # noqa: PLC0415 - see above

    with open_file(site, home) as (database, _):
        survivor = database.write(merging.unmerge, person)
    print(f"customer {person} is somebody else than customer {survivor} again")


@customer_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="*.csv with a line of column names, or *.vcf.")],
    site: SiteFolder = SITE,
    home: Home = None,
) -> None:
    """Take people in from a file: each whole or not at all; says who was not taken, where he stands, and why."""
    from acd.store import intake  # noqa: PLC0415 - see above

    given, left = intake.read(file)
    report = intake.Report(left=left)
    with open_file(site, home) as (database, settings):
        for batch in intake.batches(given):
            try:
                taken = database.write(intake.take, batch, file.name, settings.country, now_ms())
            except StoreError as error:
                raise StoreError(f"{error}; taken in is what stands before line {batch[0].line}") from error
            report.made, report.known = report.made + taken.made, report.known + taken.known
            report.left += taken.left
    for one in sorted(report.left, key=lambda one: one.line):
        print(safe(str(one), TEXT_MAX), file=sys.stderr)
    print(f"{report.made} new customers, {report.known} known ones, {len(report.left)} things not taken")
    raise typer.Exit(bool(report.left))


@customer_app.command()
def export(
    who: Who,
    folder: Annotated[Path, typer.Argument(help="A folder that is made, for customer.json and the files.")],
    site: SiteFolder = SITE,
    home: Home = None,
) -> None:
    """Hand out all that is kept of a customer, for his eyes: JSON, and the files of his messages."""
    from acd.store import privacy  # noqa: PLC0415 - see above
    from acd.store.files import Files  # noqa: PLC0415 - see above

    with open_file(site, home) as (database, settings):
        person = which(database, who, settings.country)
        told, attachments = database.read(privacy.export, person)
        folder.mkdir(mode=0o700)
        files = Files(settings.files)
        for one in attachments:  # by their hash: the names that senders gave them are theirs to choose
            (folder / one.hash).write_bytes(files.content(one))
        (folder / "customer.json").write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=2))
    print(f"customer {person}: {len(told['contacts'])} contacts, {len(attachments)} files, in {folder}")


@customer_app.command()
def erase(
    who: Who,
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a customer and all who were merged into him. That there were contacts remains, without a word of whose."""
    from acd.store import appointments, people, privacy  # noqa: PLC0415 - see above
    from acd.store.files import Files  # noqa: PLC0415 - see above

    with open_file(site, home) as (database, settings):
        person = which(database, who, settings.country)
        print(_line(database.read(people.profile, person)))
        to_come = [
            one
            for one in reversed(database.read(appointments.of_person, person))
            if one.cancelled_at is None and one.starts_at > now_ms()
        ]
        for one in to_come:  # nobody could be told of it afterwards
            print(
                f"goes with him, and nobody is told: {_agreed(one)}; callfloor appointment cancel {one.id} tells first"
            )
        if not yes:
            _confirm(lambda: typer.confirm("Erase for good?", abort=True))
        erased = database.write(privacy.erase, person)
        removed = database.read(Files(settings.files).remove, erased.hashes)
        database.settle()
    gone = f"{erased.people} people, {erased.messages} messages, {removed} files"
    print(f"erased: {gone}; {erased.contacts} contacts remain, of nobody")


def _agreed(one: "Appointment") -> str:
    return f"{safe(one.kind)} on {stamp(one.starts_at)}" + (f" with {safe(one.host)}" if one.host else "")


def _confirm(ask: Callable[[], object]) -> None:
    if not sys.stdin.isatty():
        raise StoreError("nobody is there to ask; say --yes")
    ask()
