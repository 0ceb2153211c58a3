"""A site whose packages no build host has."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from debs import KERNELS, copy_base, make_repository
from smallbuild import define

from sbkernel.images.genimage import genimage
from sbkernel.images.packimage import packimage
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.site import Site


@dataclass
class Local:
    """A site whose packages lie in directories of this host alone, and the digest of its image when built here."""

    site: Site
    pkglist: Path
    pkgdir: str
    digest: str = ""


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    base, debs = tmp_path_factory.mktemp("base"), tmp_path_factory.mktemp("debs")
    make_repository(debs)
    pkglist = debs / "small.pkglist"
    pkglist.write_text("own-tool\n" + "".join(f"linux-image-{version}\n" for version in KERNELS))
    with Site.open(tmp_path_factory.mktemp("site") / "it has blanks") as site:
        copy_base(site, base)
        found = Local(site, pkglist, f"{base},{debs}")
        define(site, "small", pkglist, found.pkgdir)
        genimage(site, "small")
        found.digest = str(packimage(site, "small")["digest"])
        remove_tree(place_of(site, "small").path)
        yield found


def place_of(site: Site, image: str) -> RootimgDir:
    return RootimgDir(site.installdir / "netboot/debian12/x86_64" / image)
