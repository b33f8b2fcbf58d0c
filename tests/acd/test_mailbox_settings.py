"""Mailboxes in acd.conf: read, checked with file and line, and with a secret of their own."""

import pytest

from acd.mailboxes import Grant, MailboxSettings, Place
from acd.problems import ConfigError
from acd.site import check_site, load_site
from acd.site_secrets import fill_secrets

REST = """[general]
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
"""
MAILBOX = """[sales-mail]
type = mailbox
address = Sales@Acme.example
queue = sales
smtp = 127.0.0.1:25
smtp_tls = no
"""
IMAP = """imap = imap.acme.example:993
imap_user = sales
imap_secret = geheim
"""
OAUTH = """smtp_user = sales@acme.example
oauth_url = https://login.example/acme/token?api=2
oauth_client = 77-aa
oauth_secret = kryjowka~1
oauth_scope = https://mail.example/.default offline_access
"""


def site_of(tmp_path, text):
    (tmp_path / "acd.conf").write_text(REST + text)
    return tmp_path


def test_a_mailbox_is_read(tmp_path):
    """Each option arrives, and what is left out is what the settings have by themselves."""
    site = load_site(site_of(tmp_path, MAILBOX))
    assert check_site(tmp_path) == []
    assert site.mailboxes["sales-mail"] == MailboxSettings(
        section="sales-mail",
        address="sales@acme.example",
        queue="sales",
        name="Acme",
        smtp=Place("127.0.0.1", 25),
        smtp_tls="no",
        lmtp=Place("127.0.0.1", 2424),
    )
    more = """aliases = a@acme.example, b@acme.example
name = Sales of Acme
lmtp = none
smtp_in = [::1]:2525
give_up = 2d
acknowledge = yes
size_most = 10
authserv = mx.acme.example
tag_secret = sixteen-letters!
smtp_user = acme
smtp_secret = geheim
imap = imap.acme.example:993
imap_user = sales
imap_secret = verborgen
imap_folder = INBOX/Shop
imap_done = delete
"""
    one = load_site(site_of(tmp_path, MAILBOX + more)).mailboxes["sales-mail"]
    assert one.aliases == ("a@acme.example", "b@acme.example")
    assert (one.name, one.lmtp, one.smtp_in) == ("Sales of Acme", None, Place("::1", 2525))
    assert (one.give_up_ms, one.acknowledge, one.size_most) == (2 * 86_400_000, True, 10)
    assert (one.authserv, one.smtp_user) == (("mx.acme.example",), "acme")
    assert (one.imap, one.imap_tls, one.imap_user) == (Place("imap.acme.example", 993), "tls", "sales")
    assert (one.imap_folder, one.imap_done) == ("INBOX/Shop", None)
    assert "geheim" not in repr(one)
    assert "verborgen" not in repr(one)
    assert "sixteen" not in repr(one)


def test_a_mailbox_that_logs_in_with_tokens_is_read(tmp_path):
    """All of its grant arrives, and is that of its neighbour too; without an endpoint there is none."""
    more = OAUTH + IMAP.replace("imap_secret = geheim\n", "") + "oauth_refresh = 0.verborgen\n"
    shop = "[shop](sales-mail)\naddress = shop@acme.example\nimap_user = shop\n"
    site = load_site(site_of(tmp_path, MAILBOX + more + shop))
    assert check_site(tmp_path) == []
    one = site.mailboxes["sales-mail"]
    assert one.grant == site.mailboxes["shop"].grant
    assert one.grant == Grant(
        url="https://login.example/acme/token?api=2",
        client="77-aa",
        secret="kryjowka~1",
        scope="https://mail.example/.default offline_access",
        refresh="0.verborgen",
    )
    for secret in ("kryjowka", "verborgen"):
        assert secret not in repr(one) + repr(one.grant)
    assert load_site(site_of(tmp_path, MAILBOX)).mailboxes["sales-mail"].grant is None


@pytest.mark.parametrize(
    ("was", "now", "complaint"),
    [
        ("https://login", "http://login", "acd.conf:20: oauth_url: secrets would go there unencrypted"),
        ("https://login.example/acme/token?api=2", "login.example", "acd.conf:20: oauth_url: this is no URL"),
        ("https://login.example/acme/token?api=2", "https://a:b@login.example", "acd.conf:20: oauth_url: this is no"),
        ("oauth_url = https://login.example/acme/token?api=2\n", "", "acd.conf:20: mailbox 'sales-mail' has oauth_cli"),
        ("oauth_client = 77-aa\n", "", "acd.conf:20: mailbox 'sales-mail' has oauth_url and no oauth_client; write"),
        ("oauth_secret = kryjowka~1\n", "", "acd.conf:20: mailbox 'sales-mail' has neither oauth_secret nor"),
        ("kryjowka~1", "kryjowka 1", "acd.conf:22: oauth_secret: this value cannot be used"),
        ("offline_access", "offline\taccess", "acd.conf:23: oauth_scope: "),
        ("smtp_user = sales@acme.example\n", "", "acd.conf:19: mailbox 'sales-mail' has oauth_url, and nobody logs in"),
        ("oauth_scope", "smtp_secret = a\noauth_scope", "acd.conf:23: mailbox 'sales-mail' has smtp_secret and oauth"),
        (
            "oauth_scope",
            f"{IMAP}oauth_scope",
            "acd.conf:25: mailbox 'sales-mail' has imap_secret and oauth_url;",
        ),
        (
            "oauth_scope",
            "imap = 127.0.0.1:1\noauth_scope",
            "acd.conf:23: mailbox 'sales-mail' has imap and no imap_user",
        ),
        (
            "oauth_scope",
            "imap = mx.example:143\nimap_user = a\nimap_tls = no\noauth_scope",
            "acd.conf:25: its tokens and mails would go over the network unencrypted; write imap_tls = tls",
        ),
        (
            "oauth_scope",
            "smtp = mx.example:25\noauth_scope",
            "acd.conf:17: mailbox 'sales-mail' would send its tokens over the network unencrypted; write smtp_tls",
        ),
    ],
)
def test_what_goes_not_together_with_tokens_is_told(tmp_path, was, now, complaint):
    """With its line, and how to mend it; never a secret."""
    text = MAILBOX + "; tokens\n" + OAUTH
    assert was in text
    with pytest.raises(ConfigError) as told:
        load_site(site_of(tmp_path, text.replace(was, now)))
    assert any(complaint in str(one) for one in told.value.problems), [str(one) for one in told.value.problems]
    assert "kryjowka" not in str(told.value)


