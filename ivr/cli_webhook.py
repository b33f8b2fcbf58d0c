"""`callfloor webhook`: how the webhooks stand, beside a running server or without one."""

import asyncio
import secrets
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from acd.hooks.client import Client, Unreached
from acd.reports.words import safe, stamp
from acd.site import load_site
from acd.site_secrets import fill_secrets
from acd.store import StoreError
from acd.webhooks import EndpointSettings
from ivr.cli_customer import AsJson, now_ms, open_file
from ivr.cli_options import SITE, Home, SiteFolder, home_of

if TYPE_CHECKING:
    from acd.store.deliveries import Standing

webhook_app = typer.Typer(no_args_is_help=True, help="Programs outside that are told what happens: how that goes.")

Name = Annotated[str, typer.Argument(help="Its section of acd.conf.")]


@webhook_app.command("list")
def list_(site: SiteFolder = SITE, home: Home = None, *, as_json: AsJson = False) -> None:
    """List the webhooks: what waits, since when, what is given up, the last error."""
    from acd.store import deliveries  # noqa: PLC0415 - see `cli_customer`

    with open_file(site, home) as (database, _):
        found = database.read(deliveries.standings)
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    for one in found:
        print(_line(one))
    if not found:
        print("no webhook is known: the server learns of them when it starts, or by callfloor reload")


def _line(one: "Standing") -> str:
    parts = [one.name, f"{one.sent} delivered" + (f", last {stamp(one.sent_at)}" if one.sent_at is not None else "")]
    parts.append(f"{one.waits} wait" + (f" since {stamp(one.oldest_at)}" if one.oldest_at is not None else ""))
    parts += [f"{one.given_up} given up"] if one.given_up else []
    parts += [f"{one.dropped} dropped"] if one.dropped else []
    parts += [f"told nothing: {safe(one.stopped)}"] if one.stopped else []
    if one.failing_since is not None:
        parts.append(f"fails since {stamp(one.failing_since)}: {safe(one.said)}")
    return "  ".join(parts)


@webhook_app.command("test")
def try_(name: Name, site: SiteFolder = SITE, home: Home = None) -> None:
    """Send something of the type `test` now, from here, and tell what came of it. A CRM can be asked so too."""
    from acd.store.hooks import body  # noqa: PLC0415 - see `cli_customer`

    settings = fill_secrets(load_site(site), home_of(site, home))
    endpoints: dict[str, EndpointSettings] = {**settings.webhooks, **settings.crms}
    if name not in endpoints:
        known = f"there are {', '.join(endpoints)}" if endpoints else "acd.conf has no section with type = webhook"
        raise StoreError(f"there is no webhook '{safe(name)}': {known}")
    try:
        status = asyncio.run(_post(endpoints[name], body("test", now_ms(), {"webhook": name}).encode()))
    except Unreached as error:
        print(f"not delivered: {safe(str(error))}")
        raise typer.Exit(1) from None
    is_taken = 200 <= status < 300
    print(f"{'delivered' if is_taken else 'not delivered'}: HTTP {status}")
    raise typer.Exit(not is_taken)


async def _post(endpoint: EndpointSettings, body: bytes) -> int:
    client = Client(endpoint)
    try:
        return (await client.post(f"msg_{secrets.token_hex(16)}", body)).status
    finally:
        await client.close()


@webhook_app.command()
def again(name: Name, site: SiteFolder = SITE, home: Home = None) -> None:
    """Have what is given up sent again, what waits tried now, and one that was stopped told again."""
    from acd.store import deliveries  # noqa: PLC0415 - see `cli_customer`

    with open_file(site, home) as (database, _):
        count = database.write(deliveries.again, name, now_ms())
    print(f"{count} that were given up are sent again, within seconds if the server runs")


@webhook_app.command()
def forget(name: Name, site: SiteFolder = SITE, home: Home = None) -> None:
    """Forget what is given up, and that something was dropped: nobody needs it any more."""
    from acd.store import deliveries  # noqa: PLC0415 - see `cli_customer`

    with open_file(site, home) as (database, _):
        count = database.write(deliveries.forget, name)
    print(f"{count} that were given up are forgotten")
