"""A Postfix of the tests' own: Debian's programs, its own folder, on loopback; ended with the test that began it.

Customers are at example.org: their mails go to a mail server of the test's, or into mailboxes that a Dovecot keeps
(`tests.channels.dovecot`).
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tests.apt import MissingError, installed
from tests.channels.mail_house import listens
from tests.ports import free_port

BEGIN_S = 30

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.acme.example
mydestination =
mynetworks = 127.0.0.0/8
relay_domains = acme.example, example.org
transport_maps = inline:{{ acme.example=lmtp:inet:127.0.0.1:{lmtp}, {others} }}
notify_classes =
maillog_file_prefixes = {folder}
maillog_file = {folder}/log
maximal_queue_lifetime = 1h
minimal_backoff_time = 1s
queue_run_delay = 1s
lmtp_host_lookup = native
smtp_host_lookup = native
smtp_tls_security_level = none
smtpd_peername_lookup = no
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
ALL = "customers"
"""The mailbox of all at example.org who have none of their own; `Delivered-To` says who it was."""
BOXES = """
virtual_mailbox_base = {boxes}
virtual_mailbox_maps = inline:{{ {named} }}, static:{ALL}/
virtual_minimum_uid = 1
virtual_uid_maps = static:{user.pw_uid}
virtual_gid_maps = static:{user.pw_gid}
"""


def program() -> str:
    """Return the command, installed first if need be. No server of the machine's own is begun.

    Raises:
        MissingError: there is none, and it cannot be had.

    """
    if os.geteuid() != 0:
        raise MissingError("Postfix runs as root alone")
    return installed("Postfix", "postfix", partial(shutil.which, "postfix", path="/usr/sbin:/usr/bin"), RUNLEVEL="1")


def _main(folder: Path, lmtp: int, smtp: int, boxes: Path | None, named: Sequence[str]) -> str:
    """Say where it brings what. Who has a mailbox of his own has it by what stands before the @."""
    if boxes is None:
        return MAIN.format(folder=folder, lmtp=lmtp, others=f"example.org=smtp:[127.0.0.1]:{smtp}")
    others = ", ".join(f"{one}=virtual:" for one in ("example.org", *named))
    own = ", ".join(f"{one}={one.partition('@')[0]}/" for one in named) or "postmaster=postmaster/"
    main = MAIN.format(folder=folder, lmtp=lmtp, others=others)
    return main + BOXES.format(boxes=boxes, named=own, ALL=ALL, user=pwd.getpwnam("dovecot"))


@contextlib.contextmanager
def running(
    lmtp: int, smtp: int = 0, *, boxes: Path | None = None, named: Sequence[str] = ()
) -> Iterator[tuple[int, Path]]:
    """Run a server that brings acme.example by LMTP and example.org by SMTP; gives its port, and its log.

    Args:
        lmtp: port of callfloor.
        smtp: port of the customers' mail server.
        boxes: instead of that, the folder of a Dovecot's mailboxes.
        named: addresses that have a mailbox of their own there.

    """
    postfix, port = program(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="callfloor-postfix-"))
    folder.chmod(0o755)
    config = folder / "etc"
    for made in (config, folder / "queue", folder / "data"):
        made.mkdir()
    shutil.chown(folder / "data", "postfix")
    (config / "main.cf").write_text(_main(folder, lmtp, smtp, boxes, named))
    (config / "master.cf").write_text(MASTER.format(port=port))
    log = folder / "log"
    try:
        begun = subprocess.run([postfix, "-c", config, "start"], capture_output=True, text=True, check=False)
        if begun.returncode:
            raise MissingError(f"Postfix cannot be started: {begun.stderr.strip()[-300:]}")
        deadline = time.monotonic() + BEGIN_S
        while not listens(port):
            if time.monotonic() > deadline:
                raise MissingError(f"Postfix does not listen: {log.read_text()[-500:] if log.exists() else ''}")
            time.sleep(0.1)
        yield port, log
    finally:
        subprocess.run([postfix, "-c", config, "stop"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)
