"""What was said in a recording, as text: made where an engine is there that understands, in a process of its own.

One recording at a time, and calls go before. A transcript is a help beside the recording,
never instead of it: where there is none the answer goes without, and the log says why.
"""

import asyncio
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import structlog

from acd.settings import Site
from ivr.recognisers import Chosen, chosen

log = structlog.get_logger()

LONGEST_S = 300.0
"""Of the work on one recording; one of three minutes takes one or two."""
WORDS_BYTES = 1 << 16
_KEPT = re.compile(r"PATH|HOME|LANG|LC_\w+|LD_LIBRARY_PATH|PYTHON\w+|VIRTUAL_ENV|XDG_CACHE_HOME|HF_\w+|(?i:\w+_proxy)")
"""Variables that the process is given: a model may have to be fetched and kept. A site's secrets are not among them."""


class House(Protocol):
    """What is needed of the server: the settings of the moment."""

    site: Site


class Transcriber:
    """Writes recordings down.

    Args:
        house: the server.

    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._turn = asyncio.Semaphore(1)

    async def words(self, file: Path, language: str) -> str:
        """Give what is said in a recording; empty if nobody can tell. Cancelled, it stops at once.

        Args:
            file: a sound file of 16 bits mono (WAV).
            language: which one it should be.

        """
        choice = self._house.site.general.recogniser
        try:
            engine = await asyncio.to_thread(chosen, choice)  # it looks through the installed packages
            if engine is None:
                return ""
            async with self._turn, asyncio.timeout(LONGEST_S):
                said = await _asked(engine, file, language)
            if said[:1] == "+":
                return said[1:]
            why = said[1:] or "its process died"
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer goes without
            why = str(error) or type(error).__name__
        log.warning("recording is not written down", recogniser=choice, language=language, reason=why)
        return ""


async def _asked(engine: Chosen, file: Path, language: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ivr.transcribe", engine.name, engine.model, language, str(file)),
        stdin=PIPE,  # it ends with this
        stdout=PIPE,
        stderr=DEVNULL,
        env={name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)},
        start_new_session=True,  # Ctrl-C is the server's to handle
    )
    assert process.stdout is not None, "it was asked for"
    try:
        said = await process.stdout.read(WORDS_BYTES)
        while more := await process.stdout.read(WORDS_BYTES):
            said += more
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return said.decode("utf-8", "replace")
