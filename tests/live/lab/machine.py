"""The lab's machine: qemu without acceleration, so it runs wherever callfloor does; boots, freezes, thaws.

Theory of operation. One guest, one processor (with two, this kind of emulation oopses at times), two Asterisks,
one with the site's lines and one with their far ends (guest/etc/), and three ways in and out:

    AMI      two ports of the host's loopback lead to theirs, 5038 and 5039
    FastAGI  the guest calls 10.0.2.100:4573; qemu starts a small program for each connection, which joins it to
             callfloor's port. The guest reaches nothing else of the host, and no network
    files    a folder of the host is mounted in the guest under the very same path, so prompts, music and recordings
             have one name on both sides (9p)

Its clock counts instructions (icount): a host that has other things to do makes it slower, never late. Otherwise DAHDI,
a thousand times a second, would run after the time it missed until nothing else ran, and keys would be lost.

Besides, its second serial port takes commands, like a technician at the card. A booted guest is frozen once: its
memory goes into a file, and every test run thaws that. The disk is read-only, so the frozen memory always fits it. A
share that is mounted cannot be frozen; it is mounted after the thaw.
"""

import contextlib
import io
import json
import re
import shlex
import shutil
import socket
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ivr.asterisk import process
from tests.live.lab import hardware
from tests.ports import free_port

if TYPE_CHECKING:
    import subprocess

GUEST = Path(__file__).parent / "guest"
SITE_MODULES = Path(__file__).parents[3] / "asterisk-config/modules.conf"
GUEST_AGI = "10.0.2.100:4573"
QEMU = "qemu-system-x86_64"

BOOT_S, ANSWER_S = 600.0, 60.0
_TICK_S = 0.05
_INSTRUCTION_NS_LOG2 = 2
"""An instruction lasts 4 ns: a processor that a host emulates in real time with a third of one of its own."""
_SIP = re.compile(r"pjsip|pjproject|rtp|sorcery|crypto|#include")
_END = re.compile(rb"\nlab-end (\d+)\n")


class LabError(Exception):
    """The machine does not do what it should; says what its console said."""


