"""The site of the benches that race callfloor against app_queue: one Asterisk, two dialplans, the same seats.

It is a copy of the sample site with an acd.conf and an ivr.conf of its own and, beside callfloor's dialplan, one of the
same shape for app_queue: a menu of the same prompt, then `Queue()` with the same members. Two numbers lead straight
into the queues, two through the menus. Asterisk runs once for the whole bench; `callfloor up` is a process of its own,
as in production, and runs only while it is its turn: app_queue is not to pay for manager events that nobody needs.

Seats are logged in by the journal, as after a restart in the middle of a shift.
"""

import contextlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from acd.core import Core
from acd.core.events import Configured, LogInAsked, Started
from acd.dispatcher import Clock
from acd.journal import Journal
from acd.site import load_site
from acd.site_secrets import fill_secrets
from ivr.asterisk import Instance, on_free_ports
from ivr.audio import to_wav
from ivr.server import JOURNAL
from ivr.tones import tone

SAMPLE = Path(__file__).parents[2] / "asterisk-config"
SIDES = ("callfloor", "app_queue")
MENU = {"callfloor": "5550110", "app_queue": "5550120"}
"""Numbers that lead to a menu, where 1 is the queue."""
DIRECT = {"callfloor": "5550111", "app_queue": "5550121"}
"""Numbers that lead straight to the queue."""
UP_S = 60.0
"""`callfloor up` speaks its own prompts at its first start."""

ACD = """\
[general]
name = bench

[switch]
fallback = 101
agi_port = {switch.agi_port}
ami_port = {switch.ami_port}
sip_port = {switch.sip_port}
rtp_first = {switch.rtp_first}
rtp_last = {switch.rtp_last}

[bench]
type = queue
ring = 15
wrap_up = 0

[seat](!)
type = seat
queues = bench
pin = 907142

"""

IVR = f"""\
[general]
default = menu main
after = hangup
overflow = hangup

[through-the-menu]
type = number
number = {MENU["callfloor"]}
go = menu main

[straight]
type = number
number = {DIRECT["callfloor"]}
go = queue bench

[main]
type = menu
prompt = choose
choice = 1, queue bench
tries = 3
timeout = 5s
failure = hangup

[choose]
type = prompt
en = For the bench, press 1.
"""

DIALPLAN = f"""

; --- the neighbour: the same menu and the same queue by the means of Asterisk alone
[from-trunk](+)
exten => {MENU["app_queue"]},1,Goto(bench-menu,s,1)
exten => {DIRECT["app_queue"]},1,Goto(bench-menu,1,1)

[bench-menu]
exten => s,1,Answer()
 same => n,Set(TRIES=0)
 same => n(menu),Set(TRIES=$[${{TRIES}} + 1])
 same => n,Background(PROMPT)
 same => n,WaitExten(5)
exten => 1,1,Answer()
 same => n,Queue(bench)
 same => n,Hangup()
exten => t,1,GotoIf($[${{TRIES}} < 3]?s,menu)
 same => n,Hangup()
exten => i,1,Goto(t,1)
"""

QUEUES = """\
[general]
persistentmembers = no
autofill = yes

[bench]
strategy = leastrecent
autofill = yes
wrapuptime = 0
timeout = 15
ringinuse = no
"""


