"""A container image becomes a booted node, as an administrator types it: defined, changed in a shell, built, booted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from containers import make_container
from debs import index, make_deb

from .conftest import Sb

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

IMAGE, NODE = "contained", "vn3"


@pytest.fixture(scope="module")
def container(sb: Sb, first_demo: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A container that umoci has made of the tree of the demo, whose kernel is in it."""
    tree = next(sb.site.glob("install/netboot/debian12/x86_64/*/rootimg"))
    return make_container(tree, tmp_path_factory.mktemp("container") / "layout")


@pytest.fixture
def image(sb: Sb, container: str, tmp_path: Path) -> Iterator[str]:
    packages = tmp_path / "packages"
    packages.mkdir()
    make_deb(packages, "own-greeting", {"etc/greeting": "from a package\n"})
    index(packages)
    listed = tmp_path / "contained.pkglist"
    listed.write_text("own-greeting\n")
    what = ["osvers=debian12", "osarch=x86_64", f"profile={IMAGE}", "provmethod=netboot", "imagetype=linux"]
    sb("mkdef", "-t", "osimage", "-o", IMAGE, *what, f"pkglist={listed}", f"pkgdir={container},{packages}")
    assert container in sb.attribute("osimage", IMAGE, "pkgdir")
    yield IMAGE
    sb("rpower", NODE, "off", status=None)
    sb("rmvm", NODE, status=None)
    sb("rmdef", "-t", "osimage", "-o", IMAGE)


def test_a_container_becomes_a_booted_node(sb: Sb, image: str, container: str, tmp_path: Path) -> None:
    planned = sb("genimage", image, "--dry-run")
    assert f"on {container}@sha256:" in planned
    assert "built: " in sb("genimage", image)
    changed = sb("shell", "--keep", f"{tmp_path}/motd.sh", image, "--", "sh", "-c", "echo tried in a shell > /etc/motd")
    assert "/etc/motd" in changed
    assert "postinstall" in sb("genimage", image)
    assert "nothing to do" in sb("genimage", image)
    sb("packimage", image)
    assert container in sb("images", image, "--why")
    sb("mkvm", NODE)
    sb("nodeset", NODE, f"osimage={image}")
    sb("rpower", NODE, "boot")
    assert f"{NODE} login:" in sb("rcons", NODE, "--until", "login:", "--for", "600", timeout_s=630)
    assert sb.ssh(NODE, "cat /etc/greeting /etc/motd") == "from a package\ntried in a shell\n"
    assert "ii  own-greeting" in sb.ssh(NODE, "dpkg -l own-greeting")
