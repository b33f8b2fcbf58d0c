"""Download Debian packages without being root and without touching the machine's own apt.

Theory of operation. apt is asked, through a configuration of our own (`APT_CONFIG`), to resolve and download packages
as if for an empty machine: own package lists, own archive folder, an empty dpkg status, one source: one suite of the
Debian archive this machine already uses, whatever suite the machine itself is of. Nothing is installed.

What is kept of the machine's apt: the archive's address, its proxies and other `Acquire::` settings (a mirror that is
frozen in time says so there), passwords in `auth.conf`, and the Debian archive keyring. Signatures are always checked:
the insecure escapes are switched off whatever the machine says.

A download that was cut off is taken up where it stopped: apt keeps the part it has and asks for the rest.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from .errors import ProvisionError
from .process import launcher

Progress = Callable[[str, float], None]
"""Told what is being done and which part of it is done, 0.0 to 1.0."""

KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
)
MIRROR_VARIABLE = "CALLFLOOR_DEBIAN_MIRROR"
_PARSED = "pkgcache.bin"
"""The lists as apt parsed them, 50 MB: without it each of the three calls of apt parses them anew, 5 s of processor."""
_SUITES = ("stable", "testing", "unstable", "oldstable", "sid")
# Not taken over from the machine: what switches signature checks off, and which indexes and languages to read.
_OWN_ACQUIRE = re.compile(r"Acquire::(Allow|IndexTargets|Changelogs|Languages|cdrom)", re.IGNORECASE)
_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)")


class Source(NamedTuple):
    """One entry of an apt sources file."""

    uri: str
    suites: tuple[str, ...]


def read_sources(folder: Path = Path("/etc/apt")) -> Iterator[Source]:
    """Yield the binary package sources of a machine, from both formats of sources.list(5)."""
    parts = folder / "sources.list.d"
    for file in (folder / "sources.list", *sorted(parts.glob("*.list"))):
        for line in _text(file).splitlines():
            if entry := _ONE_LINE.match(line.strip()):
                yield Source(entry["uri"], (entry["suite"],))
    for file in sorted(parts.glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", _text(file)):
            yield from _stanza(stanza)


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def _stanza(stanza: str) -> Iterator[Source]:
    """Read one deb822 stanza: `Field: value`, continued on lines that begin with a blank."""
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace():
            fields[name] = f"{fields.get(name, '')} {line.strip()}"
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() not in ("no", "false", "0"):
        for uri in fields.get("uris", "").split():
            yield Source(uri, tuple(fields.get("suites", "").split()))


def debian_mirror(apt: Path = Path("/etc/apt"), os_release: Path = Path("/etc/os-release")) -> str:
    """Return the address of the Debian archive this machine uses, or the one named in $CALLFLOOR_DEBIAN_MIRROR.

    Raises:
        ProvisionError: the machine is no Debian, or its sources name no archive that could carry the suite.

    """
    if chosen := os.environ.get(MIRROR_VARIABLE):
        return chosen
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', _text(os_release), re.MULTILINE))
    if release.get("ID") == "debian":
        wanted = {*_SUITES, release.get("VERSION_CODENAME", "sid")}
        for source in read_sources(apt):
            if wanted.intersection(source.suites) and not source.uri.startswith(("cdrom:", "file:", "copy:")):
                return source.uri
    raise ProvisionError(
        f"{release.get('PRETTY_NAME', 'this system')} names no Debian archive to get it from. Set {MIRROR_VARIABLE} to "
        "the address of one"
    )


def debian_keyring() -> Path:
    """Return the keyring that signs the Debian archive.

    Raises:
        ProvisionError: there is none; unsigned packages are not an option.

    """
    for keyring in KEYRINGS:
        if keyring.is_file():
            return keyring
    raise ProvisionError(
        "signatures cannot be checked, for this machine has no Debian archive keyring. Install it: `apt-get install "
        "debian-archive-keyring`"
    )


def acquire_settings() -> list[str]:
    """Return how the machine's apt gets at an archive, as lines of apt.conf(5): proxies, a mirror frozen in time."""
    machine = _run(["apt-config", "dump"], dict(os.environ)).stdout.splitlines()
    return [line for line in machine if line.startswith("Acquire::") and not _OWN_ACQUIRE.match(line)]


