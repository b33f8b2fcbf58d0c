"""The Asterisk files that follow from acd.conf, and the folders a private instance runs in.

Seats, ports and secrets are written once, in acd.conf; what Asterisk must know of them is rendered here into
`generated/`, which the admin's own files pull in. Rendering is pure: settings in, texts out.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from acd.settings import SeatSettings, Site, SwitchSettings
from ivr.held import ON_A_LINE, place_of

from .calling_out import calling_out
from .hardware import MODULE as DAHDI
from .hardware import SYSTEM, hardware_files
from .program import Asterisk
from .texts import caller_id, escaped, mailbox

_HEADER: Final = "; Made by callfloor from acd.conf; do not edit, it is written anew at each start and reload.\n\n"
# Asterisk's core complains about these at each start when they are not there; empty means its defaults.
WANTED: Final = ("acl.conf", "ccss.conf", "pjproject.conf", "stasis.conf", "udptl.conf")


def generated(site: Site, sounds: Path, modules: Iterable[str] = ()) -> dict[str, str]:
    """Render the files of `generated/`, by name. `sounds` is the folder of prompts that the dialplan itself plays.

    An Asterisk that an admin runs himself (`mode = existing`) keeps its own ports and transports.
    """
    switch = site.switch
    own = switch.mode == "private"
    texts = {
        "globals.conf": (
            f"CALLFLOOR_AGI = {switch.agi_host}:{switch.agi_port}/{switch.agi_secret}\n"
            f"CALLFLOOR_FALLBACK = {escaped(switch.fallback)}\n"
            f"CALLFLOOR_SOUNDS = {escaped(str(sounds))}\n"
            + "".join(f"CALLFLOOR_MUSIC_{queue} = {escaped(music)}\n" for queue, music in site.music.items())
        ),
        "hints.conf": (
            "".join(_extensions(name, seat) for name, seat in site.seats.items())
            + "".join(_queue_extension(queue, number) for queue, number in site.extensions.items())
        ),
        "transfer.conf": (
            "".join(f"exten => {name},1,Goto(acd-given,seat-{name},1)\n" for name in site.seats)
            + "".join(f"exten => {number},1,Goto(acd-given,queue-{number},1)\n" for number in site.extensions.values())
        ),
        "given.conf": (
            "".join(_given_seat(name, seat) for name, seat in site.seats.items())
            + "".join(_given_queue(queue, number) for queue, number in site.extensions.items())
        ),
        "calling-out.conf": calling_out(site),
        "manager.conf": (
            (f"[general](+)\nport = {switch.ami_port}\n\n" if own else "")
            + f"[{escaped(switch.ami_user)}](+)\nsecret = {escaped(switch.ami_secret)}\n"
        ),
        "rtp.conf": f"rtpstart = {switch.rtp_first}\nrtpend = {switch.rtp_last}\n" if own else "",
        "modules.conf": "".join(
            f"load = {module}.so\n" for module in (*((DAHDI,) if site.has_hardware else ()), *modules)
        ),
        "pjsip.conf": "\n".join([*(_transports(switch) if own else ()), *_trunks(site), *_handsets(site)]),
    }
    texts |= hardware_files(site)
    return {name: text if name == SYSTEM else _HEADER + text for name, text in texts.items()}


def _extensions(name: str, seat: SeatSettings) -> str:
    """One seat rings another by its number; *5 before it is its lamp.

    It rings where its agent has logged in (`AmiSwitch.use_phone`), and else at its own handset. One that is reached
    over a trunk line is rung by an offer, for the core alone can take a line: who dials it waits in a queue for it.
    Option i: where the handset itself forwards to (SIP 302) is not followed, or it could be any number of the world.

    An agent who rings there and puts his caller through before anybody answers: from then on it is the caller's channel
    that rings. So whose it is afterwards tells where it goes on.
    """
    lamp = f"exten => *5{name},hint,Custom:callfloor-{name}\n"
    if ON_A_LINE.search(seat.handset) and seat.rule.queues:
        queue = seat.rule.queues[0]
        return (
            f"exten => {name},1,Set(ACD_QUEUE={queue})\n same => n,Set(ACD_WANTED={name})\n"
            f" same => n,Goto(acd-hold,s,1)\n{lamp}"
        )
    return (
        f"exten => {name},1,Set(ACD_DIALS=${{UNIQUEID}})\n{_where(name, seat)}"
        " same => n,Dial(${ACD_RINGS},30,git)\n"
        ' same => n,GotoIf($["${UNIQUEID}" != "${ACD_DIALS}"]?acd-given,over,1)\n same => n,Hangup()\n'
        f"{lamp}"
    )


def _where(name: str, seat: SeatSettings) -> str:
    """Find out which device is rung for a seat."""
    return (
        f" same => n,Set(ACD_RINGS=${{GLOBAL({place_of(name)})}})\n"
        f' same => n,ExecIf($["${{ACD_RINGS}}" = ""]?Set(ACD_RINGS={escaped(seat.handset)}))\n'
    )


def _queue_extension(queue: str, number: str) -> str:
    """An agent who dials a queue waits in it himself, to talk before he gives his caller away."""
    return f"exten => {number},1,Set(ACD_QUEUE={queue})\n same => n,Goto(acd-hold,s,1)\n"


def _given_seat(name: str, seat: SeatSettings) -> str:
    """Ring a seat for a caller who is given to it; as in `_extensions`."""
    told = f"exten => seat-{name},1,UserEvent(CallTransferred,To: {name},By: ${{BLINDTRANSFER}})\n"
    if ON_A_LINE.search(seat.handset) and seat.rule.queues:
        return (
            f'{told} same => n,ExecIf($["${{ACD_QUEUE}}" = ""]?Set(ACD_QUEUE={seat.rule.queues[0]}))\n'
            f" same => n,Set(ACD_WANTED={name})\n same => n,Goto(acd-hold,again,1)\n"
        )
    music = "m(${GLOBAL(CALLFLOOR_MUSIC_${ACD_QUEUE})})"
    return f"{told}{_where(name, seat)} same => n,Dial(${{ACD_RINGS}},30,git{music})\n same => n,Goto(over,1)\n"


def _given_queue(queue: str, number: str) -> str:
    """Have a caller who is given to a queue wait in it."""
    return (
        f"exten => queue-{number},1,UserEvent(CallTransferred,To: {number},By: ${{BLINDTRANSFER}})\n"
        f" same => n,Set(ACD_QUEUE={queue})\n same => n,Goto(acd-hold,given,1)\n"
    )


def _transports(switch: SwitchSettings) -> Iterator[str]:
    host = f"[{switch.sip_host}]" if ":" in switch.sip_host else switch.sip_host
    for protocol in ("udp", "tcp"):
        yield f"[{protocol}](transport)\nprotocol = {protocol}\nbind = {host}:{switch.sip_port}\n"


def _trunks(site: Site) -> Iterator[str]:
    """Each trunk from the templates of pjsip.conf, with a registration where the other side wants to know where we are.

    An Asterisk that an admin runs himself chooses among its own transports.
    """
    for name, trunk in site.trunks.items():
        over = f"transport = {trunk.protocol}\n" if site.switch.mode == "private" else ""
        address = f"{trunk.host}:{trunk.port}" + (";transport=tcp" if trunk.protocol == "tcp" else "")
        login = f"outbound_auth = {name}\nfrom_user = {escaped(trunk.user)}\n" if trunk.user else ""
        yield (
            f"[{name}](line)\naors = {name}\n{over}{login}\n"
            f"[{name}](line-identify)\nendpoint = {name}\nmatch = {', '.join(trunk.match or (trunk.host,))}\n\n"
            f"[{name}](line-aor)\ncontact = {escaped(f'sip:{address}')}\n"
            f"qualify_frequency = {trunk.qualify_ms // 1_000}\n"
        )
        if trunk.user:
            yield (f"[{name}](line-auth)\nusername = {escaped(trunk.user)}\npassword = {escaped(trunk.password)}\n")
        if trunk.user and trunk.register:
            client = f"sip:{trunk.user}@{trunk.host}:{trunk.port}"
            yield (
                f"[{name}](line-registration)\n{over}server_uri = {escaped(f'sip:{address}')}\n"
                f"client_uri = {client}\noutbound_auth = {name}\nendpoint = {name}\n"
            )


def _handsets(site: Site) -> Iterator[str]:
    for name, seat in site.seats.items():
        if seat.handset != f"PJSIP/{name}":
            continue  # an analog handset (`hardware`), or an endpoint the admin wrote himself
        yield (
            f"[{name}](handset)\naors = {name}\nauth = {name}\ncallerid = {caller_id(seat.agent, name)}\n"
            f"language = {escaped(seat.language)}\nset_var = ACD_SEAT={name}\nmailboxes = {mailbox(name)}\n\n"
            f"[{name}](handset-auth)\nusername = {name}\npassword = {escaped(seat.secret)}\n\n"
            f"[{name}](handset-aor)\n"
        )
    for name, phone in site.phones.items():
        if phone.handset == f"PJSIP/{name}":
            yield (
                f'[{name}](handset)\naors = {name}\nauth = {name}\ncallerid = "{name}" <{name}>\n'
                f"language = {escaped(phone.language)}\nmailboxes = {mailbox(name)}\n\n"
                f"[{name}](handset-auth)\nusername = {name}\npassword = {escaped(phone.secret)}\n\n"
                f"[{name}](handset-aor)\n"
            )


def write_generated(
    site: Site, folder: Path, sounds: Path, modules: Iterable[str] = (), *, group_reads: bool = False
) -> None:
    """Write `generated/` into a folder, each file in one step. They hold passwords: only the owner may read them.

    `group_reads` lets the folder's group read them too, for an Asterisk that runs as another user.

    Raises:
        OSError: the folder cannot be written.

    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in generated(site, sounds, modules).items():
        write_private(folder / name, text)
        if group_reads:
            os.chown(folder / name, -1, folder.stat().st_gid)
            (folder / name).chmod(0o640)


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, in one step: a reader sees the old text or the new, never half."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    new.replace(file)


def asterisk_conf(asterisk: Asterisk, home: Path, options: Path | None) -> str:
    """Render the asterisk.conf of a private instance: its folders, then the site's options."""
    folders = {
        "astetcdir": home / "etc",
        "astmoddir": asterisk.modules,
        "astvarlibdir": home / "var",
        "astdbdir": home / "var",
        "astkeydir": home / "var",
        "astdatadir": home / "var",
        "astagidir": home / "var" / "agi-bin",
        "astcachedir": home / "var" / "cache",
        "astspooldir": home / "spool",
        "astrundir": home / "run",
        "astlogdir": home / "log",
        "astsbindir": Path(asterisk.program).parent,
    }
    lines = "".join(f"{name} => {folder}\n" for name, folder in folders.items())
    return f"{_HEADER}[directories]\n{lines}" + (f'\n#include "{options}"\n' if options else "")
