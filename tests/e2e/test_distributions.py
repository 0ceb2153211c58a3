"""Distributions other than the demo's, as an administrator types it: from their disc or mirror to the login prompt."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from discs import TREEINFO, make_iso, write
from rpmkeys import new_key, sign
from waiting import until

from sbkernel.bench.rpms.distribution import BOOTABLE, make_distribution
from sbkernel.images.families.debian.apt import host_sources
from sbkernel.site import Site

from .conftest import Sb

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

DEBIAN13 = "linux-image-cloud-amd64 systemd-sysv udev dbus login iproute2 kmod procps openssh-server zstd"
"""What a login prompt takes, and what the node is asked through."""


SSHD = """\
#!/bin/sh -e
# Does what the package openssh-server of Debian does when it is installed.
# sb-inputs: none
cp "$1/usr/share/openssh/sshd_config" "$1/etc/ssh/"
echo 'UsePAM no' >> "$1/etc/ssh/sshd_config"
echo 'sshd:x:110:65534::/run/sshd:/usr/sbin/nologin' >> "$1/etc/passwd"
mkdir -p "$1/etc/systemd/system/multi-user.target.wants"
ln -s /lib/systemd/system/ssh.service "$1/etc/systemd/system/multi-user.target.wants/"
"""


@dataclass(frozen=True)
class Distribution:
    """A distribution: its osvers, what copycds is given for it, a list that boots, and a script for its postinstall."""

    osvers: str
    given: tuple[str, ...]
    packages: str
    postinstall: str = ""

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
        repository = make_distribution(opened, tree / "BaseOS", (*BOOTABLE, "openssh-server"))
    (tmp_path / "key").mkdir()
    for key in new_key(tmp_path / "key"):
        sign(key, *repository.rglob("*.rpm"))
        (tree / "RPM-GPG-KEY-test").write_bytes((key / "public").read_bytes())
        groups = next(repository.glob("repodata/*comps.xml"))
        again = ["createrepo_c", "--quiet", "--groupfile", groups.rename(tmp_path / "comps.xml"), repository]
        subprocess.run(again, check=True)
        disc = make_iso(tree, tmp_path / "disc.iso")
        yield Distribution("rocky9.4", (str(disc),), "@core\nlinux-image-cloud-amd64\n", SSHD)


def mirror() -> str:
    """Return the mirror that this host uses; it has all releases."""
    return next(source.uri for source in host_sources() if source.suite == "bookworm")


def test_it_boots_to_a_login_prompt(site: Sb, distribution: Distribution, tmp_path: Path) -> None:
    image = distribution.image
    assert f"defined osimage {image}" in site("copycds", *distribution.given)
    listed = tmp_path / "own.pkglist"
    listed.write_text(distribution.packages)
    site("chdef", "-t", "osimage", "-o", image, f"pkglist={listed}")
    if distribution.postinstall:
        script = tmp_path / "own.postinstall"
        script.write_text(distribution.postinstall)
        script.chmod(0o755)
        site("chdef", "-t", "osimage", "-o", image, f"postinstall={script}")
    assert "built: " in site("genimage", image)
    assert "nothing to do" in site("genimage", image)
    boot(site, image, f"{distribution.osvers}-x86_64-compute")
    if distribution.osvers == "rocky9.4":
        is_captured_and_boots(site, image)
    site("rpower", "vn1", "off")


def boot(site: Sb, image: str, state: str) -> None:
    """Pack an image, and boot it to the login prompt."""
    digest = re.search(r"^digest:([0-9a-f]{64})$", site("packimage", image), re.MULTILINE)
    assert digest
    assert f"vn1: netboot {state}" in site("nodeset", "vn1", f"osimage={image}")
    site("rpower", "vn1", "boot")
    assert "vn1 login:" in site("rcons", "vn1", "--until", "login:", "--for", "600", timeout_s=630)
    assert re.search(rf"^{digest[1][:8]} .* vn1 +vn1$", site("images", image), re.MULTILINE), "booted and reported"


def is_captured_and_boots(site: Sb, image: str) -> None:
    """Capture the node with what somebody did on it by hand, and boot it from that."""
    before = host_key(site)
    site.ssh("vn1", "echo by hand > /etc/made-by-hand; rm /etc/selinux/config")
    said = site("imgcapture", "vn1", "-t", "diskless", "-o", "taken", "-V", timeout_s=600)
    assert "  added    /etc/made-by-hand\n" in said and "  removed  /etc/selinux/config\n" in said, said
    assert re.search(rf"^files and packages that differ from {image}@[0-9a-f]{{8}}: \d+ and 0$", said, re.MULTILINE), (
        said
    )
    tree = Path(site.attribute("osimage", "taken", "rootimgdir")) / "rootimg"
    assert (tree / "var/lib/rpm/rpmdb.sqlite").exists() and not list(tree.glob("etc/ssh/ssh_host_*"))
    boot(site, "taken", "rocky9.4-x86_64-taken")
    assert host_key(site) != before
    assert site.ssh("vn1", "cat /etc/made-by-hand") == "by hand\n"


def host_key(site: Sb) -> str:
    """Return the host key of the node when it has told it, as it does last."""
    until(lambda: "userspace" in site("nodestat", "vn1", "--timeline"), 120, every_s=1)
    return site.ssh("vn1", "cat /etc/ssh/ssh_host_ed25519_key.pub")
