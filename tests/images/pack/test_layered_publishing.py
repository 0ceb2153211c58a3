"""packimage in layers: what is packed, linked, served by digest; when it is flat; crashes and collections."""

from pathlib import Path

import pytest
from seenstack import described, seen
from test_packimage import IMAGE, define, plant

from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.packimage import packimage, plan_packimage
from sbkernel.site import Site

INITRD = b"initrd with lib/sbkernel/unpack.sh\0 and lib/sbkernel/layers.sh\0"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site.open(tmp_path / "site")
    define(site, IMAGE, tmp_path / "built")
    return site


@pytest.fixture
def tree(site: Site, tmp_path: Path) -> Path:
    tree = plant(tmp_path / "built", megabytes=3)
    (tmp_path / "built/initrd-stateless.gz").write_bytes(INITRD)
    return tree


def test_a_change_is_a_small_layer_over_what_was_packed_before(site: Site, tree: Path, tmp_path: Path) -> None:
    first = packimage(site, IMAGE, layered=True)
    assert (len(first["roots"]), first["flat"]) == (1, "there is no version to lie over")
    (tree / "usr/bin/new").write_text("new")
    (tree / "root/file").unlink()
    second = packimage(site, IMAGE, layered=True)
    assert second["roots"][0] == first["size"] > 100 * second["roots"][1] and second["flat"] == ""
    catalog = Catalog(site)
    base, version = catalog.get(first["digest"]), catalog.current(IMAGE)
    assert [root.name for root in version.roots] == ["root.0.squashfs", "root.squashfs"]
    assert version.root.samefile(base.root) and version.damaged() == []
    assert seen(tmp_path / "seen", [version.dir / root.name for root in version.roots]) == described(tree)
    assert packimage(site, IMAGE, layered=True)["cached"]
    assert not plan_packimage(site, IMAGE, layered=True).pending
