"""What a person would think of a line: the E-model of ITU-T G.107 (06/2015).

It sums up on one scale, R, all that impairs a talk: R = Ro - Is - Id - Ie,eff + A (clause 7.1). 100 is beyond any
telephone, 50 is hardly bearable. MOS, 1.0 to 4.5, is the same said as the mean opinion of listeners (Annex B).

Measured here are the delay, the loss and the codec. All else has the recommended default (table 2 of G.107: SLR 8, RLR
2, TELR 65 ...), by which a flawless line of G.711 has R = 93.2 and MOS 4.41. The delay is taken to be the same both
ways: T = Ta and Tr = 2 Ta.

The scale is that of narrow-band telephony. A wide-band codec over a trunk is judged as G.711, for that is what the
switch turns it into; where it is the far end's to be heard, G.107.1 would be the model.
"""

from math import exp, log2, log10, sqrt
from typing import Final, NamedTuple

BEST_R: Final = 93.2


class Codec(NamedTuple):
    """What a codec costs (ITU-T G.113 (11/2007), tables I.1 and I.4)."""

    ie: float
    """Equipment impairment without loss."""
    bpl: float
    """Robustness against packets lost at random."""


G711: Final = Codec(0.0, 4.3)
"""Without concealment of lost packets: Asterisk has none, as it passes on what comes."""
CODECS: Final = {
    "ulaw": G711,
    "alaw": G711,
    "slin": G711,
    "g722": G711,
    "g729": Codec(11.0, 19.0),  # with annex A and voice detection
    "g723": Codec(15.0, 16.1),  # 6.3 kbit/s, with voice detection
    "gsm": Codec(20.0, 10.0),  # full rate; its Bpl is that of the enhanced one, for none was published
    "g726": Codec(7.0, 4.3),  # 32 kbit/s; as above, with that of G.711
}
"""By Asterisk's names. One that is not here is judged as G.711."""

# Defaults of G.107, table 2: loudness ratings, noise, side tone, echo.
_SLR, _RLR, _STMR, _LSTR, _DS, _DR = 8.0, 2.0, 15.0, 18.0, 3.0, 3.0
_TELR, _WEPL, _QDU = 65.0, 110.0, 1.0
_NC, _NFOR, _PS, _PR = -70.0, -64.0, 35.0, 35.0
_OLR = _SLR + _RLR


def rating(delay_ms: float, loss: float, codec: Codec = G711) -> float:
    """Give the transmission rating R of a line.

    Args:
        delay_ms: from mouth to ear, one way.
        loss: share of packets that do not arrive, 0.0 to 1.0; at random, BurstR = 1.
        codec: what the voice is coded in.

    """
    noise = _noise()
    best = 15 - 1.5 * (_SLR + noise)  # Ro
    return best - _simultaneous(best, noise, delay_ms) - _delay(best, noise, delay_ms) - _equipment(loss, codec)


def mos(r: float) -> float:
    """Give the mean opinion score of a rating (G.107 Annex B). Near 0 its cubic falls below 1, as no opinion does."""
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6) if r > 0 else 1.0


def codec_named(name: str) -> Codec:
    """Find a codec by Asterisk's name for it."""
    return CODECS.get(name, G711)


def _noise() -> float:
    """Sum up all noise as power at the 0 dBr point, No (clause 7.2)."""
    sending = _PS - _SLR - _DS - 100 + 0.004 * (_PS - _OLR - _DS - 14) ** 2  # Nos
    room = _PR + 10 * log10(1 + 10 ** ((10 - _LSTR) / 10))  # Pre
    receiving = _RLR - 121 + room + 0.008 * (room - 35) ** 2  # Nor
    return 10 * log10(sum(10 ** (level / 10) for level in (_NC, sending, receiving, _NFOR + _RLR)))


def _simultaneous(best: float, noise: float, delay_ms: float) -> float:
    """Is (clause 7.3): too loud a line, side tone, quantising."""
    x = _OLR + 0.2 * (64 + noise - _RLR)
    loud = 20 * ((1 + (x / 8) ** 8) ** (1 / 8) - x / 8)
    side = -10 * log10(10 ** (-_STMR / 10) + exp(-delay_ms / 4) * 10 ** (-_TELR / 10))  # STMRo
    tone = (
        12 * (1 + ((side - 13) / 6) ** 8) ** (1 / 8)
        - 28 * (1 + ((side + 1) / 19.4) ** 35) ** (1 / 35)
        - 13 * (1 + ((side - 3) / 33) ** 13) ** (1 / 13)
        + 29
    )
    q = 37 - 15 * log10(_QDU)
    g = 1.07 + 0.258 * q + 0.0602 * q**2
    y, z = (best - 100) / 15 + 46 / 8.4 - g / 9, 46 / 30 - g / 40
    return float(loud + tone + 15 * log10(1 + 10**y + 10**z))


def _delay(best: float, noise: float, delay_ms: float) -> float:
    """Id (clause 7.4): the talker's echo, the listener's, and too long a way."""
    talker = _TELR - 40 * log10((1 + delay_ms / 10) / (1 + delay_ms / 150)) + 6 * exp(-0.3 * delay_ms**2)
    apart = -1.5 * (noise - _RLR) - (80 + 2.5 * (talker - 14))  # Roe - Re
    echo = (apart / 2 + sqrt(apart**2 / 4 + 100) - 1) * (1 - exp(-delay_ms))
    loop = best - 10.5 * (_WEPL + 7) * (2 * delay_ms + 1) ** -0.25  # Ro - Rle
    return float(echo + loop / 2 + sqrt(loop**2 / 4 + 169) + _absolute(delay_ms))


def _absolute(delay_ms: float) -> float:
    """Idd, with the default sensitivity sT = 1 and mT = 100 ms: below that nobody minds."""
    if delay_ms <= 100:
        return 0.0
    x = log2(delay_ms / 100)
    return float(25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2))


def _equipment(loss: float, codec: Codec) -> float:
    """Ie,eff (clause 7.5)."""
    percent = 100 * loss
    return codec.ie + (95 - codec.ie) * percent / (percent + codec.bpl)