class BenchSite:
    """The site, its Asterisk and its callfloor.

    Args:
        folder: an empty folder for all of it.
        seats: their numbers; each is a handset that registers.
        contact: `host:port` where the handsets are instead, if they do not register.
        acd: more sections of acd.conf.

    """

    def __init__(self, folder: Path, seats: Sequence[str], *, contact: str = "", acd: str = "") -> None:
        self.folder, self.home = folder / "site", folder / "home"
        shutil.copytree(SAMPLE, self.folder)
        prompt = self.folder / "sounds/en/choose.wav"
        prompt.parent.mkdir(parents=True)
        prompt.write_bytes(to_wav(tone(440, duration_ms=3000, level_db=-20)))
        handsets = {seat: f"PJSIP/desk{seat}" if contact else f"PJSIP/{seat}" for seat in seats}
        # Callers and handsets of sipp send no voice, which is no sign that they have gone.
        self._edit("pjsip.conf", ("rtp_timeout = 60 ", "rtp_timeout = 0 "))
        self._append("pjsip.conf", "".join(_static(seat, contact) for seat in seats) if contact else "")
        self._append("extensions.conf", DIALPLAN.replace("PROMPT", str(prompt.with_suffix(""))))
        self._append("modules.conf", "\nrequire = app_queue.so\n")
        self._append("queues.conf", QUEUES + "".join(f"member => {handset}\n" for handset in handsets.values()))
        self._write(ivr=IVR, seats=handsets, contact=contact)
        self._append("acd.conf", acd)
        self.site = fill_secrets(load_site(self.folder), self.home)
        self.instance = Instance(self.home, self.folder, self.site, tied=True)
        self._process: subprocess.Popen[bytes] | None = None

    def _write(self, *, ivr: str, seats: dict[str, str], contact: str) -> None:
        (self.folder / "ivr.conf").write_text(ivr)
        self.home.mkdir()
        free = on_free_ports(load_site(SAMPLE)).switch
        text = ACD.format(switch=free)
        for seat, handset in seats.items():
            text += f"[{seat}](seat)\nagent = Agent {seat}\n" + (f"handset = {handset}\n" if contact else "")
        (self.folder / "acd.conf").write_text(text)

    def _append(self, name: str, text: str) -> None:
        with (self.folder / name).open("a") as file:
            file.write(text)

    def _edit(self, name: str, *changes: tuple[str, str]) -> None:
        text = (self.folder / name).read_text()
        for old, new in changes:
            assert old in text, f"{name} of the sample site no longer has {old!r}"
            text = text.replace(old, new)
        (self.folder / name).write_text(text)

    @property
    def server(self) -> str:
        """Where SIP goes, `host:port`."""
        return f"127.0.0.1:{self.site.switch.sip_port}"

    def __enter__(self) -> Self:
        self._log_in()
        self.instance.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_callfloor()
        self.instance.stop()

    def _log_in(self) -> None:
        rules = tuple(seat.rule for seat in self.site.seats.values())
        at = Clock()()
        journal, core = Journal(self.home / JOURNAL), Core()
        for event in (
            Started(at=at, run="bench"),
            Configured(at=at, queues=tuple(self.site.queues.values()), seats=rules, look_ms=60_000),
            *(LogInAsked(at=at, request=0, seat=rule.name, pin_matches=True) for rule in rules),
        ):
            journal.append(event, core.decide(event))
        journal.close()

    @contextlib.contextmanager
    def turn(self, side: str) -> Iterator[int | None]:
        """Have one side serve the queue; gives the pid of callfloor, if it is its turn. All calls end with the turn."""
        assert side in SIDES
        if side == "callfloor":
            self._start_callfloor()
        try:
            yield self._process.pid if self._process else None
        finally:
            self._stop_callfloor()  # first, or it would offer the last callers to seats while all are hung up
            self.instance.cli("channel request hangup all")
            self.wait_for_channels(0)

    def channels(self) -> int:
        """How many channels Asterisk holds."""
        return int(self.instance.cli("core show channels count").split()[0])

    def wait_for_channels(self, count: int, *, within_s: float = 30.0) -> None:
        """Wait until Asterisk holds so many channels."""
        deadline = time.monotonic() + within_s
        while (now := self.channels()) != count:
            assert time.monotonic() < deadline, f"{now} channels after {within_s:g} s, not {count}"
            time.sleep(0.1)

    def _start_callfloor(self) -> None:
        command = [str(Path(sys.executable).with_name("callfloor")), "up"]
        log = self.home / "callfloor.log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, "--site", self.folder, "--home", self.home],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,  # Ctrl-C is this bench's to handle
            )
        deadline = time.monotonic() + UP_S
        while not all(word in log.read_text() for word in ("switch connected", "prompts ready")):
            assert self._process.poll() is None, f"callfloor ended:\n{log.read_text()}"
            assert time.monotonic() < deadline, f"callfloor is not up:\n{log.read_text()}"
            time.sleep(0.1)

    def _stop_callfloor(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _static(seat: str, contact: str) -> str:
    """A handset at a fixed address, with no password to ask for and no registration to watch."""
    return (
        f"\n[desk{seat}](handset)\naors = desk{seat}\n"
        f"\n[desk{seat}]\ntype = aor\ncontact = sip:{seat}@{contact}\nqualify_frequency = 0\n"
    )
