"""What the settings say about texts while one is stored: as functions, for the customer file knows no settings."""

from collections.abc import Callable

from msgspec import Struct

from acd.channels.sms.wishes import Wish


class Notices(Struct, frozen=True):
    """What is said by itself. Each is given the case's number and the text, and gives the words; "" for nothing."""

    acknowledgement: Callable[[int | None, str], str]
    confirmation: Callable[[int | None, str], str]
    """That he is sent nothing any more."""
    wish: Callable[[str], Wish]
    out_gate: Callable[[str], str]
    """By which section answers to what came by another one go."""
    queue_of: Callable[[str, str], str]
    """Where texts to a number of ours wait that came by a section."""
    country: str
