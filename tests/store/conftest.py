"""A customer file on either database, for every test of it."""

from itertools import count

import psycopg
import pytest

from acd.store.database import Database
from acd.store.files import Files
from tests.store import postgres

numbers = count(1)


@pytest.fixture(scope="session")
def server():
    """URLs of databases in a PostgreSQL, by name."""
    try:
        with postgres.running() as url:
            yield url
    except postgres.MissingError as reason:
        pytest.skip(str(reason))


def made_in(server):
    """Make a database; gives its URL."""
    name = f"file{next(numbers)}"
    with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.format(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'customers.sqlite3'}"
    return made_in(request.getfixturevalue("server"))


@pytest.fixture
def database(url):
    """An empty customer file."""
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "files")
