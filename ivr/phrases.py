"""What callfloor itself says: fixed phrases as named prompts, and sentences made of numbers and names.

A fixed phrase has a name, so that a site can record it: `sounds/<language>/<name>.wav` replaces the spoken text.
Sentences with a number or a name in them are texts. Each is short and holds one number, so that the cache of spoken
texts grows by the sum of what can be said and not by the product.

Polish counts in three forms (1 rozmowa, 2 rozmowy, 5 rozmów) and its numerals follow the noun's gender, which a speech
engine that reads "2" does not know; so feminine forms are written out here. No phrase tells the agent's gender.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ivr import callback_words, letter_phrases

LANGUAGES = ("en", "pl")
"""What every phrase of this module is there in; a seat with another language is spoken to in the first."""

PLACE_MAX = 100
"""Places in a queue that are told by number."""

DIALPLAN = ("already-answered", "caller-gone", "music-stops", "please-hold", "sorry-try-later")
"""Prompts that extensions.conf plays by itself."""

_PHRASES: Mapping[str, tuple[str, str]] = {
    # the dialplan's
    "already-answered": ("This call has already been answered.", "Ta rozmowa została już odebrana."),
    "caller-gone": ("The caller has hung up.", "Dzwoniący się rozłączył."),
    "music-stops": ("", ""),  # nothing is said: it ends a caller's music as he comes into his talk
    "please-hold": (
        "Please hold the line. We will be with you as soon as we can.",
        "Prosimy zaczekać. Połączymy, jak tylko będzie to możliwe.",
    ),
    "sorry-try-later": (
        "We are sorry, we cannot take your call now. Please try again later.",
        "Przepraszamy, teraz nie możemy odebrać. Prosimy spróbować później.",
    ),
    # any flow's
    "invalid": ("Sorry, that is not a valid choice.", "Niestety, nie ma takiej możliwości."),
    "no-input": ("Sorry, no key was pressed.", "Nie wybrano żadnego klawisza."),
    "sorry": ("We are sorry, something went wrong.", "Przepraszamy, wystąpił błąd."),
    # the handset's: log-in
    "handset-pin": ("Please enter your PIN, then press hash.", "Wpisz swój PIN i naciśnij krzyżyk."),
    "handset-seat-number": (
        "Please enter your seat number, then press hash.",
        "Wpisz numer swojego stanowiska i naciśnij krzyżyk.",
    ),
    "handset-taken": (
        "Another seat is logged in at this telephone.",
        "Na tym telefonie jest zalogowane inne stanowisko.",
    ),
    "handset-wrong-pin": ("That did not work.", "Nie udało się."),
    "handset-locked": (
        "There were too many wrong entries. Logging in is locked for a while.",
        "Zbyt wiele błędnych prób. Logowanie jest na pewien czas zablokowane.",
    ),
    "handset-no-seat": (
        "This telephone does not belong to a seat.",
        "Ten telefon nie należy do żadnego stanowiska.",
    ),
    # the handset's: how the seat stands
    "handset-logged-out": ("You are logged out.", "Stanowisko jest wylogowane."),
    "handset-ready": ("You are ready.", "Stanowisko jest gotowe."),
    "handset-ringing": ("You have a call ringing.", "Dzwoni do ciebie rozmowa."),
    "handset-talking": ("You are on a call.", "Trwa rozmowa."),
    "handset-wrap-up": ("You are in wrap-up.", "Trwa czas po rozmowie."),
    "handset-paused": ("You are on pause.", "Stanowisko ma przerwę."),
    "handset-set-aside": (
        "You are on pause, because calls to you were not answered. To take calls again, dial star 1 3.",
        "Stanowisko ma przerwę, ponieważ rozmowy nie były odbierane. Aby je znów przyjmować, wybierz gwiazdka 1 3.",
    ),
    "handset-none-waiting": ("No calls are waiting.", "Nikt nie czeka."),
    # the handset's: how a wish was met
    "handset-already-logged-in": ("You are already logged in.", "Stanowisko jest już zalogowane."),
    "handset-not-logged-in": (
        "You are not logged in. To log in, dial star 1 1.",
        "Stanowisko nie jest zalogowane. Aby się zalogować, wybierz gwiazdka 1 1.",
    ),
    "handset-already-ready": ("You are already ready.", "Stanowisko jest już gotowe."),
    "handset-no-wrap-up": ("You are not in wrap-up.", "Nie trwa czas po rozmowie."),
    "handset-no-call-to-code": (
        "There is no call to give a code to.",
        "Nie ma rozmowy, której można nadać kod.",
    ),
    "handset-already": ("That is already so.", "Tak już jest."),
    "handset-later": (
        "That will be done when your present call is over.",
        "To nastąpi po zakończeniu bieżącej rozmowy.",
    ),
    "handset-later-log-out": (
        "You will be logged out when your present call is over.",
        "Wylogowanie nastąpi po zakończeniu bieżącej rozmowy.",
    ),
    "handset-later-ready": (
        "You will be ready when your present call is over.",
        "Stanowisko będzie gotowe po zakończeniu bieżącej rozmowy.",
    ),
    "handset-later-pause": (
        "You will be on pause when your present call and wrap-up are over.",
        "Przerwa zacznie się po zakończeniu bieżącej rozmowy i czasu po niej.",
    ),
    # the handset's: queues, for supervisors
    "handset-no-supervisor": (
        "This is for supervisors only.",
        "To jest dostępne tylko dla kierowników.",
    ),
    "handset-queue-choice": (
        "To close it, press 1. To open it, press 2. To record what callers hear while it is closed, press 3.",
        "Aby zamknąć, naciśnij 1. Aby otworzyć, naciśnij 2. Aby nagrać komunikat dla dzwoniących, naciśnij 3.",
    ),
    "handset-record-closing": (
        "Speak after the tone. Then press hash.",
        "Nagraj komunikat po sygnale, a potem naciśnij krzyżyk.",
    ),
    "handset-callers-hear": ("Callers will hear this.", "Dzwoniący usłyszą to."),
    "handset-nothing-recorded": ("Nothing was recorded.", "Nic nie zostało nagrane."),
    # calling out
    "out-no-number": ("This number does not exist.", "Nie ma takiego numeru."),
    "out-premium": (
        "Numbers of this kind may not be called from here.",
        "Z tego miejsca nie wolno dzwonić pod numery tego rodzaju.",
    ),
    "out-barred": ("This number may not be called from here.", "Z tego miejsca nie wolno dzwonić pod ten numer."),
    "out-cap": (
        "No more calls may be made at present. Your supervisor knows the limits.",
        "Teraz nie wolno wykonać więcej połączeń. Kierownik zna ograniczenia.",
    ),
    "out-no-line": ("All lines are busy.", "Wszystkie linie są zajęte."),
    "out-busy": ("The number is busy.", "Numer jest zajęty."),
    "out-no-answer": ("Nobody answered.", "Nikt nie odebrał."),
    "out-rejected": ("The call was rejected.", "Połączenie zostało odrzucone."),
    "out-congestion": (
        "The call could not be put through.",
        "Nie udało się połączyć.",
    ),
    "handset-pulled": (
        "Hang up now. The call will ring at your phone.",
        "Odłóż słuchawkę. Rozmowa zadzwoni na tym telefonie.",
    ),
    "handset-not-ringing": ("Nothing rings there.", "Tam nic nie dzwoni."),
    "handset-not-served": (
        "That call is of a queue that you do not serve.",
        "To rozmowa z kolejki, której to stanowisko nie obsługuje.",
    ),
    "handset-unable": (
        "You cannot take a call now. To be ready, dial star 1 3.",
        "Teraz nie można przyjąć rozmowy. Aby przyjmować rozmowy, wybierz gwiazdka 1 3.",
    ),
    "handset-listen-seat": (
        "Whom do you want to listen to? Enter the seat's number, then press hash.",
        "Kogo chcesz słuchać? Wpisz numer stanowiska i naciśnij krzyżyk.",
    ),
    "handset-not-talking": ("Nobody talks there.", "Tam nikt nie rozmawia."),
    "handset-listen-keys": (
        "To listen, press 1. To speak to the agent, press 2. To speak to both, press 3.",
        "Aby słuchać, naciśnij 1. Aby mówić do konsultanta, naciśnij 2. Aby mówić do obu stron, naciśnij 3.",
    ),
    "handset-unchanged": ("Nothing was changed.", "Nic się nie zmieniło."),
    # messages, to an agent
    "message-from": ("Message from", "Wiadomość od"),
    "message-unknown": ("an unknown number", "nieznanego numeru"),
    "message-keys": (
        "To hear it again press 1, to call back 3, to close it 7, to put it off 9, for the next one 0.",
        "Aby odsłuchać ponownie, naciśnij 1, oddzwonić 3, zamknąć 7, odłożyć 9, następna wiadomość 0.",
    ),
    "message-closed": ("The message is closed.", "Wiadomość została zamknięta."),
    "message-put-off": ("The message is put off.", "Wiadomość została odłożona."),
    "message-gone": ("The recording is not there any more.", "Nagrania już nie ma."),
}

TEXTS: Mapping[str, Mapping[str, str]] = {
    **{name: dict(zip(LANGUAGES, texts, strict=True)) for name, texts in _PHRASES.items()},
    **callback_words.TEXTS,
    **letter_phrases.TEXTS,
}
"""A prompt's name -> language -> what it says; the shape that `ivr.prompts` takes."""

