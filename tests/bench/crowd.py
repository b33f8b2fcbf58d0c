"""Callers and agents by sipp who write down what happened when: the load of `call_rate`, the same for both sides.

A caller dials, presses 1 into the menu's prompt, and stays until the other side hangs up; an agent answers each call at
once, talks, and hangs up. The caller's number is what the agent's phone shows, so it ties their notes together: a call
is measured from outside, by the same means whoever serves the queue. A call that meets what is not in the scenario, or
has to wait too long, never comes to its last note.
"""

import signal
import subprocess
from pathlib import Path
from typing import Self

from ivr.asterisk import private_tool

KEY_AFTER_MS = 1000
"""Into the prompt: it begins 500 ms after the answer, which is how long Asterisk waits for a first packet of sound."""
TALK_MS = 1000
SPREAD_MS = 2000
"""Between a call's turn and its INVITE, at random: people do not call in step."""
HOST = "127.0.0.1"

_SDP = """\
Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 8
a=rtpmap:8 PCMA/8000
"""

_OF_CALLER = """\
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: <sip:[call_number]@[local_ip]:[local_port]>;tag=[pid]c[call_number]
Call-ID: [call_id]
Contact: <sip:[call_number]@[local_ip]:[local_port]>
Max-Forwards: 70
"""

_ANSWER = """\
SIP/2.0 200 OK
[last_Via:]
[last_From:]
{to}
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:agent@[local_ip]:[local_port]>
"""


def _send(message: str, attributes: str = "") -> str:
    return f"<send {attributes}><![CDATA[\n{message}\n]]></send>\n"


def _note(what: str, who: str = "[call_number]") -> str:
    return (
        '<nop><action><gettimeofday assign_to="seconds,micros"/>'
        f'<log message="{what} {who} [$seconds] [$micros]"/></action></nop>\n'
    )


