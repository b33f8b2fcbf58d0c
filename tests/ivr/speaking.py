"""Speech in tests: an engine that speaks tones, and real files of which it is known what is spoken in them."""

from contextlib import asynccontextmanager

from ivr.flow import Recording
from ivr.speaker import Speaker
from ivr.tones import tone


class Engine:
    """Speaks two languages as tones, 60 ms a sign, or as long as it is told."""

    name = "test"

    def __init__(self, pace=60):
        self.pace = pace

    def slowed(self):
        return Engine(self.pace * 2)

    def speaks(self, language):
        return language in {"en", "pl"}

    def identity(self, language):
        return f"test {language} {self.pace}"

    def speak(self, text, language):
        return tone(600, duration_ms=min(max(len(text) * self.pace, 100), 20_000))


class NotingSpeaker(Speaker):
    """Notes of each file what is spoken in it, how, and how long the test says it is."""

    def __init__(self, folder, house, length_ms=None):
        super().__init__(folder, house)
        self.said, self.length_ms = {}, length_ms

    @asynccontextmanager
    async def voice(self):
        async with super().voice() as voice:
            say = voice.say

            async def noted(text, language="", *, slow=False):
                sound = await say(text, language, slow=slow)
                if sound is not None and self.length_ms is not None:
                    sound = Recording(sound.path, self.length_ms)
                if sound is not None:
                    self.said[sound.path] = (text, language, "slow") if slow else (text, language)
                return sound

            voice.say = noted
            yield voice
