"""Spans, analog lines and telephones in acd.conf: what is read, what follows by itself, what is told of mistakes."""

from pathlib import Path

import pytest

from acd.hardware import Analog, Span, ranges
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
OFFICE = """
[office]
type = span
span = 1
kind = e1
"""
PBX = """
[old-pbx]
type = span
span = 2
kind = t1
signalling = em_w
digits = 4
"""
COPPER = """
[copper]
type = analog
fxo = 56-58, 60
number = 5550100
"""
OUT = "[out]\ntype = lines\nlines = "
BEN = "[102]\ntype = seat\nagent = Ben\npin = 80618\nhandset = DAHDI/57"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def written(folder: Path, *texts: str) -> Path:
    (folder / "acd.conf").write_text("\n".join((SITE, *texts)))
    return folder


def test_what_is_not_written_follows(folder: Path):
    """An E1 towards the exchange is euroISDN with CRC4 and the first clock; a T1 begins where it ends."""
    site = load_site(written(folder, OFFICE, PBX, COPPER))
    assert site.spans == {
        "office": Span(name="office", number=1, kind="e1", crc4=True, timing=1, first=1),
        "old-pbx": Span(
            name="old-pbx",
            number=2,
            kind="t1",
            signalling="em_w",
            switch="national",
            framing="esf",
            coding="b8zs",
            timing=2,
            digits=4,
            first=32,
        ),
    }
    assert site.analog == {"copper": Analog(name="copper", fxo=(56, 57, 58, 60), number="5550100")}
    assert site.has_hardware


@pytest.mark.parametrize(
    ("kind", "signalling", "lines", "d_channel"),
    [
        ("e1", "pri", "40-54,56-70", 55),
        ("t1", "pri", "40-62", 63),
        ("t1", "em_w\ndigits = 3", "40-63", None),
        ("e1", "em\ndigits = 3", "40-54,56-70", None),
        ("e1", "pri\nchannels = 40-49", "40-49", 55),
        ("t1", "em\ndigits = 3\nchannels = 56-63", "56-63", None),
        ("t1", "bank", "", None),
    ],
)
def test_which_channels_carry_calls(folder: Path, kind: str, signalling: str, lines: str, d_channel: int | None):
    """All but the one that signals; E&M on a T1 needs none."""
    text = f"[one]\ntype = span\nspan = 7\nfirst = 40\nkind = {kind}\nsignalling = {signalling}\n"
    span = load_site(written(folder, text)).spans["one"]
    assert (ranges(span.lines), span.d_channel) == (lines, d_channel)


def test_clocks_are_chosen_in_order(folder: Path):
    """Towards an exchange, spans are sources one after the other; where we are one, none; a given one stays."""
    span = "[{0}]\ntype = span\nspan = {1}\nkind = e1\n{2}\n"
    said = ["timing = 1", "side = net", "", "", "timing = 0"]
    texts = [span.format(name, "abcde".index(name) + 1, option) for name, option in zip("abcde", said, strict=True)]
    spans = load_site(written(folder, *texts)).spans
    assert [spans[name].timing for name in "abcde"] == [1, 0, 2, 3, 0]
    assert [spans[name].first for name in "abcde"] == [1, 32, 63, 94, 125]


