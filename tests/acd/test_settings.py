"""The table of options: documented, complete, and what acd.conf makes of it."""

from pathlib import Path

import pytest

from acd.appointments import AppointmentKind
from acd.chat_settings import ChatSettings, XmppSettings
from acd.core.rules import MEDIA, LineGroupRule, LineRule, MediumRule, OutRule, QueueRule, SeatRule, Step
from acd.hardware import Analog, Span
from acd.mailboxes import MailboxSettings
from acd.numbers import Plan
from acd.problems import Origin
from acd.settings import (
    CallingOutSettings,
    GeneralSettings,
    LineTestSettings,
    Mention,
    PhoneSettings,
    SeatSettings,
    StoreSettings,
    SwitchSettings,
    TrunkSettings,
    VoicemailSettings,
)
from acd.site import check_site, load_site
from acd.site_options import SECTIONS, manual
from acd.smscs import GatewaySettings, SmscSettings
from acd.web_settings import WebSettings
from acd.webhooks import CrmSettings, WebhookSettings

SAMPLE = Path(__file__).parents[2] / "asterisk-config"

SITE = """
[general]
languages = en, pl
[switch]
fallback = 100
[sales]
type = queue
[100]
type = seat
agent = Anna
pin = 7391
queues = sales
"""
FULL = """
[general]
name = Żółw & Co.
language = pl
languages = pl en_GB,en
durability = power
log_level = debug
voice = espeak
snapshot_interval = 2m
ticket = 1d
[switch]
mode = existing
ami_host = pbx.example.org
ami_port = 5039
ami_user = boss
ami_secret = a\\;b"c$d{e}f=12345
agi_host = 127.0.0.2
agi_port = 4574
sip_host = 0.0.0.0
sip_port = 5062
rtp_first = 20000
rtp_last = 20999
fallback = *99
[q](!)
type = queue
strategy = ring-circles
priority = 0
ring = 20
step = after 1m, drop french
[night](q)
[tech-2](q)
needs = french 3 + billing|sales:5
tiers = 0-8 floor 2
tier_seats = 2
seats_most = 7
last_seat = 30d
seat_wait = 45
ahead = 90s
serve_after = 2s
overtake_most = 4
step =
step = after 30s, lower french 2, lower billing 1, tiers 0-9, priority 5, ahead 60s, say still-busy
step = when 10 wait, drop french sales
step = when nobody, go menu night-menu
circle = 3
circle_every = 5s
refusal = 1h
wrap_up = 1500ms
wrap_up_until_coded = yes
wrap_up_most = 1h
max_wait = 24h
waiting_most = 40
expected_most = 10m
join_empty = nobody
leave_empty = paused, wrap-up
closed = yes
overflow = voicemail
overflow_full = queue night
overflow_empty = seat 10
overflow_closed = flow night-desk
overflow_too_long = number *99
overflow_wait =
tell_first = 20s
tell_every = 1m
tell_position = no
tell_wait = no
music = Jazz_2
ring_tone = <http://127.0.0.1>\\;info=external
[10]
type = seat
agent = Zoë
pin = 000000000042
handset = DAHDI/5
secret = correct-horse-battery
language = en_GB
queues = night, tech-2/3
queues += tech-2/3
skills = french 7, billing, sales 10
weight = 5
budget = 150
most = chat 4, telex 2
lines = analog
ring_in_use = yes
set_aside_after = 0
set_aside_on = busy, no-answer
pin_tries = 5
lock = 0
[medium-telex]
type = medium
most = 2
cost = 40
blocks = nothing
interrupted_by = voice, video
[medium-chat]
type = medium
blocks = all
[analog]
type = lines
lines = DAHDI/1, DAHDI/2 5, DAHDI/3 1
pick = least-cost
keep_inbound = 1
keep_emergency = 1
keep_callback = 0
fault = 1m
fault_most = 1d
[carrier]
type = trunk
host = sip.example.com
port = 5061
protocol = tcp
user = +4930123
password = pass;word
register = no
match = 192.0.2.0/24, sip2.example.com
qualify = 10s
[pause-reasons]
0 = back office
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acd.conf").write_text(SITE)
    return tmp_path


def test_the_sample_site_loads():
    """The sample is the site that README and demo speak of, and nothing but its published PINs is complained of."""
    site = load_site(SAMPLE)
    assert list(site.queues) == ["sales", "support", "reception"]
    assert {name: seat.agent for name, seat in site.seats.items()} == {
        "101": "Anna Nowak",
        "102": "Ben Carter",
        "103": "Chloe Martin",
        "104": "Dawid Kowalski",
    }
    assert site.general.languages == ("en", "pl")
    assert site.pause_reasons == {"1": "break", "2": "lunch", "3": "training", "4": "back office"}
    assert [(p.severity, p.message) for p in check_site(SAMPLE)] == [
        ("warning", f"the PIN of seat '{seat}' holds the seat's number") for seat in site.seats
    ]


def test_every_option_is_documented():
    """The manual's tables are the ones made from the program's table; no option is missing or told otherwise."""
    pages = "".join(page.read_text() for page in sorted(SAMPLE.glob("*.md")))
    for section in manual().split("\n\n### "):
        assert section in pages
    for options in SECTIONS.values():
        for option in options:
            label = option.kind.label.replace("|", "\\|")
            assert f"| `{option.name}` | {label} |" in pages


def test_a_minimal_site_takes_all_defaults(folder: Path):
    """What acd.conf leaves out is what the rules and settings have by themselves: there is one set of defaults."""
    site = load_site(folder)
    assert (site.general, site.switch) == (GeneralSettings(languages=("en", "pl")), SwitchSettings(fallback="100"))
    assert (check_site(folder), site.queues, site.pause_reasons) == ([], {"sales": QueueRule(name="sales")}, {})
    rule = SeatRule(name="100", queues=("sales",))
    assert site.seats == {"100": SeatSettings(rule=rule, agent="Anna", pin="7391", handset="PJSIP/100", language="en")}


def test_every_default_is_a_legal_value():
    """Each default of the table can be read by its own kind."""
    for options in SECTIONS.values():
        for option in options:
            if option.default is not None and not option.many:
                option.kind.read(option.default)


def test_every_option_has_a_place():
    """No option is read and forgotten; each reason of `overflow` is one, a seat's `tiers` stand with its queues."""
    beside = {f"overflow_{reason}" for reason in ("full", "empty", "closed", "too_long", "wait")}
    beside |= {"music", "ring_tone", "caller_id", "extension", "callback_hours"}
    homes = {
        "general": {*GeneralSettings.__struct_fields__},
        "switch": {*SwitchSettings.__struct_fields__} - {"agi_secret"},  # made, never written by hand
        "voicemail": {*VoicemailSettings.__struct_fields__},
        "queue": {*QueueRule.__struct_fields__, *beside} - {"name"},
        "seat": {*SeatRule.__struct_fields__, *SeatSettings.__struct_fields__} - {"name", "rule", "tiers", "order"},
        "phone": {*PhoneSettings.__struct_fields__},
        "medium": {*MediumRule.__struct_fields__} - {"name", "virtual", "becomes", "desk"},  # no site says what one is
        "lines": {*LineGroupRule.__struct_fields__, "numbers", *LineTestSettings.__struct_fields__} - {"name"},
        "store": {*StoreSettings.__struct_fields__},
        "web": {*WebSettings.__struct_fields__},
        "mailbox": {*MailboxSettings.__struct_fields__} - {"section"},
        "appointment": {*AppointmentKind.__struct_fields__} - {"section"},
        "smsc": {*SmscSettings.__struct_fields__} - {"section"},
        "sms-gateway": {*GatewaySettings.__struct_fields__} - {"section", "alphabet", "parts_ms"},
        "chat": {*ChatSettings.__struct_fields__} - {"section"},
        "webhook": {*WebhookSettings.__struct_fields__} - {"section"},
        "crm": {*CrmSettings.__struct_fields__} - {"section"},
        "xmpp": {*XmppSettings.__struct_fields__} - {"section"},
        "trunk": {*TrunkSettings.__struct_fields__} - {"name"},
        "calling-out": {*OutRule.__struct_fields__, *Plan.__struct_fields__, *CallingOutSettings.__struct_fields__}
        - {"rule", "plan"},
        "span": {*Span.__struct_fields__} - {"name"},
        "analog": {*Analog.__struct_fields__} - {"name"},
    }
    assert {kind: {one.field or one.name for one in options} for kind, options in SECTIONS.items()} == homes


