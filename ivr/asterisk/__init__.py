"""Asterisk: found or fetched, configured from acd.conf, started and stopped.

`archive`   downloads Debian packages without root          `private`   makes and finds private copies of programs
`program`   chooses the machine's program or the copy       `files`     renders what follows from acd.conf
`instance`  one private Asterisk: folders, files, process   `hardware`  the same for spans and analog lines
`ports`     free ports for several side by side             `texts`     how values are written there
"""

from .errors import AsteriskError, ProvisionError
from .files import generated, write_generated
from .instance import Instance, lacking
from .ports import free_port, on_free_ports
from .program import Asterisk, find_asterisk, private_tool, progress_bar, provision

__all__ = [
    "Asterisk",
    "AsteriskError",
    "Instance",
    "ProvisionError",
    "find_asterisk",
    "free_port",
    "generated",
    "lacking",
    "on_free_ports",
    "private_tool",
    "progress_bar",
    "provision",
    "write_generated",
]
