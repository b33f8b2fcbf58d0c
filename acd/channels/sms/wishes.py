"""Words by which a customer says that he wants no more texts, or wants them again.

They count where they are all that he wrote: "please stop the delivery" is for an agent.
"""

import re
import unicodedata
from collections.abc import Collection
from typing import Literal

Wish = Literal["", "stop", "start"]

STOP = (
    *("STOP", "STOPALL", "UNSUBSCRIBE", "OPTOUT", "CANCEL", "QUIT"),  # English, and what networks know everywhere
    *("STOPP", "ABMELDEN"),  # German, Swedish, Norwegian
    *("ARRET", "ARRETER", "DESABONNER"),  # French
    *("BAJA", "PARAR", "SAIR", "CANCELAR"),  # Spanish, Portuguese
    *("ANNULLA", "DISISCRIVI"),  # Italian
    *("REZYGNUJE", "WYPISZ", "KONIEC"),  # Polish
    *("AFMELDEN", "ZRUSIT", "ODHLASIT"),  # Dutch, Czech
    *("СТОП", "ОТПИСАТЬСЯ", "ВІДПИСАТИСЯ"),
    *("ΣΤΟΠ", "停止", "退订", "中止", "중지", "توقف", "קנסל", "הסר"),
)
START = ("START", "UNSTOP", "SUBSCRIBE", "ANMELDEN", "СТАРТ")  # noqa: RUF001 - Russian
TEXT_MOST = 60
_STROKED = str.maketrans({"ł": "l", "ø": "o", "đ": "d"})
_SIGNS = re.compile(r"[\W_]+")


def folded(text: str) -> str:
    """Give a word as it is compared: no case, no accents, no signs around or in it, one width."""
    apart = unicodedata.normalize("NFKD", text[: 4 * TEXT_MOST]).casefold().translate(_STROKED)
    return _SIGNS.sub("", "".join(char for char in apart if not unicodedata.combining(char)))


def wish_of(text: str, stop: Collection[str] = STOP, start: Collection[str] = START) -> Wish:
    """Tell what a customer wishes by these words, if that is all he wrote."""
    if len(text) > TEXT_MOST or not (word := folded(text)):
        return ""
    if word in set(map(folded, stop)):
        return "stop"
    return "start" if word in set(map(folded, start)) else ""
