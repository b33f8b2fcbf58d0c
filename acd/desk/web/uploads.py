"""Files on their way into a reply: kept until it is sent, or for an hour, each for who brought it."""

import asyncio
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from msgspec import Struct

from acd.desk.web.problems import ProblemError

BYTES_MOST = 24 << 20
"""Of one file: what an answer by mail may hold in all."""
EACH_MOST = 20
ALL_MOST = 500
KEEP_MS = 3_600_000
_UNSAFE = re.compile(r"[^\w .()+-]")


class _Upload(Struct, frozen=True):
    owner: str
    path: Path
    at: int


class Uploads:
    """The folder of them; what an earlier server left is removed."""

    def __init__(self, folder: Path, clock: Callable[[], int]) -> None:
        self._folder, self._clock = folder, clock
        self._known: dict[str, _Upload] = {}
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)

    async def take(self, owner: str, name: str, parts: AsyncIterator[bytes]) -> str:
        """Keep a file; gives its id.

        Raises:
            ProblemError: it is too large, or there are too many.

        """
        await self._forget_old()
        own = sum(one.owner == owner for one in self._known.values())
        if own >= EACH_MOST or len(self._known) >= ALL_MOST:
            raise ProblemError(409, "too many files wait for a reply", "send or forget those that were brought before")
        made = secrets.token_hex(16)
        path = self._folder / made / safe_name(name)
        self._known[made] = _Upload(owner, path, self._clock())
        is_whole = False
        try:
            await asyncio.to_thread(path.parent.mkdir, mode=0o700)
            await _write(path, parts)
            is_whole = True
        finally:
            if not is_whole:
                await self.forget([made])
        return made

    def find(self, owner: str, ids: Sequence[str]) -> tuple[Path, ...]:
        """Give the paths of files.

        Raises:
            ProblemError: one of them is not his, or not there any more.

        """
        found = [self._known.get(one) for one in ids]
        paths = tuple(one.path for one in found if one is not None and one.owner == owner)
        if len(paths) != len(ids):
            raise ProblemError(404, "there is no such file of yours", "bring it again: POST /api/v1/uploads")
        return paths

    async def forget(self, ids: Sequence[str]) -> None:
        """Remove files."""
        for one in ids:
            if (known := self._known.pop(one, None)) is not None:
                await asyncio.to_thread(shutil.rmtree, known.path.parent, ignore_errors=True)

    async def _forget_old(self) -> None:
        old = [made for made, one in self._known.items() if one.at < self._clock() - KEEP_MS]
        await self.forget(old)


async def _write(path: Path, parts: AsyncIterator[bytes]) -> None:
    size = 0
    with await asyncio.to_thread(path.open, "xb") as out:
        async for part in parts:
            size += len(part)
            if size > BYTES_MOST:
                raise ProblemError(413, f"a file has at most {BYTES_MOST >> 20} MiB")
            await asyncio.to_thread(out.write, part)
    if not size:
        raise ProblemError(422, "the file is empty")


def safe_name(name: str) -> str:
    """Give a name that is no path and holds nothing strange."""
    return _UNSAFE.sub("_", name).strip(" .")[-80:] or "file"