class Archive:
    """One suite of the Debian archive, seen through a private apt in one folder.

    Raises:
        ProvisionError: on construction, when the machine lacks apt, the keyring or a Debian source.

    """

    def __init__(self, folder: Path, suite: str) -> None:
        for program in ("apt-get", "apt-config", "dpkg", "dpkg-deb"):
            if shutil.which(program) is None:
                raise ProvisionError(
                    f"this system has no `{program}` to get it with (that works on Debian and its family)"
                )
        if '"' in str(folder) or "\n" in str(folder):
            raise ProvisionError(f"{folder}: apt cannot work in a folder with a quotation mark; set CALLFLOOR_CACHE")
        self.mirror = debian_mirror()
        self.folder, self.suite = folder, suite
        self._write(debian_keyring())

    def _write(self, keyring: Path) -> None:
        for name in ("lists/partial", "archives/partial", "parts", "sources"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        (self.folder / "sources/debian.sources").write_text(
            f"Types: deb\nURIs: {self.mirror}\nSuites: {self.suite}\nComponents: main\nSigned-By: {keyring}\n"
        )
        architecture = _run(["dpkg", "--print-architecture"], dict(os.environ)).stdout.strip()
        here = self.folder
        own = {
            "Dir::Etc::main": "/dev/null",
            "Dir::Etc::parts": f"{here}/parts",
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": f"{here}/sources",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::Etc::trusted": "/dev/null",
            "Dir::Etc::trustedparts": "/dev/null",
            "Dir::State": str(here),
            "Dir::State::lists": f"{here}/lists",
            "Dir::State::status": f"{here}/status",
            "Dir::Cache": str(here),
            "Dir::Cache::archives": f"{here}/archives",
            "Dir::Cache::pkgcache": f"{here}/{_PARSED}",
            "Dir::Cache::srcpkgcache": "",  # 50 MB more that save nothing
            "Acquire::GzipIndexes": "true",
            "APT::Architecture": architecture,
            "APT::Architectures": architecture,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",  # root's apt would drop to _apt, who may not read the cache of root's home
            "APT::Update::Error-Mode": "any",  # an archive out of reach is an error, not a warning
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Acquire::AllowInsecureRepositories": "false",
            "Acquire::AllowWeakRepositories": "false",
            "Acquire::AllowDowngradeToInsecureRepositories": "false",
            "APT::Get::AllowUnauthenticated": "false",
        }
        lines = [*acquire_settings(), *(f'{name} "{value}";' for name, value in own.items())]
        (here / "apt.conf").write_text("\n".join(lines) + "\n")

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C.UTF-8"}

    def plan(self, packages: tuple[str, ...], progress: Progress) -> list[Path]:
        """Return the files that packages and all they depend on will be, after a look at the archive.

        Raises:
            ProvisionError: the archive cannot be reached, does not carry them, or its signature is wrong.

        """
        self._get(["update"], "reading the package list", progress)
        progress("working out what it depends on", 0.0)  # apt reads the lists of a whole suite: seconds
        plan = _run(["apt-get", "install", "--simulate", *packages], self._environment)
        progress("working out what it depends on", 1.0)
        # Inst libc6 (2.43-7 Debian:unstable [amd64]); apt's file is libc6_2.43-7_amd64.deb, a colon in it written %3a
        chosen = re.findall(r"^Inst (\S+) \((\S+) .*?\[(\w+)\]\)", plan.stdout, re.MULTILINE)
        if plan.returncode or not chosen:
            raise ProvisionError(self._complaint("it does not carry them", plan.stderr))
        names = ("_".join(words).replace(":", "%3a") + ".deb" for words in chosen)
        return [self.folder / "archives" / name for name in names]

    def download(self, packages: tuple[str, ...], progress: Progress) -> None:
        """Fetch what was planned and is not here yet.

        Raises:
            ProvisionError: the archive cannot be reached, or a file is not what its index says.

        """
        self._get(["install", "--download-only", "-y", *packages], "downloading", progress)

    def clean(self) -> None:
        """Drop downloaded packages and what apt parsed; the package lists stay."""
        (self.folder / _PARSED).unlink(missing_ok=True)
        for file in (self.folder / "archives").glob("*.deb"):
            file.unlink()

    def _get(self, arguments: list[str], doing: str, progress: Progress) -> None:
        """Run apt-get; its status lines (`dlstatus:1:42.0:...`, APT::Status-Fd) move the progress."""
        progress(doing, 0.0)
        said: list[str] = []
        argv = [shutil.which("apt-get") or "apt-get", "-q", "-o", "APT::Status-Fd=1", *arguments]
        with subprocess.Popen(
            launcher(argv, signal.SIGTERM),  # an apt that outlives us would keep the next one from its archives
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            try:
                for line in process.stdout or ():
                    if status := re.match(r"dlstatus:\d+:([\d.]+):", line):
                        progress(doing, min(1.0, float(status[1]) / 100))
                    elif line.startswith(("E:", "W:", "Err:")):
                        said.append(line)
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            raise ProvisionError(self._complaint(f"{doing} failed", "".join(said)))
        progress(doing, 1.0)

    def _complaint(self, what: str, said: str) -> str:
        reasons = "\n".join(f"  {line}" for line in said.strip().splitlines()[:6]) or "  (apt gave no reason)"
        return (
            f"{self.mirror}, suite {self.suite}: {what}.\n{reasons}\n"
            "Check the network and apt's proxy (`apt-config dump Acquire::http::Proxy`), then run it again: what is "
            "downloaded is kept"
        )


def _run(argv: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
