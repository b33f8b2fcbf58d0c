"""`callfloor appointment`: what was agreed with customers, beside a running server or without one.

A running server says what is to be said within seconds; without one it is said at the next start.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from acd.appointments import AppointmentKind
from acd.reports.words import safe, stamp
from acd.site import load_site
from acd.store import StoreError
from ivr.cli_customer import AsJson, By, Who, columns, now_ms, open_file, which
from ivr.cli_options import SITE, Home, SiteFolder

if TYPE_CHECKING:
    from acd.store.agenda import Appointment, Errand

appointment_app = typer.Typer(no_args_is_help=True, help="Appointments, and what is said because of them.")

Number = Annotated[int, typer.Argument(help="The appointment's number.")]
When = Annotated[str, typer.Argument(help="Day and time here, such as '2026-12-01 10:00'.")]
DAYS_MOST = 366


def _moment(text: str) -> int:
    try:
        return int(datetime.strptime(text, "%Y-%m-%d %H:%M").astimezone().timestamp() * 1000)
    except (ValueError, OverflowError):
        raise StoreError(f"'{safe(text)}' is not a day and a time such as '2026-12-01 10:00'") from None


def _kind(site: SiteFolder, name: str) -> AppointmentKind:
    kinds = load_site(site).appointments
    if name not in kinds:
        known = f"there are {', '.join(kinds)}" if kinds else "acd.conf has no section with type = appointment"
        raise StoreError(f"there is no kind of appointment '{safe(name)}': {known}")
    return kinds[name]


@appointment_app.command()
def add(
    kind: Annotated[str, typer.Argument(help="Its kind: a section of acd.conf.")],
    who: Who,
    when: When,
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    minutes: Annotated[int | None, typer.Option(min=1, max=1440, help="How long it takes.")] = None,
    place: Annotated[str, typer.Option(help="Where.")] = "",
    host: Annotated[str, typer.Option("--with", help="Whom the customer meets.")] = "",
    host_address: Annotated[str, typer.Option("--with-address", help="His e-mail address.")] = "",
    host_number: Annotated[str, typer.Option("--with-number", help="His telephone number.")] = "",
    by: By = "",
) -> None:
    """Book: what its kind says is said to the customer, and to whom he meets."""
    from acd.store import appointments  # noqa: PLC0415 - see `cli_customer`

    agreed = appointments.Booking(
        starts_at=_moment(when),
        length_ms=None if minutes is None else minutes * 60_000,
        place=place,
        host=host,
        host_address=host_address,
        host_number=host_number,
        by=by,
    )
    settings_of_kind = _kind(site, kind)
    with open_file(site, home) as (database, settings):
        person = which(database, who, settings.country)
        made = database.write(appointments.make, settings_of_kind, person, agreed, now_ms())
    print(f"appointment {made} is made")


@appointment_app.command("list")
def list_(
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    days: Annotated[int, typer.Option(min=1, max=DAYS_MOST, help="So many days from now.")] = 7,
    as_json: AsJson = False,
) -> None:
    """List what is agreed for the next days, with what was and will be said."""
    from acd.store import appointments, people  # noqa: PLC0415 - see `cli_customer`

    with open_file(site, home) as (database, _):
        found = database.read(appointments.between, now_ms(), now_ms() + days * 86_400_000)
        names = {row.person_id: database.read(people.profile, row.person_id).name for row in found}
        said = {row.id: database.read(appointments.errands, row.id) for row in found}
    if as_json:
        rows = [{**columns(row), "errands": [columns(one) for one in said[row.id]]} for row in found]
        print(msgspec.json.encode(rows).decode())
        return
    for row in found:
        print(_line(row, names[row.person_id]))
        for errand in said[row.id]:
            print(f"    {_errand(errand)}")
    if not found:
        print("nothing is agreed")


def _line(row: "Appointment", name: str) -> str:
    words = [row.kind, name or f"customer {row.person_id}", f"with {row.host}" if row.host else "", row.place]
    return f"{row.id}  {stamp(row.starts_at)}  " + "  ".join(safe(word) for word in words if word)


def _errand(errand: "Errand") -> str:
    what = f"{errand.to} by {errand.medium}: {errand.says or errand.calendar.lower()}"
    if errand.due_at is not None:
        return f"{stamp(errand.due_at)}  {safe(what)}" + (f" ({safe(errand.said)})" if errand.said else "")
    if errand.done_at is not None:
        return f"{stamp(errand.done_at)}  {safe(what)}  said"
    return f"not said  {safe(what)}  {safe(errand.said)}"


@appointment_app.command()
def move(number: Number, when: When, site: SiteFolder = SITE, home: Home = None) -> None:
    """Move an appointment; all are told anew."""
    from acd.store import appointments  # noqa: PLC0415 - see `cli_customer`

    starts_at = _moment(when)
    with open_file(site, home) as (database, _):
        kind = _kind(site, database.read(appointments.kind_of, number))
        database.write(appointments.move, kind, number, starts_at, now_ms())
    print(f"appointment {number} is moved")


@appointment_app.command()
def cancel(number: Number, site: SiteFolder = SITE, home: Home = None) -> None:
    """Cancel an appointment; who knows of it is told."""
    from acd.store import appointments  # noqa: PLC0415 - see `cli_customer`

    with open_file(site, home) as (database, _):
        kind = load_site(site).appointments.get(database.read(appointments.kind_of, number))
        database.write(appointments.cancel, kind, number, now_ms())
    print(f"appointment {number} is cancelled")
