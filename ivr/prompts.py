"""From the name of a prompt, or a text, to a sound file that Asterisk can play.

    find("welcome", "pl")  ->  <site>/sounds/pl/welcome                  a recording, when there is one
                               <cache>/<hash of voice, language, text>   else the prompt's text, spoken once and kept

A language that lacks both is served in the default language. What is no name of a prompt is itself the text.

Speaking takes from 10 ms to seconds, so it runs in threads: two for callers who wait to hear it, one of low priority
(`nice`) for `warm`, which speaks all known prompts at start, one after the other. However many ask for the same text,
it is spoken once; a caller who hangs up meanwhile does not stop it for the others. An engine that fails is left alone
for a minute while the next one speaks.

Files appear whole or not at all: written under another name, flushed, renamed. Each is there at 8 kHz (`.wav`) and,
for wideband handsets, at 16 kHz (`.wav16`); Asterisk takes the one that suits the channel. The 8 kHz one comes last, so
when it is there, all is. The key of the cache holds all that shapes the sound, so nothing in it is ever stale; it grows
by one pair of files a new text, and only `prune` makes it smaller, by the time of last use.
"""

import asyncio
import hashlib
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import structlog

from ivr.voices import Engine, VoiceError, speakable

if TYPE_CHECKING:
    from ivr.audio import Audio

log = structlog.get_logger()

_T = TypeVar("_T")

SUFFIXES = (".wav", ".wav16", ".ulaw", ".alaw", ".sln", ".sln16", ".g722", ".gsm")
"""Recordings that Asterisk plays without further modules."""

_RENDERED = ((".wav16", 16_000), (".wav", 8_000))  # in the order they are written
_FORMAT = "8000 and 16000 Hz, 1"  # changed when ivr.audio makes another sound of the same samples
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_LANGUAGE = re.compile(r"[a-z]{2,3}([_-][A-Za-z0-9]{2,8})?")
_REST_S = 60
"""How long an engine that failed is left alone in that language, if another one can speak."""


class PromptError(Exception):
    """Nothing can be played: no recording, and no engine could speak the text."""


