"""Writes down one recording, in a process of its own: `python -m ivr.transcribe ENGINE MODEL LANGUAGE FILE`.

On its standard output it says `+` and the words, or `-` and why not. It gives way to whatever else the machine has to
do, and ends when its standard input is closed: when whoever asked has gone, however that came.
"""

import os
import sys
import threading
from pathlib import Path

from ivr.audio import from_wav
from ivr.recognisers import Chosen, RecogniserError, load

NICENESS = 10
"""Calls go before by ten to one, and yet it gets on beside them: an answer waits for it."""
WORDS_MOST = 10_000
"""Characters; nobody speaks so much into one recording, so the engine has gone astray."""
REASON_MOST = 300


def main(name: str, model: str, language: str, file: str) -> None:
    """Say what is spoken in a file."""
    os.nice(NICENESS)
    threading.Thread(target=_leave_when_alone, daemon=True).start()
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what an engine prints is no answer
        try:
            said = "+" + _readable(load(Chosen(name, model)).transcribe(from_wav(Path(file).read_bytes()), language))
        except RecogniserError as error:
            said = "-" + _readable(str(error))[:REASON_MOST]
        except Exception as error:  # noqa: BLE001 - an engine's own
            said = "-" + _readable(f"{type(error).__name__}: {error}")[:REASON_MOST]
        out.write(said.encode("utf-8", "replace"))


def _readable(text: str) -> str:
    """Leave the words, one blank between them: what an engine gives goes into a letter."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:WORDS_MOST]


def _leave_when_alone() -> None:
    while os.read(0, 1):  # not by `sys.stdin`, whose lock would be held when the work is done
        pass
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
