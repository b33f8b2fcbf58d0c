"""The lab's disk, made from Debian packages: Asterisk, chan_dahdi, the DAHDI kernel modules, a kernel that fits them.

Theory of operation. mmdebstrap installs packages of the newest Debian into a folder. `dahdi-dkms` is one of them: while
it installs, it compiles the kernel modules for the headers it brought along. The stock kernel of these headers is only
unpacked, never installed, so nothing makes a boot disk for it or carries its other thousand modules.
From the folder, less its compiler, come three files:

    root.img     a file system that is never written to; what the guest writes goes to its memory
    initrd       busybox and the few modules that find root.img; it unpacks the guest's tar and starts its `init`
    vmlinuz      the kernel

No file of the guest's own is in them: those come as a tar on a second disk (`machine`), so a changed dialplan costs a
boot and not a compilation.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from ivr.asterisk.archive import acquire_settings, debian_keyring, debian_mirror

SUITE = "sid"
PACKAGES = ("asterisk", "asterisk-dahdi", "dahdi", "dahdi-dkms", "kmod", "iproute2", "procps", "busybox-static")
"""`dahdi` are the tools; `asterisk-dahdi` is chan_dahdi with libpri and libopenr2."""
FILES = ("root.img", "initrd", "vmlinuz")
ROOT_SIZE = "400M"
ROOM = 2_500_000_000
"""Bytes that the folder takes while the disk is made."""

_UNWANTED = ("doc", "man", "locale", "info", "lintian")
_COMPILER = (
    *("usr/src", "usr/lib/gcc", "usr/libexec/gcc", "usr/include", "usr/share/perl", "usr/lib/linux-kbuild*"),
    *("usr/bin/*-linux-gnu-*", "usr/lib/*/perl*", "usr/lib/*/lib*san.so*", "usr/lib/*/*.a", "usr/lib/*/gconv"),
    *("var/cache", "var/lib/apt", "var/lib/dkms", "var/lib/dpkg/info", "kernel", "proc", "sys", "dev"),
)
_BEFORE_ROOT = ("crc16", "crc32c-cryptoapi", "mbcache", "jbd2", "ext4", "overlay", "virtio_blk")
_IN_THE_GUEST = ("failover", "net_failover", "virtio_net", "netfs", "9pnet", "9pnet_virtio", "9p")
"""Stock modules, in the order in which one needs the other: DAHDI's own are beside them. Kernels have some built in."""
_FETCH_KERNEL = """
kernel=$(ls "$1/usr/lib/modules")
mkdir "$1/kernel" && cd "$1/kernel"
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
apt-get -q -o APT::Sandbox::User=root download "linux-binary-$kernel" "linux-modules-$kernel"
for package in *.deb; do dpkg-deb -x "$package" .; rm "$package"; done
"""
_INITRD = """#!/bin/sh
mount -t devtmpfs dev /dev
for module in {modules}; do [ ! -e /$module.ko ] || insmod /$module.ko; done
for _ in $(seq 100); do [ -b /dev/vda -a -b /dev/vdb ] && break; sleep 0.1; done
mount -t ext4 -o ro /dev/vda /still
mount -t tmpfs tmpfs /written
mkdir /written/files /written/work
mount -t overlay -o lowerdir=/still,upperdir=/written/files,workdir=/written/work overlay /guest
tar x -f /dev/vdb -C /guest
mount -o move /dev /guest/dev
exec switch_root /guest /lab/init
"""


def make(folder: Path, say: Callable[[str], None]) -> None:
    """Make the three files in a folder; needs root, a network and some minutes.

    Raises:
        subprocess.CalledProcessError: a step failed; what it said was shown.

    """
    root = folder / "root"
    say("installing packages and compiling DAHDI; takes four minutes and more")
    _install(root)
    say("making the disk")
    [modules] = (root / "usr/lib/modules").iterdir()
    stock = root / "kernel" / modules.relative_to(root)
    shutil.copy(stock / "vmlinuz", folder / "vmlinuz")
    _take_modules(stock, modules)
    _make_initrd(folder, root, modules)
    for pattern in _COMPILER:
        for path in root.glob(pattern):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name in ("proc", "sys", "dev", "var/cache"):
        (root / name).mkdir()
    _run("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal,^metadata_csum", "-d", root, folder / "root.img", ROOT_SIZE)
    shutil.rmtree(root)


def _install(root: Path) -> None:
    apt = [*acquire_settings(), 'APT::Install-Recommends "false";']
    # What it mounts in the folder is mounted for it alone, and gone with it: whoever removes a folder that a kill left
    # behind must not find this machine's own /dev and /proc there.
    _run(
        *("unshare", "--mount", "mmdebstrap", "--quiet", "--mode=root", "--variant=essential"),
        f"--include={','.join(PACKAGES)}",
        *(f"--aptopt={line}" for line in apt),
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _UNWANTED),
        f"--customize-hook={_FETCH_KERNEL}",
        *(SUITE, root, f"deb [signed-by={debian_keyring()}] {debian_mirror()} {SUITE} main"),
    )


def _take_modules(stock: Path, modules: Path) -> None:
    """Put the stock modules that are wanted beside DAHDI's."""
    kernel = modules / "kernel"
    kernel.mkdir(exist_ok=True)
    for name in (*_BEFORE_ROOT, *_IN_THE_GUEST):
        for packed in stock.glob(f"kernel/**/{name}.ko.xz"):
            with (kernel / f"{name}.ko").open("wb") as out:
                subprocess.run(["xz", "-dc", packed], stdout=out, check=True)
    for file in stock.glob("modules.*"):
        shutil.copy(file, modules)
    root = modules.parents[3]
    _run("chroot", root, "depmod", modules.name)


def _make_initrd(folder: Path, root: Path, modules: Path) -> None:
    tree = folder / "initrd-tree"
    for name in ("bin", "dev", "still", "written", "guest"):
        (tree / name).mkdir(parents=True)
    shutil.copy(root / "usr/bin/busybox", tree / "bin/busybox")
    for applet in ("sh", "mount", "mkdir", "insmod", "seq", "sleep", "tar", "switch_root", "["):
        (tree / "bin" / applet).symlink_to("busybox")
    for name in _BEFORE_ROOT:
        if (file := modules / "kernel" / f"{name}.ko").exists():
            shutil.copy(file, tree)
    (tree / "init").write_text(_INITRD.format(modules=" ".join(_BEFORE_ROOT)))
    (tree / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    with (folder / "initrd").open("wb") as out:
        archive = [root / "usr/bin/busybox", "cpio", "-o", "-H", "newc"]
        subprocess.run(archive, cwd=tree, input=names.encode(), stdout=out, stderr=subprocess.DEVNULL, check=True)
    shutil.rmtree(tree)


def _run(*words: str | Path) -> None:
    subprocess.run([str(word) for word in words], check=True)
