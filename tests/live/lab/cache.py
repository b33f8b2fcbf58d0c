"""Where the lab is kept, and its making: the disk once a recipe, the frozen guest once a disk and guest folder.

    <cache>/lab/disk-5c1f.../     root.img initrd vmlinuz                 (`disk`; needs root, minutes)
    <cache>/lab/frozen-90ab.../   guest.state console.log                 (`machine`; a cold boot)

Both are named after a digest of what they are made from, and appear whole or not at all. What was not used for a
fortnight is removed when something new is made.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from ivr.asterisk.archive import Archive
from ivr.asterisk.errors import ProvisionError
from ivr.asterisk.locking import exclusive
from ivr.asterisk.private import cache_folder
from tests.live.lab import disk, machine

PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "xz": "xz-utils",
}
"""What is needed, and the Debian package that has it."""
STATE = "guest.state"
_KEPT_S = 14 * 86_400


class CannotError(Exception):
    """The lab cannot be made here; says why."""


@cache
def disk_folder() -> Path:
    """Name the folder of the disk that this code makes."""
    return _folder("disk", Path(disk.__file__).read_bytes())


@cache
def frozen_folder() -> Path:
    """Name the folder of the guest that this code freezes."""
    words = repr((disk_folder().name, machine._fixed_words(), _version(machine.find_qemu())))
    return _folder("frozen", words.encode() + machine.guest_files())


def is_ready() -> bool:
    """Whether there is a guest to thaw."""
    return shutil.which(machine.QEMU) is not None and (frozen_folder() / STATE).exists() and disk_folder().is_dir()


def make(say: Callable[[str], None]) -> bool:
    """Make what is not there yet; whether the lab is there now. Says what it does, or why it cannot."""
    try:
        _prepare(say)
    except CannotError as error:
        say(f"{error}\nlab: so it is left out")
        return False
    root = disk_folder().parent
    root.mkdir(parents=True, exist_ok=True)
    with exclusive(root / "making.lock", lambda: say("waiting for another one who makes it")):
        with _whole(disk_folder()) as work:
            if work is not None:
                if shutil.disk_usage(root).free < disk.ROOM:
                    say(f"{root}: less than {disk.ROOM // 1_000_000} MB free, so the lab is left out")
                    return False
                disk.make(work, say)
        with _whole(frozen_folder()) as work:
            if work is not None:
                say("booting it once, to freeze it; takes a minute and more")
                _freeze(work)
        _forget(root)
    say(f"ready: {frozen_folder()}")
    return True


def _prepare(say: Callable[[str], None]) -> None:
    """See that this machine can make the lab, and install what it takes.

    Raises:
        CannotError: it cannot.

    """
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if not missing and disk_folder().is_dir():
        return
    if os.getuid() != 0:
        needs = f"; this machine lacks the packages {', '.join(missing)}" if missing else ""
        raise CannotError(f"only root can make the lab's disk{needs}")
    if not disk_folder().is_dir():
        say(f"looking whether a Debian archive with {disk.SUITE} is there")
        with tempfile.TemporaryDirectory() as folder:
            try:
                Archive(Path(folder), disk.SUITE).plan(disk.PACKAGES, lambda _doing, _part: None)
            except ProvisionError as error:
                raise CannotError(str(error)) from None
    if missing:
        say(f"installing {', '.join(missing)}")
        try:
            _install(missing)
        except (OSError, subprocess.CalledProcessError) as error:
            raise CannotError(f"{', '.join(missing)} cannot be installed: {error}") from None


def _freeze(work: Path) -> None:
    nothing = work / "nothing"
    nothing.mkdir()
    with machine.Machine(disk_folder(), work, nothing) as guest:
        guest.boot()
        guest.freeze(work / STATE)
    nothing.rmdir()


def _install(packages: Sequence[str]) -> None:
    subprocess.run(["apt-get", "-q", "update"], check=True, stdout=subprocess.DEVNULL)
    words = ["apt-get", "-q", "install", "-y", "--no-install-recommends", *packages]
    subprocess.run(
        words, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    )


@contextmanager
def _whole(folder: Path) -> Iterator[Path | None]:
    """Give a folder to fill that then becomes this one; None if it is there."""
    if folder.is_dir():
        os.utime(folder)
        yield None
        return
    for left in folder.parent.glob(".making-*"):
        shutil.rmtree(left)
    work = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    work.chmod(0o755)
    try:
        yield work
        if any(work.iterdir()):
            work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _forget(root: Path) -> None:
    for folder in (*root.glob("disk-*"), *root.glob("frozen-*")):
        if folder not in (disk_folder(), frozen_folder()) and time.time() - folder.stat().st_mtime > _KEPT_S:
            shutil.rmtree(folder)


def _folder(name: str, made_from: bytes) -> Path:
    return cache_folder() / "lab" / f"{name}-{hashlib.sha256(made_from).hexdigest()[:12]}"


def _version(program: Path) -> str:
    return subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]
