"""Loading acd.conf: every mistake an admin can make, and the secrets."""

import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.pretty import pretty_repr

from acd.problems import ConfigError
from acd.settings import PhoneSettings
from acd.site import check_site, load_site
from acd.site_secrets import fill_secrets

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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acd.conf").write_text(SITE)
    return tmp_path


def problems(folder: Path, *replacements: tuple[str, str]) -> list[str]:
    """What is wrong with SITE after these changes."""
    text = SITE
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    (folder / "acd.conf").write_text(text)
    return [str(problem) for problem in check_site(folder)]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "type = queue",
            "type = queue\nwrapup = 5",
            "acd.conf:8: unknown option 'wrapup' in queue 'sales'; did you mean 'wrap_up'?",
        ),
        ("type = queue", "type = queue\nring = 1", "acd.conf:8: ring: 1 is out of range; it takes: time 3s to 5m"),
        (
            "type = queue",
            "type = queue\nring = 10 sec",
            "acd.conf:8: ring: '10 sec' is not a length of time such as 20, 20s, 2m, 1h, 30d or 500ms; it takes: time",
        ),
        ("type = queue", "type = queue\nring = \u0661\u0665", "is not a length of time"),
        (
            "type = queue",
            "type = queue\npriority = -1",
            "acd.conf:8: priority: '-1' is not a whole number; it takes: number 0 to 99",
        ),
        (
            "type = queue",
            "type = queue\nring = 5\nring = 6",
            "acd.conf:9: warning: 'ring' was given in line 8 already; the last one counts",
        ),
        ("type = queue", "type = queu", "acd.conf:7: unknown type 'queu' of section 'sales'; did you mean 'queue'?"),
        (
            "type = queue",
            "",
            "acd.conf:6: section 'sales' has no type; write type = queue, seat, phone, medium, mailbox, smsc,",
        ),
        ("[general]", "[genral]", "acd.conf:2: section 'genral' has no type; did you mean 'general'?"),
        (
            "type = queue",
            "type = queue\nextension = 100",
            "acd.conf:8: extension 100 of queue 'sales' is seat '100' already; give it a number of its own",
        ),
        ("type = queue", "type = queue\nextension = 2x", "acd.conf:8: extension: '2x' cannot be used; it takes"),
        ("[sales]", "[Sales]", "acd.conf:6: a queue cannot be named 'Sales'; begin with a small letter or digit"),
        ("[100]", "[1]", "acd.conf:8: a seat cannot be named '1'; name it by its number, 2 to 8 digits"),
        ("[100]", "[sales]", "acd.conf:8: section 'sales' exists since acd.conf:6; write [sales](+) to go on with it"),
        (
            "queues = sales",
            "queues = salse",
            "acd.conf:12: seat '100' serves queue 'salse', which does not exist; did you mean 'sales'?",
        ),
        (
            "queues = sales",
            "queues = sa/les",
            "acd.conf:12: queues: tier in 'sa': 'les' is not a whole number; tiers are 0 to 99; it takes: names of",
        ),
        ("queues = sales", "", "acd.conf:6: warning: no seat serves queue 'sales'"),
        ("queues = sales", "", "acd.conf:8: warning: seat '100' serves no queue"),
        ("agent = Anna\n", "", "acd.conf:8: seat '100' has no 'agent'; write agent = text"),
        ("pin = 7391\n", "", "acd.conf:8: seat '100' has no 'pin'; write pin = 4 to 12 digits"),
        ("agent = Anna", 'agent = "<b>"', "cannot be used; it takes: text"),
        (
            "7391",
            "1234",
            "acd.conf:11: warning: the PIN of seat '100' is a plain row of digits; change it before going live",
        ),
        ("7391", "0000", "is a plain row of digits"),
        ("7391", "2109", "is a plain row of digits"),
        (
            "7391",
            "9100",
            "acd.conf:11: warning: the PIN of seat '100' holds the seat's number; change it before going live",
        ),
        (
            "queues = sales",
            "queues = sales\nsecret = short",
            "acd.conf:13: warning: secret of '100' is short; take 12 characters or more",
        ),
        (
            "queues = sales",
            "queues = sales\nhandset = PJSIP/100&PJSIP/9",
            "acd.conf:13: handset: 'PJSIP/100&PJSIP/9' cannot be used",
        ),
        (
            "queues = sales",
            "queues = sales\nlanguage = de",
            "acd.conf:13: language 'de' is not among the site's languages; add it to languages",
        ),
        ("languages = en, pl", "languages = pl", "acd.conf:2: language 'en' is not among the site's languages"),
        (
            "languages = en, pl",
            "languages = en, Polish",
            "acd.conf:3: languages: 'Polish' cannot be used; it takes: language codes",
        ),
        (
            "languages = en, pl",
            "log_level = wraning",
            "acd.conf:3: log_level: 'wraning' is not known; did you mean 'warning'?; it takes",
        ),
        (
            "languages = en, pl",
            "voice = e-speak, loud",
            "acd.conf:3: voice: 'e-speak, loud' cannot be used; it takes: auto, espeak, piper or",
        ),
        (
            "languages = en, pl",
            "recogniser = Whisper",
            "acd.conf:3: recogniser: 'Whisper' cannot be used; it takes: auto, none, or an engine's name",
        ),
        ("fallback = 100", "", "acd.conf:4: section 'switch' has no 'fallback'; write fallback = extension"),
        (
            "fallback = 100",
            "fallback = 199",
            "acd.conf:5: warning: fallback 199 is not the number of a seat; make sure",
        ),
        ("fallback = 100", "fallback = 1,2", "acd.conf:5: fallback: '1,2' cannot be used; it takes: extension"),
        (
            "fallback = 100",
            "fallback = 100\nami_port = 65536",
            "acd.conf:6: ami_port: 65536 is out of range; it takes: number 1 to 65535",
        ),
        ("fallback = 100", "fallback = 100\nagi_port = 5038", "acd.conf:6: ami_port and agi_port are both 5038"),
        (
            "fallback = 100",
            "fallback = 100\nrtp_first = 10999",
            "acd.conf:4: rtp_last 10999 must be above rtp_first 10999",
        ),
        (
            "fallback = 100",
            "fallback = 100\nsip_port = 10001",
            "acd.conf:6: sip_port 10001 lies among the ports for sound",
        ),
        (
            "fallback = 100",
            "fallback = 100\nmode = existing",
            "acd.conf:6: mode = existing needs ami_secret; write the secret",
        ),
        (
            "fallback = 100",
            "fallback = 100\nagi_host = 0.0.0.0",
            "acd.conf:6: warning: agi_host is not on loopback, and FastAGI knows no",
        ),
        (
            "fallback = 100",
            "fallback = 100\nami_host = 127.evil.example",
            "acd.conf:6: warning: ami_host is not on loopback, and AMI is not",
        ),
        ("[sales]", "[pause-reasons]\nx = break\n[sales]", "acd.conf:7: 'x' is no digit; write 1 = break"),
        ("[sales]", "[pause-reasons]\n1 = Break!\n[sales]", "acd.conf:7: 'Break!' cannot be a reason; small letters"),
    ],
)
def test_every_mistake_is_told(folder: Path, old, new, complaint):
    """Each mistake of an admin is told with its line and a way to mend it; errors keep the site from loading."""
    found = problems(folder, (old, new))
    assert any(complaint in line for line in found)
    if any("warning: " not in line for line in found):
        with pytest.raises(ConfigError):
            load_site(folder)
    else:
        load_site(folder)


