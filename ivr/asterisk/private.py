"""Private copies of programs: unpacked packages in the user's cache folder, run by their own dynamic loader.

Theory of operation. A *bundle* is a program's packages with all they depend on, libc included, unpacked into one
folder; a Python may have wheels beside them. The copy's own loader starts it (`ld-linux-... --library-path <copy's
libraries> <copy's program>`), so nothing of the machine's libraries is used and nothing of the machine is changed.
Install scripts do not run; what they would make is made by whoever uses the bundle (`instance` for Asterisk).

A bundle is whole or it is not there: it is unpacked into a folder with another name, its record (`callfloor.json`, the
versions in it) is written and then the folder is renamed, which a file system does in one step. A file lock lets
one process at a time provision. Bundles carry a digest of their versions in their name, so an upgrade never changes the
files under a running program.

    <cache>/apt/sid/              the private apt of a suite: lists, downloaded archives
    <cache>/bundles/asterisk-4f1c2a9be07d/
    <cache>/bundles/.unpacking-*  left by an interruption; removed by the next one to come
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from .archive import Archive, Progress
from .errors import ProvisionError
from .locking import exclusive

RECORD: Final = "callfloor.json"
_WHEELS = "wheels"
_LIBRARIES = ("usr/lib", "lib")
_LOADER = re.compile(r"ld(-linux.*|64)\.so\.\d")  # the names of glibc's loader on all of Debian's architectures
_ROOM = 700_000_000  # bytes: packages, unpacked files and package lists of the largest bundle, with a reserve


@dataclass(frozen=True)
class Recipe:
    """How to make a bundle: what to unpack, which program in it to run, and what to do where it cannot be had.

    `data` names the option and the folder (inside the copy) by which the program is told where its data lies. `wheels`
    are Python packages, as pip is told them, for a Python of the version `python`; what they depend on is named too.
    """

    program: str
    packages: tuple[str, ...]
    path: str
    by_hand: str
    suite: str = "sid"  # no stable suite carries a current Asterisk
    data: tuple[str, str] | None = None
    python: str = ""
    wheels: tuple[str, ...] = ()


RECIPES: Final = {
    recipe.program: recipe
    for recipe in (
        Recipe(
            "asterisk",
            ("asterisk", "asterisk-config", "asterisk-modules", "asterisk-core-sounds-en", "asterisk-moh-opsound-wav"),
            "usr/sbin/asterisk",
            "Or install Asterisk 18 or newer yourself and callfloor will use it: Ubuntu `apt-get install asterisk`, "
            "Fedora `dnf install asterisk asterisk-pjsip asterisk-sounds-core-en-gsm`, Alpine `apk add asterisk`; "
            "any Linux: https://docs.asterisk.org/Getting-Started/Installing-Asterisk/",
        ),
        # --path wants the folder above espeak-ng-data, which lies in the library folder of the architecture.
        Recipe(
            "espeak-ng",
            ("espeak-ng",),
            "usr/bin/espeak-ng",
            "Or install espeak-ng yourself.",
            data=("--path={}", "usr/lib/*/espeak-ng-data/.."),
        ),
        Recipe("sipp", ("sip-tester",), "usr/bin/sipp", "Or install sipp yourself (Debian's package is sip-tester)."),
        # What pjsua2 and msgspec need. Debian 12 is the one release with a Python that pjsua2 has a wheel for.
        Recipe(
            "python3.11",
            ("python3.11-minimal", "libpython3.11-stdlib", "libstdc++6"),
            "usr/bin/python3.11",
            "Softphones need pjsua2, which has wheels for Python 3.11 and 3.12 on x86-64 only: or run callfloor under "
            "one of these, `make clean`, then `make PYTHON=python3.12`.",
            suite="bookworm",
            python="3.11",
            wheels=("msgspec>=0.19", "pjsua2-python>=2.15,<2.16"),
        ),
    )
}


@dataclass(frozen=True)
class Bundle:
    """A whole private copy of one program; `versions` are its packages', and `wheel` for each wheel asked for."""

    recipe: Recipe
    root: Path
    versions: dict[str, str]

    @property
    def version(self) -> str:
        """Debian's version of the program's own package, such as `1:22.10.1+dfsg-1`."""
        return self.versions[self.recipe.packages[0]]

    @property
    def argv(self) -> list[str]:
        """The words that run the program; add its arguments."""
        library_path = ":".join(str(folder) for folder in self._library_folders())
        words = [str(self._loader()), "--library-path", library_path, str(self.root / self.recipe.path)]
        if self.recipe.data:
            option, pattern = self.recipe.data
            words.append(option.format(next(self.root.glob(pattern.removesuffix("/.."))).parent))
        return words

    @property
    def wheels(self) -> Path:
        """The folder that Python imports the recipe's wheels from."""
        return self.root / _WHEELS

    def _loader(self) -> Path:
        # `*` is the architecture's name. A link (lib64) may be absolute and lead to the machine's loader: not that one.
        files = (file for place in _LIBRARIES for file in sorted(self.root.glob(f"{place}/*/ld*.so.*")))
        for file in files:
            if _LOADER.fullmatch(file.name) and not file.is_symlink():
                return file
        raise ProvisionError(f"{self.root}: no dynamic loader in it; remove the folder and provision again")

    def _library_folders(self) -> list[Path]:
        # Up to Debian 12, packages bring some libraries in /lib, which elsewhere is a link to /usr/lib.
        triplet = next(folder for place in _LIBRARIES for folder in self.root.glob(f"{place}/*/libc.so.6")).parent.name
        folders = [folder for place in _LIBRARIES if (folder := self.root / place / triplet).is_dir()]
        # Some libraries keep a private one in a folder below (libpulse does), which they find by an absolute path.
        below = [f for folder in folders for f in sorted(folder.iterdir()) if f.is_dir() and any(f.glob("lib*.so*"))]
        return [*folders, *below, self.root / "usr/lib"]