def test_a_group_names_hardware_by_its_section(folder: Path):
    """All lines of a span or of a piece of copper, of one cost, beside others."""
    site = load_site(written(folder, OFFICE, PBX, COPPER, "[out]\ntype = lines\nlines = office 3, copper, carrier*2\n"))
    [group] = site.line_groups
    assert len(group.lines) == 30 + 4 + 2
    assert [(line.name, line.cost) for line in group.lines[14:16]] == [("DAHDI/15", 3), ("DAHDI/17", 3)]
    assert [line.name for line in group.lines[30:]] == [
        *(f"DAHDI/{n}" for n in (56, 57, 58, 60)),
        "carrier:1",
        "carrier:2",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (OFFICE + "framing = cas", "acd.conf:18: span 'office' cannot be framed as cas; an E1 with PRI has ccs"),
        (OFFICE + "coding = b8zs", "an E1 has hdb3 or ami"),
        (PBX.replace("2", "1") + "crc4 = yes", "CRC4 is of E1"),
        (PBX.replace("2", "1").replace("digits = 4", ""), "does not say how many digits the exchange sends"),
        (OFFICE + "signalling = em_w\ndigits = 4", "E&M with a wink is of T1"),
        (PBX, "is number 2, and which channel it begins at does not follow from the others"),
        (OFFICE + OFFICE.replace("office", "other"), "sections 'office' and 'other' are both span 1"),
        (OFFICE + PBX + "first = 31", "channel 31 is of 'office', and of 'old-pbx' too"),
        (OFFICE + "[copper]\ntype = analog\nfxo = 31-33", "channel 31 is of 'office', and of 'copper' too"),
        (COPPER + BEN, "channel 57 is of 'copper', and of '102' too"),
        (OUT + "DAHDI/16" + OFFICE, "DAHDI/16 is no line: it is of 'office', and signals for the others"),
        (OUT + "DAHDI/32" + OFFICE, "DAHDI/32 is no line: no section with type = span or analog"),
        (OUT + "office, DAHDI/5" + OFFICE, "line 'DAHDI/5' is twice in 'out'"),
        (OFFICE + "channels = 16", "span 'office' cannot have channel 16 as a line; its lines can be of 1 to 31"),
        ("[pri]\ntype = span\nspan = 1\nkind = e1", "no hardware can be named 'pri'"),
        ("[c]\ntype = analog\nfxo = 4-1", "4-1 is out of range"),
        ("[c]\ntype = analog\nfxo = 1-4, 3", "a channel stands there twice"),
        ("[c]\ntype = analog\nfxo = 0", "'0' is no channel"),
        ("[c]\ntype = analog", "has no 'fxo'"),
        ("[c]\ntype = analog\nfxo = 1\nnumber = 1\\;2", "number"),
        ("[c]\ntype = spam", "did you mean 'span'?"),
    ],
)
def test_mistakes_in_hardware(folder: Path, text: str, told: str):
    """What cannot be is said, with the line and how to mend it."""
    problems = [str(problem) for problem in check_site(written(folder, text))]
    assert any(told in problem for problem in problems), problems


def test_hardware_that_is_not_described_here_is_left_to_the_admin(folder: Path):
    """Who has a chan_dahdi.conf of his own may name its channels as lines and handsets."""
    lines = "[out]\ntype = lines\nlines = DAHDI/1, DAHDI/2\n"
    assert [problem for problem in check_site(written(folder, lines)) if problem.severity == "error"] == []


def test_a_channel_bank_has_ports_on_its_span(folder: Path):
    """Analog lines and telephones are at channels of a T1, beside its own lines or without any."""
    mixed = PBX.replace("span = 2", "span = 1") + "channels = 17-24\n"
    ports = "[copper]\ntype = analog\nfxo = 1-8\n" + BEN.replace("DAHDI/57", "DAHDI/9")
    assert [problem for problem in check_site(written(folder, mixed, ports)) if problem.severity == "error"] == []
    both = check_site(written(folder, mixed, ports.replace("DAHDI/9", "DAHDI/17")))
    assert any("channel 17 is of 'old-pbx', and of '102' too" in str(problem) for problem in both)
    assert load_site(written(folder, mixed, ports)).spans["old-pbx"].lines == tuple(range(17, 25))
    bank = "[bank]\ntype = span\nspan = 1\nkind = t1\nsignalling = bank\n"
    assert [problem for problem in check_site(written(folder, bank, ports)) if problem.severity == "error"] == []
    assert load_site(folder).spans["bank"].timing == 0, "a bank takes its clock from us"
