"""Voicemail: the caller leaves a message, kept in the folder `recordings` of the site's home.

Reached by `flow voicemail` in ivr.conf, and by callers whom their queue sends there. The file's name says the queue,
the moment (local time) and the caller's number, so that a folder's listing is the list of messages:

    voicemail-sales-20261127-141502-5550201-1795456368_0.wav
"""

import time
from pathlib import Path

import structlog

from ivr.flow import Answer, Caller, GetVariable, HangUp, Play, Record, Recording, flow

log = structlog.get_logger()

LONGEST_MS = 180_000
SHORTEST_MS = 1_000
"""What is shorter is no message: the caller pressed a key, or said nothing."""
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
async def voicemail(caller: Caller) -> None:
    """Ask for a message, record it, say thank you."""
    await Answer()
    queue = await GetVariable("ACD_QUEUE") or "none"
    reason = await GetVariable("ACD_REASON") or ""
    name = file_name(queue, caller, time.localtime())
    await Play("voicemail-begin")
    log.info("voicemail begins", call=caller.uniqueid, queue=queue, reason=reason, file=f"{name}.wav")
    said = await Record(max_ms=LONGEST_MS, silence_ms=SILENCE_MS, name=name)  # who hangs up has left his message too
    if said.length_ms < SHORTEST_MS:
        _forget(said)
        await Play("voicemail-none")
    else:
        log.info("voicemail left", call=caller.uniqueid, queue=queue, file=f"{name}.wav", length_ms=said.length_ms)
        await Play("voicemail-end")
    await HangUp()


def file_name(queue: str, caller: Caller, moment: time.struct_time) -> str:
    """Name a message. Only letters, digits and `-` of what a caller can choose get into a file's name."""
    queue = "".join(char for char in queue if char.isascii() and (char.isalnum() or char == "-"))
    number = "".join(char for char in caller.number if char in "0123456789")
    unique = "".join(char if char.isascii() and char.isalnum() else "_" for char in caller.uniqueid)
    return f"voicemail-{queue[:40]}-{time.strftime('%Y%m%d-%H%M%S', moment)}-{number[:20] or 'unknown'}-{unique[:40]}"


def _forget(said: Recording) -> None:
    Path(f"{said.path}.wav").unlink(missing_ok=True)
