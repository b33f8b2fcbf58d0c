"""What holds for all tests."""

import resource
import signal

import pytest
from hypothesis import settings

from tests.apt import MissingError
from tests.beside import Beside, step_back
from tests.channels import browser

settings.register_profile("callfloor", deadline=None)  # machines are shared: no test is one of time
settings.load_profile("callfloor")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell leaves it to what it runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # or the programs that tests start would not hear Ctrl-C


def pytest_xdist_make_scheduler(config, log):
    """Tell which worker runs what."""
    return Beside(config, log)


def pytest_configure(config):
    """Have workers without telephones run behind the one with them."""
    step_back()


@pytest.fixture(scope="session")
def chromium():
    """Give the command of a browser; skip where there is none to be had."""
    try:
        return browser.program()
    except MissingError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session", autouse=True)
def _many_files():
    """Take as many file descriptors as the system grants, as the command does; a login shell's are 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
