"""What is written for phone hardware: chan_dahdi.conf, the doors of the dialplan, and DAHDI's system.conf."""

import shutil
from pathlib import Path

import pytest

from acd.conf import read
from acd.site import load_site
from ivr.asterisk import generated
from ivr.asterisk.hardware import r2_crashes
from ivr.check import examine
from ivr.dialplan import check_any_dialplan

SAMPLE = Path(__file__).parents[2] / "asterisk-config"
SOUNDS = Path("/x/sounds")

HARDWARE = """
[switch](+)
tones = pl
[office]
type = span
span = 1
kind = e1
[factory]
type = span
span = 2
kind = e1
side = net
digits = 3
crc4 = no
echo = hwec
[old-pbx]
type = span
span = 3
kind = t1
signalling = em_w
digits = 4
lbo = 2
[copper]
type = analog
fxo = 87-90
number = 5550100
caller_id = v23
caller_id_start = polarity
[alarm-line]
type = analog
fxo = 91
signalling = ls
caller_id = none
busy_detect = no
echo = none
[105](seat)
agent = Eva Lang
pin = 80617
queues = sales
handset = DAHDI/92
language = pl
[outside]
type = lines
lines = office, old-pbx 2, copper 5
"""

CHAN_DAHDI = """
[office](pri)
signalling = pri_cpe
switchtype = euroisdn
overlapdial = no
context = from-trunk
group = 1
dahdichan = 1-15,17-31

[factory](pri)
signalling = pri_net
switchtype = euroisdn
overlapdial = incoming
context = from-trunk-3-digits
group = 2
dahdichan = 32-46,48-62

[old-pbx](em)
signalling = em_w
context = from-trunk-4-digits
group = 3
dahdichan = 63-86

[copper](analog-line)
signalling = fxs_ks
usecallerid = yes
cidsignalling = v23
cidstart = polarity
busydetect = yes
context = from-line-copper
dahdichan = 87-90

[alarm-line](analog-line)
signalling = fxs_ls
usecallerid = no
busydetect = no
context = from-trunk
dahdichan = 91

[105](analog-handset)
callerid = "Eva Lang" <105>
language = pl
setvar = ACD_SEAT=105
setvar = TRANSFER_CONTEXT=acd-transfer
mailbox = 105@callfloor
dahdichan = 92
"""

SYSTEM = """
span=1,1,0,ccs,hdb3,crc4
span=2,0,0,ccs,hdb3
span=3,2,2,esf,b8zs
bchan=1-15,17-31
dchan=16
bchan=32-46,48-62
dchan=47
e&m=63-86
fxsks=87-90
fxsls=91
fxoks=92
echocanceller=mg2,1-15,17-31,63-90,92
echocanceller=hwec,32-46,48-62
loadzone=pl
defaultzone=pl
"""

DOORS = """
[from-trunk-3-digits]
exten => _X,1,Set(CALLERID(dnid)=${FILTER(0-9,${EXTEN})})
 same => n,Goto(from-trunk,s,1)
exten => _XX,1,Set(CALLERID(dnid)=${FILTER(0-9,${EXTEN})})
 same => n,Goto(from-trunk,s,1)
exten => _XXX!,1,Set(CALLERID(dnid)=${FILTER(0-9,${EXTEN})})
 same => n,Goto(from-trunk,s,1)
exten => s,1,Goto(from-trunk,s,1)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a copy of the sample site with hardware."""
    folder = shutil.copytree(SAMPLE, tmp_path / "site", ignore=shutil.ignore_patterns("generated"))
    acd = folder / "acd.conf"
    acd.write_text(acd.read_text() + HARDWARE)
    return folder


def body(text: str) -> str:
    """What stands behind the head of a generated file."""
    return text.partition("\n\n")[2].strip()


def test_each_piece_of_hardware_becomes_a_section(folder: Path):
    """Of chan_dahdi.conf, from the template of its kind."""
    files = generated(load_site(folder), SOUNDS)
    assert body(files["chan_dahdi.conf"]) == CHAN_DAHDI.strip()
    assert files["modules.conf"].splitlines()[-1] == "load = chan_dahdi.so"
    assert "?Set(ACD_RINGS=DAHDI/92))\n same => n,Dial(${ACD_RINGS},30,git)" in files["hints.conf"]
    assert "[105]" not in files["pjsip.conf"]


def test_dahdi_is_told_the_same(folder: Path):
    """Spans with their clocks, each channel with its signalling once, cancellers of echoes, the country's tones."""
    text = generated(load_site(folder), SOUNDS)["system.conf"]
    assert body(text) == SYSTEM.strip()
    assert all(line.startswith("#") for line in text.partition("\n\n")[0].splitlines())


