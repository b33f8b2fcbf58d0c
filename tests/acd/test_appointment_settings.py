"""Kinds of appointments in acd.conf: read, and checked with file and line."""

import pytest

from acd.appointments import AppointmentKind, Telling
from acd.problems import ConfigError
from acd.site import check_site, load_site
from tests.acd.test_mailbox_settings import MAILBOX, site_of

VISIT = """[visit]
type = appointment
title = Visit
queue = sales
tell = customer by email preparation
tell = host by email soon 1h before
"""


def test_a_kind_is_read(tmp_path):
    """Each option arrives."""
    more = "length = 45m\nplace = Main Street 1\ninvite = customer, host\ncancelled = off\n"
    site = load_site(site_of(tmp_path, MAILBOX + VISIT + more))
    assert check_site(tmp_path) == []
    assert site.appointments["visit"] == AppointmentKind(
        section="visit",
        title="Visit",
        queue="sales",
        length_ms=45 * 60_000,
        place="Main Street 1",
        invite=("customer", "host"),
        tellings=(Telling("customer", "email", "preparation"), Telling("host", "email", "soon", 3_600_000)),
        cancelled="off",
    )


@pytest.mark.parametrize(
    ("was", "now", "complaint"),
    [
        ("queue = sales\ntell", "queue = sails\ntell", "acd.conf:21: there is no queue 'sails'; did you mean 'sales'?"),
        ("by email prep", "by emial prep", "acd.conf:22: nothing can be told by 'emial'; did you mean 'email'?"),
        ("customer by", "everybody by", "acd.conf:22: tell: 'everybody by email preparation' is not like customer by"),
        ("1h before", "1y before", "acd.conf:23: tell: '1y' is not a length of time"),
        ("1h before", "1m before", "acd.conf:23: tell: 1m is out of range"),
        ("host by email soon 1h before", "customer by email preparation", "the same is told twice"),
        ("title = Visit\n", "", "'visit' has no 'title'"),
        ("tell", "[store]\ndatabase = none\n[visit](+)\ntell", "appointment 'visit' needs a customer file"),
    ],
)
def test_every_mistake_is_told(tmp_path, was, now, complaint):
    """With its line, and how to mend it."""
    assert was in VISIT
    with pytest.raises(ConfigError) as told:
        load_site(site_of(tmp_path, MAILBOX + VISIT.replace(was, now, 1)))
    assert any(complaint in str(one) for one in told.value.problems), [str(one) for one in told.value.problems]


def test_without_a_mailbox_nothing_can_be_told(tmp_path):
    """Words by e-mail and invitations both need one."""
    for text in (VISIT, "[visit]\ntype = appointment\ntitle = V\nqueue = sales\ninvite = host\n"):
        with pytest.raises(ConfigError, match="needs a mailbox to write from"):
            load_site(site_of(tmp_path, text))
