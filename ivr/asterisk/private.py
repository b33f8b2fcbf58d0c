"""Private copies of programs: unpacked packages in the user's cache folder, run by their own dynamic loader.

Theory of operation. A *bundle* is a program's packages with all they depend on, libc included, unpacked into one
folder. The copy's own loader starts it (`ld-linux-... --library-path <copy's libraries> <copy's program>`), so nothing
of the machine's libraries is used and nothing of the machine is changed. Install scripts do not run; what they would
make is made by whoever uses the bundle (`instance` for Asterisk).

A bundle is whole or it is not there: it is unpacked into a folder with another name, its record (`callfloor.json`, the
versions in it) is written and then the folder is renamed, which a file system does in one step. A file lock lets
one process at a time provision. Bundles carry a digest of their versions in their name, so an upgrade never changes the
files under a running program.

    <cache>/apt/                  the private apt: lists, downloaded archives
    <cache>/bundles/asterisk-4f1c2a9be07d/
    <cache>/bundles/.unpacking-*  left by an interruption; removed by the next one to come
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from .archive import Archive, Progress
from .errors import ProvisionError
from .locking import exclusive

RECORD: Final = "callfloor.json"
_LOADER = re.compile(r"ld(-linux.*|64)\.so\.\d")  # the names of glibc's loader on all of Debian's architectures
_ROOM = 700_000_000  # bytes: packages, unpacked files and package lists of the largest bundle, with a reserve


@dataclass(frozen=True)
class Recipe:
    """How to make a bundle: what to unpack and which program in it to run.

    `data` names the option and the folder (inside the copy) by which the program is told where its data lies.
    """

    program: str
    packages: tuple[str, ...]
    path: str
    data: tuple[str, str] | None = None


RECIPES: Final = {
    recipe.program: recipe
    for recipe in (
        Recipe(
            "asterisk",
            ("asterisk", "asterisk-config", "asterisk-modules", "asterisk-core-sounds-en", "asterisk-moh-opsound-wav"),
            "usr/sbin/asterisk",
        ),
        # --path wants the folder above espeak-ng-data, which lies in the library folder of the architecture.
        Recipe("espeak-ng", ("espeak-ng",), "usr/bin/espeak-ng", ("--path={}", "usr/lib/*/espeak-ng-data/..")),
        Recipe("sipp", ("sip-tester",), "usr/bin/sipp"),
    )
}


@dataclass(frozen=True)
class Bundle:
    """A whole private copy of one program."""

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

    def _loader(self) -> Path:
        # .../lib is where it lay before Debian merged /lib into /usr/lib; `*` is the architecture's name.
        for pattern in ("usr/lib*", "usr/lib/*", "lib*", "lib/*"):
            for folder in sorted(self.root.glob(pattern)):
                for file in sorted(folder.glob("ld*.so.*")):
                    if _LOADER.fullmatch(file.name):
                        return file
        raise ProvisionError(f"{self.root}: no dynamic loader in it; remove the folder and provision again")

    def _library_folders(self) -> list[Path]:
        triplet = self._multiarch()
        # Some libraries keep a private one in a folder below (libpulse does), which it finds by an absolute path.
        below = [f for f in sorted(triplet.iterdir()) if f.is_dir() and any(f.glob("lib*.so*"))]
        return [triplet, *below, self.root / "usr/lib"]

    def _multiarch(self) -> Path:
        return next(self.root.glob("usr/lib/*/libc.so.6")).parent


def cache_folder() -> Path:
    """Return where private copies live: $CALLFLOOR_CACHE, else callfloor's part of the user's cache folder."""
    if chosen := os.environ.get("CALLFLOOR_CACHE"):
        return Path(chosen).absolute()
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "callfloor"


def find_bundle(program: str) -> Bundle | None:
    """Return the newest whole private copy of a program, without touching the network."""
    records = (cache_folder() / "bundles").glob(f"{program}-*/{RECORD}")
    record = max(records, key=lambda file: file.stat().st_mtime_ns, default=None)
    if record is None:
        return None
    return Bundle(RECIPES[program], record.parent, json.loads(record.read_text()))


def provision(program: str, progress: Progress, *, upgrade: bool = False) -> Bundle:
    """Return a private copy of a program, making it when there is none; `upgrade` looks for newer packages.

    Raises:
        ProvisionError: it cannot be made; the message says why and what to install instead.

    """
    cache = cache_folder()
    try:
        (cache / "bundles").mkdir(parents=True, exist_ok=True)
        others = partial(progress, "waiting for another callfloor that is downloading", 0.0)
        with exclusive(cache / "provision.lock", others):
            bundle = find_bundle(program)
            if bundle is None or upgrade:
                bundle = _make(cache, RECIPES[program], progress)
            return bundle
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
    archive = Archive(cache / "apt")
    files = archive.plan(recipe.packages, progress)
    versions = dict(sorted(_name_and_version(file) for file in files))
    digest = hashlib.sha256(json.dumps(versions).encode()).hexdigest()[:12]
    bundles = cache / "bundles"
    root = bundles / f"{recipe.program}-{digest}"
    if not (root / RECORD).is_file():
        archive.download(recipe.packages, progress)
        for left in bundles.glob(".unpacking-*"):
            shutil.rmtree(left)
        _unpack(files, root, versions, progress)
    archive.clean()
    return Bundle(recipe, root, versions)


def _name_and_version(file: Path) -> tuple[str, str]:
    """Read them off apt's file name, `name_version_architecture.deb`, where a colon is written %3a."""
    name, version, _ = file.name.split("_", 2)
    return name, version.replace("%3a", ":")


def _unpack(files: list[Path], root: Path, versions: dict[str, str], progress: Progress) -> None:
    work = Path(mkdtemp(prefix=".unpacking-", dir=root.parent))
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for done, _ in enumerate(pool.map(lambda file: _unpack_one(file, work), files)):
            progress("unpacking", done / len(files))
    (work / RECORD).write_text(json.dumps(versions, indent=1))
    work.chmod(0o755)
    os.sync()  # the record must not outlive the files in a power cut
    work.rename(root)
    progress("unpacking", 1.0)


def _unpack_one(file: Path, root: Path) -> None:
    done = subprocess.run(["dpkg-deb", "-x", str(file), str(root)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProvisionError(f"{file}: cannot be unpacked: {done.stderr.strip()}. Remove it and run it again.")