_POLISH_REASONS = {
    "break": "przerwa",
    "lunch": "obiad",
    "training": "szkolenie",
    "back office": "praca biurowa",
}


class _Unit(NamedTuple):
    """A Polish feminine noun after a number: 1 sekundę, 2 sekundy, 5 sekund."""

    one: str
    few: str
    many: str


_HOURS = _Unit("jedną godzinę", "godziny", "godzin")
_MINUTES = _Unit("jedną minutę", "minuty", "minut")
_SECONDS = _Unit("jedną sekundę", "sekundy", "sekund")


def logged_in_as(agent: str, language: str) -> str:
    """Tell who is logged in."""
    return f"Zalogowano: {agent}." if language == "pl" else f"You are logged in as {agent}."


def reason_menu(reasons: Mapping[str, str], language: str) -> str:
    """Read out the pause reasons, digit -> reason."""
    if language == "pl":
        choices = " ".join(f"{_reason(reason, language)}: naciśnij {digit}." for digit, reason in reasons.items())
        return f"Jaki jest powód przerwy? {choices}"
    choices = " ".join(f"For {reason}, press {digit}." for digit, reason in reasons.items())
    return f"Why do you pause? {choices}"


def queue_menu(queues: Mapping[str, str], language: str) -> str:
    """Read out queues, digit -> name; one without a name is the whole site."""
    if language == "pl":
        choices = " ".join(f"{queue or 'Cała firma'}: naciśnij {digit}." for digit, queue in queues.items())
        return f"Która kolejka? {choices}"
    choices = " ".join(f"For {queue or 'the whole site'}, press {digit}." for digit, queue in queues.items())
    return f"Which queue? {choices}"


