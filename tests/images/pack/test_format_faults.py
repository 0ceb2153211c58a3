"""packimage with each format: killed, cancelled, its program missing, and run by an ordinary user."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ordinaryuser import as_user, home  # noqa: F401 - the fixture
from smallbuild import processes
from test_packimage import IMAGE, INITRD, define, leftovers, plant
from waiting import until

from sbkernel.errors import BuildError, ToolMissingError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.packimage import packimage, plan_packimage
from sbkernel.jobs import job
from sbkernel.site import Site

ROOTS = {"squashfs": "root.squashfs", "erofs": "root.erofs", "cpio": "root.cpio.xz", "tar": "root.tar.xz"}
SLOW = {**dict.fromkeys(ROOTS, "xz"), "erofs": "lz4hc"}
METHODS = pytest.mark.parametrize("method", ROOTS)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site.open(tmp_path / "site")
    define(site, IMAGE, tmp_path / "built")
    plant(tmp_path / "built", megabytes=20)
    return site


def writers(site: Site) -> list[str]:
    """Return the processes that write to a root that is not published."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target.startswith(f"{site.catalog}/.tmp-") and "/root." in target:
            found.append(str(link))
    return found


@METHODS
def test_a_kill_leaves_nothing_that_runs_or_is_published(site: Site, method: str) -> None:
    code = "import sys; from sbkernel.site import Site; from sbkernel.images.packimage import packimage\n"
    code += f"packimage(Site.open(sys.argv[1]), 'small', method={method!r}, compression={SLOW[method]!r})"
    process = subprocess.Popen([sys.executable, "-c", code, str(site.root)], cwd=Path(__file__).resolve().parents[3])
    until(lambda: list(site.catalog.glob(f".tmp-*/{ROOTS[method]}")), unless=lambda: process.poll() is not None)
    until(lambda: writers(site), unless=lambda: process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: not writers(site) and not processes(site))
    assert [name for name in leftovers(site) if not name.startswith(".tmp-")] == []
    done = packimage(site, IMAGE, method=method)
    assert sorted(leftovers(site)) == sorted([done["digest"], "names"])
    assert Catalog(site).current(IMAGE).damaged() == []


@METHODS
def test_a_cancelled_job_leaves_nothing_that_runs(site: Site, method: str) -> None:
    words = {"image": IMAGE, "method": method, "compression": SLOW[method]}
    running = job.start(site, "packimage", "sbkernel.images.packimage:packimage", **words)
    until(lambda: list(site.catalog.glob(f".tmp-*/{ROOTS[method]}")), unless=lambda: running.done)
    running.stop()
    assert (running.state, leftovers(site), writers(site)) == ("cancelled", [], [])