def test_its_secret_is_made_once(tmp_path):
    """Kept in the home, and long enough to sign with."""
    site = load_site(site_of(tmp_path, MAILBOX))
    first = fill_secrets(site, tmp_path).mailboxes["sales-mail"].tag_secret
    assert len(first) == 16
    assert fill_secrets(site, tmp_path).mailboxes["sales-mail"].tag_secret == first


@pytest.mark.parametrize(
    ("was", "now", "complaint"),
    [
        ("queue = sales\nsmtp", "queue = sails\nsmtp", "acd.conf:15: there is no queue 'sails'; did you mean 'sales'?"),
        ("Sales@Acme", "sales+x@acme", "acd.conf:14: address: 'sales+x@acme.example' is not an address"),
        ("smtp_tls = no", "smtp_tls = maybe", "acd.conf:17: smtp_tls: 'maybe' is not known"),
        ("smtp = 127.0.0.1:25\n", "", "mailbox 'sales-mail' has no 'smtp'"),
        ("smtp_tls = no", "smtp_tls = no\nlmtp = 1.2.3.4", "'1.2.3.4' is not a host and a port such as 127.0.0.1:2424"),
        ("smtp_tls = no", "smtp_tls = no\nlmtp = none", "acd.conf:18: no mail can come into mailbox 'sales-mail'"),
        (
            "smtp_tls = no",
            f"smtp_tls = no\n{IMAP}imap_done = inbox",
            "acd.conf:21: mails would be fetched from inbox, and",
        ),
        (
            "smtp_tls = no",
            f"smtp_tls = no\n{IMAP}imap_tls = no",
            "acd.conf:21: its password and mails would go over the",
        ),
        ("smtp_tls = no", f"smtp_tls = no\n{IMAP}imap_done = a*b", "acd.conf:21: imap_done: 'a*b' cannot be used"),
        (
            "smtp_tls = no",
            "smtp_tls = no\nimap = a.example:993",
            "acd.conf:18: mailbox 'sales-mail' has imap and no imap_user",
        ),
        (
            "smtp_tls = no",
            f"smtp_tls = no\n{IMAP}[b](sales-mail)\naddress = b@acme.example",
            "mails in this folder could be of",
        ),
        ("smtp_tls = no", "smtp_tls = no\nsmtp_user = a", "mailbox 'sales-mail' has smtp_user and no smtp_secret"),
        ("smtp_tls = no", "smtp_tls = no\nsmtp_in = 127.0.0.1:2424", "127.0.0.1:2424 is for lmtp already"),
        ("smtp_tls = no", "smtp_tls = no\ntag_secret = short", "tag_secret: this value cannot be used"),
        ("smtp_tls = no", "smtp_tls = no\n[store]\ndatabase = none", "mailbox 'sales-mail' needs a customer file"),
        ("smtp_tls = no", "smtp_tls = no\n[b](sales-mail)", "mails to sales@acme.example could be of mailbox"),
        ("smtp_tls = no", "smtp_tls = no\nadress = x", "unknown option 'adress' in mailbox 'sales-mail'; did you mean"),
    ],
)
def test_every_mistake_is_told(tmp_path, was, now, complaint):
    """With its line, and how to mend it."""
    assert was in MAILBOX
    with pytest.raises(ConfigError) as told:
        load_site(site_of(tmp_path, MAILBOX.replace(was, now)))
    assert any(complaint in str(one) for one in told.value.problems), [str(one) for one in told.value.problems]


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ("lmtp = 0.0.0.0:2424\n", "lmtp of 'sales-mail' is not on loopback, and whoever gets there can bring mails"),
        ("smtp = mx.acme.example:25\n", "mails go over the network unencrypted"),
        ("smtp = mx.acme.example:25\nsmtp_user = a\nsmtp_secret = b\n", "its password and mails go over the network"),
    ],
)
def test_what_is_worth_a_look(tmp_path, more, complaint):
    """What strangers could reach or read is warned of."""
    text = MAILBOX.replace("smtp = 127.0.0.1:25\n", "") if "smtp =" in more else MAILBOX
    assert any(complaint in str(one) for one in check_site(site_of(tmp_path, text + more)))
