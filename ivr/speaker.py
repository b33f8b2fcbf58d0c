"""Speaks what nobody keeps: a customer's name, a letter, to one agent.

The prompts' cache holds each text for good, under a hash, for whoever needs it next. What a customer wrote is nobody
else's: it is spoken into a folder of its own, from which Asterisk plays it, and which is gone when the agent is.
Nothing of it is ever taken for the name of a prompt.
"""

import asyncio
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import structlog

from acd.settings import Site
from ivr.flow import Recording
from ivr.prompts import PromptError, Prompts
from ivr.voices import Engine, slowed

log = structlog.get_logger()

FOLDER = "spoken"
LEFT_OVER_S = 86_400
"""A folder that is older was left by a server that ended in the midst of it."""
WAV_HEAD, WAV_BYTES_A_MS = 44, 16
"""Of a file of 8,000 samples of 16 bits a second."""

_TAG = re.compile(r"([a-z]{2,3})(?:[-_]([a-z0-9]{2,8}))?(?:[-_][a-z0-9]{1,8})*")


class House(Protocol):
    """What is needed of the server: the settings and the speech engines of the moment."""

    site: Site
    engines: list[Engine]


class Voice:
    """Speaks to one agent, into one folder."""

    def __init__(self, folder: Path, engines: Sequence[Engine], slow: Sequence[Engine], language: str) -> None:
        self._language = language
        self._by_pace = {
            pace: Prompts(folder, folder / name, {}, speakers, language)
            for pace, name, speakers in ((False, "usual", engines), (True, "slow", slow))
        }

    async def say(self, text: str, language: str = "", *, slow: bool = False) -> Recording | None:
        """Speak a text.

        Args:
            text: hostile; as much of it as `voices.TEXT_MAX` says is spoken.
            language: hostile too, such as `pl` or `en-GB`. Where there is no voice for it, the site's speaks.
            slow: for who writes along.

        Returns:
            What to play; None if no engine can speak this text.

        """
        for tongue in self._tongues(language):
            try:
                path = await self._by_pace[slow].find(text, tongue)
            except PromptError as error:
                log.info("not spoken", language=tongue, reason=str(error))
            else:
                return Recording(path, _length_ms(Path(f"{path}.wav")))
        return None

    def _tongues(self, language: str) -> Sequence[str]:
        known = _TAG.fullmatch(language[:35].lower())
        if known is None:
            return (self._language,)
        whole = f"{known[1]}_{known[2]}" if known[2] else known[1]
        return tuple(dict.fromkeys((whole, known[1], self._language)))

    def close(self) -> None:
        """Speak no more: when this returns nothing is written any more."""
        for prompts in self._by_pace.values():
            prompts.close(wait=True)


class Speaker:
    """Gives each agent a voice of his own.

    Args:
        folder: where what is spoken lies meanwhile; Asterisk reads it.
        house: the server.

    """

    def __init__(self, folder: Path, house: House) -> None:
        self._folder = folder.absolute()
        self._house = house
        self._engines = list[Engine]()
        self._slow = list[Engine]()

    @asynccontextmanager
    async def voice(self) -> AsyncIterator[Voice]:
        """Give a voice; what it has spoken is removed at the end."""
        if self._engines is not self._house.engines:  # made once, for they find out who speaks what when they begin
            self._engines, self._slow = self._house.engines, slowed(self._house.engines)
        place = self._folder / secrets.token_hex(12)
        await asyncio.to_thread(self._begin, place)
        voice = Voice(place, self._engines, self._slow, self._house.site.general.language)
        try:
            yield voice
        finally:
            await asyncio.to_thread(self._end, voice, place)

    def _begin(self, place: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for old in self._folder.iterdir():
            if old.stat().st_mtime < time.time() - LEFT_OVER_S:
                shutil.rmtree(old, ignore_errors=True)
        place.mkdir()

    @staticmethod
    def _end(voice: Voice, place: Path) -> None:
        voice.close()
        shutil.rmtree(place, ignore_errors=True)


def _length_ms(file: Path) -> int:
    return max(0, file.stat().st_size - WAV_HEAD) // WAV_BYTES_A_MS