def test_two_seats_cannot_share_a_handset(folder: Path):
    """The calling channel names the seat, so a handset belongs to one seat only, however it is written."""
    seat = "\n[101]\ntype = seat\nagent = Ben\npin = 8264\nqueues = sales\nhandset = pjsip/100\n"
    (folder / "acd.conf").write_text(SITE + seat)
    assert [str(p) for p in check_site(folder)] == [
        "acd.conf:19: seats '100' and '101' have the same handset pjsip/100",
    ]


def test_a_mistake_in_a_template_is_told_once(folder: Path):
    """A template's mistake is told at the template's line, not again for each section that inherits it."""
    text = SITE.replace("[sales]\ntype = queue", "[q](!)\ntype = queue\nrng = 5\n[sales](q)\n[support](q)")
    (folder / "acd.conf").write_text(text)
    assert [str(p) for p in check_site(folder)] == [
        "acd.conf:8: unknown option 'rng' in queue 'q'; did you mean 'ring'?"
    ]


def test_all_mistakes_come_at_once(folder: Path):
    """Mistakes of syntax, of values and between sections come out of one run."""
    found = problems(folder, ("type = queue", "type = queue\nfoo\nring = x"), ("queues = sales", "queues = slaes"))
    assert [line.split(":")[1] for line in found] == ["8", "9", "14"]


