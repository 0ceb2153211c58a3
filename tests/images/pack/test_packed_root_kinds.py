"""packimage for osimages that ask for kinds of root: what it adds, what it refuses, and that other images stay."""

from pathlib import Path

import pytest
from test_packimage import IMAGE, INITRD, define, plant

from sbkernel.errors import BuildError, DefinitionError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.images.packimage import packimage
from sbkernel.site import Site

KNOWING = INITRD + b"lib/sbkernel/tmpfs.sh\0lib/sbkernel/zram.sh\0lib/sbkernel/lazy.sh\0lib/modules/6.1/nbd.ko\0"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site.open(tmp_path / "site")
    define(site, IMAGE, tmp_path / "built")
    plant(tmp_path / "built")
    modules = tmp_path / "built/rootimg/lib/modules/6.1.0"
    modules.mkdir(parents=True)
    (modules / "modules.builtin").write_text("kernel/fs/ext4/ext4.ko\n")
    (tmp_path / "built/initrd-stateless.gz").write_bytes(KNOWING)
    return site


def packed(site: Site, kinds: str, **words: str) -> ImageVersion:
    site.set("osimage", IMAGE, rootkind=kinds)
    done = packimage(site, IMAGE, **words)  # type: ignore[arg-type]
    assert packimage(site, IMAGE, **words)["cached"]  # type: ignore[arg-type]
    return Catalog(site).get(done["digest"])


def test_what_the_kinds_need_is_added_once(site: Site) -> None:
    plain = packed(site, "")
    assert (plain.root_kinds, plain.unpacked_bytes, plain.initrd.read_bytes()) == ((), 0, KNOWING)
    assert "rootkinds" not in plain.data and packed(site, "ram").digest == plain.digest
    unpacked = packed(site, "ram,tmpfs")
    assert unpacked.root_kinds == ("tmpfs",) and unpacked.unpacked_bytes > 0
    assert len(unpacked.data["programs"]) == 1 and "tar" in unpacked.data["programs"][0]
    lazy = packed(site, "lazy,tmpfs,lazy")
    assert lazy.root_kinds == ("lazy", "tmpfs") and lazy.roots[0].verity
    names = ["dmsetup", "nbdkit", "nbdkit-curl-plugin.so", "nbdkit-retry-filter.so", "nbd-client", "tar"]
    assert all(name in one for name, one in zip(names, lazy.data["programs"], strict=True))


def test_a_tar_has_no_blocks_to_read_on_demand(site: Site) -> None:
    assert packed(site, "tmpfs", method="tar").root_kinds == ("tmpfs",)
    with pytest.raises(DefinitionError, match="a tar is unpacked: it has no blocks"):
        packed(site, "lazy", method="tar")


def test_an_older_initrd_or_one_without_a_driver_is_refused(site: Site, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="was made before rootkind=zram was asked for\n  sb genimage small"):
        packed(site, "zram")
    (tmp_path / "built/initrd-stateless.gz").write_bytes(INITRD)
    with pytest.raises(BuildError, match="was made before rootkind=tmpfs was asked for"):
        packed(site, "tmpfs")
