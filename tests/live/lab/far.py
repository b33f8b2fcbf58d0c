"""The world at the other end of the wires: exchanges, callers and telephones, moved over AMI.

The far end of channel N is channel N + 40 (guest/etc/dahdi/system.conf). An Asterisk of their own holds them all; what
leaves it on its span, signalling and sound, comes in on the site's.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

from ivr.ami import Link, Message, clean
from ivr.audio import from_pcm16
from tests.live.testsite import HERTZ, heard

AWAY = 40
WITHIN_S = 60.0
"""How long is waited for what must come; an emulated machine beside other work is slow."""
_TICK_S, _AGAIN_S = 0.1, 0.5
_REST_S = 0.1
"""After a word of a channel's until it may be moved: Asterisk hangs up on one that is moved between two steps."""
_RATE = 8000


class End:
    """Somebody out there with a telephone at his ear."""

    def __init__(self, world: "World", unique: str) -> None:
        self.unique = unique
        self.channel = ""
        self.number = self.name = ""
        """Who calls him, as his telephone shows it."""
        self.dialled = ""
        """The number of his that was dialled; empty where a wire leads to him alone."""
        self.rings = self.answered = self.ended = False
        self.listens = 0
        """How often he has come to listen, as he does after whatever else he did."""
        self._world = world
        self._told = 0

    def __str__(self) -> str:
        return f"{self.channel or self.unique}, heard {self.heard()}"

    async def answer(self) -> None:
        """Take the telephone off its hook."""
        await self._goes("s")
        self.answered = True

    async def press(self, keys: str) -> None:
        """Press keys, heard as tones on the wire."""
        await self._world.link.ask("Setvar", Channel=self.unique, Variable="KEYS", Value=keys)
        await self._goes("press")

    async def flash(self) -> None:
        """Press the hook for a moment (three quarters of a second, DAHDI's default)."""
        await self._goes("flash")

    async def speak(self, voice: str) -> None:
        """Speak with one of the voices, from now on."""
        await self._world.link.ask("Setvar", Channel=self.unique, Variable="HZ", Value=str(HERTZ[voice]))
        await self._goes("speak")

    async def hang_up(self) -> None:
        """Put it back on its hook."""
        if not self.ended:
            await self._world.link.ask("Hangup", Channel=self.unique, Cause="16")
            await self.over()

    async def over(self) -> None:
        """Wait until the call has ended, whoever ended it."""
        await self._world.until(lambda: self.ended, f"{self} over")

    async def hears(self, word: str) -> None:
        """Wait until he hears a sound that has a name, after what he was last waited for to hear."""
        await self._world.until(lambda: word in self.heard()[self._told :], f"{word} heard by {self}")
        self._told += self.heard()[self._told :].index(word) + 1

    def heard(self) -> list[str]:
        """Name all he has heard so far."""
        file = self._world.ears / f"{self.unique}.sln"
        return heard(from_pcm16(file.read_bytes(), _RATE)) if file.exists() else []

    async def _goes(self, exten: str) -> None:
        before = self.listens
        await asyncio.sleep(_REST_S)
        await self._world.link.ask("Redirect", Channel=self.unique, Context="talk", Exten=exten, Priority="1")
        await self._world.until(lambda: self.listens > before or self.ended, f"{self} through with {exten}")
        assert not self.ended, f"{self} was hung up on in `{exten}`"


