"""The line check: the caller says something and hears it as the switch received it."""

from pathlib import Path

from ivr.flow import Answer, Caller, Menu, Play, Record, Recording, flow

LONGEST_MS = 10_000

TEXTS = {
    "line-check-begin": {
        "en": "To check your line, press 1, speak after the tone, and hear yourself.",
        "pl": "Aby sprawdzić połączenie, naciśnij 1, mów po sygnale i posłuchaj siebie.",
    },
    "line-check-again": {
        "en": "To check again, press 1.",
        "pl": "Aby sprawdzić ponownie, naciśnij 1.",
    },
}


@flow("line-check")
async def line_check(_caller: Caller) -> None:
    """Record the caller and play it back, as often as 1 is pressed."""
    await Answer()
    prompt = "line-check-begin"
    while await Menu(prompt, choices="1", timeout_ms=6_000) == "1":
        heard = await Record(max_ms=LONGEST_MS, silence_ms=2_000)
        try:
            await Play(heard)
        finally:
            _forget(heard)
        prompt = "line-check-again"


def _forget(heard: Recording) -> None:
    """Remove the file: nobody's voice stays behind."""
    Path(f"{heard.path}.wav").unlink(missing_ok=True)
