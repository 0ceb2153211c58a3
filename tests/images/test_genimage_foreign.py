"""genimage for another architecture: what runs in the tree is emulated, in the build's own namespaces alone."""

import gzip
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import rpmbase
from debs import copy_packages, index, make_deb, pkgdir
from ordinaryuser import USER, as_user, home
from rpms import make_rpm
from smallbuild import Recorder, assert_nothing_left, define
from waiting import until

from sbkernel import resources
from sbkernel.architectures import of_host
from sbkernel.errors import BuildError, ToolMissingError
from sbkernel.images.families.package_manager import Request
from sbkernel.images.genimage import genimage
from sbkernel.images.tree import emulation
from sbkernel.images.tree.elf import machine_of_tree, read_elf_file
from sbkernel.images.tree.emulation import check_emulation, emulated, emulated_in
from sbkernel.jobs.command import wrapped
from sbkernel.jobs.report import NullReport
from sbkernel.lists import pkglist
from sbkernel.packages.manifest import from_json
from sbkernel.site import Site

__all__ = ["home"]

pytestmark = pytest.mark.timeout(580)
BINFMT = Path("/proc/sys/fs/binfmt_misc")
FOREIGN = [sys.executable, "-I", str(resources.templates() / "image" / "foreign.py")]


SYSTEM = ("base-files", "base-passwd", "coreutils", "dash", "debconf", "debianutils", "diffutils", "dpkg", "findutils",
          "grep", "init-system-helpers", "libc-bin", "perl-base", "sed", "usr-is-merged", "busybox-static")  # fmt: skip
"""What a tree needs in which dpkg and scripts run; all else of Debian's base would be emulated for minutes."""
KERNEL = "linux-image-cloud-arm64"


def make_foreign_repository(site: Site, directory: Path) -> str:
    """Make a repository of a small arm64 system, of a package that says where it runs, and of one more."""
    directory.mkdir()
    # It spares the kernel package its initramfs.
    make_deb(directory, "no-initramfs", Provides="linux-initramfs-tool")
    index(directory)
    sources = pkgdir(directory, architecture="arm64")
    asked = pkglist.parse(f"{KERNEL}\nno-initramfs\nbusybox-static\n")
    request = Request({"osvers": "debian12", "osarch": "aarch64", "pkgdir": sources}, asked)
    copy_packages(site, directory, request, {*SYSTEM, KERNEL})
    script = "#!/bin/sh -e\numask 022\nuname -m > /usr/share/ran-on\n"
    make_deb(directory, "own-tool", {"usr/share/own-tool": "x", "DEBIAN/postinst": script})
    make_deb(directory, "own-later", {"usr/share/own-later": "x"}, Depends="own-tool")
    index(directory)
    return str(directory)


def test_an_image_of_another_architecture(tmp_path: Path) -> None:
    before = sorted(path.name for path in BINFMT.glob("*"))
    listed = tmp_path / "foreign.pkglist"
    listed.write_text(f"{KERNEL}\nbusybox-static\nown-tool\n")
    script = tmp_path / "post.sh"
    script.write_text('#!/bin/sh -e\n# sb-inputs: none\nchroot "$1" uname -m > "$1/etc/ran-on"\n')
    script.chmod(0o755)
    with Site.open(tmp_path / "it has blanks") as site:
        sources = make_foreign_repository(site, tmp_path / "debs")
        define(site, "arm", listed, sources, osarch="aarch64", postinstall=str(script))
        result = genimage(site, "arm")
        place = Path(str(result["rootimgdir"]))
        tree = place / "rootimg"
        assert place == site.installdir / "netboot/debian12/aarch64/arm"
        assert (tree / "usr/share/ran-on").read_text() == (tree / "etc/ran-on").read_text() == "aarch64\n"
        assert machine_of_tree(tree) == "aarch64"
        assert {one.arch for one in from_json((place / "manifest.json").read_text())} == {"arm64", "all"}
        kernel = (place / "kernel").read_bytes()
        assert (kernel[:2], kernel[56:60]) == (b"MZ", b"ARM\x64"), "one that UEFI starts"
        check_initrd(place / "initrd-stateless.gz", tmp_path, str(result["kernelver"]))
        assert genimage(site, "arm")["built"] == []
        listed.write_text(listed.read_text() + "own-later\n")
        assert str(genimage(site, "arm", report=(report := Recorder()))["layer"]).endswith(": + own-later"), (
            report.lines
        )
        assert (tree / "usr/share/own-later").read_text() == "x"
        assert_nothing_left(site)
    assert sorted(path.name for path in BINFMT.glob("*")) == before, "the host is as it was"
    assert not [path for path in tree.rglob("qemu-*") if path.is_file()]


def check_initrd(initrd: Path, place: Path, kernelver: str) -> None:
    (unpacked := place / "unpacked").mkdir()
    packed = initrd.read_bytes()
    plain = gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else zstd(packed)
    subprocess.run(["cpio", "-id", "--quiet"], input=plain, cwd=unpacked, check=True)
    busybox = read_elf_file(unpacked / "bin/busybox")
    assert busybox and (busybox.machine, busybox.static) == ("aarch64", True)
    modules = sorted((unpacked / "lib/modules" / kernelver).glob("*.ko"))
    assert {"squashfs.ko", "overlay.ko", "virtio_net.ko"} <= {path.name for path in modules}
    assert {elf.machine for path in modules if (elf := read_elf_file(path))} == {"aarch64"}


