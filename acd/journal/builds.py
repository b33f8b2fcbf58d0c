"""Which callfloor this is: its version and a fingerprint of everything that decides.

Two builds with the same name decide the same. The fingerprint covers the sources of `acd.core` and `_fastpath`; its
compiled module and its pure twin give the same answers (tests/fastpath), so which of them runs does not count.
"""

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import _fastpath
import acd.core

_SOURCES = (".py", ".pyx", ".pxd")


@cache
def build() -> str:
    """Name this build, such as `0.1.0+1a2b3c4d5e6f`."""
    try:
        release = version("callfloor")
    except PackageNotFoundError:  # run from its sources
        release = "0"
    return f"{release}+{fingerprint(Path(str(_fastpath.__file__)).parent, Path(str(acd.core.__file__)).parent)}"


def fingerprint(*folders: Path) -> str:
    """Return 12 hexadecimal digits that change with any source file in these folders (SHA-256 over names and texts)."""
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            if file.suffix in _SOURCES:
                text = file.read_bytes()
                digest.update(f"{folder.name}/{file.relative_to(folder)} {len(text)}\n".encode())
                digest.update(text)
    return digest.hexdigest()[:12]
