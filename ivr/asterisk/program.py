"""Which programs to run: the machine's own when they will do, else private copies."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from .archive import Progress
from .errors import AsteriskError, ProvisionError
from .private import Bundle, find_bundle
from .private import provision as provision_bundle

OLDEST_SYSTEM: Final = (18, 0, 0)
OLDEST_PRIVATE: Final = (22, 0, 0)
_SYSTEM_PLACES: Final = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/opt/asterisk/sbin")
_VERSION = re.compile(r"Asterisk (?:certified[/-])?(\d+)\.(\d+)(?:\.(\d+))?")
# Where distributions and `make install` put the parts that asterisk.conf calls astmoddir and astdatadir.
_MODULE_FOLDERS: Final = ("usr/lib/*/asterisk/modules", "usr/lib/asterisk/modules", "usr/lib64/asterisk/modules")
_DATA_FOLDERS: Final = ("usr/share/asterisk", "var/lib/asterisk")
_LINE_EVERY_S: Final = 5.0
"""Between two lines of a stage, where there is no terminal for a bar."""


@dataclass(frozen=True)
class Asterisk:
    """An Asterisk that can be run."""

    argv: tuple[str, ...]
    version: tuple[int, int, int]
    modules: Path
    data: Path
    private: bool

    @property
    def program(self) -> str:
        """Path of the program itself."""
        return self.argv[-1]

    @property
    def release(self) -> str:
        """The version as people write it."""
        return ".".join(map(str, self.version))

    def __str__(self) -> str:
        return f"Asterisk {self.release} ({'private copy' if self.private else 'of this system'}), {self.program}"


def quiet(_doing: str, _part: float) -> None:
    """Show no progress."""


@contextmanager
def progress_bar(what: str, console: Console | None = None) -> Iterator[Progress]:
    """Show a progress bar on a terminal, elsewhere one line a stage and one more every few seconds that it lasts.

    It appears when there is something to wait for.
    """
    console = console or Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        stages = {}
        told_at = 0.0

        def report(doing: str, part: float) -> None:
            nonlocal told_at
            new, now = doing not in stages, monotonic()
            if new:
                stages[doing] = bar.add_task(f"{what}: {doing}", total=1.0)
            bar.update(stages[doing], completed=part)
            if not console.is_terminal and (new or now - told_at >= _LINE_EVERY_S):
                console.print(f"{what}: {doing} ..." + (f" {part:.0%}" if part else ""))
                told_at = now

        yield report


def find_asterisk() -> Asterisk | None:
    """Return the machine's Asterisk if it is new enough and whole, else the private copy, else None; no network."""
    return _system_asterisk() or _private_asterisk(find_bundle("asterisk"))


def provision(progress: Progress = quiet, *, upgrade: bool = False) -> Asterisk:
    """Return an Asterisk to run, fetching a private copy when the machine has none.

    `upgrade` fetches a newer private copy when the archive has one.

    Raises:
        ProvisionError: there is none and none can be fetched; the message tells what to install.

    """
    found = _system_asterisk() if upgrade else find_asterisk()
    found = found or _private_asterisk(provision_bundle("asterisk", progress, upgrade=upgrade))
    if found is None:
        raise ProvisionError(
            "the Debian archive carries no Asterisk 22 or newer; install Asterisk 18 or newer yourself"
        )
    return found


def private_tool(program: str, progress: Progress = quiet) -> list[str]:
    """Return the words that run a helper program (`espeak-ng`, `sipp`): the machine's, else a private copy's.

    Raises:
        ProvisionError: the machine has none and it cannot be fetched.

    """
    if system := shutil.which(program):
        return [system]
    return (find_bundle(program) or provision_bundle(program, progress)).argv


def _system_asterisk() -> Asterisk | None:
    program = shutil.which("asterisk") or shutil.which("asterisk", path=":".join(_SYSTEM_PLACES))
    if program is None:
        return None
    version = _version_of([program])
    modules = _first(Path("/"), ("usr/local/lib/asterisk/modules", *_MODULE_FOLDERS), "res_pjsip.so")
    data = _first(Path("/"), _DATA_FOLDERS, "sounds")
    if version is None or version < OLDEST_SYSTEM or modules is None or data is None:
        return None
    return Asterisk((program,), version, modules, data, private=False)


def _private_asterisk(bundle: Bundle | None) -> Asterisk | None:
    if bundle is None:
        return None
    version = _version_of(bundle.argv)
    modules = _first(bundle.root, _MODULE_FOLDERS, "res_pjsip.so")
    if version is None or modules is None:
        raise AsteriskError(
            f"{bundle.root}: this private copy of Asterisk does not run; remove the folder and try again"
        )
    if version < OLDEST_PRIVATE:
        return None
    return Asterisk(tuple(bundle.argv), version, modules, bundle.root / _DATA_FOLDERS[0], private=True)


def _version_of(argv: list[str]) -> tuple[int, int, int] | None:
    """Ask `asterisk -V`, which answers such as `Asterisk 22.10.1~dfsg` or `Asterisk certified-20.7-cert5`."""
    try:
        said = subprocess.run([*argv, "-V"], capture_output=True, text=True, check=False, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.match(said)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def _first(root: Path, patterns: tuple[str, ...], inside: str) -> Path | None:
    return next((d for pattern in patterns for d in sorted(root.glob(pattern)) if (d / inside).exists()), None)
