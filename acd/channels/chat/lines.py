"""Lines of a talk as they are told: to a page, to an agent, in a mail."""

import time
from typing import TYPE_CHECKING

from acd.channels.chat import protocol as say

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from acd.store.chats import Line

THEIRS = "in-"
"""Before the name that a page gave its line: our own have another."""


def plain(line: "Line", *, is_told: bool = True) -> say.Line:
    """Make of a line that is stored what is told of it; who of us wrote it only if that is told."""
    return say.Line(
        seq=line.seq,
        id=line.name.removeprefix(THEIRS) if line.is_theirs else line.name,
        mine=line.is_theirs,
        at=line.at,
        text=line.body or "",
        by=line.sender if is_told and not line.is_theirs else "",
        files=tuple(say.FileOf(name=one.name, kind=one.content_type, size=one.size) for one in line.files),
    )


def words(line: say.Line, him: str) -> str:
    """Write a line of a talk as text: when, who, what.

    Args:
        line: hostile.
        him: what the visitor is called where he wrote it.

    """
    when = time.strftime("%H:%M", time.localtime(line.at / 1_000))
    files = "".join(f" [{one.name}]" for one in line.files)
    return f"{when} {him if line.mine else line.by or '*'}: {line.text}{files}"
