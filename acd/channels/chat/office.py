"""What holds for the chats of a site at the moment: its sections, its templates, who may be told what."""

import time

from acd.channels.email.templates import Template, Templates
from acd.chat_settings import ChatSettings, Entrance, XmppSettings
from acd.settings import Site

FOLDER = "chat"
GREETING, CLOSED = "greeting", "closed"
"""What a page shows by itself: when the chat is opened, and while the queue is closed."""
OWN = frozenset({GREETING, CLOSED})


class Office:
    """The settings of chats, made anew when they change.

    Args:
        site: the settings.
        templates: what the site lets its chats say.

    """

    def __init__(self, site: Site, templates: list[Template]) -> None:
        self.site = site
        self.chats = dict(site.chats)
        self.components = dict(site.xmpp)
        entries = (one for component in site.xmpp.values() for one in component.entrances.values())
        self._entrances: dict[str, Entrance] = {**site.chats, **{one.section: one for one in entries}}
        self.templates = Templates(templates, site.general.language)
        plan = site.calling_out.plan
        self.country = plan.country if plan is not None else ""

    def chat(self, section: str) -> ChatSettings | None:
        """Give a section for pages; None if there is none of that name."""
        return self.chats.get(section)

    def component(self, section: str) -> XmppSettings | None:
        """Give a component; None if there is none of that name."""
        return self.components.get(section)

    def entrance(self, section: str) -> Entrance | None:
        """Give what holds for talks that came in there, whatever they came by; None if nobody comes in there now."""
        return self._entrances.get(section)

    def language(self, language: str) -> str:
        """Give the language in which somebody is answered: his own if the site speaks it."""
        return language if language in self.site.general.languages else self.site.general.language

    def choices(self, queue: str, language: str) -> list[str]:
        """Name the templates that an agent can pick."""
        found = (name for name in self.templates.names(queue) if name not in OWN)
        return [name for name in found if self.templates.find(name, queue, language) is not None]

    def said(self, name: str, queue: str, language: str, **values: str) -> str | None:
        """Give the words of a template; None if there is none of that name."""
        template = self.templates.find(name, queue, self.language(language))
        if template is None:
            return None
        now = time.localtime()
        known = {
            "date": time.strftime("%Y-%m-%d", now),
            "queue": queue,
            "site": self.site.general.name,
            "time": time.strftime("%H:%M", now),
            **values,
        }
        return template.filled(known)[1].strip("\n")

    def agent(self, seat: str) -> str:
        """Name who sits at a seat."""
        known = self.site.seats.get(seat)
        return known.agent if known is not None else ""
