"""A person's data handed out, and gone: in the tables, in files, in the bytes of the database; and what is too old."""

import json

import pytest
from sqlalchemy import text

from acd.store import merging, people, privacy, timeline
from acd.store.handles import Named
from acd.store.people import Agreed
from acd.store.schema import Base
from acd.store.timeline import File, Written
from tests.store.test_store_people import MAIL, NOON, PHONE, contact

DAY = 86_400_000
SECRETS = ("Zdzisław", "gwiazda", "48221234567", "zdzislaw@", "Poznań", "kalosze", "kw-77")
LARGE = b"kw-77 " * 10_000


def life(database, files):
    """Somebody of whom everything is kept, with a double who is merged into him."""
    him = database.write(people.find_or_make, PHONE, NOON, name="Zdzisław")
    double = database.write(people.find_or_make, Named("email", "zdzislaw@example.com"), NOON, name="Zdzisław G")
    database.write(people.set_attribute, him, "city", "Poznań", NOON)
    database.write(people.agree, him, Agreed(medium="sms", purpose="kalosze", given=True, at=NOON, how="kalosze"))
    call = database.write(timeline.begin, contact("1.1", him, ended_at=NOON + 5, outcome="answered", queue="sales"))
    mail = database.write(
        timeline.begin,
        contact("m", double, medium="email", subject="kalosze", summary="kalosze", queue="mail", ended_at=NOON),
    )
    database.write(
        timeline.write,
        mail,
        Written(
            ref="<kalosze@example.com>",
            direction="in",
            at=NOON,
            sender="zdzislaw@example.com",
            subject="gwiazda",
            body="gwiazda",
            html="<b>gwiazda",
            files=(
                File(name="kalosze.txt", content_type="text/plain", kept=files.keep(b"kalosze")),
                File(name="large.pdf", content_type="application/pdf", kept=files.keep(LARGE)),
            ),
        ),
    )
    database.write(timeline.note, him, "gwiazda", NOON, interaction=call)
    database.write(timeline.note, double, "gwiazda", NOON)
    database.write(merging.merge, double, him, NOON)
    return him, double


def everything(database):
    """All text in all tables."""
    with database.engine.connect() as connection:
        tables = [connection.execute(table.select()).all() for table in Base.metadata.sorted_tables]
    return repr(tables)


def test_an_export_is_all_there_is(database, files):
    """Every word that is kept of a person and his double is in it, and nothing of others; it is JSON."""
    him, _ = life(database, files)
    other = database.write(people.find_or_make, MAIL, NOON, name="Somebody Else")
    database.write(timeline.begin, contact("2.1", other))
    told, attachments = database.read(privacy.export, him)
    said = json.dumps(told, ensure_ascii=False)
    for secret in SECRETS[:-1]:
        assert secret in said
    assert "Somebody" not in said
    assert "2.1" not in said
    assert [files.content(one) for one in attachments] == [b"kalosze", LARGE]
    assert {one["key"] for one in told["contacts"]} == {"1.1", "m"}


def test_erasure_leaves_counts_and_no_trace(database, files, tmp_path):
    """No word of the person, his double, or their files is left in any table, nor in any byte of SQLite's files."""
    him, double = life(database, files)
    other = database.write(people.find_or_make, MAIL, NOON, name="Somebody Else")
    made = database.write(timeline.begin, contact("2.1", other))
    shared = File(name="x", content_type="", kept=files.keep(b"shared " * 10_000))
    database.write(timeline.write, made, Written(ref="2", direction="in", at=NOON, body="hello", files=(shared,)))
    erased = database.write(privacy.erase, double)
    assert (erased.people, erased.contacts, erased.messages) == (2, 2, 1)
    assert database.read(files.remove, erased.hashes) == 1
    left = everything(database)
    for secret in (*SECRETS, "'1.1'"):
        assert secret not in left
    assert database.read(people.find, PHONE) is None
    for person in (him, double):
        with pytest.raises(people.UnknownPersonError):
            database.read(people.root_of, person)
    with database.engine.connect() as connection:
        rows = connection.execute(text("SELECT medium, queue, outcome FROM interactions WHERE person_id IS NULL")).all()
    assert sorted(map(tuple, rows)) == [("email", "mail", ""), ("voice", "sales", "answered")]
    assert [one.key for one in database.read(timeline.contacts, other)] == ["2.1"]
    assert files.path(shared.kept.hash).exists()
    database.settle()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert [secret for secret in SECRETS if secret.encode() in kept] == []


def test_a_call_that_lasts_ends_on_the_timeline_after_its_caller_was_erased(database):
    """The journal still tells of it by its id: it is forgotten with the next erasure, not before."""
    him = database.write(people.find_or_make, PHONE, NOON)
    database.write(timeline.begin, contact("1.1", him))
    database.write(privacy.erase, him)
    assert "'1.1'" in everything(database)


def test_what_is_too_old_is_forgotten_by_medium(database, files):
    """Bodies first, then contacts, in batches; what lasts, is young, or is kept for ever stays."""
    him = database.write(people.find_or_make, PHONE, NOON)
    for number in range(7):
        old = NOON - 100 * DAY + number
        medium = "email" if number % 2 else "voice"
        made = database.write(
            timeline.begin, contact(f"c{number}", him, old, medium=medium, subject="old", ended_at=old)
        )
        file = File(name="a", content_type="", kept=files.keep(LARGE + bytes([number])))
        database.write(
            timeline.write, made, Written(ref=str(number), direction="in", at=old, body="old", files=(file,))
        )
    database.write(timeline.begin, contact("lasts", him, NOON - 100 * DAY))
    database.write(timeline.begin, contact("young", him, NOON - 5 * DAY, ended_at=NOON, subject="young"))

    def until_done(forget, rules):
        done, hashes = [], set()
        while (some := database.write(forget, rules, NOON, most=2))[0]:
            done.append(some[0])
            hashes |= some[1]
        return done, database.read(files.remove, hashes)

    assert until_done(privacy.forget_bodies, {"all": 0}) == ([], 0)
    assert until_done(privacy.forget_bodies, {"all": 30, "voice": 0}) == ([2, 1], 3)
    rows = database.read(timeline.contacts, him)
    assert {(row.medium, row.subject) for row in rows if row.key.startswith("c")} == {("email", ""), ("voice", "old")}
    assert until_done(privacy.forget_contacts, {"voice": 30}) == ([2, 2], 4)
    assert [row.key for row in database.read(timeline.contacts, him)] == ["young", "c5", "c3", "c1", "lasts"]