def test_two_readers_agree_on_every_channel(folder: Path):
    """What DAHDI is told of a channel is what Asterisk takes it for; no channel is told of twice, or to one of them."""
    files = generated(load_site(folder), SOUNDS)
    means = {"fxsks": "fxs_ks", "fxsls": "fxs_ls", "fxoks": "fxo_ks", "e&m": "em_w", "bchan": "pri"}
    dahdi: dict[int, str] = {}
    for line in body(files["system.conf"]).splitlines():
        key, _, value = line.partition("=")
        if key in means:
            assert not dahdi.keys() & numbers(value)
            dahdi |= dict.fromkeys(numbers(value), means[key])
    (folder / "generated").mkdir()
    (folder / "generated/chan_dahdi.conf").write_text(files["chan_dahdi.conf"])
    config = read(folder / "chan_dahdi.conf")
    assert not list(config.problems)
    asterisk: dict[int, str] = {}
    for section in config.live():
        if (channels := section.last("dahdichan")) is not None:
            signalling = section.last("signalling").value
            assert not asterisk.keys() & numbers(channels.value)
            asterisk |= dict.fromkeys(numbers(channels.value), signalling.removesuffix("_cpe").removesuffix("_net"))
            context = section.last("context").value
            assert context == "from-seat" if signalling == "fxo_ks" else context.startswith("from-")
    assert asterisk == dahdi
    assert set(asterisk) == {*range(1, 93)} - {16, 47}


def numbers(text: str) -> set[int]:
    """Read `1-3,5`."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def test_digits_that_come_one_by_one_have_a_door_of_their_own(folder: Path):
    """As many as are sent are waited for, none is evaluated; and the dialplan with the doors is sound."""
    files = generated(load_site(folder), SOUNDS)
    assert DOORS.strip() in files["lines.conf"]
    assert "[from-line-copper]\nexten => s,1,Set(CALLERID(dnid)=5550100)" in files["lines.conf"]
    (folder / "generated").mkdir()
    for name in ("lines.conf", "hints.conf", "globals.conf", "calling-out.conf", "transfer.conf", "given.conf"):
        (folder / "generated" / name).write_text(files[name])
    config = read(folder / "extensions.conf")
    check_any_dialplan(config)
    assert [str(problem) for problem in config.problems] == []
    assert {"from-trunk-3-digits", "from-trunk-4-digits", "from-line-copper"} <= {one.name for one in config.live()}
    used = {line.split()[-1] for line in files["chan_dahdi.conf"].splitlines() if line.startswith("context")}
    assert used <= {section.name for section in config.live()}


def test_without_hardware_nothing_is_written(folder: Path):
    """No section, no door, no module."""
    (folder / "acd.conf").write_text((SAMPLE / "acd.conf").read_text())
    files = generated(load_site(folder), SOUNDS)
    assert [body(files[name]) for name in ("chan_dahdi.conf", "lines.conf", "system.conf", "modules.conf")] == [""] * 4


def errors(folder: Path) -> list[str]:
    return [str(problem) for problem in examine(folder).problems if problem.severity == "error"]


def test_the_sample_site_can_have_hardware(folder: Path):
    """Its templates are those that the sections are made from."""
    assert errors(folder) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("chan_dahdi.conf", "[em](!)", "[emm](!)", "need templates of chan_dahdi.conf"),
        ("chan_dahdi.conf", "#include generated/chan_dahdi.conf", "", "end in #include generated/chan_dahdi.conf"),
        ("extensions.conf", "#include generated/lines.conf", "", "end in #include generated/lines.conf"),
    ],
)
def test_what_keeps_hardware_from_asterisk_is_told(folder: Path, file: str, old: str, new: str, told: str):
    """A template that is gone, or an include: calls would not come in, and nobody would say why."""
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    assert any(told in problem and problem.startswith("acd.conf:") for problem in errors(folder)), errors(folder)


def test_a_site_folder_from_before_there_was_hardware(folder: Path):
    """It has no chan_dahdi.conf at all."""
    (folder / "chan_dahdi.conf").unlink()
    assert any("need templates of chan_dahdi.conf" in problem for problem in errors(folder))


@pytest.mark.parametrize(
    ("key", "value", "warned"),
    [("signalling", "mfcr2", True), ("Signaling", "MFCR2", True), ("signalling", "pri_cpe", False)],
)
def test_lines_that_crash_asterisk_are_warned_of(folder: Path, key: str, value: str, warned: bool):
    """MFC/R2 stands in an admin's own section, which callfloor writes nothing of."""
    acd = folder / "acd.conf"
    acd.write_text(f"{acd.read_text()}[switch](+)\nmode = existing\nami_secret = not-a-real-secret\n")
    file = folder / "chan_dahdi.conf"
    lines = file.read_text().count("\n")
    file.write_text(f"{file.read_text()}[r2]\n{key} = {value}\nchannel => 100-114\n")
    found = [problem for problem in examine(folder).problems if "MFC/R2" in str(problem)]
    assert [(one.file, one.line, one.severity) for one in found] == [("chan_dahdi.conf", lines + 2, "warning")] * warned


@pytest.mark.parametrize(
    ("version", "crashes"),
    [
        ((18, 26, 4), False),
        ((19, 8, 1), False),
        ((20, 7, 0), False),  # certified 20.7
        ((20, 15, 2), False),
        ((20, 16, 0), True),
        ((21, 10, 2), False),
        ((21, 11, 0), True),
        ((22, 5, 2), False),
        ((22, 6, 0), True),
        ((22, 10, 1), True),
        ((23, 0, 0), True),
        ((24, 0, 0), True),
    ],
)
def test_which_asterisks_crash(version: tuple[int, int, int], crashes: bool):
    """As their sources have it (`analog_p->dialmode` of dahdi_read in channels/chan_dahdi.c)."""
    assert r2_crashes(version) == crashes