def _scenario(steps: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="bench">\n{steps}</scenario>\n'


_EMPTY = "Content-Length: 0\n"
_AGAIN = 'retrans="500"'
_KEY = "Content-Type: application/dtmf-relay\nContent-Length: [len]\n\nSignal=1\nDuration=160\n"


AT_RANDOM = f'<pause distribution="uniform" min="0" max="{SPREAD_MS}"/>\n'
LISTED, AS_LISTED = (
    "[field0]",
    (
        '<nop><action><assignstr assign_to="listed" value="[field1]"/>'
        '<todouble assign_to="after" variable="listed"/></action></nop>\n<pause variable="after"/>\n'
    ),
)
"""Whose number and delay, in ms, stand in a list (sipp's -inf)."""


def caller(patience_ms: int, *, who: str = "[call_number]", after: str = AT_RANDOM) -> str:
    """Dial [service], press 1, hang up when no agent answered and finished within the patience.

    Notes `made`, a while before it dials; `key`; and `end`, when it was hung up on as it should be.

    Args:
        patience_ms: how long it waits.
        who: its number.
        after: what it does before it dials.

    """
    own = _OF_CALLER.replace("sip:[call_number]@", f"sip:{who}@")
    to = "To: <sip:[service]@[remote_ip]:[remote_port]>\n"
    invite = f"INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0\n{own}{to}CSeq: 1 INVITE\n{_SDP}"
    inside = f"[next_url] SIP/2.0\n{own}[last_To:]\nCSeq: "
    return _scenario(
        _note("made", who)
        + after
        + _send(invite, _AGAIN)
        + '<recv response="100" optional="true"/><recv response="180" optional="true"/>\n'
        + '<recv response="200" rrs="true"/>\n'
        + _send(f"ACK {inside}1 ACK\n{_EMPTY}")
        + f'<pause milliseconds="{KEY_AFTER_MS}"/>\n'
        + _note("key", who)
        + _send(f"INFO {inside}2 INFO\n{_KEY}", _AGAIN)
        + f'<recv response="200"/>\n<recv request="BYE" timeout="{patience_ms + TALK_MS}"/>\n'
        + _send(_ANSWER.format(to="[last_To:]") + _EMPTY)
        + _note("end", who)
    )


def waiter(prefix: str = "", stay_ms: tuple[int, int] | None = None) -> str:
    """Dial [service] and wait until the other side hangs up, or, with `stay_ms`, as long as chance says.

    Its number is its place in the crowd behind a prefix, so that two crowds are told apart. Of one that leaves by
    itself nothing is told when the other side was first.
    """
    who = _OF_CALLER.replace("sip:[call_number]@", f"sip:{prefix}[call_number]@")
    to = "To: <sip:[service]@[remote_ip]:[remote_port]>\n"
    invite = f"INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0\n{who}{to}CSeq: 1 INVITE\n{_SDP}"
    inside = f"[next_url] SIP/2.0\n{who}[last_To:]\nCSeq: "
    if stay_ms is None:
        end = '<recv request="BYE"/>\n' + _send(_ANSWER.format(to="[last_To:]") + _EMPTY)
    else:
        end = f'<pause distribution="uniform" min="{stay_ms[0]}" max="{stay_ms[1]}"/>\n'
        end += _send(f"BYE {inside}2 BYE\n{_EMPTY}", _AGAIN) + '<recv response="200"/>\n'
    return _scenario(
        _send(invite, _AGAIN)
        + '<recv response="100" optional="true"/><recv response="180" optional="true"/>\n'
        + '<recv response="200" rrs="true"/>\n'
        + _send(f"ACK {inside}1 ACK\n{_EMPTY}")
        + end
    )


def agent(talk_ms: tuple[int, int] = (TALK_MS, TALK_MS)) -> str:
    """Answer at once, talk as long as chance says, hang up. Notes `answer`, under the number of the caller."""
    tagged = "[last_To:];tag=[pid]a[call_number]"
    bye = """\
BYE [next_url] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: [$callee];tag=[pid]a[call_number]
To: [$caller]
Call-ID: [call_id]
CSeq: 1 BYE
Max-Forwards: 70
"""
    return _scenario(
        '<recv request="INVITE" rrs="true"><action>\n'
        '  <ereg regexp=".*" search_in="hdr" header="From: " assign_to="caller"/>\n'
        '  <ereg regexp=".*" search_in="hdr" header="To: " assign_to="callee"/>\n'
        '  <ereg regexp="sip:([0-9]+)@" search_in="hdr" header="From: " assign_to="found,number"/>\n'
        "</action></recv>\n"
        + _note("answer", "[$number]")
        + _send(_ANSWER.format(to=tagged) + _SDP, _AGAIN)
        + f'<recv request="ACK"/>\n<pause distribution="uniform" min="{talk_ms[0]}" max="{talk_ms[1]}"/>\n'
        + _send(bye + _EMPTY, _AGAIN)
        + '<recv response="200"/>\n<Reference variables="found"/>\n'
    )


class Crowd:
    """One running sipp. Its files stay in the folder.

    Args:
        scenario: what each call does.
        folder: made for it.
        port: its SIP port.
        words: what else sipp is to be told.

    """

    def __init__(self, scenario: str, folder: Path, port: int, *words: str) -> None:
        folder.mkdir()
        self.folder = folder
        (folder / "scenario.xml").write_text(scenario)
        command = [*private_tool("sipp"), "-sf", "scenario.xml", "-i", HOST, "-mi", HOST, "-p", str(port), "-nostdin"]
        command += ["-trace_logs", "-log_file", "notes.log", "-trace_err", "-error_file", "errors.log"]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen([*command, *words], cwd=folder, stdin=quiet, stdout=quiet, stderr=quiet)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def finish(self, within_s: float) -> None:
        """Wait until all its calls are over."""
        self._process.wait(within_s)

    def stop(self, within_s: float) -> None:
        """Take no more calls, and wait until those it has are over."""
        self._process.send_signal(signal.SIGUSR1)
        self.finish(within_s)

    def notes(self) -> dict[str, dict[str, float]]:
        """What was noted, once it has finished: note -> caller's number -> wall clock in ms."""
        found: dict[str, dict[str, float]] = {}
        for line in (self.folder / "notes.log").read_text().splitlines():
            what, who, seconds, micros = line.split()
            found.setdefault(what, {})[who] = float(seconds) * 1e3 + float(micros) / 1e3
        return found