def test_a_second_run_does_nothing_and_another_format_is_another_version(site: Site) -> None:
    first = {method: packimage(site, IMAGE, method=method) for method in ROOTS}
    again = {method: packimage(site, IMAGE, method=method) for method in ROOTS}
    assert [done["cached"] for done in first.values()] == [False] * 4
    assert [done["cached"] for done in again.values()] == [True] * 4
    assert len({done["digest"] for done in first.values()}) == 4
    versions = {method: Catalog(site).get(done["digest"]) for method, done in first.items()}
    assert {method: version.unpacked_bytes > 0 for method, version in versions.items()} == {
        "squashfs": False, "erofs": False, "cpio": True, "tar": True,
    }  # fmt: skip
    assert versions["squashfs"].initrd.read_bytes() == INITRD
    aligned = INITRD.ljust(-(-len(INITRD) // 4) * 4, b"\0")
    assert versions["cpio"].initrd.read_bytes()[: len(aligned) + 2] == aligned + b"\x1f\x8b"


def test_without_a_program_for_nodes_it_is_refused_when_it_is_packed(site: Site, tmp_path: Path) -> None:
    tree = tmp_path / "built/rootimg"
    foreign = bytearray(Path("/bin/true").read_bytes())
    foreign[18] = 183  # aarch64
    (tree / "usr/bin/sh").write_bytes(foreign)
    with pytest.raises(BuildError, match="could not read it: there is no zstd for their initrd"):
        packimage(site, IMAGE, method="cpio")
    with pytest.raises(BuildError, match="there is no tar and zstd for their initrd"):
        packimage(site, IMAGE, method="tar")
    assert packimage(site, IMAGE, method="cpio", compression="gzip")["warnings"] == []


def test_an_initrd_that_does_not_know_erofs_gets_none(site: Site, tmp_path: Path) -> None:
    initrd = tmp_path / "built/initrd-stateless.gz"
    modules = tmp_path / "built/rootimg/lib/modules/6.1.0"
    modules.mkdir(parents=True)
    (modules / "modules.builtin").touch()
    initrd.write_bytes(INITRD.replace(b"erofs.ko", b"xfs.ko"))
    with pytest.raises(BuildError, match="the kernel of image 'small' cannot mount erofs\n  pack with -m squashfs"):
        packimage(site, IMAGE, method="erofs")
    (modules / "modules.builtin").write_text("kernel/fs/erofs/erofs.ko\n")
    assert plan_packimage(site, IMAGE, method="erofs").pending
    initrd.write_bytes(INITRD.replace(b"verify.sh", b"words.sh"))
    said = "initrd of image 'small' is older than -m erofs: it could only mount squashfs\n  sb genimage small"
    with pytest.raises(BuildError, match=said):
        packimage(site, IMAGE, method="erofs")
    with pytest.raises(BuildError, match="is older than --verity: it could only mount a root whose sum was made"):
        packimage(site, IMAGE, verity=True)


@pytest.mark.parametrize("compressor", [["cat"], ["gzip"], ["zstd", "-q"]])
def test_an_initrd_that_cannot_unpack_gets_no_archive(site: Site, tmp_path: Path, compressor: list[str]) -> None:
    initrd = tmp_path / "built/initrd-stateless.gz"
    packed = subprocess.run(compressor, input=INITRD, capture_output=True, check=True).stdout
    initrd.write_bytes(packed)
    assert plan_packimage(site, IMAGE, method="cpio").pending
    old = INITRD.replace(b"unpack.sh", b"fetch.sh")
    initrd.write_bytes(subprocess.run(compressor, input=old, capture_output=True, check=True).stdout)
    with pytest.raises(BuildError, match=r"initrd of image 'small' is older than -m cpio.*\n  sb genimage small"):
        packimage(site, IMAGE, method="cpio")
    assert not packimage(site, IMAGE)["cached"]


def test_a_failing_program_is_named_in_xcats_words(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/zstd").write_text("#!/bin/sh\necho no room for tests >&2\nexit 70\n")
    (tmp_path / "bin/zstd").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    with pytest.raises(BuildError) as caught:
        packimage(site, IMAGE, method="cpio")
    said = r"packimage failed while running: zstd -q --check -3 -T\d+ -c\nno room for tests"
    assert re.fullmatch(said, str(caught.value))
    assert leftovers(site) == [] and writers(site) == []


def test_pigz_is_not_replaced_by_gzip(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both make a root.cpio.gz, but not of the same bytes; which is installed must not matter."""
    for name in ("cpio", "gzip", "rm", "setpriv", "sh", "unshare"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        found = next(path for path in (Path("/usr/bin", name), Path("/bin", name)) if path.exists())
        (tmp_path / "bin" / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(ToolMissingError) as caught:
        packimage(site, IMAGE, method="cpio", compression="pigz")
    assert str(caught.value) == "pigz not found\n  install the Debian package pigz"
    assert not packimage(site, IMAGE, method="cpio", compression="gzip")["cached"]


AS_USER = """
import json, subprocess
from pathlib import Path
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.packimage import packimage, plan_packimage
from sbkernel.jobs.run import run
from sbkernel.site import Site
built = Path.home() / "built"
built.mkdir()
script = '''mkdir -p rootimg/var/closed; echo secret >rootimg/var/closed/file; cp /bin/true rootimg/ping
/usr/sbin/setcap cap_net_raw+ep rootimg/ping; chmod 600 rootimg/var/closed/file; chown -R 33:34 rootimg/var/closed
chmod 700 rootimg/var/closed'''
run(["sh", "-c", script], isolated=True, cwd=built)
for name in ("kernel", "initrd-stateless.gz", "plan.json"):
    (built / name).write_text(
        "{}" if name == "plan.json" else '{"lib/sbkernel/unpack.sh\\0lib/sbkernel/verify.sh\\0/erofs.ko\\0": ""}'
    )
found = {}
with Site.open(Path.home() / "site") as site:
    site.set("osimage", "img", osvers="debian12", osarch="x86_64", profile="p", provmethod="netboot",
             imagetype="linux", rootimgdir=str(built), pkglist="/dev/null")
    for method, compression in (("cpio", "gzip"), ("tar", "gzip"), ("erofs", "")):
        done = packimage(site, "img", method=method, compression=compression)
        assert packimage(site, "img", method=method, compression=compression)["cached"]
        found[method] = [str(Catalog(site).current("img").root), done["warnings"]]
run(["rm", "-r", "rootimg"], isolated=True, cwd=built)
print(json.dumps(found))
"""


def test_an_ordinary_user_packs_what_only_his_subordinate_ids_may_read(home: Path, tmp_path: Path) -> None:  # noqa: F811
    found = json.loads(as_user(home, "-c", AS_USER).splitlines()[-1])
    assert found["tar"][1] == []
    assert found["cpio"][1] == ["cpio keeps no capabilities: /ping; squashfs, erofs and tar do"]
    copy = "mount -t erofs -o loop,ro $0 /mnt && cp -a /mnt/. ."
    unpack = {
        "erofs": f"unshare --mount sh -c '{copy}' $0",
        "cpio": "zcat $0 | cpio -id --quiet",
        "tar": "tar -xzf $0 --xattrs --xattrs-include='*' --numeric-owner",
    }
    for method, (root, _) in found.items():
        out = tmp_path / method
        out.mkdir()
        subprocess.run(["sh", "-c", unpack[method], root], cwd=out, check=True)
        status = (out / "var/closed/file").stat()
        assert (status.st_uid, status.st_gid, oct(status.st_mode)) == (33, 34, "0o100600")
        assert (out / "ping").stat().st_uid == 0
    for method in ("tar", "erofs"):
        assert os.getxattr(tmp_path / method / "ping", "security.capability")
