"""Menus drawn: every number, menu and key is there, nothing twice, and no text breaks the picture."""

from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from acd.problems import ConfigError
from acd.settings import Site
from acd.site import load_site
from ivr.menus import read_ways
from ivr.outline import boxes, svg, tree
from ivr.proof import Ways

SAMPLE = Path(__file__).parents[2] / "asterisk-config"
SVG = "{http://www.w3.org/2000/svg}"

CIRCLE = """\
[general]
default = hours day, menu a
[day]
type = hours
zone = Europe/Warsaw
open = mon 08:00-16:00
otherwise = play ask, menu b
[a]
type = menu
prompt = ask
choice = 1, menu b
choice = 2, queue sales
[b]
type = menu
prompt = ask
choice = 1, menu a
failure = menu a
language = pl
[ask]
type = prompt
en = <b>1 & "2" [bold]
pl = Jeden.
"""


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(SAMPLE)


@pytest.fixture
def circle(tmp_path: Path, site: Site) -> Ways:
    (tmp_path / "ivr.conf").write_text(CIRCLE)
    return read_ways(tmp_path, site)


def lines(ways: Ways) -> list[str]:
    console = Console(width=160, record=True, file=StringIO())
    console.print(tree(ways))
    return console.export_text().splitlines()


def test_the_sample_as_a_tree(site: Site) -> None:
    """Each number leads to its menu, each key to its actions, silence to `failure`."""
    drawn = "\n".join(lines(read_ways(SAMPLE, site)))
    for part in ("dials 5550100", "dials 5550199", "dials another number", "whose agent has hung up", "menu main"):
        assert part in drawn
    for part in ("1  queue sales", "2  queue support", "0  hours reception-hours, queue reception", "nothing  queue"):
        assert part in drawn
    assert "reception-hours closed  play closed, hangup" in drawn
    assert "9  language pl, menu main-pl" in drawn
    assert drawn.count("menu main, see above") + drawn.count("menu main  ") >= 2


def test_a_circle_is_drawn_once(circle: Ways) -> None:
    """A menu that was drawn is named, not drawn again."""
    drawn = "\n".join(lines(circle))
    assert drawn.count("(3 times, 5 s") == 2
    assert "menu a, see above" in drawn
    assert "day closed  play ask, menu b" in drawn


def test_boxes(circle: Ways) -> None:
    """What a box says are the lines of the file."""
    found = boxes(circle)
    assert [row[:2] for row in found["b"].rows] == [("1", "menu a"), ("nothing", "menu a")]
    assert found["b"].below.endswith("(3 times, 5 s, in pl)")
    assert found["a"].rows[0].leads_to == ("b",)


def test_all_ways_out_of_a_queue_are_drawn(tmp_path: Path) -> None:
    """Where a queue sends callers whose wait is over stands beside what `overflow` does with the others."""
    acd = (SAMPLE / "acd.conf").read_text()
    assert "[sales](queue)\n" in acd
    (tmp_path / "acd.conf").write_text(acd.replace("[sales](queue)\n", "[sales](queue)\noverflow = menu b\n"))
    (tmp_path / "ivr.conf").write_text(CIRCLE)
    found = boxes(read_ways(tmp_path, load_site(tmp_path)))
    rows = [row.what for row in found["=a caller whose wait is over"].rows]
    assert "menu b" in rows
    assert len(rows) == 2


def test_the_picture_is_xml_whatever_the_texts_are(circle: Ways) -> None:
    """Every box, every row and a line for each that leads on; a text is a text."""
    picture = ET.fromstring(svg(circle))
    words = [text.text or "" for text in picture.iter(f"{SVG}text")] + [
        one.text or "" for one in picture.iter(f"{SVG}title")
    ]
    assert any('<b>1 & "2" [bold]' in word for word in words)
    found = boxes(circle)
    assert len(list(picture.iter(f"{SVG}rect"))) == len(found) + 1
    leads = sum(len(row.leads_to) for box in found.values() for row in box.rows)
    assert len(list(picture.iter(f"{SVG}path"))) == leads + 1


def test_boxes_do_not_lie_on_each_other(site: Site) -> None:
    """No two boxes share a place, and all lie within the picture."""
    picture = ET.fromstring(svg(read_ways(SAMPLE, site)))
    placed = [
        tuple(int(rect.get(key, "")) for key in ("x", "y", "width", "height"))
        for rect in picture.iter(f"{SVG}rect")
        if rect.get("x")
    ]
    for number, (x, y, width, height) in enumerate(placed):
        assert x + width <= int(picture.get("width", ""))
        assert y + height <= int(picture.get("height", ""))
        for left, top, wide, high in placed[:number]:
            assert x >= left + wide or left >= x + width or y >= top + high or top >= y + height


def test_files_with_errors_are_not_drawn(tmp_path: Path, site: Site) -> None:
    """They are told instead."""
    (tmp_path / "ivr.conf").write_text(CIRCLE.replace("queue sales", "queue sails"))
    with pytest.raises(ConfigError, match="sails"):
        read_ways(tmp_path, site)
