"""Phone hardware in acd.conf: digital spans and analog lines, what they may say, and which channels they are.

DAHDI counts the channels of all cards through, in the order of the spans: a span 1 that is an E1 has the channels 1 to
31, a span 2 begins at 32. Of an E1 channel 16 of its own signals for the others, of a T1 with PRI channel 24; with E&M
a T1 signals in the bits of each channel, and all 24 carry calls (system.conf.sample of dahdi-tools). A channel bank at
the end of a T1 makes analog ports of its channels.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from acd.options import Kind, Option, choice, number, optional, pattern, yes_no

CHANNEL_MOST, SPAN_MOST = 2_047, 127
SIZES = {"e1": 31, "t1": 24}
"""Channels of a span, those that signal included."""
DEVICE = re.compile(r"DAHDI/([1-9][0-9]{0,3})")
"""How Asterisk names a channel of hardware."""

EchoCanceller = Literal["mg2", "kb1", "sec2", "oslec", "hwec", "none"]


class Span(Struct, frozen=True, kw_only=True):
    """A digital span, all defaults filled in."""

    name: str
    number: int
    """As DAHDI counts spans."""
    kind: Literal["e1", "t1"]
    signalling: Literal["pri", "em", "em_w", "bank"] = "pri"
    side: Literal["cpe", "net"] = "cpe"
    switch: str = "euroisdn"
    framing: str = "ccs"
    coding: str = "hdb3"
    crc4: bool = False
    timing: int = 0
    """Which choice it is as the source of the clock; 0 for never."""
    lbo: int = 0
    """How long its cable is, see system.conf."""
    digits: int = 0
    """So many digits of the dialled number come one by one; 0 where it comes whole."""
    only: tuple[int, ...] = ()
    """Those of its channels that are its lines; all that can be, if empty."""
    echo: EchoCanceller = "mg2"
    first: int = 0
    """Number of its first channel; 0 if it does not follow from what is written."""

    @property
    def d_channel(self) -> int | None:
        """The channel that signals for the others."""
        if self.signalling != "pri":
            return None
        return self.first + (15 if self.kind == "e1" else 23)

    @property
    def lines(self) -> tuple[int, ...]:
        """The channels that carry calls, and are no analog ports of a channel bank."""
        if self.signalling == "bank":
            return ()
        taken = {self.first + 15} if self.kind == "e1" else {self.d_channel}
        return tuple(one for one in self.channels if one not in taken and (not self.only or one in self.only))

    @property
    def owned(self) -> tuple[int, ...]:
        """The channels that can be nobody else's."""
        if self.kind == "e1" and self.signalling != "bank":
            return (*self.lines, self.first + 15)
        return self.lines if self.d_channel is None else (*self.lines, self.d_channel)

    @property
    def channels(self) -> tuple[int, ...]:
        """All its channels."""
        return tuple(range(self.first, self.first + SIZES[self.kind]))


class Analog(Struct, frozen=True, kw_only=True):
    """Analog lines to the exchange."""

    name: str
    fxo: tuple[int, ...]
    """Their channels."""
    signalling: Literal["ks", "ls", "gs"] = "ks"
    caller_id: Literal["bell", "v23", "v23_jp", "dtmf", "none"] = "bell"
    caller_id_start: Literal["ring", "polarity", "polarity_in", "dtmf"] = "ring"
    busy_detect: bool = True
    number: str = ""
    """What callers dialled who come in over them: the line does not say."""
    echo: EchoCanceller = "mg2"


def _channels(*, optional: bool = False) -> Kind:
    label = "numbers of channels, such as 1-4 or 1-4, 7"

    def read(text: str) -> tuple[int, ...]:
        found: list[int] = []
        if optional and not text:
            return ()
        for part in re.split(r"[,\s]+", text.strip(", \t")):
            match = re.fullmatch(r"([1-9][0-9]{0,3})(?:-([1-9][0-9]{0,3}))?", part)
            if match is None:
                raise ValueError(f"'{part[:40]}' is no channel, and no range of channels such as 1-4")
            first, last = int(match[1]), int(match[2] or match[1])
            if not first <= last <= CHANNEL_MOST:
                raise ValueError(f"{part} is out of range")
            found += range(first, last + 1)
        if len(set(found)) < len(found):
            raise ValueError("a channel stands there twice")
        return tuple(sorted(found))

    return Kind(label, read)


_ECHO = Option(
    "echo",
    choice("mg2", "kb1", "sec2", "oslec", "hwec", "none"),
    "mg2",
    "Canceller of echoes: one of DAHDI's own, or `hwec`, the card's.",
)

