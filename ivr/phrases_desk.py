"""Sentences of the agent's desk: figures, next call, choice of queues. See `ivr.phrases` for what all keep to."""

from collections.abc import Mapping

from ivr import phrases


def none_is_for_you(count: int, language: str) -> str:
    """Tell that calls wait in his queues and none of them is for this agent; `count` is 1 or more."""
    if language == "pl":
        return f"{phrases.calls_waiting(count, language)} Żadna nie jest dla tego stanowiska."
    return f"{phrases.calls_waiting(count, language)} None of them is for you."


def next_call(queue: str, medium: str, language: str) -> str:
    """Tell in which queue the next call waits, and what it is if it is no ordinary one."""
    what = "" if medium == "voice" else f", {medium}"
    return f"Następna: kolejka {queue}{what}." if language == "pl" else f"Next: queue {queue}{what}."


def has_waited(wait_ms: int, language: str) -> str:
    """Tell how long it has waited."""
    said = phrases.duration(wait_ms, language)
    return f"Czeka {said}." if language == "pl" else f"It has waited for {said}."


def number_follows(language: str) -> str:
    """Announce a number."""
    return "Numer:" if language == "pl" else "Its number:"


def number_unknown(language: str) -> str:
    """Tell that a caller did not show his number."""
    return "Numer nieznany." if language == "pl" else "The number is not known."


_ORDINALS = {
    "en": ("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
    "pl": ("drugi", "trzeci", "czwarty", "piąty", "szósty", "siódmy", "ósmy", "dziewiąty", "dziesiąty"),
}


def person(name: str, today: int, tier: str, language: str) -> str:
    """Tell who it is, which contact of the day it is, if not the first, and what he is to the site."""
    told = ", ".join(part for part in (name, _contact(today, language), tier) if part)
    return f"{told}." if told else ""


def _contact(today: int, language: str) -> str:
    if today <= 1:
        return ""
    ordinals = _ORDINALS.get(language, _ORDINALS["en"])
    if today - 2 >= len(ordinals):
        return f"kontakt numer {today} dzisiaj" if language == "pl" else f"contact number {today} today"
    return f"{ordinals[today - 2]} kontakt dzisiaj" if language == "pl" else f"{ordinals[today - 2]} contact today"


_DIGITS = {
    "en": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "pl": ("zero", "jeden", "dwa", "trzy", "cztery", "pięć", "sześć", "siedem", "osiem", "dziewięć"),
}


def digit(sign: str, language: str) -> str:
    """Say one sign of a telephone number: a digit 0 to 9, or +."""
    return "plus." if sign == "+" else f"{_DIGITS[language][int(sign)]}."


def pull_menu(queues: Mapping[str, str], language: str) -> str:
    """Read out queues to take a call from, digit -> name; 0 is for all of his own."""
    if language == "pl":
        choices = " ".join(f"{queue}: naciśnij {key}." for key, queue in queues.items())
        return f"Z której kolejki? Ze wszystkich twoich: naciśnij 0. {choices}"
    choices = " ".join(f"For {queue}, press {key}." for key, queue in queues.items())
    return f"From which queue? For all of yours, press 0. {choices}"


def calls_taken(count: int, language: str) -> str:
    """Tell an agent how many calls he has had today."""
    if language == "pl":
        return f"Dzisiejsze rozmowy: {count}." if count else "Dzisiaj nie było żadnej rozmowy."
    return f"Calls of today: {count}." if count else "You have had no calls today."


def talk_time(length_ms: int, language: str) -> str:
    """Tell how long his talks of today were together."""
    said = phrases.duration(length_ms, language)
    return f"Trwały razem {said}." if language == "pl" else f"You talked for {said}."


def average_talk(length_ms: int, language: str) -> str:
    """Tell how long one of them was."""
    said = phrases.duration(length_ms, language)
    return f"Średnio {said}." if language == "pl" else f"On average for {said}."


def wrap_up_time(length_ms: int, language: str) -> str:
    """Tell how long his wrap-up of today was."""
    said = phrases.duration(length_ms, language)
    return f"Czas po rozmowach trwał {said}." if language == "pl" else f"Wrap-up took {said}."


def occupancy(percent: int, language: str) -> str:
    """Tell how busy he has been."""
    if language == "pl":
        return f"Zajętość od zalogowania: {percent} procent."
    return f"Since you logged in you have been busy for {percent} percent of the time."
