"""Components of XMPP servers in acd.conf: read, checked with file and line."""

import pytest

from acd.chat_settings import Entrance, XmppEntry, XmppSettings
from acd.mailboxes import Place
from acd.problems import ConfigError
from acd.site import check_site, load_site
from tests.acd.test_mailbox_settings import site_of

XMPP = """[net]
type = xmpp
address = chat.acme.example
secret = geheim-geheim
entry = info sales
"""


def test_a_component_is_read(tmp_path):
    """Each option arrives, and what is left out is what the settings have by themselves; the secret is not shown."""
    site = load_site(site_of(tmp_path, XMPP))
    assert check_site(tmp_path) == []
    assert site.xmpp["net"] == XmppSettings(
        section="net", address="chat.acme.example", secret="geheim-geheim", entries=(XmppEntry("info", "sales"),)
    )
    more = "entry = help.me sales\nhost = [::1]:5275\nshow_agent = no\nnotices = no\ngive_up = 2h\n"
    one = load_site(site_of(tmp_path, XMPP + more)).xmpp["net"]
    assert (one.host, one.notices, one.give_up_ms) == (Place("::1", 5275), False, 7_200_000)
    assert one.entrances["help.me"] == Entrance(section="net/help.me", queue="sales", show_agent=False)
    assert "geheim" not in repr(site)


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("info sales", "info sale", "acd.conf:16: there is no queue 'sale'; did you mean 'sales'?"),
        ("entry = info sales\n", "", "acd.conf:12: 'net' has no 'entry'; write entry = info sales"),
        ("info sales", "Info sales", "acd.conf:16: entry: 'Info sales' is not a name and a queue such as info sales"),
        ("info sales", "info@x sales", "acd.conf:16: entry: 'info@x sales' is not a name and a queue"),
        ("info sales", "info", "acd.conf:16: entry: 'info' is not a name and a queue such as info sales"),
        ("info sales", "info sales\nentry = info sales", "acd.conf:17: entry 'info' stands there twice"),
        ("chat.acme.example", "info@acme", "acd.conf:14: address: 'info@acme' cannot be used; it takes: domain, such"),
        ("chat.acme.example", "a..b", "acd.conf:14: address: 'a..b' cannot be used"),
        ("geheim-geheim", "żółw", "acd.conf:15: secret: this value cannot be used; it takes: 8 to 200 visible ASCII"),
        ("secret = geheim-geheim\n", "", "acd.conf:12: component 'net' has no 'secret'"),
        (
            "entry = info",
            "hots = x\nentry = info",
            "acd.conf:16: unknown option 'hots' in component 'net'; did you mean",
        ),
        ("type = xmpp", "type = xmp", "unknown type 'xmp' of section 'net'; did you mean 'xmpp'?"),
        ("[net]", "[Net]", "acd.conf:12: a component cannot be named 'Net'"),
        ("entry = info", "host = a\nentry = info", "acd.conf:16: host: 'a' is not a host and a port"),
        ("info sales\n", "info sales\n[store]\ndatabase = none\n", "acd.conf:12: 'net' needs a customer file for its"),
        (
            "info sales\n",
            "info sales\n[two]\ntype = xmpp\naddress = chat.acme.example\nsecret = geheim-geheim\nentry = b sales\n",
            "acd.conf:19: chat.acme.example is the address of 'net' already; a component is written once",
        ),
    ],
)
def test_what_is_wrong_has_file_and_line(tmp_path, was, now, message):
    """And a hint how to mend it; a secret is not shown."""
    assert was in XMPP
    with pytest.raises(ConfigError) as raised:
        load_site(site_of(tmp_path, XMPP.replace(was, now)))
    assert message in str(raised.value)
    assert "żółw" not in str(raised.value)


def test_a_server_elsewhere_is_a_warning(tmp_path):
    """Between it and us nothing is encrypted."""
    (problem,) = check_site(site_of(tmp_path, XMPP + "host = xmpp.acme.example:5347\n"))
    assert "acd.conf:17: warning: the chats of 'net' go over the network unencrypted; guard that way" in str(problem)
