"""One PJSIP endpoint, on one thread.

Theory of operation. `Engine.run` is a loop of two steps: let PJSIP handle its events for at most POLL_MS (an incoming
packet ends that wait at once), then do what the owner asked. PJSIP has no thread of its own that runs our code
(`threadCnt` 0, `mainThreadOnly`): callbacks come inside `libHandleEvents`, so nothing here needs a lock. Sound runs in
PJSIP's own threads, clocked by its null device.

Rules that PJSUA2 does not check; it aborts, or errs, on:
  - an object is not destroyed inside its own callback: what has ended waits in `_finished` until the loop comes round;
  - a call's destructor hangs up whatever call has its place by then: it stays in `_finished` while that one is active;
  - everything dies before `libDestroy`;
  - what `getInfo` gives is a copy that owns its parts: keep it in a variable while reading them.
The owner's end of the pipe closing, or the owner dying, ends the loop; then everything is hung up in order.
"""

import contextlib
import heapq
import select
import socket
import time
from typing import Any, Final

import msgspec
import pjsua2 as pj

from .messages import MESSAGE_BYTES_MAX, Ask, Notice, Reply

POLL_MS: Final = 2
_CODECS: Final = {"PCMU/8000/1": 255, "PCMA/8000/1": 254}
_RATE: Final = 8000
_GOODBYE_MS: Final = 1000
_TOO_MANY: Final = 70010
"""PJ_ETOOMANY: no call's place is free. A hang-up is reported at once, but frees its place when the peer confirms."""
_LINE_MS: Final = 500
"""How long a new call waits for such a place."""
_STATES: Final = {
    pj.PJSIP_INV_STATE_INCOMING: "incoming",
    pj.PJSIP_INV_STATE_CALLING: "calling",
    pj.PJSIP_INV_STATE_EARLY: "ringing",
    pj.PJSIP_INV_STATE_CONNECTING: "connecting",
    pj.PJSIP_INV_STATE_CONFIRMED: "confirmed",
    pj.PJSIP_INV_STATE_DISCONNECTED: "ended",
}


class _Player(pj.AudioMediaPlayer):  # type: ignore[misc]  # pjsua2 has no types
    """A WAV file that is spoken into a call."""

    def __init__(self, call: "_Call", path: str, *, loop: bool) -> None:
        super().__init__()
        self._call = call
        self.createPlayer(path, 0 if loop else pj.PJMEDIA_FILE_NO_LOOP)

    def onEof2(self) -> None:  # noqa: N802 - PJSUA2's name
        self._call.engine.notice("played", self._call.number)


