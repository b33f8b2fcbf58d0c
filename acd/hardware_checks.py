"""Whether the hardware in acd.conf can be as it is written: framing and coding, digits, and who has which channel."""

from collections.abc import Iterator

from acd.hardware import DEVICE, Span, device
from acd.settings import Site
from acd.site_checks import Written

_FRAMING = {
    ("e1", True): ("ccs",),
    ("e1", False): ("cas",),
    ("t1", True): ("esf", "d4"),
    ("t1", False): ("esf", "d4"),
}
"""Kind of span, and whether it is PRI -> framings that go with it."""
_CODING = {"e1": ("hdb3", "ami"), "t1": ("b8zs", "ami")}


TAKEN = frozenset({"channels", "trunkgroups", "general", "globals", "pri", "em", "analog-line", "analog-handset"})
"""Sections of chan_dahdi.conf."""


def check_hardware(written: Written, site: Site) -> None:
    """Find what cannot be."""
    for name in TAKEN & {*site.spans, *site.analog}:
        hint = "chan_dahdi.conf has a section of that name"
        written.problems.error(written.sections[name].origin, f"no hardware can be named '{name}'", hint)
    numbers: dict[int, str] = {}
    for span in site.spans.values():
        other = numbers.setdefault(span.number, span.name)
        if other != span.name:
            message = f"sections '{other}' and '{span.name}' are both span {span.number}"
            written.problems.error(written.origin(span.name, "span"), message)
        _check_span(written, span)
    owners = _owners(written, site)
    _check_lines(written, site, owners)


def _check_span(written: Written, span: Span) -> None:
    for option, message, hint in _faults(span):
        written.problems.error(written.origin(span.name, option), f"span '{span.name}' {message}", hint)


def _faults(span: Span) -> Iterator[tuple[str, str, str]]:
    """Yield an option, what is wrong with it, and how to mend that."""
    kind, is_pri = span.kind.upper(), span.signalling == "pri"
    framings = _FRAMING[span.kind, is_pri]
    if span.framing not in framings:
        what = "PRI" if is_pri else "E&M"
        yield "framing", f"cannot be framed as {span.framing}", f"an {kind} with {what} has {' or '.join(framings)}"
    if span.coding not in _CODING[span.kind]:
        yield "coding", f"cannot be coded as {span.coding}", f"an {kind} has {' or '.join(_CODING[span.kind])}"
    if span.crc4 and span.kind == "t1":
        yield "crc4", "is a T1, and CRC4 is of E1", "leave it out"
    if span.signalling == "em_w" and span.kind == "e1":
        yield "signalling", "is an E1, and E&M with a wink is of T1", "write signalling = em"
    if span.signalling in {"em", "em_w"} and not span.digits:
        hint = "write digits = 4 if the exchange sends the last four of the number"
        yield "digits", "does not say how many digits the exchange sends", hint
    if span.first and (alien := [one for one in span.only if one not in span.lines]):
        hint = f"its lines can be of {span.channels[0]} to {span.channels[-1]}, those that signal apart"
        yield "channels", f"cannot have channel {alien[0]} as a line", hint
    if not span.first:
        hint = "write first = with the number that `lsdahdi` shows, or describe the spans before it"
        yield "span", f"is number {span.number}, and which channel it begins at does not follow from the others", hint


def _owners(written: Written, site: Site) -> dict[int, str]:
    """Find out who has which channel; nobody may share one."""
    owners: dict[int, str] = {}

    def own(name: str, option: str, channels: tuple[int, ...]) -> None:
        for channel in channels:
            other = owners.setdefault(channel, name)
            if other != name:
                message = f"channel {channel} is of '{other}', and of '{name}' too"
                written.problems.error(written.origin(name, option), message)
                return

    for span in site.spans.values():
        if span.first:
            own(span.name, "first" if written.sections[span.name].last("first") else "span", span.owned)
    for analog in site.analog.values():
        own(analog.name, "fxo", analog.fxo)
    for name, seat in site.seats.items():
        if (match := DEVICE.fullmatch(seat.handset)) is not None:
            own(name, "handset", (int(match[1]),))
    return owners


def _check_lines(written: Written, site: Site, owners: dict[int, str]) -> None:
    """See that lines of hardware can carry calls, where the hardware is described at all."""
    if not site.spans and not site.analog:
        return  # it is in a chan_dahdi.conf of the admin's own
    lines = {device(one) for span in site.spans.values() for one in span.lines}
    lines |= {device(one) for analog in site.analog.values() for one in analog.fxo}
    for group in site.line_groups:
        for line in group.lines:
            match = DEVICE.fullmatch(line.name)
            if match is None or line.name in lines:
                continue
            owner = owners.get(int(match[1]))
            if owner is None:
                why = "no section with type = span or analog has it"
            elif owner in site.seats:
                why = f"the handset of seat '{owner}' is there"
            else:
                why = f"it is of '{owner}', and signals for the others"
            written.problems.error(written.origin(group.name, "lines"), f"{line.name} is no line: {why}")
