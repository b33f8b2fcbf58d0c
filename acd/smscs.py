"""The settings of short messages; how they are written: `acd.sms_options`."""

from typing import ClassVar, Literal, NamedTuple

from acd.discreet import Discreet
from acd.mailboxes import Place


class OwnNumber(NamedTuple):
    """A number of the site's that customers write to."""

    number: str
    """In its normal form (`acd.channels.sms.addresses`)."""
    queue: str


class SmscSettings(Discreet, frozen=True, kw_only=True):
    """A message centre. What the fields mean: `acd.sms_options`."""

    hidden: ClassVar[frozenset[str]] = frozenset({"secret"})

    section: str
    host: Place
    user: str
    numbers: tuple[OwnNumber, ...]
    secret: str = ""
    bind: Literal["transceiver", "receiver", "transmitter"] = "transceiver"
    answers_by: str = ""
    """The section that sends its answers; empty: itself."""
    system_type: str = ""
    tls: bool = False
    window: int = 10
    rate: int = 10
    enquire_ms: int = 30_000
    alphabet: Literal["gsm", "latin1", "utf8"] = "gsm"
    parts_ms: int = 600_000
    give_up_ms: int = 86_400_000
    acknowledge: bool = False
    stop_words: tuple[str, ...] = ()
    """Empty: those of `acd.channels.sms.wishes`."""
    start_words: tuple[str, ...] = ()