def zstd(packed: bytes) -> bytes:
    return subprocess.run(["zstd", "-dc"], input=packed, capture_output=True, check=True).stdout


def test_nothing_is_emulated_that_runs_here(tmp_path: Path) -> None:
    assert emulated(os.uname().machine) == ()
    assert emulated_in(tmp_path) == ()


def test_a_host_without_the_emulator_is_told_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ToolMissingError) as error:
        emulated("aarch64")
    assert "qemu-user-static" in str(error.value.hint)


def test_what_ends_with_a_signal_or_a_status_is_told() -> None:
    prefix = emulated("aarch64")
    for script, status in (("exit 3", 3), ("kill -9 $$", 128 + signal.SIGKILL), ("exit 0", 0)):
        assert subprocess.run(wrapped([*prefix, "sh", "-c", script], isolated=True)).returncode == status


def test_where_no_build_can_register_the_host_has_to_have_done_it(monkeypatch: pytest.MonkeyPatch) -> None:
    unable = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
    within = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "sh", "-c", unable, "sh", *FOREIGN]
    native = subprocess.run([*within, str(of_host().elf), "<", "/nonexistent", "echo", "ran"],
                            capture_output=True, text=True)  # fmt: skip
    assert (native.returncode, native.stdout) == (0, "ran\n"), native.stderr
    prefix = (*within, "21", ">", "/nonexistent")
    assert subprocess.run([*prefix, "true"]).returncode == 125
    monkeypatch.setattr(emulation, "emulated", lambda _osarch: prefix)
    with pytest.raises(BuildError, match=re.escape("programs of aarch64 do not run here")) as error:
        check_emulation("aarch64")
    assert "binfmt-support" in str(error.value.hint)


def test_killed_it_leaves_no_process() -> None:
    argv = wrapped([*emulated("aarch64"), "sleep", "98765.25"], isolated=True)
    process = subprocess.Popen(argv)
    until(lambda: sleeping())
    process.kill()
    process.wait()
    until(lambda: not sleeping())


def sleeping() -> list[str]:
    """Return the processes that are the program itself."""
    found = subprocess.run(["pgrep", "-f", "^sleep 98765.25$"], capture_output=True, text=True)
    return found.stdout.split()


@pytest.fixture(scope="module")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The static busybox of Debian's arm64."""
    place = tmp_path_factory.mktemp("busybox")
    request = Request({"osvers": "debian12", "osarch": "aarch64"}, pkglist.parse("busybox-static\n"))
    with Site.open(place / "site") as site:
        copy_packages(site, place, request, {"busybox-static"})
    archive = next(place.glob("busybox-static_*.deb"))
    subprocess.run(["dpkg-deb", "--extract", archive, place / "unpacked"], check=True)
    return place / "unpacked/bin/busybox"


@pytest.mark.parametrize("osvers", ["rocky9.4", "sles15.6"])
def test_scriptlets_of_another_architecture(
    osvers: str, busybox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Site.open(tmp_path / "site") as site:
        monkeypatch.setattr(rpmbase, "BUSYBOX", busybox)
        (place := tmp_path / "rpms").mkdir()
        script = "%post -p /bin/sh\nuname -m > /etc/ran-on\n"
        make_rpm(place, "own-tool", arch="aarch64", more="Requires(post): small-base", scripts=script)
        rpmbase.make_base(place, arch="aarch64")
        manager = rpmbase.open_image(site, str(place), "small-base\nown-tool\n", osarch="aarch64", osvers=osvers)
        resolution = manager.resolve(NullReport())
        assert {one.architecture for one in resolution.packages} == {"aarch64"}
        manager.fetch(resolution, NullReport())
        manager.install(resolution, tmp_path / "tree", NullReport())
        assert (tmp_path / "tree/etc/ran-on").read_text() == "aarch64\n"


AS_USER = """
import sys
from sbkernel.images.tree.emulation import check_emulation, emulated
from sbkernel.jobs.run import run
check_emulation("aarch64")
words = ["/usr/sbin/chroot", sys.argv[1], "/bin/busybox"]
for command in (["uname", "-m"], ["chown", "1000:1000", "/file"], ["stat", "-c", "%u:%g", "/file"]):
    print(run([*emulated("aarch64"), *words, *command], isolated=True).stdout, end="")
"""


def test_an_ordinary_user_emulates_and_is_root_over_all_his_numbers(home: Path, busybox: Path) -> None:
    tree = home / "tree"
    (tree / "bin").mkdir(parents=True)
    shutil.copy(busybox, tree / "bin/busybox")
    (tree / "file").touch()
    for path in [tree, *tree.rglob("*")]:
        shutil.chown(path, USER, USER)
    assert as_user(home, "-c", AS_USER, str(tree)) == "aarch64\n1000:1000\n"
    assert (tree / "file").stat().st_uid not in (0, 1000)