class _Call(pj.Call):  # type: ignore[misc]  # as above
    """One call, its microphone and its recorder."""

    def __init__(self, engine: "Engine", number: int, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(engine.account, call_id)
        self.engine, self.number = engine, number
        self._media: Any = None
        self._player: _Player | None = None
        self._recorder: Any = None

    def onCallState(self, _: object) -> None:  # noqa: N802 - PJSUA2's name
        at_ns = time.monotonic_ns()
        info = self.getInfo()
        state = _STATES.get(info.state)
        if state is None:
            return
        self.engine.notice(
            "state", self.number, code=info.lastStatusCode, text=info.lastReason, state=state, at_ns=at_ns
        )
        if state == "confirmed":
            self.engine.talk(self, at_ns)
        elif state == "ended":
            self.silence()
            self.engine.finish(self)

    def onCallMediaState(self, _: object) -> None:  # noqa: N802 - PJSUA2's name
        info = self.getInfo()
        active = any(m.type == pj.PJMEDIA_TYPE_AUDIO and m.status == pj.PJSUA_CALL_MEDIA_ACTIVE for m in info.media)
        self._media = self.getAudioMedia(-1) if active else None
        if self._media:
            (self._player or self.engine.microphone).startTransmit(self._media)
            if self._recorder:
                self._media.startTransmit(self._recorder)

    def onDtmfDigit(self, event: Any) -> None:  # noqa: N802 - PJSUA2's name
        self.engine.notice("digit", self.number, text=event.digit)

    def onCallTransferStatus(self, event: Any) -> None:  # noqa: N802 - PJSUA2's name
        self.engine.notice("transfer", self.number, code=event.statusCode, text=event.reason)

    def play(self, path: str, *, loop: bool) -> None:
        """Speak a file, or silence when there is none."""
        player = _Player(self, path, loop=loop) if path else None
        if self._media:
            (self._player or self.engine.microphone).stopTransmit(self._media)
            (player or self.engine.microphone).startTransmit(self._media)
        self.engine.finish(self._player)
        self._player = player

    def record(self, path: str) -> None:
        """Write what is heard into a file, or close the one that is open."""
        recorder = pj.AudioMediaRecorder() if path else None
        if recorder:
            recorder.createRecorder(path)
        if self._media and self._recorder:
            self._media.stopTransmit(self._recorder)
        if self._media and recorder:
            self._media.startTransmit(recorder)
        self._recorder = recorder

    def silence(self) -> None:
        """Let go of player and recorder; the call's sound has gone before."""
        self.engine.finish(self._player)
        self._player = self._recorder = self._media = None


class _Account(pj.Account):  # type: ignore[misc]  # as above
    """The phone's address and its registration."""

    def __init__(self, engine: "Engine") -> None:
        super().__init__()
        self._engine = engine

    def onIncomingCall(self, event: Any) -> None:  # noqa: N802 - PJSUA2's name
        self._engine.called(event.callId, time.monotonic_ns())

    def onRegState(self, event: Any) -> None:  # noqa: N802 - PJSUA2's name
        state = "registered" if event.code == 200 and event.expiration > 0 else "not registered"
        self._engine.notice("registration", 0, code=event.code, text=event.reason, state=state)

    def onMwiInfo(self, event: Any) -> None:  # noqa: N802 - PJSUA2's name
        self._engine.notice("messages", 0, text=event.rdata.wholeMsg.partition("Voice-Message:")[2].strip())


class _Lamp(pj.Buddy):  # type: ignore[misc]  # as above
    """A subscription to somebody's presence."""

    def __init__(self, engine: "Engine", number: int, uri: str) -> None:
        super().__init__()
        self._engine, self._number = engine, number
        config = pj.BuddyConfig()
        config.uri, config.subscribe = uri, True
        self.create(engine.account, config)

    def onBuddyState(self) -> None:  # noqa: N802 - PJSUA2's name
        info = self.getInfo()
        words = info.presStatus.note or info.presStatus.statusText
        self._engine.notice("lamp", self._number, code=info.subTermCode, text=words, state=info.subStateName.lower())


class Engine:
    """One PJSIP endpoint with one account, driven by what comes through the pipe.

    Args:
        pipe: This process's end of the link.
        user: The user part of the phone's address.
        password: For digest authentication, of registrations and calls alike.
        server: `host[:port]` of registrar and proxy; empty for a phone that is only called directly.
        host: The address to bind.
        port: The UDP port to bind; 0 for any.
        trace: A file for PJSIP's log with every message; empty for none.

    """

    def __init__(
        self, pipe: socket.socket, *, user: str, password: str, server: str, host: str, port: int, trace: str
    ) -> None:
        self._pipe = pipe
        self._calls: dict[int, _Call] = {}
        self._lamps: dict[int, _Lamp] = {}
        self._finished: list[object] = []
        self._due: list[tuple[int, int, int]] = []
        """A heap of (time in ns, call, SIP status to answer it with or 0 to hang up)."""
        self._on_call: tuple[int, int, int | None] = (0, 0, None)
        self._incoming = 0
        self._server = server
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Ask).decode
        self._endpoint = pj.Endpoint()
        self._endpoint.libCreate()
        self._endpoint.libInit(_endpoint_config(trace))
        transport = pj.TransportConfig()
        transport.boundAddress, transport.port = host, port
        where = self._endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self.address = str(self._endpoint.transportGetInfo(where).localName)
        """`host:port` where the phone listens."""
        self._endpoint.libStart()
        self._endpoint.audDevManager().setNullDev()
        self.microphone = self._endpoint.audDevManager().getCaptureDevMedia()
        """What is spoken when nothing is: the null device's silence, so that packets flow as from a real handset."""
        for codec in self._endpoint.codecEnum2():
            self._endpoint.codecSetPriority(codec.codecId, _CODECS.get(codec.codecId, 0))
        self.account = _Account(self)
        self.account.create(_account_config(user, password, server, self.address, host))

    def run(self) -> None:
        """Work until the owner closes the pipe, then leave in order."""
        while self._serve():
            self._turn(POLL_MS)
        self._endpoint.hangupAllCalls()
        if self.account.getInfo().regIsActive:
            self.account.setRegistration(False)
        until_ns = time.monotonic_ns() + _GOODBYE_MS * 1_000_000
        while (self._calls or self.account.getInfo().regIsActive) and time.monotonic_ns() < until_ns:
            self._turn(POLL_MS)
        self._calls.clear()
        self._lamps.clear()
        self._finished.clear()
        del self.account, self.microphone
        self._endpoint.libDestroy(pj.PJSUA_DESTROY_NO_RX_MSG)  # without it, a second is spent on late packets

    # What the objects of PJSUA2 tell

    def notice(
        self, kind: Any, subject: int, *, code: int = 0, text: str = "", state: str = "", at_ns: int = 0
    ) -> None:
        """Tell the owner."""
        with contextlib.suppress(OSError):  # he has gone, which the loop will see; an error in a callback would abort
            self._pipe.send(self._encode(Notice(kind, subject, at_ns or time.monotonic_ns(), code, text, state)))

    def called(self, call_id: int, at_ns: int) -> None:
        """Ring for a new call, and answer it as `on_call` said."""
        self._incoming -= 1
        call = self._calls[self._incoming] = _Call(self, self._incoming, call_id)
        info = call.getInfo()
        self.notice("incoming", call.number, text=info.remoteUri, state="incoming", at_ns=at_ns)
        code, after_ms, _ = self._on_call
        if code and not after_ms:
            self._respond(call, code)
            return
        self._respond(call, pj.PJSIP_SC_RINGING)
        if code:
            heapq.heappush(self._due, (at_ns + after_ms * 1_000_000, call.number, code))

    def talk(self, call: _Call, since_ns: int) -> None:
        """Plan the end of an incoming call's talk, if `on_call` said one."""
        talk_ms = self._on_call[2]
        if call.number < 0 and talk_ms is not None:
            heapq.heappush(self._due, (since_ns + talk_ms * 1_000_000, call.number, 0))

    def finish(self, thing: object) -> None:
        """Keep what has ended until no callback of its own is running."""
        self._finished.append(thing)
        if isinstance(thing, _Call):
            self._calls.pop(thing.number, None)

    # The loop

    def _turn(self, wait_ms: int) -> None:
        self._endpoint.libHandleEvents(wait_ms)
        self._finished = [thing for thing in self._finished if isinstance(thing, _Call) and thing.isActive()]
        now_ns = time.monotonic_ns()
        while self._due and self._due[0][0] <= now_ns:
            _, number, code = heapq.heappop(self._due)
            call = self._calls.get(number)
            if call and code:
                self._respond(call, code)
            elif call:
                self.do_hang_up(number, 0)

    def _serve(self) -> bool:
        """Do what the owner has asked for; False when he has gone."""
        while select.select([self._pipe], [], [], 0)[0]:
            data = self._pipe.recv(MESSAGE_BYTES_MAX)
            if not data:
                return False
            ask = self._decode(data)
            try:
                reply = Reply(ask.number, getattr(self, f"do_{ask.verb}")(**ask.args))
            except pj.Error as error:
                reply = Reply(ask.number, error=f"{ask.verb}: {error.reason}")
            except KeyError:  # of `_calls`
                reply = Reply(ask.number, error=f"{ask.verb}: the call is over")
            self._pipe.send(self._encode(reply))
        return True

    # What the owner asks for, by the Ask's verb

    def do_register(self, *, wanted: bool) -> None:
        """Register, or end the registration."""
        self.account.setRegistration(wanted)

    def do_on_call(self, code: int, after_ms: int, talk_ms: int | None) -> None:
        """Keep what to do with the next calls: `Phone.on_call`."""
        self._on_call = (code, after_ms, talk_ms)

    def do_watch(self, lamp: int, uri: str) -> None:
        """Subscribe to an address's presence."""
        self._lamps[lamp] = _Lamp(self, lamp, uri)

    def do_dial(self, call: int, uri: str, local_uri: str) -> int:
        """Send an INVITE; returns when, in ns."""
        new = self._calls[call] = _Call(self, call)
        param = pj.CallOpParam(True)  # noqa: FBT003 - PJSUA2's signature; True: with the default settings
        param.opt.videoCount = 0
        param.txOption.localUri = local_uri
        until_ns = time.monotonic_ns() + _LINE_MS * 1_000_000
        while True:
            at_ns = time.monotonic_ns()
            try:
                new.makeCall(uri, param)
            except pj.Error as error:
                if error.status != _TOO_MANY or at_ns > until_ns:
                    self.finish(new)
                    raise
                self._turn(POLL_MS)
            else:
                return at_ns

    def do_answer(self, call: int, code: int) -> None:
        """Answer a call with a SIP status."""
        self._respond(self._calls[call], code)

    def do_hang_up(self, call: int, code: int) -> int:
        """End a call; returns when, in ns."""
        param = pj.CallOpParam()
        param.statusCode = code
        at_ns = time.monotonic_ns()
        self._calls[call].hangup(param)
        return at_ns

    def do_dtmf(self, call: int, digits: str, *, info: bool) -> None:
        """Press keys."""
        param = pj.CallSendDtmfParam()
        param.method = pj.PJSUA_DTMF_METHOD_SIP_INFO if info else pj.PJSUA_DTMF_METHOD_RFC2833
        param.digits = digits
        self._calls[call].sendDtmf(param)

    def do_hold(self, call: int, *, held: bool) -> None:
        """Put the other side on hold, or take it back."""
        param = pj.CallOpParam(True)  # noqa: FBT003 - as above
        param.opt.videoCount = 0
        if held:
            self._calls[call].setHold(param)
        else:
            param.opt.flag = pj.PJSUA_CALL_UNHOLD
            self._calls[call].reinvite(param)

    def do_transfer(self, call: int, to: str, other: int) -> None:
        """Refer the other side to an address (RFC 3515), or, with `other`, to that call's (RFC 3891)."""
        if other:
            self._calls[call].xferReplaces(self._calls[other], pj.CallOpParam())
        else:
            self._calls[call].xfer(to, pj.CallOpParam())

    def do_play(self, call: int, path: str, *, loop: bool) -> None:
        """Speak a file, or silence."""
        self._calls[call].play(path, loop=loop)

    def do_record(self, call: int, path: str) -> None:
        """Record into a file, or stop."""
        self._calls[call].record(path)

    def do_rtp(self, call: int) -> tuple[int, int, int]:
        """Count packets: sent, received, lost."""
        counts = self._calls[call].getStreamStat(0).rtcp
        return counts.txStat.pkt, counts.rxStat.pkt, counts.rxStat.loss

    @staticmethod
    def _respond(call: _Call, code: int) -> None:
        param = pj.CallOpParam()
        param.statusCode = code
        call.answer(param)


def _endpoint_config(trace: str) -> Any:
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.uaConfig.userAgent = "callfloor softphone"
    config.medConfig.clockRate = config.medConfig.sndClockRate = _RATE
    config.medConfig.noVad = True  # silence is sent too: who measures sound must not guess what was left out
    config.medConfig.ecTailLen = 0
    config.logConfig.consoleLevel = 0
    config.logConfig.level = 5 if trace else 0
    config.logConfig.filename = trace
    return config


def _account_config(user: str, password: str, server: str, address: str, host: str) -> Any:
    config = pj.AccountConfig()
    config.idUri = f"sip:{user}@{server or address}"
    config.regConfig.registerOnAdd = False
    if server:
        config.regConfig.registrarUri = f"sip:{server}"
        config.regConfig.retryIntervalSec = 0  # a refusal is an answer; who wants another asks again
    if password:
        config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", user, 0, password))
    config.mediaConfig.transportConfig.boundAddress = host
    config.mediaConfig.transportConfig.port = 0  # any: many phones and Asterisk share the machine
    return config
