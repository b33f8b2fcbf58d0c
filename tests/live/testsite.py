"""The site that the live tests call: the sample's Asterisk files with short times, and prompts that can be told apart.

Every prompt is recorded as a tone of its own and so is the music, so `heard` can say of a recording what was played, in
order: ["main-menu", "invalid", "main-menu", "music"]. What has no recording, Polish and sentences with a name or number
in them, is really spoken and heard as "speech".
"""

import shutil
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from ivr import phrases
from ivr.audio import Audio, to_wav
from ivr.tones import HEARD_DB, cut, level_db, loudest_tone, tone

SAMPLE = Path(__file__).parents[2] / "asterisk-config"

PIN = "80617"

ACD = """
[general]
name = callfloor tests
language = en
languages = en, pl
snapshot_interval = 5s

[switch]
fallback = 104
{ports}

[queue](!)
type = queue
ring = 3s
wrap_up = 0
refusal = 500ms

[sales](queue)
extension = 301
[support](queue)
extension = 302
wrap_up = 700ms
[reception](queue)
priority = 5
wrap_up = 10m
[patience](queue)
max_wait = 10s

[seat](!)
type = seat
secret = generate
pin = {pin}
pin_tries = 3
lock = 2s

[101](seat)
agent = Anna Nowak
queues = sales, reception
[102](seat)
agent = Ben Carter
queues = sales, support
[103](seat)
agent = Chloe Martin
queues = support
[104](seat)
agent = Dawid Kowalski
queues = support, reception
supervisor = yes

[lobby]
type = phone

[pause-reasons]
1 = break
2 = lunch
3 = training
4 = back office
"""

IVR = """
[general]
default = play unknown-number, hangup
after = play goodbye, hangup
overflow = play sorry-try-later, hangup

[main-number]
type = number
number = 5550100
go = menu main
[long-number]
type = number
number = 5550101
go = menu long
[sales-number]
type = number
number = 5550102
go = queue sales
[support-number]
type = number
number = 5550103
go = queue support
[reception-number]
type = number
number = 5550104
go = queue reception
[patience-number]
type = number
number = 5550105
go = queue patience
[anna-number]
type = number
number = 5550106
go = transfer 101
[closed-number]
type = number
number = 5550107
go = hours never, queue sales
[message-number]
type = number
number = 5550108
go = voicemail support
[line-check-number]
type = number
number = 5550199
go = flow line-check

[main]
type = menu
prompt = main-menu
choice = 1, queue sales
choice = 2, queue support
choice = 0, queue reception
choice = 9, language pl, menu main-pl
tries = 2
timeout = 1s
failure = queue reception
[main-pl](main)
prompt = polish-menu

[long](main)
prompt = long-menu

[never]
type = hours
zone = Europe/Warsaw
open = mon-sun 00:00-24:00
closed = 2000-01-01..2099-12-31
otherwise = play closed, hangup

[main-menu]
type = prompt
en = Press a key.
pl = Naciśnij klawisz.
[polish-menu]
type = prompt
en = This is the Polish menu.
pl = Sprzedaż, naciśnij 1.
[long-menu]
type = prompt
en = A long story.
pl = Długa historia.
[closed]
type = prompt
en = We are closed.
pl = Jest nieczynne.
[goodbye]
type = prompt
en = Goodbye.
pl = Do usłyszenia.
[unknown-number]
type = prompt
en = There is no such number.
pl = Nie ma takiego numeru.
"""

LONG_MS, GOODBYE_MS, SHORT_MS = 20_000, 3_000, 400
"""How long the prompts last: `long-menu`, `goodbye`, all others. Two last longer than it takes to hang up."""

_SITE_PROMPTS = ("main-menu", "polish-menu", "long-menu", "closed", "goodbye", "unknown-number")
_SPOKEN = "letter-"  # what begins so is really spoken: a telephone's band does not hold more tones than there are
_PROMPTS = [
    *_SITE_PROMPTS,
    *(name for name, texts in phrases.TEXTS.items() if any(texts.values()) and not name.startswith(_SPOKEN)),
]
_LENGTHS_MS = {"long-menu": LONG_MS, "goodbye": GOODBYE_MS}
_FIRST_HZ, _STEP_HZ = 500, 36

MUSIC_HZ = 400
HERTZ: Mapping[str, int] = {
    "music": MUSIC_HZ,
    **{name: _FIRST_HZ + number * _STEP_HZ for number, name in enumerate([*_PROMPTS, "caller", "agent", "third"])},
}
"""What each prompt sounds like, and the voices of people in the tests."""

_WINDOW_MS, _STEP_MS = 60, 20
_TONE_WINDOWS, _SPEECH_WINDOWS = 4, 12
"""Windows in a row that make a word of what is heard; where one sound follows another, a few windows hold both."""
_TONE_SHARE = 0.9


def write_site(folder: Path, *, ports: str = "", acd: str = "", changes: Mapping[str, str] | None = None) -> Path:
    """Write the test site into a new folder and give it.

    Args:
        folder: where.
        ports: lines for `[switch]`.
        acd: sections to add to acd.conf.
        changes: what to replace in extensions.conf: each text must stand there.

    """
    shutil.copytree(SAMPLE, folder)
    (folder / "acd.conf").write_text(ACD.format(ports=ports, pin=PIN) + acd)
    (folder / "ivr.conf").write_text(IVR)
    (folder / "musiconhold.conf").write_text(f"[default]\nmode = files\ndirectory = {folder / 'music'}\n")
    record(folder / "music/music.wav", MUSIC_HZ, 60_000)
    for name in _PROMPTS:
        record(folder / "sounds/en" / f"{name}.wav", HERTZ[name], _LENGTHS_MS.get(name, SHORT_MS))
    extensions = (folder / "extensions.conf").read_text()
    for old, new in (changes or {}).items():
        assert old in extensions, f"extensions.conf has no {old!r} any more"
        extensions = extensions.replace(old, new)
    (folder / "extensions.conf").write_text(extensions)
    return folder


def heard(audio: Audio) -> list[str]:
    """Name what is heard, one after the other; silence, and repetitions of the same, are left out."""
    windows = [
        sound_of(cut(audio, start_ms, start_ms + _WINDOW_MS))
        for start_ms in range(0, audio.duration_ms - _WINDOW_MS, _STEP_MS)
    ]
    runs = [(name, len(list(same))) for name, same in groupby(windows)]
    words = [name for name, count in runs if name and count >= _enough(name)]
    return [name for name, _ in groupby(words)]


def _enough(name: str) -> int:
    return _SPEECH_WINDOWS if name == "speech" else _TONE_WINDOWS


def sound_of(audio: Audio) -> str:
    """Name a short piece of sound; empty for silence, `speech` for what is no tone."""
    if level_db(audio) < HEARD_DB:
        return ""
    loudest = loudest_tone(audio)
    name = min(HERTZ, key=lambda name: abs(HERTZ[name] - loudest.hz))
    is_tone = loudest.share > _TONE_SHARE and abs(HERTZ[name] - loudest.hz) < _STEP_HZ / 3
    return name if is_tone else "speech"


def record(file: Path, hz: int, duration_ms: int) -> None:
    """Write a recording of a tone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(to_wav(tone(hz, duration_ms=duration_ms)))
