"""How much of something there may be: buckets that run full again with time. No clock is read here; `at` is in ms."""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

from msgspec import Struct

KNOWN_MOST = 20_000
"""So many addresses are remembered; then the one that was heard of longest ago is forgotten."""


class Rate(Struct, frozen=True):
    """How much there may be."""

    most: int
    """At once."""
    every_ms: int
    """So long until there may be one more."""


class Bucket:
    """What is left of it."""

    __slots__ = ("_at", "_left", "_rate")

    def __init__(self, rate: Rate, at: int) -> None:
        self._rate, self._at, self._left = rate, at, float(rate.most)

    def take(self, at: int) -> bool:
        """Take one, if there is one left."""
        self._left = min(self._left + max(0, at - self._at) / self._rate.every_ms, self._rate.most)
        self._at = max(at, self._at)
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Buckets:
    """One bucket for each of many: addresses, rooms."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._known: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def take(self, whose: str, at: int) -> bool:
        """Take one of somebody's, if he has one left."""
        bucket = self._known.get(whose)
        if bucket is None:
            bucket = self._known[whose] = Bucket(self._rate, at)
            if len(self._known) > KNOWN_MOST:
                self._known.popitem(last=False)
        self._known.move_to_end(whose)
        return bucket.take(at)


def neighbourhood(address: str) -> str:
    """Name who counts as one: an IPv4 address, or a network of IPv6 that one customer of a provider has (/64)."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(IPv6Address(int(found) >> 64 << 64))
    return str(found)
