r"""A site's own AGI scripts, run unchanged: Python files in `agi-bin/`, written for pyst2 or for no library at all.

Theory of operation. A script is a program that Asterisk starts for a call: it reads `agi_` headers and answers from its
stdin and writes commands to its stdout. Here callfloor starts it, with the Python that callfloor itself runs on, where
pyst2 is installed; its lines go to the switch over the call's FastAGI session, and the answers come back as they are:

    script --stdout--> Scripts --Session.relay--> Asterisk
           <--stdin---         <----------------

A process of its own, because pyst2's `AGI()` takes a signal handler, which only a main thread may, and because a script
may do what it likes, as it may under Asterisk. It has the rights of callfloor's user: it is the admin's word, not the
caller's. Equal to Asterisk (res_agi, 22): the headers and their order, arguments as `agi_arg_1` and in `sys.argv`, a
wrong line answered by 510, a line `failure ...` ending it. When the caller hangs up it is sent SIGHUP; the command that
is out is answered by `result=-1`, later ones by 511. (The line HANGUP is for FastAGI alone; no script expects it.) SET
CONTEXT, EXTENSION or PRIORITY tell the switch where the dialplan goes on, so such a script takes the call with it.

Not as under Asterisk, so that no script harms a caller who is not its own:

* it is a file in that folder itself, by its plain name, not by a link that leads out of it;
* its environment holds PATH, TZ and a few words more, no secrets; it starts in an empty folder that goes when it ends;
* the numbers of `ScriptLimits` hold. After a hang-up it has `grace_ms` to clean up. With it ends all that it started,
  unless that has a session of its own (`setsid`), and it ends when callfloor does, however that ends;
* a carriage return in a header or an answer comes as a blank: Python reads one as the end of a line, and so a caller's
  name could hold headers of its own.

What it writes to stderr is logged line by line at level debug: pyst2 traces everything, keys included. The last lines
that are no such trace, as of a Python traceback, are in the warning when it fails.
"""

import ast
import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
import tempfile
import warnings
from collections import deque
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, Protocol, cast

import structlog
from msgspec import Struct

from _fastpath import CommandError
from ivr.agi import COMMAND_BYTES_MAX
from ivr.asterisk.process import launcher
from ivr.flow import SCRIPT_NAME, StepError

log = structlog.get_logger()

FOLDER = "agi-bin"
"""The folder of scripts beside ivr.conf; under Asterisk they lie in one of the same name."""

_INHERITED = ("PATH", "TZ", "LD_LIBRARY_PATH")
_NO_COMMAND = "510 Invalid or unknown command"
_DEAD = "511 Command Not Permitted on a dead channel or intercept routine"
_GOES_ON = re.compile(rb"\s*set\s+(context|extension|priority)\s", re.IGNORECASE)
_TRACE = re.compile(r"ARGS: |ENV LINE:|class AGI: self\.env = |[{ ]'agi_| {4}(COMMAND|RESULT_LINE|RESULT_DICT): ")
_LINGER_S = 1.0
"""How long what a script has left in its pipes is waited for when it has ended."""
_SAID_LINES, _SAID_CHARS = 8, 300


class ScriptLimits(Struct, frozen=True, kw_only=True):
    """What scripts may take. Ivr.conf sets the first two, as `scripts_at_once` and `script_time`."""

    at_once: int = 20
    """Scripts that run at a time, over all calls."""
    lasts_ms: int = 600_000
    """How long one may run."""
    grace_ms: int = 3_000
    """How long it may clean up when its caller is gone or its time is over; less than the server's own grace."""
    refused: int = 20
    """Lines that are no AGI command, after which it is ended: it writes something else."""
    trace_bytes: int = 4_194_304
    """What it may write to stderr."""


class ScriptError(StepError):
    """A script could not be run, or failed."""


class Relay(Protocol):
    """Takes a script's line to the switch and gives the answer: `ivr.fastagi.Session.relay`."""

    def __call__(self, line: bytes, *, lasts_ms: int) -> Awaitable[str]:
        """Send a line that may rightfully last so long."""


