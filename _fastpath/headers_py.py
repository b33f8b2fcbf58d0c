"""A block of headers: the pure build, and the oracle of the compiled one. The manual is headers.pyi."""

import re
from collections.abc import Mapping

COUNT_MOST = 192


def read_headers(data: bytes, prefix: bytes, line_max: int, count_max: int) -> Mapping[str, str] | None:
    """Read a whole block."""
    if not data.endswith(b"\n\n") or b"\r" in data or max(map(len, data.split(b"\n"))) > line_max:
        return None
    line = rf"^{re.escape(prefix.decode())}([a-z0-9_]{{1,64}}): ?(.*)\n"
    found = re.findall(line, data.decode("utf-8", "replace"), re.MULTILINE)
    headers = dict(found)
    return headers if 0 < len(headers) == len(found) == data.count(b"\n") - 1 <= min(count_max, COUNT_MOST) else None
