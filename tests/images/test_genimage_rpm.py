"""A whole image of a small rpm distribution, made from Debian's packages: its tree, its manifest, kernel and initrd."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from discs import TREEINFO, make_iso, write
from rpmbase import advise
from rpms import make_repository, make_rpm
from smallbuild import TARGET, assert_nothing_left, processes
from waiting import until

from sbkernel.bench.rpms.distribution import SMALL, make_distribution
from sbkernel.errors import BuildError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.copycds import copycds
from sbkernel.images.genimage import genimage, plan_genimage
from sbkernel.images.packimage import packimage
from sbkernel.images.tree import installed
from sbkernel.jobs import job as jobs
from sbkernel.packages import manifest
from sbkernel.rollout.update import update
from sbkernel.site import Site


@dataclass(frozen=True)
class Built:
    site: Site
    osvers: str
    tree: Path
    result: dict[str, object]

    @property
    def zypper(self) -> bool:
        return self.osvers.startswith("sles")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site.open(tmp_path_factory.mktemp("site") / "it has blanks") as site:
        site.set("site", "clustersite", timezone="Etc/UTC")
        yield site


@pytest.fixture(scope="module")
def distribution(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_distribution(site, tmp_path_factory.mktemp("distribution") / "BaseOS", SMALL)


@pytest.fixture(scope="module", params=["rocky9.4", "sles15.6"])
def built(request: pytest.FixtureRequest, site: Site, distribution: Path) -> Built:
    listed = site.root / "el.pkglist"
    listed.write_text("@core\nlinux-image-cloud-amd64\n")
    site.set(
        "osimage", "el", imagetype="linux", osvers=request.param, osarch="x86_64", profile="el", provmethod="netboot",
        pkglist=str(listed), pkgdir=str(distribution),
    )  # fmt: skip
    result = genimage(site, "el")
    return Built(site, request.param, Path(str(result["rootimgdir"])) / "rootimg", result)


def test_kernel_and_initrd_are_those_of_the_packages(built: Built) -> None:
    kernelver = str(built.result["kernelver"])
    assert kernelver.endswith("-cloud-amd64")
    kernel = built.tree / "usr/lib/modules" / kernelver / "vmlinuz"
    assert (built.tree.parent / "kernel").read_bytes() == kernel.read_bytes()
    packed = built.tree.parent / "initrd-stateless.gz"
    archive = subprocess.run(["zstd", "-dc", packed], check=True, capture_output=True).stdout
    listed = subprocess.run(["cpio", "-t", "--quiet"], input=archive, check=True, capture_output=True).stdout.decode()
    assert (
        f"lib/modules/{kernelver}/squashfs.ko" in listed.splitlines()
        or "squashfs" in (built.tree / f"usr/lib/modules/{kernelver}/modules.builtin").read_text()
    )
    assert f"lib/modules/{kernelver}/virtio_net.ko" in listed.splitlines()


def test_the_manifest_is_rpms(built: Built) -> None:
    found = manifest.from_json((built.tree.parent / "manifest.json").read_text(), Path("manifest.json"))
    assert found.family == "rpm"
    packages = {package.name: package for package in found.packages}
    assert len(packages) == built.result["packages"]
    assert packages["setup"].version == "1:2.13-1"
    assert packages["linux-image-cloud-amd64"].explicit
    assert packages["tar"].explicit is not built.zypper, "of a pattern only its own package is asked for"
    assert packages["libc6"].explicit is False


def test_the_tree_is_a_root_for_any_node(built: Built) -> None:
    tree = built.tree
    assert (tree / "var/lib/configured-tar").read_text() == "configured\n"
    assert (tree / "etc/machine-id").read_bytes() == b""
    assert (tree / "etc/shadow").read_text().startswith("root:*:")
    assert (tree / "etc/selinux/config").read_text() == "SELINUX=disabled\n"
    internet = (tree / "etc/yum.repos.d/internet.repo").read_text()
    assert "[internet]\nenabled=0\n" in internet and "[more]\nenabled=0\n" in internet and "enabled=1" not in internet
    assert (tree / ("etc/zypp/repos.d" if built.zypper else "etc/yum.repos.d") / "image.repo").read_text() == ""
    mounted = [line.split()[0] for line in (tree / "etc/fstab").read_text().splitlines()]
    assert mounted[-1] == ("el_x86_64" if built.zypper else "devpts")
    assert [path for path in (tree / "var/log").rglob("*") if path.is_file()] == []
    assert list(tree.glob("boot/*")) == []


def test_a_second_run_does_nothing_and_the_image_packs(built: Built) -> None:
    assert plan_genimage(built.site, "el").pending == ()
    packed = packimage(built.site, "el")
    root = built.site.root / "catalog" / str(packed["digest"]) / "root.squashfs"
    listed = subprocess.run(["unsquashfs", "-l", root], check=True, capture_output=True, text=True).stdout
    database = "usr/lib/sysimage/rpm" if built.zypper else "var/lib/rpm"
    assert f"squashfs-root/{database}/rpmdb.sqlite\n" in listed


def test_a_package_is_added_to_the_layer_of_another_image(built: Built, distribution: Path, tmp_path: Path) -> None:
    make_rpm(tmp_path, "own-tool", arch="noarch", more="Requires: setup\n")
    make_repository(tmp_path)
    listed = tmp_path / "near.pkglist"
    listed.write_text("@core\nlinux-image-cloud-amd64\nown-tool\n")
    more = {"profile": "near", "pkglist": str(listed), "pkgdir": f"{distribution},{tmp_path}"}
    values = dict(built.site.osimages["el"].attributes)
    values.pop("rootimgdir", None)
    built.site.set("osimage", "near", **{**values, **more})
    assert ": + own-tool" in plan_genimage(built.site, "near").layer
    result = genimage(built.site, "near", verify=True)
    assert result["layer"].startswith("from layer ") and result["layer"].endswith(": + own-tool")
    assert genimage(built.site, "near")["built"] == []
    assert genimage(built.site, "near", clean=True)["layer"] == "clean: as asked"
    assert_nothing_left(built.site)


def test_an_image_that_copycds_defined_is_the_same_image(built: Built, distribution: Path, tmp_path: Path) -> None:
    """Its packages come from a copied disc; the layer that was built from the repository itself is taken."""
    disc = tmp_path / "disc"
    if built.zypper:
        write(disc, {"media.1/media": "SUSE - SLE-15-SP6-Full-x86_64-Build83.1-Media1\n"})
    else:
        write(disc, {".treeinfo": TREEINFO.format(name="Rocky Linux", version="9.4", arch="x86_64")})
    shutil.copytree(distribution, disc / "BaseOS", copy_function=os.link)
    done = copycds(built.site, [make_iso(disc, tmp_path / "disc.iso")])
    image = done["made"][0]
    assert image == ("sle15.6" if built.zypper else "rocky9.4") + "-x86_64-netboot-compute"
    built.site.set("osimage", image, pkglist=built.site.osimages["el"].get("pkglist"))
    planned = plan_genimage(built.site, image)
    pending = {step.name for step in planned.pending}
    assert "packages" in planned.plan.digests and not pending & {"download", "packages"}
    shutil.rmtree(built.site.installdir / image.partition("-")[0])


def test_postinstall_is_called_as_by_xcat_and_a_time_zone_has_to_be_there(built: Built, tmp_path: Path) -> None:
    script = tmp_path / "post.sh"
    script.write_text(
        '#!/bin/sh -e\necho "$*" > "$1/etc/called"\nenv | grep -e ^IMG_ -e ^SITE_ | sort > "$1/etc/environ"\n'
        'chroot "$1" test -e /proc/self/status\nuname -r > "$1/etc/uname"\n'
        'chroot "$1" uname -r > "$1/etc/inside"\nchroot "$1" uname -s >> "$1/etc/inside"\n'
    )
    script.chmod(0o755)
    values = dict(built.site.osimages["el"].attributes)
    values.pop("rootimgdir", None)
    more = {"profile": "posted", "postinstall": f"{script} one two", "environvar": "SITE_A=x y", "otherifce": "ib0"}
    built.site.set("osimage", "posted", **{**values, **more})
    result = genimage(built.site, "posted")
    assert "packages" in result["cached"]
    tree = Path(result["rootimgdir"]) / "rootimg"
    assert (tree / "etc/called").read_text() == f"{tree.parent}/.new/rootimg {built.osvers} x86_64 posted one two\n"
    environ = dict(line.split("=", 1) for line in (tree / "etc/environ").read_text().splitlines())
    assert environ["IMG_KERNELVERSION"] == (tree / "etc/uname").read_text().strip() == result["kernelver"]
    assert (tree / "etc/inside").read_text() == f"{result['kernelver']}\nLinux\n"
    assert (tree / "bin/uname").read_bytes() == (built.tree / "bin/uname").read_bytes()
    assert (environ["IMG_NAME"], environ["IMG_OSVER"], environ["SITE_A"]) == ("posted", built.osvers, "x y")
    assert environ["IMG_ROOTIMGDIR"] == f"{tree.parent}/.new/rootimg"
    assert "Name=en* eth* ib0\n" in (tree / "etc/systemd/network/80-dhcp.network").read_text()
    assert str((tree / "etc/localtime").readlink()) == "/usr/share/zoneinfo/Etc/UTC"
    assert not (tree / "etc/timezone").exists()
    built.site.set("site", "clustersite", timezone="Europe/Vienna")
    try:
        with pytest.raises(BuildError, match="the image does not have the time zone of the site, Europe/Vienna") as e:
            genimage(built.site, "posted")
    finally:
        built.site.set("site", "clustersite", timezone="Etc/UTC")
    assert "tzdata" in str(e.value.hint)
    assert_nothing_left(built.site)


def test_kill_9_while_packages_are_installed_leaves_nothing_in_use(built: Built) -> None:
    listed = built.site.root / "killed.pkglist"
    listed.write_text("setup\ntar\nsed\ncoreutils\nfindutils\nlinux-image-cloud-amd64\n")
    values = dict(built.site.osimages["el"].attributes)
    values.pop("rootimgdir", None)
    built.site.set("osimage", "killed", **{**values, "pkglist": str(listed), "profile": "killed"})
    job = jobs.start(built.site, "genimage", TARGET, image="killed", clean=True)
    until(lambda: job.progress.phase == "install packages" and job.progress.done >= 3, 120)
    assert processes(built.site)
    os.kill(int(json.loads((job.dir / "pid").read_text())["pid"]), signal.SIGKILL)
    until(lambda: not processes(built.site))
    until(lambda: job.done)
    assert job.state == "failed"
    assert "coreutils" in {one.name for one in installed.of_tree(genimage_tree(built.site, "killed")).packages}
    assert_nothing_left(built.site)


def genimage_tree(site: Site, image: str) -> Path:
    return Path(str(genimage(site, image)["rootimgdir"])) / "rootimg"


def test_security_updates_alone_leave_the_rest_as_it_is(built: Built, distribution: Path, tmp_path: Path) -> None:
    site, updates = built.site, tmp_path / "updates"
    updates.mkdir()
    for name in ("fixed", "other"):
        make_rpm(updates, name)
    make_repository(updates)
    listed = tmp_path / "safe.pkglist"
    listed.write_text(Path(site.osimages["el"].get("pkglist")).read_text() + "fixed\nother\n")
    site.set("osimage", "el", pkglist=str(listed), pkgdir=f"{distribution},{updates}")
    first = update(site, "el", testboot=False)
    with pytest.raises(BuildError, match=r"no source has advisories \(updateinfo\):\n  BaseOS .*\n  updates "):
        update(site, "el", security_only=True, testboot=False)
    for name in ("fixed", "other"):
        make_rpm(updates, name, "1.1-1")
    make_repository(updates)
    advise(updates, ("FIX", "security", ["fixed-1.1-1"]), ("BUG", "bugfix", ["other-1.1-1"]))
    done = update(site, "el", security_only=True, testboot=False)
    assert done["changes"][0] == f"BaseOS (file://{distribution}) has no advisories (updateinfo)"
    versions = {one.name: one.version for one in Catalog(site).get(done["digest"]).manifest}
    assert (versions["fixed"], versions["other"], len(versions)) == ("1.1-1", "1.0-1", first["packages"])
    again = update(site, "el", security_only=True, testboot=False)
    assert (again["state"], again["digest"]) == ("nothing", done["digest"])
