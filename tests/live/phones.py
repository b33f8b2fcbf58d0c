"""Crowds of SIP callers and agents by sipp, for loads beyond what softphones are for.

A scenario is sipp's XML, made here from a few words; who calls whom stands in rows, used in turn. A `Sipp` is one
running sipp: `finished` waits for its calls, `stopped` ends one that serves.

    rows = [Row("5550100", f"55502{i:02}") for i in range(60)]
    async with await Sipp.start(caller("1", stay_ms=5000), tmp_path, server, rows=rows, calls=60, rate=10) as crowd:
        assert (await crowd.finished()).failed == 0

Agents register from a port (`registration`), then another sipp answers there (`agent`): it is many handsets.

sipp sends RFC 4733 keys by a raw socket, which needs root; SIP INFO does not. With `sound` a caller sends a tone all
the time; without, he sends no RTP, and a server's RTP time-out (the sample trunk: 60 s) hangs up on him.
"""

import asyncio
import csv
import random
import signal
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Literal, NamedTuple, Self

import numpy as np

from ivr.asterisk import free_port, private_tool
from ivr.audio import Audio
from ivr.tones import tone

TONE_HZ = 440
"""What a caller with `sound` sounds like."""
_HOST = "127.0.0.1"
_MEDIA_HOST, _MEDIA_PORTS = "127.0.0.2", (33_000, 50_000)
"""Where crowds take voice. Most calls have no socket there, so the address is one where no one else has any either: or
he would hear the music that is meant for them."""
_KEY_MS = 500
"""sipp's time for one RFC 4733 key and the gap after it."""


class Row(NamedTuple):
    """One call: fields 0 to 2 of the scenarios."""

    number: str
    """The number to dial."""
    name: str = "sipp"
    """The caller's number; when registering, the user."""
    credentials: str = ""
    """How a challenge is answered, in sipp's words."""


class Tally(NamedTuple):
    """What a sipp counted."""

    created: int
    successful: int
    failed: int


class SippError(Exception):
    """sipp could not do its work; the text is its own."""


class Sipp:
    """One running sipp."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, port: int) -> None:
        self._process, self._folder, self.port = process, folder, port

    @classmethod
    async def start(
        cls,
        scenario: str,
        folder: Path,
        target: str = "",
        *,
        rows: Sequence[Row] = (),
        calls: int | None = None,
        rate: float = 10.0,
        at_once: int = 1000,
        port: int = 0,
    ) -> Self:
        """Start a scenario.

        Args:
            scenario: What each call does.
            folder: Where a new folder for its files is made; they are kept, for who looks into a failure.
            target: `host:port` to call; empty for one that is called.
            rows: Who calls whom.
            calls: How many calls; None goes on until `stopped`.
            rate: New calls per second.
            at_once: No more calls than this at a time; the rate suffers.
            port: Its SIP port; 0 for a free one.

        """
        port = port or free_port(_HOST)
        here = Path(mkdtemp(prefix="sipp-", dir=folder))
        (here / "scenario.xml").write_text(scenario)
        (here / "tone.al").write_bytes(_alaw(tone(TONE_HZ, duration_ms=1000)))
        words = ["-sf", "scenario.xml", "-i", _HOST, "-p", str(port)]
        words += ["-mi", _MEDIA_HOST, "-mp", str(random.randrange(*_MEDIA_PORTS, 2))]
        words += ["-nostdin", "-aa", "-trace_stat", "-stf", "stat.csv", "-fd", "1"]
        words += ["-trace_err", "-error_file", "errors.log", "-timer_resol", "1"]
        if rows:
            (here / "rows.csv").write_text("SEQUENTIAL\n" + "".join(";".join(row) + "\n" for row in rows))
            words += ["-inf", "rows.csv"]
        words += ["-m", str(calls)] if calls is not None else []
        words += ["-r", str(rate), "-l", str(at_once), target] if target else []
        process = await asyncio.create_subprocess_exec(
            *private_tool("sipp"),
            *words,
            cwd=here,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,  # its screen
            stderr=asyncio.subprocess.DEVNULL,  # also in errors.log
        )
        return cls(process, here, port)

    async def finished(self, within_ms: int = 60_000) -> Tally:
        """Wait until all its calls are over."""
        async with asyncio.timeout(within_ms / 1000):
            await self._process.wait()
        try:
            *_, last = csv.DictReader((self._folder / "stat.csv").read_text().splitlines(), delimiter=";")
        except (OSError, ValueError):
            raise SippError(f"sipp ended with {self._process.returncode}: {self.errors()}") from None
        return Tally(int(last["TotalCallCreated"]), int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"]))

    async def stopped(self, within_ms: int = 10_000) -> Tally:
        """Let it take no more calls, and wait until those it has are over."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGUSR1)
        return await self.finished(within_ms)

    def errors(self) -> str:
        """Tell what went otherwise than the scenario says."""
        log = self._folder / "errors.log"
        return log.read_text(errors="replace") if log.exists() else "no errors noted"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