def test_a_missing_file_is_told_once(tmp_path: Path):
    """A folder without acd.conf gives that one error."""
    assert [str(p) for p in check_site(tmp_path)] == [
        f"acd.conf: there is no such file; it belongs in the folder {tmp_path}"
    ]
    with pytest.raises(ConfigError):
        load_site(tmp_path)


def test_secrets_are_in_no_message(folder: Path):
    """Neither a mistyped PIN nor a mistyped secret is repeated by the error."""
    found = problems(folder, ("7391", "73x91"), ("queues = sales", "queues = sales\nsecret = hunter two"))
    assert len(found) == 2
    assert not any("73x91" in line or "hunter" in line for line in found)


def test_secrets_are_in_no_repr(folder: Path):
    """A site in a log line, a traceback or a table shows no PIN and no secret, and shows that there is one."""
    site = fill_secrets(load_site(folder), folder)
    for text in (repr(site), str(site.seats), pretty_repr(site), f"{site.switch}"):
        assert "7391" not in text
        assert site.switch.ami_secret not in text
        assert site.seats["100"].secret not in text
    assert "pin='***'" in repr(site)
    assert "agent='Anna'" in repr(site)
    assert "secret=''" in repr(load_site(folder))


def test_generated_secrets_are_made_once(folder: Path):
    """Secrets to be generated are random, kept over restarts in a file of the owner's alone, and given ones stay."""
    problems(folder, ("fallback = 100", "fallback = 100\nami_secret = correct-horse-battery"))
    home = folder / "home"
    site = fill_secrets(load_site(folder), home)
    secret = site.seats["100"].secret
    assert re.fullmatch("[a-z2-9]{16}", secret)
    assert site.switch.ami_secret == "correct-horse-battery"
    file = home / "secrets.conf"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "correct-horse-battery" not in file.read_text()
    assert fill_secrets(load_site(folder), home) == site
    assert fill_secrets(load_site(folder), folder / "other").seats["100"].secret != secret
    assert [path.name for path in home.iterdir()] == ["secrets.conf"]


def test_a_seat_that_comes_back_has_its_secret(folder: Path):
    """A secret outlives its seat, a new seat gets its own, and a wide open file is closed."""
    site = load_site(folder)
    secret = fill_secrets(site, folder).seats["100"].secret
    fill_secrets(replace(site, seats={}), folder)
    (folder / "secrets.conf").chmod(0o644)
    more = fill_secrets(replace(site, seats={"200": site.seats["100"], **site.seats}), folder)
    assert more.seats["100"].secret == secret
    assert more.seats["200"].secret not in {"", secret}
    assert stat.S_IMODE((folder / "secrets.conf").stat().st_mode) == 0o600


