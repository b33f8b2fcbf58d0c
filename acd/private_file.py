"""Small files of the instance home that hold secrets: for its owner's eyes, and whole whatever ends in the midst."""

import os
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Have this in a file and nothing else; its folder is made if it is not there.

    Raises:
        OSError: it cannot be written; what was there is there still.

    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