class Prompts:
    """The prompts of one site. Its methods belong to one event loop; `close` ends its threads.

    Args:
        site_folder: the admin's files; recordings are `sounds/<language>/<name>.wav`, or another of `SUFFIXES`.
        cache_folder: where spoken texts are kept; made when missing, may be shared by instances.
        texts: a prompt's name -> language -> what it says.
        engines: who speaks, in the order they are tried.
        default_language: spoken where a prompt has no text in the caller's.

    """

    def __init__(
        self,
        site_folder: Path,
        cache_folder: Path,
        texts: Mapping[str, Mapping[str, str]],
        engines: Sequence[Engine],
        default_language: str,
    ) -> None:
        self._recordings = site_folder.absolute() / "sounds"
        self._cache = cache_folder.absolute()
        self._texts = texts
        self._engines = engines
        self._default = default_language
        self._now = ThreadPoolExecutor(2, "prompt")
        self._later = ThreadPoolExecutor(1, "prompt-warm", initializer=_lower_priority)
        self._running: dict[Path, asyncio.Task[bool]] = {}
        self._identities: dict[tuple[str, str], str] = {}
        self._resting: dict[tuple[str, str], float] = {}

    async def find(self, name_or_text: str, language: str) -> str:
        """Give the file to play, as an absolute path without its suffix, the way STREAM FILE wants it.

        Raises:
            PromptError: there is nothing to play.

        """
        return await self._find(name_or_text, language, self._now)

    async def warm(self) -> None:
        """Speak all prompts that have no recording, so that no caller waits for one. What fails is logged."""
        started = time.monotonic()
        failed = 0
        for name, by_language in self._texts.items():
            for language in by_language:
                failed += await self._ready(name, language, self._later) is None
        log.info(
            "prompts ready", prompts=len(self._texts), failed=failed, ms=round(1000 * (time.monotonic() - started))
        )

    async def render_fixed(self, folder: Path, names: Iterable[str]) -> None:
        """Write the prompts that the dialplan itself plays, under their own names.

        `Playback(<folder>/<name>)` plays `<folder>/<language>/<name>`, else `<folder>/<name>`, the default language's.
        One that cannot be spoken is logged, and stays as it was written last. One whose text is empty is a file without
        a sound, which takes no time: Asterisk ends what it plays to a caller, and goes on.
        """
        for name in names:
            recorded = {file.parent.name for file in self._recordings.glob(f"*/{name}.*")}
            for language in sorted({self._default, *self._texts.get(name, ()), *recorded}):
                is_empty = name in self._texts and not any(self._texts[name].values()) and language not in recorded
                source = self._cache / "nothing" if is_empty else await self._ready(name, language, self._now)
                if source is None:
                    continue
                if is_empty:
                    await asyncio.get_running_loop().run_in_executor(self._now, _write_nothing, source)
                places = [folder / language, folder] if language == self._default else [folder / language]
                for place in places:
                    await asyncio.get_running_loop().run_in_executor(self._now, _copy_sound, source, place / name)

    async def lay_out(self, folder: Path, name_or_text: str, language: str) -> str:
        """Have a sound ready for the dialplan under a plain name in `folder`, whatever its path; gives the name.

        Raises:
            PromptError: there is nothing to play.
            OSError: the folder cannot be written.

        """
        stem = await self.find(name_or_text, language)
        name = hashlib.sha256(stem.encode()).hexdigest()[:32]
        await asyncio.get_running_loop().run_in_executor(self._now, _link_sound, Path(stem), folder / name)
        return name

    def prune(self, max_age_ms: int) -> int:
        """Remove from the cache what was not used for this long; gives the number of files removed."""
        oldest = time.time() - max_age_ms / 1000
        old = [file for file in self._cache.glob("*.*") if file.is_file() and file.stat().st_mtime < oldest]
        for file in old:
            file.unlink(missing_ok=True)
        return len(old)

    def close(self, *, wait: bool = False) -> None:
        """End the threads; a text that is being spoken is waited for only if that is asked."""
        for pool in (self._now, self._later):
            pool.shutdown(wait=wait, cancel_futures=True)

    async def _ready(self, name: str, language: str, pool: Executor) -> Path | None:
        """Have a prompt ready before somebody asks for it; None, and a log line, if that cannot be."""
        try:
            return Path(await self._find(name, language, pool))
        except PromptError as error:
            log.warning("prompt not ready", prompt=name, language=language, reason=str(error))
            return None

    async def _find(self, name_or_text: str, language: str, pool: Executor) -> str:
        if not _LANGUAGE.fullmatch(language):
            log.warning("language not usable", language=language[:40], instead=self._default)
            language = self._default
        texts = self._texts.get(name_or_text, {})
        for tongue in dict.fromkeys((language, self._default)):
            recording = self._recording(name_or_text, tongue)
            if recording is not None:
                return str(recording)
            if tongue in texts:
                return str(await self._spoken(texts[tongue], tongue, pool))
        if texts:
            raise PromptError(f"prompt {name_or_text} has neither recording nor text in {language} or {self._default}")
        return str(await self._spoken(name_or_text, language, pool))

    def _recording(self, name: str, language: str) -> Path | None:
        if not _NAME.fullmatch(name):
            return None
        stem = self._recordings / language / name
        return stem if any(stem.with_suffix(suffix).is_file() for suffix in SUFFIXES) else None

    async def _spoken(self, text: str, language: str, pool: Executor) -> Path:
        words = speakable(text)
        if not words:
            return await self._silence(pool)
        for engine in self._engines:
            identity = await self._identity(engine, language, pool)
            if identity is None:
                continue
            key = json.dumps([identity, language, words, _FORMAT]).encode()
            stem = self._cache / hashlib.sha256(key).hexdigest()[:40]
            if _in_use(stem) or await self._speak(engine, words, language, stem, pool):
                return stem
        raise PromptError(f"no speech engine can speak this text of {len(words)} characters in {language}")

    async def _identity(self, engine: Engine, language: str, pool: Executor) -> str | None:
        """Ask an engine whether, and as whom, it speaks a language: once, and after a no again later."""
        key = (engine.name, language)
        if key not in self._identities and not self._rests(key):
            loop = asyncio.get_running_loop()
            try:
                if await loop.run_in_executor(pool, _ask, engine.speaks, language):
                    self._identities[key] = await loop.run_in_executor(pool, _ask, engine.identity, language)
                else:
                    self._rest(key)
            except VoiceError as error:
                self._failed(key, error)
        return self._identities.get(key)

    async def _speak(self, engine: Engine, words: str, language: str, stem: Path, pool: Executor) -> bool:
        """Have it spoken, together with all who ask for the same; tells whether the file is there."""
        task = self._running.get(stem)
        if task is None:
            if self._rests((engine.name, language)):
                return False
            task = asyncio.create_task(self._speak_once(engine, words, language, stem, pool))
            self._running[stem] = task
            task.add_done_callback(lambda _: self._running.pop(stem))
        return await asyncio.shield(task)

    async def _speak_once(self, engine: Engine, words: str, language: str, stem: Path, pool: Executor) -> bool:
        try:
            await asyncio.get_running_loop().run_in_executor(pool, _speak_to_file, engine, words, language, stem)
        except VoiceError as error:
            self._failed((engine.name, language), error)
        except OSError as error:
            log.warning("spoken text cannot be kept", folder=str(self._cache), reason=str(error))
        else:
            return True
        return False

    async def _silence(self, pool: Executor) -> Path:
        stem = self._cache / "silence"
        if not _in_use(stem):
            await asyncio.get_running_loop().run_in_executor(pool, _write_silence, stem)
        return stem

    def _failed(self, key: tuple[str, str], error: VoiceError) -> None:
        log.warning("speech engine failed", engine=key[0], language=key[1], reason=str(error), rests_s=_REST_S)
        self._rest(key)

    def _rest(self, key: tuple[str, str]) -> None:
        self._resting[key] = time.monotonic() + _REST_S

    def _rests(self, key: tuple[str, str]) -> bool:
        return self._resting.get(key, 0.0) > time.monotonic()


