"""What is said of callbacks, to customers and to agents."""

from collections.abc import Mapping

_SENTENCES: Mapping[str, Mapping[str, str]] = {
    "callback-to": {
        "en": "We can call you back, and you keep your place in line. Your number is {}.",
        "pl": "Możemy oddzwonić, a Twoje miejsce w kolejce zostanie zachowane. Twój numer to {}.",
    },
    "callback-now": {"en": "Callback to {}.", "pl": "Oddzwanianie pod numer {}."},
}

TEXTS: Mapping[str, Mapping[str, str]] = {
    "callback-choice": {
        "en": "If that is right, press 1. For another number, press 2.",
        "pl": "Jeśli się zgadza, naciśnij 1. Aby podać inny numer, naciśnij 2.",
    },
    "callback-type": {
        "en": "Type the number where we can reach you, and then hash.",
        "pl": "Wpisz numer, pod którym możemy oddzwonić, a potem krzyżyk.",
    },
    "callback-not-this": {"en": "We cannot call this number.", "pl": "Nie możemy zadzwonić pod ten numer."},
    "callback-promised": {
        "en": "We will call you back. You keep your place in line. Goodbye.",
        "pl": "Oddzwonimy. Twoje miejsce w kolejce zostaje zachowane. Do usłyszenia.",
    },
    "callback-reached": {
        "en": "This is the call back that you asked for. Please stay on the line.",
        "pl": "Oddzwaniamy zgodnie z prośbą. Prosimy pozostać przy telefonie.",
    },
    "callback-none": {"en": "Then please call again. Goodbye.", "pl": "Prosimy zadzwonić ponownie. Do usłyszenia."},
    "callback-waits-on": {"en": "You keep waiting for an agent.", "pl": "Nadal czekasz na rozmowę."},
    "callback-agent-choice": {
        "en": "To close it, press 7. For later, press 9.",
        "pl": "Aby zamknąć, naciśnij 7. Aby odłożyć, naciśnij 9.",
    },
    "callback-closed": {"en": "The callback is closed.", "pl": "Oddzwanianie zamknięte."},
    "callback-later": {"en": "The callback is put off.", "pl": "Oddzwanianie odłożone."},
}
"""A prompt's name -> language -> what it says."""


def spoken(name: str, number: str, language: str) -> str:
    """Say a number within a sentence, digit by digit."""
    digits = " ".join(number.removeprefix("+"))
    return _SENTENCES[name].get(language, _SENTENCES[name]["en"]).format(digits)
