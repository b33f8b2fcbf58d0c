"""What an agent hears of a written contact, and what his keys do."""

import asyncio
import time

import pytest

from acd.channels.contact import File, ReplyError
from acd.core.events import CallEnded, CallSet
from ivr import letter_words, phrases
from ivr.flow import Recording
from ivr.letter_phrases import TEXTS, TITLES
from ivr.letters import Letters
from ivr.transcripts import Transcriber
from tests.ivr.letter_house import CALL, HANG_UP, NOW, House, after, card

KEYS = "letter-keys"
AT = time.strftime("%H %M.", time.localtime(NOW // 1000 - 3_600))
SENT = NOW - 3_600_000
HELLO, PARCEL = ("Dzień dobry.", "pl"), ("Gdzie jest paczka?", "pl")


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


async def test_who_when_how_long_the_subject_and_the_text(house):
    """The frame in the seat's language, the letter in its own; then what can be pressed, until nobody is there."""
    files = tuple(File(name=name, kind="text/plain", size=1) for name in "ab")
    agent = await house.attend(card(files=files, marks=("auto", "list-of-mine")))
    told = letter_words.facts(SENT, 31 * 60, 2, NOW, "en")
    assert told[1:] == [f"at {AT}", "Length: 10 seconds.", "2 attachments."]
    assert agent.heard == [
        "letter-email-from",
        ("Jan Kowalski.", "en"),
        *told,
        "letter-mark-auto",
        "letter-subject",
        ("Zamówienie.", "pl"),
        HELLO,
        PARCEL,
        *[KEYS] * 3,
    ]
    assert house.room.told("closed") == []


async def test_in_polish(house):
    """The seat is spoken to in its language."""
    agent = await house.attend(card(sender="jan@example.org", subject=""), language="pl")
    assert agent.heard[1] == ("jan małpa example kropka org.", "pl")
    assert agent.heard[3:6] == [f"o {AT}", "Długość: 10 sekund.", "letter-no-subject"]


async def test_once_more_and_more_slowly(house):
    """1 from the beginning; 2 goes on slowly with the piece that was not understood, and again as before."""
    agent = await house.attend(card(), ("Gdzie jest paczka?", "1"), ("Gdzie jest paczka?", "2"), (KEYS, "2"))
    slow = (*PARCEL, "slow")
    assert after(agent.heard, HELLO) == [HELLO, PARCEL, HELLO, PARCEL, slow, KEYS, HELLO, PARCEL, *[KEYS] * 3]


async def test_what_was_quoted_only_when_asked_for(house):
    """5; and where nothing is, that is said."""
    agent = await house.attend(card(), (KEYS, "5"))
    assert agent.heard[-5:] == [KEYS, ("Kupiłem wczoraj.", "pl"), *[KEYS] * 3]
    agent = await house.attend(card(), (KEYS, "5"), ("Kupiłem wczoraj.", "1"))  # the letter itself again
    assert agent.heard[-6:] == [("Kupiłem wczoraj.", "pl"), HELLO, PARCEL, *[KEYS] * 3]
    agent = await house.attend(card(quoted=" \n"), (KEYS, "5"))
    assert agent.heard[-5:] == [KEYS, "letter-nothing-quoted", *[KEYS] * 3]


async def test_a_key_counts_at_any_moment(house):
    """In the midst of who wrote, too."""
    agent = await house.attend(card(), ("letter-email-from", "0"))
    assert agent.heard[-1] == "next"
    assert HELLO not in agent.heard
    assert house.room.told("closed") == []


@pytest.mark.parametrize("key", ["*", "#", "6"])
async def test_any_other_key_has_the_keys_said(house, key):
    """At once."""
    agent = await house.attend(card(), ("Dzień dobry.", key), (KEYS, "0"))
    assert agent.heard[-3:] == [HELLO, KEYS, "next"]


async def test_no_voice_where_no_file_can_go_along(house):
    """Nothing is recorded that could not be sent; the keys do not offer it."""
    house.room.takes_files = False
    unvoiced = "letter-keys-unvoiced"
    agent = await house.attend(card(medium="sms"), (unvoiced, "3"))
    assert agent.heard[-5:] == [unvoiced, "letter-not-by-voice", *[unvoiced] * 3]
    assert house.room.told("replies") == []


async def test_answered_by_voice(tmp_path):
    """Recorded, heard, sent as a file with a word in the customer's language; then its code, and it is closed."""
    house = House(tmp_path, codes={"1": "sold", "2": "complaint"})
    codes = phrases.code_menu(house.site.codes, "en")
    agent = await house.attend(card(), (KEYS, "3"), ("letter-record-choice", "1"), (codes, "2"))
    assert after(agent.heard, "letter-record") == [
        "letter-record",
        "records",
        "letter-recorded",
        "a recording",
        "letter-record-choice",
        "letter-sent",
        codes,
        "letter-closed",
    ]
    [reply] = house.room.told("replies")
    [name] = reply["files"]
    assert reply["text"] == "Nasza odpowiedź jest w załączonym nagraniu."
    assert (reply["call"], reply["seat"], reply["choice"]) == (CALL, "101", "")
    assert (house.room.folder / name).read_bytes() == b"RIFF said"
    assert house.recordings() == []  # the medium has it
    assert house.room.told("closed") == [[CALL, "101", "complaint"]]
    assert house.desk.asked == [("code", "101", "complaint"), ("close", "101", "o", 1)]  # closed in the medium first


async def test_recorded_anew_or_not_at_all(house):
    """2 and 3; what was recorded is gone."""
    agent = await house.attend(
        card(), (KEYS, "3"), ("letter-record-choice", "2"), ("letter-record-choice", "3"), (KEYS, "0")
    )
    assert agent.heard.count("records") == 2
    assert (house.recordings(), house.room.told("replies"), house.desk.asked) == ([], [], [])


async def test_nothing_recorded(house):
    """Who presses a key at once has said nothing."""
    agent = await house.attend(card(), (KEYS, "3"), recorded_ms=300)
    assert "handset-nothing-recorded" in agent.heard
    assert (house.recordings(), house.room.told("replies")) == ([], [])


async def test_hanging_up_before_it_is_sent_sends_nothing(house):
    """What was recorded is gone, and the letter waits again."""
    await house.attend(card(), (KEYS, "3"), ("letter-record-choice", HANG_UP))
    assert (house.recordings(), house.room.told("replies"), house.room.told("closed")) == ([], [], [])
    assert house.submitted == []


async def test_a_recording_is_kept_when_the_medium_fails(house):
    """A full disk there: what was said is not lost."""

    async def fails(*_words):
        raise OSError("no space left")

    house.room.reply = fails
    with pytest.raises(OSError, match="no space"):
        await house.attend(card(), (KEYS, "3"), ("letter-record-choice", "1"))
    assert len(house.recordings()) == 1
    assert house.room.told("closed") == []


async def test_answered_by_a_ready_reply(house):
    """Chosen by its number, confirmed, sent; without codes it is closed at once."""
    agent = await house.attend(
        card(),
        (KEYS, "4"),
        ("letter-choices", "2"),
        ("letter-send-choice", "2"),
        ("letter-choices", "1"),
        ("letter-send-choice", "1"),
    )
    read = ["letter-choices", "For in-time in pl, press 1.", "For refund in pl, press 2."]
    assert after(agent.heard, "letter-choices") == [
        *read,
        "refund in pl",
        "letter-send-choice",
        *read,
        "in-time in pl",
        "letter-send-choice",
        "letter-sent",
        "letter-closed",
    ]
    assert house.room.told("replies") == [{"call": CALL, "seat": "101", "text": "", "choice": "in-time", "files": []}]
    assert house.room.told("closed") == [[CALL, "101", ""]]


async def test_many_ready_replies(house):
    """Beyond nine they have numbers of two digits; 0 leads back."""
    house.room.titles = [f"reply-{number}" for number in range(12)]
    await house.attend(
        card(), (KEYS, "4"), ("letter-choices", "0"), (KEYS, "4"), ("letter-choices", "12"), ("letter-send-choice", "1")
    )
    assert [reply["choice"] for reply in house.room.told("replies")] == ["reply-11"]


async def test_no_ready_reply(house):
    """That is said."""
    house.room.titles = []
    agent = await house.attend(card(), (KEYS, "4"))
    assert "letter-no-choices" in agent.heard


async def test_a_reply_that_cannot_be_sent(house):
    """He hears so, and the letter is still before him."""
    agent = await house.attend(card(), (KEYS, "4"), ("letter-choices", "2"), ("letter-send-choice", "1"), (KEYS, "0"))
    assert agent.heard[-3:] == ["letter-not-sent", KEYS, "next"]
    assert house.room.told("closed") == []


async def test_a_spoken_reply_that_cannot_be_sent(house):
    """Nor is it kept then: it never can."""

    async def refuses(*_words):
        raise ReplyError("too large")

    house.room.reply = refuses
    agent = await house.attend(card(), (KEYS, "3"), ("letter-record-choice", "1"), (KEYS, "0"))
    assert agent.heard[-3:] == ["letter-not-sent", KEYS, "next"]
    assert house.recordings() == []


async def test_who_hangs_up_after_his_answer_has_closed_it(tmp_path):
    """Nobody is answered twice: it is taken out of its queue, to which his hanging up gave it back."""
    house = House(tmp_path, codes={"1": "sold"})
    codes = phrases.code_menu(house.site.codes, "en")
    await house.attend(card(), (KEYS, "4"), ("letter-choices", "1"), ("letter-send-choice", "1"), (codes, HANG_UP))
    assert len(house.room.told("replies")) == 1
    assert house.room.told("closed") == [[CALL, "101", ""]]
    assert house.submitted == [CallEnded(call=CALL, reason="done")]


async def test_who_hangs_up_while_his_answer_is_stored(house):
    """It is stored to its end, and the letter is closed."""
    house.room.slow.clear()
    work = asyncio.create_task(house.attend(card(), (KEYS, "3"), ("letter-record-choice", "1")))
    while not any(task.get_coro().__name__ == "_store" for task in house.letters._tasks):  # noqa: ASYNC110 - his key
        await asyncio.sleep(0.01)
    house.desk.answer = "already"
    house.call.state = "waiting"
    work.cancel()
    await asyncio.sleep(0)
    house.room.slow.set()
    await work
    assert len(house.room.told("replies")) == 1
    assert house.room.told("closed") == [[CALL, "101", ""]]
    assert house.recordings() == []
    assert house.submitted == [CallEnded(call=CALL, reason="done")]


async def test_seven_closes_it(tmp_path):
    """After its code; who chooses none has not closed it."""
    house = House(tmp_path, codes={"1": "sold"})
    codes = phrases.code_menu(house.site.codes, "en")
    agent = await house.attend(card(), (KEYS, "7"), (KEYS, "7"), (codes, "1"))
    assert agent.heard.count(codes) == 2
    assert agent.heard[-1] == "letter-closed"
    assert house.room.told("closed") == [[CALL, "101", "sold"]]


async def test_seven_of_one_that_is_not_his_any_more(house):
    """He hears so, and the medium is not told that it is closed."""
    house.state.offers.clear()
    agent = await house.attend(card(), (KEYS, "7"))
    assert agent.heard[-1] == "already-answered"
    assert (house.room.told("closed"), house.desk.asked) == ([], [])


async def test_nine_puts_it_off(house):
    """For as long as a message."""
    agent = await house.attend(card(), (KEYS, "9"))
    assert (agent.heard[-1], house.desk.asked) == ("letter-put-off", [("defer", "101", "o", 60_000)])
    house.desk.answer = "already"
    agent = await house.attend(card(), (KEYS, "9"))
    assert agent.heard[-1] == "already-answered"


async def test_eight_gives_it_to_another_queue(house):
    """Out of those that it is not in; it moves when his leg has ended, and until then nobody has it."""
    menu = phrases.queue_menu({"1": "support"}, "en")
    work = asyncio.create_task(house.attend(card(), (KEYS, "8"), (menu, "1")))
    while not house.letters._tasks:  # noqa: ASYNC110 - his key
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert house.submitted == []
    house.call.state = "waiting"
    agent = await work
    assert agent.heard[-1] == "letter-moved"
    assert house.submitted == [CallSet(call=CALL, queue="support")]
    assert house.desk.asked == [("defer", "101", "o", 10_000)]


async def test_eight_where_there_is_one_queue(tmp_path):
    """There is nowhere else."""
    house = House(tmp_path, queues=["sales"])
    agent = await house.attend(card(), (KEYS, "8"))
    assert "letter-no-other-queue" in agent.heard
    assert house.desk.asked == []


async def test_nothing_is_left_of_it(house):
    """The medium has lost it: the agent hears so, and nobody is rung for it for ever."""
    agent = await house.attend(None)
    assert agent.heard == ["letter-gone"]
    assert house.room.told("closed") == [[CALL, "101", ""]]


async def test_five_megabytes(house):
    """A long message: that is said, its beginning is read at once, and ten minutes of it at most."""
    agent = await house.attend(card(text="Wszystko źle, jak zawsze. " * 200_000, subject="Temat rzeka " * 400_000))
    assert "letter-long" in agent.heard
    assert "Length: 10 minutes." in agent.heard
    [subject] = [one[0] for one in agent.heard if isinstance(one, tuple) and "rzeka" in one[0]]
    assert len(subject) < 250
    read = [one for one in agent.heard if isinstance(one, tuple) and "Wszystko" in one[0]]
    assert read[0] == ("Wszystko źle, jak zawsze.", "pl")
    assert sum(len(words) for words, _ in read) * 60 < 650_000
    assert "letter-cut" in agent.heard


async def test_signs_that_take_long_to_say(tmp_path):
    """Whatever an engine makes of them: after ten minutes it is enough."""
    house = House(tmp_path, length_ms=250_000)
    agent = await house.attend(card(text="% $ # " * 400))
    assert [one for one in agent.heard if isinstance(one, tuple)][2:] == []  # nothing that is a word
    agent = await house.attend(
        card(text="\n".join(f"Line {number} of it is long enough to be read" * 6 for number in range(40)))
    )
    read = [one for one in agent.heard if isinstance(one, tuple) and "Line" in one[0]]
    assert len(read) == 2
    assert "letter-cut" in agent.heard


async def test_a_text_that_no_engine_can_speak(tmp_path):
    """It is said that something cannot be read, and every key still counts."""
    house = House(tmp_path, engines=[])
    agent = await house.attend(card(), (KEYS, "7"))
    assert agent.heard[1] == "letter-unspoken"
    assert house.room.told("closed") == [[CALL, "101", ""]]


HOSTILE = [
    "message-keys",
    "../../../../etc/passwd",
    "${SHELL(touch owned)},1)\r\nAction: Originate",
    '"<>|&;`$()\\\x1b[2J\u202e',
    "-w out.wav --version [[h@l'oU]] <audio src='x'/>",
    "\x00" * 5_000,
    "a" * 100_000,
    "\ud7ff漢字" * 9_000,
]


@pytest.mark.parametrize("evil", HOSTILE)
async def test_nothing_of_it_goes_out_but_as_the_name_of_a_sound(house, evil):
    """What a customer wrote is no prompt's name and no text for the prompts' cache; paths are chosen here."""
    agent = await house.attend(
        card(sender=evil[:200], subject=evil, text=evil, quoted=evil, language=evil[:9], marks=(evil,)),
        (KEYS, "5"),
        (KEYS, "0"),
    )
    ours = {*TEXTS, *(one for ms in range(0, 600_001, 10_000) for one in letter_words.facts(SENT, ms, 0, NOW, "en"))}
    for prompt in agent.prompts:
        if isinstance(prompt, Recording):
            assert prompt.path.startswith(str(house.home.absolute() / "spoken"))
            assert prompt.path.removeprefix(str(house.home.absolute())).replace("/", "").isalnum()
        else:
            assert prompt in ours


@pytest.mark.parametrize(("medium", "title"), [("email", "e-mail from"), ("sms", "SMS from"), ("fax", "fax from")])
def test_what_the_telephone_shows(house, medium, title):
    """What it is, before who wrote; what it is is said by a prompt that is there."""
    house.room.medium = medium
    assert Letters(house.room, house, Transcriber(house)).title == title
    assert letter_words.came_from(medium) in TEXTS
    assert {letter_words.came_from(one) for one in TITLES} <= {*TEXTS}
    assert {f"letter-mark-{mark}" for mark in letter_words.MARKS} <= {*TEXTS}


async def test_a_number_that_wrote(house):
    """Digit by digit, in groups."""
    agent = await house.attend(card(medium="sms", sender="+48601602603", address="+48601602603", subject=""))
    assert agent.heard[:2] == ["letter-sms-from", ("4 8 6, 0 1 6, 0 2 6, 0 3.", "en")]
    assert "letter-no-subject" not in agent.heard
