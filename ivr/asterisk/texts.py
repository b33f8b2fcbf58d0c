"""How values are written into Asterisk's files."""

import re
from typing import Final

_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f]")


def escaped(value: str) -> str:
    """Make a value safe to stand behind `=` in an Asterisk file: one line, and `;` begins no comment.

    A backslash is itself there unless a `;` follows, and only the one before the `;` is taken away (main/config.c).
    """
    return _UNSAFE.sub(" ", value).strip().replace(";", "\\;")


def caller_id(name: str, number: str) -> str:
    """Write a caller ID: nothing in the name ends it early."""
    display = escaped(re.sub(r'["<>\\]', "", name))
    return f'"{display}" <{number}>'


def mailbox(phone: str) -> str:
    """Name what a phone's message lamp shows: a mailbox that exists nowhere but in callfloor's word (acd-lamp)."""
    return f"{phone}@callfloor"
