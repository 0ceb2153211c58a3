"""packimage on real trees with the real mksquashfs: what is packed, published, kept, and left after a kill."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from waiting import until

from sbkernel.errors import BuildError, DefinitionError, LockedError, NotFoundError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import content_digest
from sbkernel.images.packimage import packimage, plan_packimage
from sbkernel.images.reviewed import PlanChangedError
from sbkernel.jobs import job
from sbkernel.jobs.lock import lock
from sbkernel.site import Site

IMAGE = "small"
INITRD = b"initrd with lib/sbkernel/unpack.sh\0lib/sbkernel/verify.sh\0lib/modules/6.1/erofs.ko\0"
STATUS = """\
Package: base-files
Status: install ok installed
Section: admin
Installed-Size: 340
Architecture: amd64
Version: 12.4+deb12u5
Description: Debian base system miscellaneous files
 Version: 0 is text

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: libc6
Status: install ok installed
Priority: optional
Section: libs
Installed-Size: 12991
Architecture: amd64
Source: glibc (2.36-9)
Version: 2.36-9+deb12u4
"""


def plant(rootimgdir: Path, megabytes: int = 0) -> Path:
    """Make what genimage leaves, small."""
    tree = rootimgdir / "rootimg"
    for name in ["usr/share/doc/bash", "usr/share/locale/de", "usr/share/locale/en_US", "tmp", "var/lib/dpkg", "root"]:
        (tree / name).mkdir(parents=True)
        (tree / name / "file").write_text(name)
    (tree / "var/lib/dpkg/status").write_text(STATUS)
    (tree / "usr/share/locale").chmod(0o711)
    (tree / "root").chmod(0o700)
    (tree / "usr/bin").mkdir()
    (tree / "usr/bin/tool").write_text("#!/bin/sh\n")
    (tree / "usr/bin/tool").chmod(0o4755)
    os.link(tree / "usr/share/doc/bash/file", tree / "usr/bin/hardlink")
    (tree / "bin").symlink_to("usr/bin")
    for number in range(megabytes):
        (tree / f"big{number}").write_bytes(os.urandom(1_000_000))
    (rootimgdir / "kernel").write_bytes(b"kernel")
    (rootimgdir / "initrd-stateless.gz").write_bytes(INITRD)
    record = {"steps": {"packages": "d1"}, "packages": 2, "kernelver": "6.1.0", "fstab": "", "made": 0}
    (rootimgdir / "plan.json").write_text(json.dumps(record))
    return tree


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site.open(tmp_path / "site")
    exlist = tmp_path / "exlist"
    exlist.write_text("./usr/share/doc*\n./usr/share/locale/*\n+./usr/share/locale/en_US*\n./tmp/*\n")
    where = tmp_path / "built"
    define(site, IMAGE, where, exlist=str(exlist))
    return site


def define(site: Site, name: str, rootimgdir: Path, **more: str) -> None:
    site.set(
        "osimage", name, osvers="debian12", osarch="x86_64", profile=name, provmethod="netboot", imagetype="linux",
        osname="Linux", rootimgdir=str(rootimgdir), pkglist="/dev/null", **more,
    )  # fmt: skip


@pytest.fixture
def tree(site: Site, tmp_path: Path) -> Path:
    return plant(tmp_path / "built")


def listing(root: Path) -> dict[str, str]:
    """Return path -> mode of what is in a packed root."""
    out = subprocess.run(["unsquashfs", "-lln", "-d", "", str(root)], capture_output=True, text=True, check=True).stdout
    lines = (line.split(maxsplit=5) for line in out.splitlines())
    return {fields[5].split(" -> ")[0]: fields[0] for fields in lines if len(fields) == 6}


def test_what_the_exclude_list_leaves_is_packed(site: Site, tree: Path) -> None:
    done = packimage(site, IMAGE)
    packed = listing(Catalog(site).current(IMAGE).root)
    assert "/usr/share/doc" not in packed and "/usr/share/locale/de" not in packed and "/tmp/file" not in packed
    assert packed["/usr/share/locale"] == "drwx--x--x" and "/usr/share/locale/en_US/file" in packed
    assert packed["/usr/bin/tool"] == "-rwsr-xr-x" and packed["/root"] == "drwx------"
    assert "/usr/bin/hardlink" in packed, "a hard link to a file that is left out is another name, and stays"
    assert "/tmp" in packed and packed["/bin"].startswith("l")
    assert done["size"] == Catalog(site).current(IMAGE).root.stat().st_size


def test_the_manifest_names_every_installed_package(site: Site, tree: Path) -> None:
    assert packimage(site, IMAGE)["packages"] == 2
    base, libc = Catalog(site).current(IMAGE).manifest
    assert base.name == "base-files" and base.size_bytes == 340 * 1024 and base.source == "base-files"
    assert (libc.source, libc.source_version, libc.section) == ("glibc", "2.36-9", "libs")


def test_a_second_run_does_nothing_and_says_so(site: Site, tree: Path) -> None:
    first = packimage(site, IMAGE)
    second = packimage(site, IMAGE)
    assert not first["cached"] and second["cached"] and first["digest"] == second["digest"]
    assert len(Catalog(site).history(IMAGE)) == 1


@pytest.mark.parametrize("change", ["tree", "exlist", "options", "kernel", "plan"])
def test_a_change_of_any_input_packs_again(site: Site, tree: Path, tmp_path: Path, change: str) -> None:
    first = packimage(site, IMAGE)
    options = {}
    match change:
        case "tree":
            (tree / "etc").mkdir()
        case "exlist":
            (tmp_path / "exlist").write_text("./usr/share/doc*\n")
        case "options":
            options = {"compression": "lz4"}
        case "kernel":
            (tmp_path / "built/kernel").write_bytes(b"kernel2")
        case "plan":
            (tmp_path / "built/plan.json").write_text(json.dumps({"steps": {"packages": "d2"}, "kernelver": "6.1.0"}))
    second = packimage(site, IMAGE, **options)
    assert not second["cached"] and second["digest"] != first["digest"]
    assert Catalog(site).get(first["digest"]).root.exists(), "nodes that boot the old one keep it"


def test_the_same_content_has_the_same_digest(site: Site, tree: Path, tmp_path: Path) -> None:
    first = packimage(site, IMAGE)
    subprocess.run(["cp", "-a", str(tree), str(tmp_path / "copy")], check=True)
    subprocess.run(["rm", "-r", str(tree)], check=True)
    (tmp_path / "copy").rename(tree)
    again = packimage(site, IMAGE, force=True)
    assert again["digest"] == first["digest"] and again["root_sha256"] == first["root_sha256"]
    assert not again["cached"]


def test_image_json_is_named_by_its_content_and_files_are_readable(site: Site, tree: Path) -> None:
    digest = packimage(site, IMAGE)["digest"]
    version = Catalog(site).get(digest)
    assert content_digest(json.loads((version.dir / "image.json").read_text())) == digest == version.dir.name
    assert {path.stat().st_mode & 0o777 for path in version.dir.iterdir()} == {0o644}
    assert version.dir.stat().st_mode & 0o777 == 0o755
    assert version.damaged() == []
    version.kernel.write_bytes(b"other")
    assert version.damaged() == ["kernel"]


def test_a_rollback_stays_until_somebody_promotes(site: Site, tree: Path) -> None:
    catalog = Catalog(site)

    def pack(text: str) -> dict[str, object]:
        (tree / "etc-motd").write_text(text * 10)
        os.utime(tree / "etc-motd", (ord(text), ord(text)))
        return packimage(site, IMAGE)

    a, b, c = (pack(text)["digest"] for text in "abc")
    assert catalog.current(IMAGE).digest == c
    assert catalog.rollback(IMAGE).digest == b
    assert catalog.rollback(IMAGE).digest == a
    with pytest.raises(NotFoundError, match="no version before this one"):
        catalog.rollback(IMAGE)
    again = pack("c")
    assert (again["cached"], again["digest"], again["current"]) == (True, c, a), "nothing new, so nothing is decided"
    forced = packimage(site, IMAGE, force=True)
    assert (forced["cached"], forced["digest"], forced["current"]) == (False, c, a)
    new = pack("d")
    assert (new["cached"], new["current"]) == (False, a), "a new version is only the candidate"
    back = pack("b")
    assert (back["cached"], back["digest"], back["current"]) == (True, b, a), "and so is an old one that is built again"
    assert catalog.find(f"{IMAGE}@candidate").digest == b
    assert catalog.promote(f"{IMAGE}@{new['digest']}").digest == new["digest"]
    assert pack("e")["current"] == catalog.current(IMAGE).digest == catalog.find(f"{IMAGE}@candidate").digest
    assert [move.action for move in reversed(catalog.history(IMAGE))] == [
        "publish", "publish", "publish", "rollback", "rollback", "publish", "publish", "promote", "publish",
    ]  # fmt: skip


@pytest.mark.parametrize("missing", ["kernel", "initrd-stateless.gz", "plan"])
def test_without_a_build_it_asks_for_genimage(site: Site, tmp_path: Path, missing: str) -> None:
    if missing != "plan":
        plant(tmp_path / "built")
        (tmp_path / "built" / missing).unlink()
    with pytest.raises(BuildError, match='Did you run "genimage" before running "packimage"'):
        packimage(site, IMAGE)


def test_errors_name_what_is_wrong(site: Site, tree: Path) -> None:
    with pytest.raises(NotFoundError, match="Cannot find image 'other'"):
        packimage(site, "other")
    with pytest.raises(NotFoundError, match="No packed image"):
        Catalog(site).current(IMAGE)
    with pytest.raises(DefinitionError, match="Invalid compress method 'bzip2'"):
        packimage(site, IMAGE, compression="bzip2")
    with pytest.raises(DefinitionError, match="not in 1-22"):
        packimage(site, IMAGE, level=23)
    with pytest.raises(DefinitionError, match="no levels"):
        packimage(site, IMAGE, compression="xz", level=3)


@pytest.mark.parametrize("compression", ["zstd", "lz4", "xz", "gzip"])
def test_every_compression_unpacks(site: Site, tree: Path, tmp_path: Path, compression: str) -> None:
    packimage(site, IMAGE, compression=compression)
    root = Catalog(site).current(IMAGE).root
    subprocess.run(["unsquashfs", "-q", "-d", str(tmp_path / "out"), str(root)], check=True, capture_output=True)
    assert (tmp_path / "out/usr/bin/tool").read_text() == "#!/bin/sh\n"


@pytest.mark.parametrize("name", ["#c", " lead", "trail ", "a[1]", "st*r", "wh?t", "back\\slash", "pl+(x|y)", "nl\nx",
                                  "d!e", "@(a)", "é", "caf\udce9", "tab\t", "-dash", "..."])  # fmt: skip
def test_odd_names_are_left_out_exactly(site: Site, tree: Path, tmp_path: Path, name: str) -> None:
    (tree / name).write_text("x")
    (tree / "odd" / name).mkdir(parents=True)
    (tree / "odd" / name / "kept").touch()
    pattern = "".join(f"\\{char}" if char in "*?[\\" else char for char in name)
    pattern = "".join("?" if char in "#\n\udce9" else char for char in pattern)
    (tmp_path / "exlist").write_text(f"./{pattern}*\n./usr/bin/tool\n")
    if name != name.strip():
        (tmp_path / "exlist").write_text(f"./{pattern.strip().join('**')}\n+./odd*\n+./usr/share*\n")
    packimage(site, IMAGE)
    out = tmp_path / "out"
    subprocess.run(["unsquashfs", "-q", "-d", str(out), str(Catalog(site).current(IMAGE).root)], check=True,
                   capture_output=True)  # fmt: skip
    assert not os.path.lexists(out / name) and (out / "odd" / name / "kept").exists()


def leftovers(site: Site) -> list[str]:
    return [path.name for path in site.catalog.iterdir() if path.name != ".lock"]


@pytest.mark.parametrize("after_s", [0.0, 0.15, 0.4])
def test_a_kill_leaves_nothing_published_and_the_next_run_is_fine(site: Site, tmp_path: Path, after_s: float) -> None:
    plant(tmp_path / "built", megabytes=30)
    code = "import sys; from sbkernel.site import Site; from sbkernel.images.packimage import packimage\n"
    code += "packimage(Site.open(sys.argv[1]), 'small', compression='xz')"
    process = subprocess.Popen([sys.executable, "-c", code, str(site.root)], cwd=Path(__file__).resolve().parents[2])
    until(lambda: list(site.catalog.glob(".tmp-*/root.squashfs")), unless=lambda: process.poll() is not None)
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(leftovers(site)) == 1 and leftovers(site)[0].startswith(".tmp-")
    with pytest.raises(NotFoundError):
        Catalog(site).current(IMAGE)
    done = packimage(site, IMAGE)
    assert sorted(leftovers(site)) == sorted([done["digest"], "names"])
    assert Catalog(site).current(IMAGE).damaged() == []


def test_the_directory_is_locked_while_it_is_packed(site: Site, tree: Path, tmp_path: Path) -> None:
    message = rf"another genimage process {os.getpid()} running on root image dir {tmp_path}/built since"
    with lock(tmp_path / "built", "genimage"), pytest.raises(LockedError, match=message):
        packimage(site, IMAGE)
    assert not packimage(site, IMAGE)["cached"]


def test_a_clock_that_was_set_back_is_said(site: Site, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was packed last is current all the same, and only when it was packed looks wrong."""
    first = packimage(site, IMAGE)
    (tree / "root/file").write_text("changed")
    now = time.time()
    with monkeypatch.context() as set_back:
        set_back.setattr("sbkernel.images.catalog.catalog.time.time", lambda: now - 86400)
        second = packimage(site, IMAGE)
    assert second["current"] == second["digest"] != first["digest"]
    assert f"and {IMAGE}@{first['digest'][:8]} is of " in second["warnings"][-1]
    assert "only with --allow-older" in second["warnings"][-1]
    assert packimage(site, IMAGE)["warnings"] == [] == first["warnings"]


