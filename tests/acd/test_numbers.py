"""Numbers: one form, whatever was written, and judged by that form alone."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.numbers import Plan, destination, emergency_numbers, plain_number, rate_of, written

PLAN = Plan(country="DE", allow=("DE", "PL", "+4420", "116117"), deny=("+49176", "+48228"))


def in_script(text, nought):
    """The same digits, as a script writes them whose nought this is."""
    return "".join(chr(nought + int(char)) if char.isdigit() else char for char in text)


def judged(text, plan=PLAN):
    found = destination(text, plan)
    return found.number, found.barred


@pytest.mark.parametrize(
    "text",
    [
        "030 1234567",
        "0049301234567",
        "+49 (0)30 / 123-4567",
        "+49301234567",
        "tel:+49-30-1234567",
        in_script("0301234567", 0xFF10),  # full width
        in_script("0301234567", 0x0660),  # Arabic
        " 030.1234567 ",
    ],
)
def test_one_number_however_it_is_written(text):
    """Blanks, brackets, other digits, the way out of the country: it is the same number."""
    assert judged(text) == ("+49301234567", "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "hello",
        "1-800-FLOWERS",
        "+49301234567;ext=5",
        "030123;phone-context=+960",
        "+49301234567&PJSIP/x",
        "s,1,System(id)",
        "${SHELL(id)}",
        "+4930\n1234567",
        "++49301234567",
        "030*1234567",
        "1" * 65,
        "+49" + "3" * 20,
        "sip:+49301234567@evil",
    ],
)
def test_what_is_no_number(text):
    """Nothing is dialled that depends on how somebody else would understand the rest."""
    assert judged(text) == ("", "no-number")


@pytest.mark.parametrize(
    ("text", "barred"),
    [
        ("+9607001234", "not-allowed"),  # Maldives
        ("+18765551234", "not-allowed"),  # Jamaica, under the country code of the USA
        ("+8821612345678", "not-allowed"),  # satellite
        ("+442079460958", ""),
        ("+441614960000", "not-allowed"),
        ("0900 1234567", "premium"),
        ("0137 1234567", "premium"),
        ("017612345678", "denied"),
        ("+48221234567", ""),
        ("+48228123456", "denied"),
        ("116117", ""),
        ("11833", "not-allowed"),
        ("0199 12345678", "unknown"),
    ],
)
def test_what_may_be_called(text, barred):
    """The longest entry that fits decides; premium and unknown ranges stay closed."""
    assert destination(text, PLAN).barred == barred


def test_what_a_site_that_says_nothing_may_call():
    """Its own country, and no premium number of it; those where it says so."""
    plan = Plan(country="PL")
    assert judged("22 123 45 67", plan) == ("+48221234567", "")
    assert judged("+49301234567", plan) == ("+49301234567", "not-allowed")
    assert judged("+48701123456", plan)[1] == "premium"
    assert judged("+48701123456", Plan(country="PL", premium=True))[1] == ""


def test_a_prefix_that_the_site_names_knows_better_than_the_table():
    """A range that is too young for it, for one."""
    assert destination("019912345678", PLAN).barred == "unknown"
    assert destination("019912345678", Plan(country="DE", allow=("+49199",))).barred == ""


def test_emergencies():
    """Those of the country, and exactly those: one digit more is another number."""
    assert emergency_numbers("DE") == ("110", "112")
    assert "911" in emergency_numbers("US")
    found = destination("112", Plan(country="DE", deny=("112",)))
    assert (found.kind, found.barred) == ("emergency", "")
    assert destination("1120", PLAN).kind != "emergency"
    assert destination("911", PLAN).barred == "not-allowed"


@pytest.mark.parametrize(
    ("form", "dialled"), [("plus", "+48221234567"), ("digits", "48221234567"), ("national", "0048221234567")]
)
def test_how_it_is_dialled(form, dialled):
    """As the line wants it; a short number as it is."""
    assert written("+48221234567", form, "DE") == dialled
    assert written("112", form, "DE") == "112"
    assert written("+49301234567", "national", "DE") == "0301234567"


def test_rates():
    """The longest prefix counts."""
    rates = {"+": 90, "+49": 2, "+4917": 9}
    assert [rate_of(number, rates) for number in ("+4930", "+49176", "+48")] == [2, 9, 90]
    assert rate_of("+48", {"+49": 2}) is None


@given(st.text(max_size=80))
def test_any_text_at_all(text):
    """What comes out is `+` and digits, or digits, or nothing; and a barred one is never without a reason."""
    found = destination(text, PLAN)
    assert not found.number or found.number.removeprefix("+").isascii()
    assert not found.number or found.number.removeprefix("+").isdigit()
    assert found.number or found.barred
    assert found.barred or found.country in {"DE", "PL", "GB"}


IRSF = (
    "+960",
    "+221",
    "+220",
    "+371",
    "+372",
    "+252",
    "+216",
    "+53",
    "+881",
    "+882",
    "+1876",
    "+1473",
    "+44702",
    "+49900",
)
"""Where stolen telephones call (international revenue share fraud), and premium ranges at home."""


def disguised(rng, number):
    """A number as a thief would write it."""
    digits = number[1:]
    form = rng.choice(["+{}", "00{}", "tel:+{}", "+{} ", "00 {}", "+({})", "+{}."]).format(digits)
    if rng.random() < 0.3:
        form = in_script(form, 0xFF10)
    if rng.random() < 0.3:
        form = "-".join([form[: len(form) // 2], form[len(form) // 2 :]])
    return form + rng.choice(["", "", "", "#", ";ext=1", "&PJSIP/112@trunk", ",1,Dial(x)"])


def test_ten_thousand_attempts():
    """However a number of theirs is written, it does not go."""
    rng = random.Random(7)
    plan = Plan(country="DE", allow=("DE", "US", "GB"))
    for _ in range(10_000):
        number = rng.choice(IRSF) + "".join(rng.choices("0123456789", k=rng.randint(4, 9)))
        text = disguised(rng, number)
        found = destination(text, plan)
        assert found.barred, (number, text, found)


def test_a_number_stays_what_it_is():
    """Reading the form again changes nothing."""
    assert plain_number("+49301234567") == "+49301234567"
    assert judged(destination("030 1234567", PLAN).number) == ("+49301234567", "")
