"""Message centres in acd.conf: read, checked with file and line."""

import pytest

from acd.mailboxes import Place
from acd.problems import ConfigError
from acd.site import check_site, load_site
from acd.smscs import OwnNumber, SmscSettings
from ivr.check import check
from tests.acd.test_mailbox_settings import site_of

SMSC = """[operator]
type = smsc
host = 127.0.0.1:2775
user = acme
number = +48 22 123 45 67 sales
"""


def test_a_message_centre_is_read(tmp_path):
    """Each option arrives, and what is left out is what the settings have by themselves."""
    site = load_site(site_of(tmp_path, SMSC))
    assert check_site(tmp_path) == []
    assert site.smscs["operator"] == SmscSettings(
        section="operator",
        host=Place("127.0.0.1", 2775),
        user="acme",
        numbers=(OwnNumber("+48221234567", "sales"),),
    )
    more = """secret = geheim
number = 7171 sales
number = Acme Shop sales
bind = receiver
answers_by = out
system_type = VMA
tls = yes
window = 5
rate = 20
enquire = 10s
alphabet = latin1
parts = 1h
give_up = 2d
acknowledge = yes
stop_words = BASTA, ФИНИШ
start_words = HOLA
[out]
type = smsc
host = 127.0.0.1:2776
user = acme
bind = transmitter
"""
    site = load_site(site_of(tmp_path, SMSC + more))
    one = site.smscs["operator"]
    assert (one.bind, one.answers_by, one.system_type, one.tls) == ("receiver", "out", "VMA", True)
    assert [own.number for own in one.numbers] == ["+48221234567", "7171", "Acme Shop"]
    assert (one.window, one.rate, one.enquire_ms, one.alphabet) == (5, 20, 10_000, "latin1")
    assert (one.parts_ms, one.give_up_ms, one.acknowledge) == (3_600_000, 172_800_000, True)
    assert (one.stop_words, one.start_words) == (("BASTA", "ФИНИШ"), ("HOLA",))
    assert "geheim" not in repr(site)
    assert site.smscs["out"].numbers == ()


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("67 sales", "67 sale", "acd.conf:16: there is no queue 'sale'; did you mean 'sales'?"),
        ("number = +48 22 123 45 67 sales\n", "", "acd.conf:12: 'operator' has no 'number'"),
        ("67 sales", "67", "acd.conf:16: there is no queue '67'"),
        ("+48 22 123 45 67", "+48x", "acd.conf:16: number: '+48x sales' is not a number and a queue such as"),
        ("67 sales", "67 sales\nnumber = +48221234567 sales", "acd.conf:17: number +48221234567 stands there twice"),
        ("user = acme", "user = acme\nbind = receiver", "acd.conf:16: nothing sends the answers of 'operator'"),
        ("user = acme", "user = acme\nanswers_by = x", "acd.conf:16: there is no section 'x' that sends texts"),
        ("user = acme", "user = acme\n[store]\ndatabase = none\n[operator](+)", "'operator' needs a customer file"),
        ("user = acme", "user = acme\nbynd = x", "unknown option 'bynd' in message centre 'operator'; did you mean"),
        ("127.0.0.1:2775", "127.0.0.1", "acd.conf:14: host: '127.0.0.1' is not a host and a port"),
        ("user = acme", "user = acme\nsecret = żółw", "acd.conf:16: secret: this value cannot be used"),
    ],
)
def test_what_is_wrong_has_file_and_line(tmp_path, was, now, message):
    """And a hint how to mend it; a secret is not shown."""
    assert was in SMSC
    with pytest.raises(ConfigError) as raised:
        load_site(site_of(tmp_path, SMSC.replace(was, now)))
    assert message in str(raised.value)
    assert "żółw" not in str(raised.value)


def test_a_password_in_the_open_is_a_warning(tmp_path):
    """But not on loopback."""
    text = SMSC.replace("127.0.0.1", "smpp.example.com") + "secret = geheim\n"
    (problem,) = check_site(site_of(tmp_path, text))
    assert "the password of 'operator' and its texts go over the network unencrypted" in str(problem)


def test_a_template_is_checked(tmp_path):
    """With its file and line, like those of mails."""
    (tmp_path / "sms").mkdir()
    (tmp_path / "sms" / "hours.en.txt").write_text("We open at ${tme}.\n")
    problems = [str(one) for one in check(site_of(tmp_path, SMSC))]
    assert any("sms/hours.en.txt:1: unknown variable '${tme}'; did you mean 'time'?" in one for one in problems)


GATEWAY = """[cloud]
type = sms-gateway
secret = sixteen-letters-and-more
number = +48221234567 sales
url = https://api.example.com/send?to=${to}
"""


def test_a_gateway_is_read(tmp_path):
    """Its body is JSON by itself; several headers; nothing secret is shown."""
    site = load_site(site_of(tmp_path, GATEWAY + "header = X-Key: geheim\nheader = X-Other: b\n"))
    assert check_site(tmp_path) == []
    one = site.gateways["cloud"]
    assert (one.listen, one.method, one.form, one.timeout_ms) == (Place("127.0.0.1", 8025), "POST", "json", 10_000)
    assert one.headers == (("X-Key", "geheim"), ("X-Other", "b"))
    assert (one.id_field, one.from_field, one.to_field, one.text_field) == ("id", "from", "to", "text")
    assert "geheim" not in repr(site)
    assert "sixteen" not in repr(site)


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("secret = sixteen-letters-and-more\n", "", "acd.conf:12: gateway 'cloud' has no 'secret'"),
        ("sixteen-letters-and-more", "short", "acd.conf:14: secret: this value cannot be used"),
        ("${to}", "${tu}", "acd.conf:16: url: there is no variable '${tu}'; known are from, to, text, id"),
        ("https://api.example.com", "https://${to}", "acd.conf:16: url: this is no URL"),
        ("https:", "file:", "acd.conf:16: url: this is no URL"),
        ("${to}\n", "${to}\nbody = {\n", "acd.conf:17: body: it is no JSON"),
        ("${to}\n", "${to}\nform = form\nbody = a=${text\n", "acd.conf:18: body: a '${' is never closed"),
        ("${to}\n", "${to}\nheader = a b\n", "acd.conf:17: header: this is no header; write NAME: VALUE"),
        ("${to}\n", "${to}\nanswers_by = x\n", "acd.conf:17: there is no section 'x' that sends texts"),
    ],
)
def test_what_is_wrong_with_a_gateway(tmp_path, was, now, message):
    """As of a message centre."""
    assert was in GATEWAY
    with pytest.raises(ConfigError) as raised:
        load_site(site_of(tmp_path, GATEWAY.replace(was, now)))
    assert message in str(raised.value)


def test_what_goes_in_the_open_is_a_warning(tmp_path):
    """Where it listens, and where answers go."""
    text = GATEWAY.replace("https:", "http:") + "listen = 0.0.0.0:8025\n"
    told = [str(one) for one in check_site(site_of(tmp_path, text))]
    assert ["listen of 'cloud' is not on loopback" in told[0], "'cloud' go over the network" in told[1]] == [True] * 2
