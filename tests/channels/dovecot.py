"""A Dovecot of the tests' own: Debian's programs, its own folder, on loopback; ended with the test that began it."""

import contextlib
import imaplib
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.apt import MissingError, installed
from tests.channels.mail_house import listens
from tests.ports import free_port

BEGIN_S, END_S = 30, 15

CONF = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
auth_verbose = yes
protocols = imap
ssl = {ssl}
{keys}
disable_plaintext_auth = no
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%u
mail_uid = dovecot
mail_gid = dovecot
{capability}
{tokens}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = home={folder}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls}
  }}
}}
service anvil {{
  chroot =
}}
service auth {{
  chroot =
}}
"""
PASSWORD = "geheim-42"
TOKENS = """
auth_mechanisms = plain {mechanisms}
passdb {{
  driver = oauth2
  mechanisms = {mechanisms}
  args = {folder}/oauth2.conf
}}
"""
INTROSPECTION = """
introspection_mode = auth
introspection_url = {url}
username_attribute = username
active_attribute = active
active_value = true
"""


def program() -> str:
    """Return the command, installed first if need be. No server of the machine's own is begun.

    Raises:
        MissingError: there is none, and it cannot be had.

    """
    if os.geteuid() != 0:
        raise MissingError("Dovecot runs as root alone")
    find = partial(shutil.which, "dovecot", path="/usr/sbin:/usr/bin")
    return installed("Dovecot", "dovecot-imapd", find, RUNLEVEL="1")


def _tied() -> list[str]:
    """Say what ends a server with the tests, should they be killed: where setpriv (util-linux) is."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


class Dovecot:
    """The server; each user has a folder of his own, and there is one password."""

    def __init__(
        self,
        folder: Path,
        *,
        lacks: str = "",
        certificate: tuple[Path, Path] | None = None,
        mechanisms: str = "",
        introspection: str = "",
    ) -> None:
        self.folder, self.port, self.tls = folder, free_port(), free_port()
        keys = "" if certificate is None else f"ssl_cert = <{certificate[0]}\nssl_key = <{certificate[1]}"
        given = {
            "folder": folder,
            "port": self.port,
            "tls": self.tls,
            "password": PASSWORD,
            "ssl": "yes" if certificate else "no",
            "keys": keys,
            "capability": f"imap_capability = {lacks}" if lacks else "",
            "tokens": TOKENS.format(mechanisms=mechanisms, folder=folder) if mechanisms else "",
        }
        (folder / "oauth2.conf").write_text(INTROSPECTION.format(url=introspection))
        (folder / "dovecot.conf").write_text(CONF.format(**given))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin it."""
        with (self.folder / "out").open("ab") as out:
            self.process = subprocess.Popen(
                [*_tied(), program(), "-F", "-c", self.folder / "dovecot.conf"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        deadline = time.monotonic() + BEGIN_S
        while not listens(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Dovecot does not listen, status {self.process.poll()}: {self.log()[-500:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, and what it has begun."""
        if self.process is not None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(END_S)
            with contextlib.suppress(ProcessLookupError):  # those that serve somebody take their time
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def log(self) -> str:
        """Give what it has written down."""
        return "".join(path.read_text() for name in ("out", "log") if (path := self.folder / name).exists())

    # Mails, as whoever delivers them and looks after them sees them

    @property
    def boxes(self) -> Path:
        """The folder of all mailboxes, made if there is none: for a mail server that delivers into them."""
        boxes = self.folder / "mail"
        boxes.mkdir(exist_ok=True)
        shutil.chown(boxes, "dovecot", "dovecot")
        return boxes

    def fetched(self, user: str) -> list[bytes]:
        """Give the mails in the inbox of a user as his own program has them, by IMAP."""
        with imaplib.IMAP4("127.0.0.1", self.port) as client:
            client.login(user, PASSWORD)
            client.select(readonly=True)
            _, [numbers] = client.search(None, "ALL")
            answers = [client.fetch(number.decode(), "(RFC822)")[1] for number in numbers.split()]
        return [part[1] for answer in answers for part in answer if isinstance(part, tuple)]

    def deliver(self, user: str, raw: bytes, name: str) -> None:
        """Put a mail into the inbox of a user."""
        box = self.folder / "mail" / user
        for part in ("tmp", "new", "cur"):
            if not (box / part).exists():
                (box / part).mkdir(parents=True)
        (box / "tmp" / name).write_bytes(raw)
        for path in (box.parent, box, *box.iterdir(), box / "tmp" / name):
            shutil.chown(path, "dovecot", "dovecot")
        (box / "tmp" / name).rename(box / "new" / name)

    def mails(self, user: str, folder: str = "") -> list[bytes]:
        """Give the mails of a folder, the inbox by default."""
        box = self.folder / "mail" / user / (f".{folder}" if folder else "")
        while True:
            with contextlib.suppress(FileNotFoundError):  # one was moved meanwhile
                return [path.read_bytes() for part in ("new", "cur") for path in sorted((box / part).glob("*"))]

    def flags(self, user: str) -> list[str]:
        """Give the flags of the mails in the inbox: S is seen, T is deleted."""
        return [path.name.partition(":2,")[2] for path in sorted((self.folder / "mail" / user / "cur").glob("*"))]


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make one for localhost, which nobody vouches for but itself; gives it and its key."""
    made, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    more = ["-addext", "subjectAltName=DNS:localhost", "-out", made, "-keyout", key]
    subprocess.run([*command, *more], check=True, capture_output=True)
    ssl.create_default_context(cafile=made)
    return made, key


@contextlib.contextmanager
def running(
    *, lacks: str = "", has_tls: bool = False, mechanisms: str = "", introspection: str = ""
) -> Iterator[Dovecot]:
    """Run a server.

    Args:
        lacks: what it says it can, instead of all that it can.
        has_tls: whether it has a certificate, `cert.pem` in its folder.
        mechanisms: by which it takes tokens.
        introspection: the URL where it asks whose they are.

    """
    program()
    folder = Path(tempfile.mkdtemp(prefix="callfloor-dovecot-"))
    folder.chmod(0o755)
    keys = certificate(folder) if has_tls else None
    server = Dovecot(folder, lacks=lacks, certificate=keys, mechanisms=mechanisms, introspection=introspection)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
