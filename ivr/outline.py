"""The menus of a site drawn: as a tree for a terminal, and as an SVG picture for a wall.

What stands in the boxes are the lines of ivr.conf themselves. A menu is drawn once, where it is first come to.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from xml.sax.saxutils import escape

from rich.markup import escape as plain
from rich.tree import Tree

from ivr.actions import Actions
from ivr.proof import MenuSettings, OpeningHours, Ways

NOTHING = "nothing"

_WIDTH, _GAP, _ROW, _HEAD, _SPACE, _MARGIN = 330, 110, 20, 42, 28, 20
_CHARS = 46


class Row(NamedTuple):
    """A line of a box: what is pressed, or under which hours, and what happens then."""

    when: str
    what: str
    leads_to: tuple[str, ...]
    """The menus that are named in it."""


class Box(NamedTuple):
    """A number, or a menu."""

    title: str
    below: str
    rows: tuple[Row, ...]


def boxes(ways: Ways) -> dict[str, Box]:
    """Give the boxes that calls get to: the numbers under `NUMBER`, the menus under their name, nearest first."""
    found: dict[str, Box] = {}
    for entry in ways.entries:
        title = entry.who.removeprefix("a caller who ").removeprefix("a caller ")
        box = found.setdefault(
            f"={entry.who}", Box(title, "", ())
        )  # several queues may send callers whose wait is over
        rows = dict.fromkeys([*box.rows, *_rows(ways.hours, "", entry.text, entry.actions)])
        found[f"={entry.who}"] = box._replace(rows=tuple(rows))
    beyond = deque(found)
    while beyond:
        for row in found[beyond.popleft()].rows:
            for name in row.leads_to:
                if name in ways.menus and name not in found:
                    found[name] = _menu(name, ways.menus[name], ways)
                    beyond.append(name)
    return {name: box for name, box in found.items() if box.rows}


def _menu(name: str, menu: MenuSettings, ways: Ways) -> Box:
    values = menu.values
    said = " ".join(ways.texts.get(prompt, f"[{prompt}]") for prompt in values["prompt"])
    rows: list[Row] = []
    for line in menu.section.every("choice"):
        keys, _, text = (part.strip() for part in line.value.partition(","))
        rows += _rows(ways.hours, keys, text, menu.choices[keys])
    failure = menu.section.last("failure")
    rows += _rows(ways.hours, NOTHING, failure.value if failure else "hangup", values["failure"])
    language = f", in {values['language']}" if values["language"] else ""
    return Box(
        f"menu {name}", f"{said} ({values['tries']} times, {values['timeout_ms'] / 1_000:g} s{language})", tuple(rows)
    )


def _rows(hours: Mapping[str, OpeningHours], when: str, text: str, actions: Actions) -> Iterator[Row]:
    named = [reference for reference in actions.references if reference.noun in {"menu", "hours"}]
    yield Row(when, " ".join(text.split()), tuple(name for noun, name in named if noun == "menu"))
    for noun, name in named:
        if noun == "hours" and name in hours:
            otherwise = hours[name].section.last("otherwise")
            menus = tuple(one.name for one in hours[name].otherwise.references if one.noun == "menu")
            yield Row(f"{name} closed", " ".join(otherwise.value.split()) if otherwise else "", menus)


def tree(ways: Ways) -> Tree:
    """Draw for a terminal."""
    found, drawn = boxes(ways), set[str]()
    root = Tree("calls", hide_root=True)

    def grow(branch: Tree, box: Box) -> None:
        for row in box.rows:
            leaf = branch.add(f"[bold]{plain(row.when)}[/]  {plain(row.what)}" if row.when else plain(row.what))
            for name in row.leads_to:
                if name in found and name in drawn:
                    leaf.add(f"[dim]menu {plain(name)}, see above[/]")
                elif name in found:
                    drawn.add(name)
                    grow(
                        leaf.add(f"[cyan]{plain(found[name].title)}[/]  [dim]{plain(found[name].below)}[/]"),
                        found[name],
                    )

    for name, box in found.items():
        if name.startswith("="):
            grow(root.add(f"[green]{plain(box.title)}[/]"), box)
    return root


def svg(ways: Ways) -> str:
    """Draw as a picture: boxes in columns, further right the more was pressed, a line from each row that leads on."""
    found = boxes(ways)
    column: dict[str, int] = {}
    for name, box in found.items():
        column.setdefault(name, 0)
        for other in (other for row in box.rows for other in row.leads_to if other in found):
            column.setdefault(other, column[name] + 1)
    below = [_MARGIN] * (max(column.values(), default=0) + 1)
    corner: dict[str, tuple[int, int]] = {}
    for name, box in found.items():
        at = column[name]
        corner[name] = (_MARGIN + at * (_WIDTH + _GAP), below[at])
        below[at] += _HEAD + _ROW * len(box.rows) + _SPACE
    drawn = [line for name, box in found.items() for line in _drawn(box, *corner[name])]
    for name, box in found.items():
        for number, row in enumerate(box.rows):
            drawn += [_line(*corner[name], number, *corner[other]) for other in row.leads_to if other in found]
    width, height = 2 * _MARGIN + len(below) * (_WIDTH + _GAP) - _GAP, max(below)
    return "\n".join([_OPENING.format(width=width, height=height), *drawn, "</svg>", ""])


_OPENING = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">
<style>
text {{ font: 13px sans-serif }} .title {{ font-weight: bold }} .said {{ font-size: 11px; fill: #555 }}
.keys {{ font-weight: bold; fill: #06c }} rect {{ fill: #fff; stroke: #888 }} path {{ fill: none; stroke: #06c }}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">\
<path d="M0 0L8 4L0 8z" style="fill:#06c"/></marker></defs>
<rect width="100%" height="100%" style="stroke:none"/>"""


def _drawn(box: Box, left: int, top: int) -> Iterator[str]:
    yield f'<rect x="{left}" y="{top}" width="{_WIDTH}" height="{_HEAD + _ROW * len(box.rows)}" rx="6"/>'
    yield f'<text class="title" x="{left + 10}" y="{top + 18}">{_fitting(box.title)}</text>'
    whole = f"<title>{escape(box.below)}</title>"
    yield f'<text class="said" x="{left + 10}" y="{top + 33}">{whole}{_fitting(box.below)}</text>'
    for number, row in enumerate(box.rows):
        line = top + _HEAD + _ROW * number + 14
        yield (
            f'<text x="{left + 10}" y="{line}"><title>{escape(row.what)}</title>'
            f'<tspan class="keys">{escape(row.when)}</tspan> {_fitting(row.what, _CHARS - len(row.when))}</text>'
        )


def _fitting(text: str, chars: int = _CHARS + 6) -> str:
    return escape(text if len(text) <= chars else f"{text[: chars - 1]}…")


def _line(left: int, top: int, row: int, to_left: int, to_top: int) -> str:
    start, end = (left + _WIDTH, top + _HEAD + _ROW * row + 10), (to_left, to_top + 16)
    if to_left <= left:  # back: around, below its own row
        bend = f"C{start[0] + 60} {start[1]} {end[0] - 60} {end[1] - 40} {end[0]} {end[1]}"
    else:
        bend = f"C{start[0] + _GAP // 2} {start[1]} {end[0] - _GAP // 2} {end[1]} {end[0]} {end[1]}"
    return f'<path d="M{start[0]} {start[1]}{bend}" marker-end="url(#tip)"/>'
