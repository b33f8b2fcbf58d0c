"""An agent hears a message: what follows when he has answered an offer of the medium `voicemail`.

    who it is if that is known, number, when, how long, then the message, then what can be pressed:
    1 once more    3 call him back    7 done: what was it about, then it is closed    9 put it off    0 the next one

Called back, it is over when the customer answers; if he does not, it is put off, as a callback is. A key counts at any
moment. Who hangs up, or presses 0, has not closed it: it waits again, at its old place.
"""

import structlog

from ivr import phrases
from ivr.calling_out import go, refusal
from ivr.desk import House, Work
from ivr.flow import HangUp, Menu, Play, Prompt, Recording
from ivr.mailbox import MESSAGES, Mailbox, Message
from ivr.message_words import introduction

log = structlog.get_logger()

__all__ = ["MESSAGES", "Listening", "ask_code"]

KEYS = "13790"
SILENCES = 3
"""So often the keys are said to somebody who presses none; then he is not there."""
WAIT_MS = 8_000


class Listening:
    """Implements `ivr.desk.Attendant` for messages.

    Args:
        mailbox: holds them.
        house: the server.

    """

    title = "voicemail from"

    def __init__(self, mailbox: Mailbox, house: House) -> None:
        self._mailbox = mailbox
        self._house = house

    async def attend(self, work: Work) -> None:
        """Have the agent hear it, and do what he presses."""
        message = self._mailbox.get(work.call.id)
        if message is None:  # somebody has removed the file: no agent could ever hear it
            log.error("voicemail has no sound", call=work.call.id)
            await self._close(work, "")
            await Play("message-gone")
            return
        sound = Recording(self._mailbox.path(message.id), message.length_ms)
        told = introduction(
            message.number, message.left_at, message.length_ms, self._house.dispatcher.clock(), work.language
        )
        async with self._house.speaker.voice() as voice:
            who = await self._house.customers.known.say(work.call.id, work.language, voice)
            await self._hear(work, message, [*([who] if who is not None else []), *told, sound, "message-keys"])

    async def _hear(self, work: Work, message: Message, heard: list[Prompt]) -> None:
        sound, silences = heard[-2], 0
        while silences < SILENCES:
            match await Menu(heard, KEYS, tries=1, timeout_ms=WAIT_MS):
                case "1":
                    heard, silences = [sound, "message-keys"], 0
                case "3":
                    out = await self._house.calling.call_back(work.seat, work.offer, message.number)
                    if out.answer == "ok":
                        await go(out)
                    await Play(refusal(out))
                    heard = ["message-keys"]
                case "7" if (code := await ask_code(self._house, work)) is not None:
                    await Play("message-closed" if await self._close(work, code) else "already-answered")
                    return
                case "9":
                    seat = work.seat.rule.name
                    answer = await self._house.desk.defer(seat, work.offer, self._house.site.voicemail.defer_ms)
                    await Play("message-put-off" if answer == "ok" else "already-answered")
                    return
                case "0":
                    await HangUp()
                case _:
                    heard, silences = ["message-keys"], silences + 1

    async def _close(self, work: Work, code: str) -> bool:
        seat = work.seat.rule.name
        return await self._mailbox.close(work.call.id, seat, code, self._house.desk.close(seat, work.offer))


async def ask_code(house: House, work: Work) -> str | None:
    """Ask what it was about, as *18 does; empty where the site has no codes, None if none was chosen."""
    codes = house.site.codes
    if not codes:
        return ""
    digit = await Menu(phrases.code_menu(codes, work.language), tuple(codes), tries=2)
    if digit is None:
        return None
    await house.desk.code(work.seat.rule.name, codes[digit])
    return codes[digit]
