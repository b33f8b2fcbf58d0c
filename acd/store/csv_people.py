"""People in a CSV file: the first line names the columns, commas, semicolons or tabs part them.

    name, language
    number, phone, mobile, work, home     telephone numbers; several in a cell are parted by `;`, `|` or a line's end
    email, xmpp                           addresses, likewise
    tier                                  and any `attribute NAME`: what is known of him by a name

A column of another name is not taken, and the report says so.
"""

import csv
import io
import re
from pathlib import Path
from typing import Any

from acd.store.intake import Given, IntakeError, Left
from acd.store.text import line as one_line

CELL_MOST = 10_000
COLUMNS_MOST = 200
NAMES = {"name", "full name", "display name"}
NUMBERS = {
    "number": "",
    "phone": "",
    "telephone": "",
    "mobile": "mobile",
    "cell": "mobile",
    "work": "work",
    "home": "home",
}
ADDRESSES = {"email": "email", "e-mail": "email", "mail": "email", "xmpp": "xmpp", "jabber": "xmpp"}
ATTRIBUTE = re.compile(r"attribute ([^\s].{0,38})")


def read(file: Path, text: str) -> tuple[list[Given], list[Left]]:
    """Read a file.

    Raises:
        IntakeError: it is no CSV file, or has no column that could tell people apart.

    """
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    before = csv.field_size_limit(CELL_MOST)
    try:
        return _read(file, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    finally:
        csv.field_size_limit(before)


def _read(file: Path, rows: Any) -> tuple[list[Given], list[Left]]:
    given: list[Given] = []
    left: list[Left] = []
    try:
        heads = [one_line(head).lower() for head in next(rows, [])]
        _check(file, heads)
        left += [Left(file.name, 1, f"column '{head}' is not known") for head in heads if not _is_known(head)]
        while True:
            line = rows.line_num + 1
            if (row := next(rows, None)) is None:
                return given, left
            if len(row) > len(heads):
                left.append(Left(file.name, line, f"it has {len(row)} cells, and there are {len(heads)} columns"))
            elif any(cell.strip() for cell in row):
                given.append(_person(line, heads, row))
    except csv.Error as error:
        raise IntakeError(file, rows.line_num, f"it is no CSV file: {error}") from None


def _check(file: Path, heads: list[str]) -> None:
    if len(heads) > COLUMNS_MOST:
        raise IntakeError(file, 1, f"it has more than {COLUMNS_MOST} columns")
    if not any(head in NUMBERS or head in ADDRESSES for head in heads):
        raise IntakeError(file, 1, "its first line names no column of numbers or addresses, such as number or email")
    if twice := next((head for head in heads if head in NAMES | {"language"} and heads.count(head) > 1), None):
        raise IntakeError(file, 1, f"it has two columns '{twice}'")


def _is_known(head: str) -> bool:
    known = head in NAMES or head in NUMBERS or head in ADDRESSES or head in {"language", "tier"}
    return known or ATTRIBUTE.fullmatch(head) is not None


def _person(line: int, heads: list[str], row: list[str]) -> Given:
    given = Given(line=line)
    for head, cell in zip(heads, row, strict=False):
        if head in NAMES:
            given.name = given.name or cell
        elif head == "language":
            given.language = cell
        elif head in NUMBERS or head in ADDRESSES:
            kind, label = ADDRESSES.get(head, "number"), NUMBERS.get(head, "")
            given.handles += [(kind, part, label) for part in re.split(r"[;|\n]", cell) if part.strip()]
        elif head == "tier" or ATTRIBUTE.fullmatch(head):
            given.attributes[head.removeprefix("attribute ")] = cell
    return given
