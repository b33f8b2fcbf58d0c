"""What the core is told of the site's rules: at a start all of them, after a reload what is different.

A large change of seats comes in slices, so that calls are served in between: whoever submits these events gives the
event loop a turn after each. New and changed seats come first and those that are gone last, so that a queue whose seats
are exchanged is not empty on the way.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from acd.core.events import Configured, SeatsConfigured
from acd.core.rules import OutRule
from acd.settings import Site

SLICE_SEATS = 200
"""So many seats are told of in one event."""


def configured(site: Site) -> Configured:
    """Return the rules of a site, whole."""
    return Configured(
        queues=tuple(site.queues.values()),
        seats=tuple(seat.rule for seat in site.seats.values()),
        media=site.media,
        line_groups=site.line_groups,
        calling_out=site.calling_out.rule if site.calling_out.plan is not None else OutRule(),
        look_ms=site.general.snapshot_interval_ms,
        ticket_ms=site.general.ticket_ms,
    )


def changes(old: Site, new: Site) -> list[Configured | SeatsConfigured]:
    """Return what is to be submitted, in this order, to go from the rules of one site to those of another."""
    before, after = (_without_seats(configured(site)) for site in (old, new))
    return [*([after] if after != before else []), *_slices(old, new)]


def _without_seats(event: Configured) -> Configured:
    return replace(event, seats=None)


def _slices(old: Site, new: Site) -> Iterator[SeatsConfigured]:
    known = {name: seat.rule for name, seat in old.seats.items()}
    told = [seat.rule for name, seat in new.seats.items() if known.get(name) != seat.rule]
    gone = [name for name in old.seats if name not in new.seats]
    for start in range(0, len(told), SLICE_SEATS):
        yield SeatsConfigured(seats=tuple(told[start : start + SLICE_SEATS]))
    for start in range(0, len(gone), SLICE_SEATS):
        yield SeatsConfigured(gone=tuple(gone[start : start + SLICE_SEATS]))
