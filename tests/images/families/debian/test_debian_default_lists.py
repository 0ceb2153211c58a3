"""The lists that we ship for Debian and Ubuntu: found by osvers, whole with what they include."""

import pytest
from shippedlists import shipped

from sbkernel.images.families import family_of
from sbkernel.images.families.package_manager import Request
from sbkernel.lists import exlist, pkglist


@pytest.mark.parametrize("role", ["compute", "service"])
@pytest.mark.parametrize(
    "osvers", ["debian11", "debian12", "debian12.5", "debian13", "ubuntu20.04", "ubuntu22.04.5", "ubuntu24.04.1"]
)
def test_every_release_has_lists_for_both_roles(osvers: str, role: str) -> None:
    packages = pkglist.load([shipped(osvers, role, "pkglist")])
    assert {"systemd-sysv", "openssh-server", "tar"} <= set(packages.packages)
    assert ("linux-image-generic" if osvers.startswith("ubuntu") else "linux-image-amd64") in packages.packages
    assert ("nginx-light" in packages.packages) == (role == "service")
    assert packages.diagnostics == ()
    request = Request({"osvers": osvers, "osarch": "x86_64"}, packages)
    assert list(family_of(osvers).remarks(request)) == []
    patterns = exlist.read([shipped(osvers, role, "exlist")])
    assert "./usr/share/man/*" in patterns.exclude
    assert patterns.diagnostics == ()
    assert ("./usr/lib/firmware/amdgpu*" in patterns.exclude) == osvers.startswith("ubuntu")
