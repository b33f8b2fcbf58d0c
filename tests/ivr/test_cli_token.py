"""`callfloor token`: made, shown once, listed, removed."""

from typer.testing import CliRunner

from acd.desk.web.tokens import TokenError, TokenFile
from ivr.cli import app
from tests.ivr.server_house import SAMPLE


def run(tmp_path, *words):
    return CliRunner().invoke(app, ["token", *words, "--site", str(SAMPLE), "--home", str(tmp_path)])


def test_made_listed_and_removed(tmp_path):
    """What `add` prints opens the door, `list` never shows it, and `remove` ends it."""
    made = run(tmp_path, "add", "wallboard", "--scope", "read").output.strip()
    found = TokenFile(tmp_path).find(made)
    assert (found.name, found.scopes, found.seat) == ("wallboard", ("read",), "")
    assert run(tmp_path, "add", "dialer", "--scope", "customers", "--scope", "agent", "--seat", "101").exit_code == 0
    listed = run(tmp_path, "list").output
    assert [line.partition("  made ")[0] for line in listed.splitlines()] == [
        "wallboard  read",
        "dialer  agent, customers  seat 101",
    ]
    assert made not in listed
    assert run(tmp_path, "remove", "wallboard").output == "token wallboard is removed\n"
    assert TokenFile(tmp_path).find(made) is None


def test_mistakes(tmp_path):
    """A scope and a seat that there is not, and a name that is no more: in words, with what was meant."""
    for words, said in (
        (("add", "x", "--scope", "raed"), "did you mean 'read'?"),
        (("add", "x", "--scope", "agent", "--seat", "999"), "there is no seat '999'"),
        (("remove", "x"), "there is no token 'x'"),
    ):
        error = run(tmp_path, *words).exception
        assert isinstance(error, TokenError)
        assert said in str(error)