class World:
    """All far ends. `ears` is where the guest writes what they hear."""

    def __init__(self, ears: Path) -> None:
        self.ears = ears
        self.ends: dict[str, End] = {}
        self.link: Link
        self._at = (0, "")
        self._news = asyncio.Event()
        self._numbers = itertools.count(1)
        self._begun: dict[str, End] = {}
        """Calls that are being made, by what the channel's name will begin with if it is an analog one."""

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, port: int, secret: str, ears: Path) -> "Iterator[World]":
        """Log in."""
        world = cls(ears)
        world._at = port, secret
        await world.connect()
        try:
            yield world
        finally:
            world.link.close()

    async def connect(self) -> None:
        """Log in at the exchange; again when it has been away, and all who telephoned with it."""
        for end in self.ends.values():
            end.ended = True
        port, secret = self._at
        self.link = await Link.open(
            host="127.0.0.1", port=port, user="lab", secret=secret, events="call,user", on_event=self._on_event
        )

    async def call(self, wire: int, number: str = "", *, caller: str = "", name: str = "") -> End:
        """Call in over a wire, named by our end of it, until somebody answers.

        Args:
            wire: our channel.
            number: what is dialled, where the wire carries numbers.
            caller: who calls, where the wire tells.
            name: and his name.

        """
        end = await self.dial(wire, number, caller=caller, name=name)
        await self.until(lambda: end.listens or end.ended, f"{end} answered")
        assert not end.ended, f"{end} was not answered"
        return end

    async def dial(self, wire: int, number: str = "", *, caller: str = "", name: str = "") -> End:
        """Begin such a call."""
        end = End(self, f"lab-{next(self._numbers)}")
        self.ends[end.unique] = end
        device = f"DAHDI/{wire + AWAY}"
        self._begun[f"{device}-"] = end
        channel = f"{device}/{number}" if number else device
        deadline = asyncio.get_running_loop().time() + WITHIN_S
        while True:
            answer = await self.link.ask(
                "Originate",
                Channel=channel,
                ChannelId=end.unique,
                Context="talk",
                Exten="s",
                Priority="1",
                Timeout="60000",
                CallerID=f'"{name}" <{caller}>',
                Async="true",
            )
            if answer[-1].get("Response") == "Success" or end.channel:
                return end
            # chan_dahdi uses no analog line in the two seconds after a call on it (`guardtime`)
            assert asyncio.get_running_loop().time() < deadline, answer[-1].get("Message")
            await asyncio.sleep(_AGAIN_S)

    async def rings(self, device: str) -> End:
        """Wait until somebody is rung: the telephone at our port 32, `DAHDI/72-`, or one on the PRI, `DAHDI/i3/`."""

        def rung() -> list[End]:
            ends = (end for end in self.ends.values() if end.rings and not (end.answered or end.ended))
            return [end for end in ends if end.channel.startswith(device)]

        await self.until(rung, f"{device} rung")
        return rung()[0]

    async def until(self, reached: Callable[[], object], what: str, within_s: float = WITHIN_S) -> None:
        """Wait until something is so; looked at after each event, and ten times a second."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while not reached():
            assert loop.time() < deadline, f"not {what} within {within_s:g} s; there are: {self}"
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _TICK_S)

    def __str__(self) -> str:
        return "; ".join(str(end) for end in self.ends.values() if not end.ended)

    async def hang_up(self) -> None:
        """Everybody out there hangs up, if there is still somebody."""
        if self.link.lost.done():
            return
        for end in list(self.ends.values()):
            await end.hang_up()

    def _is_analog(self, unique: str, channel: str) -> None:
        """Know a call that we make: chan_dahdi gives an analog channel an id of its own, whatever it was asked for."""
        for prefix, end in self._begun.items():
            if channel.startswith(prefix):
                del self._begun[prefix]
                del self.ends[end.unique]
                end.unique = unique
                self.ends[unique] = end
                return

    def _on_event(self, message: Message) -> None:
        unique, kind = message.get("Uniqueid"), message.event
        if kind == "UserEvent":
            kind = message.get("UserEvent")
        if kind == "Rings":
            self.ends[unique] = End(self, unique)
        if kind == "Newchannel" and unique not in self.ends:
            self._is_analog(unique, message.get("Channel"))
        if (end := self.ends.get(unique)) is None:
            return
        match kind:
            case "Rings":
                end.rings, end.dialled = True, message.get("Dialled")
                end.number, end.name = clean(message.get("CallerIDNum")), clean(message.get("CallerIDName"))
            case "Listens":
                end.listens += 1
            case "Hangup":
                end.ended = True
        end.channel = message.get("Channel") or end.channel
        self._news.set()
