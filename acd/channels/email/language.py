"""Which language a text is in, where it is plain: for the voice that reads it, and the template that answers it.

Small words are counted. Twelve languages of Europe have theirs; other scripts tell by their letters. A text that is
short, or mixed, is in none: a wrong guess is worse than the queue's default. Detectors made for the purpose bring tens
of megabytes of models for answers nobody needs here.
"""

import re
from collections import Counter

CHARS_READ = 4_000
WORDS_LEAST = 3
"""So many small words of one language, and half as many again as of any other."""
_WORD = re.compile(r"[^\W\d_]+")
_SMALL: dict[str, str] = {
    "en": "the and is are was have has not you your i my we this that with for please would can it of to be hello",
    "pl": "się nie jest że na do czy proszę dzień dobry mam jak ale oraz pan pani pozdrawiam mnie już dla po być w z",
    "de": "der die das und ist nicht ich sie wir mit für auf ein eine bitte haben wie zu von den dem es auch ihre",
    "fr": "le la les et est pas je vous nous avec pour une un des dans que qui sur mon bonjour votre ce au du",
    "es": "el la los las y es no que de en por para con una un mi su se buenos gracias usted como está pero",
    "it": "il lo gli e è non che di per con una un mi sono grazie buongiorno ho della del questo ma vostro alla",
    "nl": "de het een en is niet ik u wij met voor van dat op zijn graag hebben bij mijn uw ook kan te er",
    "pt": "o os as e é não que de em por para com uma um meu minha obrigado bom dia você está como mas do da",
    "sv": "och det är att inte jag en ett som för på med har vi ni kan hej tack av till från om min er",
    "cs": "a se je na že to v prosím dobrý den jsem mám jak ale nebo pro děkuji není který už mi jsou s pozdravem",
    "ru": "и в не на я что с по это как мне вы мы у за но пожалуйста здравствуйте для из был есть мой",  # noqa: RUF001 - Russian
    "uk": "і в не на я що з по це як мені ви ми у за але будь ласка добрий день для є мій та чи",  # noqa: RUF001 - Ukrainian
}
_WORDS = {language: frozenset(words.split()) for language, words in _SMALL.items()}
_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
)


def language_of(text: str) -> str:
    """Name the language (ISO 639-1), or "" where it is not plain."""
    text = text[:CHARS_READ].lower()
    letters = sum(map(str.isalpha, text))
    for language, script in _SCRIPTS:
        if letters and len(script.findall(text)) > letters * (0.1 if language == "ja" else 0.5):
            return language
    counted = Counter(_WORD.findall(text))
    scores = sorted(((sum(counted[word] for word in words), name) for name, words in _WORDS.items()), reverse=True)
    (best, language), (second, _) = scores[:2]
    return language if best >= WORDS_LEAST and 2 * best >= 3 * second else ""
