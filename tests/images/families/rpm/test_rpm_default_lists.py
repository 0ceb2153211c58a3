"""The lists that we ship for distributions of rpm packages: found by osvers, whole with what they include."""

import pytest
from shippedlists import shipped

from sbkernel.images.families import family_of
from sbkernel.images.families.package_manager import Request
from sbkernel.lists import exlist, pkglist


@pytest.mark.parametrize("role", ["compute", "service"])
@pytest.mark.parametrize(
    "osvers", ["rhels8.10", "rhels9.4", "rocky9.4", "alma9.4", "centos9", "ol10.0", "fedora42", "sles15.6", "leap15.6"]
)
def test_every_release_has_lists_for_both_roles(osvers: str, role: str) -> None:
    packages = pkglist.load([shipped(osvers, role, "pkglist")])
    assert {"systemd", "tar", "coreutils"} <= set(packages.packages)
    assert {"kernel", "kernel-default"} & set(packages.packages)
    assert ("nginx" in packages.packages) == (role == "service")
    assert packages.diagnostics == ()
    request = Request({"osvers": osvers, "osarch": "x86_64"}, packages)
    assert list(family_of(osvers).remarks(request)) == []
    patterns = exlist.read([shipped(osvers, role, "exlist")])
    assert "./usr/share/man/*" in patterns.exclude
    assert patterns.diagnostics == ()
