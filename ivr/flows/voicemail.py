"""Voicemail: the caller leaves a message, which becomes a call in his queue (see `ivr.mailbox`).

Reached by the actions `voicemail` and `flow voicemail` of ivr.conf, and by callers whom their queue sends there. Who
hangs up while he speaks has left his message too.
"""

from ivr.flow import Answer, Caller, GetVariable, HangUp, LeaveMessage, Play, flow

LONGEST_MS = 180_000
SILENCE_MS = 5_000

TEXTS = {
    "voicemail-begin": {
        "en": "Please leave a message after the tone. When you have finished, press any key or hang up.",
        "pl": "Prosimy zostawić wiadomość po sygnale. Aby zakończyć, naciśnij dowolny klawisz lub rozłącz się.",
    },
    "voicemail-end": {
        "en": "Thank you. Your message has been recorded. Goodbye.",
        "pl": "Dziękujemy. Wiadomość została nagrana. Do usłyszenia.",
    },
    "voicemail-none": {
        "en": "Nothing was recorded. Goodbye.",
        "pl": "Nic nie zostało nagrane. Do usłyszenia.",
    },
}


@flow("voicemail")
async def voicemail(_caller: Caller) -> None:
    """Ask for a message, record it, say thank you."""
    await Answer()
    queue = await GetVariable("ACD_MESSAGE_FOR") or await GetVariable("ACD_QUEUE") or ""
    await Play("voicemail-begin")
    is_left = await LeaveMessage(queue, max_ms=LONGEST_MS, silence_ms=SILENCE_MS)
    await Play("voicemail-end" if is_left else "voicemail-none")
    await HangUp()
