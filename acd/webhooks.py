"""The settings of webhooks and of an outside CRM; how they are written: `acd.webhook_options`."""

from pathlib import Path
from typing import ClassVar

from acd.discreet import Discreet


class EndpointSettings(Discreet, frozen=True, kw_only=True):
    """An HTTP server outside that is asked or told something, signed (Standard Webhooks)."""

    hidden: ClassVar[frozenset[str]] = frozenset({"url", "secret", "old_secret"})

    section: str
    url: str
    secret: str = ""
    """Empty until `acd.site.fill_secrets` when the instance is to make one."""
    old_secret: str = ""
    timeout_ms: int = 15_000
    ca: Path | None = None
    private: bool = False
    queues: tuple[str, ...] = ()
    """Empty: all."""


class WebhookSettings(EndpointSettings, frozen=True, kw_only=True):
    """One that is told what happens. What the fields mean: `acd.webhook_options`."""

    events: tuple[str, ...] = ()
    """Empty: all."""
    give_up_ms: int = 86_400_000
    backlog: int = 100_000


class CrmSettings(EndpointSettings, frozen=True, kw_only=True):
    """One that is asked who a customer is."""

    timeout_ms: int = 3_000
    fresh_ms: int = 86_400_000
