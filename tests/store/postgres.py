"""A PostgreSQL of the tests' own: Debian's programs, a new folder, a Unix socket, an unprivileged user; ended with it.

Programs that are not there are installed where that can be done, which is where the tests run as root.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.apt import MissingError, installed

BEGIN_S = 60
CLUSTERS = Path("/etc/postgresql-common/createcluster.conf")


def programs() -> Path:
    """Return the folder of initdb and postgres, installed first if need be.

    Raises:
        MissingError: they are not there, and cannot be had.

    """
    if _found() is None and os.geteuid() == 0 and not CLUSTERS.exists():
        CLUSTERS.parent.mkdir(parents=True, exist_ok=True)
        CLUSTERS.write_text("create_main_cluster = false\n")  # the machine gets the programs, and no server of its own
    return installed("PostgreSQL", "postgresql", _found)


def _found() -> Path | None:
    on_path = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    places = [Path(on_path).resolve()] if on_path else debian[-1:]
    return next((path.parent for path in places if (path.parent / "postgres").exists()), None)


def _user() -> str | None:
    """Whom it runs as: it refuses root."""
    if os.geteuid() != 0:
        return None
    names = {one.pw_name for one in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


@contextlib.contextmanager
def running(*options: str) -> Iterator[str]:
    """Run a server; gives the URL of a database in it, with `{}` for its name. `postgres` is there."""
    place, user = programs(), _user()
    folder = Path(tempfile.mkdtemp(prefix="callfloor-postgresql-"))
    if user is not None:
        shutil.chown(folder, user)
    who = {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    data = folder / "data"
    try:
        made = subprocess.run(
            [place / "initdb", "-D", data, "-U", "callfloor", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            **who,
        )
        if made.returncode:
            raise MissingError(f"PostgreSQL cannot be set up: {made.stderr.strip()[-300:]}")
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [
                    *_tied(),
                    *(place / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses="),
                    *(word for option in ("fsync=off", *options) for word in ("-c", option)),
                ],
                cwd=folder,
                stdout=log,
                stderr=log,
                **who,
            )
        try:
            _wait(place, folder, server)
            yield f"postgresql://callfloor@/{{}}?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)  # fast: whoever is connected is cut off
            server.wait(BEGIN_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tied() -> list[str]:
    """Say what ends a server with the tests, should they be killed: where setpriv (util-linux) is."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "INT"] if setpriv else []


def _wait(place: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + BEGIN_S
    while subprocess.run([place / "pg_isready", "-q", "-h", folder], check=False).returncode:
        if server.poll() is not None or time.monotonic() > until:
            raise MissingError(f"PostgreSQL does not start: {(folder / 'log').read_text()[-300:]}")
        time.sleep(0.05)
