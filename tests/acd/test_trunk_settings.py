"""Trunks and their lines in acd.conf: what is read, and what is told of mistakes."""

from pathlib import Path

import msgspec
import pytest

from acd.settings import LineTestSettings, TrunkSettings
from acd.site import check_site, load_site

SITE = """
[general]
[switch]
fallback = 101
[sales]
type = queue
[101]
type = seat
agent = Anna
pin = 80617
queues = sales
"""
CARRIER = """
[carrier]
type = trunk
host = sip.example.com
port = 5061
protocol = tcp
user = +4930123
password = pass\\;word
register = no
match = 192.0.2.0/24, sip2.example.com
qualify = 10s
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_trunks_are_read(folder: Path):
    """Everything that is written of a trunk arrives; its password shows nowhere."""
    (folder / "acd.conf").write_text(f"{SITE}\n{CARRIER}")
    (trunk,) = load_site(folder).trunks.values()
    assert trunk == TrunkSettings(
        name="carrier",
        host="sip.example.com",
        port=5061,
        protocol="tcp",
        user="+4930123",
        password="pass;word",
        register=False,
        match=("192.0.2.0/24", "sip2.example.com"),
        qualify_ms=10_000,
    )
    assert "pass;word" not in repr(trunk)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("[handset]\ntype = trunk\nhost = a", "a trunk cannot be named 'handset'"),
        ("[trunk]\ntype = trunk\nhost = a", "a trunk cannot be named 'trunk'"),
        ("[line-aor]\ntype = trunk\nhost = a", "a trunk cannot be named 'line-aor'"),
        ("[c]\ntype = trunk\nhost = a\npassword = x", "trunk 'c' has a password and no user"),
        ("[c]\ntype = trunk\nhost = a\nuser = x", "warning: trunk 'c' has a user and no password"),
        (
            "[c]\ntype = trunk\nhost = a\n[d]\ntype = trunk\nhost = b\nmatch = A",
            "calls from A could be of trunk 'c' and of 'd'",
        ),
        ("[c]\ntype = trunk", "trunk 'c' has no 'host'"),
        ("[c]\ntype = trunk\nhost = a b", "'a b'"),
        ("[c]\ntype = trunk\nhost = a\nuser = a\\;b", "user"),
        ("[x]\ntype = lines\nlines = a*1\ntest_every = 1d", "the lines of 'x' have no test_number"),
        ("[x]\ntype = lines\nlines = a*1\ntest_number = 1\ntest_at = 3:00", "warning: test_at of 'x' has no effect"),
        ("[x]\ntype = lines\nlines = a*1\ntest_number = 1\ntest_at = 24:00", "'24:00' is not a time of day"),
        ("[x]\ntype = lines\nlines = a*1\ntest_number = 1&2", "'1&2' cannot be used"),
        ("[x]\ntype = lines\nlines = a*1\ntest_mos_least = 4.6", "'4.6' is not a number from 1.0 to 4.5"),
        ("[x]\ntype = lines\nlines = carrier*0", "'carrier*0' cannot be used"),
        ("[x]\ntype = lines\nlines = DAHDI/1*3", "'DAHDI/1*3' cannot be used"),
        ("[x]\ntype = lines\nlines = carrier*2, carrier*3", "line 'carrier:1' is twice in 'x'"),
    ],
)
def test_mistakes_in_trunks(folder: Path, lines: str, told: str):
    """What cannot be, or cannot be told apart, is said."""
    (folder / "acd.conf").write_text(f"{SITE}\n{lines}\n")
    assert any(told in str(problem) for problem in check_site(folder)), list(map(str, check_site(folder)))


def test_a_sip_trunk_has_as_many_lines_as_calls_at_a_time(folder: Path):
    """`carrier*3` is three lines, of one cost."""
    (folder / "acd.conf").write_text(f"{SITE}\n[x]\ntype = lines\nlines = carrier*3 7, DAHDI/1\n")
    (group,) = load_site(folder).line_groups
    assert [(line.name, line.cost) for line in group.lines] == [
        *((f"carrier:{number}", 7) for number in (1, 2, 3)),
        ("DAHDI/1", 0),
    ]


def test_how_lines_are_tested(folder: Path):
    """What a group says of tests arrives beside its rule, in minutes of the day and in ms; left out, no test comes."""
    test = "test_number = *60\ntest_wait = 4s\ntest_keys = no\ntest_every = 12h\ntest_at = 3:15\ntest_mos_least = 3.8"
    groups = f"[x]\ntype = lines\nlines = a*1\n{test}\n[y](x)\nlines = b*1\ntest_at =\n[z]\ntype = lines\nlines = c*1\n"
    (folder / "acd.conf").write_text(f"{SITE}\n{groups}")
    site = load_site(folder)
    expected = LineTestSettings(number="*60", wait_ms=4_000, keys=False, every_ms=43_200_000, minute=195, mos_least=3.8)
    assert site.line_tests == {
        "x": expected,
        "y": msgspec.structs.replace(expected, minute=None),
        "z": LineTestSettings(),
    }
