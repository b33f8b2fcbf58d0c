"""Where packages come from: the machine's apt sources, the keyring, and what is said when they cannot be had."""

import http.server
import os
import shutil
import socket
import subprocess
import threading
from functools import partial
from pathlib import Path

import pytest

from ivr.asterisk import ProvisionError
from ivr.asterisk import archive as archive_module
from ivr.asterisk.archive import Archive, Source, debian_keyring, debian_mirror, read_sources
from ivr.asterisk.program import quiet

needs_apt = pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt is the program under test")
needs_keyring = pytest.mark.skipif(
    not any(keyring.is_file() for keyring in archive_module.KEYRINGS), reason="no Debian archive keyring here"
)

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
 http://second.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Enabled: no

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
"""


@pytest.fixture
def apt(tmp_path):
    """Give an empty /etc/apt."""
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


@pytest.fixture
def debian(tmp_path):
    """Give an os-release of Debian 12."""
    file = tmp_path / "os-release"
    file.write_text('PRETTY_NAME="Debian 12"\nID=debian\nVERSION_CODENAME=bookworm\n')
    return file


@pytest.fixture(autouse=True)
def _no_chosen_mirror(monkeypatch):
    monkeypatch.delenv(archive_module.MIRROR_VARIABLE, raising=False)


def test_reads_the_deb822_format(apt):
    """A .sources file yields each enabled binary source with all its suites, continuation lines included."""
    (apt / "sources.list.d/debian.sources").write_text(DEB822)
    suites = ("bookworm", "bookworm-updates")
    assert list(read_sources(apt)) == [
        Source("http://mirror.example/debian", suites),
        Source("http://second.example/debian", suites),
    ]


def test_reads_the_one_line_format(apt):
    """A .list line with or without options yields its address; comments and source packages yield nothing."""
    (apt / "sources.list").write_text(
        "# deb http://no.example/debian bookworm main\n"
        "deb-src http://src.example/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://a.example/debian bookworm main contrib\n"
    )
    (apt / "sources.list.d/x.list").write_text("  deb\thttp://b.example/debian  trixie main\n")
    assert list(read_sources(apt)) == [
        Source("http://a.example/debian", ("bookworm",)),
        Source("http://b.example/debian", ("trixie",)),
    ]


def test_mirror_is_the_one_that_carries_the_release(apt, debian):
    """Third parties' archives and security updates are passed over for the archive of the release itself."""
    (apt / "sources.list.d/a.list").write_text("deb https://vendor.example/apt cloud-bookworm main\n")
    (apt / "sources.list.d/b.list").write_text("deb http://security.example/x bookworm-security main\n")
    (apt / "sources.list.d/c.list").write_text("deb cdrom:[disk]/ bookworm main\n")
    (apt / "sources.list.d/d.list").write_text("deb http://mirror.example/debian bookworm main\n")
    assert debian_mirror(apt, debian) == "http://mirror.example/debian"


@pytest.mark.parametrize("release", ["ID=ubuntu\nVERSION_CODENAME=noble\n", "", "ID=debian\n"])
def test_without_a_debian_source_the_message_tells_what_to_set(apt, tmp_path, release):
    """On another system, or a Debian without sources, the error names the variable that names one."""
    (apt / "sources.list").write_text("deb http://ubuntu.example/ubuntu noble main\n")
    (tmp_path / "os-release").write_text(release)
    with pytest.raises(ProvisionError, match=r"no Debian archive.*CALLFLOOR_DEBIAN_MIRROR"):
        debian_mirror(apt, tmp_path / "os-release")


def test_a_chosen_mirror_wins(apt, debian, monkeypatch):
    """$CALLFLOOR_DEBIAN_MIRROR is taken before all sources."""
    (apt / "sources.list").write_text("deb http://mirror.example/debian bookworm main\n")
    monkeypatch.setenv(archive_module.MIRROR_VARIABLE, "http://chosen.example/debian")
    assert debian_mirror(apt, debian) == "http://chosen.example/debian"


def test_without_a_keyring_nothing_is_fetched(monkeypatch, tmp_path):
    """No keyring means no check of signatures, so the error says which package brings it."""
    monkeypatch.setattr(archive_module, "KEYRINGS", (tmp_path / "none.gpg",))
    with pytest.raises(ProvisionError, match="apt-get install debian-archive-keyring"):
        debian_keyring()


def test_without_apt_the_message_tells_what_is_missing(monkeypatch, tmp_path):
    """On a system of another family the error names the missing program."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProvisionError, match=r"no `apt-get`.*Debian and its family"):
        Archive(tmp_path / "apt", "sid")


@needs_apt
@needs_keyring
def test_an_archive_out_of_reach_is_said_with_apts_reason(monkeypatch, tmp_path):
    """With nobody at the archive's address the error repeats apt's reason and says what to check."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, never listening: connections are refused
        monkeypatch.setenv(archive_module.MIRROR_VARIABLE, f"http://127.0.0.1:{nobody.getsockname()[1]}/debian")
        with pytest.raises(
            ProvisionError, match=r"(?s)suite bookworm.*(Connection refused|Unable to connect).*apt's proxy"
        ):
            Archive(tmp_path / "apt", "bookworm").plan(("hello",), quiet)


@needs_apt
@needs_keyring
def test_what_apt_parsed_is_kept_beside_its_lists_and_dropped_in_the_end(monkeypatch, tmp_path):
    """What apt parsed goes to a file, so that its calls share one parse; 50 MB of it do not stay."""
    monkeypatch.setenv(archive_module.MIRROR_VARIABLE, "http://127.0.0.1:9/debian")
    archive = Archive(tmp_path, "sid")
    told = subprocess.run(
        ["apt-config", "shell", "PARSED", "Dir::Cache::pkgcache/f"],
        env={**os.environ, "APT_CONFIG": str(tmp_path / "apt.conf")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    parsed = Path(told.strip().removeprefix("PARSED=").strip("'"))
    assert parsed.parent == tmp_path
    parsed.touch()
    archive.clean()
    assert not parsed.exists()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Print nothing."""


@needs_apt
@needs_keyring
def test_an_unsigned_archive_is_refused(monkeypatch, tmp_path):
    """An archive whose Release nobody signed yields no package, even if the machine's apt would allow it."""
    release = tmp_path / "www/dists/sid/Release"
    release.parent.mkdir(parents=True)
    release.write_text("Suite: sid\nCodename: sid\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nComponents: main\n")
    lax = tmp_path / "lax.conf"
    lax.write_text('Acquire::AllowInsecureRepositories "true";\nAPT::Get::AllowUnauthenticated "true";\n')
    monkeypatch.setenv("APT_CONFIG", str(lax))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path / "www")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        monkeypatch.setenv(archive_module.MIRROR_VARIABLE, f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(ProvisionError, match="is not signed"):
            Archive(tmp_path / "apt", "sid").plan(("hello",), quiet)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
