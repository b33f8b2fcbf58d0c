"""What is said of written contacts by name, so that a site can record it; the sentences are in `ivr.letter_words`."""

from collections.abc import Mapping

TITLES: Mapping[str, str] = {"email": "e-mail from", "sms": "SMS from", "chat": "chat from"}
"""What a telephone shows before who wrote."""

TEXTS: Mapping[str, Mapping[str, str]] = {
    "letter-email-from": {"en": "E-mail from", "pl": "E-mail od:"},
    "letter-sms-from": {"en": "SMS from", "pl": "SMS od:"},
    "letter-chat-from": {"en": "Chat from", "pl": "Czat, pisze:"},
    "letter-from": {"en": "Written message from", "pl": "Wiadomość pisemna od:"},
    "letter-subject": {"en": "Subject:", "pl": "Temat:"},
    "letter-no-subject": {"en": "Without a subject.", "pl": "Bez tematu."},
    "letter-long": {
        "en": "It is a long message. You hear its beginning, ten minutes at most.",
        "pl": "To długa wiadomość. Usłyszysz jej początek, najwyżej dziesięć minut.",
    },
    "letter-cut": {"en": "That was the beginning of it.", "pl": "To był początek tej wiadomości."},
    "letter-empty": {"en": "It has no text.", "pl": "Nie ma w niej tekstu."},
    "letter-unspoken": {"en": "Something that cannot be read.", "pl": "Tego nie da się odczytać."},
    "letter-mark-auto": {"en": "It was sent by a machine.", "pl": "Wysłał ją automat."},
    "letter-mark-list": {"en": "It came by a mailing list.", "pl": "Przyszła z listy dyskusyjnej."},
    "letter-mark-spf-fail": {
        "en": "Beware: the sender may be somebody else.",
        "pl": "Uwaga: nadawcą może być ktoś inny.",
    },
    "letter-mark-not-parsed": {
        "en": "Not all of it could be understood.",
        "pl": "Nie wszystko dało się odczytać.",
    },
    "letter-mark-gone": {"en": "The customer has left.", "pl": "Klient już odszedł."},
    "letter-keys": {
        "en": "To hear it again press 1, slower or faster 2, to answer by voice 3, by a ready reply 4, "
        "for what was quoted 5, to close it 7, for another queue 8, to put it off 9, for the next one 0.",
        "pl": "Aby odsłuchać ponownie, naciśnij 1, wolniej lub szybciej 2, odpowiedzieć głosem 3, gotowym tekstem 4, "
        "usłyszeć cytat 5, zamknąć 7, przekazać do innej kolejki 8, odłożyć 9, następna 0.",
    },
    "letter-keys-unvoiced": {
        "en": "To hear it again press 1, slower or faster 2, to answer by a ready reply 4, "
        "for what was said before 5, to close it 7, for another queue 8, to put it off 9, for the next one 0.",
        "pl": "Aby odsłuchać ponownie, naciśnij 1, wolniej lub szybciej 2, odpowiedzieć gotowym tekstem 4, "
        "usłyszeć, co było wcześniej, 5, zamknąć 7, przekazać do innej kolejki 8, odłożyć 9, następna 0.",
    },
    "letter-not-by-voice": {
        "en": "It cannot be answered by voice.",
        "pl": "Na to nie można odpowiedzieć głosem.",
    },
    "letter-nothing-quoted": {"en": "Nothing is quoted in it.", "pl": "Nie ma w niej cytatu."},
    "letter-record": {
        "en": "Speak your answer after the tone. Then press hash.",
        "pl": "Nagraj odpowiedź po sygnale, a potem naciśnij krzyżyk.",
    },
    "letter-recorded": {"en": "The customer will hear this.", "pl": "Klient usłyszy to:"},
    "letter-record-choice": {
        "en": "To send it press 1, to record it anew 2, not to answer 3.",
        "pl": "Aby wysłać, naciśnij 1, nagrać od nowa 2, nie odpowiadać 3.",
    },
    "letter-no-choices": {"en": "There are no ready replies.", "pl": "Nie ma gotowych odpowiedzi."},
    "letter-choices": {"en": "Ready replies. To go back press 0.", "pl": "Gotowe odpowiedzi. Aby wrócić, naciśnij 0."},
    "letter-send-choice": {
        "en": "To send this reply press 1, for another one 2.",
        "pl": "Aby wysłać tę odpowiedź, naciśnij 1, wybrać inną 2.",
    },
    "letter-moment": {"en": "One moment, please.", "pl": "Chwileczkę."},
    "letter-sent": {"en": "The answer is on its way.", "pl": "Odpowiedź zostanie wysłana."},
    "letter-not-sent": {"en": "That cannot be sent.", "pl": "Tego nie można wysłać."},
    "letter-closed": {"en": "It is closed.", "pl": "Zamknięte."},
    "letter-put-off": {"en": "It is put off.", "pl": "Odłożone."},
    "letter-moved": {"en": "It goes to that queue.", "pl": "Trafi do tej kolejki."},
    "letter-no-other-queue": {"en": "There is no other queue.", "pl": "Nie ma innej kolejki."},
    "letter-gone": {"en": "The message is not there any more.", "pl": "Tej wiadomości już nie ma."},
}
"""A prompt's name -> language -> what it says."""
