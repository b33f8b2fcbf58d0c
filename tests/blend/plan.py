"""Half an hour of a contact centre, drawn from a seed and told in a shorter time: who calls and writes, and when.

All times of the plan are of that half hour, and shortened together: arrivals, the agents' work, the callers' patience.
"""

import random
from typing import Literal

from msgspec import Struct

Medium = Literal["voice", "email", "sms", "chat"]
Way = Literal["sip", "lmtp", "imap", "smpp", "http", "socket"]

SHARES: dict[Medium, float] = {"voice": 0.3, "email": 0.3, "sms": 0.2}
"""Of all contacts; the rest are chats."""
WAYS: dict[Medium, tuple[Way, ...]] = {
    "voice": ("sip",),
    "email": ("lmtp", "imap"),
    "sms": ("smpp", "http"),
    "chat": ("socket",),
}
WORK_S: dict[Medium, tuple[float, float]] = {"voice": (10, 40), "email": (15, 45), "sms": (8, 20), "chat": (10, 30)}
"""How long an agent has to do with one, at least and at most."""
PATIENCE_S = (300, 600, 1_200)
"""How long callers wait who are in a hurry, usual ones, and patient ones. Who has to wait longer hangs up."""


class Scale(Struct, frozen=True, kw_only=True):
    """How much of it there is."""

    contacts: int = 1_000
    seats: int = 15
    minutes: float = 30
    factor: float = 15
    """So many times faster than the clock."""
    kills: int = 3
    """How often the program is killed, in equal distances."""
    seed: int = 20_261_201

    @property
    def lasts_s(self) -> float:
        """How long they come, by the clock."""
        return self.minutes * 60 / self.factor

    def by_clock(self, seconds: float) -> float:
        """Shorten a time."""
        return seconds / self.factor


class Contact(Struct, frozen=True, kw_only=True):
    """One who wants something."""

    medium: Medium
    way: Way
    token: str
    """Stands in what he writes, in what he is answered, and nowhere else."""
    who: str
    """His number, or what stands before the @ of his address; nobody else has it."""
    at_s: float
    """When he comes, by the clock."""
    work_s: float
    """How long an agent has to do with him, by the clock."""
    patience: int
    """Which of `PATIENCE_S` is his."""

    @property
    def answer(self) -> str:
        """What he is to be answered."""
        return f"Answer to {self.token}."


def drawn(scale: Scale) -> list[Contact]:
    """Draw all contacts, in the order in which they come."""
    chance = random.Random(scale.seed)
    media: list[Medium] = [medium for medium, share in SHARES.items() for _ in range(round(share * scale.contacts))]
    media += ["chat"] * (scale.contacts - len(media))
    chance.shuffle(media)
    moments = sorted(chance.uniform(0, scale.lasts_s) for _ in media)
    contacts, so_far = [], dict.fromkeys(WAYS, 0)
    for number, (medium, at_s) in enumerate(zip(media, moments, strict=True)):
        ways = WAYS[medium]
        contacts.append(
            Contact(
                medium=medium,
                way=ways[so_far[medium] % len(ways)],
                token=f"t{number:04}x{chance.getrandbits(32):08x}",
                who=f"c{number:04}" if medium in {"email", "chat"} else f"4860360{number:04}",
                at_s=at_s,
                work_s=scale.by_clock(chance.uniform(*WORK_S[medium])),
                patience=chance.randrange(len(PATIENCE_S)),
            )
        )
        so_far[medium] += 1
    return contacts