def test_every_option_is_read(folder: Path):
    """A value for each option, in each unit, arrives where it belongs."""
    (folder / "acd.conf").write_text(FULL)
    site = load_site(folder)
    assert site.general == GeneralSettings(
        name="Żółw & Co.",
        language="pl",
        languages=("pl", "en_GB", "en"),
        durability="power",
        log_level="debug",
        voice="espeak",
        snapshot_interval_ms=120_000,
        ticket_ms=86_400_000,
    )
    assert site.switch == SwitchSettings(
        fallback="*99",
        mode="existing",
        ami_host="pbx.example.org",
        ami_port=5039,
        ami_user="boss",
        ami_secret='a;b"c$d{e}f=12345',
        agi_host="127.0.0.2",
        agi_port=4574,
        sip_host="0.0.0.0",
        sip_port=5062,
        rtp_first=20_000,
        rtp_last=20_999,
    )
    assert site.pause_reasons == {"0": "back office"}


def test_every_option_of_a_queue_is_read(folder: Path):
    """Each option of a queue becomes a field of its rule; what names another file's things is noted with its line."""
    (folder / "acd.conf").write_text(FULL)
    site = load_site(folder)
    french_or = (("french", 3),), (("billing", 1), ("sales", 5))
    first = Step(
        after_ms=30_000,
        lower=(("french", 2), ("billing", 1)),
        tiers=(0, 9, 0),
        priority=5,
        ahead_ms=60_000,
        announce="still-busy",
    )
    second = Step(when_waiting=10, drop=("french", "sales"))
    third = Step(when_nobody=True, go="menu night-menu")
    assert site.queues["tech-2"] == QueueRule(
        name="tech-2",
        strategy="ring-circles",
        priority=0,
        ahead_ms=90_000,
        needs=french_or,
        tiers=(0, 8, 2),
        tier_seats=2,
        steps=(first, second, third),
        ring_ms=20_000,
        circle_seats=3,
        circle_ms=5_000,
        wrap_up_ms=1_500,
        wrap_up_until_coded=True,
        wrap_up_most_ms=3_600_000,
        refusal_ms=3_600_000,
        max_wait_ms=86_400_000,
        serve_after_ms=2_000,
        seats_most=7,
        waiting_most=40,
        expected_most_ms=600_000,
        join_empty=(),
        leave_empty=("paused", "wrap-up"),
        closed=True,
        overflow={
            "full": "queue night",
            "empty": "seat 10",
            "closed": "flow night-desk",
            "too-long": "number *99",
            "wait": "voicemail",
        },
        overtake_most=4,
        last_seat_ms=2_592_000_000,
        seat_wait_ms=45_000,
        tell_first_ms=20_000,
        tell_every_ms=60_000,
        tell_position=False,
        tell_wait=False,
    )
    assert site.music == {"night": "default", "tech-2": "Jazz_2"}
    assert site.ring_tones == {"tech-2": "<http://127.0.0.1>;info=external"}


