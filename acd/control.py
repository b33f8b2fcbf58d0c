"""The local socket by which the command line looks at a running server and talks to it.

One Unix socket, readable by the server's own user alone; one JSON object a line in, one out:
`{"ask": "status"}` -> `{"ok": {...}}` or `{"error": "..."}`; a question about something names it:
`{"ask": "why-waiting", "of": "5550203"}`. The composition root says what can be asked. An answer may carry open files
with it (unix(7), SCM_RIGHTS): so a server hands its listening socket to the one that takes over.

A Unix socket's path ends at 108 bytes, a folder's does not: the folder is opened and the socket named through it.
"""

import asyncio
import contextlib
import inspect
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import structlog

from acd.problems import ConfigError

log = structlog.get_logger()

LINE_MAX = 64 * 1024
FILES_MAX = 16
SOCKET = "control.sock"


class ControlError(Exception):
    """The server cannot be asked, or has no answer."""


class WithFiles(NamedTuple):
    """An answer that open files go with; they are closed here when they were sent."""

    answer: Any
    files: Sequence[int]
    sent: Callable[[bool], None] = lambda _: None
    """Called when the asker has them, or with False when he is gone. The connection ends then."""


class UnansweredError(ControlError):
    """Nobody answers: there is no server, or it is about to end, or it is stuck."""


@contextlib.contextmanager
def _short(folder: Path) -> Iterator[str]:
    """A short path of the socket in a folder of any depth."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)


class Control:
    """Answers questions on a socket."""

    def __init__(
        self,
        folder: Path,
        answers: Mapping[str, Callable[[], Any]],
        answers_of: Mapping[str, Callable[[str], Any]] | None = None,
    ) -> None:
        """Answer in a folder; `answers_of` are those to questions about something that the asker names."""
        self._folder = folder
        self._answers = answers
        self._answers_of = answers_of or {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. A socket that a dead server left is taken over.

        Raises:
            ControlError: a living server holds it.

        """
        with _short(self._folder) as path:
            if is_answered(self._folder):
                raise ControlError(f"a callfloor server runs here already ({self._folder / SOCKET})")
            (self._folder / SOCKET).unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            old_mask = os.umask(0o177)
            try:
                listener.bind(path)
            finally:
                os.umask(old_mask)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=LINE_MAX)

    async def close(self) -> None:
        """Stop listening and remove the socket."""
        if self._server is not None:
            self._server.close()
            (self._folder / SOCKET).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                answer = await self._answer(line)
                if isinstance(answer.get("ok"), WithFiles):
                    _send_files(writer, answer["ok"])
                    break
                writer.write(msgspec.json.encode(answer) + b"\n")
                await writer.drain()
        except (OSError, ValueError) as error:  # gone, or a line without an end
            log.debug("control connection ended", reason=str(error))
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            question = msgspec.json.decode(line, type=dict[str, str])
            wanted = question["ask"]
            answer = self._answers.get(wanted) or partial(self._answers_of[wanted], question["of"])
        except (msgspec.MsgspecError, KeyError):
            return {"error": f"ask one of: {', '.join([*self._answers, *(f'{name} of' for name in self._answers_of)])}"}
        try:
            said = answer()
            return {"ok": await said if inspect.isawaitable(said) else said}
        except (ConfigError, ControlError) as error:  # for the person who asked, who reads it in the answer
            return {"error": str(error)}
        except Exception as error:
            log.exception("control question failed", ask=wanted)
            return {"error": str(error)}


def _send_files(writer: asyncio.StreamWriter, answer: WithFiles) -> None:
    """Send a short answer with open files. The stream has none of its own words to send before it."""
    data = msgspec.json.encode({"ok": answer.answer}) + b"\n"
    try:
        with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as connection:
            socket.send_fds(connection, [data], answer.files)
    except OSError:
        answer.sent(False)  # noqa: FBT003 - the one thing it says
        raise
    finally:
        for file in answer.files:
            os.close(file)
    answer.sent(True)  # noqa: FBT003 - as above


def is_answered(folder: Path) -> bool:
    """Whether a server listens in this folder."""
    try:
        with _short(folder) as path, socket.socket(socket.AF_UNIX) as probe:
            probe.connect(path)
    except OSError:
        return False
    return True


def ask(folder: Path, what: str, of: str | None = None, *, timeout_s: float = 5.0) -> Any:
    """Put a question to the server whose home this is; `of` names what it is about, where it is about something.

    Raises:
        UnansweredError: no server runs there, or it says nothing within `timeout_s` seconds.
        ControlError: it answers that it cannot.

    """
    answer, files = ask_for_files(folder, what, of, timeout_s=timeout_s)
    for file in files:
        os.close(file)
    return answer


def ask_for_files(folder: Path, what: str, of: str | None = None, *, timeout_s: float = 5.0) -> tuple[Any, list[int]]:
    """As `ask`, for an answer that open files come with; they are the caller's to close."""
    files: list[int] = []
    data = b""
    try:
        with _short(folder) as path, socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout_s)
            connection.connect(path)
            question = {"ask": what} if of is None else {"ask": what, "of": of}
            connection.sendall(msgspec.json.encode(question) + b"\n")
            while not data.endswith(b"\n"):
                part, came, _, _ = socket.recv_fds(connection, LINE_MAX, FILES_MAX)
                data, files = data + part, [*files, *came]
                if not part:
                    break
        answer = msgspec.json.decode(data)
    except (FileNotFoundError, ConnectionRefusedError) as error:  # never started, or its socket was left behind
        raise UnansweredError(
            f"no callfloor server runs in {folder}; start one with: callfloor up, or callfloor demo --stay"
        ) from error
    except OSError as error:
        reason = error.strerror or error
        raise UnansweredError(f"the callfloor server in {folder} cannot be asked: {reason}") from error
    except msgspec.DecodeError as error:
        raise UnansweredError(f"the callfloor server in {folder} ended before it answered") from error
    if "error" in answer:
        raise ControlError(answer["error"])
    return answer["ok"], files