def _lower_priority() -> None:
    """Let calls go first. Only Linux counts niceness by thread; programs that the thread starts inherit it."""
    if sys.platform == "linux":
        os.nice(10)


def _in_use(stem: Path) -> bool:
    """Tell whether the sound is there; if so, note the use."""
    file = stem.with_suffix(".wav")
    if not file.is_file():
        return False
    with suppress(OSError):  # a cache that is shared and not ours to write
        for suffix, _ in _RENDERED:
            os.utime(stem.with_suffix(suffix))
    return True


def _ask(question: Callable[..., _T], *words: str) -> _T:
    """Ask an engine, perhaps another package's: whatever goes wrong in it, it is the engine that failed."""
    try:
        return question(*words)
    except VoiceError:
        raise
    except Exception as error:
        raise VoiceError(f"{type(error).__name__}: {error}") from error


# Numpy, on which `audio` stands, is a fifth of the time that callfloor needs to start. Only who renders waits for it: a
# server that comes back to callers who wait finds its prompts in the cache.


def _write_silence(stem: Path) -> None:
    from ivr.audio import silence  # noqa: PLC0415 - see above

    _write_sound(stem, silence(100, 16_000))


def _write_nothing(stem: Path) -> None:
    from ivr.audio import silence, to_wav  # noqa: PLC0415 - see above

    stem.parent.mkdir(parents=True, exist_ok=True)
    _write_whole(stem.with_suffix(".wav"), to_wav(silence(0, 8_000)))  # Asterisk complains of a file without a head


def _speak_to_file(engine: Engine, words: str, language: str, stem: Path) -> None:
    from ivr.audio import speech_level  # noqa: PLC0415 - see above

    audio = _ask(engine.speak, words, language)
    if speech_level(audio) <= 0:
        raise VoiceError("it gave silence")
    _write_sound(stem, audio)


def _write_sound(stem: Path, audio: "Audio") -> None:
    from ivr.audio import for_telephone, to_wav  # noqa: PLC0415 - see above

    stem.parent.mkdir(parents=True, exist_ok=True)
    for suffix, rate in _RENDERED:
        _write_whole(stem.with_suffix(suffix), to_wav(for_telephone(audio, rate)))


def _copy_sound(source: Path, target: Path) -> None:
    """Copy a sound in all its formats; formats that only an older one had go."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in SUFFIXES:
        file = source.with_suffix(suffix)
        if file.is_file():
            _write_whole(target.with_suffix(suffix), file.read_bytes())
        else:
            target.with_suffix(suffix).unlink(missing_ok=True)


def _link_sound(source: Path, target: Path) -> None:
    """Let a name stand for a sound in all its formats."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in SUFFIXES:
        file, link = source.with_suffix(suffix), target.with_suffix(suffix)
        if not file.is_file():
            link.unlink(missing_ok=True)
        elif not (link.is_symlink() and link.readlink() == file):
            draft = link.with_name(f"{link.name}.{secrets.token_hex(4)}")
            draft.symlink_to(file)
            draft.replace(link)


def _write_whole(file: Path, data: bytes) -> None:
    """Write so that a reader, and a power cut, find the old file or the new one. Mode by umask: Asterisk reads it."""
    part = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    try:
        with part.open("xb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
