"""What holds for the mails of a site at the moment: its mailboxes, their tags, the templates."""

import time

from acd.channels.email.compose import Letterhead
from acd.channels.email.message import Address, Message
from acd.channels.email.tags import Tags
from acd.channels.email.templates import Template, Templates
from acd.channels.email.threads import Gate
from acd.mailboxes import MailboxSettings
from acd.settings import Site

PACE_MOST = 1_000
"""Mails of one sender in an hour that are told from a loop by no other sign."""


class Office:
    """The settings of mails, made anew when they change.

    Args:
        site: the settings, secrets filled in.
        templates: what the site lets its mails say.

    """

    def __init__(self, site: Site, templates: list[Template]) -> None:
        self.site = site
        self.mailboxes = dict(site.mailboxes)
        self.templates = Templates(templates, site.general.language)
        self._owners = {address: one for one in self.mailboxes.values() for address in (one.address, *one.aliases)}
        self._gates = {
            name: Gate(self.tags(one), self._owners, site.general.name, PACE_MOST)
            for name, one in self.mailboxes.items()
        }

    def mailbox_of(self, address: str) -> MailboxSettings | None:
        """Tell which mailbox an address is, with a tag or without; None if it is none of the site's."""
        local, _, domain = address.lower().rpartition("@")
        return self._owners.get(f"{local.partition('+')[0]}@{domain}")

    def tags(self, mailbox: MailboxSettings) -> Tags:
        """Give what makes a mailbox's tags and knows those of all."""
        others = [one.tag_secret for one in self.mailboxes.values() if one is not mailbox]
        return Tags([secret.encode() for secret in (mailbox.tag_secret, *others)])

    def gate(self, mailbox: MailboxSettings) -> Gate:
        """Give what tells persons from machines."""
        return self._gates[mailbox.section]

    def letterhead(self, mailbox: MailboxSettings) -> Letterhead:
        """Give who writes."""
        sender = Address(mailbox.address, mailbox.name)
        return Letterhead(mailbox=sender, tags=self.tags(mailbox), loop=self.site.general.name)

    def language(self, language: str) -> str:
        """Give the language in which somebody is answered: his own if the site speaks it."""
        return language if language in self.site.general.languages else self.site.general.language

    def filled(self, template: Template, message: Message, queue: str, case: int, **more: str) -> tuple[str, str]:
        """Give subject and body of a template for the answer to a message."""
        now = time.localtime()
        values = {
            "case": str(case),
            "customer": message.sender.name or message.sender.address,
            "date": time.strftime("%Y-%m-%d", now),
            "queue": queue,
            "site": self.site.general.name,
            "subject": message.subject,
            "time": time.strftime("%H:%M", now),
            **more,
        }
        return template.filled(values)
