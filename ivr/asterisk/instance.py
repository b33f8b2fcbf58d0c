"""One private Asterisk: its folders, its files, its process. Any number run side by side.

Theory of operation. An instance lives in a *home* of its own and knows nothing of /etc/asterisk:

    etc/        links to the site folder's files, asterisk.conf, generated/*.conf
    var/        Asterisk's database; links to sounds, music and documentation of the program
    run/ log/ spool/ sounds/

Asterisk takes a path apart at `,` and `&`, and a Unix socket's path ends at 108 bytes. A home whose path cannot be had
that way gets a short alias, a link in a folder of /tmp that only this user can write; Asterisk sees the alias.
"""

import os
import re
import subprocess
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final

import structlog

from acd.settings import Site

from . import process
from .errors import AsteriskError
from .files import WANTED, asterisk_conf, write_generated, write_private
from .hardware import MODULE as DAHDI
from .locking import exclusive
from .program import Asterisk, provision

log = structlog.get_logger()

BOOT_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9/._+-]{1,80}")  # + /run/asterisk.ctl stays below 108 bytes
_FOLDERS: Final = (
    "etc/generated",
    "var/sounds",
    "var/keys",
    "var/agi-bin",
    "var/cache",
    "run",
    "log",
    "spool",
    "sounds",
)
_LINKS: Final = ("moh", "documentation")