SPAN = (
    Option("span", number(1, SPAN_MOST), None, "Its number, as DAHDI counts spans.", "number"),
    Option("kind", choice("e1", "t1"), None, "What it is: 31 channels or 24."),
    Option(
        "signalling",
        choice("pri", "em", "em_w", "bank"),
        "pri",
        "ISDN (`pri`), E&M without or with a wink (`em`, `em_w`), or a channel bank, whose ports are sections with "
        "type = analog and handsets of seats (`bank`).",
    ),
    Option("side", choice("cpe", "net"), "cpe", "Which side of ISDN we are: `cpe` towards an exchange, or `net`."),
    Option(
        "switch",
        optional(choice("euroisdn", "national", "ni1", "dms100", "4ess", "5ess", "qsig")),
        "",
        "How the ISDN exchange speaks; left out, euroisdn on an E1 and national on a T1.",
    ),
    Option(
        "framing",
        optional(choice("ccs", "cas", "esf", "d4")),
        "",
        "Left out, what goes with the rest: ccs for PRI and cas for E&M on an E1, esf on a T1.",
    ),
    Option("coding", optional(choice("hdb3", "b8zs", "ami")), "", "Left out, hdb3 on an E1, b8zs on a T1."),
    Option("crc4", optional(yes_no()), "", "Whether an E1 checks by CRC4; left out, it does with PRI."),
    Option(
        "timing",
        optional(number(0, 255)),
        "",
        "Which choice it is as the source of the clock, 1 first, 0 for never. Left out, spans towards an exchange are "
        "in the order of the file, and one to a channel bank, or where we are `net`, is none.",
    ),
    Option("lbo", number(0, 7), "0", "Length of the cable, as DAHDI counts it (line build out)."),
    Option(
        "digits",
        number(0, 20),
        "0",
        "So many digits of the dialled number the exchange sends, one by one: always with E&M, with PRI where it sends "
        "overlap. 0: the number comes whole.",
    ),
    Option(
        "first",
        optional(number(1, CHANNEL_MOST)),
        "",
        "Number of its first channel. Left out, it follows the span before it.",
    ),
    Option(
        "channels",
        _channels(optional=True),
        "",
        "The channels that are its lines, where not all are; the others may be ports of a channel bank.",
        "only",
    ),
    _ECHO,
)

ANALOG = (
    Option("fxo", _channels(), None, "The channels that are lines to the exchange."),
    Option("signalling", choice("ks", "ls", "gs"), "ks", "Kewlstart, which tells of a hang-up, loop or ground start."),
    Option(
        "caller_id",
        choice("bell", "v23", "v23_jp", "dtmf", "none"),
        "bell",
        "How the exchange tells who calls: by the modem of the US or of the UK or of Japan, by keys, or not at all.",
    ),
    Option(
        "caller_id_start",
        choice("ring", "polarity", "polarity_in", "dtmf"),
        "ring",
        "What goes before it: a ring, or a reversal of polarity, that of India apart; or nothing, with `dtmf`.",
    ),
    Option("busy_detect", yes_no(), "yes", "The busy tone is taken for a hang-up, for exchanges that say it that way."),
    Option(
        "number",
        pattern(r"(\+?[0-9]{1,20})?", "digits"),
        "",
        "What is taken as dialled by who calls in over them: the number that ivr.conf knows. An analog line does not "
        "say it.",
    ),
    _ECHO,
)


def spans(sections: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Span]:
    """Make the spans of what was read of them, in the order of the file: name and values."""
    found: dict[str, Span] = {}
    sections = list(sections)
    given = {values["timing"] for _, values in sections}
    clock = (choice for choice in count(1) if choice not in given)
    for name, values in sections:
        is_e1, is_pri = values["kind"] == "e1", values["signalling"] == "pri"
        gives_clock = values["signalling"] == "bank" or (is_pri and values["side"] == "net")
        by_itself = {
            "switch": "euroisdn" if is_e1 else "national",
            "framing": ("ccs" if is_pri else "cas") if is_e1 else "esf",
            "coding": "hdb3" if is_e1 else "b8zs",
            "crc4": is_e1 and is_pri,
            "timing": 0 if gives_clock or values["timing"] is not None else next(clock),
            "first": 0,
        }
        chosen = {field: by_itself[field] if value is None else value for field, value in values.items()}
        found[name] = Span(name=name, **chosen)
    return {name: replace(span, first=_first(span, found)) for name, span in found.items()}


def _first(span: Span, all_spans: Mapping[str, Span]) -> int:
    """Find out its first channel, from those of the spans before it."""
    if span.first or span.number == 1:
        return span.first or 1
    before = next((one for one in all_spans.values() if one.number == span.number - 1), None)
    first = _first(before, all_spans) if before is not None else 0
    return first + SIZES[before.kind] if before is not None and first else 0


def device(channel: int) -> str:
    """Name a channel as Asterisk does."""
    return f"DAHDI/{channel}"


def ranges(channels: Iterable[int]) -> str:
    """Write channels as DAHDI and Asterisk read them: `1-15,17-31`."""
    parts: list[list[int]] = []
    for channel in sorted(channels):
        if parts and parts[-1][-1] == channel - 1:
            parts[-1][1:] = [channel]
        else:
            parts.append([channel])
    return ",".join("-".join(map(str, part)) for part in parts)
