"""Whole images of other releases than the host's: Debian 13 from its mirror, Ubuntu from one that looks like its."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from debs import KERNELS, copy_base, index, make_deb, make_repository, pkgdir
from serving import serving
from smallbuild import assert_nothing_left, define
from ubuntumirror import make_mirror

from sbkernel.errors import BuildError
from sbkernel.images.genimage import genimage, plan_genimage
from sbkernel.images.packimage import packimage
from sbkernel.images.tree import installed
from sbkernel.packages import manifest
from sbkernel.site import Site

KERNELVER = "6.8.0-31-generic"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site.open(tmp_path_factory.mktemp("releases") / "site") as site:
        yield site


def text_of(tree: Path, name: str) -> str:
    return (tree / name).read_text()


def test_debian_13_from_its_mirror(site: Site, tmp_path: Path) -> None:
    make_repository(tmp_path)
    # As in Debian 11: a unit that nothing starts by itself.
    unit = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
    make_deb(tmp_path, "own-resolved", {"usr/lib/systemd/system/systemd-resolved.service": unit})
    index(tmp_path)
    listed = tmp_path / "small.pkglist"
    listed.write_text(f"own-later\nown-resolved\nlinux-image-{KERNELS[0]}\nsystemd-sysv\n")
    define(site, "trixie", listed, pkgdir(tmp_path, "trixie"), osvers="debian13")
    result = genimage(site, "trixie")
    tree = Path(str(result["rootimgdir"])) / "rootimg"
    assert "VERSION_CODENAME=trixie" in text_of(tree, "etc/os-release")
    assert [str((tree / name).readlink()) for name in ("bin", "sbin", "lib")] == ["usr/bin", "usr/sbin", "usr/lib"]
    wanted = tree / "etc/systemd/system/multi-user.target.wants"
    assert {"systemd-networkd.service", "systemd-resolved.service"} <= {path.name for path in wanted.iterdir()}
    assert (tree / "etc/resolv.conf").readlink() == Path("/run/systemd/resolve/stub-resolv.conf")
    assert (tree / "etc/machine-id").read_bytes() == b""
    assert "usr-is-merged" not in {one.name for one in installed.of_tree(tree).packages}
    sources = text_of(tree, "etc/apt/sources.list.d/image.sources")
    assert "Suites: trixie\n" in sources and str(tmp_path) not in sources
    assert plan_genimage(site, "trixie").pending == ()
    assert_nothing_left(site)


def test_ubuntu_from_a_mirror_that_looks_like_it(site: Site, tmp_path: Path) -> None:
    base, mirror = tmp_path / "base", tmp_path / "mirror"
    base.mkdir()
    copy_base(site, base)
    key = make_mirror(mirror, base.glob("*.deb"), tmp_path / "keys", KERNELVER)
    listed = tmp_path / "small.pkglist"
    listed.write_text("linux-image-generic\nown-universe\n")
    with serving(mirror) as port:
        url = f"http://127.0.0.1:{port}"
        define(site, "noble", listed, url, osvers="ubuntu24.04.1")
        with pytest.raises(BuildError, match="the package sources cannot be trusted") as caught:
            plan_genimage(site, "noble")
        assert "gpgkey=" in str(caught.value.hint)
        site.set("osimage", "noble", pkgdir=f"{url} gpgkey={key}")
        result = genimage(site, "noble")
        assert plan_genimage(site, "noble").pending == ()
    assert result["kernelver"] == KERNELVER
    tree = Path(str(result["rootimgdir"])) / "rootimg"
    found = manifest.from_json(text_of(tree.parent, "manifest.json"), Path("manifest.json"))
    assert {"linux-image-generic", "own-universe", "dpkg"} <= {one.name for one in found.packages}
    sources = text_of(tree, "etc/apt/sources.list.d/image.sources")
    assert (
        f"Types: deb\nURIs: {url}\nSuites: noble\nComponents: main universe\nSigned-By: /etc/apt/keyrings/image-1.asc\n"
        == sources
    )
    assert (tree / "etc/apt/keyrings/image-1.asc").read_bytes() == key.read_bytes()
    assert (tree / "bin").is_symlink()
    assert_nothing_left(site)
    packed = packimage(site, "noble")
    assert (packed["packages"], packed["cached"]) == (len(found), False)
    assert packimage(site, "noble")["cached"]