def caller(
    digits: str = "",
    *,
    digit_by: Literal["rfc4733", "info"] = "info",
    digit_after_ms: int = 500,
    stay_ms: int | tuple[int, int] = 5000,
    sound: bool = False,
) -> str:
    """Dial a row's number, press keys, hang up after `stay_ms` more (from, to: a random time between).

    A call that the other side hangs up first is a success too.

    Raises:
        ValueError: RFC 4733 keys and sound together: sipp sends them from two ports, and a server hears one.

    """
    if sound and digits and digit_by == "rfc4733":
        raise ValueError("sipp cannot send RFC 4733 keys and sound in one call; use SIP INFO, or a softphone")
    pause = f'<pause milliseconds="{digit_after_ms}"/>'
    if digit_by == "info":
        keys = "".join(
            pause + _send(_request("INFO", 10 + n, body=_key(digit))) + _OK for n, digit in enumerate(digits)
        )
    else:
        keys = (
            f'{pause}<nop><action><exec play_dtmf="{digits}"/></action></nop>'
            f'<pause milliseconds="{_KEY_MS * len(digits)}"/>'
        )
    low, high = stay_ms if isinstance(stay_ms, tuple) else (stay_ms, stay_ms + 1)
    return _scenario(f"""
{_send(_invite("[rtpstream_audio_port]" if sound else "[auto_media_port]"))}
<recv response="100" optional="true"/><recv response="180" optional="true"/><recv response="183" optional="true"/>
<recv request="BYE" optional="global" next="bye"/>
<recv response="200" rrs="true"/>
{_send(_request("ACK", 1), retrans=False)}
{'<nop><action><exec rtp_stream="tone.al,-1,8,PCMA/8000"/></action></nop>' if sound else ""}
{keys if digits else ""}
<pause distribution="uniform" min="{low}" max="{high}"/>
{_send(_request("BYE", 99))}
<recv response="200" next="done"/>
<label id="bye"/>
{_send(_response("200 OK", "[last_To:]"), retrans=False)}
<label id="done"/>""")


def agent(*, ring_ms: int = 0, talk_ms: int = 2000) -> str:
    """Answer each call after ringing, hang up after a talk; a caller who gives up or leaves first is a success too.

    So is the server's asking whether the handset lives (OPTIONS): a tally counts it as one more call.
    """
    own_tag = "[last_To:];tag=[pid]a[call_number]"
    bye = f"""BYE [next_url] SIP/2.0
{_VIA}
[routes]
From: [$callee];tag=[pid]a[call_number]
To: [$caller]
Call-ID: [call_id]
CSeq: 1 BYE
Max-Forwards: 70
Content-Length: 0
"""
    return _scenario(f"""
<recv request="OPTIONS" optional="true" next="alive"/>
<recv request="INVITE" rrs="true"><action>
  <ereg regexp=".*" search_in="hdr" header="From: " assign_to="caller"/>
  <ereg regexp=".*" search_in="hdr" header="To: " assign_to="callee"/>
  <ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/>
</action></recv>
{_send(_response("180 Ringing", own_tag), retrans=False)}
<recv request="CANCEL" timeout="{max(ring_ms, 1)}" ontimeout="answer"/>
{_send(_response("200 OK", own_tag), retrans=False)}
{_send(_response("487 Request Terminated", own_tag, cseq="[$cseq] INVITE"))}
<recv request="ACK" next="done"/>
<label id="answer"/>
{_send(_response("200 OK", own_tag, cseq="[$cseq] INVITE", sdp=True))}
<recv request="ACK"/>
<recv request="BYE" timeout="{talk_ms}" ontimeout="leave"/>
{_send(_response("200 OK", "[last_To:]"), retrans=False, after="done")}
<label id="leave"/>
{_send(bye)}
<recv response="200" next="done"/>
<label id="alive"/>
{_send(_response("200 OK", own_tag), retrans=False)}
<label id="done"/>""")


