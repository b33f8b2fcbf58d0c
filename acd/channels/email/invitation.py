"""Meetings as calendars (RFC 5545) for mail (iTIP, RFC 5546): somebody is invited, asked again, or told it is off."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

from acd.channels.email.headers import is_address
from acd.channels.email.message import Address
from acd.channels.email.text import line, lines

Method = Literal["REQUEST", "CANCEL"]


class Meeting(Struct, frozen=True, kw_only=True):
    """When who meets, and why."""

    uid: str
    """Names it in all calendars, for ever."""
    starts_at: int
    length_ms: int
    summary: str
    organizer: Address
    attendees: tuple[Address, ...]
    description: str = ""
    location: str = ""
    sequence: int = 0
    """Counted up by each change; of two with one uid the higher one counts."""
    reminder_ms: int | None = None
    """So long before it a calendar reminds its owner; None leaves that to him."""


def calendar(meeting: Meeting, method: Method, at: int) -> tuple[str, str]:
    """Give the method and the calendar, written now (ms), as a `compose.Draft` takes them.

    Raises:
        ValueError: there is nobody to meet, or an address is none.

    """
    from icalendar import Alarm, Calendar, Event, vCalAddress, vText  # noqa: PLC0415 - a tenth of a second of each start

    people = (meeting.organizer, *meeting.attendees)
    if not meeting.attendees or not all(is_address(one.address) for one in people):
        raise ValueError("a meeting needs an organizer and somebody to meet, with an address each")

    def person(one: Address, **parameters: str) -> vCalAddress:
        address = vCalAddress(f"mailto:{one.address}")
        name = line(one.name, 100).replace('"', "'")
        for key, value in {**({"CN": name} if name else {}), **parameters}.items():
            address.params[key] = vText(value)
        return address

    event = Event()
    event.add("uid", line(meeting.uid, 200))
    event.add("sequence", meeting.sequence)
    event.add("dtstamp", _time(at))
    event.add("dtstart", _time(meeting.starts_at))
    event.add("dtend", _time(meeting.starts_at + meeting.length_ms))
    event.add("summary", line(meeting.summary, 200))
    for name, value in (("description", lines(meeting.description, 4_000)), ("location", line(meeting.location, 200))):
        if value:
            event.add(name, value)
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("organizer", person(meeting.organizer), encode=False)
    for one in meeting.attendees:
        event.add("attendee", person(one, ROLE="REQ-PARTICIPANT", PARTSTAT="NEEDS-ACTION", RSVP="TRUE"), encode=False)
    if meeting.reminder_ms is not None and method == "REQUEST":
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", line(meeting.summary, 200))
        alarm.add("trigger", -timedelta(milliseconds=meeting.reminder_ms))
        event.add_component(alarm)
    whole = Calendar()
    whole.add("prodid", "-//callfloor//EN")
    whole.add("version", "2.0")
    whole.add("method", method)
    whole.add_component(event)
    return method, whole.to_ical().decode()


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(at // 1000, UTC)
