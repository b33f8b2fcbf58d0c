"""Secrets that an instance makes at its first start, and keeps."""

import base64
import secrets
from pathlib import Path

from msgspec.structs import replace

from acd import private_file
from acd.conf import read, render
from acd.settings import Site
from acd.webhook_options import PREFIX

SECRETS_FILE = "secrets.conf"

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else: people type it into phones
_SECRET_CHARS = 16  # of 31 letters: 79 bits
_SIGNING_BYTES = 32


def fill_secrets(site: Site, home: Path) -> Site:
    """Return the site with a secret wherever one is to be generated: kept in `home/secrets.conf`, made where missing.

    The file is readable by its owner alone. A secret stays there when its seat goes, so a seat that comes back finds
    its phone still set up.

    Raises:
        ConfigError: secrets.conf cannot be understood. It is not overwritten: phones know what it holds.
        OSError: it cannot be read or written.

    """
    path = home / SECRETS_FILE
    kept: dict[str, dict[str, str]] = {}
    if path.exists():
        path.chmod(0o600)
        config = read(path)
        config.problems.raise_errors()
        kept = {section.name: {one.name: one.value for one in section.variables} for section in config.sections}
    known = {section: dict(values) for section, values in kept.items()}

    def secret(section: str, name: str, given: str, made: str = "") -> str:
        if given:
            return given
        values = known.setdefault(section, {})
        values[name] = values.get(name) or made or "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_CHARS))
        return values[name]

    def signing(section: str, given: str) -> str:
        made = PREFIX + base64.b64encode(secrets.token_bytes(_SIGNING_BYTES)).decode()
        return secret(section, "secret", given, made)

    switch = replace(
        site.switch,
        ami_secret=secret("switch", "ami_secret", site.switch.ami_secret),
        agi_secret=secret("switch", "agi_secret", site.switch.agi_secret),
    )
    seats = {name: replace(seat, secret=secret(name, "secret", seat.secret)) for name, seat in site.seats.items()}
    phones = {name: replace(phone, secret=secret(name, "secret", phone.secret)) for name, phone in site.phones.items()}
    mailboxes = {
        name: replace(one, tag_secret=secret(name, "tag_secret", one.tag_secret))
        for name, one in site.mailboxes.items()
    }
    webhooks = {name: replace(one, secret=signing(name, one.secret)) for name, one in site.webhooks.items()}
    crms = {name: replace(one, secret=signing(name, one.secret)) for name, one in site.crms.items()}
    if known != kept:
        _write(path, known)
    made = {"seats": seats, "phones": phones, "mailboxes": mailboxes, "webhooks": webhooks, "crms": crms}
    return replace(site, switch=switch, **made)


def _write(path: Path, known: dict[str, dict[str, str]]) -> None:
    text = "; Secrets that callfloor made. Delete a line and restart to have a new one made.\n\n"
    text += render((section, values.items()) for section, values in known.items())
    private_file.write(path, text.encode())
