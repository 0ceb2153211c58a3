"""genimage on a build host: a real sshd, the real package manager, and the digest of a build on this host."""

from collections.abc import Iterator

import pytest
import sshhost
from debs import KERNELS, copy_base, make_repository
from smallbuild import EVERYTHING, define
from sshhost import SshHost

from sbkernel.images.genimage import genimage
from sbkernel.images.order import order_genimage
from sbkernel.images.packimage import packimage
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.site import Site


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHost]:
    with sshhost.ssh_host(tmp_path_factory.mktemp("host")) as host, host.sshd():
        yield host


@pytest.fixture(autouse=True)
def reached(host: SshHost, monkeypatch: pytest.MonkeyPatch) -> None:
    sshhost.use(host, monkeypatch)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with an image whose packages lie in two directories of this host alone."""
    base, debs = tmp_path_factory.mktemp("base"), tmp_path_factory.mktemp("debs")
    make_repository(debs)
    pkglist = debs / "small.pkglist"
    pkglist.write_text("own-tool\n" + "".join(f"linux-image-{version}\n" for version in KERNELS))
    with Site.open(tmp_path_factory.mktemp("site") / "it has blanks") as site:
        copy_base(site, base)
        define(site, "small", pkglist, f"{base},{debs}")
        yield site


def test_what_is_built_there_is_what_is_built_here(site: Site, host: SshHost) -> None:
    genimage(site, "small")
    here = packimage(site, "small")
    place = RootimgDir(site.installdir / "netboot/debian12/x86_64/small")
    remove_tree(place.path)
    job = order_genimage(site, "small", on=sshhost.NAME).wait(300)
    assert job.result["built"] == EVERYTHING
    there = packimage(site, "small", force=True)
    assert there["digest"] == here["digest"]