def queue_state(queue: str, language: str, *, is_closed: bool) -> str:
    """Tell whether a queue is open, or without a name whether the whole site is."""
    if language == "pl":
        return f"{f'Kolejka {queue}' if queue else 'Cała firma'} jest {'zamknięta' if is_closed else 'otwarta'}."
    return f"{f'Queue {queue}' if queue else 'The whole site'} is {'closed' if is_closed else 'open'}."


def code_menu(codes: Mapping[str, str], language: str) -> str:
    """Read out what can be said of a call, digit -> code."""
    if language == "pl":
        return "Jaki kod ma rozmowa? " + " ".join(f"{code}: naciśnij {digit}." for digit, code in codes.items())
    return "What was the call about? " + " ".join(f"For {code}, press {digit}." for digit, code in codes.items())


def paused_for(reason: str, language: str) -> str:
    """Tell that the seat is paused, and why."""
    said = _reason(reason, language)
    return f"Stanowisko ma przerwę. Powód: {said}." if language == "pl" else f"You are on pause: {said}."


def calls_waiting(count: int, language: str) -> str:
    """Tell how many calls wait; `count` is 1 or more."""
    if language == "pl":
        few = _form(count) == "few"
        return f"{_polish(count, _Unit('jedna rozmowa', 'rozmowy', 'rozmów'))} {'czekają' if few else 'czeka'}."
    return "1 call is waiting." if count == 1 else f"{count} calls are waiting."


def longest_wait(wait_ms: int, language: str) -> str:
    """Tell how long the first of the waiting calls has waited."""
    said = duration(wait_ms, language)
    return f"Najdłużej: {said}." if language == "pl" else f"The longest has waited for {said}."


def position(place: int, language: str) -> str:
    """Tell a caller his place in the queue; beyond the first hundred the number itself says nothing to him."""
    if place <= 1:
        return "Państwa rozmowa jest następna." if language == "pl" else "You are next in line."
    if place > PLACE_MAX:
        polish = f"Przed Państwem czeka ponad {PLACE_MAX} osób."
        return polish if language == "pl" else f"There are more than {PLACE_MAX} callers before you."
    return f"Państwa numer w kolejce: {place}." if language == "pl" else f"You are number {place} in line."