def cache_folder() -> Path:
    """Return where private copies live: $CALLFLOOR_CACHE, else callfloor's part of the user's cache folder."""
    if chosen := os.environ.get("CALLFLOOR_CACHE"):
        return Path(chosen).absolute()
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "callfloor"


def find_bundle(program: str) -> Bundle | None:
    """Return the newest whole private copy of a program with the wheels it is to have; the network is not touched."""
    records = (cache_folder() / "bundles").glob(f"{program}-*/{RECORD}")
    for record in sorted(records, key=lambda file: file.stat().st_mtime_ns, reverse=True):
        bundle = Bundle(RECIPES[program], record.parent, json.loads(record.read_text()))
        if bundle.versions.keys() >= set(bundle.recipe.wheels):
            return bundle
    return None


def provision(program: str, progress: Progress, *, upgrade: bool = False) -> Bundle:
    """Return a private copy of a program, making it when there is none; `upgrade` looks for newer packages.

    Raises:
        ProvisionError: it cannot be made; the message says why and what to install instead.

    """
    cache, recipe = cache_folder(), RECIPES[program]
    try:
        (cache / "bundles").mkdir(parents=True, exist_ok=True)
        others = partial(progress, "waiting for another callfloor that is downloading", 0.0)
        with exclusive(cache / "provision.lock", others):
            bundle = find_bundle(program)
            if bundle is None or upgrade:
                bundle = _make(cache, recipe, progress)
            return bundle
    except ProvisionError as error:
        raise ProvisionError(
            f"found no {program} to use and cannot get a private copy: {str(error).rstrip('.')}. {recipe.by_hand}"
        ) from error
    except OSError as error:
        raise ProvisionError(
            f"{cache}: cannot keep private copies of programs there: {error}. Set CALLFLOOR_CACHE to a folder that is "
            "writable and has 700 MB free."
        ) from error


def _make(cache: Path, recipe: Recipe, progress: Progress) -> Bundle:
    free = shutil.disk_usage(cache).free
    if free < _ROOM:
        raise ProvisionError(
            f"{cache}: {free // 1_000_000} MB free, 700 MB needed; set CALLFLOOR_CACHE to a larger disk"
        )
    archive = Archive(cache / "apt" / recipe.suite, recipe.suite)
    files = archive.plan(recipe.packages, progress)
    versions = dict(sorted(_name_and_version(file) for file in files)) | dict.fromkeys(recipe.wheels, "wheel")
    digest = hashlib.sha256(json.dumps(versions).encode()).hexdigest()[:12]
    bundles = cache / "bundles"
    root = bundles / f"{recipe.program}-{digest}"
    if not (root / RECORD).is_file():
        archive.download(recipe.packages, progress)
        for left in bundles.glob(".unpacking-*"):
            shutil.rmtree(left)
        with _whole(root, versions) as work:
            _unpack(files, work, progress)
            if recipe.wheels:
                _add_wheels(recipe, work / _WHEELS, progress)
            progress("writing it to the disk", 0.0)
        progress("writing it to the disk", 1.0)
    archive.clean()
    return Bundle(recipe, root, versions)


def _name_and_version(file: Path) -> tuple[str, str]:
    """Read them off apt's file name, `name_version_architecture.deb`, where a colon is written %3a."""
    name, version, _ = file.name.split("_", 2)
    return name, version.replace("%3a", ":")


@contextmanager
def _whole(root: Path, versions: dict[str, str]) -> Iterator[Path]:
    """Give a folder to fill; when that went well it gets its record and becomes `root`."""
    work = Path(mkdtemp(prefix=".unpacking-", dir=root.parent))
    yield work
    (work / RECORD).write_text(json.dumps(versions, indent=1))
    work.chmod(0o755)
    os.sync()  # the record must not outlive the files in a power cut
    work.rename(root)


def _unpack(files: list[Path], root: Path, progress: Progress) -> None:
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for done, _ in enumerate(pool.map(lambda file: _unpack_one(file, root), files)):
            progress("unpacking", done / len(files))
    progress("unpacking", 1.0)


def _unpack_one(file: Path, root: Path) -> None:
    done = subprocess.run(["dpkg-deb", "-x", str(file), str(root)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProvisionError(f"{file}: cannot be unpacked: {done.stderr.strip()}. Remove it and run it again.")


def _add_wheels(recipe: Recipe, folder: Path, progress: Progress) -> None:
    """Have the pip of this Python fetch wheels made for the recipe's."""
    doing = "adding " + ", ".join(re.split(r"[<>=]", wheel)[0] for wheel in recipe.wheels)
    progress(doing, 0.0)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    target = ["--target", str(folder), "--python-version", recipe.python, "--only-binary", ":all:"]
    done = subprocess.run([*pip, *target, *recipe.wheels], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProvisionError(f"{doing} for Python {recipe.python} failed:\n{done.stderr.strip()}\n")
    progress(doing, 1.0)
