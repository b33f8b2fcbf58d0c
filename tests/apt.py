"""Peers of the tests that are Debian's own programs: installed where they are missing, if the tests run as root."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

INSTALL_S = 600


class MissingError(Exception):
    """A program is not there, and cannot be had; the message says why."""


def installed(what: str, package: str, find: Callable[[], T | None], **environment: str) -> T:
    """Give a program, installed first if need be.

    Args:
        what: its name, for people.
        package: Debian's.
        find: looks for it.
        environment: more of it for the package's own scripts.

    Raises:
        MissingError: it cannot be had.

    """
    if (found := find()) is not None:
        return found
    if os.geteuid() != 0:
        raise MissingError(f"there is no {what}, and only root can install it: apt-get install {package}")
    if shutil.which("apt-get") is None:
        raise MissingError(f"there is no {what}, and no apt-get to install it")
    with _alone():
        return found if (found := find()) is not None else _fetched(what, package, find, environment)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Wait for whoever else installs: files of tests that run beside each other have one apt."""
    with Path(tempfile.gettempdir(), "callfloor-tests-apt.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetched(what: str, package: str, find: Callable[[], T | None], environment: dict[str, str]) -> T:
    patient = f"DPkg::Lock::Timeout={INSTALL_S}"  # the machine may be installing something, too
    for words in (["update"], ["install", "-y", "--no-install-recommends", package]):
        done = subprocess.run(
            ["apt-get", "-qq", "-o", patient, *words],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", **environment},
            capture_output=True,
            text=True,
            timeout=INSTALL_S,
            check=False,
        )
    if (found := find()) is None:
        raise MissingError(f"there is no {what}, and apt-get could not install it: {done.stderr.strip()[-300:]}")
    return found
