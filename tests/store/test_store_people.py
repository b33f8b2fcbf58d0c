"""People and what is known of them: found by any way of writing their number, merged and parted, on both databases."""

import pytest

from acd.store import StoreError, merging, people, pop, timeline
from acd.store.handles import HandleError, Named, guess, handle, number
from acd.store.people import Agreed, TakenError, UnknownPersonError
from acd.store.timeline import Contact

NOON = 1_800_000_000_000 - 1_800_000_000_000 % 86_400_000 + 12 * 3_600_000
PHONE, MAIL = Named("number", "+48221234567"), Named("email", "jan@example.com")
HOSTILE = "Robert'); DROP TABLE people;--\x00\x1b]0;\ud800 \u202egpj.exe\r\n=cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    "written",
    ["+48 22 123 45 67", "0048221234567", "221234567", "(22) 123-45-67", "tel:+48221234567", "\uff12\uff121234567"],
)
def test_a_number_is_one_however_it_is_written(written):
    """The site's own country is understood, and so are digits of other scripts."""
    assert number(written, "PL") == PHONE


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("101", ("number", "101")),
        ("Jan.Kowalski+shop@EXAMPLE.com", ("email", "jan.kowalski+shop@example.com")),
        ("zażółć@xn--rsum-bpad.example.org", ("email", "zażółć@résumé.example.org")),
        ("xmpp:Jan@Example.org/phone", ("xmpp", "jan@example.org")),
        ("telegram: @jan ", ("telegram", "@jan")),
    ],
)
def test_addresses_have_one_form_too(written, read):
    """Each kind of address in its normal form."""
    assert guess(written, "PL") == read


@pytest.mark.parametrize(
    "wrong",
    ["", "anonymous", "+", "1", "12345678901234567890" * 9, "a@b@c", "a b@example.com", "@", "x:", "xmpp:a b@c"],
)
def test_what_is_no_number_and_no_address(wrong):
    """A withheld number and nonsense are refused, at any length."""
    with pytest.raises(HandleError):
        guess(wrong, "PL")


def test_a_kind_of_address_is_a_word():
    """Nothing else becomes one."""
    with pytest.raises(HandleError):
        handle("a kind'--", "x")


def test_one_number_is_one_person(database):
    """Found again by it, and by what is added to him; a second person is not made."""
    jan = database.write(people.find_or_make, PHONE, NOON, name="Jan Kowalski")
    assert database.write(people.find_or_make, PHONE, NOON, name="Somebody Else") == jan
    assert database.write(people.give, jan, MAIL, NOON) is True
    assert database.write(people.give, jan, MAIL, NOON) is False
    assert database.read(people.find, MAIL) == jan
    anna = database.write(people.make, NOON, name="Anna")
    with pytest.raises(TakenError, match=f"email jan@example.com belongs to customer {jan}"):
        database.write(people.give, anna, MAIL, NOON)
    assert database.write(people.take_away, anna, MAIL) is False
    assert database.write(people.take_away, jan, MAIL) is True
    assert database.write(people.give, anna, MAIL, NOON) is True
    assert database.read(people.profile, jan).name == "Jan Kowalski"


def test_what_is_known_of_a_person(database):
    """Attributes are replaced and forgotten; of consent the latest word counts, whenever it is told."""
    jan = database.write(people.find_or_make, PHONE, NOON)
    database.write(people.rename, jan, "Jan  Kowalski\n", "pl")
    for value in ("silver", "gold"):
        database.write(people.set_attribute, jan, "Tier", value, NOON)
    database.write(people.set_attribute, jan, "shoe", "43", NOON)
    database.write(people.set_attribute, jan, "shoe", "", NOON)
    for at, given in ((NOON + 5, False), (NOON, True), (NOON, True)):
        said = Agreed(medium="email", purpose="offers", given=given, at=at, how="form 7")
        database.write(people.agree, jan, said)
    found = database.read(people.profile, jan)
    assert (found.name, found.language, found.attributes) == ("Jan Kowalski", "pl", {"tier": "gold"})
    assert [(one.given, one.at, one.how) for one in found.consents] == [(False, NOON + 5, "form 7")]
    with pytest.raises(UnknownPersonError):
        database.write(people.rename, jan + 100, "x")


def test_search_by_name(database):
    """Without accents, by how it begins, else by words anywhere; signs that mean something to LIKE mean themselves."""
    jan = database.write(people.make, NOON, name="Łukasz Żółć")
    anna = database.write(people.make, NOON, name="Anna 100%")
    for words in ("lukasz", "ŁUKASZ ż", "zolc", "zolc LUK"):
        assert database.read(people.search, words) == [jan], words
    assert database.read(people.search, "100%") == [anna]
    for words in ("%", "_nna", "nobody", "", "' OR 1=1 --"):
        assert database.read(people.search, words) == ([anna] if words == "%" else []), words
    database.write(people.give, jan, PHONE, NOON)
    assert database.read(people.search, "22 123 45 67", "PL") == [jan]


