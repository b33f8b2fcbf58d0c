"""The headers by which the other side knows who sent a request, and that it is no old one: Standard Webhooks, v1."""

import base64
import hmac

from acd.webhook_options import PREFIX
from acd.webhooks import EndpointSettings


def headers(settings: EndpointSettings, name: str, body: bytes, now_s: int) -> dict[str, str]:
    """Sign a request.

    Args:
        settings: with the secret; if there is an old one too, with both.
        name: the `webhook-id`, without a full stop.
        body: octet by octet as it is sent.
        now_s: the time of this attempt, seconds since 1970.

    """
    signed = f"{name}.{now_s}.".encode() + body
    secrets = [one for one in (settings.secret, settings.old_secret) if one]
    return {
        "webhook-id": name,
        "webhook-timestamp": str(now_s),
        "webhook-signature": " ".join(f"v1,{_signature(secret, signed)}" for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
