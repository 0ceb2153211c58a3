"""A version in layers travels as one: lower roots that are there already are shared, containers see the whole stack."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sbkernel.images.bundle.export_image import OCI, export_image
from sbkernel.images.bundle.import_image import import_image
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.packimage import packimage
from sbkernel.site import Site

IMAGE = "lab"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Return a site with two versions: a whole root, and a layer over it in which a file and a directory are gone."""
    built = tmp_path / "built"
    tree = built / "rootimg"
    for name in ("etc/kept", "etc/gone", "usr/all/gone"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    (tree / "usr/large").write_bytes(bytes(range(256)) * 4096)
    (built / "kernel").write_text("kernel")
    (built / "initrd-stateless.gz").write_bytes(b"lib/sbkernel/unpack.sh\0 and lib/sbkernel/layers.sh\0")
    (built / "plan.json").write_text('{"steps": {}, "kernelver": "6.1"}')
    with Site.open(tmp_path / "here") as here:
        here.set(
            "osimage", IMAGE, osvers="debian12", osarch="x86_64", profile=IMAGE, provmethod="netboot",
            imagetype="linux", rootimgdir=str(built),
        )  # fmt: skip
        packimage(here, IMAGE, layered=True)
        (tree / "etc/gone").unlink()
        (tree / "usr/all/gone").unlink()
        (tree / "usr/all").rmdir()
        (tree / "etc/new").write_text("new")
        assert len(packimage(here, IMAGE, layered=True)["roots"]) == 2
        yield here


def test_both_versions_share_the_lower_root_where_they_arrive(site: Site, tmp_path: Path) -> None:
    with Site.open(tmp_path / "there") as there:
        for version in ("previous", "current"):
            file = export_image(site, f"{IMAGE}@{version}", tmp_path / f"{version}.tar")["file"]
            import_image(there, file, keep=True)
        catalog = Catalog(there)
        second, first = catalog.versions(IMAGE)
        assert [root.name for root in second.roots] == ["root.0.squashfs", "root.squashfs"]
        assert second.root.samefile(first.root)
        assert second.damaged() == [] == first.damaged()
        served = sorted((there.catalog / "layers").iterdir())
        assert {path.stat().st_ino for path in served} == {
            (second.dir / one.name).stat().st_ino for one in second.roots
        }
        assert second.digest == Catalog(site).current(IMAGE).digest


def test_a_container_sees_the_whole_stack(site: Site, tmp_path: Path) -> None:
    file = export_image(site, IMAGE, tmp_path / "lab.oci.tar", kind=OCI)["file"]
    skopeo = ["skopeo", "--insecure-policy", "--tmpdir", tmp_path]
    subprocess.run([*skopeo, "copy", f"oci-archive:{file}", f"oci:{tmp_path}/layout:lab"], check=True)
    subprocess.run(["umoci", "unpack", "--image", f"{tmp_path}/layout:lab", tmp_path / "out"], check=True)
    root = tmp_path / "out/rootfs"
    found = {str(path.relative_to(root)) for path in root.rglob("*")}
    assert found == {"etc", "etc/kept", "etc/new", "usr", "usr/large"}
    with Site.open(tmp_path / "there") as there:
        done = import_image(there, tmp_path / "layout")
        assert done["digest"] == Catalog(site).current(IMAGE).digest
