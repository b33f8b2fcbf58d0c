"""What a call asks for beyond its queue: skills, a head start, a seat. Written by a flow, read back from the switch.

    billing:1|sales:5+french:3      all of these, parted by `+`; each any one of those parted by `|`

The same text is written in ivr.conf (`needs french 3 + billing|sales 5`), kept in a variable of the caller's channel
and told to whoever asks for it. An admin's text is refused when anything is wrong with it. What comes from the switch
may have been set by a script or a dialplan of the site: there what is right of it holds, for the call is there anyway.
"""

import re
from collections.abc import Callable
from typing import Any

import structlog

from acd import rule_text
from acd.core.rules import Needs
from acd.options import duration
from acd.rule_text import read_need
from acd.settings import SEAT_NAME
from ivr.ami import Message, clean, text

log = structlog.get_logger()

HEAD_START_MAX_MS = 86_400_000
TEXT_MAX = 512

_HEAD_START = duration("0", "24h")


def read_needs(text: str) -> Needs:
    """Read what all is needed; an empty text needs nothing.

    Raises:
        ValueError: says what is wrong with it.

    """
    if len(text) > TEXT_MAX:
        raise ValueError(f"needs of {len(text)} characters; up to {TEXT_MAX} can be kept")
    return rule_text.read_needs(text)


def write_needs(needs: Needs) -> str:
    """Write them as `read_needs` takes them, without blanks."""
    return "+".join("|".join(f"{skill}:{level}" for skill, level in part) for part in needs)


def checked_needs(needs: Needs | str) -> Needs:
    """Take needs as text or as tuples, and see that they can be kept.

    Raises:
        ValueError: says what is wrong with them.

    """
    return read_needs(needs if isinstance(needs, str) else write_needs(needs))


def read_head_start(text: str) -> int:
    """Read a length of time such as `60s`, up to a day, as milliseconds.

    Raises:
        ValueError: says what is wrong with it.

    """
    value: int = _HEAD_START.read(text)
    return value


def asked_for(call: str, read: Callable[[str], str], *, said_before: bool = False) -> dict[str, Any]:
    """Read what a call on the switch asks for, as fields of `CallArrived`; only what is not the default.

    What cannot be is left out, and a line of the log says so: the call arrives with the rest.

    Args:
        call: the call, for the log.
        read: gives the text of `Needs` (as `write_needs` writes), `Ahead` (ms) and `Seat`; empty for none.
        said_before: the call is known, and so is what is wrong with it: nothing is logged.

    """
    refuse = _ignore if said_before else _refuse
    needs = _sound_part(call, read("Needs"), refuse)
    ahead, seat = read("Ahead"), read("Seat")
    found: dict[str, Any] = {"needs": needs} if needs else {}
    if ahead.isascii() and ahead.isdigit() and len(ahead) < 10 and int(ahead) <= HEAD_START_MAX_MS:
        found |= {"head_start_ms": int(ahead)} if int(ahead) else {}
    elif ahead:
        refuse(call, ahead, f"a head start is 0 to {HEAD_START_MAX_MS} ms")
    if re.fullmatch(SEAT_NAME, seat):
        found["seat"] = seat
    elif seat:
        refuse(call, seat, "a seat is named by its number")
    return found


def _sound_part(call: str, text: str, refuse: Callable[[str, str, str], None]) -> Needs:
    try:
        return read_needs(text)
    except ValueError as error:
        refuse(call, text, str(error))
    sound = []
    for part in text[:TEXT_MAX].split("+")[: rule_text.ALL_MOST]:
        try:
            sound.append(read_need(part))
        except ValueError:
            continue  # the log names the first fault already
    return tuple(sound)


def _refuse(call: str, said: str, reason: str) -> None:
    log.warning("a call asks for what cannot be", call=call, said=said[:80], reason=reason)


def _ignore(_call: str, _said: str, _reason: str) -> None:
    pass


def read_variables(message: Message) -> dict[str, str]:
    """Read the channel variables of a Status line, `Variable: NAME=value` each. One that is not set reads `(null)`."""
    pairs = (line.partition("=") for line in message.all("Variable"))
    return {name: value for name, _, value in pairs if value != "(null)"}


def said(message: Message, header: str) -> str:
    """A caller's number or name; Asterisk writes `<unknown>` where there is none."""
    value = text(message, header)
    return "" if value == "<unknown>" else clean(value, 64)


def number(value: str) -> int | None:
    """Read a whole number of the switch; None for anything else."""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None
