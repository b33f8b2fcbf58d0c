"""The one truth: every event with the commands that followed, stored before any of these is carried out.

    frames    bytes on the disk: headers, lengths, checksums      entries   what stands in them
    folder    reads the files, beside a running server too        segments  writes them, and lets old ones go
    replay    decides again: to restart, to look back, to prove   writer    `Journal`, the one that writes
    builds    which callfloor decided

A journal is a folder. A restart reads the newest state and decides again what came after it; any moment that was can be
had the same way. An entry holds the commands too, so a replay shows whether this callfloor decides as that one did.
"""

from acd.journal.builds import build
from acd.journal.entries import AnyEntry, Entry, Gap, Refused
from acd.journal.folder import Folder
from acd.journal.frames import FORMAT, JournalError
from acd.journal.replay import Rebuilt, Verdict, compare, rebuild
from acd.journal.writer import Journal

__all__ = [
    "FORMAT",
    "AnyEntry",
    "Entry",
    "Folder",
    "Gap",
    "Journal",
    "JournalError",
    "Rebuilt",
    "Refused",
    "Verdict",
    "build",
    "compare",
    "rebuild",
]
