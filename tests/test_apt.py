"""Where a peer of the tests comes from, and what is said when it cannot be had."""

import os
import shutil

import pytest

from tests.apt import MissingError, installed


def nothing():
    return None


def test_what_is_there_is_taken():
    """Nothing is installed then, whoever asks."""
    assert installed("Peer", "no-such-package", lambda: "/usr/bin/peer") == "/usr/bin/peer"


def test_who_is_not_root_is_told_what_to_install(monkeypatch):
    """The reason of the skip names the package."""
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    with pytest.raises(MissingError, match=r"no Peer.*only root.*apt-get install no-such-package"):
        installed("Peer", "no-such-package", nothing)


def test_a_machine_without_apt_is_told_so(monkeypatch):
    """It is no Debian."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(MissingError, match="no Peer, and no apt-get"):
        installed("Peer", "no-such-package", nothing)
