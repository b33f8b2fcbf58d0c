"""An agent hears what a customer wrote, and answers it: e-mail, SMS, chat, on any telephone.

    what it is and who wrote, when, how long, what is attached, its subject, then the text, in the text's own language:
    1 from the beginning           4 answer by one of the site's ready replies      8 to another queue
    2 more slowly, or not          5 what was quoted                                9 put it off
    3 answer by voice: recorded,   7 done: what was it about, then it is closed     0 the next one
      heard, sent as a file        * what can be pressed

A key counts at any moment. Who hangs up, or presses 0, has not closed it: it waits again, at its old place. Once he has
answered it is closed, whatever he does then, so that nobody is answered twice.

What a customer wrote reaches Asterisk as sound alone, in a file whose name is chosen here (`ivr.speaker`).
"""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import structlog
from msgspec.structs import replace

from acd.channels.contact import Card, Reply, ReplyError
from acd.desk.written import MOVE_MS, Before
from acd.ports import Channel
from ivr import letter_words, phrases
from ivr.desk import Attendant, House, Work
from ivr.flow import DIGITS, HangUp, Menu, Play, Prompt, Record
from ivr.letter_phrases import TITLES
from ivr.letter_text import pieces, spelt
from ivr.mailbox import RECORDINGS
from ivr.messages import SILENCES, WAIT_MS, ask_code
from ivr.reading import Reading, hear
from ivr.speaker import Voice
from ivr.transcripts import Transcriber

log = structlog.get_logger()
T = TypeVar("T")

NAME_MOST, SUBJECT_MOST = 60, 200
ANSWER_MOST_MS, ANSWER_LEAST_MS, ANSWER_SILENCE_MS = 180_000, 1_000, 5_000
"""Of a recorded answer, as of a message."""
TRANSCRIPT_S = 10.0
"""How much longer an answer waits for its transcript, which is in the making since it was recorded."""
SOON_S = 1.5
"""An answer that is on its way later than this has its agent told to wait."""
CHOICES_MOST = 30


def attendants(channels: Mapping[str, Channel], house: House) -> dict[str, Attendant]:
    """Give who attends to the media of these channels, by the medium."""
    transcriber = Transcriber(house)
    made = {medium: Letters(channel, house, transcriber) for medium, channel in channels.items()}
    house.customers.known.senders.update({medium: letters.sender for medium, letters in made.items()})
    return {**made}


