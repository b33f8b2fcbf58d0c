"""What acd.conf becomes: the settings of a site, and what its names may look like.

The options of all types of sections are put together in `acd.site_options`.
"""

from typing import ClassVar, Literal, NamedTuple

from msgspec import Struct, field

from acd.appointments import AppointmentKind
from acd.chat_settings import ChatSettings, XmppSettings
from acd.core.rules import MEDIA, LineGroupRule, MediumRule, OutRule, QueueRule, SeatRule
from acd.discreet import Discreet
from acd.hardware import DEVICE, Analog, Span, device
from acd.hours import Hours
from acd.mailboxes import MailboxSettings
from acd.numbers import Plan
from acd.options import number, pattern, secret
from acd.problems import Origin
from acd.smscs import GatewaySettings, SmscSettings
from acd.web_settings import WebSettings
from acd.webhooks import CrmSettings, WebhookSettings

GENERATE = "generate"
"""Written as a secret: the instance makes a random one at its first start and keeps it."""

QUEUE_NAME = r"[a-z0-9][a-z0-9_-]{0,39}"
SEAT_NAME = r"[0-9]{2,8}"
PHONE_NAME = r"[a-z0-9][a-z0-9_-]{0,39}"
MEDIUM_NAME = r"[a-z][a-z0-9]{0,19}"
GROUP_NAME = r"[a-z0-9][a-z0-9_-]{0,39}"
LINE_NAME = r"[A-Za-z0-9][A-Za-z0-9_./-]{0,39}"
RING_TONE = r"([1-4]|[A-Za-z<][A-Za-z0-9<>:/;=._?@%+ -]{0,119})?"  # no comma: AMI parts variables at it
MUSIC_CLASS = r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}"
LANGUAGE = r"[a-z]{2,3}(_[A-Z]{2})?"
TEST_NUMBER = r"[0-9*#+][0-9*#]{0,31}"
REASON_DIGIT = r"[0-9]"
REASON = r"[a-z0-9][a-z0-9 _-]{0,39}"

