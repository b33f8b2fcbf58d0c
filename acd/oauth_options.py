"""What a mailbox may say of logging in with tokens (OAuth 2.0), and what goes not together with it."""

import re
from urllib.parse import urlsplit

from acd.mailboxes import MailboxSettings
from acd.options import Kind, Option, pattern, secret
from acd.site_checks import LOOPBACK, Written
from acd.webhook_options import is_here, web_address


def _endpoint() -> Kind:
    """Return the kind of the address of what makes tokens: encrypted, or on this machine. No message shows it."""
    address = web_address()

    def read(text: str) -> str:
        if text and urlsplit(address.read(text)).scheme == "http" and not is_here(urlsplit(text).hostname or ""):
            raise ValueError("secrets would go there unencrypted: it must begin with https://")
        return text

    return Kind("https URL", read)


OAUTH = (
    Option(
        "oauth_url",
        _endpoint(),
        "",
        "Where tokens are had for logging in, at a provider that takes no passwords: its token endpoint (OAuth 2.0). "
        "With it `imap_user` and `smtp_user` log in by XOAUTH2 or OAUTHBEARER. Redirections are not followed; "
        "`http://` is for loopback.",
    ),
    Option("oauth_client", pattern(r"[!-~]{0,256}", "id"), "", "Who callfloor is there: the id of the client."),
    Option(
        "oauth_secret",
        secret(r"[!-~]{0,512}", "visible ASCII characters"),
        "",
        "The client's secret; a client that has none needs `oauth_refresh`.",
    ),
    Option(
        "oauth_scope",
        pattern(r"([!-~]+( [!-~]+)*)?", "scopes, parted by blanks"),
        "",
        "What the tokens are for, in the provider's words.",
    ),
    Option(
        "oauth_refresh",
        secret(r"[!-~]{0,8192}", "visible ASCII characters"),
        "",
        "A refresh token, where a person lent callfloor the access. If the provider gives another one in its place, "
        "that is kept in `oauth` of the home and used, until another one is written here. Left out, the client itself "
        "is granted access (client credentials).",
    ),
)


def check_oauth(written: Written, name: str, one: MailboxSettings) -> None:
    """See that what makes tokens is told whole, that somebody uses them, and that nobody reads them on the way."""

    def error(option: str, message: str, hint: str) -> None:
        written.problems.error(written.origin(name, option), f"mailbox '{name}' {message}", hint)

    if not one.oauth_url:
        for option in [option.name for option in OAUTH if getattr(one, option.name)][:1]:
            error(option, f"has {option} and no oauth_url", "write oauth_url = https://...")
        return
    if not one.oauth_client:
        error("oauth_url", "has oauth_url and no oauth_client", "write oauth_client = ...")
    if not one.oauth_secret and not one.oauth_refresh:
        error("oauth_url", "has neither oauth_secret nor oauth_refresh", "write oauth_secret = ...")
    if one.imap is None and not one.smtp_user:
        error("oauth_url", "has oauth_url, and nobody logs in with its tokens", "write smtp_user = ...")
    for option in ("imap_secret", "smtp_secret"):
        if getattr(one, option):
            error(option, f"has {option} and oauth_url", f"log in with tokens alone: take {option} out")
    if one.smtp_user and one.smtp_tls == "no" and not re.fullmatch(f"{LOOPBACK}|::1", one.smtp.host):
        error("smtp_tls", "would send its tokens over the network unencrypted", "write smtp_tls = starttls, or tls")
