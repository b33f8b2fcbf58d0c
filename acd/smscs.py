"""The settings of short messages; how they are written: `acd.sms_options`."""

from typing import ClassVar, Literal, NamedTuple

from acd.discreet import Discreet
from acd.mailboxes import Place


class OwnNumber(NamedTuple):
    """A number of the site's that customers write to."""

    number: str
    """In its normal form (`acd.channels.sms.addresses`)."""
    queue: str


class GateSettings(Discreet, frozen=True, kw_only=True):
    """A way by which texts come and go. What the fields mean: `acd.sms_options`."""

    section: str
    numbers: tuple[OwnNumber, ...]
    answers_by: str = ""
    """The section that sends its answers; empty: itself."""
    alphabet: Literal["gsm", "latin1", "utf8"] = "gsm"
    parts_ms: int = 600_000
    give_up_ms: int = 86_400_000
    acknowledge: bool = False
    stop_words: tuple[str, ...] = ()
    """Empty: those of `acd.channels.sms.wishes`."""
    start_words: tuple[str, ...] = ()


class SmscSettings(GateSettings, frozen=True, kw_only=True):
    """A message centre."""

    hidden: ClassVar[frozenset[str]] = frozenset({"secret"})

    host: Place
    user: str
    secret: str = ""
    bind: Literal["transceiver", "receiver", "transmitter"] = "transceiver"
    system_type: str = ""
    tls: bool = False
    window: int = 10
    rate: int = 10
    enquire_ms: int = 30_000


class GatewaySettings(GateSettings, frozen=True, kw_only=True):
    """A provider that speaks HTTP."""

    hidden: ClassVar[frozenset[str]] = frozenset({"secret", "headers", "url", "body"})

    listen: Place
    secret: str
    url: str
    signature_header: str = "X-Signature"
    time_header: str = "X-Timestamp"
    id_field: str = "id"
    from_field: str = "from"
    to_field: str = "to"
    text_field: str = "text"
    receipt_id_field: str = "id"
    receipt_state_field: str = "status"
    method: Literal["POST", "PUT", "GET"] = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    form: Literal["json", "form", "none"] = "json"
    body: str = ""
    answer_id: str = ""
    timeout_ms: int = 10_000
    rate: int = 10