def test_hostile_text_is_kept_as_text(database):
    """It is stored without what no database takes, in one line where it is a name, and hurts nobody."""
    jan = database.write(people.find_or_make, PHONE, NOON, name=HOSTILE)
    database.write(people.set_attribute, jan, HOSTILE, HOSTILE, NOON)
    database.write(timeline.note, jan, HOSTILE, NOON, by=HOSTILE)
    found = database.read(people.profile, jan)
    assert found.name == "Robert'); DROP TABLE people;-- ]0; gpj.exe =cmd|' /C calc'!A0"
    assert database.read(people.search, "robert'); drop") == [jan]
    [note] = database.read(timeline.notes, jan)
    assert note.text.startswith("Robert'); DROP TABLE people;--\ufffd")


# Merging


def contact(key, person=None, at=NOON, **more):
    return Contact(
        **{"key": key, "medium": "voice", "direction": "in", "at": at, "person": person, "call": key, **more}
    )


def picture(database, *persons):
    """All that can be asked of some people."""
    return [
        (
            database.read(people.profile, one),
            [row.key for row in database.read(timeline.contacts, one)],
            [row.text for row in database.read(timeline.notes, one)],
        )
        for one in persons
    ]


def two(database):
    """Jan by telephone, and J. Kowalski by mail."""
    jan = database.write(people.find_or_make, PHONE, NOON, name="Jan")
    double = database.write(people.find_or_make, MAIL, NOON, name="J. Kowalski", language="pl")
    database.write(people.set_attribute, jan, "tier", "gold", NOON)
    database.write(people.set_attribute, double, "tier", "silver", NOON)
    database.write(people.set_attribute, double, "city", "Warszawa", NOON)
    database.write(timeline.begin, contact("a", jan, NOON - 20))
    database.write(timeline.begin, contact("b", double, NOON - 10, medium="email"))
    database.write(timeline.note, double, "likes mails", NOON)
    return jan, double


def test_merged_people_are_one(database):
    """Found by either address, with one timeline; what the survivor says counts, and gaps are filled by the other."""
    jan, double = two(database)
    database.write(merging.merge, double, jan, NOON, "101")
    assert database.read(people.find, MAIL) == jan
    [(found, keys, notes)] = picture(database, double)
    assert (found.id, found.name, found.language, found.merged) == (jan, "Jan", "pl", (double,))
    assert found.attributes == {"tier": "gold", "city": "Warszawa"}
    assert set(found.handles) == {PHONE, MAIL}
    assert (keys, notes) == (["b", "a"], ["likes mails"])
    seen = database.read(pop.screen_pop, MAIL, NOON)
    assert (seen.person, seen.today, [one.medium for one in seen.last]) == (jan, 2, ["email", "voice"])


def test_undoing_a_merge_is_exact(database):
    """All moves back, and what was added meanwhile stays with the survivor."""
    jan, double = two(database)
    before = picture(database, jan, double)
    database.write(merging.merge, double, jan, NOON, "101")
    assert database.write(merging.unmerge, double) == jan
    assert picture(database, jan, double) == before
    database.write(merging.merge, double, jan, NOON)
    other = Named("number", "+48601000000")
    database.write(people.give, double, other, NOON)
    database.write(timeline.begin, contact("c", database.read(people.find, MAIL), NOON))
    database.write(timeline.note, double, "since then", NOON + 1)
    database.write(merging.unmerge, double)
    (one, keys, notes), (two_, keys_, notes_) = picture(database, jan, double)
    assert (one.handles, keys, notes) == ((PHONE, other), ["c", "a"], ["since then"])
    assert (two_, keys_, notes_) == before[1]


def test_merges_of_merged_people_come_apart_in_any_order(database):
    """A into B into C: B leaves C with A, or A leaves alone."""
    a, b, c = (database.write(people.make, NOON, name=name) for name in "ABC")
    database.write(merging.merge, a, b, NOON)
    database.write(merging.merge, b, c, NOON + 1)
    roots = lambda: [database.read(people.root_of, one) for one in (a, b, c)]  # noqa: E731 - said four times
    assert roots() == [c, c, c]
    database.write(merging.unmerge, b)
    assert roots() == [b, b, c]
    database.write(merging.merge, b, c, NOON + 2)
    database.write(merging.unmerge, a)
    assert roots() == [a, c, c]
    database.write(merging.unmerge, b)
    assert roots() == [a, b, c]


def test_what_cannot_be_merged(database):
    """Oneself, somebody merged, a stranger; and nobody is parted who is not merged."""
    jan, double = two(database)
    database.write(merging.merge, double, jan, NOON)
    for wrong in ((double, jan), (jan, double), (jan, jan), (jan, 999), (999, jan)):
        with pytest.raises(StoreError):
            database.write(merging.merge, *wrong, NOON)
    for wrong in (jan, 999):
        with pytest.raises(StoreError):
            database.write(merging.unmerge, wrong)
    assert database.read(people.root_of, double) == jan
