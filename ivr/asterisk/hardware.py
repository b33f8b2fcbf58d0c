"""The files that follow from the hardware in acd.conf: two for Asterisk, and system.conf for DAHDI itself.

Pure, as `files`. Every span, group of analog lines and analog telephone becomes a section of chan_dahdi.conf, made from
a template that the admin owns. Where an exchange dials digit by digit a call has a door of its own in the dialplan:
`from-trunk` takes numbers of any length, and there each further digit might still come, so a call would stand at the
door for three seconds, and the caller's own keys would be taken for more of the number. Here as many digits are waited
for as the exchange sends; fewer are taken after the three seconds, and more at once, where they come as a whole
(`!` of an extension pattern waits for nothing: pbx_find_extension in main/pbx.c).
"""

from collections.abc import Iterator
from typing import Final

from acd.hardware import Analog, Span, ranges
from acd.settings import SeatSettings, Site

from .texts import caller_id, escaped, mailbox

PRI, EM, LINE, HANDSET = "pri", "em", "analog-line", "analog-handset"
"""The templates of chan_dahdi.conf."""
DIALPLAN: Final = "lines.conf"
"""The doors; extensions.conf includes it at its end."""
SYSTEM: Final = "system.conf"
"""What DAHDI reads, in a syntax of its own."""
MODULE: Final = "chan_dahdi"
_R2_CRASHES: Final = {20: 16, 21: 11, 22: 6}
"""Series of Asterisk, and its first release whose dahdi_read takes any channel on which it hears a key for analog."""

_SYSTEM_HEAD: Final = (
    "# Made by callfloor from acd.conf; do not edit, it is written anew at each start and reload.\n"
    "# DAHDI reads it as /etc/dahdi/system.conf: copy or link it there, then run dahdi_cfg -vv.\n\n"
)


def hardware_files(site: Site) -> dict[str, str]:
    """Render them, by name, without their heads but for system.conf. Without hardware they are empty."""
    sections = [
        *(_span(span) for span in site.spans.values() if span.lines),
        *(_analog(analog) for analog in site.analog.values()),
        *(_handset(site.seats[name], channel) for name, channel in site.analog_handsets.items()),
    ]
    doors = {_door(span): "".join(_by_digits(span.digits)) for span in site.spans.values() if span.digits}
    doors |= {_line_door(analog): _numbered(analog) for analog in site.analog.values() if analog.number}
    return {
        "chan_dahdi.conf": "\n".join(sections),
        DIALPLAN: "\n".join(f"[{name}]\n{lines}" for name, lines in doors.items()),
        SYSTEM: _SYSTEM_HEAD + "".join(f"{line}\n" for line in _system(site)),
    }


def templates(site: Site) -> set[str]:
    """Name the templates of chan_dahdi.conf that a site needs."""
    needed = {_template(span) for span in site.spans.values() if span.lines}
    return needed | ({LINE} if site.analog else set()) | ({HANDSET} if site.analog_handsets else set())


def r2_crashes(version: tuple[int, int, int]) -> bool:
    """Whether this Asterisk crashes at a key on a line with MFC/R2; a series to come is taken to, like the last one."""
    series, release, _ = version
    return series > max(_R2_CRASHES) or release >= _R2_CRASHES.get(series, release + 1)


def has_doors(site: Site) -> bool:
    """Whether calls come in by doors that extensions.conf must include."""
    return any(span.digits for span in site.spans.values()) or any(one.number for one in site.analog.values())


# chan_dahdi.conf


def _template(span: Span) -> str:
    return PRI if span.signalling == "pri" else EM


def _span(span: Span) -> str:
    if span.signalling == "pri":
        overlap = "incoming" if span.digits else "no"
        how = f"signalling = pri_{span.side}\nswitchtype = {span.switch}\noverlapdial = {overlap}\n"
    else:
        how = f"signalling = {'em_e1' if span.kind == 'e1' else span.signalling}\n"
    group = f"group = {span.number}\n" if span.number < 64 else ""  # Asterisk has 0 to 63
    context = _door(span) if span.digits else "from-trunk"
    return f"[{span.name}]({_template(span)})\n{how}context = {context}\n{group}dahdichan = {ranges(span.lines)}\n"


def _analog(analog: Analog) -> str:
    if analog.caller_id == "none":
        who = "usecallerid = no\n"
    else:
        who = f"usecallerid = yes\ncidsignalling = {analog.caller_id}\ncidstart = {analog.caller_id_start}\n"
    return (
        f"[{analog.name}]({LINE})\nsignalling = fxs_{analog.signalling}\n{who}"
        f"busydetect = {'yes' if analog.busy_detect else 'no'}\n"
        f"context = {_line_door(analog) if analog.number else 'from-trunk'}\ndahdichan = {ranges(analog.fxo)}\n"
    )


def _handset(seat: SeatSettings, channel: int) -> str:
    name = seat.rule.name
    return (
        f"[{name}]({HANDSET})\ncallerid = {caller_id(seat.agent, name)}\nlanguage = {escaped(seat.language)}\n"
        f"setvar = ACD_SEAT={name}\nsetvar = TRANSFER_CONTEXT=acd-transfer\nmailbox = {mailbox(name)}\n"
        f"dahdichan = {channel}\n"
    )


# The dialplan


def _door(span: Span) -> str:
    return f"from-trunk-{span.digits}-digits"


def _line_door(analog: Analog) -> str:
    return f"from-line-{analog.name}"


def _by_digits(most: int) -> Iterator[str]:
    """Yield the extensions for up to so many digits that come one by one."""
    for count in range(1, most + 1):
        end = "!" if count == most else ""
        yield f"exten => _{'X' * count}{end},1,Set(CALLERID(dnid)=${{FILTER(0-9,${{EXTEN}})}})\n"
        yield " same => n,Goto(from-trunk,s,1)\n"
    yield "exten => s,1,Goto(from-trunk,s,1)\n"


def _numbered(analog: Analog) -> str:
    return f"exten => s,1,Set(CALLERID(dnid)={analog.number})\n same => n,Goto(from-trunk,s,1)\n"


# system.conf


def _system(site: Site) -> Iterator[str]:
    for span in sorted(site.spans.values(), key=lambda span: span.number):
        crc4 = ",crc4" if span.crc4 else ""
        yield f"span={span.number},{span.timing},{span.lbo},{span.framing},{span.coding}{crc4}"
    echo: dict[str, list[int]] = {}
    for span in sorted(site.spans.values(), key=lambda span: span.number):
        if span.signalling == "pri":
            yield f"bchan={ranges(span.lines)}"
            yield f"dchan={span.d_channel}"
        elif span.lines:
            yield f"{'e&me1' if span.kind == 'e1' else 'e&m'}={ranges(span.lines)}"
        echo.setdefault(span.echo, []).extend(span.lines)
    for analog in site.analog.values():
        yield f"fxs{analog.signalling}={ranges(analog.fxo)}"
        echo.setdefault(analog.echo, []).extend(analog.fxo)
    if handsets := list(site.analog_handsets.values()):
        yield f"fxoks={ranges(handsets)}"
        echo.setdefault("mg2", []).extend(handsets)
    yield from (f"echocanceller={name},{ranges(channels)}" for name, channels in echo.items() if name != "none")
    if site.has_hardware:
        yield f"loadzone={site.switch.tones}"
        yield f"defaultzone={site.switch.tones}"
