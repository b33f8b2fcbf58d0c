"""Private instances of the real Asterisk: booted from the sample site, side by side, ended without a trace."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from ivr.asterisk import Asterisk, AsteriskError, Instance, process

pytestmark = pytest.mark.live

SAMPLE = Path(__file__).parents[2] / "asterisk-config"


@pytest.fixture(scope="module")
def instance(make_instance):
    """Give one running instance of the sample site."""
    return make_instance("plain")


def ami(instance, *actions):
    """Log in and send actions; return all that was said until the connection was closed after a log-off."""
    switch = instance.site.switch
    log_in = f"Action: Login\r\nUsername: {switch.ami_user}\r\nSecret: {switch.ami_secret}\r\nEvents: off\r\n\r\n"
    words = [log_in, *(f"Action: {action}\r\n\r\n" for action in actions), "Action: Logoff\r\n\r\n"]
    said = b""
    with socket.create_connection(("127.0.0.1", switch.ami_port), timeout=10) as link:
        link.sendall("".join(words).encode())
        while chunk := link.recv(65_536):
            said += chunk
    return said.decode()


def options(instance, source, user):
    """Ask by SIP OPTIONS for extension 5550100, from an address of 127/8, as a user; return the answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind((source, 0))
        link.settimeout(10)
        here = f"{source}:{link.getsockname()[1]}"
        request = (
            "OPTIONS sip:5550100@127.0.0.1 SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{os.urandom(6).hex()};rport\r\nMax-Forwards: 70\r\n"
            f"From: <sip:{user}@{source}>;tag={os.urandom(4).hex()}\r\nTo: <sip:5550100@127.0.0.1>\r\n"
            f"Call-ID: {os.urandom(8).hex()}\r\nCSeq: 1 OPTIONS\r\nContact: <sip:{user}@{here}>\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        link.sendto(request.encode(), ("127.0.0.1", instance.site.switch.sip_port))
        return link.recv(65_536).decode()


def eventually(fact, seconds=10.0):
    """Wait for a fact to become true, and assert it."""
    deadline = time.monotonic() + seconds
    while not fact() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert fact()


def gone(pid):
    """Tell whether a process has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_the_sample_site_boots_without_a_complaint(instance):
    """The log of the boot has no warning and no error: every file is there and every module loads."""
    file = instance.home / "log/messages.log"
    eventually(lambda: "Asterisk Ready" in file.read_text())  # the log is written by a thread of its own
    log = file.read_text()
    assert not re.findall(r"^.*(?:WARNING|ERROR)\[.*$", log, re.MULTILINE)


def test_every_seat_has_its_endpoint_and_its_lamp(instance):
    """Asterisk knows an endpoint and a hint for each seat of acd.conf, and the trunk."""
    endpoints, hints = instance.cli("pjsip show endpoints"), instance.cli("core show hints")
    for name in instance.site.seats:
        assert re.search(rf"Endpoint:\s+{name}/{name}\b", endpoints)
        assert re.search(rf"\*5{name}@\S+\s*: Custom:callfloor-{name}\b", hints)
    assert re.search(r"Endpoint:\s+trunk\b", endpoints)


def test_music_is_there_for_those_who_wait(instance):
    """The default class of music has files."""
    assert instance.cli("moh show files").count("File:") >= 1


@pytest.mark.parametrize(
    "action",
    [
        "Ping",
        "CoreShowChannels",
        "DeviceStateList",
        "Status\r\nVariables: SHARED(ACD_OFFER)",
        "Setvar\r\nVariable: DEVICE_STATE(Custom:callfloor-101)\r\nValue: INUSE",
        "Originate\r\nChannel: Local/s@acd-hold/n\r\nContext: acd-after\r\nExten: s\r\nPriority: 1\r\nAsync: true",
    ],
)
def test_the_ami_account_may_do_what_callfloor_does(instance, action):
    """The account of manager.conf may do each action the switch adapter uses."""
    said = ami(instance, action)
    assert said.count("Response: Success") == 2, said  # the log-in and the action


@pytest.mark.parametrize(
    "action", ["Hangup\r\nChannel: x", "Redirect\r\nChannel: x\r\nContext: y", "Setvar\r\nChannel: x"]
)
def test_the_ami_account_may_move_calls(instance, action):
    """Actions on a call that is gone fail for that reason, not for want of a right."""
    said = ami(instance, action)
    assert "Response: Error" in said
    assert "Permission denied" not in said


@pytest.mark.parametrize(
    "action",
    [
        "Command\r\nCommand: core show version",
        "GetConfig\r\nFilename: manager.conf",
        "GetConfig\r\nFilename: ../../../../../../etc/passwd",
        "GetConfigJSON\r\nFilename: manager.conf",
        "ListCategories\r\nFilename: ../../../../../../etc/passwd",
        "UserEvent\r\nUserEvent: CallArrived\r\nQueue: sales",
        "MixMonitor\r\nChannel: x\r\nFile: /tmp/x.wav\r\nCommand: id",
        "AGI\r\nChannel: x\r\nCommand: EXEC System id",
        "UpdateConfig\r\nSrcFilename: manager.conf",
        "Reload",
        "ModuleLoad\r\nLoadType: load\r\nModule: app_system.so",
        "Originate\r\nChannel: Local/s@acd-hold/n\r\nApplication: System\r\nData: id",
        "Originate\r\nChannel: Local/s@acd-hold/n\r\nApplication: trysystem\r\nData: id",
        "Originate\r\nChannel: Local/s@acd-hold/n\r\nApplication: Set\r\nData: FILE(/tmp/x)=y",
        "Originate\r\nChannel: Local/s@acd-hold/n\r\nApplication: mixmonitor\r\nData: x.wav,,id",
        "Originate\r\nChannel: Local/s@acd-hold/n\r\nApplication: EAGI\r\nData: /bin/id",
        "Originate\r\nChannel: Local/s@acd-hold/n\r\nApplication: Queue\r\nData: q,,,,,/bin/id",
        "Originate\r\nChannel: Local/s@acd-hold/n\r\nApplication: ExternalIVR\r\nData: /bin/id",
        "Originate\r\nChannel: Local/s@acd-hold/n\r\nApplication: Exec\r\nData: System(id)",
        "Setvar\r\nVariable: FILE(/tmp/x)\r\nValue: y",
        "Setvar\r\nVariable: SHELL(id)\r\nValue: y",
        "Getvar\r\nVariable: SHELL(id)",
        "Filter\r\nOperation: Add\r\nFilter: x",
    ],
)
def test_the_ami_account_may_do_nothing_else(instance, action):
    """Commands, files, modules and programs are out of its reach: forbidden, or not even loaded."""
    refusals = "Permission denied|Access Forbidden|Invalid/unknown command|Variable not set"
    assert re.search(refusals, ami(instance, action))


def test_a_seats_number_alone_opens_nothing(instance):
    """A request in a seat's name is asked for the password even from the trunk's address; a caller's is let in."""
    assert options(instance, "127.0.0.1", "101").startswith("SIP/2.0 401")
    assert options(instance, "127.0.0.1", "5551234").startswith("SIP/2.0 200")


def test_strangers_get_a_challenge_and_no_version(instance):
    """A request from an address nobody named is not served, and no answer names Asterisk or its version."""
    answer = options(instance, "127.0.0.2", "5551234")
    assert answer.startswith("SIP/2.0 401")
    assert "Server: callfloor\r\n" in answer
    assert str(instance.asterisk.version[0]) + "." not in answer


def test_two_instances_do_not_know_each_other(instance, make_instance):
    """A second one boots beside the first with its own process, ports and database; its end leaves the first alone."""
    second = make_instance("second")
    assert second.pid != instance.pid
    instance.cli("database put callfloor whose first")
    assert "first" not in second.cli("database get callfloor whose")
    pid = second.pid
    second.stop()
    eventually(lambda: gone(pid))
    assert not second.running
    assert "first" in instance.cli("database get callfloor whose")


def test_a_path_asterisk_cannot_say_is_aliased(make_instance):
    """A home whose path has blanks, commas and more than 108 bytes boots, and the dialplan sees a plain path."""
    instance = make_instance("a home, with & blanks " + "and a long name " * 8)
    assert re.search(r"CALLFLOOR_SOUNDS=[\w/.-]+/sounds\n", instance.cli("dialplan show globals"))
    assert Path(re.findall(r"CALLFLOOR_SOUNDS=(\S+)", instance.cli("dialplan show globals"))[0]).samefile(
        instance.home / "sounds"
    )
    instance.stop()


def test_reload_brings_a_new_seat_and_keeps_the_process(make_instance):
    """After a reload with one seat more, Asterisk knows its endpoint, and no call would have been lost."""
    instance = make_instance("reload")
    before, site = instance.pid, instance.site
    old = site.seats["101"]
    new = replace(old, rule=replace(old.rule, name="199"), handset="PJSIP/199", secret="a;b\\c;--d\\;e=>f")
    instance.reload(replace(site, seats={**site.seats, "199": new}))
    auth = instance.cli("pjsip show auth 199")
    assert re.search(r"password\s*: (.*)", auth)[1].strip() == new.secret
    assert instance.pid == before
    instance.stop()


def test_a_killed_one_starts_again(make_instance):
    """What a SIGKILL leaves behind (pid file, socket) does not keep the next start from working."""
    instance = make_instance("killed")
    os.kill(instance.pid, signal.SIGKILL)
    eventually(lambda: not instance.running)
    instance.start()
    assert "System uptime" in instance.cli("core show uptime")
    instance.stop()


def test_a_second_start_is_refused(instance):
    """Starting what runs is an error that names the process, and does it no harm."""
    with pytest.raises(AsteriskError, match=f"runs already, pid {instance.pid}"):
        instance.start()
    assert instance.running


def test_a_boot_that_fails_shows_why(make_instance, tmp_path):
    """When a required module is missing the error repeats Asterisk's own line, and no process stays."""
    folder = tmp_path / "broken"
    shutil.copytree(SAMPLE, folder)
    with (folder / "modules.conf").open("a") as file:
        file.write("\nrequire = app_no_such.so\n")
    instance = make_instance("broken", site_folder=folder, start=False)
    with pytest.raises(AsteriskError, match=r"(?s)while booting.*app_no_such"):
        instance.start()
    assert not instance.running


def test_stop_signals_nobody_else(make_instance):
    """A pid file that names a process of another program is not believed: that process lives on."""
    instance = make_instance("stale", start=False)
    instance.write()
    with subprocess.Popen(["sleep", "60"]) as other:
        (instance.home / "run/asterisk.pid").write_text(str(other.pid))
        assert not instance.running
        instance.stop()
        assert other.poll() is None
        other.kill()


def test_a_command_to_a_stopped_one_says_so(make_instance):
    """The console of an Asterisk that does not run answers with an error that names its home."""
    instance = make_instance("off", start=False)
    instance.write()
    with pytest.raises(AsteriskError, match=r"off.*does not run.*callfloor asterisk start"):
        instance.cli("core show version")


def test_a_command_to_one_that_never_ran_reaches_no_other(tmp_path):
    """Without files of its own, Asterisk would take the machine's: no program is run, nothing is fetched."""
    ran = tmp_path / "ran"
    program = tmp_path / "asterisk"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    asterisk = Asterisk(argv=(str(program),), version=(20, 0, 0), modules=tmp_path, data=tmp_path, private=False)
    with pytest.raises(AsteriskError, match=r"new: its Asterisk does not run"):
        Instance(tmp_path / "new", SAMPLE, None, asterisk=asterisk).cli("core stop now")
    assert not ran.exists()


TIED = """\
import sys, time, threading
from pathlib import Path
from acd.site import load_site
from acd.site_secrets import fill_secrets
from ivr.asterisk import Instance, on_free_ports
site, home = Path(sys.argv[1]), Path(sys.argv[2])
one = Instance(home, site, on_free_ports(fill_secrets(load_site(site), home)), tied=True)
starter = threading.Thread(target=one.start)
starter.start()
starter.join()
print(one.pid, flush=True)
sys.stdin.read()
"""


def test_a_tied_one_dies_with_whoever_started_it(asterisk, tmp_path):
    """It outlives the thread that started it, and ends when the Python process is killed with SIGKILL."""
    words = [sys.executable, "-c", TIED, SAMPLE, tmp_path]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        pid = next(int(line) for line in starter.stdout if line.strip().isdigit())
        fd = process.find(
            tmp_path / "run/asterisk.pid", str(Instance(tmp_path, SAMPLE, None).place / "etc/asterisk.conf")
        )
        assert fd is not None
        starter.kill()
        assert process.has_ended(fd, 10.0)
        os.close(fd)
    eventually(lambda: gone(pid))
