"""Private copies: whole or not there."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ivr.asterisk import ProvisionError, private, program
from ivr.asterisk.locking import exclusive
from ivr.asterisk.program import quiet

needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb makes and unpacks the package")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Give an empty cache folder."""
    monkeypatch.setenv("CALLFLOOR_CACHE", str(tmp_path))
    (tmp_path / "bundles").mkdir()
    return tmp_path


def make_package(folder, name="hello", version="1:2.0-1"):
    """Build a package with one file in it, named as apt names what it downloads."""
    tree = folder / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/share").mkdir(parents=True)
    (tree / "usr/share/hello").write_text("hello")
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n"
    )
    file = folder / f"{name}_{version.replace(':', '%3a')}_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, file], check=True, capture_output=True)
    return file


@needs_dpkg
def test_unpacked_copy_has_its_files_and_its_record(cache):
    """After unpacking, the copy holds the packages' files and the versions they came with, colons restored."""
    package = make_package(cache)
    assert private._name_and_version(package) == ("hello", "1:2.0-1")
    root = cache / "bundles/asterisk-1"
    with private._whole(root, {"asterisk": "1:2.0-1"}) as work:
        private._unpack([package], work, quiet)
    assert (root / "usr/share/hello").read_text() == "hello"
    bundle = private.find_bundle("asterisk")
    assert bundle is not None
    assert (bundle.root, bundle.version) == (root, "1:2.0-1")


@needs_dpkg
def test_damaged_package_leaves_no_copy(cache):
    """A package that cannot be unpacked is named, and no copy is there afterwards."""
    package = make_package(cache)
    package.write_bytes(package.read_bytes()[:-20])
    with (
        pytest.raises(ProvisionError, match=r"hello_.*cannot be unpacked"),
        private._whole(cache / "bundles/asterisk-1", {}) as work,
    ):
        private._unpack([package], work, quiet)
    assert private.find_bundle("asterisk") is None