def test_broken_secrets_are_not_overwritten(folder: Path):
    """A secrets.conf that cannot be read is an error: phones know what stands in it."""
    (folder / "secrets.conf").write_text("[100\nsecret = x\n")
    with pytest.raises(ConfigError, match=r"secrets\.conf:1"):
        fill_secrets(load_site(folder), folder)
    assert (folder / "secrets.conf").read_text() == "[100\nsecret = x\n"


WORDS = st.sampled_from(
    [
        "type",
        "queue",
        "seat",
        "general",
        "switch",
        "pin",
        "ring",
        "100",
        "sales",
        "queues",
        "pause-reasons",
        "en",
        "15s",
    ]
)
LINES = st.one_of(
    st.builds("[{}]".format, WORDS),
    st.builds("[{}]({})".format, WORDS, WORDS | st.just("!")),
    st.builds("{} = {}".format, WORDS, WORDS | st.text(st.characters(blacklist_categories=["Cs"]), max_size=5)),
)


@given(st.lists(LINES, max_size=30).map("\n".join) | st.text(st.characters(blacklist_categories=["Cs"]), max_size=200))
def test_any_text_loads_or_is_refused(tmp_path_factory: pytest.TempPathFactory, text):
    """Whatever stands in acd.conf, it loads or gives a ConfigError with a reason."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "acd.conf").write_text(text)
    if any(problem.severity == "error" for problem in check_site(folder)):
        with pytest.raises(ConfigError):
            load_site(folder)
    else:
        load_site(folder)


PHONE = "[lobby]\ntype = phone\n"


def test_a_phone_of_nobody(folder: Path):
    """It has a device of its own name unless told, the site's language, and a password that is made and kept."""
    assert problems(folder, ("[sales]", PHONE + "[sales]")) == []
    site = load_site(folder)
    assert site.phones == {"lobby": PhoneSettings(handset="PJSIP/lobby", language="en")}
    made, again = (fill_secrets(site, folder / "home").phones["lobby"] for _ in range(2))
    assert made.secret == again.secret != ""
    assert made.secret not in repr(made) + pretty_repr(made)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("handset = PJSIP/100\n", "acd.conf:8: seat '100' and phone 'lobby' have the same handset PJSIP/100"),
        ("[bar]\ntype = phone\nhandset = PJSIP/lobby\n", "phone 'lobby' and phone 'bar' have the same handset"),
        ("[handset]\ntype = phone\n", "a phone cannot be named 'handset'"),
        ("language = fr\n", "language 'fr' is not among the site's languages"),
        ("[Bar]\ntype = phone\n", "a phone cannot be named 'Bar'"),
        ("secret = abc-def-g\n", "secret of 'lobby' is short"),
    ],
)
def test_what_a_phone_cannot_be(folder: Path, text, complaint):
    """Nobody's own, no section of pjsip.conf, in a language of the site."""
    assert any(complaint in problem for problem in problems(folder, ("[sales]", PHONE + text + "[sales]")))


def test_messages_go_to_a_queue_that_exists(tmp_path: Path):
    """Or callers would leave them for nobody."""
    (tmp_path / "acd.conf").write_text(SITE + "\n[voicemail]\nqueue = sale\n")
    [problem] = [str(one) for one in check_site(tmp_path) if "sale'" in one.message]
    assert "there is no queue 'sale'" in problem
    assert "sales" in problem


def test_what_a_site_says_of_messages(tmp_path: Path):
    """Each option of [voicemail] is read."""
    said = "\n[voicemail]\nkeep = 1d\ndefer = 1h\npriority = 20\nqueue = sales\n"
    (tmp_path / "acd.conf").write_text(SITE + said)
    voicemail = load_site(tmp_path).voicemail
    assert (voicemail.keep_ms, voicemail.defer_ms, voicemail.priority, voicemail.queue) == (
        *(86_400_000, 3_600_000),
        *(20, "sales"),
    )
