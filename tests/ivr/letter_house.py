"""A letter before an agent: a medium that really stores, real speech files of an engine that notes what it says."""

import asyncio
import itertools
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import msgspec

from acd.channels.contact import Card, Choice, ReplyError
from acd.settings import GeneralSettings, VoicemailSettings
from ivr.desk import Work
from ivr.flow import CallOverError, FlowEnded, HangUp, Menu, Play, Record, Recording, performing
from ivr.known import Acquaintance
from ivr.letters import attendants
from tests.ivr.speaking import Engine, NotingSpeaker

NOW = 1_800_000_000_000
CALL = "mail-1"
HANG_UP = "hangs up"


class Mailroom:
    """A channel that stores in a folder: cards, replies with their files, what is closed."""

    medium, takes_files, is_live = "email", True, False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.titles = ["in-time", "refund"]
        self.slow = asyncio.Event()
        self.slow.set()
        folder.mkdir(parents=True, exist_ok=True)

    def receive(self, card):
        (self.folder / f"{card.call}.card").write_bytes(msgspec.json.encode(card))

    async def card(self, call):
        path = self.folder / f"{call}.card"
        return msgspec.json.decode(path.read_bytes(), type=Card) if path.exists() else None

    def choices(self, queue, language):
        return tuple(Choice(name=title, title=f"{title} in {language}") for title in self.titles)

    async def reply(self, call, seat, reply):
        await self.slow.wait()
        if reply.choice == "refund":
            raise ReplyError("nobody to send it to")
        names = []
        for file in reply.files:
            shutil.copy(file, self.folder / file.name)
            names.append(file.name)
        told = {"call": call, "seat": seat, "text": reply.text, "choice": reply.choice, "files": names}
        with (self.folder / "replies").open("a") as out:
            out.write(json.dumps(told) + "\n")

    async def closed(self, call, seat, code):
        with (self.folder / "closed").open("a") as out:
            out.write(json.dumps([call, seat, code]) + "\n")

    def told(self, name):
        """Lines of what was stored."""
        path = self.folder / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class Desk:
    """Answers every wish the same, and changes the state as the core would."""

    def __init__(self, house, answer):
        self.house, self.answer, self.asked = house, answer, []

    def __getattr__(self, wish):
        async def ask(*words):
            self.asked.append((wish, *words, *([len(self.house.room.told("closed"))] if wish == "close" else [])))
            if wish == "close" and self.answer == "ok":
                self.house.state.calls.pop(CALL)
            return self.answer

        return ask


class Agent:
    """Presses keys when he hears something: `(what, key)`, one after the other; notes all he hears."""

    def __init__(self, house, script, recorded_ms):
        self.house, self.script, self.recorded_ms = house, list(script), recorded_ms
        self.heard, self.steps, self.prompts = [], [], []

    def _hear(self, prompts):
        self.prompts += prompts
        told = [self._words(prompt) for prompt in prompts]
        self.heard += told
        if self.script and self.script[0][0] in [one[0] if isinstance(one, tuple) else one for one in told]:
            return self.script.pop(0)[1]
        return None

    def _words(self, prompt):
        if isinstance(prompt, Recording):
            assert Path(f"{prompt.path}.wav").is_file()
            return self.house.speaker.said.get(prompt.path, "a recording")
        return prompt

    async def perform(self, step):
        self.steps.append(step)
        if self.house.over:
            raise CallOverError
        match step:
            case Menu():
                key = self._hear(step.prompts)
                assert key in {None, HANG_UP, *step.choices}
            case Play():
                key = self._hear([step.prompt])
                assert key in {None, HANG_UP}
            case Record():
                file = self.house.home / "recordings" / f"{step.name}.wav"
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(self.house.recorded)
                self.heard.append("records")
                return Recording(str(file.with_suffix("")), self.recorded_ms)
            case HangUp():
                raise FlowEnded
        if key == HANG_UP:
            self.house.state.offers.clear()
            self.house.desk.answer = "already"
            if CALL in self.house.state.calls:
                self.house.state.calls[CALL].state = "waiting"
            raise asyncio.CancelledError
        return key


class House:
    """What letters need of the server."""

    def __init__(
        self,
        tmp_path,
        *,
        answer="ok",
        codes=None,
        queues=("sales", "support"),
        length_ms=None,
        engines=None,
        recogniser="none",
    ):
        self.home, self.over, self.recorded = tmp_path / "home", False, b"RIFF said"
        self.home.mkdir()
        self.site = SimpleNamespace(
            general=GeneralSettings(recogniser=recogniser),
            codes=codes or {},
            queues=dict.fromkeys(queues),
            voicemail=VoicemailSettings(defer_ms=60_000),
        )
        self.engines = [Engine()] if engines is None else engines
        self.submitted = []
        call = SimpleNamespace(id=CALL, queue="sales", medium="email", caller="jan@example.org", state="talking")
        self.call = call
        self.state = SimpleNamespace(calls={CALL: call}, offers={"o": SimpleNamespace(in_talk=True)})
        self.dispatcher = SimpleNamespace(
            clock=lambda: NOW, core=SimpleNamespace(state=self.state), submit=self.submitted.append
        )
        self.room = Mailroom(tmp_path / "room")
        self.desk = Desk(self, answer)
        self.speaker = NotingSpeaker(self.home / "spoken", self, length_ms)
        self.customers = SimpleNamespace(known=Acquaintance(None, self))
        self.letters = attendants({"email": self.room}, self)["email"]

    async def attend(self, card, *script, language="en", recorded_ms=4_000):
        """Have an agent hear a card and press keys; gives him."""
        if card is not None:
            self.room.receive(card)
        agent = Agent(self, script, recorded_ms)
        seat = SimpleNamespace(rule=SimpleNamespace(name="101"))
        with performing(agent):
            try:
                await self.letters.attend(Work(offer="o", call=self.call, seat=seat, language=language))
            except FlowEnded:
                agent.heard.append("next")
            except asyncio.CancelledError:
                agent.heard.append("gone")
        while self.letters._tasks:
            await asyncio.gather(*self.letters._tasks, return_exceptions=True)
        assert agent.script == []
        assert list((self.home / "spoken").glob("*")) == []
        return agent

    def recordings(self):
        return sorted((self.home / "recordings").glob("*"))


def card(**told):
    """A card of a letter that arrived an hour ago."""
    known = {
        "call": CALL,
        "medium": "email",
        "sender": "Jan Kowalski",
        "address": "jan@example.org",
        "subject": "Zamówienie",
        "text": "Dzień dobry. Gdzie jest paczka?",
        "quoted": "Kupiłem wczoraj.",
        "language": "pl",
        "arrived": NOW - 3_600_000,
    }
    return Card(**{**known, **told})


def after(heard, word):
    """What was heard from the first time of a word on."""
    return list(itertools.dropwhile(lambda one: one != word, heard))
