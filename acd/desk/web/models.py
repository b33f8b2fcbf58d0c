"""What is said in the API, and how it is checked. Times are ms since the epoch, lengths ms."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

INT_MOST = 2**31 - 1
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
SeatName = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,8}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Text = Annotated[str, StringConstraints(max_length=100_000)]
PersonId = Annotated[int, Field(ge=1, le=INT_MOST)]


class Asked(BaseModel):
    """What comes in: nothing that is not known."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Told(BaseModel):
    """What goes out; made of the house's own structs."""

    model_config = ConfigDict(from_attributes=True)


# Sessions and seats


class LogIn(Asked):
    """A seat and its PIN."""

    seat: SeatName
    pin: Annotated[str, StringConstraints(pattern=r"^[0-9]{4,12}$")]


class Pin(Asked):
    """A PIN."""

    pin: Annotated[str, StringConstraints(pattern=r"^[0-9]{4,12}$")]


class Pause(Asked):
    """Why one pauses: one of the site's reasons."""

    reason: Line


class Code(Asked):
    """What it was about: one of the site's codes, if it has some."""

    code: Line


class Who(Told):
    """Who asks."""

    name: str
    seat: str
    scopes: list[str]


class SeatState(Told):
    """A seat."""

    name: str
    agent: str
    look: str
    """logged-out, ready, ringing, talking, wrap-up or paused."""
    for_ms: int
    reason: str
    reachable: bool
    busy: bool
    call: str
    queues: list[str]
    desk_open: bool = False


class QueueState(Told):
    """A queue."""

    name: str
    waiting: int
    longest_wait_ms: int
    talking: int
    seats_ready: int
    seats_logged_in: int
    closed: bool


class Own(BaseModel):
    """All of one's own seat."""

    seat: SeatState
    pause_reasons: list[str]
    codes: list[str]


# Contacts


class Contact(BaseModel):
    """A contact that is in the house, of any medium."""

    call: str
    medium: str
    queue: str
    state: str
    """waiting, offered, calling, talking or after."""
    arrived: int
    waited_ms: int
    ahead_ms: int = 0
    """It is served as if it had come so much earlier: for what its menu says, or a wait that its customer gave up."""
    written: bool
    """It can be read and answered here."""
    offer: str = ""
    """Of the seat that asks, or else the first one."""
    seat: str = ""
    at_desk: bool = False
    """It is offered, or lies, at a desk; else at a telephone."""
    suspended: bool = False
    mine: bool = False


class FileOf(BaseModel):
    """Something that came with a contact; it is got by its number, counted from 0."""

    number: int
    name: str
    kind: str
    size: int
    there: bool


class CardOf(BaseModel):
    """A contact as its customer wrote it. All of it is hostile text: to be shown as text."""

    call: str
    medium: str
    sender: str
    address: str
    subject: str
    text: str
    quoted: str
    language: str
    files: list[FileOf]
    arrived: int
    person: int | None
    case: int | None
    marks: list[str]


class ReplyIn(Asked):
    """What is answered."""

    text: Text = ""
    template: Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9_-]{0,39})?$")] = ""
    files: Annotated[list[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]], Field(max_length=20)] = []
    close: bool = False
    code: Annotated[str, StringConstraints(max_length=40)] = ""


class Close(Asked):
    """It is done."""

    code: Annotated[str, StringConstraints(max_length=40)] = ""


class Transfer(Asked):
    """To another queue."""

    queue: Name


class Defer(Asked):
    """Later."""

    for_ms: Annotated[int, Field(ge=1_000, le=31 * 86_400_000)]


class NoteIn(Asked):
    """What is to be remembered."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=r"\S")]


class Uploaded(BaseModel):
    """A file that can go along with a reply."""

    id: str
    name: str


class Template(Told):
    """A reply that the site has ready."""

    name: str
    title: str


# Customers


class HandleOf(Told):
    """A number or an address."""

    kind: str
    value: str


class Consent(Told):
    """The latest word about one purpose in one medium."""

    medium: str
    purpose: str
    given: bool
    at: int
    how: str


class Customer(Told):
    """What is known of a person."""

    id: int
    name: str
    language: str
    handles: list[HandleOf]
    attributes: dict[str, str]
    consents: list[Consent]
    merged: list[int]


class Entry(Told):
    """A contact on a customer's timeline."""

    id: int
    medium: str
    direction: str
    queue: str
    seat: str
    agent: str
    started_at: int
    ended_at: int | None
    outcome: str
    code: str
    case_id: int | None
    subject: str
    summary: str


class NoteOf(Told):
    """Something written down."""

    id: int
    text: str
    by: str
    at: int


class Timeline(BaseModel):
    """The latest contacts and notes."""

    contacts: list[Entry]
    notes: list[NoteOf]


class CustomerChange(Asked):
    """What is absent stays."""

    name: Annotated[str, StringConstraints(max_length=200)] | None = None
    language: Annotated[str, StringConstraints(pattern=r"^([a-z]{2,3}(_[A-Z]{2})?)?$")] | None = None
    attributes: Annotated[
        dict[
            Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")],
            Annotated[str, StringConstraints(max_length=1000)],
        ],
        Field(max_length=50),
    ] = {}
    """An empty value forgets."""


class ConsentIn(Asked):
    """What a customer agreed to, or took back."""

    medium: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,19}$")]
    purpose: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    given: bool
    how: Annotated[str, StringConstraints(max_length=1_000)] = ""


class Merge(Asked):
    """Who survives."""

    into: PersonId


Order = Literal["ok"]


# Promises


Short = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Moment = Annotated[int, Field(ge=0, le=2**53)]


class CallbackIn(Asked):
    """Who is to be called, and of which queue. What he wrote is a note on him."""

    number: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[0-9+*#(). /-]+$")]
    queue: Name
    name: Short = ""
    email: Short = ""
    language: Annotated[str, StringConstraints(pattern=r"^([a-z]{2,3}(_[A-Z]{2})?)?$")] = ""
    text: Annotated[str, StringConstraints(max_length=5_000)] = ""


class Callback(BaseModel):
    """It is promised."""

    number: str
    """As it will be called."""
    was_promised: bool
    """It was already: nobody has two."""


class AppointmentIn(Asked):
    """What is agreed. Left out: as its kind says."""

    kind: Name
    customer: PersonId
    starts_at: Moment
    length_ms: Annotated[int, Field(ge=60_000, le=86_400_000)] | None = None
    place: Short = ""
    host: Short = ""
    host_address: Short = ""
    host_number: Annotated[str, StringConstraints(pattern=r"^(\+[0-9]{3,15})?$")] = ""


class Move(Asked):
    """When it is then."""

    starts_at: Moment


class AppointmentRow(Told):
    """What is agreed."""

    id: int
    kind: str
    starts_at: int
    length_ms: int
    place: str
    host: str
    host_address: str
    host_number: str
    sequence: int
    made_at: int
    made_by: str
    cancelled_at: int | None


class Errand(Told):
    """What is said because of it: when it will be, when it was, or why not."""

    to: str
    medium: str
    says: str
    calendar: str
    due_at: int | None
    done_at: int | None
    said: str


class Appointment(AppointmentRow):
    """What is agreed, and what was and will be said because of it."""

    errands: list[Errand]


class Done(BaseModel):
    """It is done."""

    done: Order = "ok"


class Made(BaseModel):
    """What was made."""

    id: int
