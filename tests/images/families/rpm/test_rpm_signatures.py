"""Whose packages are taken: those signed by a key that the site has named, or that came with the medium."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rpmbase import open_image
from rpmkeys import new_key, sign
from rpms import make_repository, make_rpm

from sbkernel.errors import BuildError
from sbkernel.images.families.rpm.manager import RpmManager
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site

REPORT = NullReport()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site.open(tmp_path_factory.mktemp("site") / "it has blanks") as site:
        yield site


def fetch(manager: RpmManager) -> None:
    manager.fetch(manager.resolve(REPORT), REPORT)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A key to sign with, below a directory of its own; its public half beside it."""
    yield from new_key(tmp_path_factory.mktemp("key"))


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield from new_key(tmp_path_factory.mktemp("another"))


def test_signed_packages_are_taken_and_others_refused(site: Site, key: Path, tmp_path: Path) -> None:
    place = tmp_path / "signed"
    good = make_rpm(place, "good")
    sign(key, good)
    make_rpm(place, "unsigned")
    make_repository(place)
    with_key = f"{place} gpgkey={key / 'public'}"
    manager = open_image(site, with_key, "good\n")
    fetch(manager)
    manager = open_image(site, with_key, "good\nunsigned\n")
    with pytest.raises(BuildError, match=f"not signed by a key of file://{place}: unsigned=1.0-1:x86_64") as caught:
        fetch(manager)
    assert "gpgcheck=0" in str(caught.value.hint)
    blind = open_image(site, f"{with_key} gpgcheck=0", "good\nunsigned\n")
    fetch(blind)
    assert not blind.inputs(blind.resolve(REPORT))["keys"]
    shutil.copy(key / "public", place / "RPM-GPG-KEY-test")
    medium = open_image(site, str(place), "unsigned\n")
    with pytest.raises(BuildError, match="not signed by a key"):
        fetch(medium)


def test_a_wrong_key_and_one_that_is_none_are_refused(site: Site, key: Path, another: Path, tmp_path: Path) -> None:
    place = tmp_path / "signed"
    sign(key, make_rpm(place, "good"))
    make_repository(place)
    other = tmp_path / "other"
    other.write_text("no key\n")
    manager = open_image(site, f"{place} gpgkey={other}", "good\n")
    with pytest.raises(BuildError, match="other is no public key that rpm can read"):
        fetch(manager)
    manager = open_image(site, f"{place} gpgkey={another / 'public'}", "good\n")
    with pytest.raises(BuildError, match=r"not signed by a key of .*: good=1\.0-1"):
        fetch(manager)
    both = open_image(site, f"{place} gpgkey={other} gpgkey={another / 'public'} gpgkey={key / 'public'}", "good\n")
    fetch(both)


def test_a_package_that_was_changed_after_it_was_signed_is_refused(site: Site, key: Path, tmp_path: Path) -> None:
    place = tmp_path / "signed"
    package = make_rpm(place, "good")
    sign(key, package)
    data = bytearray(package.read_bytes())
    data[-20] ^= 1
    package.write_bytes(data)
    make_repository(place)
    with pytest.raises(BuildError, match=r"not signed by a key of .*: good=1\.0-1"):
        fetch(open_image(site, f"{place} gpgkey={key / 'public'}", "good\n"))


def test_nodes_get_the_keys_of_the_repositories_that_they_can_reach(site: Site, key: Path) -> None:
    laid = open_image(site, f"http://mirror.invalid/9/BaseOS/x86_64/os gpgkey={key / 'public'}", "x\n").laid()
    assert laid["etc/pki/rpm-gpg/image-BaseOS-1"] == (key / "public").read_bytes()
    assert b"gpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/image-BaseOS-1\n" in laid["etc/yum.repos.d/image.repo"]