class Letters:
    """Implements `ivr.desk.Attendant` for a medium of written contacts.

    Args:
        channel: the medium.
        house: the server.
        transcriber: writes down what is answered by voice.

    """

    def __init__(self, channel: Channel, house: House, transcriber: Transcriber) -> None:
        self.title = TITLES.get(channel.medium, f"{channel.medium} from")
        self.channel = channel
        self.house = house
        self.transcriber = transcriber
        self._tasks: set[asyncio.Task[Any]] = set()

    async def sender(self, call: str) -> str:
        """Name who wrote, as he says it himself; empty if he does not."""
        card = await self.channel.card(call)
        return card.sender if card is not None and card.sender != card.address else ""

    async def attend(self, work: Work) -> None:
        """Have the agent hear it, and do what he presses."""
        card = await self.channel.card(work.call.id)
        if card is None:  # nobody could ever hear it
            log.error("nothing is left of a contact", call=work.call.id)
            await self.end(work, "")
            await Play("letter-gone")
            return
        async with self.house.speaker.voice() as voice:
            await _Sitting(self, work, card, voice).run()

    async def end(self, work: Work, code: str, *, is_answered: bool = False) -> bool:
        """Close it: in the medium, then in the core. Answers whether it was his to close.

        Args:
            work: what he has before him.
            code: what it was about.
            is_answered: see `acd.desk.written.Before.end`.

        """
        return await self._before(work).end(code, is_answered=is_answered)

    async def move(self, work: Work, queue: str) -> None:
        """Have it wait in another queue, at its place, as soon as it waits again."""
        await self._before(work).move(queue)

    def _before(self, work: Work) -> Before:
        return Before(self.house, self.channel, work.call.id, work.offer, work.seat.rule.name)

    def spawn(self, what: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Do something to its end, whether its agent hangs up or not."""
        task = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and not isinstance(error := task.exception(), ReplyError | None):
            log.error("letter is not done with", exc_info=error)


class _Sitting:
    """One agent with one letter."""

    def __init__(self, letters: Letters, work: Work, card: Card, voice: Voice) -> None:
        self._letters, self._channel, self._house = letters, letters.channel, letters.house
        self._work, self._card, self._voice = work, card, voice
        self._language = card.language or self._house.site.general.language
        self._letter = self._reading = Reading(voice, card.text, self._language)
        self._slow = self._over = False

    @property
    def _seat(self) -> str:
        return self._work.seat.rule.name

    async def run(self) -> None:
        """Read it to him, and do what he presses until he is done."""
        key = await hear(*await self._introduction())
        if key is None:
            key = await self._read()
        silences = 0
        while not self._over and silences < SILENCES:
            if key is None:
                keys = "letter-keys" if self._channel.takes_files else "letter-keys-unvoiced"
                key = await Menu(keys, DIGITS, tries=1, timeout_ms=WAIT_MS)
            silences = silences + 1 if key is None else 0
            act = self._acts.get(key or "")
            key = await act(self) if act is not None else None

    # What he hears

    async def _introduction(self) -> list[Prompt]:
        card, language = self._card, self._work.language
        known = self._house.customers.known
        who = await known.say(self._work.call.id, language, self._voice, instead=self._sender())
        told: list[Prompt] = [letter_words.came_from(card.medium), who or "letter-unspoken"]
        now = self._house.dispatcher.clock()
        told += letter_words.facts(card.arrived, self._letter.length_ms, len(card.files), now, language)
        told += [f"letter-mark-{mark}" for mark in letter_words.MARKS if mark in card.marks]
        if subject := " ".join(pieces(card.subject[:SUBJECT_MOST], self._language)):
            told += ["letter-subject", await self._voice.say(subject, self._language) or "letter-unspoken"]
        elif card.medium == "email":
            told.append("letter-no-subject")
        if self._letter.is_empty:
            told.append("letter-empty")
        elif self._letter.is_long:
            told.append("letter-long")
        return told

    def _sender(self) -> str:
        """Say who wrote, as he says it himself, or else from where."""
        card = self._card
        if card.sender and card.sender != card.address:
            return card.sender[:NAME_MOST]
        if (number := card.address.lstrip("+")).isdigit():
            return spelt(number[:NAME_MOST])
        return letter_words.address(card.address, self._work.language)

    async def _read(self) -> str | None:
        return await self._reading.read(slow=self._slow)

    async def _again(self) -> str | None:
        self._reading = self._letter
        self._reading.begin()
        return await self._read()

    async def _pace(self) -> str | None:
        """Go on at the other pace, from the piece that he did not quite get."""
        self._slow = not self._slow
        if self._reading.is_over:
            self._reading.begin()
        return await self._read()

    async def _quoted(self) -> str | None:
        quoted = Reading(self._voice, self._card.quoted, self._language)
        if quoted.is_empty:
            return await hear("letter-nothing-quoted")
        self._reading = quoted
        return await self._read()

    # What he answers

    async def _by_voice(self) -> str | None:
        if not self._channel.takes_files:
            return await hear("letter-not-by-voice")
        choice: str | None = "2"
        while choice == "2":
            await Play("letter-record")
            name = f"reply-{secrets.token_hex(12)}"
            file, words = self._house.home / RECORDINGS / f"{name}.wav", None
            is_handed_on = False
            try:
                recorded = await Record(name=name, max_ms=ANSWER_MOST_MS, silence_ms=ANSWER_SILENCE_MS)
                if recorded.length_ms < ANSWER_LEAST_MS:
                    return await hear("handset-nothing-recorded")
                words = asyncio.create_task(self._letters.transcriber.words(file, self._language))  # while he hears it
                choice = await Menu(("letter-recorded", recorded, "letter-record-choice"), "123", tries=2)
                if choice == "1":
                    is_handed_on = True
                    await self._answer(Reply(text=letter_words.by_voice(self._language), files=(file,)), words)
            finally:
                if not is_handed_on:
                    file.unlink(missing_ok=True)
                    if words is not None:
                        words.cancel()
        return None

    async def _by_choice(self) -> str | None:
        choices = self._channel.choices(self._work.call.queue, self._language)[:CHOICES_MOST]
        if not choices:
            return await hear("letter-no-choices")
        told = [letter_words.choice(at, one.title, self._work.language) for at, one in enumerate(choices, 1)]
        numbers = tuple(map(str, range(len(choices) + 1)))
        confirmed: str | None = "2"
        while confirmed == "2":
            number = await Menu(("letter-choices", *told), numbers, tries=2)
            if number is None or number == "0":
                return None
            chosen = choices[int(number) - 1]
            confirmed = await Menu((chosen.title, "letter-send-choice"), "12", tries=2)
            if confirmed == "1":
                await self._answer(Reply(choice=chosen.name))
        return None

    async def _answer(self, reply: Reply, words: "asyncio.Task[str] | None" = None) -> None:
        """Send it, with the words of what was spoken, ask what it was about, and close."""
        sending = self._letters.spawn(self._store(reply, words))
        try:
            if not (await asyncio.wait([sending], timeout=SOON_S))[0]:
                await Play("letter-moment")
            await asyncio.shield(sending)
            await Play("letter-sent")
            code = await ask_code(self._house, self._work)
        except ReplyError as error:
            log.warning("reply cannot be sent", call=self._work.call.id, seat=self._seat, reason=str(error))
            await Play("letter-not-sent")
            return
        except BaseException:  # he hung up: the customer has his answer all the same
            self._letters.spawn(self._end_when_sent(sending))
            raise
        self._over = True
        await self._end(code or "", is_answered=True)
        await Play("letter-closed")

    async def _store(self, reply: Reply, words: "asyncio.Task[str] | None") -> None:
        """Hand a reply to the medium. What was recorded is kept until that has taken it, or never will."""
        try:
            if words is not None and (said := await _in_time(words)):
                reply = replace(reply, text=f"{reply.text}\n\n{letter_words.written_down(said, self._language)}")
            await self._channel.reply(self._work.call.id, self._seat, reply)
        except ReplyError:
            _remove(reply.files)
            raise
        _remove(reply.files)

    async def _end_when_sent(self, sending: "asyncio.Task[None]") -> None:
        await asyncio.wait([sending])
        if not sending.cancelled() and sending.exception() is None:
            await self._letters.end(self._work, "", is_answered=True)

    # What becomes of it

    async def _close(self) -> str | None:
        code = await ask_code(self._house, self._work)
        if code is not None:
            self._over = True
            await Play("letter-closed" if await self._end(code) else "already-answered")
        return None

    async def _end(self, code: str, *, is_answered: bool = False) -> bool:
        return await asyncio.shield(self._letters.spawn(self._letters.end(self._work, code, is_answered=is_answered)))

    async def _defer(self) -> str | None:
        self._over = True
        await Play("letter-put-off" if await self._put_off(self._house.site.voicemail.defer_ms) else "already-answered")
        return None

    async def _put_off(self, for_ms: int) -> bool:
        return await self._house.desk.defer(self._seat, self._work.offer, for_ms) == "ok"

    async def _move(self) -> str | None:
        others = (name for name in self._house.site.queues if name != self._work.call.queue)
        queues = dict(zip("123456789", others, strict=False))
        if not queues:
            return await hear("letter-no-other-queue")
        digit = await Menu(phrases.queue_menu(queues, self._work.language), tuple(queues), tries=2)
        if digit is None:
            return None
        self._over = True
        if await self._put_off(MOVE_MS):
            self._letters.spawn(self._letters.move(self._work, queues[digit]))
            await Play("letter-moved")
        else:
            await Play("already-answered")
        return None

    async def _next(self) -> str | None:
        await HangUp()
        return None

    _acts: ClassVar[Mapping[str, Callable[["_Sitting"], Awaitable[str | None]]]] = {
        "1": _again,
        "2": _pace,
        "3": _by_voice,
        "4": _by_choice,
        "5": _quoted,
        "7": _close,
        "8": _move,
        "9": _defer,
        "0": _next,
    }
    """Each key and what it does, which gives the key that was pressed meanwhile. Any other has the keys said."""


async def _in_time(words: "asyncio.Task[str]") -> str:
    """Give a transcript, or nothing if it is not there soon: the customer waits for his answer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(TRANSCRIPT_S):
            return await words
    log.warning("recording is not written down", reason="it takes too long")
    return ""


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
