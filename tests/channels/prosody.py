"""A Prosody of the tests' own: Debian's program, its own folder, on loopback; ended with the test that began it."""

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.apt import installed
from tests.channels.mail_house import free_port, listens

BEGIN_S, END_S = 30, 15
HOST, ADDRESS, ROOMS = "example.org", "chat.example.org", "rooms.example.org"
PASSWORD, SECRET = "geheim-42", "component-geheim-42"
USERS = ("jan", "ewa", "tom", "ola")

CONF = """
run_as_root = true
daemonize = false
pidfile = "{folder}/pid"
data_path = "{folder}/data"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
component_ports = {{ {inside} }}
component_interfaces = {{ "127.0.0.1" }}
s2s_ports = {{ }}
modules_enabled = {{ "saslauth"; "roster"; "presence"; "message"; "iq"; "disco"; "offline"; "carbons" }}
modules_disabled = {{ "s2s"; "tls" }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage = "internal"
log = {{ debug = "{folder}/log" }}
VirtualHost "{host}"
Component "{address}"
  component_secret = "{secret}"
Component "other.{host}"
  component_secret = "{secret}"
Component "{rooms}" "muc"
  modules_disabled = {{ "s2s" }}
  muc_room_locking = false
"""


def program() -> str:
    """Return the command, installed first if need be. No server of the machine's own is begun.

    Raises:
        MissingError: there is none, and it cannot be had.

    """
    return installed("Prosody", "prosody", partial(shutil.which, "prosody", path="/usr/sbin:/usr/bin"), RUNLEVEL="1")


def _tied() -> list[str]:
    """Say what ends a server with the tests, should they be killed: where setpriv (util-linux) is."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


class Prosody:
    """The server, with a few users, two components and rooms."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.inside = folder, free_port(), free_port()
        given = {"folder": folder, "port": self.port, "inside": self.inside, "host": HOST, "address": ADDRESS}
        (folder / "conf.lua").write_text(CONF.format(**given, secret=SECRET, rooms=ROOMS))
        accounts = folder / "data" / HOST.replace(".", "%2e") / "accounts"
        accounts.mkdir(parents=True)
        for user in USERS:
            (accounts / f"{user}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}"; }};\n')
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin it."""
        with (self.folder / "out").open("ab") as out:
            self.process = subprocess.Popen(
                [*_tied(), program(), "-F", "--config", self.folder / "conf.lua"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        deadline = time.monotonic() + BEGIN_S
        while not (listens(self.port) and listens(self.inside)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Prosody does not listen, status {self.process.poll()}: {self.log()[-800:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def log(self) -> str:
        """Give what it has written down."""
        return "".join(path.read_text() for name in ("out", "log") if (path := self.folder / name).exists())


@contextlib.contextmanager
def running() -> Iterator[Prosody]:
    """Run a server."""
    program()
    folder = Path(tempfile.mkdtemp(prefix="callfloor-prosody-"))
    server = Prosody(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
