"""The table of options: documented, complete, and what acd.conf makes of it."""

from pathlib import Path

import pytest

from acd.core.rules import QueueRule, SeatRule
from acd.settings import SECTIONS, GeneralSettings, SeatSettings, SwitchSettings, manual
from acd.site import check_site, load_site

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
strategy = longest-idle
priority = 0
ring = 20
[tech-2](q)
wrap_up = 1500ms
refusal = 1h
max_wait = 24h
[10]
type = seat
agent = Zoë
pin = 000000000042
handset = DAHDI/5
secret = correct-horse-battery
language = en_GB
queues = tech-2
queues += tech-2
set_aside_after = 0
pin_tries = 5
lock = 0
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
            assert f"| `{option.name}` | {option.kind.label} |" in pages


def test_a_minimal_site_takes_all_defaults(folder: Path):
    """What acd.conf leaves out is what the rules and settings have by themselves: there is one set of defaults."""
    site = load_site(folder)
    assert check_site(folder) == []
    assert site.general == GeneralSettings(languages=("en", "pl"))
    assert site.switch == SwitchSettings(fallback="100")
    assert site.queues == {"sales": QueueRule(name="sales")}
    rule = SeatRule(name="100", queues=("sales",))
    assert site.seats == {"100": SeatSettings(rule=rule, agent="Anna", pin="7391", handset="PJSIP/100", language="en")}
    assert site.pause_reasons == {}


def test_every_default_is_a_legal_value():
    """Each default of the table can be read by its own kind."""
    for options in SECTIONS.values():
        for option in options:
            if option.default is not None:
                option.kind.read(option.default)


def test_every_option_has_a_place():
    """The table and the objects have the same fields, so no option is read and forgotten."""
    homes = {
        "general": {*GeneralSettings.__struct_fields__},
        "switch": {*SwitchSettings.__struct_fields__} - {"agi_secret"},  # made, never written by hand
        "queue": {*QueueRule.__struct_fields__, "music"} - {"name"},  # `Site.music` is by queue
        "seat": {*SeatRule.__struct_fields__, *SeatSettings.__struct_fields__} - {"name", "rule"},
    }
    for kind, options in SECTIONS.items():
        assert {option.field or option.name for option in options} <= homes[kind]


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
    assert site.queues["tech-2"] == QueueRule(
        name="tech-2", priority=0, ring_ms=20_000, wrap_up_ms=1_500, refusal_ms=3_600_000, max_wait_ms=86_400_000
    )
    assert site.seats["10"] == SeatSettings(
        rule=SeatRule(name="10", queues=("tech-2",), set_aside_after=0, pin_tries=5, lock_ms=0),
        agent="Zoë",
        pin="000000000042",
        handset="DAHDI/5",
        secret="correct-horse-battery",
        language="en_GB",
    )
    assert site.pause_reasons == {"0": "back office"}
