"""Webhooks and CRMs in acd.conf: read, checked with file and line; secrets are made, kept, and never shown."""

import base64
from pathlib import Path

import pytest

from acd.happenings import TOLD
from acd.site import check_site, load_site
from acd.site_secrets import fill_secrets
from acd.webhooks import CrmSettings, WebhookSettings
from tests.acd.test_mailbox_settings import site_of
from tests.hooks.certificates import Authority

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOK = "[shop]\ntype = webhook\nurl = https://shop.example.com/hooks?key=geheim\n"


def test_a_webhook_and_a_crm_are_read(tmp_path):
    """Each option arrives, and what is left out is what the settings have by themselves."""
    authority = Authority(tmp_path)
    site = load_site(site_of(tmp_path, f"{HOOK}secret = {SECRET}\n[crm]\ntype = crm\nurl = http://[::1]:8000/\n"))
    assert check_site(tmp_path) == []
    url = "https://shop.example.com/hooks?key=geheim"
    assert site.webhooks == {"shop": WebhookSettings(section="shop", url=url, secret=SECRET)}
    assert site.crms == {"crm": CrmSettings(section="crm", url="http://[::1]:8000/")}
    more = f"""secret = {SECRET}
old_secret = whsec_{"QUJD" * 10}
events = contact-over, seat
queues = sales
timeout = 500ms
give_up = 3d
backlog = 500
private = yes
ca = {authority.path}
"""
    one = load_site(site_of(tmp_path, HOOK + more)).webhooks["shop"]
    assert (one.events, one.queues, one.timeout_ms) == (("contact-over", "seat"), ("sales",), 500)
    assert (one.give_up_ms, one.backlog, one.private, one.ca) == (259_200_000, 500, True, authority.path)
    assert one.old_secret.startswith("whsec_QUJD")


def test_a_secret_is_made_once_and_kept(tmp_path):
    """32 random bytes, for each its own; neither it nor the URL is shown."""
    site = load_site(site_of(tmp_path, f"{HOOK}[crm]\ntype = crm\nurl = https://crm.example.com/\n"))
    made = fill_secrets(site, tmp_path / "home")
    secret = made.webhooks["shop"].secret
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert secret != made.crms["crm"].secret
    assert fill_secrets(site, tmp_path / "home") == made
    assert secret not in repr(made)
    assert "geheim" not in repr(made)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("url = ftp://shop.example.com/", "url: this is no URL such as"),
        ("url = https://user:geheim@shop.example.com/", "url: this is no URL such as"),
        ("url = https://shop.example.com/#geheim", "url: this is no URL such as"),
        ("url = https://shop.example.com:99999/geheim", "url: its port is out of range"),
        ("secret = geheim", "secret: this value cannot be used"),
        ("secret = whsec_Z2VoZWlt", "secret: this value cannot be used"),
        (f"secret = {SECRET[6:]}", "secret: this value cannot be used"),
        ("old_secret = generate", "old_secret: this value cannot be used"),
        ("events = contact-overr", "events: 'contact-overr' is not known; did you mean 'contact-over'?"),
        ("events = contact-news", "events: 'contact-news' is not known"),
        ("queues = salez", "there is no queue 'salez'; did you mean 'sales'?"),
        ("timeout = 2m", "timeout: 2m is out of range"),
        ("ca = relative.pem", "ca: 'relative.pem' cannot be used"),
        ("ca = /nowhere/at/all.pem", "/nowhere/at/all.pem cannot be used: No such file or directory"),
        ("retries = 5", "unknown option 'retries' in webhook 'shop'"),
    ],
)
def test_what_cannot_be_is_told_with_its_line(tmp_path, wrong, said):
    """What, where, how to mend it; never a secret."""
    kept = HOOK if not wrong.startswith("url") else "[shop]\ntype = webhook\n"
    folder = site_of(tmp_path, kept + wrong + "\n")
    line = (folder / "acd.conf").read_text().splitlines().index(wrong) + 1
    problems = [one for one in check_site(folder) if one.severity == "error"]
    assert any(str(one).startswith(f"acd.conf:{line}: {said}") for one in problems), problems
    assert "geheim" not in " ".join(map(str, problems))


def test_what_is_no_certificate_is_told(tmp_path):
    """A file that holds none."""
    (tmp_path / "note.pem").write_text("no certificate")
    (problem,) = check_site(site_of(tmp_path, f"{HOOK}ca = {tmp_path}/note.pem\n"))
    assert "it holds no certificate in PEM form" in str(problem)


def test_what_goes_in_the_open_is_warned_of(tmp_path):
    """HTTP to another machine; not to this one."""
    more = "[shop]\ntype = webhook\nurl = http://shop.example.com/\n[crm]\ntype = crm\nurl = http://127.0.0.1/\n"
    (problem,) = check_site(site_of(tmp_path, more))
    assert (problem.severity, problem.line > 0) == ("warning", True)
    assert "'shop' goes over the network unencrypted" in problem.message


def test_a_site_without_a_customer_file_has_none(tmp_path):
    """Deliveries are kept there."""
    problems = check_site(site_of(tmp_path, f"{HOOK}[store]\ndatabase = none\n"))
    assert any("'shop' needs a customer file" in str(one) for one in problems)


def test_the_words_are_those_of_the_live_events():
    """Whatever is told by `acd.store.telling` and `acd.store.hooks` is in the table, and the other way round."""
    code = "".join(path.read_text() for path in Path("acd/store").glob("*.py"))
    assert [word for word in TOLD if f'"{word}"' not in code] == []
