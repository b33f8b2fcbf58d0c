"""What holds for all tests."""

import resource

import pytest


@pytest.fixture(scope="session", autouse=True)
def _many_files():
    """Take as many file descriptors as the system grants, as the command does; a login shell's are 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
