"""Logging in with a token instead of a password: what is said by SASL, and to an SMTP server.

Two mechanisms do it: XOAUTH2, which Google made and all large providers know, and OAUTHBEARER (RFC 7628). In both the
client says all at once. A server that refuses it says why in a challenge (JSON, nothing that a log needs), and waits
for an answer without a meaning before it says that it has refused.
"""

from base64 import b64encode
from collections.abc import Collection
from typing import TYPE_CHECKING

from msgspec import Struct

from acd.channels.email.text import hushed
from acd.channels.email.tokens import Source
from acd.mailboxes import MailboxSettings, Place

if TYPE_CHECKING:  # takes a while to load
    import aiosmtplib

COMMAND_MOST = 512
"""Octets of a line that an SMTP server must be able to take (RFC 5321, section 4.5.3.1.4)."""
_GO_ON = 334


class Saying(Struct, frozen=True):
    """What to say; none of it is in base64 yet, and none of it is for logs."""

    mechanism: str
    response: bytes
    after: bytes
    """To be answered to the challenge of a server that refuses."""


def bearer(offered: Collection[str], user: str, token: str, place: Place) -> Saying | None:
    """Say how a token is shown.

    Args:
        offered: the mechanisms that the server knows, in capitals.
        user: visible ASCII characters, as the token.
        token: what was made for him.
        place: the server.

    Returns:
        None if it knows neither mechanism.

    """
    if "XOAUTH2" in offered:
        return Saying("XOAUTH2", f"user={user}\1auth=Bearer {token}\1\1".encode(), b"")
    if "OAUTHBEARER" in offered:
        escaped = user.replace("=", "=3D").replace(",", "=2C")  # RFC 5801, section 4
        said = f"n,a={escaped},\1host={place.host}\1port={place.port}\1auth=Bearer {token}\1\1"
        return Saying("OAUTHBEARER", said.encode(), b"\1")
    return None


async def connect(client: "aiosmtplib.SMTP", mailbox: MailboxSettings, source: Source | None) -> None:
    """Connect to the mail server that takes answers, and log in as the settings say.

    Args:
        client: knows where, and the password if there is one.
        mailbox: the settings.
        source: gives the tokens to log in with; None for a password.

    Raises:
        TokenError: there is no token.
        SMTPException, OSError: the server is out of order, or lets nobody in.

    """
    import aiosmtplib  # noqa: PLC0415 - is loaded

    if source is None or not mailbox.smtp_user:
        await client.connect()
        return
    token = await source.token()
    await client.connect()
    if client.is_ehlo_or_helo_needed:
        await client.ehlo()
    try:
        await _show(client, mailbox, token)
    except aiosmtplib.SMTPAuthenticationError as error:
        if error.code < 500:
            raise
        source.refuse(token)  # it was taken back, perhaps: with another one it is tried once more
        await _show(client, mailbox, await source.token())


async def _show(client: "aiosmtplib.SMTP", mailbox: MailboxSettings, token: str) -> None:
    """Log in with a token; one that makes too long a line is asked for first (RFC 4954, section 4)."""
    import aiosmtplib  # noqa: PLC0415 - is loaded

    offered = [name.upper() for name in client.server_auth_methods]
    saying = bearer(offered, mailbox.smtp_user, token, mailbox.smtp)
    if saying is None:
        raise aiosmtplib.SMTPException("it lets nobody in with a token (XOAUTH2, OAUTHBEARER)")
    mechanism, response = saying.mechanism.encode(), b64encode(saying.response)
    is_short = len(b"AUTH  \r\n" + mechanism + response) <= COMMAND_MOST
    answer = await client.execute_command(b"AUTH", mechanism, *([response] if is_short else []))
    if answer.code == _GO_ON and not is_short:
        answer = await client.execute_command(response)
    if answer.code == _GO_ON:
        answer = await client.execute_command(b64encode(saying.after))
    if not 200 <= answer.code < 300:
        said = hushed(answer.message, (token, response.decode()), 300)
        raise aiosmtplib.SMTPAuthenticationError(answer.code, said)
