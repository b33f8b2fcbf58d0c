"""People taken in from files, hostile ones among them: each whole or not at all, and whoever was not is told of."""

import csv

import pytest

from acd.store import intake, people
from acd.store.intake import IntakeError
from tests.store.test_store_people import HOSTILE, MAIL, NOON, PHONE

CARD = """BEGIN:VCARD
VERSION:3.0
FN:Jan Kowalski
N:Kowalski;Jan;;;
TEL;TYPE=CELL:+48 22 123 45 67
EMAIL;TYPE=INTERNET:Jan@Example.com
IMPP:xmpp:jan@example.org
ORG:Kowalski & Sons;Sales
LANG:pl
PHOTO;ENCODING=b;TYPE=JPEG:AAAA
 BBBB
END:VCARD
"""
OLD_CARD = """BEGIN:VCARD\r
VERSION:2.1\r
N:Wi=C5=9Bniewska;Anna\r
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Anna Wi=C5=9Bniewska\r
TEL;WORK;VOICE:22 765 43 21\r
END:VCARD\r
"""


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def taken(database, path):
    """Take a file in; gives how many are new and known, and what was left."""
    given, left = intake.read(path)
    made = known = 0
    for batch in intake.batches(given):
        report = database.write(intake.take, batch, path.name, "PL", NOON)
        made, known, left = made + report.made, known + report.known, left + report.left
    return made, known, [str(one) for one in left]


def test_a_csv_file(database, tmp_path):
    """Columns by any usual name; who cannot be taken is told with his line; taken in again nothing changes."""
    text = (
        "Name;Phone;E-Mail;tier;attribute city;Fax\r\n"
        '"Kowalski, Jan";221234567|601 000 001;jan@example.com;gold;Łódź;1\r\n'
        'Nobody;;;;;\r\nWrong;12x;;;;\r\n\r\n"Anna\nMaria";+48 601 000 002;;;;\r\nToo;many;;;;;;\r\n'
    )
    path = written(tmp_path, "people.csv", text)
    made, known, left = taken(database, path)
    assert (made, known) == (2, 0)
    assert left == [
        "people.csv:1: column 'fax' is not known",
        "people.csv:8: it has 8 cells, and there are 6 columns",
        "people.csv:3: it has no number and no address, so it could not be told from another",
        "people.csv:4: number '12x': it is no telephone number",
    ]
    jan = database.read(people.profile, database.read(people.find, PHONE))
    assert (jan.name, jan.attributes, len(jan.handles)) == ("Kowalski, Jan", {"tier": "gold", "city": "Łódź"}, 3)
    assert taken(database, path)[:2] == (0, 2)
    assert database.read(people.profile, jan.id) == jan


def test_what_is_known_is_not_overwritten(database, tmp_path):
    """Gaps are filled; who is two customers at once is left alone, whole."""
    jan = database.write(people.find_or_make, PHONE, NOON, name="Jan")
    anna = database.write(people.find_or_make, MAIL, NOON, name="Anna")
    path = written(
        tmp_path,
        "a.csv",
        "name,phone,email,tier\nOther,221234567,new@example.com,gold\nTwo,221234567,jan@example.com,x\n",
    )
    made, known, [left] = taken(database, path)
    assert (made, known) == (0, 1)
    assert left == (
        f"a.csv:3: it is of two customers: +48221234567 is customer {jan}'s and jan@example.com is customer {anna}'s;"
        " merge them first"
    )
    found = database.read(people.profile, jan)
    assert (found.name, found.attributes, len(found.handles)) == ("Jan", {"tier": "gold"}, 2)


def test_vcards(database, tmp_path):
    """Versions 2.1 and 3.0, pictures passed over, one that makes no sense told with its line."""
    wrong = "BEGIN:VCARD\nVERSION:3.0\nthis is no property\nEND:VCARD\n"
    made, _, [left] = taken(database, written(tmp_path, "people.vcf", CARD + wrong + OLD_CARD))
    assert made == 2
    assert left.startswith("people.vcf:13: it cannot be understood: ")
    jan = database.read(people.profile, database.read(people.find, PHONE))
    assert (jan.name, jan.language, [one.kind for one in jan.handles]) == (
        "Jan Kowalski",
        "pl",
        ["xmpp", "number", "email"],
    )
    assert jan.attributes["organisation"] == "Kowalski & Sons; Sales"
    [anna] = database.read(people.search, "anna wisniewska")
    assert database.read(people.profile, anna).handles[0].value == "+48227654321"


def test_hostile_cells_are_text(database, tmp_path):
    """A name that would be a formula, a command or a query elsewhere is a name."""
    path = tmp_path / "h.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["name", "phone"], [HOSTILE.replace("\ud800", ""), "221234567"]])
    assert taken(database, path) == (1, 0, [])
    assert database.read(people.search, "robert'); drop table") != []


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.csv", "", r"a.csv:1: its first line names no column of numbers or addresses"),
        ("a.csv", "name,city\nJan,Rome\n", r"a.csv:1: its first line names no column"),
        ("a.csv", "phone,name,name\n1,2,3\n", r"a.csv:1: it has two columns 'name'"),
        ("a.csv", 'phone,name\n1,"never ends\n2,b\n', r"a.csv:\d: it is no CSV file"),
        ("a.csv", "phone,name\n1," + "x" * 20_000, r"a.csv:2: it is no CSV file: field larger"),
        ("a.csv", "phone," + "," * 300, r"a.csv:1: it has more than 200 columns"),
        ("a.csv", b"phone,name\n1,\xff\n", r"a.csv:2: it is not UTF-8"),
        ("a.csv", b"phone,name\n1,a\x00b\n", None),
        ("a.vcf", "hello", r"a.vcf:1: here a card should begin"),
        ("a.vcf", "", r"a.vcf:1: there is no vCard in it"),
        ("a.vcf", "BEGIN:VCARD\nFN:x\n" * 3, r"a.vcf:3: a card begins inside that of line 1"),
        ("a.vcf", CARD + "BEGIN:VCARD\nFN:x\n", r"a.vcf:13: this card has no end"),
        ("a.exe", "MZ", r"a.exe:1: it must be named"),
    ],
)
def test_files_that_are_none(tmp_path, name, text, why):
    """Nothing is taken in of them, and the message names file and line."""
    path = written(tmp_path, name, text)
    if why is None:
        assert len(intake.read(path)[0]) == 1
        return
    with pytest.raises(IntakeError, match=why + r".*; nothing was taken in$"):
        intake.read(path)


def test_hostile_cards_take_no_time(tmp_path):
    """Long lines, many parameters, endless folding, nested quotes: each card is done with at once, or left."""
    heads = (
        "FN:" + "x" * 70_000,
        "TEL;" + "A=B;" * 5_000 + ":1",
        "FN:x\n" + " y\n" * 5_000,
        'TEL;X="' + '"' * 9_000 + ":1",
    )
    text = "".join(f"BEGIN:VCARD\nVERSION:3.0\n{head}\nEND:VCARD\n" for head in heads)
    given, left = intake.read(written(tmp_path, "a.vcf", text))
    assert len(given) + len(left) == 4