class Scripts:
    """Runs the scripts of one site. `limits` may be replaced while some run."""

    def __init__(self, folder: Path, limits: ScriptLimits | None = None) -> None:
        self.folder = folder
        self.limits = limits or ScriptLimits()
        self._running = 0

    async def run(self, name: str, args: Sequence[str], headers: Mapping[str, str], relay: Relay) -> bool:
        """Run a script for a call to its end; gives whether it told the switch where the call goes on.

        Args:
            name: its file's name.
            args: what it finds in `sys.argv`.
            headers: the call's, without the prefix `agi_`; those of FastAGI alone are left out.
            relay: the way to the switch.

        Raises:
            ScriptError: it could not be run, or failed. It is logged already.
            asyncio.CancelledError: the caller has hung up; the script has ended by then.

        """
        call = headers.get("uniqueid", "")
        limits = self.limits
        child = _Child(name, call, limits)
        try:
            with self._place(limits.at_once):
                words = [str(find(self.folder, name)), *args]
                return await self._run(child, words, _header_lines(name, args, headers), relay)
        except (ScriptError, OSError) as error:  # OSError: no process, no folder to be had
            log.warning("script failed", script=name, call=call, reason=str(error), said=list(child.said))
            raise ScriptError(f"script {name!r}: {error}") from error

    @contextlib.contextmanager
    def _place(self, at_once: int) -> Iterator[None]:
        if self._running >= at_once:
            raise ScriptError(f"{self._running} scripts run already, the most that scripts_at_once allows")
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    async def _run(self, child: "_Child", words: Sequence[str], headers: str, relay: Relay) -> bool:
        folder = tempfile.mkdtemp(prefix="callfloor-script-")
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        own = {"HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8", "AST_AGI_DIR": str(self.folder.absolute())}
        argv = launcher([sys.executable, "-X", "utf8", *words], signal.SIGKILL)
        loop = asyncio.get_running_loop()
        try:
            await loop.subprocess_exec(lambda: child, *argv, cwd=folder, env=inherited | own, start_new_session=True)
            try:
                return await child.serve(headers, relay)
            finally:
                await child.end()
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


class _Child(asyncio.subprocess.SubprocessStreamProtocol):
    """One script and its three pipes."""

    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader

    def __init__(self, name: str, call: str, limits: ScriptLimits) -> None:
        self._loop = asyncio.get_running_loop()
        super().__init__(limit=COMMAND_BYTES_MAX - 1, loop=self._loop)  # of a line without its line feed
        self.said: deque[str] = deque(maxlen=_SAID_LINES)
        """The last lines of stderr, without pyst2's trace."""
        self._log = log.bind(script=name, call=call)
        self._limits = limits
        self._exited = asyncio.Event()
        self._flaw = ""  # why it is ended, where that shows elsewhere than in its commands
        self._answer_is_due = False
        self._commands = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note that it runs, and listen to its stderr."""
        super().connection_made(transport)
        self._process = cast("asyncio.SubprocessTransport", transport)  # uvloop's is one in all but its class
        self._pid = self._process.get_pid()
        self._listening = self._loop.create_task(self._listen())

    def process_exited(self) -> None:
        """Note its end, and let nothing that it has started, and that holds its pipes open, keep us."""
        super().process_exited()
        self._kill()
        self._exited.set()
        self._loop.call_later(_LINGER_S, self._process.close)

    async def serve(self, headers: str, relay: Relay) -> bool:
        """Relay its commands until it has ended; gives whether it said where the dialplan goes on.

        Raises:
            ScriptError: it failed.

        """
        try:
            async with asyncio.timeout(self._limits.lasts_ms / 1_000) as limit:
                await self._tell(headers)
                goes_on = await self._serve(relay, limit.when() or 0)
                await self._exited.wait()
                await asyncio.wait([self._listening], timeout=_LINGER_S)
        except TimeoutError:
            raise ScriptError(f"it ran for more than {self._limits.lasts_ms / 1_000:g} s (script_time)") from None
        if self._flaw or (status := self._process.get_returncode()):
            raise ScriptError(self._flaw or ": ".join([_describe(status), *list(self.said)[-1:]]))
        return goes_on

    async def _serve(self, relay: Relay, until: float) -> bool:
        goes_on, refused = False, 0
        while line := await self._line():
            if line[:7].lower() == b"failure":  # the switch would end the session over it, not the script alone
                self._fail(f"it said {_printable(line)!r}")
            self._answer_is_due = True
            try:
                answer = await relay(line.rstrip(b"\n"), lasts_ms=max(0, int((until - self._loop.time()) * 1_000)))
            except CommandError:
                answer = _NO_COMMAND
            self._answer_is_due = False
            self._commands += 1
            await self._tell(f"{answer}\n")
            goes_on = goes_on or (answer.startswith("200") and bool(_GOES_ON.match(line)))
            refused += answer.startswith("510")
            if refused >= self._limits.refused:
                self._fail(f"it wrote {refused} lines that are no AGI command, the last one {_printable(line)!r}")
        return goes_on

    async def _line(self) -> bytes:
        """Read what it writes; empty when it will write no more."""
        try:
            return await self.stdout.readline()
        except ValueError:
            self._fail(f"it wrote a line of more than {COMMAND_BYTES_MAX} bytes")

    async def _tell(self, text: str) -> None:
        """Write to its stdin; it need not read."""
        with contextlib.suppress(ConnectionError):
            self.stdin.write(text.replace("\r", " ").encode())
            await self.stdin.drain()

    def _fail(self, flaw: str) -> NoReturn:
        """End it at once: it is broken."""
        self._flaw = flaw
        self._kill()
        raise ScriptError(flaw)

    async def end(self) -> None:
        """See that it ends: the switch's signal first, then, after a grace, force."""
        try:
            if not self._exited.is_set() and not self._flaw:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._pid, signal.SIGHUP)
                async with asyncio.timeout(self._limits.grace_ms / 1_000):
                    await self._refuse()
                    await self._exited.wait()
        except TimeoutError:
            self._log.info("script did not end by itself", after_ms=self._limits.grace_ms)
        finally:
            self._kill()
            try:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LINGER_S):
                        await self._exited.wait()
            finally:
                self._listening.cancel()
                self._process.close()
        self._log.info("script ended", commands=self._commands, how=_describe(self._process.get_returncode()))

    async def _refuse(self) -> None:
        """Answer it as a switch whose channel is gone."""
        if self._answer_is_due:
            await self._tell("200 result=-1\n")
        with contextlib.suppress(ScriptError):
            for _ in range(self._limits.refused):
                if not await self._line():
                    return
                await self._tell(f"{_DEAD}\n")

    def _kill(self) -> None:
        """End it and what it has started. Later its number may be another's."""
        if not self._exited.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)

    async def _listen(self) -> None:
        room, rest = self._limits.trace_bytes, b""
        while data := await self.stderr.read(COMMAND_BYTES_MAX):
            room -= len(data)
            if room < 0:
                self._flaw = f"it wrote more than {self._limits.trace_bytes} bytes to stderr"
                self._kill()
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._note(line)
            rest = rest[:_SAID_CHARS]
        if rest:
            self._note(rest)

    def _note(self, line: bytes) -> None:
        text = _printable(line)
        self._log.debug("script wrote", line=text)
        if text and not _TRACE.match(text):
            self.said.append(text)


