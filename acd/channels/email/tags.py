"""Tags by which a case is found again: in the address that a customer answers to, and in our Message-IDs.

    sales+417-k3v5w2q7yd4n6bxa@example.com        <417.m1c9x0.k3v5w2q7yd4n6bxa@example.com>

A tag is the case's number and the first 80 bits of an HMAC-SHA256 over it, so that nobody writes himself into another
customer's case by counting. It is in lower case: servers on the way may change that of an address. A case is known by
its tag even if the store has lost the message that is answered.
"""

import base64
import hashlib
import hmac
import re
import secrets as random
from collections.abc import Iterable, Sequence

from acd.channels.email.headers import is_address

LEAST_SECRET_BYTES = 16
_MAC_CHARS = 16
_MAC = rf"[a-z2-7]{{{_MAC_CHARS}}}"
_CASE = r"[1-9][0-9]{0,18}"
_TAGGED = re.compile(rf"[^+]{{1,64}}\+({_CASE})-({_MAC})@.{{1,253}}", re.IGNORECASE)
_OURS = re.compile(rf"<({_CASE})\.([a-z0-9]{{6,40}})\.({_MAC})@[^<>@\s]{{1,253}}>", re.IGNORECASE)


class Tags:
    """Makes tags with a site's secret, and knows them again.

    Args:
        secrets: at least 16 bytes each. The first makes tags; the others, which once did, are still believed.

    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets or any(len(one) < LEAST_SECRET_BYTES for one in secrets):
            raise ValueError(f"a secret has at least {LEAST_SECRET_BYTES} bytes")
        self._secrets = tuple(secrets)

    def __repr__(self) -> str:
        return f"Tags({len(self._secrets)} secrets)"

    def address(self, mailbox: str, case: int) -> str:
        """Give the address that answers to a case go to; the mailbox itself where a tag would make it too long."""
        local, _, domain = mailbox.partition("@")
        tagged = f"{local.partition('+')[0]}+{case}-{self._mac(self._secrets[0], f'case {case}')}@{domain}"
        return tagged if is_address(tagged) else mailbox

    def message_id(self, domain: str, case: int) -> str:
        """Make a Message-ID that nobody else has or can make."""
        unique = random.token_hex(8)
        return f"<{case}.{unique}.{self._mac(self._secrets[0], f'message {case} {unique}')}@{domain}>"

    def case_of_address(self, address: str) -> int | None:
        """Tell which case an address belongs to; None where it has no tag of ours."""
        match = _TAGGED.fullmatch(address)
        return int(match[1]) if match and self._is_ours(f"case {match[1]}", match[2]) else None

    def case_of_id(self, message_id: str) -> int | None:
        """Tell which case a Message-ID of ours belongs to; None for one of another's."""
        match = _OURS.fullmatch(message_id)
        signed = f"message {match[1]} {match[2].lower()}" if match else ""
        return int(match[1]) if match and self._is_ours(signed, match[3]) else None

    def ours_in(self, text: str) -> Iterable[str]:
        """Yield the Message-IDs of ours that stand in a text: in a bounce that is no proper report."""
        return (match[0] for match in _OURS.finditer(text) if self.case_of_id(match[0]) is not None)

    def _is_ours(self, signed: str, mac: str) -> bool:
        # All are compared, whichever fits, so that time tells nothing.
        return any([hmac.compare_digest(self._mac(one, signed), mac.lower()) for one in self._secrets])  # noqa: C419 - a generator would stop early

    @staticmethod
    def _mac(secret: bytes, signed: str) -> str:
        digest = hmac.digest(secret, b"callfloor mail: " + signed.encode(), hashlib.sha256)
        return base64.b32encode(digest).decode().lower()[:_MAC_CHARS]