HOST = pattern(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", "IPv4 address or host name")
TEXT = pattern(r'[^"<>\\\x00-\x1f\x7f]{1,80}', 'text without " < > \\')  # it goes into caller IDs and prompts
PHONE_NUMBER = pattern(r"(\+?[0-9]{3,15})?", "number, 3 to 15 digits, a + before it or not")
PORT = number(1, 65_535)
SECRET = secret(r"[!-~]{1,80}", f"12 to 80 visible ASCII characters, or {GENERATE}", empty=GENERATE)


class GeneralSettings(Struct, frozen=True, kw_only=True):
    """Section `[general]`."""

    name: str = "callfloor"
    language: str = "en"
    languages: tuple[str, ...] = ("en",)
    durability: Literal["process", "power"] = "process"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    voice: str = "auto"
    """A speech engine; see `ivr.voices`."""
    recogniser: str = "auto"
    """Another, which understands; see `ivr.recognisers`."""
    snapshot_interval_ms: int = 60_000
    ticket_ms: int = 14_400_000
    resume_ms: int = 1_800_000
    journal_keep_ms: int = 90 * 86_400_000


class SwitchSettings(Discreet, frozen=True, kw_only=True):
    """Section `[switch]`: how callfloor and Asterisk meet."""

    hidden: ClassVar[frozenset[str]] = frozenset({"ami_secret", "agi_secret"})

    fallback: str
    mode: Literal["private", "existing"] = "private"
    ami_host: str = "127.0.0.1"
    ami_port: int = 5038
    ami_user: str = "callfloor"
    ami_secret: str = ""
    """Empty until `acd.site.fill_secrets` when the instance is to make one."""
    agi_host: str = "127.0.0.1"
    agi_port: int = 4573
    agi_secret: str = ""
    """First word of every path Asterisk asks for: FastAGI knows no password, and the port is open to all who are on
    this machine. No option; `acd.site.fill_secrets` makes it."""
    sip_host: str = "127.0.0.1"
    sip_port: int = 5060
    rtp_first: int = 10_000
    rtp_last: int = 10_999
    tones: str = "us"


class SeatSettings(Discreet, frozen=True, kw_only=True):
    """A seat: its rule for the core, and what only the edge may know."""

    hidden: ClassVar[frozenset[str]] = frozenset({"pin", "secret"})

    rule: SeatRule
    agent: str
    pin: str
    handset: str
    """Asterisk's name of the device, such as `PJSIP/101`."""
    language: str
    secret: str = ""
    """The handset's SIP password. Empty until `acd.site.fill_secrets` when the instance is to make one."""
    supervisor: bool = False
    """May do from the handset what is for supervisors, see `ivr.codes`."""
    location: str | None = None
    """Where it is: told when it calls for help."""
    emergency_id: str = ""
    """The number that is shown then, by which help finds it."""


NumberForm = Literal["plus", "digits", "national"]
"""How numbers are dialled on a group of lines: `+4930123`, `4930123`, or as one would dial it in the site's country."""


class CallingOutSettings(Struct, frozen=True, kw_only=True):
    """Section `[calling-out]`."""

    plan: Plan | None = None
    """None: nobody calls out."""
    rule: OutRule = OutRule()
    prefix: str = "0"
    caller_id: str = ""
    rates: dict[str, int] = field(default_factory=dict)
    """Prefix to what a minute costs."""


class PhoneSettings(Discreet, frozen=True, kw_only=True):
    """A phone that is no seat's own: whoever logs in there is rung there."""

    hidden: ClassVar[frozenset[str]] = frozenset({"secret"})

    handset: str
    """Asterisk's name of the device, such as `PJSIP/lobby`."""
    language: str
    secret: str = ""
    """Its SIP password. Empty until `acd.site.fill_secrets` when the instance is to make one."""
    location: str | None = None
    """Where it is: told when it calls for help, whoever has logged in there."""
    emergency_id: str = ""
    """The number that is shown then, by which help finds it."""


class TrunkSettings(Discreet, frozen=True, kw_only=True):
    """A SIP trunk: where it is, and who we are there."""

    hidden: ClassVar[frozenset[str]] = frozenset({"password"})

    name: str
    host: str
    port: int = 5060
    protocol: Literal["udp", "tcp"] = "udp"
    user: str = ""
    password: str = ""
    register: bool = True
    """Tell the other side where we are, if there is a user."""
    match: tuple[str, ...] = ()
    """Where its calls come from; `host` if empty."""
    qualify_ms: int = 60_000
    """How often it is asked whether it is there; 0 for never."""


class LineTestSettings(Struct, frozen=True, kw_only=True):
    """How the lines of a group are tested; beside their rule, for the core need not know."""

    number: str = ""
    """Who answers there echoes; empty for no tests but those with a number of their own."""
    wait_ms: int = 0
    keys: bool = True
    every_ms: int = 0
    """0: only when somebody asks for it."""
    minute: int | None = None
    """Of the day, in the machine's own time, from which `every_ms` counts; None: from the last test."""
    mos_least: float = 3.5


class VoicemailSettings(Struct, frozen=True, kw_only=True):
    """Section `[voicemail]`."""

    keep_ms: int = 30 * 86_400_000
    defer_ms: int = 900_000
    priority: int | None = None
    """Priority class of messages; None: their queue's."""
    queue: str = ""
    """Of messages whose caller has waited in none, and for which none is named."""


class StoreSettings(Discreet, frozen=True, kw_only=True):
    """Section `[store]`: the customer file."""

    hidden: ClassVar[frozenset[str]] = frozenset({"database"})

    database: str = "sqlite"
    """`sqlite` in the home, a URL of PostgreSQL, or `none`."""
    keep_days: tuple[tuple[str, int], ...] = ()
    """Medium, or `all`, and for how many days its contacts are kept; 0 for ever."""
    keep_bodies_days: tuple[tuple[str, int], ...] = ()
    """And what was written in them."""


class Mention(NamedTuple):
    """Something that a rule of a queue names and that ivr.conf or the flow files must have."""

    origin: Origin
    noun: Literal["flow", "menu", "prompt"]
    name: str


class Site(Struct, frozen=True, kw_only=True):
    """What acd.conf says, checked."""

    general: GeneralSettings
    switch: SwitchSettings
    queues: dict[str, QueueRule] = field(default_factory=dict)
    music: dict[str, str] = field(default_factory=dict)
    """Queue to the class of musiconhold.conf that its callers hear; beside the rules, for the core need not know."""
    extensions: dict[str, str] = field(default_factory=dict)
    """Queue to the number that agents dial for it, of those that have one."""
    ring_tones: dict[str, str] = field(default_factory=dict)
    """Queue to how phones ring for its calls, where that is told; of these, too, the core need not know."""
    media: tuple[MediumRule, ...] = MEDIA
    line_groups: tuple[LineGroupRule, ...] = ()
    number_forms: dict[str, NumberForm] = field(default_factory=dict)
    """Group of lines to how numbers are dialled there."""
    calling_out: CallingOutSettings = CallingOutSettings()
    callback_hours: dict[str, Hours] = field(default_factory=dict)
    """Queue to when its customers are called back, of those that say so."""
    caller_ids: dict[str, str] = field(default_factory=dict)
    """Queue to the number that its seats show when they call out."""
    line_tests: dict[str, LineTestSettings] = field(default_factory=dict)
    """By group of lines."""
    trunks: dict[str, TrunkSettings] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    analog: dict[str, Analog] = field(default_factory=dict)
    seats: dict[str, SeatSettings] = field(default_factory=dict)
    phones: dict[str, PhoneSettings] = field(default_factory=dict)
    pause_reasons: dict[str, str] = field(default_factory=dict)
    """Digit to reason, in the order of the file."""
    voicemail: VoicemailSettings = VoicemailSettings()
    store: StoreSettings = StoreSettings()
    web: WebSettings = WebSettings()
    mailboxes: dict[str, MailboxSettings] = field(default_factory=dict)
    appointments: dict[str, AppointmentKind] = field(default_factory=dict)
    smscs: dict[str, SmscSettings] = field(default_factory=dict)
    gateways: dict[str, GatewaySettings] = field(default_factory=dict)
    chats: dict[str, ChatSettings] = field(default_factory=dict)
    webhooks: dict[str, WebhookSettings] = field(default_factory=dict)
    crms: dict[str, CrmSettings] = field(default_factory=dict)
    xmpp: dict[str, XmppSettings] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    """Digit to what can be said of a call after it (its disposition)."""
    mentions: tuple[Mention, ...] = ()
    """What the rules name of the other files; whoever reads those checks that it is there."""

    @property
    def hardware_lines(self) -> dict[str, tuple[str, ...]]:
        """Span or section of analog lines -> the lines that it is."""
        lines = {name: span.lines for name, span in self.spans.items()}
        lines |= {name: analog.fxo for name, analog in self.analog.items()}
        return {name: tuple(device(channel) for channel in channels) for name, channels in lines.items()}

    @property
    def analog_handsets(self) -> dict[str, int]:
        """Seat -> the channel that its telephone is at; of seats with an analog handset."""
        found = {name: DEVICE.fullmatch(seat.handset) for name, seat in self.seats.items()}
        return {name: int(match[1]) for name, match in found.items() if match is not None}

    @property
    def has_hardware(self) -> bool:
        """Whether Asterisk needs chan_dahdi for what is written here."""
        return bool(self.spans or self.analog or self.analog_handsets)