def find(folder: Path, name: str) -> Path:
    """Give the file of a script.

    Raises:
        ScriptError: there is none of this name.

    """
    if not re.fullmatch(SCRIPT_NAME, name) or not (file := Path(os.path.realpath(folder / name))).is_file():
        raise ScriptError(f"there is no file {name!r} in {FOLDER}")
    if file.parent != Path(os.path.realpath(folder)):
        raise ScriptError(f"{name!r} is a link that leads out of {FOLDER}")
    return file


def names(folder: Path) -> list[str]:
    """Name the scripts in a folder."""
    found = []
    for name in sorted(file.name for file in folder.glob("*")):
        with contextlib.suppress(ScriptError):
            find(folder, name)
            found.append(name)
    return found


def fault(folder: Path, name: str) -> tuple[int, str] | None:
    """Say in which line, and why, a script cannot be Python 3: nothing of it is run. None if it can."""
    try:
        with warnings.catch_warnings(action="ignore"):
            ast.parse(find(folder, name).read_bytes())
    except SyntaxError as error:
        return error.lineno or 0, error.msg
    except (ValueError, OSError) as error:
        return 0, str(error)
    return None


def _header_lines(name: str, args: Sequence[str], headers: Mapping[str, str]) -> str:
    """Write the headers as for a script that Asterisk starts itself."""
    own = {"request": name}
    of_call = {key: value for key, value in headers.items() if key not in own and not _is_of_fastagi(key)}
    of_script = {f"arg_{number}": arg for number, arg in enumerate(args, 1)}
    return "".join(f"agi_{key}: {value}\n" for key, value in (own | of_call | of_script).items()) + "\n"


def _is_of_fastagi(key: str) -> bool:
    return key in {"network", "network_script"} or key.startswith("arg_")


def _describe(status: int | None) -> str:
    if status is None:
        return "does not end"
    return f"exit status {status}" if status >= 0 else f"ended by signal {-status}, {signal.strsignal(-status)}"


def _printable(line: bytes) -> str:
    """Make it fit for a log."""
    text = line[:_SAID_CHARS].decode(errors="replace").rstrip()
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
