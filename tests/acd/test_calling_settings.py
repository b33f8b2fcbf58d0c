"""`[calling-out]` in acd.conf: what is read, and what is told of mistakes."""

import pytest

from acd.core.rules import OutRule
from acd.numbers import Plan
from acd.site import check_site, load_site
from tests.acd.test_calling_desk import ACD
from tests.acd.test_trunk_settings import SITE


def test_it_is_read(tmp_path):
    """Numbers for the edge, caps and lines for the core."""
    (tmp_path / "acd.conf").write_text(ACD)
    site = load_site(tmp_path)
    settings = site.calling_out
    assert settings.plan == Plan(country="DE", allow=("DE", "GB", "US"))
    assert settings.rule == OutRule(
        groups=("lines",),
        longest_ms=300_000,
        hour_most=30,
        seat_hour_most=20,
        number_day_most=3,
        spend_day_most=2_500,
    )
    assert (settings.rates, settings.caller_id, settings.prefix) == ({"+": 10}, "+4930111", "0")
    assert (site.number_forms, site.caller_ids) == ({"lines": "national"}, {"sales": "+4930999", "support": "+4930888"})
    assert site.seats["101"].location == "room 12"


def test_who_says_nothing_of_it_lets_nobody_out(tmp_path):
    """It is off."""
    (tmp_path / "acd.conf").write_text(SITE)
    assert load_site(tmp_path).calling_out.plan is None


LINES = "[out]\ntype = lines\nlines = a*2\nkeep_emergency = 1\n[calling-out]\n"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("country = DE\nlines = owt", "there is no group of lines 'owt'; did you mean 'out'?"),
        ("country = DE", "calling out has no lines; name the groups of lines that calls go over"),
        ("country = ZZ\nlines = out", "no country has the code 'ZZ'; ISO 3166, such as DE, PL, GB, US"),
        ("country = DE\nlines = out\nallow = DE, XX", "no country has the code 'XX'; ISO 3166, such as DE, PL, GB, US"),
        ("country = de\nlines = out", "country: 'de' cannot be used"),
        ("country = DE\nlines = out\ndeny = 0049", "deny: '0049'"),
        ("country = DE\nlines = out\ncaller_id = Anna", "caller_id: 'Anna' cannot be used"),
        ("country = DE\nlines = out\nrates = +49 2\nspend_day_most = 9", "not every number has a rate"),
    ],
)
def test_mistakes(tmp_path, lines, told):
    """Each is told with its line and a way to mend it."""
    (tmp_path / "acd.conf").write_text(SITE + LINES + lines)
    found = [str(problem) for problem in check_site(tmp_path)]
    assert any(told in problem for problem in found), found


def test_a_line_for_emergencies_is_missed(tmp_path):
    """A group without one kept is warned of; a seat that has such a number is an error."""
    (tmp_path / "acd.conf").write_text(SITE + LINES.replace("keep_emergency = 1\n", "") + "country = DE\nlines = out\n")
    assert any("no line is kept for emergencies" in str(problem) for problem in check_site(tmp_path))
    text = SITE.replace("101", "112") + LINES + "country = DE\nlines = out\n"
    (tmp_path / "acd.conf").write_text(text)
    assert any("seat '112' has the number for emergencies" in str(problem) for problem in check_site(tmp_path))