def test_what_is_inherited_and_what_the_rules_name(folder: Path):
    """Steps come from the template; flows, menus and prompts that rules name are noted, with the line that does."""
    (folder / "acd.conf").write_text(FULL)
    site = load_site(folder)
    assert site.queues["night"].steps == (Step(after_ms=60_000, drop=("french",)),), "inherited"
    line = FULL[: FULL.index("step = when nobody")].count("\n") + 1
    assert set(site.mentions) == {
        Mention(Origin("acd.conf", line + 16), "flow", "night-desk"),
        Mention(Origin("acd.conf", line - 2), "prompt", "still-busy"),
        Mention(Origin("acd.conf", line), "menu", "night-menu"),
    }


def test_every_option_of_a_seat_is_read(folder: Path):
    """Each option of a seat becomes a field of its rule or stands beside it; its place in the file is its order."""
    (folder / "acd.conf").write_text(FULL)
    site = load_site(folder)
    assert site.seats["10"] == SeatSettings(
        rule=SeatRule(
            name="10",
            queues=("night", "tech-2"),
            tiers=(0, 3),
            skills=(("french", 7), ("billing", 1), ("sales", 10)),
            weight=5,
            budget=150,
            most={"chat": 4, "telex": 2},
            line_group="analog",
            ring_in_use=True,
            set_aside_after=0,
            set_aside_on=("busy", "no-answer"),
            pin_tries=5,
            lock_ms=0,
        ),
        agent="Zoë",
        pin="000000000042",
        handset="DAHDI/5",
        secret="correct-horse-battery",
        language="en_GB",
    )


def test_media_and_lines_are_read(folder: Path):
    """A medium's section changes what it says and leaves the rest as it is; lines are named with their costs."""
    (folder / "acd.conf").write_text(FULL)
    site = load_site(folder)
    media = {rule.name: rule for rule in site.media}
    assert media["telex"] == MediumRule(name="telex", most=2, cost=40, blocks=(), interrupted_by=("voice", "video"))
    assert media["chat"] == MediumRule(name="chat", most=3, blocks=("*",), virtual=True, desk=True)  # the rest stays
    assert site.media[: len(MEDIA)] == tuple(media[rule.name] for rule in MEDIA)
    assert all(media[rule.name] == rule for rule in MEDIA if rule.name in {"voice", "email"})
    assert site.line_groups == (
        LineGroupRule(
            name="analog",
            lines=(LineRule(name="DAHDI/1"), LineRule(name="DAHDI/2", cost=5), LineRule(name="DAHDI/3", cost=1)),
            pick="least-cost",
            keep_inbound=1,
            keep_emergency=1,
            fault_ms=60_000,
            fault_most_ms=86_400_000,
        ),
    )
