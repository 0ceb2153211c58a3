"""OCI archives as skopeo, umoci and podman read and write them."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundles import IMAGE, Sites, define, everything
from smallimage import publish

from sbkernel.errors import BuildError
from sbkernel.images.bundle.export_image import OCI, export_image
from sbkernel.images.bundle.import_image import import_image
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.site import Site


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    place = tmp_path_factory.mktemp("sites")
    tree = place / "tree"
    (tree / "bin").mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "", tree / "bin/busybox")
    (tree / "bin/sh").symlink_to("busybox")
    (tree / "etc").mkdir()
    (tree / "etc/own").write_text("own\n")
    (tree / "etc/own").chmod(0o640)
    subprocess.run(["mksquashfs", tree, place / "root", "-quiet", "-no-progress", "-all-root"], check=True)
    with Site.open(place / "here") as here, Site.open(place / "there") as there:
        define(here)
        publish(here, (place / "root").read_bytes(), IMAGE)
        yield Sites(here, there)


@pytest.fixture(scope="module")
def archive(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(export_image(sites.here, IMAGE, tmp_path_factory.mktemp("oci") / "lab.oci.tar", kind=OCI)["file"])


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "fresh") as site:
        yield site


def skopeo(*words: str | Path, cwd: Path) -> str:
    argv = ["skopeo", "--insecure-policy", "--tmpdir", cwd, *words]
    return subprocess.run(argv, check=True, capture_output=True, text=True, cwd=cwd).stdout


def test_skopeo_reads_it(sites: Sites, archive: Path, tmp_path: Path) -> None:
    said = json.loads(skopeo("inspect", f"oci-archive:{archive}", cwd=tmp_path))
    digest = Catalog(sites.here).current(IMAGE).digest
    assert said["Labels"] == {
        "org.sbkernel.image.name": IMAGE, "org.sbkernel.image.digest": digest, "org.sbkernel.image.layers": "3",
    }  # fmt: skip
    assert (said["Architecture"], said["Os"], len(said["Layers"])) == ("amd64", "linux", 3)


def test_its_bytes_are_the_same_every_time(sites: Sites, archive: Path, tmp_path: Path) -> None:
    again = export_image(sites.here, IMAGE, tmp_path / "again", kind=OCI)
    assert Path(again["file"]).read_bytes() == archive.read_bytes()


# Where skopeo writes it, and what is imported then.
COPIES = {
    "itself": ("", "lab.oci.tar"),
    "oci-archive": ("oci-archive:{}/x.tar:x:y", "x.tar"),
    "docker-archive": ("docker-archive:{}/x.tar:x:y", "x.tar"),
    "oci": ("oci:{}/x:y", "x"),
    "dir": ("dir:{}/x", "x"),
}


@pytest.mark.parametrize("way", COPIES)
def test_a_copy_of_skopeo_is_the_same_version(
    way: str, sites: Sites, archive: Path, fresh: Site, tmp_path: Path
) -> None:
    to, name = COPIES[way]
    if to:
        skopeo("copy", f"oci-archive:{archive}", to.format(tmp_path), cwd=tmp_path)
    else:
        shutil.copy(archive, tmp_path)
    done = import_image(fresh, tmp_path / name)
    version = Catalog(fresh).find(f"{IMAGE}@candidate")
    assert done["digest"] == version.digest == Catalog(sites.here).current(IMAGE).digest
    assert version.damaged() == []
    assert done["remarks"] == ["synclists: the files that they name are not in the bundle"]
    assert fresh.osimages[IMAGE].get("addkcmdline") == "quiet"
    assert import_image(fresh, tmp_path / name)["there"]


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_bundle_that_was_compressed_on_the_way(compression: str, archive: Path, fresh: Site, tmp_path: Path) -> None:
    options = ("--dest-compress", "--dest-compress-format", compression)
    skopeo("copy", *options, f"oci-archive:{archive}", f"dir:{tmp_path}/x", cwd=tmp_path)
    manifest = json.loads((tmp_path / "x/manifest.json").read_text())
    assert manifest["layers"][0]["mediaType"].endswith(f"+{compression}")
    assert import_image(fresh, tmp_path / "x")["digest"]
    assert Catalog(fresh).find(f"{IMAGE}@candidate").damaged() == []


def test_umoci_unpacks_the_root_alone(archive: Path, tmp_path: Path) -> None:
    skopeo("copy", f"oci-archive:{archive}", f"oci:{tmp_path}/layout:lab", cwd=tmp_path)
    subprocess.run(["umoci", "unpack", "--image", f"{tmp_path}/layout:lab", tmp_path / "out"], check=True)
    root = tmp_path / "out/rootfs"
    assert sorted(path.name for path in root.iterdir()) == ["bin", "etc"]
    assert (root / "etc/own").read_text() == "own\n"
    assert (root / "etc/own").stat().st_mode & 0o777 == 0o640
    assert (root / "bin/sh").readlink() == Path("busybox")


def test_layers_that_umoci_adds_are_not_the_version(archive: Path, fresh: Site, tmp_path: Path) -> None:
    skopeo("copy", f"oci-archive:{archive}", f"oci:{tmp_path}/layout:lab", cwd=tmp_path)
    image = f"{tmp_path}/layout:lab"
    subprocess.run(["umoci", "unpack", "--image", image, tmp_path / "out"], check=True)
    (tmp_path / "out/rootfs/etc/added").write_text("added")
    subprocess.run(["umoci", "repack", "--image", image, tmp_path / "out"], check=True)
    done = import_image(fresh, tmp_path / "layout")
    assert "layers were added" in done["remarks"][0]
    assert Catalog(fresh).find(f"{IMAGE}@candidate").damaged() == []


def test_a_foreign_container_is_told_what_it_lacks(fresh: Site, tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    subprocess.run(["umoci", "init", "--layout", layout], check=True)
    subprocess.run(["umoci", "new", "--image", f"{layout}:x"], check=True)
    before = everything(fresh)
    with pytest.raises(BuildError, match="no kernel, no initrd, no packed root"):
        import_image(fresh, layout)
    subprocess.run(["umoci", "unpack", "--image", f"{layout}:x", tmp_path / "out"], check=True)
    (tmp_path / "out/rootfs/own").write_text("own")
    subprocess.run(["umoci", "repack", "--image", f"{layout}:x", tmp_path / "out"], check=True)
    with pytest.raises(BuildError, match="no kernel, no initrd, no packed root"):
        import_image(fresh, layout)
    assert everything(fresh) == before


def test_several_images_in_one_layout(archive: Path, fresh: Site, tmp_path: Path) -> None:
    for name in ("one", "two"):
        skopeo("copy", f"oci-archive:{archive}", f"oci:{tmp_path}/layout:{name}", cwd=tmp_path)
    with pytest.raises(BuildError, match="several container images"):
        import_image(fresh, tmp_path / "layout")


@pytest.mark.parametrize("wrong", ["../../../etc/passwd", "sha256:../../x", "sha256:" + "0" * 64, 7, None])
def test_digests_that_are_paths(wrong: object, fresh: Site, tmp_path: Path) -> None:
    (tmp_path / "x/blobs/sha256").mkdir(parents=True)
    (tmp_path / "x/index.json").write_text(json.dumps({"manifests": [{"digest": wrong}]}))
    with pytest.raises(BuildError, match=r"no sha256|is missing"):
        import_image(fresh, tmp_path / "x")


def test_a_layer_that_is_a_link(archive: Path, fresh: Site, tmp_path: Path) -> None:
    skopeo("copy", f"oci-archive:{archive}", f"dir:{tmp_path}/x", cwd=tmp_path)
    manifest = json.loads((tmp_path / "x/manifest.json").read_text())
    layer = tmp_path / "x" / manifest["layers"][0]["digest"].removeprefix("sha256:")
    layer.rename(tmp_path / "elsewhere")
    layer.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        import_image(fresh, tmp_path / "x")
    assert Catalog(fresh).versions() == []


def test_a_truncated_archive(archive: Path, fresh: Site, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(archive.read_bytes()[:-4096])
    with pytest.raises(BuildError, match="truncated"):
        import_image(fresh, tmp_path / "x")


def test_a_root_that_cannot_become_a_layer(fresh: Site, tmp_path: Path) -> None:
    publish(fresh, b"070701", "old", root_name="root.cpio.gz")
    with pytest.raises(BuildError, match=r"root\.cpio\.gz cannot be made a layer"):
        export_image(fresh, "old", tmp_path / "x", kind=OCI)
    assert not (tmp_path / "x").exists()


def test_a_root_that_is_a_tar_already(fresh: Site, tmp_path: Path) -> None:
    (tmp_path / "tree/etc").mkdir(parents=True)
    (tmp_path / "tree/etc/own").write_text("own")
    subprocess.run(["tar", "-C", tmp_path / "tree", "-czf", tmp_path / "root", "."], check=True)
    publish(fresh, (tmp_path / "root").read_bytes(), "tarred", root_name="root.tar.gz")
    export_image(fresh, "tarred", tmp_path / "x", kind=OCI)
    skopeo("copy", f"oci-archive:{tmp_path}/x", f"oci:{tmp_path}/layout:lab", cwd=tmp_path)
    subprocess.run(["umoci", "unpack", "--image", f"{tmp_path}/layout:lab", tmp_path / "out"], check=True)
    assert [path.name for path in (tmp_path / "out/rootfs").rglob("*")] == ["etc", "own"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", ".", "", "sub"])
def test_a_layer_lies_in_the_directory_or_nowhere(name: str, fresh: Site, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"x" * 1024)
    (tmp_path / "x/sub").mkdir(parents=True)
    (tmp_path / "x/config.json").write_text("{}")
    (tmp_path / "x/manifest.json").write_text(json.dumps([{"Config": "config.json", "Layers": [name]}]))
    with pytest.raises(BuildError, match=r"its layer .* is missing"):
        import_image(fresh, tmp_path / "x")
