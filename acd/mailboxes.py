"""The settings of mailboxes; how they are written: `acd.mail_options`."""

from typing import ClassVar, Literal, NamedTuple

from acd.discreet import Discreet


class Place(NamedTuple):
    """Where something listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Grant(Discreet, frozen=True, kw_only=True):
    """What makes tokens of OAuth 2.0 for whoever logs in with one; mailboxes may have the same."""

    hidden: ClassVar[frozenset[str]] = frozenset({"secret", "refresh"})

    url: str
    client: str
    secret: str
    scope: str
    refresh: str
    """A refresh token; empty where the client itself is granted access."""


class MailboxSettings(Discreet, frozen=True, kw_only=True):
    """An e-mail address that customers write to. What the fields mean: `acd.mail_options`."""

    hidden: ClassVar[frozenset[str]] = frozenset(
        {"smtp_secret", "imap_secret", "tag_secret", "oauth_secret", "oauth_refresh"}
    )

    section: str
    address: str
    queue: str
    name: str
    smtp: Place
    aliases: tuple[str, ...] = ()
    lmtp: Place | None = None
    smtp_in: Place | None = None
    imap: Place | None = None
    imap_tls: Literal["tls", "starttls", "no"] = "tls"
    imap_user: str = ""
    imap_secret: str = ""
    imap_folder: str = "INBOX"
    imap_done: str | None = "Archive"
    """None to delete what was taken."""
    smtp_tls: Literal["starttls", "tls", "no"] = "starttls"
    smtp_user: str = ""
    smtp_secret: str = ""
    oauth_url: str = ""
    oauth_client: str = ""
    oauth_secret: str = ""
    oauth_scope: str = ""
    oauth_refresh: str = ""
    give_up_ms: int = 4 * 86_400_000
    acknowledge: bool = False
    size_most: int = 35
    authserv: tuple[str, ...] = ()
    tag_secret: str = ""
    """Empty until `acd.site.fill_secrets` when the instance is to make one."""

    @property
    def grant(self) -> Grant | None:
        """What makes the tokens that it logs in with; None where it does so with passwords."""
        if not self.oauth_url:
            return None
        return Grant(
            url=self.oauth_url,
            client=self.oauth_client,
            secret=self.oauth_secret,
            scope=self.oauth_scope,
            refresh=self.oauth_refresh,
        )