class Instance:
    """A private Asterisk for one site.

    `home` is its folder, made when missing. `site_folder` holds the admin's files. `site` is what acd.conf says, with
    secrets filled in. `modules` are loaded besides those of modules.conf, such as `app_queue`. `tied` makes it die with
    this process. `asterisk` is the program to run; found or provisioned at first use when not given.
    """

    def __init__(
        self,
        home: Path,
        site_folder: Path,
        site: Site,
        *,
        modules: Iterable[str] = (),
        tied: bool = False,
        asterisk: Asterisk | None = None,
    ) -> None:
        self.home = home.absolute()
        self.site_folder = site_folder.absolute()
        self.site = site
        self.modules = tuple(modules)
        self.tied = tied
        self._asterisk = asterisk

    @property
    def asterisk(self) -> Asterisk:
        """The program this instance runs.

        Raises:
            ProvisionError: there is none and none can be fetched.

        """
        if self._asterisk is None:
            self._asterisk = provision()
        return self._asterisk

    @property
    def place(self) -> Path:
        """The home as Asterisk sees it: itself, or a short alias of it."""
        return _sayable(self.home)

    @property
    def pid(self) -> int | None:
        """The process, if it runs."""
        fd = self._find()
        if fd is None:
            return None
        os.close(fd)
        return process.read_pid(self._pid_file)

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.pid is not None

    def write(self) -> None:
        """Make the folders and write all files; safe while Asterisk runs, which `reload` then tells.

        Raises:
            AsteriskError: they cannot be written.

        """
        try:
            for name in _FOLDERS:
                (self.home / name).mkdir(parents=True, exist_ok=True)
            self.home.chmod(0o700)  # callers' voices, passwords
            self._link_data()
            self._link_site()
            write_generated(self.site, self.home / "etc/generated", self.place / "sounds", self.modules)
            options = self.site_folder / "asterisk.conf"
            text = asterisk_conf(self.asterisk, self.place, _sayable(options) if options.is_file() else None)
            write_private(self.home / "etc/asterisk.conf", text)
            if what := lacking(self.asterisk, self.site):
                log.error("the hardware in acd.conf cannot be used", **what)
        except OSError as error:
            raise AsteriskError(f"{self.home}: cannot write the files of a private Asterisk there: {error}") from error

    def start(self, timeout: float = BOOT_SECONDS) -> None:
        """Write the files, start Asterisk and return when it has booted.

        Raises:
            AsteriskError: it runs already, or does not boot in `timeout` seconds; shows the errors of its log.

        """
        self.write()
        with exclusive(self.home / "run/starting.lock"):
            if self.running:
                raise AsteriskError(f"{self.home}: its Asterisk runs already, pid {self.pid}")
            for left in (self._socket, self._pid_file):
                left.unlink(missing_ok=True)
            boot_log = self.home / "log/boot.log"
            argv = [*self.asterisk.argv, "-fn", "-C", str(self._conf)]
            try:
                started = process.start(argv, folder=self.home, output=boot_log, tied=self.tied)
            except OSError as error:
                raise AsteriskError(f"{self.asterisk}: cannot be started: {error}") from error
            try:
                self._wait_for_boot(started, timeout)
            except BaseException:
                started.kill()
                raise
        log.info("asterisk started", home=str(self.home), pid=started.pid, version=self.asterisk.release)

    def _wait_for_boot(self, started: subprocess.Popen[bytes], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while started.poll() is None and time.monotonic() < deadline:
            if self._socket.exists() and self._booted(deadline - time.monotonic()):
                return
            time.sleep(0.05)
        code = started.poll()
        what = f"did not boot within {timeout:g} s" if code is None else f"ended with status {code} while booting"
        raise AsteriskError(f"{self.asterisk}: {what}.\n{self._errors()}\nAll of it: {self.home / 'log'}")

    def _booted(self, timeout: float) -> bool:
        try:
            return "fully booted" in self._console("core waitfullybooted", max(timeout, 0.1))
        except AsteriskError:
            return False  # the socket is there before somebody listens

    def _errors(self) -> str:
        """Return the lines of the boot that tell what is wrong, newest last."""
        try:
            lines = (self.home / "log/boot.log").read_text(errors="replace").splitlines()
        except OSError:
            return ""
        wrong = [line for line in lines if re.search(r"ERROR|error|Unable|cannot", line)]
        return "\n".join((wrong or lines)[-12:])

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Stop it: in order, and if that takes longer than `timeout` seconds, by force. No harm if it does not run.

        SIGTERM is Asterisk's `core stop now`: calls are hung up with a BYE, the database is closed.

        Raises:
            AsteriskError: it does not die.

        """
        fd = self._find()
        if fd is None:
            return
        try:
            kill = process.end(fd, timeout)
        finally:
            os.close(fd)
        if kill is None:
            raise AsteriskError(f"{self.home}: Asterisk, pid {process.read_pid(self._pid_file)}, does not die")
        log.info("asterisk stopped", home=str(self.home), signal=kill.name)

    def cli(self, command: str, timeout: float = 20.0) -> str:
        """Run one command of Asterisk's console and return what it says.

        Raises:
            AsteriskError: it does not run or does not answer in time.

        """
        # Asterisk takes a missing asterisk.conf for the built-in one: the command would reach the machine's own.
        if not self.running:
            raise AsteriskError(f"{self.home}: its Asterisk does not run; start it with: callfloor asterisk start")
        return self._console(command, timeout)

    def _console(self, command: str, timeout: float) -> str:
        argv = [*self.asterisk.argv, "-C", str(self._conf), "-rx", command]
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired as error:
            raise AsteriskError(f"{self.home}: Asterisk did not answer `{command}` within {timeout:g} s") from error
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace").strip()
            raise AsteriskError(f"{self.home}: its Asterisk does not run, `{command}` was not carried out: {said}")
        return done.stdout.decode(errors="replace")

    def reload(self, site: Site | None = None) -> str:
        """Write the files anew, for `site` if given, and have Asterisk read them; calls go on.

        Ports of SIP and of the AMI change at the next start only.

        Raises:
            AsteriskError: it does not run.

        """
        self.site = site or self.site
        self.write()
        return self.cli("core reload")

    @property
    def _conf(self) -> Path:
        return self.place / "etc/asterisk.conf"

    @property
    def _socket(self) -> Path:
        return self.home / "run/asterisk.ctl"

    @property
    def _pid_file(self) -> Path:
        return self.home / "run/asterisk.pid"

    def _find(self) -> int | None:
        return process.find(self._pid_file, str(self._conf))

    def _link_data(self) -> None:
        data = self.asterisk.data
        for name in _LINKS:
            if (data / name).exists():
                _link(self.home / "var" / name, data / name)
        # Debian keeps the English voice in a folder named after the speaker and links it when installed.
        english = next((f for f in (data / "sounds/en", *sorted(data.glob("sounds/en_*"))) if f.is_dir()), None)
        if english:
            _link(self.home / "var/sounds/en", english)

    def _link_site(self) -> None:
        etc = self.home / "etc"
        files = {f.name: f for f in self.site_folder.iterdir() if f.suffix == ".conf" or f.is_dir()}
        for ours in ("asterisk.conf", "generated"):
            files.pop(ours, None)
        for left in etc.iterdir():
            if left.is_symlink() and left.name not in files:
                left.unlink()
        for name, file in files.items():
            _link(etc / name, file)
        for name in WANTED:
            (etc / name).touch()


def lacking(asterisk: Asterisk, site: Site) -> dict[str, str]:
    """Say what a program lacks for the hardware of a site, and how to mend that; nothing if it has all."""
    if not site.has_hardware or (asterisk.modules / f"{DAHDI}.so").exists():
        return {}
    mend = (
        "install an Asterisk that has it, on Debian: apt install asterisk asterisk-dahdi dahdi; callfloor takes the "
        "machine's own Asterisk where there is one"
    )
    return {"lacks": f"{DAHDI}.so, which {asterisk} has not", "mend": mend}


def _sayable(path: Path) -> Path:
    """Return a path that Asterisk's files and sockets can hold: itself, or an alias in a folder nobody else can write.

    Raises:
        AsteriskError: somebody else owns the folder of aliases.

    """
    if _PLAIN_PATH.fullmatch(str(path)):
        return path
    folder = Path(f"/tmp/callfloor-{os.getuid()}")  # noqa: S108 - checked below: a real folder, ours, closed to others
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not folder.is_dir() or folder.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise AsteriskError(f"{folder}: must be a folder of yours with mode 0700; remove it")
    alias = folder / sha256(os.fsencode(path)).hexdigest()[:12]
    _link(alias, path)
    return alias


def _link(link: Path, target: Path) -> None:
    """Point a link somewhere, in one step even if it exists."""
    if link.is_symlink() and link.readlink() == target:
        return
    new = link.with_name(f".{link.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)
