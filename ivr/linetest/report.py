"""What a test of a line found, and what to think of it.

    failed     no call came about, or none of the sound came back, or the far end hung up before
    degraded   it can be talked over, and something is wrong: the opinion (`ivr.linetest.emodel`) is below what the site
               wants, sound is lost, it is too quiet or too loud, keys do not come back

The delay that the opinion counts with is from mouth to ear: half of the round trip, a packet's time, and a telephone's
jitter buffer that lets 19 of 20 packets be in time.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from msgspec import Struct

from acd.core.rules import SLOT
from acd.settings import LineTestSettings
from ivr.linetest.emodel import codec_named, mos, rating
from ivr.linetest.probe import FRAME_MS, Echo

Verdict = Literal["ok", "degraded", "failed"]

LOST_MOST: Final = 0.02
LOSS_DB_MOST, GAIN_DB_MOST = 15.0, 6.0
NOISE_DB_MOST: Final = -40.0


class Measured(Struct, kw_only=True):
    """What was seen of a test's call."""

    failure: str = ""
    """Why there is nothing to measure, in words."""
    post_dial_ms: int | None = None
    """From the dialling to the far end's ringing, or its answer if it did not ring."""
    answer_ms: int | None = None
    """From the dialling to the answer."""
    keys: str | None = None
    """What came back of the keys that were pressed; None if none were."""
    echo: Echo | None = None
    codec: str = ""
    rtcp: Mapping[str, float] = {}
    """Asterisk's counts, `CHANNEL(rtcp,all)`."""


class LineTest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The report of one test. Levels are dB against full scale, shares 0.0 to 1.0."""

    at: int
    line: str
    group: str
    number: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    by_itself: bool = False
    """Nobody asked for it, its time had come."""
    post_dial_ms: int | None = None
    answer_ms: int | None = None
    round_trip_ms: float | None = None
    late_ms: float | None = None
    jitter_ms: float | None = None
    sent_db: float | None = None
    heard_db: float | None = None
    noise_db: float | None = None
    lost: float | None = None
    """There and back."""
    lost_there: float | None = None
    """As the far end reports; None where it does not."""
    rtcp_round_trip_ms: float | None = None
    """To the far end of RTP only, which may be nearer than the echo."""
    codec: str = ""
    keys_sent: str = ""
    keys_heard: str = ""
    mos: float | None = None
    alarming: bool = False
    """It failed, or its opinion is below what the site wants."""

    @property
    def way(self) -> str:
        """What was tested: a channel of hardware, or the whole trunk, whose lines are one like the other."""
        return way_of(self.line)


def way_of(line: str) -> str:
    """Name what a line goes over: `DAHDI/1` by itself, the trunk `carrier` for its line `carrier:7`."""
    return line.partition(SLOT)[0]


def judge(
    measured: Measured, settings: LineTestSettings, *, at: int, line: str, group: str, number: str, keys: str
) -> LineTest:
    """Make the report of what was measured; `keys` are those that were pressed."""
    if measured.failure or measured.echo is None:
        return LineTest(
            at=at,
            line=line,
            group=group,
            number=number,
            verdict="failed",
            reasons=(measured.failure or "nothing of the sound came back",),
            post_dial_ms=measured.post_dial_ms,
            answer_ms=measured.answer_ms,
            codec=measured.codec,
            alarming=True,
        )
    echo, there = measured.echo, _lost_there(measured.rtcp)
    delay_ms = echo.delay_ms / 2 + FRAME_MS + echo.late_ms
    opinion = mos(rating(delay_ms, _one_way(echo.lost, there), codec_named(measured.codec)))
    reasons = tuple(_reasons(measured, echo, opinion, settings, keys))
    return LineTest(
        at=at,
        line=line,
        group=group,
        number=number,
        verdict="degraded" if reasons else "ok",
        reasons=reasons,
        post_dial_ms=measured.post_dial_ms,
        answer_ms=measured.answer_ms,
        round_trip_ms=round(echo.delay_ms, 1),
        late_ms=round(echo.late_ms, 1),
        jitter_ms=round(echo.jitter_ms, 1),
        sent_db=round(echo.sent_db, 1),
        heard_db=round(echo.heard_db, 1),
        noise_db=round(echo.noise_db, 1),
        lost=round(echo.lost, 4),
        lost_there=None if there is None else round(there, 4),
        rtcp_round_trip_ms=round(1000 * measured.rtcp["rtt"], 1) if measured.rtcp.get("rtt") else None,
        codec=measured.codec,
        keys_sent=keys,
        keys_heard=measured.keys or "",
        mos=round(opinion, 2),
        alarming=opinion < settings.mos_least,
    )


def _reasons(measured: Measured, echo: Echo, opinion: float, settings: LineTestSettings, keys: str) -> Iterator[str]:
    if opinion < settings.mos_least:
        yield f"it sounds like MOS {opinion:.2f}, wanted is {settings.mos_least:g}"
    if echo.lost > LOST_MOST:
        yield f"{echo.lost:.1%} of the sound was lost, there and back"
    if echo.heard_db < echo.sent_db - LOSS_DB_MOST:
        yield f"what comes back is {echo.sent_db - echo.heard_db:.0f} dB too quiet"
    if echo.heard_db > echo.sent_db + GAIN_DB_MOST:
        yield f"what comes back is {echo.heard_db - echo.sent_db:.0f} dB too loud"
    if echo.noise_db > NOISE_DB_MOST:
        yield f"noise of {echo.noise_db:.0f} dB where there should be silence"
    if keys and measured.keys != keys:
        yield f"of the keys {keys} came back {measured.keys or 'none'}"


def _lost_there(rtcp: Mapping[str, float]) -> float | None:
    """Share of packets that the far end misses: of its last report, so of a few seconds less than were sent."""
    sent = rtcp.get("txcount", 0)
    return min(1.0, max(0.0, rtcp["rlp"] / sent)) if sent and "rlp" in rtcp and rtcp.get("rtt") else None


def _one_way(lost: float, there: float | None) -> float:
    """Give the loss of the worse direction; of one as of the other where the far end does not report."""
    if there is None:
        return float(1 - (1 - lost) ** 0.5)
    back = 1 - (1 - lost) / (1 - there) if there < 1 else 1.0
    return max(there, back, 0.0)
