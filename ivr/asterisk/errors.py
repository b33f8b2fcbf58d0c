"""What can go wrong with Asterisk's programs, files and processes; every message says how to mend it."""


class AsteriskError(RuntimeError):
    """Asterisk, or another program callfloor runs, cannot be had, started or stopped. `str()` is written for people."""


class ProvisionError(AsteriskError):
    """A private copy of a program cannot be made on this machine."""
