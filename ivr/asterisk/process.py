"""Processes of programs that outlive a command: started, found again by pid file, ended; never somebody else's.

Theory of operation. A process is held by a pidfd, opened before its command line is compared: a pid that the system
has given to another program meanwhile is seen to be another's, and one that dies later is not confused with its
successor. A program gets a session of its own, so Ctrl-C in a terminal reaches only the Python process, which then ends
the program in order.

A *tied* process dies with the Python process that started it, however that ends: the kernel sends SIGKILL when the
thread that forked it is gone (prctl(2), PR_SET_PDEATHSIG). So a thread that stays until the end does the forking.
"""

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from . import launch

KILL_SECONDS: Final = 10.0


def launcher(argv: Sequence[str], dying_signal: int) -> list[str]:
    """Return the words that start a program with more open files, sent a signal (0: none) when this thread ends."""
    return [sys.executable, "-I", launch.__file__, str(int(dying_signal)), str(os.getpid()), *argv]


def start(argv: Sequence[str], *, folder: Path, output: Path, tied: bool) -> subprocess.Popen[bytes]:
    """Start a program in a folder, its words going to a file.

    Raises:
        OSError: it cannot be started.

    """
    words = launcher(argv, signal.SIGKILL if tied else 0)
    started = threading.Event()
    outcome: list[subprocess.Popen[bytes] | OSError] = []

    def fork_and_wait() -> None:
        try:
            with output.open("wb") as out:
                process = subprocess.Popen(
                    words, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
                )
        except OSError as error:
            outcome.append(error)
            started.set()
        else:
            outcome.append(process)
            started.set()
            process.wait()

    threading.Thread(target=fork_and_wait, name=f"waits for {argv[0]}", daemon=True).start()
    started.wait()
    if isinstance(outcome[0], OSError):
        raise outcome[0]
    return outcome[0]


def read_pid(pid_file: Path) -> int | None:
    """Return what a pid file says, true or not."""
    try:
        return int(pid_file.read_text())
    except (OSError, ValueError):
        return None


def find(pid_file: Path, word: str) -> int | None:
    """Return a pidfd of the living process that a pid file names, if `word` is in its command line. Close it."""
    pid = read_pid(pid_file)
    if pid is None:
        return None
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return None
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        words = []
    if os.fsencode(word) in words and not has_ended(fd, 0):
        return fd
    os.close(fd)
    return None


def has_ended(fd: int, seconds: float) -> bool:
    """Wait for a process to end, that long at most."""
    return bool(select.select([fd], [], [], seconds)[0])


def end(fd: int, patience: float) -> signal.Signals | None:
    """Ask a process to end, and after `patience` seconds force it. Returns the signal that did it; None: it lives."""
    for kill, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, KILL_SECONDS)):
        try:
            signal.pidfd_send_signal(fd, kill)
        except ProcessLookupError:
            return kill
        if has_ended(fd, seconds):
            return kill
    return None