def test_two_images_are_packed_at_once(site: Site, tree: Path, tmp_path: Path) -> None:
    plant(tmp_path / "second", megabytes=5)
    define(site, "second", tmp_path / "second")
    results: dict[str, dict[str, object]] = {}

    def pack(name: str) -> None:
        with Site.open(site.root) as own:
            results[name] = packimage(own, name)

    threads = [threading.Thread(target=pack, args=(name,)) for name in (IMAGE, "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {Catalog(site).current(name).digest for name in results} == {done["digest"] for done in results.values()}
    assert len(leftovers(site)) == 3


def test_a_cancelled_job_leaves_nothing(site: Site, tmp_path: Path) -> None:
    plant(tmp_path / "built", megabytes=30)
    target = "sbkernel.images.packimage:packimage"
    running = job.start(site, "packimage", target, image=IMAGE, compression="xz")
    until(lambda: list(site.catalog.glob(".tmp-*/root.squashfs")), unless=lambda: running.done)
    running.stop()
    assert running.state == "cancelled" and leftovers(site) == []
    done = job.start(site, "packimage", target, image=IMAGE).wait(60)
    assert {title for title, _ in done.progress.phases} == {
        "compare", "copy the kernel", "copy the initrd", "list the packages", "pack", "publish",
    }  # fmt: skip
    assert done.result["digest"] == Catalog(site).current(IMAGE).digest


def test_the_plan_that_was_shown_is_what_is_packed_or_it_is_said_what_changed(site: Site, tree: Path) -> None:
    shown = plan_packimage(site, IMAGE)
    assert [step.name for step in shown.pending] == ["kernel", "initrd", "manifest", "pack", "publish"]
    (tree / "usr/bin/tool").write_text("#!/bin/bash\n")
    with pytest.raises(PlanChangedError, match=r"pack: inputs: tree: [0-9a-f]{64} -> [0-9a-f]{64}"):
        packimage(site, IMAGE, plan=shown.plan.digest)
    assert leftovers(site) == []
    with pytest.raises(PlanChangedError, match=r"pack: inputs: pack: compression: zstd -> gzip"):
        packimage(site, IMAGE, plan=plan_packimage(site, IMAGE).plan.digest, compression="gzip")
    done = packimage(site, IMAGE, plan=plan_packimage(site, IMAGE).plan.digest)
    assert not done["cached"]
    assert plan_packimage(site, IMAGE).pending == ()


@pytest.mark.parametrize("changed", [False, True])
def test_killed_behind_the_packing_the_next_run_only_publishes(site: Site, tmp_path: Path, changed: bool) -> None:
    tree = plant(tmp_path / "built", megabytes=1)
    # Whoever sums and looks waits here until it is killed.
    os.mkfifo(tmp_path / "built" / "gate")
    code = (
        "import sys; from sbkernel.site import Site; from sbkernel.images import packimage\n"
        "from sbkernel.images.pack import steps\n"
        f"steps.Staging = lambda *_: open({str(tmp_path / 'built' / 'gate')!r})\n"
        "with Site.open(sys.argv[1]) as site: packimage.packimage(site, 'small')"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(site.root)], cwd=Path(__file__).resolve().parents[2])
    journals = site.catalog.glob
    until(lambda: [file for file in journals(".tmp-*/.steps.json") if "root.squashfs" in file.read_text()])
    process.kill()
    process.wait()
    assert len(leftovers(site)) == 1
    if changed:
        (tree / "root/by-hand").touch()
    done = job.start(site, "packimage", "sbkernel.images.packimage:packimage", image=IMAGE).wait(60)
    if not changed:
        assert [title for title, _ in done.progress.phases] == ["compare", "publish"]
    version = Catalog(site).current(IMAGE)
    assert ("/root/by-hand" in listing(version.root)) == changed
    assert version.damaged() == []
    assert sorted(path.name for path in version.dir.iterdir()) == sorted(
        ["image.json", "initrd", "kernel", "manifest.json", "root.squashfs"]
    )
    assert sorted(leftovers(site)) == sorted([version.digest, "names"])
