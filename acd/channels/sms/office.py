"""What holds for the texts of a site at the moment: its centres, its numbers, the templates."""

import time
from typing import TYPE_CHECKING

from acd.channels.email.language import language_of
from acd.channels.email.templates import ACKNOWLEDGEMENT, Template, Templates
from acd.channels.sms import wishes
from acd.channels.sms.notices import Notices
from acd.channels.sms.wishes import Wish
from acd.settings import Site
from acd.smscs import GateSettings, OwnNumber

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = "sms"
OPT_OUT = "opt-out"


class Office:
    """The settings of texts, made anew when they change.

    Args:
        site: the settings, secrets filled in.
        templates: what the site lets its texts say.

    """

    def __init__(self, site: Site, templates: list[Template]) -> None:
        self.site = site
        self.gates: Mapping[str, GateSettings] = {**site.smscs, **site.gateways}
        self.templates = Templates(templates, site.general.language)
        plan = site.calling_out.plan
        self.country = plan.country if plan is not None else ""

    def number_of(self, gate: GateSettings, own: str) -> OwnNumber:
        """Give the number that somebody wrote to; one that nobody named waits where the first does."""
        first = gate.numbers[0].queue if gate.numbers else next(iter(self.site.queues), "")
        return next((one for one in gate.numbers if one.number == own), OwnNumber(own, first))

    def out_gate(self, gate: str) -> str:
        """Give the section that sends answers to what came by another."""
        known = self.gates.get(gate)
        return known.answers_by or gate if known is not None else gate

    def language(self, text: str) -> str:
        """Give the language in which somebody is answered: that of his text if the site speaks it."""
        found = language_of(text)
        return found if found in self.site.general.languages else self.site.general.language

    def filled(self, template: Template, *, customer: str, queue: str, case: int | None, **more: str) -> str:
        """Give the words of a template."""
        now = time.localtime()
        values = {
            "case": "" if case is None else str(case),
            "customer": customer,
            "date": time.strftime("%Y-%m-%d", now),
            "queue": queue,
            "site": self.site.general.name,
            "time": time.strftime("%H:%M", now),
            **more,
        }
        return template.filled(values)[1].strip("\n")

    def choices(self, queue: str, language: str) -> list[str]:
        """Name the templates that an agent can pick."""
        found = (name for name in self.templates.names(queue) if name != OPT_OUT)
        return [name for name in found if self.templates.find(name, queue, language) is not None]

    def notices(self, gate: GateSettings, theirs: str, queue: str) -> Notices:
        """Give what is said by itself because of a text."""

        def said(name: str, case: int | None, text: str) -> str:
            template = self.templates.find(name, queue, self.language(text))
            return "" if template is None else self.filled(template, customer=theirs, queue=queue, case=case)

        def wish(text: str) -> Wish:
            return wishes.wish_of(text, gate.stop_words or wishes.STOP, gate.start_words or wishes.START)

        return Notices(
            acknowledgement=lambda case, text: said(ACKNOWLEDGEMENT, case, text) if gate.acknowledge else "",
            confirmation=lambda case, text: said(OPT_OUT, case, text),
            wish=wish,
            out_gate=self.out_gate,
            queue_of=self._queue_of,
            country=self.country,
        )

    def _queue_of(self, gate: str, own: str) -> str:
        known = self.gates.get(gate)
        return self.number_of(known, own).queue if known is not None else next(iter(self.site.queues), "")
