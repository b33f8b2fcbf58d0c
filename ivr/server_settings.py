"""What the server reads out of the settings for others, and what of new ones can be put in force while it runs."""

import msgspec

from acd.hardware import device
from acd.settings import Site
from ivr.switch import AmiSettings


def without_restart(old: Site, new: Site) -> tuple[Site, list[str]]:
    """Take from new settings what can be put in force while calls go on; the options that cannot are named."""
    later = {
        "switch": [name for name in old.switch.__struct_fields__ if name != "fallback"],
        "general": ["durability", "log_level"],
        "store": ["database"],
        "web": ["listen", "url"],
    }
    changed: list[str] = []
    for section, names in later.items():
        before, after = getattr(old, section), getattr(new, section)
        kept = {name: getattr(before, name) for name in names if getattr(before, name) != getattr(after, name)}
        new = msgspec.structs.replace(new, **{section: msgspec.structs.replace(after, **kept)})
        changed += kept
    if any(getattr(old, part) != getattr(new, part) for part in ("spans", "analog", "analog_handsets")):
        changed.append("hardware")
    return new, changed


def ami_settings(site: Site) -> AmiSettings:
    """Where Asterisk's manager interface is."""
    switch = site.switch
    return AmiSettings(
        host=switch.ami_host,
        port=switch.ami_port,
        user=switch.ami_user,
        secret=switch.ami_secret,
        hint="does it run? start it with: callfloor asterisk start" if switch.mode == "private" else "",
    )


def lines(site: Site) -> list[str]:
    """All trunk lines."""
    return [line.name for group in site.line_groups for line in group.lines]


def spans(site: Site) -> dict[int, tuple[str, ...]]:
    """Which devices each span has, ports of a channel bank among them."""
    return {span.number: tuple(device(channel) for channel in span.channels) for span in site.spans.values()}


def handsets(site: Site) -> dict[str, str]:
    """Which device each seat has."""
    return {name: seat.handset for name, seat in site.seats.items()}


def phones(site: Site) -> dict[str, str]:
    """Which device each phone has that is no seat's own."""
    return {name: phone.handset for name, phone in site.phones.items()}