def wait_range(least_ms: int, most_ms: int, language: str) -> str:
    """Tell a caller between which two times he should be answered.

    The range is made wider to whole minutes, beyond ten to whole five minutes; of more than an hour only the least is
    told. So there are few sentences, each spoken once, and none promises what the figures do not.
    """
    least, most = _minutes_down(least_ms), _minutes_up(max(most_ms, least_ms))
    if most > 60:
        return _longer_than(min(least, 60), language)
    if least < 1 or least == most:
        return _within(most, language)
    if language == "pl":
        return f"Przewidywany czas oczekiwania: od {_genitive(least)} do {_genitive(most)} minut."
    return f"You should be answered within {least} to {most} minutes."


def _within(most: int, language: str) -> str:
    if language == "pl":
        return f"Przewidywany czas oczekiwania: do {'minuty' if most == 1 else f'{_genitive(most)} minut'}."
    return f"You should be answered within {'one minute' if most == 1 else f'{most} minutes'}."


def _longer_than(least: int, language: str) -> str:
    if least < 10:  # from a few minutes to more than an hour: nothing to rely on
        return "Czas oczekiwania może być długi." if language == "pl" else "You may have to wait for a long time."
    if language == "pl":
        return f"Czas oczekiwania może przekroczyć {'godzinę' if least == 60 else f'{least} minut'}."
    return f"You may have to wait for more than {'an hour' if least == 60 else f'{least} minutes'}."


def _minutes_down(length_ms: int) -> int:
    minutes = max(0, length_ms) // 60_000
    return minutes if minutes <= 10 else minutes // 5 * 5


def _minutes_up(length_ms: int) -> int:
    minutes = max(1, -(-length_ms // 60_000))
    return minutes if minutes <= 10 else -(-minutes // 5) * 5


_GENITIVE = (
    *("zera", "jednej", "dwóch", "trzech", "czterech", "pięciu", "sześciu", "siedmiu", "ośmiu", "dziewięciu"),
    *("dziesięciu", "jedenastu", "dwunastu", "trzynastu", "czternastu", "piętnastu"),
)
_GENITIVE_TENS = {2: "dwudziestu", 3: "trzydziestu", 4: "czterdziestu", 5: "pięćdziesięciu", 6: "sześćdziesięciu"}


def _genitive(count: int) -> str:
    """Write a number up to 60 as `od` and `do` want it, feminine: an engine would read the digits in the nominative."""
    if count < len(_GENITIVE):
        return _GENITIVE[count]
    tens, units = divmod(count, 10)
    return f"{_GENITIVE_TENS[tens]} {_GENITIVE[units]}" if units else _GENITIVE_TENS[tens]


def duration(length_ms: int, language: str) -> str:
    """Say a length of time: to the second up to a minute, to ten seconds up to an hour, then to the minute."""
    total_s = max(0, length_ms // 1000)
    if total_s >= 3600:
        total_s = total_s // 60 * 60
    elif total_s > 60:
        total_s = total_s // 10 * 10
    minutes, seconds = divmod(total_s, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "hour", _HOURS), (minutes, "minute", _MINUTES), (seconds, "second", _SECONDS)]
    said = [part for part in parts if part[0]] or parts[-1:]
    if language == "pl":
        return " ".join(_polish(count, unit) for count, _, unit in said)
    return " ".join(f"{count} {unit}" if count == 1 else f"{count} {unit}s" for count, unit, _ in said)


def _reason(reason: str, language: str) -> str:
    """A site's own reasons are said as it wrote them."""
    return _POLISH_REASONS.get(reason, reason) if language == "pl" else reason


def _polish(count: int, unit: _Unit) -> str:
    """Say a number with a feminine noun. The engine reads digits as masculine: 2 is written dwie, 22 is "20 dwie"."""
    form = _form(count)
    if form == "one":
        return unit.one
    noun = unit.few if form == "few" else unit.many
    if form == "few" and count % 10 == 2:
        return f"dwie {noun}" if count == 2 else f"{count - 2} dwie {noun}"
    return f"{count} {noun}"


def _form(count: int) -> str:
    """Choose the Polish plural form, by the rule of Unicode CLDR for whole numbers."""
    if count == 1:
        return "one"
    return "few" if count % 10 in {2, 3, 4} and count % 100 not in {12, 13, 14} else "many"
