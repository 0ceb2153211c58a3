"""--security-only: the real apt between archives that say of themselves what they are, and one that does not."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from debs import NO_LIST, archive

from sbkernel.errors import BuildError
from sbkernel.images.families import family_of
from sbkernel.images.families.debian.security import Offer, offers, security_indexes
from sbkernel.images.families.package_manager import Request
from sbkernel.jobs.report import NullReport
from sbkernel.lists import pkglist
from sbkernel.site import Site

POLICY = """\
Package files:
 100 /var/lib/dpkg/status
     release a=now
 500 http://deb.debian.org/debian-security bookworm-security/main amd64 Packages
     release v=12,o=Debian,a=oldstable-security,n=bookworm-security,l=Debian-Security,c=main,b=amd64
     origin deb.debian.org
 500 http://deb.debian.org/debian bookworm-updates/main amd64 Packages
     release v=12-updates,o=Debian,a=oldstable-updates,n=bookworm-updates,l=Debian,c=main,b=amd64
 500 http://archive.example/ubuntu noble-security/universe amd64 Packages
     release v=24.04,o=Ubuntu,a=noble-security,n=noble,l=Ubuntu,c=universe,b=amd64
  -1 copy:/srv/own ./ Packages
     release o=Own,l=our security fixes,c=
Pinned packages:
     curl -> 7.88.1 with priority 1001
"""


def test_archives_say_by_suite_label_or_origin_that_they_are_for_security() -> None:
    assert security_indexes(POLICY) == {
        "http://deb.debian.org/debian-security bookworm-security/main amd64 Packages",
        "http://archive.example/ubuntu noble-security/universe amd64 Packages",
        "copy:/srv/own ./ Packages",
    }
    assert security_indexes("") == set()


def test_what_indexes_offer_is_read_line_by_line() -> None:
    text = "      curl | 7.88.1-10 | http://m bookworm/main amd64 Packages\ncurl | 8 | http://m x/main Sources\nodd\n"
    assert offers(text) == {"curl": [Offer("7.88.1-10", "http://m bookworm/main amd64 Packages")]}


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    """A distribution with its security archive: what is there now of an image that had 1.0 of everything."""
    top = tmp_path / "mirror"
    base = {"Essential": "yes", "Priority": "required"}
    archive(top, "bookworm", {"dpkg": base, "tool": {"Depends": "lib"}, "lib": {}, "keep": {}}, "Debian")
    archive(top, "bookworm", {"tool": {"Version": "1.5", "Depends": "lib"}, "keep": {"Version": "1.5"}}, "Debian")
    fixed = {"lib": {"Version": "1.0+deb12u1", "Depends": "helper"}, "helper": {}}
    archive(top, "bookworm-security", fixed, "Debian-Security")
    return top


def resolved(site: Site, top: Path, installed: Mapping[str, str]) -> dict[str, str]:
    pkgdir = ",".join(f"copy:{top} {suite} main gpgcheck=0" for suite in ("bookworm", "bookworm-security"))
    request = Request(
        {"osvers": "debian12", "osarch": "x86_64", "pkgdir": pkgdir}, pkglist.parse("tool\nkeep\n"), NO_LIST
    )
    found = family_of("debian12").open(site, request).resolve_security(installed, NullReport())
    return {one.name: one.version for one in found.packages}


def test_only_what_the_security_archive_has_newer_changes_and_what_that_needs_comes(
    tmp_path: Path, archives: Path
) -> None:
    installed = dict.fromkeys(("dpkg", "tool", "lib", "keep"), "1.0")
    with Site.open(tmp_path / "site") as site:
        wanted_now = {"dpkg": "1.0", "tool": "1.0", "lib": "1.0+deb12u1", "keep": "1.0", "helper": "1.0"}
        assert resolved(site, archives, installed) == wanted_now
        assert resolved(site, archives, wanted_now) == wanted_now
        assert resolved(site, archives, {**wanted_now, "keep": "1.5"}) == {**wanted_now, "keep": "1.5"}


def test_a_version_that_nobody_has_any_more_is_told(tmp_path: Path, archives: Path) -> None:
    with Site.open(tmp_path / "site") as site, pytest.raises(BuildError) as caught:
        resolved(site, archives, {"tool": "0.9", "lib": "1.0", "dpkg": "1.0"})
    assert "no source has the present version any more of:\n  tool 0.9 (there is 1.5)" in caught.value.message
    assert "without --security-only" in str(caught.value.hint)


def test_sources_of_which_none_is_for_security_are_told(tmp_path: Path, archives: Path) -> None:
    attributes = {"osvers": "debian12", "osarch": "x86_64", "pkgdir": f"copy:{archives} bookworm main gpgcheck=0"}
    with Site.open(tmp_path / "site") as site, pytest.raises(BuildError) as caught:
        family_of("debian12").open(site, Request(attributes, pkglist.parse("tool\n"), NO_LIST)).resolve_security(
            {"tool": "1.0"}, NullReport()
        )
    assert f"no source is a security archive:\n  copy:{archives} bookworm" in caught.value.message
