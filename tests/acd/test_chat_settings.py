"""Chats in acd.conf: what is read, and what is wrong with it, each with its line and how to mend it."""

import pytest

from acd.chat_settings import ChatSettings
from acd.site import check_site, load_site

SITE = """
[general]
name = Acme
[switch]
fallback = 101
[sales]
type = queue
[101]
type = seat
agent = Anna Nowak
pin = 8642
queues = sales
[web]
listen = 127.0.0.1:8080
[shop]
type = chat
queue = sales
origins = https://www.acme.example
"""


@pytest.fixture
def site(tmp_path):
    def write(text=SITE, more=""):
        (tmp_path / "acd.conf").write_text(text + more)
        return tmp_path

    return write


def test_a_chat_is_read(site):
    """With its name and the site's title; what is left out has its default."""
    chats = load_site(site()).chats
    assert chats == {
        "shop": ChatSettings(section="shop", queue="sales", origins=("https://www.acme.example",), title="Acme")
    }


def test_origins_are_as_browsers_send_them(site):
    """In small letters, without the port that goes without saying, each once."""
    text = SITE.replace(
        "https://www.acme.example",
        "https://WWW.Acme.example:443, http://127.0.0.1:8000 https://[::1]:8443, http://localhost:80, https://www.acme.example",
    )
    assert load_site(site(text)).chats["shop"].origins == (
        "https://www.acme.example",
        "http://127.0.0.1:8000",
        "https://[::1]:8443",
        "http://localhost",
    )


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("origins = https://www.acme.example", ""), 15, "has no 'origins'"),
        (("https://www.acme.example", "https://www.acme.example/shop"), 18, "is not an origin such as"),
        (("https://www.acme.example", "*"), 18, "is not an origin such as"),
        (("https://www.acme.example", "https://*.acme.example"), 18, "is not an origin such as"),
        (("https://www.acme.example", "javascript://x"), 18, "is not an origin such as"),
        (("queue = sales\norigins", "queue = slaes\norigins"), 17, "did you mean 'sales'"),
        (("[web]\nlisten = 127.0.0.1:8080\n", ""), 13, "write listen in [web]"),
        (("[shop]", "[store]\ndatabase = none\n[shop]"), 17, "needs a customer file"),
        (("type = chat\n", "type = chat\nmailbox = sales-mail\n"), 17, "there is no mailbox 'sales-mail'"),
        (("type = chat\n", "type = chat\ncallback = yes\n"), 17, "write a section [calling-out]"),
        (("type = chat\n", "type = chat\nask = name, age\n"), 17, "'age' is not known"),
        (("type = chat\n", "type = chat\ngrace = 1s\n"), 17, "out of range"),
        (("[shop]", "[Shop]"), 15, "a chat cannot be named 'Shop'"),
        (("type = chat\n", "type = chat\ncolour = red\n"), 17, "unknown option 'colour' in chat 'shop'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(site, change, line, words):
    """And with how to mend it."""
    assert change[0] in SITE
    errors = [one for one in check_site(site(SITE.replace(*change, 1))) if one.severity == "error"]
    assert [(one.line, words in f"{one}") for one in errors] == [(line, True)], list(map(str, errors))


def test_a_page_that_is_not_encrypted_is_a_warning(site):
    """Not one on this machine, for trying out."""
    text = SITE.replace("https://www.acme.example", "http://www.acme.example http://localhost:8000 http://127.0.0.1")
    told = [str(one) for one in check_site(site(text)) if "not encrypted" in str(one)]
    assert len(told) == 1
    assert "http://www.acme.example" in told[0]