def registration() -> str:
    """Register a row's user for an hour, with digest authentication, at the port that this sipp has."""
    request = f"""REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
{_VIA}
From: <sip:[field1]@[remote_ip]:[remote_port]>;tag=[pid]r[call_number]
To: <sip:[field1]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: {{cseq}} REGISTER
Contact: <sip:[field1]@[local_ip]:[local_port]>
Expires: 3600
Max-Forwards: 70
{{authorization}}Content-Length: 0
"""
    return _scenario(f"""
{_send(request.format(cseq=1, authorization=""))}
<recv response="401" auth="true"/>
{_send(request.format(cseq=2, authorization="[field2]" + chr(10)))}
{_OK}""")


def handset(user: str, password: str) -> Row:
    """Make the row with which `registration` registers a handset."""
    return Row(user, user, f"[authentication username={user} password={password}]")


_VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]"
_OK = '<recv response="200"/>'


def _scenario(steps: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="callfloor">{steps}\n</scenario>\n'


def _send(message: str, *, retrans: bool = True, after: str = "") -> str:
    attributes = ' retrans="500"' * retrans + (f' next="{after}"' if after else "")
    return f"<send{attributes}><![CDATA[\n{message}\n]]></send>\n"


def _invite(media_port: str) -> str:
    return f"""INVITE sip:[field0]@[remote_ip]:[remote_port] SIP/2.0
{_VIA}
From: <sip:[field1]@[local_ip]:[local_port]>;tag=[pid]c[call_number]
To: <sip:[field0]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:[field1]@[local_ip]:[local_port]>
Max-Forwards: 70
{_sdp(media_port)}"""


def _request(method: str, cseq: int, body: str = "Content-Length: 0\n") -> str:
    return f"""{method} [next_url] SIP/2.0
{_VIA}
[routes]
From: <sip:[field1]@[local_ip]:[local_port]>;tag=[pid]c[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: {cseq} {method}
Max-Forwards: 70
{body}"""


def _response(status: str, to: str, *, cseq: str = "", sdp: bool = False) -> str:
    return f"""SIP/2.0 {status}
[last_Via:]
[last_Record-Route:]
[last_From:]
{to}
[last_Call-ID:]
{f"CSeq: {cseq}" if cseq else "[last_CSeq:]"}
Contact: <sip:sipp@[local_ip]:[local_port]>
{_sdp("[auto_media_port]") if sdp else "Content-Length: 0" + chr(10)}"""


def _sdp(media_port: str) -> str:
    """Offer G.711 and RFC 4733 keys; 96 is the payload type that sipp's play_dtmf sends."""
    return f"""Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio {media_port} RTP/AVP 8 96
a=rtpmap:8 PCMA/8000
a=rtpmap:96 telephone-event/8000
a=fmtp:96 0-15
a=ptime:20
"""


def _key(digit: str) -> str:
    return f"Content-Type: application/dtmf-relay\nContent-Length: [len]\n\nSignal={digit}\nDuration=160\n"


def _alaw(audio: Audio) -> bytes:
    """Encode by the formula of A-law (ITU-T G.711), every second bit inverted; near enough for a tone."""
    size = np.abs(audio.samples) * 87.6
    curve = np.where(size < 1, size, 1 + np.log(np.maximum(size, 1))) / (1 + np.log(87.6))
    code = np.minimum(curve * 128, 127).astype(np.uint8) | np.where(audio.samples >= 0, 0x80, 0).astype(np.uint8)
    return bytes(code ^ 0x55)
