"""What `[web]` may say, and what is said of it where it stands."""

from acd.mailboxes import Place
from acd.site import examine_site

SITE = """[general]
name = Acme
[switch]
fallback = 101
[sales]
type = queue
[101]
type = seat
agent = Anna
pin = 8642
queues = sales
[web]
"""


def examined(tmp_path, *lines):
    """The settings of the web desk, and what is wrong with it."""
    (tmp_path / "acd.conf").write_text(SITE + "\n".join(lines) + "\n")
    site, problems = examine_site(tmp_path)
    return site.web, [f"{one.file}:{one.line}: {one.message}" for one in problems]


def test_off_unless_written(tmp_path):
    """Without `listen` there is none."""
    assert examined(tmp_path)[0].listen is None


def test_as_written(tmp_path):
    """Address, address for browsers and times are read."""
    web, problems = examined(tmp_path, "listen = 127.0.0.1:8080", "url = https://desk.example", "session = 1h")
    assert (web.listen, web.url, web.session_ms) == (Place("127.0.0.1", 8080), "https://desk.example", 3_600_000)
    assert problems == []


def test_what_cannot_be(tmp_path):
    """A place that is none, an address that is none, a place that is taken: file and line, and which it is."""
    problems = examined(tmp_path, "listen = 8080", "url = desk.example/x")[1]
    assert [one.split(": ")[0] for one in problems] == ["acd.conf:13", "acd.conf:14"]
    taken = examined(tmp_path, "listen = 127.0.0.1:4573")[1]
    assert taken == ["acd.conf:13: 127.0.0.1:4573 is agi_port already"]


def test_open_to_the_network(tmp_path):
    """Beyond loopback it is allowed, with a warning at its line."""
    (problem,) = examined(tmp_path, "listen = 0.0.0.0:8080")[1]
    assert problem.startswith("acd.conf:13: the web desk is not on loopback")
