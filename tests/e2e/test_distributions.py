"""Distributions other than the demo's, as an administrator types it: from their disc or mirror to the login prompt."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from discs import TREEINFO, make_iso, write
from rpmkeys import new_key, sign

from sbkernel.bench.rpms.distribution import BOOTABLE, make_distribution
from sbkernel.images.families.debian.apt import host_sources
from sbkernel.site import Site

from .conftest import Sb

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

DEBIAN13 = "linux-image-cloud-amd64 systemd-sysv udev dbus login iproute2 kmod procps openssh-server zstd"
"""What a login prompt takes, and what the node is asked through."""


@dataclass(frozen=True)
class Distribution:
    """A distribution: its osvers, what copycds is given for it, and a list that boots."""

    osvers: str
    given: tuple[str, ...]
    packages: str

    @property
    def image(self) -> str:
        return f"{self.osvers}-x86_64-netboot-compute"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sb]:
    """A site of its own: its node and its service must not meet those of the demo."""
    site = Sb(tmp_path_factory.mktemp("distributions") / "site")
    site.site.mkdir()
    site("mkvm", "vn1")
    yield site
    site("rpower", "vn1", "off", status=None)
    site("service", "stop", status=None)


@pytest.fixture(params=["rocky9.4", "debian13"])
def distribution(request: pytest.FixtureRequest, site: Sb, tmp_path: Path) -> Iterator[Distribution]:
    if request.param == "debian13":
        yield Distribution("debian13", ("-n", "debian13", mirror()), DEBIAN13.replace(" ", "\n"))
        return
    tree = tmp_path / "tree"
    write(tree, {".treeinfo": TREEINFO.format(name="Rocky Linux", version="9.4", arch="x86_64")})
    with Site.open(site.site) as opened:
        repository = make_distribution(opened, tree / "BaseOS", BOOTABLE)
    (tmp_path / "key").mkdir()
    for key in new_key(tmp_path / "key"):
        sign(key, *repository.rglob("*.rpm"))
        (tree / "RPM-GPG-KEY-test").write_bytes((key / "public").read_bytes())
        groups = next(repository.glob("repodata/*comps.xml"))
        again = ["createrepo_c", "--quiet", "--groupfile", groups.rename(tmp_path / "comps.xml"), repository]
        subprocess.run(again, check=True)
        disc = make_iso(tree, tmp_path / "disc.iso")
        yield Distribution("rocky9.4", (str(disc),), "@core\nlinux-image-cloud-amd64\n")


def mirror() -> str:
    """Return the mirror that this host uses; it has all releases."""
    return next(source.uri for source in host_sources() if source.suite == "bookworm")


def test_it_boots_to_a_login_prompt(site: Sb, distribution: Distribution, tmp_path: Path) -> None:
    image = distribution.image
    assert f"defined osimage {image}" in site("copycds", *distribution.given)
    listed = tmp_path / "own.pkglist"
    listed.write_text(distribution.packages)
    site("chdef", "-t", "osimage", "-o", image, f"pkglist={listed}")
    assert "built: " in site("genimage", image)
    assert "nothing to do" in site("genimage", image)
    digest = re.search(r"^digest:([0-9a-f]{64})$", site("packimage", image), re.MULTILINE)
    assert digest
    assert f"vn1: netboot {distribution.osvers}-x86_64-compute" in site("nodeset", "vn1", f"osimage={image}")
    site("rpower", "vn1", "boot")
    assert "vn1 login:" in site("rcons", "vn1", "--until", "login:", "--for", "300", timeout_s=330)
    assert re.search(rf"^{digest[1][:8]} .* vn1 +vn1$", site("images", image), re.MULTILINE), "booted and reported"
    site("rpower", "vn1", "off")
