"""Images that stand on a container: from a layout, an archive, a registry to a built tree."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from containers import bootable, make_container, umoci
from registry import login, push, registry
from rpmbase import make_base
from rpms import install, make_repository, make_rpm
from smallbuild import Recorder, assert_nothing_left

from sbkernel.errors import BuildError, SbkernelError
from sbkernel.images.families import family_of
from sbkernel.images.genimage import genimage, plan_genimage
from sbkernel.images.layers.listing import listing
from sbkernel.images.lock import lock
from sbkernel.images.packimage import packimage
from sbkernel.packages.manifest import from_json
from sbkernel.records.why import why
from sbkernel.site import Site


@dataclass(frozen=True)
class World:
    """A container of a small distribution, a repository of one package, and a site with an image of both."""

    place: Path
    site: Site
    reference: str

    @property
    def layout(self) -> Path:
        return self.place / "container"

    def define(self, image: str = "node", site: Site | None = None, packages: str = "own-tool\n", **more: str) -> None:
        listed = self.place / f"{image}.pkglist"
        listed.write_text(packages)
        values = {"osvers": "rocky9.4", "osarch": "x86_64", "pkgdir": f"{self.reference},{self.place}/repository"}
        (site or self.site).set(
            "osimage", image, imagetype="linux", profile=image, provmethod="netboot", pkglist=str(listed),
            **{**values, **more},
        )  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    place = tmp_path_factory.mktemp("world")
    for name in ("base", "tree", "repository", "work"):
        (place / name).mkdir()
    make_base(place / "base")
    for package in (place / "base").rglob("*.rpm"):
        database = ["--dbpath", "/var/lib/rpm", "--define", "_db_backend sqlite"]
        subprocess.run(["rpm", "--root", place / "tree", *database, "-i", "--nodeps", package], check=True)
    make_rpm(place / "repository", "own-tool", "1.0-1", "noarch", files={"usr/share/own-tool": "x"}, more="Requires: small-base\n")  # fmt: skip  # noqa: E501
    make_repository(place / "repository")
    tree = bootable(place / "tree")
    (tree / "etc/own").write_text("own")
    (tree / "etc/own2").hardlink_to(tree / "etc/own")
    os.chown(tree / "etc/own", 42, 43)
    os.setxattr(tree / "etc/own", "user.note", b"kept")
    subprocess.run(["setcap", "cap_net_raw+ep", tree / "usr/bin/busybox"], check=True)
    (tree / "etc/gone").write_text("gone")
    reference = make_container(tree, place / "container")
    umoci("insert", "--whiteout", "--image", "container:base", "/etc/gone", cwd=place)
    with Site.open(place / "a site") as site:
        world = World(place, site, reference)
        world.define()
        genimage(site, "node")
        yield world
        assert_nothing_left(site)


def tree_of(site: Site, image: str = "node") -> Path:
    return site.installdir / "netboot/rocky9.4/x86_64" / image / "rootimg"


def digest(layout: Path, tag: str = "base") -> str:
    entries = json.loads((layout / "index.json").read_text())["manifests"]
    names = {one["annotations"]["org.opencontainers.image.ref.name"]: one["digest"] for one in entries}
    return str(names[tag])


def test_the_container_is_in_the_tree_as_it_was_and_the_package_on_top(world: World) -> None:
    tree = tree_of(world.site)
    assert (tree / "usr/share/own-tool").read_text() == "x"
    assert not (tree / "etc/gone").exists()
    own = (tree / "etc/own").stat()
    assert (own.st_uid, own.st_gid, own.st_nlink) == (42, 43, 2)
    assert os.getxattr(tree / "etc/own", "user.note") == b"kept"
    assert "cap_net_raw" in subprocess.run(["getcap", tree / "usr/bin/busybox"], capture_output=True, text=True).stdout
    assert genimage(world.site, "node")["built"] == []


def test_plan_manifest_and_provenance_name_the_container(world: World) -> None:
    planned = str(plan_genimage(world.site, "node"))
    assert f"on {world.reference}@{digest(world.layout)[:19]}" in planned
    packimage(world.site, "node")
    manifest = from_json((tree_of(world.site).parent / "manifest.json").read_text())
    assert manifest.container == f"{world.reference}@{digest(world.layout)}"
    assert {one.name for one in manifest} == {"small-base", "own-tool"}
    assert f"{world.reference}  {digest(world.layout)}" in str(why(world.site, "node"))


def test_the_same_digest_gives_the_same_bits_elsewhere(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.layout, tmp_path / "copy")
    with Site.open(tmp_path / "other") as site:
        world.define(site=site, pkgdir=f"oci:{tmp_path}/copy,{world.place}/repository")
        genimage(site, "node")
        assert listing(tree_of(site), 2**40) == listing(tree_of(world.site), 2**40)


def test_a_lock_holds_the_container_when_its_tag_moves(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.layout, tmp_path / "layout")
    world.define("locked", pkgdir=f"oci:{tmp_path}/layout:base,{world.place}/repository")
    before = lock(world.site, "locked").lock
    assert before.container and before.container.digest == digest(world.layout)
    umoci("insert", "--image", "layout:base", world.place / "locked.pkglist", "/etc/more", cwd=tmp_path)
    with pytest.raises(BuildError, match="the container is"):
        lock(world.site, "locked")
    genimage(world.site, "locked", locked=True)
    assert not (tree_of(world.site, "locked") / "etc/more").exists()
    genimage(world.site, "locked")
    assert (tree_of(world.site, "locked") / "etc/more").exists()
    assert lock(world.site, "locked", update=True).lock.container != before.container
    with Site.open(tmp_path / "other") as site:
        world.define("locked", site, pkgdir=f"oci:{tmp_path}/layout:base,{world.place}/repository")
        file = tmp_path / "old.lock"
        text = (world.site.installdir / "custom/netboot/rocky/locked.lock").read_text()
        file.write_text(text.replace(digest(tmp_path / "layout"), before.container.digest))
        with pytest.raises(BuildError, match="the container image that was resolved is gone"):
            genimage(site, "locked", locked=str(file))
        assert_nothing_left(site)


def test_a_package_of_the_container_is_replaced_where_another_needs_it(world: World, tmp_path: Path) -> None:
    tree, repository = tmp_path / "tree", tmp_path / "repository"
    subprocess.run(["cp", "-a", world.place / "tree", tree], check=True)
    repository.mkdir()
    old = make_rpm(
        tmp_path, "own-tool", "1.0-1", "noarch", files={"usr/share/own-tool": "old", "usr/share/own-old": "x"}
    )
    install(tree, old)
    make_rpm(repository, "own-tool", "2.0-1", "noarch", files={"usr/share/own-tool": "new"})
    make_rpm(
        repository, "own-more", "1.0-1", "noarch", files={"usr/share/own-more": "x"}, more="Requires: own-tool >= 2\n"
    )
    make_repository(repository)
    reference = make_container(tree, tmp_path / "layout")
    world.define("replaced", packages="own-more\n", pkgdir=f"{reference},{repository}")
    assert genimage(world.site, "replaced")["packages"] == 2
    built = tree_of(world.site, "replaced")
    assert (built / "usr/share/own-tool").read_text() == "new"
    assert not (built / "usr/share/own-old").exists()
    found = from_json((built.parent / "manifest.json").read_text())
    assert [str(one) for one in found if one.name.startswith("own-")] == [
        "own-more=1.0-1:noarch", "own-tool=2.0-1:noarch",
    ]  # fmt: skip


def refused(world: World, **attributes: str) -> str:
    world.define("refused", **attributes)
    with pytest.raises(SbkernelError) as caught:
        genimage(world.site, "refused")
    assert not tree_of(world.site, "refused").exists()
    return str(caught.value)


def test_another_distribution_or_architecture_than_the_osimage_says(world: World) -> None:
    said = refused(world, osvers="rocky9.3")
    assert "is Small Linux 9.4, but osvers is rocky9.3" in said
    assert "osvers=rocky9.4 is what it is" in said
    assert "but osvers is debian12" in refused(world, osvers="debian12", pkgdir=world.reference)
    umoci("tag", "--image", "container:base", "arm", cwd=world.place)
    umoci("config", "--architecture", "arm64", "--image", "container:arm", cwd=world.place)
    assert "is for aarch64, not for x86_64" in refused(world, pkgdir=f"oci:{world.layout}:arm,{world.place}/repository")


def test_what_it_needs_to_boot_is_said_before_anything_is_built(world: World, tmp_path: Path) -> None:
    bare = tmp_path / "tree"
    subprocess.run(["cp", "-a", world.place / "tree", bare], check=True)
    shutil.rmtree(bare / "boot")
    (bare / "usr/sbin/init").unlink()
    said = refused(world, pkgdir=f"{make_container(bare, tmp_path / 'bare')},{world.place}/repository")
    assert "has no kernel and no init system" in said
    assert "add to the pkglist: kernel systemd" in said


def test_references_that_lead_to_nothing(world: World) -> None:
    umoci("tag", "--image", "container:base", "other", cwd=world.place)
    more = f",{world.place}/repository"
    assert "other" in refused(world, pkgdir=f"oci:{world.layout}:nope{more}").partition("it has ")[2]
    assert "base, other; write one" in refused(world, pkgdir=f"oci:{world.layout}{more}").replace("arm, ", "")
    assert "no such file" in refused(world, pkgdir=f"oci:/nowhere:x{more}")
    assert "no repository" in refused(world, pkgdir=world.reference)


def test_a_container_alone_is_an_image(world: World) -> None:
    world.define("alone", packages="# nothing\n", pkgdir=world.reference)
    assert genimage(world.site, "alone")["packages"] == 0
    assert (tree_of(world.site, "alone") / "etc/own").exists()


WAYS = {
    "oci-archive": "oci-archive:{}/x.tar:x", "docker-archive": "docker-archive:{}/x.tar:x:y", "zstd": "oci:{}/zstd:x",
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_keep_a_container_gives_the_same_tree(way: str, world: World, tmp_path: Path) -> None:
    target = WAYS[way].format(tmp_path)
    more = ["--dest-compress-format", "zstd"] if way == "zstd" else []
    subprocess.run(["skopeo", "copy", *more, world.reference, target], check=True, capture_output=True)
    world.define(way, pkgdir=f"{target},{world.place}/repository", rootimgdir=str(tmp_path / "image"))
    genimage(world.site, way)
    assert listing(tmp_path / "image/rootimg", 2**40) == listing(tree_of(world.site), 2**40)


def test_a_registry_is_trusted_and_entered_only_as_the_site_says(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registry(tmp_path / "registry") as host:
        auth = login(tmp_path / "auth.json", host)
        push(host, auth, world.reference, "lab/base:1")
        remote, more = f"docker://{host}/lab/base:1", f"{world.place}/repository"
        assert "tlsverify=0" in refused(world, pkgdir=f"{remote},{more}")
        assert "skopeo login" in refused(world, pkgdir=f"{remote} tlsverify=0,{more}")
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(auth))
        world.define("remote", pkgdir=f"{remote} tlsverify=0,{more}")
        genimage(world.site, "remote")
        manifest = (tree_of(world.site, "remote").parent / "manifest.json").read_text()
        assert from_json(manifest).container == f"{remote}@{digest(world.layout)}"
        gone = refused(world, pkgdir=f"docker://{host}/lab/base:2 tlsverify=0,{more}")
        assert "manifest unknown" in gone
        # What has no tag any more is still there by its digest.
        with Site.open(tmp_path / "other") as site:
            world.define("pinned", site, pkgdir=f"docker://{host}/lab/base@{digest(world.layout)} tlsverify=0,{more}")
            genimage(site, "pinned")
            assert (tree_of(site, "pinned") / "etc/own").exists()
    # It does not answer any more.
    report = Recorder()
    assert genimage(world.site, "remote", report=report)["built"] == []
    assert any("using the container of the last time" in line for line in report.lines)
    assert "cannot be read" in refused(world, pkgdir=f"docker://{host}/lab/base:3 tlsverify=0,{more}")


def test_a_damaged_layer_is_an_error_and_leaves_nothing(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.layout, tmp_path / "layout")
    blob = max((tmp_path / "layout/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    blob.write_bytes(blob.read_bytes()[:-100] + bytes(100))
    with Site.open(tmp_path / "site") as site:
        world.define(site=site, pkgdir=f"oci:{tmp_path}/layout:base,{world.place}/repository")
        with pytest.raises(BuildError, match="cannot be read"):
            genimage(site, "node")
        assert_nothing_left(site)
        assert not list((site.cache / "layers").glob("[0-9a-f]*"))


@pytest.mark.parametrize(
    ("osvers", "osarch", "kernel"),
    [
        ("debian12", "x86_64", "linux-image-amd64"), ("debian12", "aarch64", "linux-image-arm64"),
        ("ubuntu24.04", "x86_64", "linux-image-generic"), ("rocky9.4", "x86_64", "kernel"),
        ("sles15.6", "x86_64", "kernel-default"),
    ],
)  # fmt: skip
def test_the_kernel_to_add_is_that_of_the_distribution(osvers: str, osarch: str, kernel: str) -> None:
    assert family_of(osvers).boots(osvers, osarch).kernel == kernel
