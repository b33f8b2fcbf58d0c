"""The customer file is opened on either database, brought to its present form, and refused if it is of a later one."""

import re
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from acd.store import StoreError, people
from acd.store.database import Database, config
from acd.store.handles import Named
from acd.store.privacy import Base  # and with it all tables

ANNA = Named("number", "+48221234567")


def test_migrations_make_what_the_tables_say(database):
    """What comes out of all migrations is what `schema` declares, to the last index."""
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_files_are_made_beside_each_other(tmp_path):
    """As where a server's successor begins in the same process: each makes its own file, whole."""
    with ThreadPoolExecutor(6) as threads:
        made = list(threads.map(Database, [f"sqlite:///{tmp_path}/{number}.sqlite3" for number in range(6)]))
    for database in made:
        with database.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        database.close()


def test_a_file_of_any_earlier_form_is_migrated(url):
    """From each form that there ever was, opening leads to the present one."""
    database = Database(url)
    with database.engine.connect() as connection:
        forms = [one.revision for one in ScriptDirectory.from_config(config(connection)).walk_revisions()]
    assert forms[-1] == "0001"
    for form in forms:
        with database.engine.begin() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                table.drop(connection, checkfirst=True)
            connection.execute(text("DELETE FROM alembic_version"))
            command.upgrade(config(connection), form)
        database.close()
        database = Database(url)
        with database.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    database.close()


def test_a_file_of_a_newer_callfloor_is_refused(url):
    """It is left as it is, and the message says what to do."""
    database = Database(url)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(StoreError, match=r"of a newer callfloor \(its form is 9999, this one knows [0-9]{4}\)"):
        Database(url)


def test_what_is_kept_outlives_closing(url):
    """A person made before is found after the file was opened again."""
    database = Database(url)
    made = database.write(people.find_or_make, ANNA, 1)
    database.close()
    database = Database(url)
    assert database.read(people.find, ANNA) == made
    database.close()


def test_a_failed_change_changes_nothing(database):
    """What a function did before it failed is undone."""

    def fail(session):
        people.find_or_make(session, ANNA, 1)
        raise KeyError

    with pytest.raises(KeyError):
        database.write(fail)
    assert database.read(people.find, ANNA) is None


def test_two_who_meet_the_same_stranger_make_one_person(database, url):
    """Writers in eight connections at once find or make the same numbers: each number is one person's."""
    found, others = [], [Database(url) for _ in range(8)]

    def meet(other):
        found.extend(
            [other.write(people.find_or_make, Named("number", f"+4822000{number:04}"), 1) for number in range(20)]
        )

    threads = [threading.Thread(target=meet, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        other.close()
    assert len(found) == 160
    assert len(set(found)) == 20
    assert database.read(lambda session: session.scalar(text("SELECT count(*) FROM people"))) == 20


@pytest.mark.parametrize("wrong", ["", "customers.db", "mysql://a:secret@b/c", "sqlite://", "sqlite:///:memory:"])
def test_what_is_no_place_for_a_customer_file(wrong):
    """The message names what can be written, and shows no password."""
    with pytest.raises(StoreError, match=r"sqlite:///PATH") as said:
        Database(wrong)
    assert "secret" not in str(said.value)


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path):
    """PostgreSQL that is not there is a StoreError."""
    with pytest.raises(StoreError, match=r"postgresql\+psycopg://u:\*\*\*@/x.* fails: ") as said:
        Database(f"postgresql://u:geheim@/x?host={tmp_path}")
    assert "geheim" not in str(said.value)


def test_sqlite_files_are_for_their_owner_alone(tmp_path):
    """People's data is readable by nobody else, and a path with a folder that is missing will do."""
    path = tmp_path / "deep" / "customers.sqlite3"
    Database(f"sqlite:///{path}").close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_instead_of_a_file_is_told(tmp_path):
    """SQLite that cannot open its file is a StoreError."""
    with pytest.raises(StoreError, match=re.escape(str(tmp_path))):
        Database(f"sqlite:///{tmp_path}")


def test_the_migrations_are_shipped():
    """Alembic finds them by their folder, which is a package so that it is installed."""
    folder = Path(people.__file__).parent / "migrations"
    assert (folder / "__init__.py").exists()
    assert (folder / "versions" / "__init__.py").exists()