class Machine:
    """One running guest.

    `disk` holds the files of `disk.make`; `folder` takes console and sockets; `share` is what the guest mounts.
    """

    def __init__(self, disk: Path, folder: Path, share: Path, *, ami_port: int = 0, agi_port: int = 0) -> None:
        self.disk, self.folder, self.share = disk, folder, share
        self.ami_port, self.agi_port = ami_port, agi_port
        self.exchange_port = 0
        self.console = folder / "console.log"
        self._process: subprocess.Popen[bytes]
        self._qmp: socket.socket
        self._serial: socket.socket
        self._answers: io.BufferedReader
        self._exit = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    # Life

    def boot(self) -> None:
        """Start it cold and wait until Asterisk has booted and both ends of the PRI agree.

        Raises:
            LabError: it did not come up.

        """
        self._start()
        self._wait(lambda: re.search(r"^lab \[.*\] ready", self._said(), re.MULTILINE), "boots", BOOT_S)
        self._wait(lambda: "Up, Active" in self.run("asterisk -rx 'pri show spans'"), "has a PRI", BOOT_S)

    def freeze(self, file: Path) -> None:
        """Write the guest's memory to a file and end it."""
        self._ask("stop")
        self._ask("migrate-set-parameters", **{"max-bandwidth": 1 << 32})
        self._ask("migrate", uri=f"exec:cat > {shlex.quote(str(file))}")
        self._wait(lambda: self._ask("query-migrate").get("status") == "completed", "is frozen", ANSWER_S)
        self.__exit__()

    def thaw(self, file: Path) -> None:
        """Start from a file that `freeze` wrote, and mount the share.

        Raises:
            LabError: it does not go on.

        """
        self._start("-incoming", f"exec:cat {shlex.quote(str(file))}")
        self._wait(lambda: self._ask("query-status")["status"] == "paused", "is thawed", ANSWER_S)
        self._ask("cont")
        path = shlex.quote(str(self.share))
        self.run(f"mkdir -p {path} && busybox mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 share {path}")

    def run(self, command: str) -> str:
        """Have the guest run a command of its shell, as root; gives what it said.

        Raises:
            LabError: its status is not 0, or it does not end in time.

        """
        self._serial.sendall(command.replace("\n", "; ").encode() + b"\n")
        said = b""
        while (end := _END.search(said)) is None:
            try:
                more = self._serial.recv(65_536)
            except TimeoutError:
                more = b""
            if not more:
                raise LabError(f"{command}: no end of it\n{self._tail()}")
            said += more
        text = said[: end.start()].decode(errors="replace")
        if end[1] != b"0":
            raise LabError(f"{command}: status {end[1].decode()}\n{text}")
        return text

    # Inside

    def _start(self, *words: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "guest.tar").write_bytes(guest_files())
        for name in ("qmp", "serial"):
            (self.folder / name).unlink(missing_ok=True)
        argv = [str(find_qemu()), *_fixed_words(), *self._words(), *words]
        self._process = process.start(argv, folder=self.folder, output=self.folder / "qemu.log", tied=True)
        self._exit.callback(self._end)
        self._serial = self._connect("serial")
        self._serial.settimeout(ANSWER_S)
        self._qmp = self._connect("qmp")
        self._qmp.settimeout(ANSWER_S)
        self._answers = self._qmp.makefile("rb")
        self._exit.callback(self._answers.close)
        self._answers.readline()
        self._ask("qmp_capabilities")

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()

    def _words(self) -> list[str]:
        pipe = shlex.join([sys.executable, "-I", "-S", str(GUEST.parent / "pipe.py"), str(self.agi_port)])
        self.exchange_port = free_port()
        ports = ((self.ami_port, 5038), (self.exchange_port, 5039))
        forward = ",".join(f"hostfwd=tcp:127.0.0.1:{port}-:{inside}" for port, inside in ports)
        return [
            *("-kernel", str(self.disk / "vmlinuz"), "-initrd", str(self.disk / "initrd")),
            *("-drive", f"file={self.disk / 'root.img'},format=raw,if=virtio,readonly=on"),
            *("-drive", f"file={self.folder / 'guest.tar'},format=raw,if=virtio,readonly=on"),
            *(
                "-netdev",
                f"user,id=net,restrict=on,{forward},guestfwd=tcp:{GUEST_AGI}-cmd:{pipe}",
                "-device",
                "virtio-net-pci,netdev=net",
            ),
            *("-virtfs", f"local,path={self.share},mount_tag=share,security_model=none,id=share"),
            *("-serial", f"file:{self.console}", "-serial", f"unix:{self.folder / 'serial'},server=on,wait=off"),
            *("-qmp", f"unix:{self.folder / 'qmp'},server=on,wait=off"),
        ]

    def _connect(self, name: str) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        self._exit.callback(connection.close)

        def is_there() -> bool:
            try:
                connection.connect(str(self.folder / name))
            except OSError:
                return False
            return True

        self._wait(is_there, "starts", ANSWER_S)
        return connection

    def _ask(self, command: str, **arguments: object) -> dict[str, Any]:
        """Ask qemu's QMP; its events in between are passed over."""
        self._qmp.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            answer = json.loads(self._answers.readline() or b'{"error": "it has ended"}')
            if "error" in answer:
                raise LabError(f"{command}: {answer['error']}\n{self._tail()}")
            if "return" in answer:
                return dict(answer["return"])

    def _wait(self, reached: Callable[[], object], what: str, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not reached():
            if self._process.poll() is not None:
                raise LabError(f"it ended before it {what}\n{self._tail()}")
            if time.monotonic() > deadline:
                raise LabError(f"not within {within_s:g} s: it {what}\n{self._tail()}")
            time.sleep(_TICK_S)

    def _said(self) -> str:
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def _tail(self) -> str:
        qemu = (self.folder / "qemu.log").read_text(errors="replace")
        return "\n".join([*qemu.splitlines()[-8:], *self._said().splitlines()[-25:]])


def find_qemu() -> Path:
    """Give the program.

    Raises:
        LabError: there is none.

    """
    if (found := shutil.which(QEMU)) is None:
        raise LabError(f"{QEMU} is not installed")
    return Path(found)


def _fixed_words() -> list[str]:
    """What must be the same when a guest is frozen and when it is thawed."""
    kernel = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr audit=0 random.trust_cpu=on tsc=reliable"
    return [
        *("-accel", "tcg,thread=single", "-cpu", "max", "-smp", "1", "-m", "512", "-M", "pc", "-no-reboot"),
        *("-icount", f"shift={_INSTRUCTION_NS_LOG2},sleep=on,align=off", "-rtc", "clock=vm"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-append", kernel),
    ]


def guest_files() -> bytes:
    """Pack what the guest unpacks as it boots: `guest/`, what follows from the hardware, the list of modules."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in sorted(path for path in GUEST.rglob("*") if path.is_file()):
            _add(tar, f"lab/{path.relative_to(GUEST)}", path.read_bytes(), executable=path.name == "init")
        for name, text in {**hardware.files(), "etc/asterisk/modules.conf": modules()}.items():
            _add(tar, f"lab/{name}", text.encode())
    return packed.getvalue().ljust(1 << 16, b"\0")


def modules() -> str:
    """Say what the guest's Asterisk loads: what callfloor's own modules.conf does but SIP, and lines of hardware."""
    lines = [line for line in SITE_MODULES.read_text().splitlines() if not _SIP.search(line)]
    return "\n".join([*lines, "require = chan_dahdi.so", "load = res_timing_dahdi.so", ""])


def _add(tar: tarfile.TarFile, name: str, data: bytes, *, executable: bool = False) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    entry.mode = 0o755 if executable else 0o644
    tar.addfile(entry, io.BytesIO(data))
