"""API tokens: 256 random bits for a program, of which only the hash is kept, in one file of the server's home.

A hash without salt and stretching is enough: nobody guesses 256 bits. The command writes the file, the server reads it
again when it has changed.
"""

import hashlib
import hmac
import re
import secrets
from pathlib import Path
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from acd.desk.web.kept import Kept
from acd.store import StoreError

FILE = "tokens.json"
PREFIX = "callfloor_"
BYTES = 32

Scope = Literal["agent", "supervisor", "read", "customers", "promises"]
"""What a token is for.

agent       do what the agent of one seat does
supervisor  see all seats, queues and contacts, move contacts that wait
read        see all of that, and change nothing
customers   the customer file, and all of `promises`
promises    have customers called back, make appointments: for the form on a site's own web pages
"""
SCOPES: tuple[Scope, ...] = get_args(Scope)
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class TokenError(StoreError):
    """Such a token cannot be made, or there is none; or what is kept of them cannot be read."""


class Token(Struct, frozen=True, kw_only=True):
    """A token, without what it is."""

    name: str
    hash: str
    """SHA-256, hexadecimal."""
    scopes: tuple[Scope, ...]
    seat: str = ""
    made_at: int = 0


def hashed(secret: str) -> str:
    """Give what is kept of a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


class TokenFile:
    """All tokens of a server."""

    def __init__(self, home: Path) -> None:
        self._kept = Kept(home / FILE, Token)

    def all(self) -> tuple[Token, ...]:
        """Give them, by name.

        Raises:
            TokenError: the file cannot be read.

        """
        try:
            return self._kept.all()
        except (OSError, msgspec.MsgspecError) as error:
            raise TokenError(f"{self._kept.path} cannot be read: {error}") from error

    def find(self, secret: str) -> Token | None:
        """Give the token that this is; takes as long whichever it is, and if it is none."""
        found, wanted = None, hashed(secret)
        for token in self.all():
            if hmac.compare_digest(token.hash, wanted):
                found = token
        return found

    def add(self, name: str, scopes: tuple[Scope, ...], seat: str, at: int) -> str:
        """Make one; gives it, for the only time.

        Raises:
            TokenError: the name is no name, or taken; or the scopes need a seat, or there are none.

        """
        known = self.all()
        if not NAME.fullmatch(name):
            raise TokenError(f"'{name}' is no name: small letters, digits, - and _; up to 40")
        if any(token.name == name for token in known):
            raise TokenError(f"there is a token '{name}' already; remove it first")
        if not scopes:
            raise TokenError(f"a token needs a scope: {', '.join(SCOPES)}")
        if ("agent" in scopes) != bool(seat):
            raise TokenError("a token with the scope agent is for one seat, and no other is: --seat 101")
        secret = PREFIX + secrets.token_urlsafe(BYTES)
        self._kept.write((*known, Token(name=name, hash=hashed(secret), scopes=scopes, seat=seat, made_at=at)))
        return secret

    def remove(self, name: str) -> None:
        """Make one worthless.

        Raises:
            TokenError: there is none of that name.

        """
        known = self.all()
        if not any(token.name == name for token in known):
            raise TokenError(f"there is no token '{name}'")
        self._kept.write(tuple(token for token in known if token.name != name))