@needs_dpkg
def test_killed_unpack_is_no_copy(cache):
    """A process killed between unpacking and renaming leaves nothing that is taken for a copy."""
    package = make_package(cache)
    code = (
        "import os, signal, sys; from pathlib import Path; from ivr.asterisk import private\n"
        "private.os.sync = lambda: os.kill(os.getpid(), signal.SIGKILL)\n"
        "with private._whole(Path(sys.argv[2]), {'asterisk': '1'}) as work:\n"
        "    private._unpack([Path(sys.argv[1])], work, lambda *_: None)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, package, cache / "bundles/asterisk-1"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert list(cache.glob("bundles/.unpacking-*/usr/share/hello"))
    assert private.find_bundle("asterisk") is None


def test_newest_copy_is_found(cache):
    """Of two copies the one made later is used."""
    for age, name in ((10, "asterisk-b"), (20, "asterisk-a")):
        (cache / "bundles" / name).mkdir()
        record = cache / "bundles" / name / private.RECORD
        record.write_text(json.dumps({"asterisk": name}))
        os.utime(record, (1_000 - age, 1_000 - age))
    assert private.find_bundle("asterisk").version == "asterisk-b"


@pytest.mark.parametrize("place", ["lib", "usr/lib"])
def test_copy_runs_by_its_own_loader(cache, place):
    """The loader is the copy's own file, wherever its Debian release put it, no link to the machine's."""
    libraries = cache / place / "x86_64-linux-gnu"
    libraries.mkdir(parents=True)
    for name in ("libc.so.6", "ld-linux-x86-64.so.2"):
        (libraries / name).touch()
    (cache / "usr/lib64").mkdir(parents=True)
    (cache / "usr/lib64/ld-linux-x86-64.so.2").symlink_to("/lib64/ld-linux-x86-64.so.2")
    loader, _, folders, path = private.Bundle(private.RECIPES["sipp"], cache, {}).argv
    assert loader == str(libraries / "ld-linux-x86-64.so.2")
    assert folders.split(":")[0] == str(libraries)
    assert path == str(cache / "usr/bin/sipp")


def test_copy_without_the_wheels_of_today_is_none(cache):
    """A private Python made for other wheels than the recipe's is passed over; the one made for them is found."""
    for age, (name, versions) in enumerate(
        {
            "today": dict.fromkeys(private.RECIPES["python3.11"].wheels, "wheel"),
            "older": {"pjsua2-python<2": ""},
        }.items()
    ):
        folder = cache / f"bundles/python3.11-{name}"
        folder.mkdir()
        (folder / private.RECORD).write_text(json.dumps(versions))
        os.utime(folder / private.RECORD, (age, age))
    assert private.find_bundle("python3.11").root.name == "python3.11-today"


def test_private_wheels_are_those_of_the_project():
    """The wheels of the private Python are asked for in the words of pyproject.toml, so they change together."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["softphone"]]
    assert {*private.RECIPES["python3.11"].wheels} <= {requirement.partition(";")[0] for requirement in wanted}


def test_wheels_that_cannot_be_had_are_said_with_pips_reason(cache, monkeypatch):
    """With nothing to fetch from, the error names the wheels and repeats what pip says."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(cache))
    with pytest.raises(ProvisionError, match=r"(?s)adding msgspec, pjsua2-python for Python 3.11.*No matching"):
        private._add_wheels(private.RECIPES["python3.11"], cache / "wheels", quiet)


@pytest.mark.parametrize("program", private.RECIPES)
def test_every_copy_that_cannot_be_had_has_another_way(cache, monkeypatch, program):
    """Where there is no apt the error names the program, the reason and what to do instead."""
    monkeypatch.setenv("PATH", str(cache))
    with pytest.raises(ProvisionError, match=rf"(?s)no {program} to use.*no `apt-get`.*[Oo]r (install|run)") as caught:
        private.provision(program, quiet)
    assert str(caught.value).endswith(private.RECIPES[program].by_hand)


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    """The error names the folder and the variable that chooses another."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("CALLFLOOR_CACHE", str(tmp_path / "file"))
    with pytest.raises(ProvisionError, match=r"file.*CALLFLOOR_CACHE"):
        private.provision("asterisk", quiet)


def test_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    """$CALLFLOOR_CACHE wins over $XDG_CACHE_HOME, which wins over ~/.cache; a relative XDG one is ignored."""
    monkeypatch.setenv("HOME", "/people/jo")
    monkeypatch.delenv("CALLFLOOR_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert str(private.cache_folder()) == "/people/jo/.cache/callfloor"
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert str(private.cache_folder()) == "/x/callfloor"
    monkeypatch.setenv("CALLFLOOR_CACHE", str(tmp_path))
    assert private.cache_folder() == tmp_path


def test_a_second_process_waits_for_the_lock(tmp_path):
    """While one process holds the lock another sees that it must wait, and gets it when the first is gone."""
    code = (
        "import sys; from pathlib import Path; from ivr.asterisk.locking import exclusive\n"
        "with exclusive(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()\n"
    )
    words = [sys.executable, "-c", code, tmp_path / "lock"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        waited = []

        def let_go():
            waited.append(holder.poll())
            holder.kill()

        with exclusive(tmp_path / "lock", let_go):
            assert waited == [None]


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Asterisk 22.10.1+dfsg+~cs6.17-1", (22, 10, 1)),
        ("Asterisk 20.6.0~dfsg+~cs6.13.40431414-2build5", (20, 6, 0)),
        ("Asterisk certified-20.7-cert5", (20, 7, 0)),
        ("Asterisk certified/18.9-cert1", (18, 9, 0)),
        ("Asterisk GIT-master-123abc", None),
    ],
)
def test_versions_are_read_as_asterisk_says_them(tmp_path, said, version):
    """`asterisk -V` of packages, releases and certified releases is understood; of a nameless build it is not."""
    fake = tmp_path / "asterisk"
    fake.write_text(f"#!/bin/sh\necho '{said}'\n")
    fake.chmod(0o755)
    assert program._version_of([str(fake)]) == version


def test_a_helper_program_of_the_machine_is_used(tmp_path, monkeypatch):
    """A program on the PATH is run as it is; nothing is fetched."""
    fake = tmp_path / "sipp"
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program.private_tool("sipp") == [str(fake)]
