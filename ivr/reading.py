"""A text read aloud piece by piece: the first begins at once, and each next one is spoken while one is heard."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from functools import partial

from ivr.flow import DIGITS, Menu, Prompt, Recording
from ivr.letter_text import TEXT_MOST, pieces
from ivr.speaker import Voice

HEARD_MOST_MS = 600_000
"""So much of a text is read, whatever it holds: ten minutes."""
LETTER_MS = 60
"""Of a character, at a usual pace."""
BETWEEN_MS = 100
"""After each piece, for a key; it is a sentence's pause."""


class Reading:
    """Where somebody is in a text that is read to him.

    Args:
        voice: speaks.
        text: hostile.
        language: the text's.

    """

    def __init__(self, voice: Voice, text: str, language: str) -> None:
        self._voice = voice
        self._language = language
        self._pieces = list(pieces(text, language))
        self._is_whole = len(text) <= TEXT_MOST
        self._at = 0
        self._heard_ms = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to read."""
        return not self._pieces

    @property
    def length_ms(self) -> int:
        """How long it takes to read what is read of it, about."""
        return min(sum(map(len, self._pieces)) * LETTER_MS, HEARD_MOST_MS)

    @property
    def is_long(self) -> bool:
        """Whether only its beginning is read."""
        return not self._is_whole or self.length_ms == HEARD_MOST_MS

    @property
    def is_over(self) -> bool:
        """Whether all was read."""
        return self._at >= len(self._pieces)

    def begin(self) -> None:
        """Read from the beginning."""
        self._at = self._heard_ms = 0

    async def read(self, *, slow: bool) -> str | None:
        """Read on from the piece where he is; gives the key that cut it short, or None at the end."""
        async with contextlib.aclosing(self._sounds(slow=slow)) as sounds:
            async for sound in sounds:
                length_ms = sound.length_ms if isinstance(sound, Recording) else 0
                if self._heard_ms + length_ms > HEARD_MOST_MS:
                    self._at = len(self._pieces)
                    return await hear("letter-cut")
                if (key := await hear(sound)) is not None:
                    return key
                self._at += 1
                self._heard_ms += length_ms
        return None if self._is_whole else await hear("letter-cut")

    async def _sounds(self, *, slow: bool) -> AsyncGenerator[Prompt, None]:
        """Give what is to be played from here on; while one is heard the next one is spoken."""
        say = partial(self._voice.say, language=self._language, slow=slow)
        ahead: list[asyncio.Task[Recording | None]] = []
        try:
            for piece in self._pieces[self._at :]:
                ahead.append(asyncio.create_task(say(piece)))
                if len(ahead) > 1:
                    yield await ahead.pop(0) or "letter-unspoken"
            for last in ahead:
                yield await last or "letter-unspoken"
        finally:
            for task in ahead:
                task.cancel()


async def hear(*prompts: Prompt) -> str | None:
    """Play something; gives the key that was pressed meanwhile, or None."""
    return await Menu(prompts, DIGITS, tries=1, timeout_ms=BETWEEN_MS)
